"""The main job on real DRBD: what the agent heals, and what it leaves to a person."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from .drbd_node import DrbdNode
from .node import Completed
from .pair import Pair

NOTHING_LEFT = 0
OPERATOR_NEEDED = 3
# Nothing is gained by watching longer: what has not come up by then waits for the other node.
SETTLE = "[run]\nsettle = 4\n"
DISCARD = '[policy]\nmode = "discard"\ndemote_grace = 0\n' + SETTLE


def configure(pair: Pair, text: str) -> None:
    """Give both nodes the same connector.toml."""
    for node in pair.nodes:
        node.install("/etc/connector/connector.toml", text)


def run_pass(node: DrbdNode) -> Completed:
    """One `connector reconcile`, in a process that has it loaded."""
    return node.connector_loaded("reconcile")


def status(pair: Pair, node: DrbdNode, resource: str) -> dict[str, Any]:
    """What `connector status --json` says of a resource."""
    shown = json.loads(pair.connector(node, "status --json").stdout)
    return next(item for item in shown["resources"] if item["name"] == resource)


def metric(node: DrbdNode, name: str) -> float:
    """One series of the textfile."""
    text = node.run("cat /var/lib/connector/connector.prom").stdout
    found = re.search(rf"^{re.escape(name)} (\S+)$", text, re.MULTILINE)
    assert found, f"{name} is not in the textfile:\n{text}"
    return float(found[1])


def identifiers(node: DrbdNode, resource: str) -> str:
    """The generation identifiers, which any handshake that changes the data changes."""
    return node.run(f"drbdadm get-gi {resource}").stdout


def passes_until_connected(pair: Pair, rounds: int = 6) -> list[Completed]:
    """Cron's rounds on both nodes, the standby first, until everything is Connected."""
    done = []
    for _ in range(rounds):
        done += [run_pass(node) for node in (pair.beta, pair.alpha)]
        if all(
            state.connection == "Connected" and state.disk == "UpToDate"
            for node in pair.nodes
            for state in node.states().values()
        ):
            return done
    shown = "\n".join(f"{d.exit_status}: {d.stdout}{d.stderr}" for d in done)
    pytest.fail(f"not Connected after {rounds} rounds:\n{shown}")


@pytest.mark.soak  # the gates' stories have it, too
def test_an_operators_disconnect_of_the_standby_is_mended(fresh_pair: Pair) -> None:
    pair = fresh_pair
    configure(pair, "[policy]\nrespect_disconnect = 0\n")
    pair.alpha.take_over("mail")
    pair.beta.disconnect("mail")
    pair.beta.wait_for_connection("StandAlone")
    pair.alpha.write_file("/mnt/mail/meanwhile", "kept")

    # As cron starts it, with Python's start and all.
    mended = pair.connector(pair.beta, "reconcile")
    seen_on_alpha = pair.connector(pair.alpha, "reconcile")

    assert (mended.exit_status, seen_on_alpha.exit_status) == (NOTHING_LEFT, NOTHING_LEFT)
    assert "reconnect-standby" in mended.stdout
    pair.wait_all("Connected")
    pair.alpha.umount()
    pair.alpha.secondary()
    pair.beta.take_over("mail")
    assert pair.beta.run("cat /mnt/mail/meanwhile").stdout == "kept"


@pytest.mark.soak  # the gates' stories have it, too
def test_an_operators_disconnect_is_left_alone_for_its_time(fresh_pair: Pair) -> None:
    pair = fresh_pair
    pair.beta.disconnect("mail")
    pair.beta.wait_for_connection("StandAlone")

    left_alone = run_pass(pair.beta)

    assert left_alone.exit_status == NOTHING_LEFT
    assert "an operator disconnected it" in left_alone.stdout
    assert pair.beta.connection() == "StandAlone"


