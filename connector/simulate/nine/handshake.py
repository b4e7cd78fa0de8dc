"""One side's view of a handshake about one volume: who is to copy to whom, or nobody.

Kernel source: drbd_receiver.c (`drbd_sync_handshake`, `drbd_asb_recover_0p` to `_2p`).
"""

from __future__ import annotations

from dataclasses import dataclass

from connector.model import DiskState, Role
from connector.simulate import after_split_brain
from connector.simulate.nine.configuration import node_id
from connector.simulate.nine.generations import (
    REVERSED,
    SOURCES,
    TARGETS,
    Verdict,
    compare,
    party,
    shown,
)
from connector.simulate.nine.kernel_log import ALERT, WARNING, KernelLog
from connector.simulate.nine.state import ClusterState, ConnectionSide

# drbd_protocol.h: UUID_FLAG_DISCARD_MY_DATA and its likes.
_DISCARD, _CRASHED_PRIMARY, _INCONSISTENT = 0x1, 0x2, 0x4
_STABLE, _RECONNECT, _LOST_QUORUM, _RECEIVED = 0x20, 0x100, 0x400, 0x1000

_IN_USE = frozenset({DiskState.CONSISTENT, DiskState.UP_TO_DATE})
_GOOD = frozenset({DiskState.OUTDATED, DiskState.CONSISTENT, DiskState.UP_TO_DATE})


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one side concludes for a volume; `verdict` is None where it refuses the connection.

    `split` is a split brain that is left for later; `primary_target` is a Primary that would have
    to take the peer's data.
    """

    verdict: Verdict | None
    split: bool = False
    primary_target: bool = False


def stable(state: ClusterState, node: str, resource: str) -> bool:
    """Whether no Primary elsewhere may change this node's data at any time."""
    side = state.side(node, resource)
    return side.primary or not any(
        side.connections[peer].peer_role is Role.PRIMARY for peer in state.connected(node, resource)
    )


