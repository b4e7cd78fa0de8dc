"""The whole page from one value, and the page that says why there is none. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from connector import __version__
from connector.report.page.card import Moment, card
from connector.report.page.listing import listing
from connector.report.page.markup import Markup, name_of, sentence, tag
from connector.report.page.order import MOST_DRAWN, Group, groups
from connector.report.page.past import last_actions
from connector.report.page.samples import Point, points
from connector.report.page.style import CSS, CSS_SOURCE
from connector.report.page.summary import TITLES, head, title, untold
from connector.report.page.view import PageView
from connector.report.page.words import how_many

REFRESH_S = 15
CONTENT_TYPE = "text/html; charset=utf-8"
# No script, nothing from elsewhere, in nobody's frame; the one style sheet by its hash.
HEADERS = {
    "Content-Security-Policy": (
        f"default-src 'none'; style-src {CSS_SOURCE}; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


def page(view: PageView) -> str:
    """The page as text; the same view gives the same page."""
    found = groups(view.resources)
    numbers = Counter({group.urgency: group.number for group in found})
    drawn = {item.resource.name for group in found for item in group.drawn}
    series = points(view.samples, drawn)
    sections = [_section(group, view, series) for group in found]
    if not sections and not view.messages:
        sections = [tag("p", "No DRBD resources are up or configured here.")]
    body = (head(view, numbers), tag("main", *_crowded(found), untold(view), *sections))
    return _document(title(view, numbers), *body)


def failure(why: str, node: str) -> str:
    """The page where the look failed, with the sentence that says why."""
    name = name_of(node)
    shown = tag(
        "section",
        tag("h2", "The look at DRBD failed"),
        tag("p", sentence(why)),
        tag("p", f"connector {__version__}; tries again every {REFRESH_S} s", class_="small"),
        class_="untold",
    )
    body = (tag("header", tag("h1", name)), tag("main", shown))
    return _document(f"look failed - {name} - connector", *body)


def _crowded(found: Sequence[Group]) -> Iterator[Markup]:
    """That not all are drawn, where that is so."""
    number, drawn = sum(group.number for group in found), sum(len(group.drawn) for group in found)
    if drawn < number:
        words = (
            f"{drawn} of {number} resources are drawn, the most urgent ones; tables have the rest."
        )
        yield tag("p", words, class_="crowded")


def _section(group: Group, view: PageView, series: dict[str, tuple[Point, ...]]) -> Markup:
    now = Moment(view.now_wall_s, view.now_boot_s)
    heading = f"{TITLES[group.urgency][0]}: {how_many(group.number, 'resource')}"
    cards = [
        card(item, last_actions(view.past, item.resource.name), series[item.resource.name], now)
        for item in group.drawn
    ]
    return tag(
        "section",
        tag("h2", heading),
        tag("div", *cards, class_="cards") if cards else "",
        *_rest(group),
    )


def _rest(group: Group) -> Iterator[Markup]:
    """Those without a drawing, and that there are such."""
    if group.listed:
        number = how_many(len(group.listed), "resource")
        yield listing(
            group.listed, f"{number} without a drawing: a page has at most {MOST_DRAWN} of them"
        )
    if group.left_out:
        more = f"{group.left_out} more are not shown; connector status and the metrics have them."
        yield tag("p", more)


def _document(tab: str, *body: Markup) -> str:
    top = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="refresh", content=REFRESH_S),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", tab),
        tag("style", Markup(CSS)),
    )
    return f"<!DOCTYPE html>\n{tag('html', top, tag('body', *body), lang='en')}\n"
