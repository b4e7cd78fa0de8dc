"""What one pass saw, decided and did, as one value; text, JSON and metrics are made from it."""

from __future__ import annotations

from dataclasses import dataclass

from connector.model import (
    Decision,
    DecisionName,
    Observation,
    Outcome,
    OutcomeKind,
    Problem,
    Resource,
)

_BAD = frozenset({OutcomeKind.FAILED, OutcomeKind.DROPPED, OutcomeKind.OUT_OF_TIME})


@dataclass(frozen=True, slots=True)
class ResourceReport:
    """One resource: as it was seen, what was decided, what came of it.

    `after` is the last look at it, the same as `resource` where nothing was done or watched.
    `needs_operator` is the judgement after the pass.
    """

    resource: Resource
    decision: Decision
    outcome: Outcome
    after: Resource
    needs_operator: bool
    paused: bool = False


@dataclass(frozen=True, slots=True)
class PassReport:
    """One pass. Times in seconds; `started_wall_s` since 1970."""

    observation: Observation
    resources: tuple[ResourceReport, ...]
    started_wall_s: float
    duration_s: float
    dry_run: bool = False
    warnings: tuple[str, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether it was about every resource of this node."""
        return len(self.resources) == len(self.observation.resources)

    @property
    def eventful(self) -> bool:
        """Whether there is anything to say: all but a healthy node with nothing done."""
        return bool(self.observation.problems) or any(
            item.decision.name is not DecisionName.HEALTHY
            or item.outcome.kind is not OutcomeKind.NOTHING
            or item.needs_operator
            for item in self.resources
        )

    @property
    def messages(self) -> tuple[str, ...]:
        """Warnings and what could not be read, for standard error."""
        problems = (f"{_place(problem)}{problem.message}" for problem in self.observation.problems)
        return (*problems, *self.warnings)

    @property
    def failed(self) -> bool:
        """Whether a command failed, or did not bring what it should."""
        return any(item.outcome.kind in _BAD for item in self.resources)

    @property
    def needs_operator(self) -> bool:
        """Whether a person is needed: for a resource, or because something could not be read."""
        return any(item.needs_operator for item in self.resources) or bool(
            self.observation.problems
        )

    @property
    def exit_status(self) -> int:
        """3 where an operator is needed, else 1 where an action failed, else 0."""
        return 3 if self.needs_operator else 1 if self.failed else 0


def _place(problem: Problem) -> str:
    return "" if problem.line is None else f"/proc/drbd line {problem.line}: "