@pytest.mark.story_timeout(300)
def test_a_split_brain_on_two_resources_is_ended_in_mode_discard(fresh_pair: Pair) -> None:
    pair = fresh_pair
    configure(pair, DISCARD)
    split_both_resources(pair)
    # The cluster manager settles on alpha. mail is left Primary on beta, db is demoted.
    pair.beta.umount(0)
    pair.beta.let_go("db")

    passes_until_connected(pair)

    for mountpoint in ("/mnt/mail", "/mnt/db-0"):
        assert pair.alpha.run(f"cat {mountpoint}/from-alpha").stdout == "written on alpha\n"
    for resource in ("mail", "db"):
        record = record_of_what_was_given_up(pair.beta, resource)
        assert record["connection"] == "StandAlone"
        assert record["self_changes_kib"] > 0
        assert any("Split-Brain detected" in line for line in record["kernel_lines"])
        pair.alpha.let_go(resource)
        pair.beta.take_over(resource)
    for mountpoint in ("/mnt/mail", "/mnt/db-0"):
        names = pair.beta.run(f"ls {mountpoint}").stdout.split()
        assert "from-alpha" in names
        assert "from-beta" not in names
    assert pair.alpha.run("ls /var/lib/connector/given-up", check=False).exit_status != 0


def split_both_resources(pair: Pair) -> None:
    """Both nodes take both resources over behind a cut link and write; the link comes back."""
    pair.cut_link()

    def diverge(node: DrbdNode) -> None:
        for resource, minor in (("mail", 0), ("db", 1)):
            node.wait_for_connection("WFConnection", minor=minor)
            node.take_over(resource)
        for mountpoint in ("/mnt/mail", "/mnt/db-0"):
            node.write_file(f"{mountpoint}/from-{node.name}", f"written on {node.name}\n")

    pair.on_both(diverge)
    pair.restore_link()
    pair.wait_for_refusal("mail")
    pair.wait_for_refusal("db")


def record_of_what_was_given_up(node: DrbdNode, resource: str) -> dict[str, Any]:
    """The newest record of a resource; the test fails where there is none."""
    text = node.run(f"cat /var/lib/connector/given-up/*-{resource}.json").stdout
    record: dict[str, Any] = json.loads(text)
    return record


@pytest.mark.soak  # so has the first evening
@pytest.mark.story_timeout(300)
def test_in_the_default_mode_a_split_brain_waits_for_a_person(fresh_pair: Pair) -> None:
    pair = fresh_pair
    configure(
        pair,
        "[policy]\ndemote_grace = 0\n"
        f'{SETTLE}[metrics]\ntextfile = "/var/lib/connector/connector.prom"\n',
    )
    pair.split_brain("mail", still_active=["alpha"])
    before = {node.name: identifiers(node, "mail") for node in pair.nodes}
    standby_before = pair.beta.state()

    for _ in range(2):
        on_alpha, on_beta = run_pass(pair.alpha), run_pass(pair.beta)
        assert (on_alpha.exit_status, on_beta.exit_status) == (OPERATOR_NEEDED, OPERATOR_NEEDED)

    # Nothing is given up and the standby is left as it was; the survivor may wait for its peer.
    assert {node.name: identifiers(node, "mail") for node in pair.nodes} == before
    if standby_before.connection == "StandAlone":
        assert pair.beta.state() == standby_before
    assert pair.alpha.state().role == "Primary"
    for node in pair.nodes:
        assert metric(node, 'connector_split_brain{resource="mail"}') == 1
        assert metric(node, 'connector_needs_operator{resource="mail"}') == 1
    assert "connector recover mail" in on_alpha.stdout + on_beta.stdout
    assert status(pair, pair.alpha, "db")["decision"] == "healthy"

    if pair.beta.connection() == "WFConnection":
        pair.beta.disconnect("mail")
    shown = pair.connector(pair.beta, "recover mail --dry-run")
    assert shown.exit_status == NOTHING_LEFT
    assert "drbdadm connect --discard-my-data mail" in shown.stdout
    assert "WOULD BE LOST" in shown.stdout
    healed = pair.connector(pair.beta, "recover mail --yes")
    assert healed.exit_status == NOTHING_LEFT, healed.stdout + healed.stderr

    pair.wait_all("Connected")
    assert record_of_what_was_given_up(pair.beta, "mail")["self_changes_kib"] > 0
    assert pair.alpha.run("cat /mnt/mail/from-alpha").stdout.startswith("written on alpha\n")
    assert run_pass(pair.beta).exit_status == NOTHING_LEFT
    assert metric(pair.beta, 'connector_split_brain{resource="mail"}') == 0


