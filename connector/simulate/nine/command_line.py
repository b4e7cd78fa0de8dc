"""What drbdadm finds wrong with a command line before it does anything (drbd-utils 9.22)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import PurePath

from connector.simulate.answer import Answer
from connector.simulate.nine.state import ClusterState

_OPTIONS = {
    "connect": ("--discard-my-data", "--tentative"),
    "primary": ("--force",),
    "secondary": ("--force",),
}
_DRY = ("connect", "disconnect", "primary", "secondary")

# What the real one knows and this one does not do.
_NOT_SIMULATED = frozenset(
    [
        "adjust",
        "attach",
        "create-md",
        "cstate",
        "dstate",
        "dump",
        "get-gi",
        "invalidate",
        "invalidate-remote",
        "net-options",
        "new-current-uuid",
        "resize",
        "role",
        "show-gi",
        "status",
        "wait-connect",
        "wait-sync",
        "wipe-md",
    ]
)


def unwrapped(argv: Sequence[str]) -> Sequence[str]:
    """The command without what only starts it (`setpriv --pdeathsig KILL -- COMMAND`)."""
    if argv and PurePath(argv[0]).name == "setpriv" and "--" in argv:
        return list(argv)[list(argv).index("--") + 1 :]
    return argv


def misused(
    state: ClusterState,
    commands: Collection[str],
    command: str,
    names: Sequence[str],
    options: Sequence[str],
) -> Answer | None:
    """What drbdadm finds wrong before it does anything."""
    if command not in commands:
        if command in _NOT_SIMULATED:
            return Answer(None, error=f"drbdadm {command} is not simulated")
        return Answer(1, stderr=f"drbdadm: Unknown command '{command}'\n")
    return _unknown_option(command, options) or _unknown_name(state, command, names)


def _unknown_option(command: str, options: Sequence[str]) -> Answer | None:
    for option in options:
        if option == "-d" and command not in _DRY:
            return Answer(None, error=f"drbdadm -d {command} is not simulated")
        if option not in (*_OPTIONS.get(command, ()), "-d"):
            message = f"drbdadm: unrecognized option '{option}'\ntry 'drbdadm help'\n"
            return Answer(1, stderr=message)
    return None


def _unknown_name(state: ClusterState, command: str, names: Sequence[str]) -> Answer | None:
    if not names:
        return Answer(1, stderr="No resource names specified\n")
    for name in names:
        resource, _, peer = name.partition(":")
        if name == "all":
            continue
        if "/" in resource and command in ("connect", "disconnect"):
            message = f"{command} operates on whole resources, but you specified a specific volume!"
            return Answer(1, stderr=f"{message}\n")
        if resource not in [item.name for item in state.resources]:
            return Answer(1, stderr=f"'{resource}' not defined in your config (for this host).\n")
        if peer and peer not in state.names:
            return Answer(1, stderr=f"Not a valid connection ({name}) for this host\n")
    return None
