"""What the simulated kernels say, in the words and the order of the captured ones.

Kernel sources: `drbd_printk` and its levels (drbd_int.h), `drbd_pr_state_change` and
`conn_pr_state_change` (drbd_state.c), `drbd_khelper` (drbd_nl.c).
"""

from __future__ import annotations

from collections.abc import Sequence

from connector.model import ConnectionState, DiskState, Role
from connector.simulate.state import (
    CONNECTION_ORDER,
    LogLine,
    NodeState,
    PairState,
    ResourceSide,
    VolumeSide,
)

ALERT, ERROR, WARNING, INFO = 1, 3, 4, 6
_BETWEEN_LINES_US = 30

_STATE_WORDS = (
    ("role", "role"),
    ("peer", "peer_role"),
    ("conn", "connection"),
    ("disk", "disk"),
    ("pdsk", "peer_disk"),
)


class KernelLog:
    """The log of one node of a pair."""

    def __init__(self, state: PairState, node: str) -> None:
        self._state = state
        self.node: NodeState = state.nodes[node]

    def say(self, text: str, level: int = INFO) -> None:
        """One record at the present time, never before or at the one before it."""
        at_us = round((self._state.now_s - self.node.booted_s) * 1e6)
        if self.node.log:
            at_us = max(at_us, self.node.log[-1].at_us + _BETWEEN_LINES_US)
        self.node.log.append(LogLine(level, at_us, text))

    def connection(self, resource: str, text: str, level: int = INFO) -> None:
        """A message about the connection: `drbd mail: ...`."""
        self.say(f"drbd {resource}: {text}", level)

    def device(self, minor: int, text: str, level: int = INFO) -> None:
        """A message about one device: `block drbd0: ...`."""
        self.say(f"block drbd{minor}: {text}", level)

    def called(self, minor: int, handler: str) -> None:
        """A handler of drbd.conf, of which none is configured here."""
        command = f"helper command: /sbin/drbdadm {handler} minor-{minor}"
        self.device(minor, command)
        self.device(minor, f"{command} exit code 0 (0x0)")

    def change_connection(
        self,
        side: ResourceSide,
        connection: ConnectionState,
        *,
        peer_role: Role | None = None,
        peer_disk: DiskState | None = None,
    ) -> None:
        """Change the state of all volumes at once and say so."""
        text = _change(side.volumes, connection=connection, peer=peer_role, pdsk=peer_disk)
        if text:
            self.connection(side.name, text)

    def change_device(
        self,
        volume: VolumeSide,
        *,
        role: Role | None = None,
        peer_role: Role | None = None,
        connection: ConnectionState | None = None,
        disk: DiskState | None = None,
        peer_disk: DiskState | None = None,
    ) -> None:
        """Change the state of one volume and say so."""
        text = _change(
            [volume], role=role, peer=peer_role, connection=connection, disk=disk, pdsk=peer_disk
        )
        if text:
            self.device(volume.minor, text)


def states(volume: VolumeSide, role: Role) -> str:
    """`print_st`: the states of a volume, as refused changes are told."""
    return (
        f"{{ cs:{volume.connection} ro:{role}/{volume.peer_role} "
        f"ds:{volume.disk}/{volume.peer_disk} r----- }}"
    )


def _change(
    volumes: Sequence[VolumeSide],
    *,
    connection: ConnectionState | None = None,
    role: Role | None = None,
    peer: Role | None = None,
    disk: DiskState | None = None,
    pdsk: DiskState | None = None,
) -> str:
    """Apply what is not None; every change, each with the blank that the kernel prints after it.

    Of several volumes only what was the same for all is told, but for the connection, which is
    one for all (`conn_old_common_state`).
    """
    new = {"role": role, "peer": peer, "conn": connection, "disk": disk, "pdsk": pdsk}
    told = ""
    for word, attribute in _STATE_WORDS:
        value = new[word]
        if value is None:
            continue
        before = [getattr(volume, attribute) for volume in volumes]
        for volume in volumes:
            setattr(volume, attribute, value)
        if word == "conn":
            before = [lowest_connection(before)]
        if len(set(before)) == 1 and before[0] != value:
            told += f"{word}( {before[0]} -> {value} ) "
    return told


def lowest_connection(states: Sequence[ConnectionState]) -> ConnectionState:
    """What holds for the connection as a whole: a handshake is not over before its last volume."""
    return min(states, key=CONNECTION_ORDER.__getitem__)
