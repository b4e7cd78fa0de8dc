"""The pair as a picture: this node, the peer, and what is between them. SVG, pure.

Places across are in percent and sizes in pixels: the picture takes the width that there is, and its
text stays as large as the page's. All words in it but a peer's name are DRBD's, so none is too long
for it; a name is cut off where its box ends.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from connector.model import DiskState, Resource, Role, Volume
from connector.report.page.link import Flow, Form, Link
from connector.report.page.markup import Markup, joined, name_of, tag
from connector.report.page.words import how_many, in_use

MOST_VOLUMES = 4
_TOP_PX, _VOLUME_PX, _PAD_PX = 78, 24, 10
_SIDE, _GAP = 41, 18  # percent of the width: a side, and what is between the two
_HERE, _THERE, _MIDDLE = "this node", "peer", "50%"

# The class says how good a state is; the word beside it says so too, and the outline.
_DISK_CLASS: dict[DiskState | None, str] = {
    None: "unknown",
    DiskState.DUNKNOWN: "unknown",
    DiskState.UP_TO_DATE: "good",
    **dict.fromkeys((DiskState.DISKLESS, DiskState.FAILED, DiskState.DETACHING), "bad"),
}


@dataclass(frozen=True, slots=True)
class _Side:
    """One of the two boxes; `left` in percent."""

    title: str
    left: int
    role: Role | None
    use: str
    disks: tuple[str, ...]
    classes: tuple[str, ...]
    more: int

    @property
    def sure(self) -> bool:
        return self.role not in (None, Role.UNKNOWN)

    @property
    def in_words(self) -> str:
        disks = ", ".join(self.disks) + (f" and {self.more} more" if self.more else "")
        return f"{self.title} {_role(self.role)}, {self.use}, disk {disks or 'not known'}"


def pair(resource: Resource, link: Link) -> Markup:
    """The picture, with all of it in words as its label."""
    shown, more = resource.volumes[:MOST_VOLUMES], len(resource.volumes[MOST_VOLUMES:])
    here = _side(_HERE, 0, resource.role, in_use(resource.in_use), shown, more)
    peer = f"{_THERE} {name_of(resource.peer or '?')}" if resource.several else _THERE
    there = _side(peer, _SIDE + _GAP, resource.peer_role, "use not seen", shown, more)
    lines = len(shown) + (1 if more else 0)
    height = _TOP_PX + _VOLUME_PX * max(1, lines) + _PAD_PX
    label = f"{here.in_words}; {link.state}: {link.words}; {there.in_words}"
    return tag(
        "svg",
        *(part for side in (here, there) for part in _box(side, height)),
        *_FORMS[link.form](link, height / 2),
        class_="pair",
        width="100%",
        height=height + 2,
        role="img",
        aria_label=label,
    )


def _side(
    title: str, left: int, role: Role | None, use: str, volumes: tuple[Volume, ...], more: int
) -> _Side:
    here = title == _HERE
    states = [
        (volume.device.disk if here else volume.device.peer_disk) if volume.device else None
        for volume in volumes
    ]
    words = tuple(
        (f"{volume.volume}: " if len(volumes) > 1 else "") + (state or "not known")
        for volume, state in zip(volumes, states, strict=True)
    )
    classes = tuple(_DISK_CLASS.get(state, "warn") for state in states)
    return _Side(title, left, role, use, words, classes, more)


def _role(role: Role | None) -> str:
    return role or "not known"


def _box(side: _Side, height: int) -> Iterator[Markup]:
    """The outline, and the text in a frame of its own that cuts off what is too wide."""
    kind = "side primary" if side.role is Role.PRIMARY else "side"
    yield tag(
        "rect",
        x=f"{side.left + 0.3}%",
        y=2,
        width=f"{_SIDE - 0.6}%",
        height=height - 2,
        rx=8,
        class_=kind if side.sure else f"{kind} unsure",
    )
    texts = [
        tag("text", side.title, x=12, y=22, class_="small"),
        tag("text", _role(side.role), x=12, y=43, class_="role"),
        tag("text", side.use, x=12, y=62, class_="small"),
    ]
    for number, (words, kind) in enumerate(zip(side.disks, side.classes, strict=True)):
        y = _TOP_PX + _VOLUME_PX * number
        texts += [_cylinder(y, kind), tag("text", words, x=33, y=y + 14)]
    if side.more:
        y = _TOP_PX + _VOLUME_PX * len(side.disks)
        texts.append(tag("text", f"and {how_many(side.more, 'volume')}", x=12, y=y + 14))
    yield tag("svg", *texts, x=f"{side.left}%", y=0, width=f"{_SIDE}%", height=height)


def _cylinder(y: int, kind: str) -> Markup:
    """A disk: a line through it where it is of no use."""
    body = f"M12 {y + 3}v12c0 4 15 4 15 0v-12c0-4-15-4-15 0c0 4 15 4 15 0"
    cross = f"M10 {y + 18}l19-18" if kind == "bad" else ""
    return tag("path", d=body + cross, class_=f"disk {kind}")


_LEFT, _RIGHT = f"{_SIDE}%", f"{_SIDE + _GAP}%"


def _line(x1: str, x2: str, y: float, kind: str) -> Markup:
    return tag("line", x1=x1, x2=x2, y1=f"{y:g}", y2=f"{y:g}", class_=f"link {kind}")


def _middle(y: float, *parts: Markup) -> Markup:
    """Shapes around the middle of the line, which is their 0 0."""
    return tag("svg", *parts, x=_MIDDLE, y=f"{y:g}", overflow="visible", width=1, height=1)


def _solid(_link: Link, y: float) -> Iterator[Markup]:
    yield _line(_LEFT, _RIGHT, y, "good")
    yield _middle(
        y,
        tag("circle", r=12, class_="knot good"),
        tag("path", d="M-5 0l4 4 7-8", class_="mark good"),
    )


def _syncing(link: Link, y: float) -> Iterator[Markup]:
    """The line with the way the data goes, the percentage above and a bar below."""
    yield _line(_LEFT, _RIGHT, y, "info")
    if link.flow is not None:
        turned = "" if link.flow is Flow.TO_PEER else " scale(-1 1)"
        heads = "M-13 -7l7 7-7 7M-1 -7l7 7-7 7"
        yield _middle(y, tag("path", d=heads, class_="mark info", transform=turned.strip() or None))
    if link.percent is not None:
        label = f"{link.percent}%"
        yield tag("text", label, x=_MIDDLE, y=f"{y - 16:g}", text_anchor="middle", class_="role")
        yield _bar(link.percent, y + 16)


def _bar(percent: int, y: float) -> Markup:
    done = tag("rect", x=0, y=0, width=f"{percent}%", height=8, class_="done")
    ground = tag("rect", x=0, y=0, width="100%", height=8, class_="ground")
    return tag(
        "svg", joined(ground, done), x=f"{_SIDE + 3}%", y=f"{y:g}", width=f"{_GAP - 6}%", height=8
    )


def _waiting(_link: Link, y: float) -> Iterator[Markup]:
    """This side has its end of the line out; nothing comes from the other one."""
    yield _line(_LEFT, _MIDDLE, y, "warn dashed")
    yield _middle(
        y,
        tag("circle", r=11, class_="knot warn"),
        tag("path", d="M0 -6v6l4 3", class_="mark warn"),
    )


def _broken(_link: Link, y: float) -> Iterator[Markup]:
    yield _line(_LEFT, "46%", y, "bad")
    yield _line("54%", _RIGHT, y, "bad")
    yield _middle(y, tag("path", d="M-8 -8l16 16M-8 8l16 -16", class_="mark bad"))


def _split(_link: Link, y: float) -> Iterator[Markup]:
    """Two ends that do not meet, and a bolt between them."""
    yield _line(_LEFT, "46%", y - 9, "bad")
    yield _line("54%", _RIGHT, y + 9, "bad")
    yield _middle(y, tag("path", d="M4 -26l-13 29h9l-4 23 13 -29h-9z", class_="bolt"))


def _diverged(_link: Link, y: float) -> Iterator[Markup]:
    """The line of a connection, with the sign for what is not equal on it."""
    yield _line(_LEFT, _RIGHT, y, "bad")
    yield _middle(
        y,
        tag("circle", r=12, class_="knot bad"),
        tag("path", d="M-6 -3h12M-6 3h12M3 -7l-6 14", class_="mark bad"),
    )


def _between(_link: Link, y: float) -> Iterator[Markup]:
    yield _line(_LEFT, _RIGHT, y, "warn dotted")


def _unknown(_link: Link, y: float) -> Iterator[Markup]:
    yield _line(_LEFT, _RIGHT, y, "plain dotted")
    yield _middle(
        y,
        tag("circle", r=12, class_="knot plain"),
        tag("text", "?", x=0, y=5, text_anchor="middle", class_="role"),
    )


_FORMS: dict[Form, Callable[[Link, float], Iterator[Markup]]] = {
    Form.SOLID: _solid,
    Form.SYNCING: _syncing,
    Form.WAITING: _waiting,
    Form.BROKEN: _broken,
    Form.SPLIT: _split,
    Form.DIVERGED: _diverged,
    Form.BETWEEN: _between,
    Form.UNKNOWN: _unknown,
}
