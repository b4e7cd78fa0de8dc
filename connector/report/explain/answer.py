"""What the decision table says of a saved state, under each mode and for each assumption. Pure.

A file does not tell everything that a decision rests on. What it leaves out was said by a person,
or is assumed; for every assumption the decision is made again with the alternatives.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from connector.decide.context import Context, Policy
from connector.decide.policy import decide
from connector.decide.table import TABLE
from connector.model import Decision, Mode, Resource
from connector.report.connections import row_of

PAUSED = "a pause that was said on the command line"


class About(StrEnum):
    """What a file may leave out."""

    NAME = "name"
    USE = "in-use"
    EVIDENCE = "evidence"
    HANDSHAKE = "handshake"
    LASTED = "lasted"
    AFTER_SB = "after-sb"
    MANAGED = "managed"
    PAUSE = "pause"
    ATTEMPTS = "attempts"
    DISCARD = "discard"


class Source(StrEnum):
    """Where something is known from."""

    FILE = "file"
    SAID = "said"
    ASSUMED = "assumed"


@dataclass(frozen=True, slots=True)
class Recorded:
    """What the pass decided that wrote the record; None: the record does not say."""

    at: str | None
    decision: str | None
    gates: tuple[str, ...] | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class Seen:
    """One resource as far as a file tells of it, and which of the rest it tells.

    `line` counts from 1; None where it is not about one line. `log_now_s` is the present on the
    clock of the evidence.
    """

    resource: Resource
    told: frozenset[About] = frozenset()
    line: int | None = None
    log_now_s: float = 0.0
    recorded: Recorded | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """Everything that a decision rests on, but for the mode. Times in seconds as in `Context`."""

    resource: Resource
    policy: Policy = Policy()
    lasted_s: float | None = None
    log_now_s: float = 0.0
    attempts: int = 0
    paused: bool = False
    discard_pending: bool = False

    def decide(self, mode: Mode) -> Decision:
        """The decision of a pass in this mode."""
        return decide(self.resource, self.context(mode))

    def context(self, mode: Mode) -> Context:
        """What that decision knows besides the resource."""
        return Context(
            policy=replace(self.policy, mode=mode),
            attempts=self.attempts,
            picture_age_s=self.lasted_s,
            log_now_s=self.log_now_s,
            paused=PAUSED if self.paused else None,
            discard_pending=self.discard_pending,
        )


@dataclass(frozen=True, slots=True)
class Alternative:
    """The same case with one assumption made otherwise: `if_` in words, and how to say so.

    Of several in one `group` those that come to the same as an earlier one are left out.
    """

    if_: str
    option: str
    case: Case
    group: str = ""


@dataclass(frozen=True, slots=True)
class Premise:
    """One thing that the decision rests on: what it is taken to be, and where from.

    `option` says it otherwise. Only where it is assumed there are alternatives.
    """

    about: About
    source: Source
    words: str
    option: str = ""
    alternatives: tuple[Alternative, ...] = ()


@dataclass(frozen=True, slots=True)
class Otherwise:
    """The decision if one assumption were otherwise, where that gives another answer."""

    about: About
    if_: str
    option: str
    decision: Decision


@dataclass(frozen=True, slots=True)
class Answer:
    """What a pass decides in one mode. `row` counts the rows of the table from 1."""

    mode: Mode
    row: int
    decision: Decision
    otherwise: tuple[Otherwise, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """One resource, what its decision rests on, and the answer in each mode."""

    seen: Seen
    case: Case
    premises: tuple[Premise, ...]
    answers: tuple[Answer, ...]

    def matters(self, premise: Premise) -> bool:
        """Whether any answer would be another one if this were otherwise."""
        return any(
            other.about is premise.about for answer in self.answers for other in answer.otherwise
        )


def explain(
    seen: Seen, case: Case, premises: Sequence[Premise], modes: Sequence[Mode] = tuple(Mode)
) -> Explanation:
    """The answers for a resource; `case` is what the premises make of it."""
    answers = tuple(_answer(mode, case, premises) for mode in modes)
    return Explanation(seen, case, tuple(premises), answers)


def _answer(mode: Mode, case: Case, premises: Sequence[Premise]) -> Answer:
    decision = case.decide(mode)
    otherwise = []
    known = set()
    for premise in premises:
        for alternative in premise.alternatives:
            other = alternative.case.decide(mode)
            key = (alternative.group or alternative.if_, answer_of(other))
            if answer_of(other) != answer_of(decision) and key not in known:
                known.add(key)
                otherwise.append(
                    Otherwise(premise.about, alternative.if_, alternative.option, other)
                )
    row = TABLE.index(row_of(case.resource, decision)) + 1
    return Answer(mode, row, decision, tuple(otherwise))


def answer_of(decision: Decision) -> tuple[object, ...]:
    """What makes two decisions the same answer: the row, the commands, and who has to act."""
    kinds = tuple(action.kind for action in decision.actions)
    return (decision.name, kinds, decision.needs_operator)
