"""DRBD's own after-sb policies: the forecast beside what the kernel then really does."""

from __future__ import annotations

import pytest

from connector.decide.forecast import Loser, forecast
from connector.model import AfterSplitBrain

from .vocabulary import StoryPair

SOLVED = "automatically solved. Sync from peer node"
REFUSED = "Split-Brain detected but unresolved, dropping connection!"
# The usual combinations of after-sb-0pri, -1pri and -2pri, and who is Primary at the handshake.
DEFAULTS = ("disconnect", "disconnect", "disconnect")
GUIDE = ("discard-zero-changes", "discard-secondary", "disconnect")
LEAST = ("discard-least-changes", "consensus", "disconnect")
YOUNGER = ("discard-younger-primary", "consensus", "disconnect")
AS_WITH_NONE = ("discard-least-changes", "violently-as0p", "violently-as0p")
CALL = ("discard-older-primary", "call-pri-lost-after-sb", "call-pri-lost-after-sb")
NOBODY: tuple[str, ...] = ()
ALPHA, BOTH = ("alpha",), ("alpha", "beta")
SITUATIONS = [
    (DEFAULTS, NOBODY),
    (DEFAULTS, ALPHA),
    (GUIDE, NOBODY),
    (GUIDE, ALPHA),
    (GUIDE, BOTH),
    (LEAST, NOBODY),
    (LEAST, ALPHA),
    (YOUNGER, NOBODY),
    (AS_WITH_NONE, ALPHA),
    (CALL, ALPHA),
]


# The kernel's rules do not change from day to day; what is simulated of them is asked each time.
# Real DRBD with a policy that loses silently is in tests/lab/test_main_job.py each time, too.
@pytest.mark.soak_on_real_drbd
@pytest.mark.parametrize(
    ("policies", "active"),
    SITUATIONS,
    ids=["/".join(policies) + f"-{len(active)}-primaries" for policies, active in SITUATIONS],
)
def test_the_forecast_is_right_or_cannot_tell(
    pair: StoryPair, policies: tuple[str, str, str], active: tuple[str, ...]
) -> None:
    pair.begin(
        dict(zip(("after-sb-0pri", "after-sb-1pri", "after-sb-2pri"), policies, strict=True))
    )
    pair.allow_policy_losses = True
    pair.diverge("mail", still_active=active)
    # Who has changed less is no matter of luck then.
    if "alpha" in active:
        pair.alpha.write(0, 12)
    else:
        pair.alpha.take_over("mail")
        pair.alpha.write(0, 12)
        pair.alpha.let_go("mail")
    told = {
        node.name: [
            loss.loser
            for loss in forecast(AfterSplitBrain(*policies), primary=node.name in active)
            if loss.primaries == len(active)
        ]
        for node in pair.nodes
    }

    pair.restore_link()

    loser = _who_lost(pair)
    for name, losers in told.items():
        if loser is None:
            assert set(losers) <= {Loser.EITHER}, f"{name} foretold a loss that did not come"
        else:
            right = Loser.HERE if name == loser else Loser.PEER
            assert set(losers) & {right, Loser.EITHER}, f"{name} did not foretell that {loser} lost"


def _who_lost(pair: StoryPair) -> str | None:
    """The node whose changes DRBD threw away by itself, None where it refused."""
    for _ in range(60):
        for node in pair.nodes:
            if node.saw_in_kernel_log(SOLVED):
                pair.wait_all("Connected")
                return node.name
        if any(node.saw_in_kernel_log(REFUSED) for node in pair.nodes):
            return None
        pair.let_time_pass(0.3)
    raise AssertionError("the nodes did not meet")
