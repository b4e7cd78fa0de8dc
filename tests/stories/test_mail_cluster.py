"""The whole pair, end to end: Heartbeat, a mail service, clients, and connector beside them.

What must hold: the service comes back by itself, within a stated bound; no message that was
acknowledged is missing, but for those on a victim, which are in its rescue; the pair ends Connected
and UpToDate, in mode `discard` without a person, and otherwise with what a person is told to do.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.lab.drbd_node import DrbdNode
from tests.lab.mail.cluster import MailCluster
from tests.lab.mail.ending import Kept
from tests.lab.mail.setup import OWN_CRONTAB
from tests.lab.pair import Pair
from tests.lab.plugin import EVIDENCE_FOLDER

from .mail_failures import FAILURES, HEARTBEAT_TIMEOUT_S
from .mail_outcomes import CONNECTOR, OLD, Outcome, note
from .vocabulary import OPERATOR_NEEDED

pytestmark = [pytest.mark.real_drbd, pytest.mark.story_timeout(3000)]

OUTCOMES = EVIDENCE_FOLDER / "mail-cluster.jsonl"
# Within it there is service again, from the failure on or from its repair on, whichever is worse.
# Mostly it takes a minute: Heartbeat's own scripts, on an emulated processor that shares its core.
# The longest was 299 s, on a host that was several times slower than usual.
BOUND_S = 600.0
# A message a second on either road.
LONGEST_PAUSE_S = 2.0
# Time enough for Heartbeat to come to rest, and for ten minutes of their cron.
OLD_SCRIPTS_S = 150.0
PEER = "/run/lab/peer.json"


@pytest.mark.parametrize("mode", ["observe", "reconnect", "discard"])
@pytest.mark.soak
@pytest.mark.story_timeout(5400)  # six failures, of ten minutes each where the host is slow
def test_every_failure_in_each_mode(fresh_pair: Pair, mode: str) -> None:
    with cluster_in(fresh_pair, mode) as cluster:
        for failure in FAILURES:
            play(cluster, failure, mode)


def test_a_crash_and_a_split_brain(fresh_pair: Pair) -> None:
    """The short form: of all the failures the two that cost most."""
    with cluster_in(fresh_pair, "discard") as cluster:
        for failure in ("crash of the active node", "both cut"):
            play(cluster, failure, "discard")


@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.soak
def test_the_old_scripts(fresh_pair: Pair, failure: str) -> None:
    """For the comparison: nothing is demanded of them, so each failure has a pair of its own."""
    with cluster_in(fresh_pair, "", old=True) as cluster:
        began_s = time.monotonic()
        FAILURES[failure](cluster)
        cluster.pair.let_time_pass(OLD_SCRIPTS_S)
        outcome_of(cluster, failure, "", began_s)


@contextmanager
def cluster_in(pair: Pair, mode: str, *, old: bool = False) -> Iterator[MailCluster]:
    """The cluster, with alpha active; its Heartbeat's log is kept where the story fails."""
    for node in pair.nodes:
        node.more_evidence = {
            "ha-log": "cat /var/log/ha-log",
            "mail-smtp": "cat /var/log/mail-smtp",
        }
    with MailCluster(pair, mode, old=old) as cluster:
        yield cluster


def play(cluster: MailCluster, failure: str, mode: str) -> None:
    """Have it happen, and hold the cluster to what must hold."""
    began_s = time.monotonic()
    FAILURES[failure](cluster)
    repaired_s = time.monotonic()
    person = failure == "both cut" and mode != "discard"
    if person:
        call_a_person(cluster)
    cluster.wait_together(HEARTBEAT_TIMEOUT_S)
    cluster.wait_until(
        cluster.settled, HEARTBEAT_TIMEOUT_S, "Heartbeat has come to rest, and one node serves"
    )
    back_s = cluster.wait_for_service(repaired_s)
    outcome = outcome_of(cluster, failure, mode, began_s, person=person)
    assert max(back_s, outcome.outage_s) <= BOUND_S
    assert (outcome.lost, outcome.together) == (0, True)
    assert outcome.given_up == 0 or failure == "both cut"
    assert not outcome.crontab_lost


def call_a_person(cluster: MailCluster) -> None:
    """Do what connector says that a person must do, once it says so on both nodes."""
    pair = cluster.pair
    cluster.wait_until(
        lambda: cluster.settled() and all(looked(node) == OPERATOR_NEEDED for node in pair.nodes),
        HEARTBEAT_TIMEOUT_S,
        "both nodes say that an operator is needed",
    )
    (active,) = cluster.active()
    standby = pair.peer_of(active)
    for node in pair.nodes:
        assert "connector recover mail" in node.connector_loaded("reconcile", "--dry-run").stdout
    pair.at_once(
        lambda: recover(pair, standby),
        lambda: recover(pair, active),
    )


def looked(node: DrbdNode) -> int:
    """The exit status of a pass that does nothing."""
    return node.connector_loaded("reconcile", "--dry-run").exit_status


def recover(pair: Pair, node: DrbdNode) -> None:
    """`connector recover mail` with the other node's view, as somebody types it on each node."""
    view = pair.peer_of(node).connector_loaded("status", "--json").stdout
    node.install(PEER, view)
    node.connector_loaded("recover", "mail", "--peer", PEER, "--yes")


def outcome_of(
    cluster: MailCluster, failure: str, mode: str, began_s: float, *, person: bool = False
) -> Outcome:
    """What has come of it since it began; it is noted for the tables, too."""
    ended_s = time.monotonic()
    # What comes in while the disks are read is for the next one to answer for.
    acknowledged = cluster.client.acknowledged()
    kept = Kept.of(cluster.pair)
    gaps = cluster.client.outages(began_s, ended_s, LONGEST_PAUSE_S)
    given_up, lost = kept.given_up(acknowledged), kept.lost(acknowledged)
    new = {one.number for one in acknowledged if one.at_s >= began_s}
    outcome = Outcome(
        failure=failure,
        scripts=OLD if cluster.old else CONNECTOR,
        mode=mode,
        outage_s=round(max((gap.ended_s - gap.began_s for gap in gaps), default=0.0), 1),
        acknowledged=len(new),
        given_up=sum(one.number in new for one in given_up),
        lost=len(lost),
        together=kept.together,
        person=person,
        stale_lock=cluster.stale_lock(),
        crontab_lost=any(
            node.running and OWN_CRONTAB not in cluster.crontab(node) for node in cluster.pair.nodes
        ),
    )
    note(outcome, OUTCOMES)
    return outcome
