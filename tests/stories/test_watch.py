"""`connector watch` on both nodes, with the rights that its unit file leaves it."""

from __future__ import annotations

import pytest

from tests.lab.pair import Pair
from tests.lab.watching import call_handler, handled, said, start_watch, stop_watch

# The default grace: a take-over is under way while it watches.
DISCARD = {"mode": "discard", "demote_grace": 90}


def test_watch_ends_a_split_brain_by_itself(real_pair: Pair) -> None:
    pair = real_pair
    pair.configure(DISCARD)
    pair.on_both(call_handler)
    pair.on_both(start_watch)

    pair.diverge("mail", still_active=["alpha"])
    kept = pair.alpha.write(0)
    pair.restore_link()
    pair.wait_until(lambda: pair.beta.saw_in_kernel_log("manually solved") or None, "a healing")
    pair.wait_all("Connected")

    assert set(kept) <= pair.alpha.records(0)
    passes = [line for line in said(pair.beta) if line["event"] == "pass"]
    woken = [line for line in passes if line["woken_by"]]
    assert any("drbdadm connect --discard-my-data mail" in str(line) for line in woken)
    # DRBD has called its handler, which has woken the watch.
    called = next(one for one in handled(pair.beta) if one["handler"] == "split-brain")
    assert called["drbd"]["DRBD_RESOURCE"] == "mail"
    assert "told: handler split-brain mail" in str(woken)
    # Its own mount namespace keeps nothing busy: the service can move.
    pair.alpha.let_go("mail")
    pair.beta.take_over("mail")
    assert set(kept) <= pair.beta.records(0)
    pair.on_both(stop_watch)


@pytest.mark.soak
def test_watch_and_cron_do_not_get_into_each_others_way(real_pair: Pair) -> None:
    pair = real_pair
    pair.configure({**DISCARD, "max_attempts": 6})
    pair.on_both(start_watch)
    with pair.cron(4) as cron:
        for active in pair.nodes:
            active.take_over("mail")
            pair.peer_of(active).disconnect("mail")
            pair.let_time_pass(6)
            pair.wait_all("Connected")
            active.let_go("mail")
    assert set(cron.exit_statuses) <= {0, 75}
    pair.on_both(stop_watch)
