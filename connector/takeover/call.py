"""One call of `takeover` or `release`: its time, its notes, its journal, and how a step is made."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from connector.act.answers import CommandOutcome, classify, known_answer
from connector.errors import ConnectorError, NotPermitted, OperatorNeeded
from connector.memory import incidents, journal, takeovers
from connector.memory.store import moment
from connector.memory.takeovers import Note, Takeovers
from connector.model import ActionKind, Resource
from connector.model.step import Step, StepKind
from connector.program import Completed, failed
from connector.settings import Settings
from connector.takeover.steps import Checked, argv, checked, printable
from connector.world import World

POLL_S = 0.25
DETAIL_CHARACTERS = 300
ATTEMPTS = 8  # two seconds: udev, too, opens a device for a moment
_GOOD = frozenset({CommandOutcome.DONE, CommandOutcome.ALREADY})
_OF_DRBD = {
    StepKind.CONNECT: ActionKind.CONNECT,
    StepKind.DISCONNECT: ActionKind.DISCONNECT,
    StepKind.SECONDARY: ActionKind.SECONDARY,
    # A pass never promotes, so it has no word for that; drbdadm answers both alike.
    StepKind.PRIMARY: ActionKind.SECONDARY,
}


@dataclass(slots=True)
class Call:
    """What is at work. `word` is the command's name; `said` gets every line for a person.

    `until_s` is when no further step may begin, on the clock that counts from boot; to undo what
    was done, the time of one more command is always there. `tried` are the resources so far.
    """

    world: World
    settings: Settings
    word: str
    until_s: float
    said: Callable[[str], None]
    notes: Takeovers = field(default_factory=lambda: Takeovers(""))
    tried: list[str] = field(default_factory=list)

    def time_left_s(self) -> float:
        """What is left of the call's time, in seconds."""
        return self.until_s - self.world.clock.boot_s()

    def read_notes(self, *, touch: bool = True) -> None:
        """Read what earlier calls have noted; with `touch` false nothing on disk is changed."""
        now = moment(self.world)
        self.notes, warning = takeovers.load(self.settings.takeover_file, now, touch=touch)
        if warning:
            self.said(warning)

    def note(self, resource: str, note: Note | None) -> None:
        """Write down how far a resource is.

        Raises:
            ConnectorError: it cannot be written; then nothing may be begun that a kill could hide.
        """
        notes = self.notes.put(resource, note)
        if notes == self.notes and note is not None:
            return
        path = self.settings.takeover_file
        try:
            takeovers.save(path, notes)
        except OSError as error:
            raise ConnectorError(
                f"{resource}: {path}: {error.strerror}; what cannot be noted first is not done"
            ) from error
        self.notes = notes

    def begin_anew(self, resource: str) -> None:
        """Let demote_grace count from now on, and the agent try again."""
        path = self.settings.incidents_file
        try:
            known, _ = incidents.load(path, moment(self.world).boot_id)
            incidents.save(path, known.closed(resource))
        except OSError as error:
            raise ConnectorError(f"{path}: {error.strerror}") from error

    def make(self, step: Step, timeout_s: float | None = None) -> None:
        """Make one step, and write it into the journal; a change that was in the way: once more.

        Raises:
            OperatorNeeded: fsck found what it does not repair by itself.
            NotPermitted, ConnectorError: it was refused or failed, in the program's words.
        """
        if timeout_s is None:
            timeout_s = self._time_for(step)
        if timeout_s <= 0:
            raise ConnectorError(
                f"{step.resource}: no time is left for `{printable(step)}` ([takeover] deadline)"
            )
        line = argv(step, self.settings.run.drbdadm)
        for attempt in range(1, ATTEMPTS + 1):
            completed = self.world.run(line, timeout_s)
            outcome, again = _outcome(step, completed)
            if not again or attempt == ATTEMPTS:
                break
            self.world.clock.sleep(POLL_S)
        command = {
            "argv": printable(step).split(),
            "outcome": outcome,
            "exit_status": completed.exit_status,
            "duration_s": round(completed.duration_s, 3),
        }
        said = completed.error or completed.stderr
        self.journal(step.resource, outcome, command=command, detail=said)
        _raise_for(step, outcome, completed)

    def _time_for(self, step: Step) -> float:
        left_s = self.time_left_s()
        # A check of a large file system takes its time; it is worth all that there is.
        if step.kind is StepKind.FSCK:
            return left_s
        return min(self.settings.takeover.command_timeout_s, left_s)

    def journal(
        self,
        resource: str,
        outcome: str,
        *,
        command: Mapping[str, object] | None = None,
        after: Resource | None = None,
        detail: str = "",
    ) -> None:
        """Continue the journal; that it cannot be written stops nobody from becoming active.

        A line is like that of a pass, and `connector history` shows it. `after` is how the resource
        is in the end.
        """
        state = {"connection": after.connection, "role": after.role} if after else {}
        told = {
            **state,
            "kind": outcome,
            "detail": " ".join(detail.split())[:DETAIL_CHARACTERS],
            "commands": [command] if command else [],
        }
        entry: dict[str, Any] = {
            "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self.world.clock.wall_s())),
            "resources": [{**state, "name": resource, "decision": self.word, "outcome": told}],
        }
        try:
            journal.append(self.settings.journal_file, entry)
        except OSError as error:
            self.said(f"{self.settings.journal_file}: cannot be written: {error.strerror}")


def _outcome(step: Step, completed: Completed) -> tuple[str, bool]:
    """What came of it in a word, and whether the same once more may help."""
    if step.kind in _OF_DRBD:
        outcome = classify(completed, _OF_DRBD[step.kind])
        return outcome.value, outcome in (CommandOutcome.TRANSIENT, CommandOutcome.HELD_OPEN)
    if completed.error is not None:
        return CommandOutcome.NOT_STARTED.value, False
    if completed.timed_out:
        return CommandOutcome.TIMED_OUT.value, False
    if step.kind is StepKind.FSCK:
        return checked(completed.exit_status).value, False
    good = completed.exit_status == 0
    return (CommandOutcome.DONE if good else CommandOutcome.FAILED).value, False


def _raise_for(step: Step, outcome: str, completed: Completed) -> None:
    if outcome in (*_GOOD, Checked.CLEAN, Checked.CORRECTED):
        return
    why = f"{step.resource}: {failed(completed)}"
    if outcome == Checked.UNCORRECTED:
        raise OperatorNeeded(
            f"{why}: the file system needs a person's fsck, without -p and not mounted"
        )
    if step.kind is StepKind.FSCK and completed.error:
        raise ConnectorError(f'{why}; or set fsck = "never" for {step.where}')
    if outcome == CommandOutcome.NOT_PERMITTED:
        raise NotPermitted(why)
    kind = _OF_DRBD.get(step.kind)
    row = known_answer(completed.exit_status, completed.stderr, kind) if kind else None
    raise ConnectorError(f"{why}; {row.advice}" if row else why)
