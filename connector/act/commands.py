"""The three commands of a pass as argument lists. Pure: nothing is run here.

Both `drbdadm` generations that drbd-utils 9.22 ships (for 8.4 and for 9) take the option between
the command and the resource. `--force` and `--tentative` have no place in a pass, so there is no
way to ask for them.
"""

from __future__ import annotations

from collections.abc import Sequence

from connector.model import Action, ActionKind
from connector.names import why_not

_WORDS: dict[ActionKind, tuple[str, ...]] = {
    ActionKind.SECONDARY: ("secondary",),
    ActionKind.CONNECT: ("connect",),
    ActionKind.CONNECT_DISCARD: ("connect", "--discard-my-data"),
}


def argv(action: Action, drbdadm: str) -> tuple[str, ...]:
    """The command line for `action`; `drbdadm` is the program's name or absolute path.

    ValueError where the resource's name could mean anything else than that one resource.
    """
    return (drbdadm, *_WORDS[action.kind], _checked(action.resource))


def printable(action: Action) -> str:
    """The command as a person would type it: `drbdadm connect mail`. ValueError as for `argv`."""
    return " ".join(argv(action, "drbdadm"))


def kind_of(line: Sequence[str]) -> ActionKind:
    """The kind of action behind a command line that `argv` gave; ValueError for any other."""
    for kind, words in _WORDS.items():
        if tuple(line[1:-1]) == words:
            return kind
    raise ValueError(f"no command of a pass: {' '.join(line)}")


def _checked(resource: str) -> str:
    reason = why_not(resource)
    if reason is not None:
        raise ValueError(reason)
    return resource
