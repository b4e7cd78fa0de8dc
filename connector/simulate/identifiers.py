"""The generation identifiers of a volume, and what the kernel concludes from two of them.

Kernel sources: drbd_main.c (`_drbd_uuid_set`, `drbd_uuid_set`, `drbd_uuid_new_current`,
`drbd_uuid_set_bm`) and drbd_receiver.c (`drbd_uuid_compare`). The lowest bit of the current
identifier says that its node is Primary; it takes no part in comparisons.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

JUST_CREATED = 4  # drbd_int.h UUID_JUST_CREATED
NEW_BITMAP_OFFSET = 0x0001_0000_0000_0000  # drbd_int.h UUID_NEW_BM_OFFSET
_PRIMARY_BIT = 1


@dataclass(slots=True)
class Identifiers:
    """What the meta-data holds: UI_CURRENT, UI_BITMAP, UI_HISTORY_START and UI_HISTORY_END."""

    current: int = JUST_CREATED
    bitmap: int = 0
    history: int = 0
    oldest: int = 0

    def copy(self) -> Identifiers:
        """The same values, free to change."""
        return replace(self)

    def __str__(self) -> str:
        """As `drbd_print_uuids` prints them."""
        values = (self.current, self.bitmap, self.history, self.oldest)
        return ":".join(f"{value:016X}" for value in values)

    def set_current(self, value: int, *, primary: bool) -> None:
        """`_drbd_uuid_set` of UI_CURRENT: the lowest bit follows this node's role."""
        self.current = value | _PRIMARY_BIT if primary else value & ~_PRIMARY_BIT

    def mark_role(self, *, primary: bool) -> None:
        """`drbd_set_role`: the same identifier with the new role in its lowest bit."""
        self.set_current(self.current, primary=primary)

    def new_current(self, value: int, *, primary: bool) -> None:
        """`drbd_uuid_new_current`: this side's data begin to differ from the peer's."""
        self.bitmap = self.current
        self.set_current(value, primary=primary)

    def start_as_source(self, fresh: int) -> int:
        """`drbd_gen_and_send_sync_uuid`: a bitmap identifier for this resync; it is sent."""
        known = self.bitmap not in (0, JUST_CREATED)
        sync = (self.bitmap + NEW_BITMAP_OFFSET) & 0xFFFF_FFFF_FFFF_FFFF if known else fresh
        self._set_bitmap(sync)
        return sync

    def start_as_target(self, sync: int) -> None:
        """`receive_sync_uuid`: what this side holds from now on is neither old nor new."""
        self.set_current(sync, primary=False)
        self.bitmap = 0

    def finish_as_source(self) -> None:
        """`drbd_uuid_set_bm` to 0: the bitmap identifier becomes history."""
        self._to_history(self.bitmap)
        self.bitmap = 0

    def finish_as_target(self, source: Identifiers, *, primary: bool) -> None:
        """`drbd_resync_finished`: the source's history as it was at the handshake, and its data."""
        sync = self.current
        self.bitmap, self.history, self.oldest = source.bitmap, source.history, source.oldest
        self._set_bitmap(sync)
        self.set_current(source.current, primary=primary)
        self.finish_as_source()

    def _set_bitmap(self, value: int) -> None:
        """`drbd_uuid_set` of UI_BITMAP: the one before becomes history."""
        if self.bitmap:
            self._to_history(self.bitmap)
        self.bitmap = value

    def _to_history(self, value: int) -> None:
        if value:
            self.oldest, self.history = self.history, value


def fresh_identifier(seed: int, number: int) -> int:
    """The kernel asks for random bytes here; a simulation must give the same ones again."""
    digest = hashlib.blake2b(f"{seed}:{number}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") | 1 << 63


@dataclass(frozen=True, slots=True)
class Party:
    """What one side brings into `drbd_uuid_compare` besides its identifiers."""

    identifiers: Identifiers
    primary: bool
    crashed_primary: bool


def compare(own: Party, peer: Party, *, resolves_conflicts: bool) -> tuple[int, int]:
    """`drbd_uuid_compare`: the verdict for `own`, and the number of the rule that gave it.

    100: split brain, the policies are asked; 2 and 1: sync source, of everything or of what
    changed; 0: no resync; -1 and -2: sync target; -100: split brain, no policy is asked; -1000:
    unrelated data. Rules 34 to 37, 51 and 71 mend a resync of which one side missed the start or
    the end; here both sides start and end in one moment, so they cannot be met.
    """
    self_ids, peer_ids = own.identifiers, peer.identifiers
    self_current, peer_current = _plain(self_ids.current), _plain(peer_ids.current)
    if {self_current, peer_current} & {0, JUST_CREATED}:
        return _just_created(self_current, peer_current)
    if self_current == peer_current:
        return _same_data(own, peer, resolves_conflicts=resolves_conflicts)
    if self_current == _plain(peer_ids.bitmap):
        return -1, 50
    if self_current in _history(peer_ids):
        return -2, 60
    if _plain(self_ids.bitmap) == peer_current:
        return 1, 70
    if peer_current in _history(self_ids):
        return 2, 80
    if _plain(self_ids.bitmap) == _plain(peer_ids.bitmap) != 0:
        return 100, 90
    # The kernel does not leave out 0 == 0 here.
    if set(_history(self_ids)) & set(_history(peer_ids)):
        return -100, 100
    return -1000, 100


def _just_created(self_current: int, peer_current: int) -> tuple[int, int]:
    if self_current == peer_current == JUST_CREATED:
        return 0, 10
    return (-2, 20) if self_current in (0, JUST_CREATED) else (2, 30)


def _same_data(own: Party, peer: Party, *, resolves_conflicts: bool) -> tuple[int, int]:
    """Equal current identifiers: a link that was gone, or a Primary that crashed."""
    if not (own.crashed_primary or peer.crashed_primary):
        return 0, 40
    if own.primary and peer.primary:
        return -100, 41
    if own.primary or peer.primary:
        return (1, 41) if own.primary else (-1, 41)
    if own.crashed_primary and peer.crashed_primary:
        return (-1, 40) if resolves_conflicts else (1, 40)
    return (1, 40) if own.crashed_primary else (-1, 40)


def _plain(identifier: int) -> int:
    return identifier & ~_PRIMARY_BIT


def _history(identifiers: Identifiers) -> tuple[int, int]:
    return _plain(identifiers.history), _plain(identifiers.oldest)
