"""What the decision needs to know besides what is seen: settings, and what was before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from connector.model import Mode


@dataclass(frozen=True, slots=True)
class Policy:
    """What the configuration allows for one resource; times in seconds."""

    mode: Mode = Mode.RECONNECT
    demote_grace_s: float = 90
    max_attempts: int = 3
    respect_disconnect_s: float = 3600
    act_if_managed: bool = False


@dataclass(frozen=True, slots=True)
class Context:
    """Settings and memory for one resource, or for one of its connections.

    `by_peer` has those of each connection where there are several (DRBD 9). `discard_pending`: an
    earlier pass told this connection to discard, and it has not met its peer since.
    `picture_age_s` is for how long the same picture has been seen, None when it is new.
    `log_now_s` is the present on the kernel log's clock. `paused` is the operator's reason.
    `takeover_unfinished_s` is for how long a take-over has been neither finished nor undone, None
    where there is none.
    """

    policy: Policy = Policy()
    attempts: int = 0
    picture_age_s: float | None = None
    log_now_s: float = 0.0
    paused: str | None = None
    settle_s: float = 10
    memory_lost: bool = False
    discard_pending: bool = False
    takeover_unfinished_s: float | None = None
    by_peer: Mapping[str, Context] = field(default_factory=dict)

    def towards(self, peer: str | None) -> Context:
        """What is remembered of one connection; this itself where that is all there is."""
        return self if peer is None else self.by_peer.get(peer, self)
