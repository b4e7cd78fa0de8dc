"""Asking drbdsetup of DRBD 9 for the states, which /proc/drbd does not have there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from connector.errors import ConnectorError, NoDrbd, NotPermitted

if TYPE_CHECKING:
    from connector.program import Completed, Run

STATUS = ("drbdsetup", "status", "--json", "--verbose", "--statistics")
_QUOTED_CHARACTERS = 300
# drbdsetup of 8.4's utils knows neither JSON nor this kernel: its usage text, exit status 20.
_TOO_OLD = ("unrecognized option", "Unknown command", "USAGE:", "Usage:", "usage:")


def read_status(run: Run, timeout_s: float) -> str:
    """What `drbdsetup status --json` prints: `[`, `]` where no resource is up.

    Raises:
        NoDrbd: this drbdsetup is of an older generation than the kernel module.
        NotPermitted: it may not ask the kernel.
        ConnectorError: it cannot be started, did not end in time, or failed.
    """
    done = run(STATUS, timeout_s)
    if done.exit_status == 0:
        return done.stdout
    said = " ".join(done.stderr.split())[:_QUOTED_CHARACTERS]
    if done.exit_status is not None and _is_too_old(done):
        raise NoDrbd(
            "the kernel module is DRBD 9, and this drbdsetup cannot speak to it: install "
            "drbd-utils 9 (`drbdadm --version` shows DRBDADM_VERSION)"
        )
    if "Operation not permitted" in said or "Permission denied" in said:
        raise NotPermitted(f"drbdsetup may not ask the kernel ({said}): run connector as root")
    raise ConnectorError(f"the states of DRBD 9 are not known: {_why(done, said, timeout_s)}")


def _is_too_old(done: Completed) -> bool:
    return any(word in text for text in (done.stderr, done.stdout) for word in _TOO_OLD)


def _why(done: Completed, said: str, timeout_s: float) -> str:
    line = " ".join(STATUS)
    if done.error is not None:
        return done.error
    if done.timed_out:
        return f"`{line}` did not end within {timeout_s:g} s"
    return f"`{line}` failed with exit status {done.exit_status}: {said or 'it said nothing'}"
