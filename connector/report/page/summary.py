"""The head of the page: how many resources need what, when a pass last was, what is not known."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from connector.report.page.markup import Markup, name_of, sentence, tag
from connector.report.page.order import Urgency
from connector.report.page.view import PageView
from connector.report.page.words import how_many, lasting
from connector.report.past_incidents import clock

MOST_MESSAGES = 20
LATE_S = 600.0  # passes come every minute; the alert in docs/metrics.md waits as long

# What a resource of each urgency is, as a heading and in a tile, and its colour.
TITLES: dict[Urgency, tuple[str, str]] = {
    Urgency.NEEDS_OPERATOR: ("Operator needed", "bad"),
    Urgency.UNSETTLED: ("Not settled", "warn"),
    Urgency.HEALTHY: ("Healthy", "good"),
}


def head(view: PageView, numbers: Counter[Urgency]) -> Markup:
    """The node's name, where the page comes from, and the tiles."""
    origin = [
        f"DRBD {view.driver or 'of an unknown version'}",
        f"connector {view.version}",
        f"seen {clock(view.now_wall_s)} UTC",
        "looks again every 15 s",
    ]
    links = tag("a", "metrics", href="metrics")
    return tag(
        "header",
        tag("h1", name_of(view.node)),
        tag("p", " · ".join(origin), " · ", links, class_="small"),
        tag("ul", *_counts(numbers), *_passes(view), class_="tiles"),
    )


def title(view: PageView, numbers: Counter[Urgency]) -> str:
    """What a tab of the browser shows: the worst first."""
    for one in (Urgency.NEEDS_OPERATOR, Urgency.UNSETTLED):
        if numbers[one]:
            return f"{numbers[one]} {TITLES[one][0].lower()} - {name_of(view.node)} - connector"
    return f"{name_of(view.node)} - connector"


def _counts(numbers: Counter[Urgency]) -> Iterator[Markup]:
    for one, (words, color) in TITLES.items():
        yield _tile(str(numbers[one]), words.lower(), color if numbers[one] else "none")


def _passes(view: PageView) -> Iterator[Markup]:
    last = view.last_pass
    if last is None:
        yield _tile("none", "no pass is on record", "warn")
        return
    age_s = view.now_wall_s - last.at_wall_s
    late = age_s > LATE_S
    words = (
        "since the last pass, overdue: does nothing start them?" if late else "since the last pass"
    )
    yield _tile(lasting(age_s), words, "warn" if late else "none")
    if last.success_wall_s is None:
        yield _tile("never", "has a pass succeeded", "warn")
    else:
        success_s = view.now_wall_s - last.success_wall_s
        late = success_s > LATE_S
        words = "since the last success, overdue" if late else "since the last success"
        yield _tile(lasting(success_s), words, "warn" if late else "none")


def _tile(value: str, words: str, color: str) -> Markup:
    return tag("li", tag("b", value), " ", words, class_=f"tile {color}")


def untold(view: PageView) -> Markup:
    """What could not be read, as a section; nothing where all could be."""
    messages: Sequence[str] = [*view.messages, *filter(None, [view.past.problem])]
    if not messages:
        return Markup()
    shown = messages[:MOST_MESSAGES]
    more = len(messages) - len(shown)
    items = [tag("li", sentence(line)) for line in shown]
    if more:
        items.append(tag("li", f"and {how_many(more, 'message')} more"))
    heading = tag("h2", "Not everything could be told")
    return tag("section", heading, tag("ul", *items), class_="untold")
