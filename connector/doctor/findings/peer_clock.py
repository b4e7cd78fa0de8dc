"""The clocks of both nodes, as far as two readings tell."""

from __future__ import annotations

from collections.abc import Iterator

from connector.doctor.finding import Finding, FindingId, NotLookedAt, Severity
from connector.doctor.peer import Peer

MOST_S = 2.0


def clock(peer: Peer) -> Iterator[Finding | NotLookedAt]:
    """The peer's clock was read between two moments of ours: so far it may be ahead or behind.

    A file may have been written at any time before now. It shows only a clock that is ahead.
    """
    least_s = peer.manifest.wall_s - peer.answered_wall_s
    if peer.asked_wall_s is None:
        if least_s > MOST_S:
            yield _differs(peer, f"at least {least_s:.1f} s ahead")
        else:
            yield NotLookedAt(
                "the clocks of both nodes",
                "a file tells only that the peer's is not ahead; --peer ssh:HOST bounds it",
                counts=False,
            )
        return
    most_s = peer.manifest.wall_s - peer.asked_wall_s
    if least_s > MOST_S:
        yield _differs(peer, f"{least_s:.1f} to {most_s:.1f} s ahead")
    elif most_s < -MOST_S:
        yield _differs(peer, f"{-most_s:.1f} to {-least_s:.1f} s behind")
    elif most_s - least_s > 2 * MOST_S:
        yield NotLookedAt(
            "the clocks of both nodes",
            f"the answer took {most_s - least_s:.1f} s: they differ by {least_s:.1f} to "
            f"{most_s:.1f} s, which says little",
        )


def _differs(peer: Peer, how: str) -> Finding:
    host = peer.manifest.host
    return Finding(
        FindingId.PEER_CLOCK_DIFFERS,
        Severity.WARNING,
        f"the clock of {host} is {how}",
        "logs and journals of the two nodes cannot be put side by side, and what was written "
        "before a take-over may seem to come from the future",
        "timedatectl on both nodes (chrony, systemd-timesyncd)",
    )
