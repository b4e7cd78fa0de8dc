"""Runs one action through drbdadm, again where that can help, and says what came of it."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace

from connector.act.answers import CommandOutcome, Row, classify, known_answer
from connector.act.commands import argv, kind_of
from connector.model import Action, ActionKind, CommandResult
from connector.program import Run

__all__ = ["CommandOutcome", "classify", "explain_result", "run_action"]

_FIRST_PAUSE_S = 0.2
_LONGEST_PAUSE_S = 2.0
_QUOTED_CHARACTERS = 300

# What drbdadm's own children print on any machine without the module in the module tree, and what
# drbdadm says of its drbdsetup: neither is the reason.
_NOT_THE_REASON = ("modinfo: ", "modprobe: ", "Command '", "additional info from kernel:")

_MEANING = {
    CommandOutcome.DONE: "was done",
    CommandOutcome.ALREADY: "was not needed",
    CommandOutcome.HELD_OPEN: "was refused because the device is held open",
    CommandOutcome.REFUSED: "was refused",
    CommandOutcome.TRANSIENT: "met another change each time it was tried",
    CommandOutcome.UNKNOWN_RESOURCE: "was for a resource that is not known",
    CommandOutcome.NOT_PERMITTED: "was not permitted",
    CommandOutcome.TIMED_OUT: "did not end in time",
    CommandOutcome.NOT_STARTED: "was not run",
    CommandOutcome.SUPERSEDED: "was not tried again",
    CommandOutcome.FAILED: "failed for a reason that is not known here",
}

_ADVICE = {
    CommandOutcome.TIMED_OUT: "it may still take effect: look at the state with `drbdadm status`"
    " or /proc/drbd, and at the kernel log for what DRBD waits for",
    CommandOutcome.NOT_STARTED: "nothing was changed",
    CommandOutcome.SUPERSEDED: "the state that it was decided for is gone, the next pass decides"
    " anew",
    CommandOutcome.FAILED: "look at the kernel log, and run it by hand",
}


def run_action(
    action: Action,
    run: Run,
    drbdadm: str,
    timeout_s: float,
    sleep: Callable[[float], None],
    *,
    before_retry: Callable[[], bool],
    attempts: int = 3,
    give_up_after_s: float = 10.0,
) -> CommandResult:
    """Run the command of `action`; only where the answer is `transient`, again.

    At most `attempts` tries of `timeout_s` each, and none that would begin later than
    `give_up_after_s` after the first. Before each further one `before_retry` looks whether the
    state that was decided upon is still there; where it says False the outcome is `superseded`.
    The first look is the caller's. The result is that of the last try, its duration that of all;
    its `stderr` says why where nothing was started. ValueError as for `commands.argv`.
    """
    # Slow to import, and most passes run no command.
    from tenacity import (
        Retrying,
        retry_if_result,
        stop_after_attempt,
        stop_before_delay,
        wait_exponential,
        wait_random,
    )

    line = argv(action, drbdadm)
    last: CommandResult | None = None

    def attempt() -> CommandResult:
        nonlocal last
        if last is not None and not before_retry():
            return replace(last, outcome=CommandOutcome.SUPERSEDED.value)
        result = _run_once(run, line, timeout_s, action.kind)
        spent_s = last.duration_s if last else 0.0
        last = replace(result, duration_s=spent_s + result.duration_s)
        return last

    again = Retrying(
        sleep=sleep,
        stop=stop_after_attempt(attempts) | stop_before_delay(give_up_after_s),
        wait=wait_exponential(_FIRST_PAUSE_S, _LONGEST_PAUSE_S) + wait_random(0, _FIRST_PAUSE_S),
        retry=retry_if_result(lambda result: result.outcome == CommandOutcome.TRANSIENT),
        retry_error_callback=lambda state: state.outcome.result() if state.outcome else None,
    )
    return again(attempt)


def _run_once(run: Run, line: tuple[str, ...], timeout_s: float, kind: ActionKind) -> CommandResult:
    completed = run(line, timeout_s)
    return CommandResult(
        argv=line,
        outcome=classify(completed, kind).value,
        exit_status=completed.exit_status,
        stderr=completed.stderr if completed.error is None else completed.error,
        duration_s=completed.duration_s,
    )


def explain_result(result: CommandResult) -> str:
    """One sentence for a person: the command, what came of it, drbdadm's own words, what to do."""
    outcome = CommandOutcome(result.outcome)
    command = " ".join((os.path.basename(result.argv[0]), *result.argv[1:]))
    row = known_answer(result.exit_status, result.stderr, kind_of(result.argv))
    words = "" if outcome is CommandOutcome.DONE else _own_words(result.stderr)
    if outcome is CommandOutcome.FAILED and not words:
        words = f"exit status {result.exit_status}"
    quoted = f" ({words})" if words else ""
    return f"`{command}` {_MEANING[outcome]}{quoted}: {_advice(outcome, row)}."


def _advice(outcome: CommandOutcome, row: Row | None) -> str:
    if row is not None and row.outcome is outcome:
        return row.advice
    return _ADVICE.get(outcome, "look at the kernel log")


def _own_words(stderr: str) -> str:
    lines = (line.strip() for line in stderr.splitlines())
    reasons = [line for line in lines if line and not line.startswith(_NOT_THE_REASON)]
    words = "; ".join(reasons)
    if len(words) > _QUOTED_CHARACTERS:
        words = words[: _QUOTED_CHARACTERS - 1] + "…"
    return words
