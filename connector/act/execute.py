"""Carries a decision out: one command after the other, each after another look."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from connector.act import commands, drbdadm
from connector.clock import Clock
from connector.decide.confirm import superseded
from connector.decide.context import Context
from connector.errors import NotKept, NotPermitted
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
    given up by a decision; an OSError from it stops the action. `rescue` keeps what is about to
    be given up, and gives its name, None where there is nothing to keep; NotKept stops the action.
    `time_left_s` is what the pass still has.
    """

    run: Run
    drbdadm: str
    command_timeout_s: float
    clock: Clock
    look_again: Callable[[str], Resource | None]
    before_discard: Callable[[Decision], None]
    rescue: Callable[[Decision], str | None]
    time_left_s: Callable[[], float]


def execute(decision: Decision, context: Context, hands: Hands) -> Outcome:
    """Take the decision's steps in order; stop at the first that fails or no longer applies.

    Returns an outcome of kind WAITING where every command succeeded: whether the pair comes up is
    for the watch to see.

    Raises:
        NotPermitted: this process may not do it; then nothing else may be done either.
    """
    done: list[CommandResult] = []
    rescue: str | None = None
    for step, action in enumerate(decision.actions):
        if step == 0 and decision.may_discard:
            try:
                hands.before_discard(decision)
            except OSError as error:
                detail = f"nothing was done: the record of what would be given up {_why(error)}"
                return Outcome(OutcomeKind.FAILED, detail)
        if decision.may_discard and step == len(decision.actions) - 1:
            # After a demotion, when nobody writes any more; what takes time comes before the look.
            try:
                rescue = hands.rescue(decision)
            except NotKept as error:
                detail = f"nothing was given up, since it cannot be kept first: {error}"
                return Outcome(OutcomeKind.FAILED, detail, tuple(done))
        why = superseded(decision, step, hands.look_again(decision.resource), context)
        if why is not None:
            return Outcome(OutcomeKind.SUPERSEDED, why, tuple(done), rescue)
        timeout_s = min(hands.command_timeout_s, hands.time_left_s())
        if timeout_s <= 0:
            detail = "the pass ran out of time"
            return Outcome(OutcomeKind.OUT_OF_TIME, detail, tuple(done), rescue)
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
            detail = drbdadm.explain_result(result)
            return Outcome(OutcomeKind.FAILED, detail, tuple(done), rescue)
    return Outcome(OutcomeKind.WAITING, "waiting for the peer", tuple(done), rescue)


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
