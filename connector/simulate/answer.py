"""What a program of the simulated node leaves behind."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Answer:
    """How it ended and what it printed; `error` where it was not to be had here at all."""

    exit_status: int | None = 0
    stdout: str = ""
    stderr: str = ""
    error: str | None = None
