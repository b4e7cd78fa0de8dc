"""Resources without a drawing: a compact table, one line each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from connector.model import Resource
from connector.report.page.card import badges
from connector.report.page.link import link_of
from connector.report.page.markup import Markup, name_of, tag
from connector.report.page.words import amount, in_use
from connector.report.passes import ResourceReport

_HEADINGS = (
    "Resource",
    "State",
    "Role here / peer",
    "Disk here / peer",
    "Here",
    "Out of sync",
    "Decision",
)
_MOST_DISKS = 4


def listing(items: Sequence[ResourceReport], caption: str) -> Markup:
    """The table in a frame of its own that scrolls across where the window is narrow."""
    head = tag("thead", tag("tr", *(tag("th", word, scope="col") for word in _HEADINGS)))
    body = tag("tbody", *(_row(item) for item in items))
    table = tag("table", tag("caption", caption), head, body)
    return tag("div", table, class_="listing", role="region", tabindex=0, aria_label=caption)


def _row(item: ResourceReport) -> Markup:
    seen = item.after
    cells = (
        tag("td", *_spaced(badges(item, link_of(seen)))),
        tag("td", f"{seen.role or 'not known'} / {seen.peer_role or 'not known'}"),
        tag("td", _disks(seen)),
        tag("td", in_use(seen.in_use)),
        tag("td", amount(seen.out_of_sync_kib), class_="number"),
        tag("td", tag("code", item.decision.name)),
    )
    return tag("tr", tag("th", name_of(item.resource.name), scope="row"), *cells)


def _spaced(parts: Iterator[Markup]) -> Iterator[str]:
    for place, part in enumerate(parts):
        yield " " if place else ""
        yield part


def _disks(resource: Resource) -> str:
    """Each pair of states once: most volumes are like their neighbours."""
    devices = [volume.device for volume in resource.volumes]
    pairs = dict.fromkeys(
        f"{device.disk or 'not known'} / {device.peer_disk or 'not known'}" if device else "not up"
        for device in devices
    )
    shown = list(pairs)[:_MOST_DISKS]
    return ", ".join([*shown, "and others"] if len(pairs) > len(shown) else shown)
