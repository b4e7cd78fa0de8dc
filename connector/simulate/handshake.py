"""What one side says and concludes when both have told each other their identifiers.

Kernel source: drbd_receiver.c (`drbd_sync_handshake`, `receive_state`).
"""

from __future__ import annotations

from dataclasses import dataclass

from connector.model import DiskState, Role
from connector.simulate import after_split_brain
from connector.simulate.configuration import NODES, other
from connector.simulate.identifiers import Identifiers, Party, compare
from connector.simulate.kernel_log import ALERT, ERROR, WARNING, KernelLog
from connector.simulate.state import DISK_ORDER, PairState, VolumeSide

_ASKED_FOR_DISCARD, _CRASHED_PRIMARY = 1, 2  # drbd_main.c `_drbd_send_uuids`
_REFUSED = None


@dataclass(frozen=True, slots=True)
class Told:
    """What a side has told of one volume when the handshake began."""

    identifiers: Identifiers
    bits: int
    flags: int
    primary: bool
    disk: DiskState


def tell(volume: VolumeSide, *, discarding: bool) -> Told:
    """`_drbd_send_uuids` and `drbd_send_state`."""
    flags = _ASKED_FOR_DISCARD if discarding else 0
    flags |= _CRASHED_PRIMARY if volume.crashed_primary else 0
    return Told(volume.identifiers.copy(), len(volume.changed), flags, volume.primary, volume.disk)


@dataclass(frozen=True, slots=True)
class SyncHandshake:
    """The handshake of one volume as one node sees it."""

    state: PairState
    node: str
    resource: str
    volume: VolumeSide
    own: Told
    peer: Told
    dry_run: bool = False

    def run(self) -> int | None:
        """The verdict (2, 1, 0, -1, -2), or None where this side drops the connection.

        A rehearsal ends in None, too: the kernel says what it would do, and does it not.
        """
        log, minor = KernelLog(self.state, self.node), self.volume.minor
        log.device(minor, "drbd_sync_handshake:")
        # `drbd_sync_handshake` prints 0 for the own flags, whatever they are.
        log.device(minor, f"self {self.own.identifiers} bits:{self.own.bits} flags:0")
        log.device(
            minor, f"peer {self.peer.identifiers} bits:{self.peer.bits} flags:{self.peer.flags:X}"
        )
        verdict, rule = compare(
            _party(self.own), _party(self.peer), resolves_conflicts=self._resolves_conflicts
        )
        log.device(minor, f"uuid_compare()={verdict} by rule {rule}")
        if verdict == -1000:
            log.device(minor, "Unrelated data, aborting!", ALERT)
            return _REFUSED
        verdict = self._by_disk_states(log, verdict)
        if abs(verdict) == 100:
            decided = self._split_brain(log, verdict)
            if decided is _REFUSED:
                return _REFUSED
            verdict = decided
        if verdict > 0 and DISK_ORDER[self.own.disk] <= DISK_ORDER[DiskState.INCONSISTENT]:
            log.device(minor, "I shall become SyncSource, but I am inconsistent!", ERROR)
            return _REFUSED
        consistent = DISK_ORDER[self.own.disk] >= DISK_ORDER[DiskState.CONSISTENT]
        if verdict < 0 and self.volume.primary and consistent:
            log.device(minor, "I shall become SyncTarget, but I am primary!", ERROR)
            return _REFUSED
        if self.dry_run:
            log.device(minor, f"dry-run connect: {_would(verdict)}")
            return _REFUSED
        self._say_what_follows(log, verdict)
        return verdict

    @property
    def _resolves_conflicts(self) -> bool:
        return self.node == NODES[0]

    def _by_disk_states(self, log: KernelLog, verdict: int) -> int:
        inconsistent = DISK_ORDER[DiskState.INCONSISTENT]
        own, peer = DISK_ORDER[self.own.disk], DISK_ORDER[self.peer.disk]
        if not ((own == inconsistent < peer) or (peer == inconsistent < own)):
            return verdict
        everything = verdict == -100 or abs(verdict) == 2
        source = own > inconsistent
        what = "source" if source else "target"
        log.device(self.volume.minor, f"Becoming sync {what} due to disk states.")
        return (1 if source else -1) * (2 if everything else 1)

    def _split_brain(self, log: KernelLog, verdict: int) -> int | None:
        minor = self.volume.minor
        log.called(minor, "initial-split-brain")
        if verdict == 100:
            # The role may have changed since: `call-pri-lost-after-sb` demotes.
            primaries = int(self.volume.primary) + int(self.peer.primary)
            verdict = after_split_brain.recover(self._split(log), primaries)
            if abs(verdict) < 100:
                log.device(
                    minor,
                    f"Split-Brain detected, {primaries} primaries, automatically solved. "
                    f"Sync from {_source(verdict)} node",
                    WARNING,
                )
                return verdict
        own_discards = bool(self.own.flags & _ASKED_FOR_DISCARD)
        peer_discards = bool(self.peer.flags & _ASKED_FOR_DISCARD)
        if own_discards != peer_discards:
            verdict = -1 if own_discards else 1
            log.device(
                minor,
                f"Split-Brain detected, manually solved. Sync from {_source(verdict)} node",
                WARNING,
            )
            return verdict
        log.device(minor, "Split-Brain detected but unresolved, dropping connection!", ALERT)
        log.called(minor, "split-brain")
        return _REFUSED

    def _split(self, log: KernelLog) -> after_split_brain.Split:
        def give_up_role() -> bool:
            if self.volume.held_open:
                log.called(self.volume.minor, "pri-lost-after-sb")
                return False
            log.change_device(self.volume, role=Role.SECONDARY)
            log.device(self.volume.minor, "Successfully gave up primary role.", WARNING)
            return True

        return after_split_brain.Split(
            policies=self.state.configured(self.resource).after_sb,
            primary=self.volume.primary,
            was_primary=bool(self.own.identifiers.bitmap & 1),
            peer_was_primary=bool(self.peer.identifiers.bitmap & 1),
            changes=self.own.bits,
            peer_changes=self.peer.bits,
            resolves_conflicts=self._resolves_conflicts,
            give_up_role=give_up_role,
        )

    def _say_what_follows(self, log: KernelLog, verdict: int) -> None:
        if abs(verdict) == 2:
            log.device(
                self.volume.minor,
                "Writing the whole bitmap, full sync required after drbd_sync_handshake.",
            )
        elif verdict == 0 and self.volume.changed:
            bits = len(self.volume.changed)
            log.device(self.volume.minor, f"No resync, but {bits} bits in bitmap!")


def sync_handshake(
    state: PairState, node: str, resource: str, number: int, told: dict[str, Told], *, dry_run: bool
) -> int | None:
    """The verdict of `node` on one volume; what both sides have told is by node."""
    volume = state.side(node, resource).volumes[number]
    own, peer = told[node], told[other(node)]
    return SyncHandshake(state, node, resource, volume, own, peer, dry_run).run()


def _party(told: Told) -> Party:
    return Party(told.identifiers, told.primary, bool(told.flags & _CRASHED_PRIMARY))


def _would(verdict: int) -> str:
    """`drbd_sync_handshake` with `tentative` or CONN_DRY_RUN."""
    if verdict == 0:
        return "No resync, would become Connected immediately."
    side = "SyncSource" if verdict > 0 else "SyncTarget"
    return (
        f"Would become {side}, doing a {'full' if abs(verdict) >= 2 else 'bit-map based'} resync."
    )


def _source(verdict: int) -> str:
    return "peer" if verdict < 0 else "this"