@dataclass(frozen=True, slots=True)
class SyncHandshake:
    """A handshake of `node` with `peer` about one volume."""

    state: ClusterState
    node: str
    peer: str
    resource: str
    number: int

    def run(self) -> Outcome:
        """Conclude, and say so in the log of `node`."""
        log = KernelLog(self.state, self.node, self.resource)
        verdict = self._compare(log)
        if verdict is Verdict.UNRELATED:
            self._say(log, "Unrelated data, aborting!", ALERT)
            return Outcome(None)
        verdict = self._by_disk_states(verdict)
        if verdict in (Verdict.SPLIT_BRAIN, Verdict.SPLIT_BRAIN_OLD):
            if not all(stable(self.state, one, self.resource) for one in (self.node, self.peer)):
                self._say(log, "Ignore Split-Brain, for now, at least one side unstable")
                return Outcome(Verdict.NO_SYNC, split=True)
            solved = self._split_brain(log, verdict)
            if solved is None:
                return Outcome(None, split=True)
            verdict = solved
        elif self._discards(self._winner(verdict)):
            self._say(
                log, "Resync direction reversed by --discard-my-data. Reverting to older data!"
            )
            verdict = REVERSED[verdict]
        return self._check(log, verdict)

    def _check(self, log: KernelLog, verdict: Verdict) -> Outcome:
        side = self.state.side(self.node, self.resource)
        if verdict in TARGETS and side.primary and side.volumes[self.number].disk in _IN_USE:
            self._say(log, "I shall become SyncTarget, but I am primary!")
            return Outcome(None, primary_target=True)
        if any(self._link(one).tentative for one in (self.node, self.peer)):
            would = "SyncSource" if verdict in SOURCES else "SyncTarget"
            what = (
                "No resync, would become Connected immediately."
                if verdict is Verdict.NO_SYNC
                else f"Would become {would}, doing a {verdict} resync."
            )
            self._say(log, f"dry-run connect: {what}")
            return Outcome(Verdict.NO_SYNC, split=verdict is not Verdict.NO_SYNC)
        return Outcome(verdict)

    def _compare(self, log: KernelLog) -> Verdict:
        volume = self.state.side(self.node, self.resource).volumes[self.number]
        self._say(log, "drbd_sync_handshake:")
        parties = []
        for one, other, who in ((self.node, self.peer, "self"), (self.peer, self.node, "peer")):
            side = self.state.side(one, self.resource)
            at, first = side.volumes[self.number], node_id(one) < node_id(other)
            flags = self._flags(one) | (_RECEIVED if who == "peer" else 0)
            text = (
                f"{who} {shown(at, other, primary=side.primary)} "
                f"bits:{len(at.peers[other].changed)} flags:{flags:x}"
            )
            self._say(log, text)
            parties.append(party(at, other, primary=side.primary, first=first))
        verdict, rule = compare(*parties)
        log.peer_device(volume, self.peer, f"uuid_compare()={verdict} by rule={rule}")
        return verdict

    def _flags(self, node: str) -> int:
        side = self.state.side(node, self.resource)
        volume, link = side.volumes[self.number], self._link(node)
        flags = _DISCARD if link.discard_my_data else 0
        flags |= _CRASHED_PRIMARY if volume.crashed_primary else 0
        flags |= _INCONSISTENT if volume.disk is DiskState.INCONSISTENT else 0
        flags |= _STABLE if stable(self.state, node, self.resource) else 0
        flags |= _RECONNECT if link.met else 0
        return flags | (_LOST_QUORUM if side.primary and not volume.quorum else 0)

    def _by_disk_states(self, verdict: Verdict) -> Verdict:
        own, peer = (
            self.state.side(one, self.resource).volumes[self.number].disk
            for one in (self.node, self.peer)
        )
        if own is DiskState.INCONSISTENT and peer in _GOOD and verdict not in TARGETS:
            return Verdict.TARGET
        if peer is DiskState.INCONSISTENT and own in _GOOD and verdict not in SOURCES:
            return Verdict.SOURCE
        return verdict

    def _split_brain(self, log: KernelLog, verdict: Verdict) -> Verdict | None:
        volume = self.state.side(self.node, self.resource).volumes[self.number]
        log.called("initial-split-brain", self.peer, volume)
        if verdict is Verdict.SPLIT_BRAIN:
            primaries = sum(
                self.state.side(one, self.resource).primary for one in (self.node, self.peer)
            )
            solved = after_split_brain.recover(self._split(log), primaries)
            if abs(solved) < abs(after_split_brain.UNDECIDED):
                how = f"{primaries} primaries, automatically solved"
                return self._solved(log, how, source=solved > 0)
        discarding = [one for one in (self.node, self.peer) if self._link(one).discard_my_data]
        if len(discarding) == 1:
            return self._solved(log, "manually solved", source=discarding == [self.peer])
        self._say(log, "Split-Brain detected but unresolved, dropping connection!", ALERT)
        log.called("split-brain", self.peer, volume)
        return None

    def _solved(self, log: KernelLog, how: str, *, source: bool) -> Verdict:
        node = "this" if source else "peer"
        self._say(log, f"Split-Brain detected, {how}. Sync from {node} node", WARNING)
        return Verdict.SOURCE if source else Verdict.TARGET

    def _split(self, log: KernelLog) -> after_split_brain.Split:
        side = self.state.side(self.node, self.resource)
        volume = side.volumes[self.number]
        peers = self.state.side(self.peer, self.resource).volumes[self.number]

        def give_up_role() -> bool:
            if any(opener.writes for opener in side.openers()):
                log.called("pri-lost-after-sb", volume=volume)
                return False
            change = log.change("split-brain")
            change.role, side.explicit = Role.SECONDARY, False
            change.apply()
            return True

        return after_split_brain.Split(
            policies=self.state.configured(self.resource).after_sb,
            primary=side.primary,
            was_primary=False,
            peer_was_primary=False,
            changes=len(volume.peers[self.peer].changed),
            peer_changes=len(peers.peers[self.node].changed),
            resolves_conflicts=node_id(self.node) < node_id(self.peer),
            give_up_role=give_up_role,
        )

    def _winner(self, verdict: Verdict) -> str | None:
        if verdict in SOURCES:
            return self.node
        return self.peer if verdict in TARGETS else None

    def _discards(self, node: str | None) -> bool:
        if node is None:
            return False
        # A disk without all of its data is no source, whatever is asked for.
        loser = self.peer if node == self.node else self.node
        disk = self.state.side(loser, self.resource).volumes[self.number].disk
        return self._link(node).discard_my_data and disk in _GOOD

    def _link(self, node: str) -> ConnectionSide:
        other = self.peer if node == self.node else self.node
        return self.state.link(node, self.resource, other)

    def _say(self, log: KernelLog, text: str, level: int = 6) -> None:
        volume = self.state.side(self.node, self.resource).volumes[self.number]
        log.peer_device(volume, self.peer, text, level)
