"""What the kernel says of a handshake (drbd_receiver.c), in the words that 8.4 and 9 share.

Every message is matched from its beginning, never looked for in the middle: a program chooses its
own name, and the kernel begins lines with it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from connector.model import Cause, Handshake

# Of one volume: its line of either side, as current identifier, bits and flags.
Sides = Mapping[int | None, Mapping[str, tuple[int, int, int]]]

# self 3875E0FE4D2F3617:4B53891C4B844B20:C99A7F2D5005D7EE:C9997F2D5005D7EF bits:9 flags:0
_SIDE = re.compile(
    r"(self|peer) ([0-9A-F]{16})(?::[0-9A-F]{16}){3} bits:(\d{1,20}) flags:([0-9A-F]{1,16})"
)
# Messages that say why it gives a connection up; the first that fits counts.
_TROUBLE: tuple[tuple[re.Pattern[str], Cause], ...] = (
    (re.compile(r"Split-Brain detected(?: but unresolved)?, dropping"), Cause.SPLIT_BRAIN),
    (re.compile(r"Unrelated data, aborting!"), Cause.UNRELATED_DATA),
    (re.compile(r"Authentication of peer failed"), Cause.AUTHENTICATION),
    (
        re.compile(r"(?i:I shall become SyncTarget, but I am|Current Primary shall become sync)"),
        Cause.SYNC_TARGET_BUT_PRIMARY,
    ),
    (re.compile(r"before-resync-target handler returned \d+, dropping"), Cause.RESYNC_HANDLER),
    (re.compile(r"incompatible .*(?:settings|dialects|setting)"), Cause.INCOMPATIBLE_SETTINGS),
)
# Nearly every message is none of them, which one look tells.
_ANY_TROUBLE = re.compile("|".join(f"(?:{pattern.pattern})" for pattern, _ in _TROUBLE))
# Split-Brain detected, 1 primaries, automatically solved. Sync from peer node
_SOLVED = re.compile(r"Split-Brain detected, .*(?:automatically|manually) solved")


def cause_in(message: str) -> Cause | None:
    """The cause that this message gives for the end of a connection; None where it gives none."""
    if not _ANY_TROUBLE.match(message):
        return None
    return next(cause for pattern, cause in _TROUBLE if pattern.match(message))


def side_in(message: str) -> tuple[str, tuple[int, int, int]] | None:
    """`self` or `peer` with its current identifier, bits and flags; None for other messages."""
    side = _SIDE.match(message)
    return (side[1], (int(side[2], 16), int(side[3]), int(side[4], 16))) if side else None


def is_solved(message: str) -> bool:
    """Whether the message says that a policy or an operator ended a split brain."""
    return _SOLVED.match(message) is not None


def handshakes(sides: Sides) -> tuple[Handshake, ...]:
    """The volumes whose both lines were seen in this handshake."""
    return tuple(
        Handshake(
            minor=minor,
            self_current=pair["self"][0],
            peer_current=pair["peer"][0],
            self_bits=pair["self"][1],
            peer_bits=pair["peer"][1],
            self_flags=pair["self"][2],
            peer_flags=pair["peer"][2],
        )
        for minor, pair in sides.items()
        if "self" in pair and "peer" in pair
    )
