"""The steps of a take-over and of a release, and their command lines. Pure: nothing is run here."""

from __future__ import annotations

from enum import StrEnum

from connector.model.step import Step, StepKind
from connector.names import why_not, why_not_peer
from connector.settings import MountSettings

ROLES = frozenset({StepKind.PRIMARY, StepKind.SECONDARY})
_OF_DRBD = ROLES | {StepKind.DISCONNECT, StepKind.CONNECT}


def of_mount(kind: StepKind, resource: str, minor: int, mount: MountSettings) -> Step:
    """The step of a file system as the configuration has it."""
    return Step(
        kind,
        resource,
        minor=minor,
        where=mount.where,
        fstype=mount.fstype,
        options=mount.options,
        fsck=mount.fsck,
    )


def argv(step: Step, drbdadm: str) -> tuple[str, ...]:
    """The command line for a step; `drbdadm` is the program's name or absolute path.

    fsck.TYPE is run itself rather than by fsck: what fsck starts would outlive a killed take-over.
    ValueError where a name could mean anything else than that one resource or peer.
    """
    if step.kind in _OF_DRBD:
        reason = why_not(step.resource, any_script=True)
        if reason is None and step.peer is not None:
            reason = why_not_peer(step.peer)
        if reason is not None:
            raise ValueError(reason)
        # A dead peer never answers, and without this drbdadm waits for it (measured on 8.4.11).
        forced = ("--force",) if step.kind is StepKind.DISCONNECT else ()
        return (drbdadm, step.kind.value, *forced, step.target)
    if step.kind is StepKind.FSCK:
        forced = ("-f",) if step.fsck == "force" else ()
        return (f"fsck.{step.fstype}", *forced, "-p", step.device)
    if step.kind is StepKind.MOUNT:
        options = ("-o", step.options) if step.options else ()
        return ("mount", "-t", step.fstype, *options, step.device, step.where)
    return ("umount", step.where)


def printable(step: Step) -> str:
    """The command line as a person would type it. ValueError as for `argv`."""
    return " ".join(argv(step, "drbdadm"))


class Checked(StrEnum):
    """What fsck's exit status means (fsck(8)): its bits may come together."""

    CLEAN = "clean"
    CORRECTED = "corrected"
    UNCORRECTED = "uncorrected"
    NOT_CHECKED = "not-checked"


_CORRECTED, _REBOOT, _LEFT = 1, 2, 4


def checked(exit_status: int | None) -> Checked:
    """The verdict; a file system that fsck wants a reboot for is not mounted either."""
    if exit_status == 0:
        return Checked.CLEAN
    if exit_status is None or exit_status < 0 or exit_status & ~(_CORRECTED | _REBOOT | _LEFT):
        return Checked.NOT_CHECKED
    return Checked.UNCORRECTED if exit_status & (_REBOOT | _LEFT) else Checked.CORRECTED
