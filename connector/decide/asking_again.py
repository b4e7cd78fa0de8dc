"""When a handshake that found no Primary is asked again.

A handshake tells the roles of its moment; the peer may have become Primary since. A plain connect
has the kernel write what is so now, and gives nothing up.
"""

from __future__ import annotations

from connector.decide.context import Context
from connector.model import Resource

# A cluster manager whose nodes have both stepped down has one of them active again within seconds,
# or within three minutes on a host that has much else to do (Heartbeat 3, measured). So the first
# question comes early, and each further wait is several times as long: a few attempts last.
FIRST_WAIT_S = 60.0
TIMES = 4
LONGEST_WAIT_S = 3600.0


def may_ask_again(resource: Resource, context: Context) -> bool:
    """Whether the last handshake is old enough to be asked again."""
    found_at_s, holds_s = resource.evidence.cause_at_s, asked_again_after_s(context)
    if found_at_s is None or holds_s is None:
        return False
    return context.log_now_s - found_at_s >= holds_s


def asked_again_after_s(context: Context) -> float | None:
    """For how many seconds such a handshake is the last word; None where for ever.

    The last attempt is kept for the discard.
    """
    if context.attempts + 1 >= context.policy.max_attempts:
        return None
    holds_s = FIRST_WAIT_S
    for _ in range(context.attempts):
        holds_s = min(holds_s * TIMES, LONGEST_WAIT_S)
    return holds_s
