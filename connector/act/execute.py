"""Carries a decision out: one command after the other, each after another look."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from connector.act import commands, drbdadm
from connector.clock import Clock
from connector.decide.confirm import superseded
from connector.decide.context import Context
from connector.errors import NotPermitted
from connector.model import (
    CommandResult,
    Decision,
    Outcome,
    OutcomeKind,
    Resource,
)
from connector.program import Run

_GOOD = frozenset({drbdadm.CommandOutcome.DONE.value, drbdadm.CommandOutcome.ALREADY.value})


@dataclass(frozen=True, slots=True)
class Hands:
    """What acting needs of the world; times in seconds.

    `look_again` gives the resource as it is now. `before_discard` keeps a record of what may be
    given up by a decision; an OSError from it stops the action. `time_left_s` is what the pass
    still has.
    """

    run: Run
    drbdadm: str
    command_timeout_s: float
    clock: Clock
    look_again: Callable[[str], Resource | None]
    before_discard: Callable[[Decision], None]
    time_left_s: Callable[[], float]


def execute(decision: Decision, context: Context, hands: Hands) -> Outcome:
    """Take the decision's steps in order; stop at the first that fails or no longer applies.

    Returns an outcome of kind WAITING where every command succeeded: whether the pair comes up is
    for the watch to see.

    Raises:
        NotPermitted: this process may not do it; then nothing else may be done either.
    """
    done: list[CommandResult] = []
    for step, action in enumerate(decision.actions):
        if step == 0 and decision.may_discard:
            try:
                hands.before_discard(decision)
            except OSError as error:
                detail = f"nothing was done: the record of what would be given up {_why(error)}"
                return Outcome(OutcomeKind.FAILED, detail)
        why = superseded(decision, step, hands.look_again(decision.resource), context)
        if why is not None:
            return Outcome(OutcomeKind.SUPERSEDED, why, tuple(done))
        timeout_s = min(hands.command_timeout_s, hands.time_left_s())
        if timeout_s <= 0:
            return Outcome(OutcomeKind.OUT_OF_TIME, "the pass ran out of time", tuple(done))
        result = drbdadm.run_action(
            action,
            run=hands.run,
            drbdadm=hands.drbdadm,
            timeout_s=timeout_s,
            sleep=hands.clock.sleep,
            give_up_after_s=timeout_s,
            before_retry=partial(_still_holds, decision, step, context, hands),
        )
        done.append(result)
        if result.outcome == drbdadm.CommandOutcome.NOT_PERMITTED.value:
            raise NotPermitted(drbdadm.explain_result(result))
        if result.outcome not in _GOOD:
            return Outcome(OutcomeKind.FAILED, drbdadm.explain_result(result), tuple(done))
    return Outcome(OutcomeKind.WAITING, "waiting for the peer", tuple(done))


def _still_holds(decision: Decision, step: int, context: Context, hands: Hands) -> bool:
    return superseded(decision, step, hands.look_again(decision.resource), context) is None


def _why(error: OSError) -> str:
    return f"cannot be kept in {error.filename}: {error.strerror}"


def rehearse(decision: Decision) -> Outcome:
    """What a dry run says instead: the same commands, none of them run."""
    would = tuple(
        CommandResult(argv=tuple(commands.printable(action).split()), outcome="not-run")
        for action in decision.actions
    )
    if not would:
        return Outcome(OutcomeKind.NOTHING)
    return Outcome(OutcomeKind.WOULD_ACT, "dry run: nothing was done", would)