@pytest.mark.story_timeout(300)
def test_the_agent_does_not_demote_its_way_into_a_silent_loss(fresh_pair: Pair) -> None:
    pair = fresh_pair
    pair.reset(net_options=["after-sb-1pri discard-secondary"])
    configure(pair, "[policy]\ndemote_grace = 0\nrespect_disconnect = 0\n" + SETTLE)
    pair.split_brain("mail")
    pair.beta.umount(0)  # beta stays Primary, unmounted: the row is demote-and-reconnect

    for _ in range(2):
        on_beta, on_alpha = run_pass(pair.beta), run_pass(pair.alpha)

    assert on_beta.exit_status == OPERATOR_NEEDED
    assert "after-sb-1pri discard-secondary" in on_beta.stdout
    assert on_alpha.exit_status == OPERATOR_NEEDED
    assert pair.beta.state().role == "Primary"
    pair.beta.mount(0)
    assert pair.beta.run("cat /mnt/mail/from-beta").stdout.startswith("written on beta\n")


@pytest.mark.soak
def test_what_a_shell_script_did_there_loses_data(fresh_pair: Pair) -> None:
    """The counter-proof: with the same policy, `secondary` and `connect` throw beta's file away."""
    pair = fresh_pair
    pair.reset(net_options=["after-sb-1pri discard-secondary"])
    pair.split_brain("mail")
    pair.beta.umount(0)
    if pair.beta.connection() == "WFConnection":
        pair.beta.disconnect("mail")
    if pair.alpha.connection() == "StandAlone":
        pair.alpha.connect("mail")

    pair.beta.secondary("mail")
    pair.beta.connect("mail")

    pair.wait_all("Connected")
    assert pair.beta.saw_in_kernel_log("automatically solved. Sync from peer node")
    pair.alpha.let_go("mail")
    pair.beta.take_over("mail")
    assert "from-beta" not in pair.beta.run("ls /mnt/mail").stdout.split()


@pytest.mark.soak  # thirty are killed in tests/stories/test_killed.py
@pytest.mark.story_timeout(300)
def test_a_pass_that_is_killed_stops_nothing(fresh_pair: Pair) -> None:
    pair = fresh_pair
    configure(pair, DISCARD)
    pair.split_brain("mail", still_active=["alpha"])
    configure(pair, DISCARD + f'drbdadm = "{SLOW_DRBDADM}"\n')
    pair.beta.install(SLOW_DRBDADM, SLOW_SCRIPT)
    pair.beta.run(f"chmod 755 {SLOW_DRBDADM}")

    killed = pair.beta.run(
        f"( {pair.connector_command('reconcile')} ) & pass=$!\n"
        "for i in $(seq 300); do [ -e /run/slow-drbdadm ] && break; sleep 0.1; done\n"
        "[ -e /run/slow-drbdadm ] || exit 9\n"
        "kill -9 $pass; wait $pass; echo killed with $?\n"
        "sleep 1; pgrep -fa '^sleep 60.0731' && echo orphan; true",
        timeout_s=300,
    )
    assert "killed with 137" in killed.stdout
    assert "orphan" not in killed.stdout
    assert pair.beta.connection() == "StandAlone"
    configure(pair, DISCARD)

    passes_until_connected(pair)

    assert pair.alpha.run("cat /mnt/mail/from-alpha").stdout.startswith("written on alpha\n")
    left = pair.beta.run("find /var/lib/connector -name '*.tmp*'").stdout
    assert left == ""


# A drbdadm that says it runs and then hangs; reading the configuration works.
SLOW_DRBDADM = "/usr/local/sbin/slow-drbdadm"
SLOW_SCRIPT = """#!/bin/sh
if [ "$1" = dump-xml ]; then exec /usr/sbin/drbdadm "$@"; fi
touch /run/slow-drbdadm
exec sleep 60.0731
"""
