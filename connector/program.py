"""The one gate to foreign programs: what is asked of a runner, and what it answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Completed:
    """What a program left behind. `exit_status` is None where it was killed at its time-out.

    `error` says why it could not be started at all (missing, not executable); then nothing ran.
    """

    argv: tuple[str, ...]
    exit_status: int | None
    stdout: str = ""
    stderr: str = ""
    duration_s: float = 0.0
    error: str | None = None

    @property
    def timed_out(self) -> bool:
        """Whether it was started, ran into its time-out and was killed."""
        return self.exit_status is None and self.error is None


def failed(done: Completed) -> str:
    """Why a program did not do it, in one line."""
    line = " ".join(done.argv)
    if done.error:
        return done.error
    if done.timed_out:
        return f"`{line}` was still at it after {done.duration_s:.0f} s and was ended"
    said = " ".join(done.stderr.split())[:300] or "nothing"
    return f"`{line}` ended with {done.exit_status} and said: {said}"


class Run(Protocol):
    """Run a program to its end, or to its time-out; never raises for what the program does."""

    def __call__(self, argv: Sequence[str], timeout_s: float) -> Completed:
        """Run `argv` (argv[0] a program's name or absolute path) for at most `timeout_s`."""
        ...
