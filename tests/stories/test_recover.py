"""`connector recover` on real DRBD: the resync followed and run again, and both rehearsals."""

from __future__ import annotations

import re

import pytest

from tests.lab.drbd_node import DrbdNode
from tests.lab.node import Completed
from tests.lab.pair import Pair

from .vocabulary import OPERATOR_NEEDED, in_sync

SLOW = "disk-options --c-plan-ahead=0 --resync-rate=300k mail"
CHANGED_KIB = 2700  # nine seconds at that rate
KILLED_AFTER_S = 5.0


def recover(node: DrbdNode, *words: str, kill_after_s: float | None = None) -> Completed:
    """`connector recover mail WORDS`."""
    return node.connector_loaded("recover", "mail", *words, kill_after_s=kill_after_s)


def wait_for_the_other(node: DrbdNode) -> None:
    """The node waits in WFConnection."""
    if node.connection() == "StandAlone":
        node.connect("mail")
    node.wait_for_connection("WFConnection")


def stand_alone(node: DrbdNode) -> None:
    """The node is StandAlone, as each of them mostly is after a split brain."""
    if node.connection() != "StandAlone":
        node.disconnect("mail")
    node.wait_for_connection("StandAlone")


def test_the_resync_is_followed_to_its_end_also_after_a_kill(real_pair: Pair) -> None:
    pair = real_pair
    pair.configure()
    pair.split_brain("mail", still_active=["alpha"])
    pair.alpha.write_file("/mnt/mail/much", size_kib=CHANGED_KIB)
    kept = pair.alpha.write(0)
    pair.on_both(lambda node: node.drbdadm(SLOW))
    stand_alone(pair.beta)
    wait_for_the_other(pair.alpha)

    killed = recover(pair.beta, "--victim", "here", "--yes", kill_after_s=KILLED_AFTER_S)
    # Wherever it was killed: what was begun has taken its course, and it is run again.
    pair.beta.wait_for_connection("StandAlone", "SyncTarget", "Connected")
    again = recover(pair.beta, "--yes")

    assert again.exit_status == 0, again.stdout + again.stderr
    assert again.stdout.endswith("mail is Connected: nothing to recover\n") or (
        "mail: in step, both disks are UpToDate" in again.stdout.splitlines()[-1]
    )
    # On a slow host the resync may be over before it is looked at for a second time.
    assert re.search(r"(SyncTarget|WFSyncUUID): .*% in sync", killed.stdout + again.stdout)
    # The survivor hears of the end last.
    pair.wait_all("Connected")
    assert set(kept) <= pair.alpha.records(0)


@pytest.mark.soak
def test_a_rehearsal_in_either_order_leaves_all_as_it_was(fresh_pair: Pair) -> None:
    """With a clean pair of its own: a story's checker knows no pass that runs --tentative."""
    pair = fresh_pair
    pair.configure()
    pair.split_brain("mail", still_active=["alpha"])
    before = [node.identifiers() for node in pair.nodes]
    oos = [node.state().out_of_sync_kib for node in pair.nodes]
    stand_alone(pair.beta)

    wait_for_the_other(pair.alpha)
    waited = recover(pair.beta, "--victim", "here", "--rehearse")
    _as_before(pair, before, oos)
    stand_alone(pair.alpha)
    first, _ = pair.at_once(
        lambda: recover(pair.beta, "--victim", "here", "--rehearse"),
        lambda: pair.alpha.run("sleep 3; drbdadm connect mail"),
    )
    _as_before(pair, before, oos)
    split = recover(pair.beta, "--victim", "peer", "--rehearse")
    _as_before(pair, before, oos)

    for victim in (waited, first):
        assert victim.exit_status == 0, victim.stdout + victim.stderr
        assert "this node would become SyncTarget: the blocks that differ" in victim.stdout
    assert split.exit_status == OPERATOR_NEEDED
    assert "DRBD would refuse (split brain)" in split.stdout
    # What was rehearsed is what happens.
    done = recover(pair.beta, "--victim", "here", "--yes")
    assert done.exit_status == 0, done.stdout + done.stderr
    assert in_sync(pair)


def _as_before(pair: Pair, identifiers: list[str], out_of_sync_kib: list[int]) -> None:
    """The node that rehearsed is StandAlone, its peer waits, and nothing on the disks changed."""
    assert pair.beta.connection() == "StandAlone"
    assert pair.alpha.wait_for_connection("WFConnection") == "WFConnection"
    assert [node.identifiers() for node in pair.nodes] == identifiers
    assert [node.state().out_of_sync_kib for node in pair.nodes] == out_of_sync_kib
