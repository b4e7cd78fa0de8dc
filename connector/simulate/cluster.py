"""A cluster manager as simple as Heartbeat with haresources: who is active, and when that moves.

It hears its peer or does not, over a link of its own. A node that has not heard its peer for
`deadtime` takes the resources over; `auto_failback` is off, so that a node that comes back is the
standby. Two nodes that have both been active and hear each other again cannot both go on: one gives
up. (Heartbeat 3, doc/ha.cf and doc/haresources; heartbeat/hb_resource.c `hb_giveup_resources`.)
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

BEAT_S = 4.0
DEADTIME_S = 12.0
INITDEAD_S = 30.0  # after a boot, when the peer may only be slower


class Move(StrEnum):
    """What a node's cluster manager does next."""

    NOTHING = "nothing"
    TAKE_OVER = "take over"
    GIVE_UP = "give up"


@dataclass(slots=True)
class Member:
    """One node's cluster manager. Times in seconds; `heard_s` is when it last heard its peer."""

    began_s: float
    active: bool = False
    heard_s: float | None = None
    preferred: bool = False  # takes the resources where both come up and nobody has them
    gives_up: bool = False  # where both have them

    def hear(self, now_s: float) -> None:
        """A beat of the peer has arrived."""
        self.heard_s = now_s

    def next_move(self, now_s: float, *, peer_active: bool) -> Move:
        """What to do now; `peer_active` is what the peer's beats say, as long as they arrive."""
        silent_s = now_s - (self.began_s if self.heard_s is None else self.heard_s)
        hears = self.heard_s is not None and silent_s < DEADTIME_S
        if self.active:
            return Move.GIVE_UP if hears and peer_active and self.gives_up else Move.NOTHING
        if hears:
            lonely = not peer_active and self.preferred and now_s - self.began_s > INITDEAD_S
            return Move.TAKE_OVER if lonely else Move.NOTHING
        patience_s = INITDEAD_S if self.heard_s is None else DEADTIME_S
        return Move.TAKE_OVER if silent_s > patience_s else Move.NOTHING
