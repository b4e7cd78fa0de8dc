"""Reads PromQL as far as names and labels go: which metrics there are, and whether labels fit."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from connector.act.answers import CommandOutcome
from connector.model import ActionKind, DecisionName, Role
from connector.report.metrics import PREFIX
from connector.report.series import CONNECTION_STATES, DISK_STATES, FAMILIES

# What Prometheus and the scrape configuration add to every series.
TARGET_LABELS = frozenset({"instance", "job", "pair"})
OWN = {PREFIX + family.name: frozenset(family.labels) for family in FAMILIES}
OTHERS = {
    "up": frozenset[str](),
    "node_textfile_mtime_seconds": frozenset({"file"}),
    "ALERTS": frozenset({"alertname", "alertstate", "severity"}),
}
# The words that a label may have, where they are given.
WORDS: dict[tuple[str, str], frozenset[str]] = {
    (PREFIX + "connection_state", "state"): frozenset(map(str, CONNECTION_STATES)),
    (PREFIX + "disk_state", "state"): frozenset(map(str, DISK_STATES)),
    (PREFIX + "disk_state", "side"): frozenset({"local", "peer"}),
    (PREFIX + "role", "role"): frozenset(map(str, Role)),
    (PREFIX + "role", "side"): frozenset({"local", "peer"}),
    (PREFIX + "decision", "decision"): frozenset(map(str, DecisionName)),
    (PREFIX + "actions_total", "action"): frozenset(map(str, ActionKind)),
    (PREFIX + "actions_total", "outcome"): frozenset(map(str, CommandOutcome)),
}

# A colon in the name is what tells a recording rule from a metric.
_SELECTOR = re.compile(
    r"(?<![\w:.\"])((?:[a-z]\w*:)?" + PREFIX + r"\w+(?::\w+)?|up|ALERTS|node_textfile_\w+)\b"
    r"(?!\s*\()(\{[^{}]*\})?"
)
_MATCHER = re.compile(r'(\w+)\s*(=~|!~|!=|=)\s*"([^"]*)"')
_GROUPING = re.compile(r"\b(by|without|on|ignoring|group_left|group_right)\s*\(([^()]*)\)")
_STRING = re.compile(r'"[^"]*"')
_ALTERNATIVES = re.compile(r"[\w-]+(?:\|[\w-]+)*")


@dataclass(frozen=True, slots=True)
class Matcher:
    """One condition in braces."""

    label: str
    operator: str
    value: str

    def accepts(self, words: Iterable[str]) -> frozenset[str]:
        """Those of the words that the condition lets through."""
        if "~" in self.operator:
            found = {word for word in words if re.fullmatch(self.value, word)}
        else:
            found = {word for word in words if word == self.value}
        return frozenset(words) - found if self.operator[0] == "!" else frozenset(found)


@dataclass(frozen=True, slots=True)
class Selector:
    """One metric in an expression, with its conditions."""

    metric: str
    matchers: tuple[Matcher, ...]


def selectors(expression: str) -> Iterator[Selector]:
    """Every metric of the expression, in order."""
    for metric, braces in _SELECTOR.findall(expression):
        yield Selector(metric, tuple(Matcher(*found) for found in _MATCHER.findall(braces)))


def problems(expression: str, recorded: Mapping[str, frozenset[str]]) -> list[str]:
    """What is wrong with the names in an expression.

    `recorded` are the recording rules that may be used, with the labels that they leave.
    """
    known = {
        **{name: labels | TARGET_LABELS for name, labels in (OWN | OTHERS).items()},
        **recorded,
    }
    # An alert has the labels of what it is about.
    known["ALERTS"] |= frozenset().union(*OWN.values())
    found = []
    for selector in selectors(expression):
        labels = known.get(selector.metric)
        if labels is None:
            found.append(f"there is no {selector.metric}")
            continue
        found += [
            f"{selector.metric} has no label {matcher.label}"
            for matcher in selector.matchers
            if matcher.label not in labels
        ]
        found += [problem for m in selector.matchers for problem in _words(selector.metric, m)]
    if not found:
        found += _groupings(expression, known)
    return found


def _words(metric: str, matcher: Matcher) -> Iterator[str]:
    """Words that the label never has."""
    words = WORDS.get((metric, matcher.label))
    if words is None:
        return
    if "~" not in matcher.operator or _ALTERNATIVES.fullmatch(matcher.value):
        wrong = set(matcher.value.split("|")) - words
        yield from (f"{metric} has no {matcher.label} {word}" for word in sorted(wrong))
    elif not any(re.fullmatch(matcher.value, word) for word in words):
        yield f"{metric} has no {matcher.label} like {matcher.value}"


def _groupings(expression: str, known: Mapping[str, frozenset[str]]) -> Iterator[str]:
    """Labels in by(), without(), on() and the like that nothing there has.

    by() and without() stand before what they are about; the others look at both sides.
    """
    plain = _STRING.sub(lambda match: '"' + "_" * (len(match[0]) - 2) + '"', expression)
    for match in _GROUPING.finditer(plain):
        part = expression
        if match[1] in ("by", "without"):
            part = _parenthesis(expression, plain, match.end())
        has = frozenset().union(*(known[selector.metric] for selector in selectors(part)))
        for label in re.findall(r"\w+", match[2]):
            if label not in has:
                yield f"{match[1]} ({label}): nothing there has that label"


def _parenthesis(expression: str, plain: str, start: int) -> str:
    """What stands between the parentheses that begin next."""
    begin = plain.index("(", start)
    assert not plain[start:begin].strip(), f"by() stands after its aggregation in {expression!r}"
    depth = 0
    for position in range(begin, len(plain)):
        depth += {"(": 1, ")": -1}.get(plain[position], 0)
        if depth == 0:
            return expression[begin : position + 1]
    raise AssertionError(f"a parenthesis is left open in {expression!r}")


def labels_left(expression: str) -> frozenset[str]:
    """The labels that the first aggregation leaves; it must have a by()."""
    found = re.search(r"\b(?:sum|min|max|count) by \(([^()]*)\)", expression)
    assert found, f"no aggregation by labels in {expression!r}"
    return frozenset(re.findall(r"\w+", found[1]))
