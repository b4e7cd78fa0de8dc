"""One resource with its picture: what is seen, what is decided and why, and what was done."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from connector.act.commands import printable
from connector.decide.table import TABLE
from connector.model import Action as Step
from connector.model import Evidence, Gate, OutcomeKind, Resource
from connector.report.connections import row_of
from connector.report.page.drawing import pair
from connector.report.page.link import Form, Link, link_of
from connector.report.page.markup import Markup, joined, name_of, sentence, tag
from connector.report.page.order import Urgency, urgency
from connector.report.page.past import Action
from connector.report.page.samples import Point
from connector.report.page.sparkline import sparkline
from connector.report.page.words import amount, how_many, lasting, used_by
from connector.report.passes import ResourceReport
from connector.report.past_incidents import clock, done
from connector.report.table_page import rows

MOST_VOLUMES = 8
MOST_PEERS = 8
_BAD = frozenset({OutcomeKind.FAILED, OutcomeKind.DROPPED, OutcomeKind.OUT_OF_TIME})
_COLOR_OF_FORM = {
    Form.SOLID: "good",
    Form.SYNCING: "info",
    Form.BROKEN: "bad",
    Form.SPLIT: "bad",
    Form.DIVERGED: "bad",
    Form.UNKNOWN: "plain",
}
_COLOR_OF_URGENCY = {
    Urgency.NEEDS_OPERATOR: "bad",
    Urgency.UNSETTLED: "warn",
    Urgency.HEALTHY: "good",
}


@dataclass(frozen=True, slots=True)
class Moment:
    """When the look was, on the two clocks of the page's view."""

    wall_s: float
    boot_s: float


def card(
    item: ResourceReport, actions: Sequence[Action], points: Sequence[Point], now: Moment
) -> Markup:
    """The resource as an article with a heading of the third level."""
    link = link_of(item.after)
    return tag(
        "article",
        tag(
            "div",
            tag("h3", tag("span", name_of(item.resource.name)), *badges(item, link)),
            *_links(item.after),
        ),
        tag("dl", *_facts(item, actions, points, now)),
        class_=f"card {_COLOR_OF_URGENCY[urgency(item)]}",
    )


def _links(after: Resource) -> Iterator[Markup]:
    """Each connection as a picture with its words; one on DRBD 8.4, one for each peer on 9."""
    for seen in after.each[:MOST_PEERS]:
        link = link_of(seen)
        yield pair(seen, link)
        yield tag("p", link.words, class_="between")
    more = len(after.each) - MOST_PEERS
    if more > 0:
        yield tag("p", f"and {how_many(more, 'peer')} more", class_="between")


def badges(item: ResourceReport, link: Link) -> Iterator[Markup]:
    """The words that matter most, coloured."""
    if item.needs_operator:
        yield tag("span", "operator needed", class_="badge bad")
    if item.paused:
        yield tag("span", "paused", class_="badge warn")
    yield tag("span", link.state, class_=f"badge {_COLOR_OF_FORM.get(link.form, 'warn')}")


def _facts(
    item: ResourceReport, actions: Sequence[Action], points: Sequence[Point], now: Moment
) -> Iterator[Markup]:
    decision = item.decision
    yield from _fact("Decision", _row_of(item), _with_code(sentence(decision.reason)))
    if decision.gates:
        yield from _fact("Held by", tag("ul", *(tag("li", *_gate(one)) for one in decision.gates)))
    yield from _fact("Next pass", tag("p", *_next_pass(item)))
    for seen in item.after.each:
        if seen.evidence.split_brain:
            yield from _fact("Since the split", tag("p", _since(seen)))
    yield from _fact("In use here by", tag("p", _uses(item.after)))
    yield from _fact("Out of sync", sparkline(points, now.boot_s))
    yield from _fact("Last actions", _actions(actions, now))


def _fact(name: str, *what: Markup) -> Iterator[Markup]:
    yield tag("dt", name)
    yield tag("dd", *what)


def _row_of(item: ResourceReport) -> Markup:
    """The row's name, its place in the table, and what it does."""
    row = row_of(item.resource, item.decision)
    place = TABLE.index(row)
    does = rows()[place][-1].replace("`", "")
    where = f"row {place + 1} of the decision table; its step: {does}"
    return tag("p", tag("code", item.decision.name), " ", tag("span", where, class_="small"))


def _gate(gate: Gate) -> Iterator[str]:
    """Its reason is in the sentence above already."""
    yield tag("code", gate.name)
    yield ": only a person can open it" if gate.operator else ": opens by itself"


def _next_pass(item: ResourceReport) -> Iterator[str]:
    decision = item.decision
    if decision.actions:
        yield "runs "
        yield from _commands(decision.actions)
    elif decision.would:
        yield "runs nothing; without what holds it: "
        yield from _commands(decision.would)
    else:
        yield "watches the state come up" if decision.watch else "runs nothing"


def _commands(steps: Sequence[Step]) -> Iterator[str]:
    for place, step in enumerate(steps):
        yield ", then " if place else ""
        yield tag("code", _command(step))


def _command(step: Step) -> str:
    try:
        return printable(step)
    except ValueError:  # such a name is never handed to drbdadm, so there is no command to show
        return step.kind


def _since(seen: Resource) -> str:
    peer = f"{name_of(seen.peer or '?')}: " if seen.several else ""
    return peer + _changes(seen.evidence)


def _changes(evidence: Evidence) -> str:
    own, peers = amount(evidence.self_changes_kib), amount(evidence.peer_changes_kib)
    return f"changed on this node: {own}; on the peer: {peers} (kernel log, compared volumes)"


def _uses(resource: Resource) -> str:
    shown = resource.volumes[:MOST_VOLUMES]
    told = [
        (f"volume {volume.volume}: " if len(resource.volumes) > 1 else "") + used_by(volume)
        for volume in shown
    ]
    more = len(resource.volumes) - len(shown)
    return "; ".join([*told, f"and {more} more volumes"] if more else told) or "nothing"


def _actions(actions: Sequence[Action], now: Moment) -> Markup:
    if not actions:
        return tag("p", "none in the journal", class_="small")
    return tag("ol", *(tag("li", *_action(action, now)) for action in actions))


def _action(action: Action, now: Moment) -> Iterator[Markup]:
    ago = lasting(now.wall_s - action.at_wall_s)
    yield tag("span", f"{ago} ago", class_="when", title=f"{clock(action.at_wall_s)} UTC")
    who = "a person: " if action.by_person else ""
    failed = action.told.outcome.kind in _BAD
    words = tag("span", sentence(who + done(action.told)), class_="bad" if failed else None)
    yield joined(" ", words)


def _with_code(text: str) -> Markup:
    """What stands between backticks is a command to type."""
    parts = text.split("`")
    if len(parts) % 2 == 0:  # one was cut off
        return tag("p", text)
    return tag("p", *(tag("code", part) if n % 2 else part for n, part in enumerate(parts)))
