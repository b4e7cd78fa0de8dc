"""`drbdadm` of drbd-utils 9.22 with an 8.4 kernel, on one node of the pair.

Exit statuses and messages: drbd-utils user/v84/drbdsetup.c (`print_config_error`) and
user/v84/drbdadm_main.c, most of them measured. Several resources are done in their order up to
the first failure; a role is asked for volume by volume.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import PurePath

from connector.model import ConnectionState
from connector.simulate import backing_store
from connector.simulate.answer import Answer
from connector.simulate.configuration import dump_xml, endpoint, other
from connector.simulate.connection import connect, disconnect
from connector.simulate.role import StateRefusal, demote, promote
from connector.simulate.state import PairState, VolumeSide

# What the real one knows and this one does not do.
_NOT_SIMULATED = frozenset(
    [
        "adjust",
        "apply-al",
        "attach",
        "create-md",
        "cstate",
        "detach",
        "disk-options",
        "down",
        "dstate",
        "dump",
        "dump-md",
        "get-gi",
        "hidden-commands",
        "invalidate",
        "invalidate-remote",
        "net-options",
        "new-current-uuid",
        "outdate",
        "pause-sync",
        "peer-device-options",
        "resize",
        "resource-options",
        "resume-sync",
        "role",
        "sh-dev",
        "sh-minor",
        "sh-status",
        "show-gi",
        "status",
        "up",
        "verify",
        "wait-con-int",
        "wait-connect",
        "wait-sync",
        "wipe-md",
    ]
)
_OPTIONS = {"connect": ("--discard-my-data", "--tentative"), "disconnect": ("--force",)}
_NET_OPTIONS = "--timeout=20 --connect-int=1 --ping-timeout=5 --ping-int=1 --protocol=C"


def resources_of(state: PairState, argv: Sequence[str]) -> tuple[str, ...]:
    """The configured resources that a command line speaks of; empty for `dump-xml` and the like."""
    words = [word.split("/", 1)[0] for word in unwrapped(argv)[2:]]
    names = [item.name for item in state.resources]
    return tuple(names) if "all" in words else tuple(word for word in words if word in names)


def unwrapped(argv: Sequence[str]) -> Sequence[str]:
    """The command without what only starts it (`setpriv --pdeathsig KILL -- COMMAND`)."""
    if argv and PurePath(argv[0]).name == "setpriv" and "--" in argv:
        return list(argv)[list(argv).index("--") + 1 :]
    return argv


def answer(state: PairState, node: str, argv: Sequence[str]) -> Answer:
    """Run a command line on a node."""
    line = unwrapped(argv)
    program = PurePath(line[0]).name if line else ""
    if program not in ("drbdadm", *backing_store.PROGRAMS):
        return Answer(None, error=f"{program!r} is not on the simulated node")
    if not state.nodes[node].up:
        return Answer(None, error=f"{node} is down")
    if program != "drbdadm":
        return backing_store.answer(state.nodes[node], line)
    words = [word for word in line[1:] if not word.startswith("-")]
    options = [word for word in line[1:] if word.startswith("-")]
    if not words:
        return Answer(1, stderr="No command specified\n")
    command, names = words[0], words[1:]
    if command in _NOT_SIMULATED:
        return Answer(None, error=f"drbdadm {command} is not simulated")
    if command == "dump-xml":
        return Answer(stdout=dump_xml(state.resources))
    if command == "sh-resources":
        return Answer(stdout=" ".join(item.name for item in state.resources) + "\n")
    return _misused(state, command, names, options) or _each(state, node, command, names, options)


def _misused(
    state: PairState, command: str, names: Sequence[str], options: Sequence[str]
) -> Answer | None:
    """What drbdadm finds wrong before it does anything."""
    if command not in _COMMANDS:
        return Answer(1, stderr=f"drbdadm: Unknown command '{command}'\n")
    for option in options:
        if option not in _OPTIONS.get(command, ()):
            message = f"drbdadm: unrecognized option '{option}'\ntry 'drbdadm help'\n"
            return Answer(1, stderr=message)
    if not names:
        return Answer(1, stderr="No resource names specified\n")
    known = [item.name for item in state.resources]
    for name in names:
        if name != "all" and name.split("/", 1)[0] not in known:
            return Answer(1, stderr=f"'{name}' not defined in your config (for this host).\n")
    return None


def _each(
    state: PairState, node: str, command: str, names: Sequence[str], options: Sequence[str]
) -> Answer:
    """One resource after the other, up to the first that fails."""
    for name in [item.name for item in state.resources] if "all" in names else names:
        given = _COMMANDS[command](state, node, name, options)
        if given.exit_status:
            return given
    return Answer()


def _connect(state: PairState, node: str, name: str, options: Sequence[str]) -> Answer:
    """`connect` is for whole resources; 8.4 reads RESOURCE/VOLUME as RESOURCE."""
    resource = name.split("/", 1)[0]
    side = state.side(node, resource)
    discard = "--discard-my-data" in options
    local, remote = _endpoints(state, node, resource)
    policies = state.configured(resource).after_sb
    words = [f"drbdsetup-84 connect {resource} {local} {remote} {_NET_OPTIONS}"]
    for number, policy in enumerate(
        (policies.zero_primaries, policies.one_primary, policies.two_primaries)
    ):
        if policy != "disconnect":
            words.append(f"--after-sb-{number}pri={policy}")
    line = " ".join(words + (["--discard-my-data"] if discard else []))
    # `drbd_adm_connect` looks for the address before it looks at the options.
    if side.connection is not ConnectionState.STANDALONE:
        return _failure(resource, 102, "Local address(port) already in use.", line)
    if discard and any(volume.primary for volume in side.volumes):
        return _failure(resource, 123, "--discard-my-data not allowed when primary.", line)
    side.discard_my_data = discard
    side.tentative = "--tentative" in options
    connect(state, node, resource)
    return Answer()


def _disconnect(state: PairState, node: str, name: str, options: Sequence[str]) -> Answer:
    resource = name.split("/", 1)[0]
    if state.side(node, resource).connection is ConnectionState.STANDALONE:
        local, remote = _endpoints(state, node, resource)
        text = "Invalid configuration request\nadditional info from kernel:\nunknown connection"
        # drbdsetup has no name for a connection: `objname` stays "??".
        return _failure("??", 162, text, f"drbdsetup-84 disconnect {local} {remote}")
    disconnect(state, node, resource)
    return Answer()


def _primary(state: PairState, node: str, name: str, options: Sequence[str]) -> Answer:
    return _change_role(state, node, name, "primary", promote)


def _secondary(state: PairState, node: str, name: str, options: Sequence[str]) -> Answer:
    return _change_role(state, node, name, "secondary", demote)


_ChangeRole = Callable[[PairState, str, str, VolumeSide], StateRefusal | None]


def _change_role(
    state: PairState, node: str, name: str, command: str, change: _ChangeRole
) -> Answer:
    resource, _, number = name.partition("/")
    for volume in state.side(node, resource).volumes:
        if number and number != str(volume.volume):
            continue
        refusal = change(state, node, resource, volume)
        if refusal:
            return Answer(
                refusal.exit_status,
                stderr=f"{volume.minor}: State change failed: ({refusal.code}) {refusal.text}\n"
                f"Command 'drbdsetup-84 {command} {volume.minor}' "
                f"terminated with exit code {refusal.exit_status}\n",
            )
    return Answer()


_COMMANDS: dict[str, Callable[[PairState, str, str, Sequence[str]], Answer]] = {
    "connect": _connect,
    "disconnect": _disconnect,
    "primary": _primary,
    "secondary": _secondary,
}


def _failure(what: str, code: int, text: str, line: str) -> Answer:
    message = f"{what}: Failure: ({code}) {text}\n"
    return Answer(10, stderr=f"{message}Command '{line}' terminated with exit code 10\n")


def _endpoints(state: PairState, node: str, resource: str) -> tuple[str, str]:
    here = endpoint(state.resources, resource, node)
    return here, endpoint(state.resources, resource, other(node))
