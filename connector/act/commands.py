"""The commands of a pass as argument lists. Pure: nothing is run here.

Both `drbdadm` generations that drbd-utils 9.22 ships (for 8.4 and for 9) take the option between
the command and the resource. `--force` and `--tentative` have no place in a pass, so there is no
way to ask for them. On DRBD 9 each command but a demotion names one peer: without it `connect`
fails there as soon as one peer is connected (measured).
"""

from __future__ import annotations

from collections.abc import Sequence

from connector.model import Action, ActionKind
from connector.names import why_not, why_not_peer

_WORDS: dict[ActionKind, tuple[str, ...]] = {
    ActionKind.SECONDARY: ("secondary",),
    ActionKind.CONNECT: ("connect",),
    ActionKind.CONNECT_DISCARD: ("connect", "--discard-my-data"),
    ActionKind.DISCONNECT: ("disconnect",),
}


def argv(action: Action, drbdadm: str) -> tuple[str, ...]:
    """The command line for `action`; `drbdadm` is the program's name or absolute path.

    ValueError where a name could mean anything else than that one resource or peer, and for a
    disconnect of a whole resource.
    """
    if action.kind is ActionKind.DISCONNECT and action.peer is None:
        raise ValueError("only one peer is ever disconnected")
    return (drbdadm, *_WORDS[action.kind], _target(action))


def printable(action: Action) -> str:
    """The command as a person would type it: `drbdadm connect mail`. ValueError as for `argv`."""
    return " ".join(argv(action, "drbdadm"))


def kind_of(line: Sequence[str]) -> ActionKind:
    """The kind of action behind a command line that `argv` gave; ValueError for any other."""
    for kind, words in _WORDS.items():
        if tuple(line[1:-1]) == words:
            return kind
    raise ValueError(f"no command of a pass: {' '.join(line)}")


def _target(action: Action) -> str:
    reason = why_not(action.resource, any_script=True)
    if reason is None and action.peer is not None:
        reason = why_not_peer(action.peer)
    if reason is not None:
        raise ValueError(reason)
    return action.target
