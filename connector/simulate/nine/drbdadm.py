"""`drbdadm` of drbd-utils 9.22 with a 9.2 kernel, on one node of the cluster.

Exit statuses and messages are measured. `drbdadm connect RESOURCE` runs one `drbdsetup connect` for
each peer in their order, and stops at the first that fails.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import PurePath

from connector.simulate.answer import Answer
from connector.simulate.configuration import backing_device
from connector.simulate.nine import power, upkeep
from connector.simulate.nine.command_line import misused, unwrapped
from connector.simulate.nine.configuration import dump_xml, node_id
from connector.simulate.nine.drbdsetup import begin_connection, drbdsetup
from connector.simulate.nine.parting import disconnect
from connector.simulate.nine.role import StateRefusal, demote, promote
from connector.simulate.nine.state import ClusterState

Options = Sequence[str]


def answer(state: ClusterState, node: str, argv: Sequence[str], *, newer: bool = False) -> Answer:
    """Run a command line on a node; `newer`: its drbdsetup is that of drbd-utils 9.34."""
    line = unwrapped(argv)
    program = PurePath(line[0]).name if line else ""
    if program not in ("drbdadm", "drbdsetup"):
        return Answer(None, error=f"{program!r} is not on the simulated node")
    if not state.nodes[node].up:
        return Answer(None, error=f"{node} is down")
    if program == "drbdsetup":
        return drbdsetup(state, node, line[1:], newer=newer)
    words = [word for word in line[1:] if not word.startswith("-")]
    options = [word for word in line[1:] if word.startswith("-")]
    if not words:
        return Answer(1, stderr="No command specified\n")
    command, names = words[0], words[1:]
    if command == "dump-xml":
        return Answer(stdout=dump_xml(state.resources, state.names))
    if command == "sh-resources":
        return Answer(stdout=" ".join(item.name for item in state.resources) + "\n")
    wrong = misused(state, _COMMANDS, command, names, options)
    return wrong or _each(state, node, command, names, options)


def _each(
    state: ClusterState, node: str, command: str, names: Sequence[str], options: Options
) -> Answer:
    """One resource after the other, up to the first that fails."""
    if "all" in names:
        names = [item.name for item in state.resources]
    done = Answer()
    for place, name in enumerate(names):
        resource, _, peer = name.partition(":")
        if place and peer:
            message = f"Connection '{peer}' has the ignore flag set\n"
            return Answer(1, stderr=f"{done.stderr}{message}")
        done = _COMMANDS[command](state, node, resource, peer, options)
        if done.exit_status and not (":" in name and len(names) > 1):
            return done
    return done


def _peers(state: ClusterState, node: str, resource: str, peer: str) -> list[str]:
    return [peer] if peer else sorted(state.side(node, resource).connections, key=node_id)


def _connect(state: ClusterState, node: str, resource: str, peer: str, options: Options) -> Answer:
    words = [option for option in ("--tentative", "--discard-my-data") if option in options]
    dry = ""
    for one in _peers(state, node, resource, peer):
        line = " ".join(["drbdsetup", "connect", resource, str(node_id(one)), *words])
        if "-d" in options:
            dry += f"{line}\n"
            continue
        failed = begin_connection(state, node, resource, one, words)
        if failed:
            return _failed(line, failed, 10)
    return Answer(stdout=dry)


def _failed(line: str, message: str, exit_status: int) -> Answer:
    command = f"Command '{line}' terminated with exit code {exit_status}\n"
    return Answer(exit_status, stderr=f"{message}\n{command}")


def _refused(line: str, resource: str, refusal: StateRefusal | None) -> Answer:
    if refusal is None:
        return Answer()
    text = f"{resource}: State change failed: ({refusal.code}) {refusal.text}"
    if refusal.more:
        text += f"\nadditional info from kernel:\n{refusal.more}"
    return _failed(line, text, refusal.exit_status)


def _disconnect(
    state: ClusterState, node: str, resource: str, peer: str, options: Options
) -> Answer:
    peers = _peers(state, node, resource, peer)
    if "-d" in options:
        lines = [f"drbdsetup disconnect {resource} {node_id(one)}\n" for one in peers]
        return Answer(stdout="".join(lines))
    for one in peers:
        disconnect(state, node, resource, one)
    return Answer()


def _primary(state: ClusterState, node: str, resource: str, _peer: str, options: Options) -> Answer:
    line = " ".join(["drbdsetup", "primary", resource, *(one for one in options if one != "-d")])
    if "-d" in options:
        return Answer(stdout=f"{line}\n")
    if not state.side(node, resource).up:
        return _failed(line, f"{resource}: Failure: (158) Unknown resource", 10)
    refusal = promote(state, node, resource, force="--force" in options)
    return _refused(line, resource, refusal)


def _secondary(
    state: ClusterState, node: str, resource: str, _peer: str, options: Options
) -> Answer:
    line = " ".join(["drbdsetup", "secondary", resource, *(one for one in options if one != "-d")])
    if "-d" in options:
        return Answer(stdout=f"{line}\n")
    if not state.side(node, resource).up:
        return _failed(line, f"{resource}: Failure: (158) Unknown resource", 10)
    refusal = demote(state, node, resource, force="--force" in options)
    return _refused(line, resource, refusal)


def _up(state: ClusterState, node: str, resource: str, _peer: str, _options: Options) -> Answer:
    if not state.side(node, resource).up or not state.side(node, resource).connections:
        power.up(state, node, resource)
    return Answer()


def _down(state: ClusterState, node: str, resource: str, _peer: str, _options: Options) -> Answer:
    if not state.side(node, resource).up:
        return Answer()
    return _refused(f"drbdsetup down {resource}", resource, power.down(state, node, resource))


def _detach(state: ClusterState, node: str, resource: str, _peer: str, _options: Options) -> Answer:
    return _refused(f"drbdsetup detach {resource}", resource, power.detach(state, node, resource))


def _outdate(
    state: ClusterState, node: str, resource: str, _peer: str, _options: Options
) -> Answer:
    """drbdmeta does it, and only to what is not attached."""
    if not state.side(node, resource).up:
        return Answer(None, error="drbdadm outdate of what is down is not simulated")
    minor = state.configured(resource).minors[0]
    line = f"drbdmeta {minor} v09 {backing_device(minor)} internal outdate"
    return _failed(line, f"Device '{minor}' is configured!", 20)


def _for_peers(act: Callable[[ClusterState, str, str, str], None]) -> Command:
    def run(state: ClusterState, node: str, resource: str, peer: str, _options: Options) -> Answer:
        for one in _peers(state, node, resource, peer):
            act(state, node, resource, one)
        return Answer()

    return run


def _suspends(*, suspend: bool) -> Command:
    def run(state: ClusterState, node: str, resource: str, _peer: str, _options: Options) -> Answer:
        upkeep.suspend_io(state, node, resource, suspend=suspend)
        return Answer()

    return run


Command = Callable[[ClusterState, str, str, str, Options], Answer]
_COMMANDS: dict[str, Command] = {
    "connect": _connect,
    "disconnect": _disconnect,
    "primary": _primary,
    "secondary": _secondary,
    "up": _up,
    "down": _down,
    "detach": _detach,
    "outdate": _outdate,
    "verify": _for_peers(upkeep.verify),
    "pause-sync": _for_peers(upkeep.pause_sync),
    "resume-sync": _for_peers(upkeep.resume_sync),
    "suspend-io": _suspends(suspend=True),
    "resume-io": _suspends(suspend=False),
}
