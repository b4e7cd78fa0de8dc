"""A take-over on the simulated pair: what it runs, what it refuses, and that it undoes."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from connector.errors import ConnectorError, OperatorNeeded
from connector.program import Completed
from connector.settings import MountSettings
from tests.takeover.nodes import Nodes


def whole(nodes: Nodes) -> list[str]:
    """All commands of a take-over of a passive node."""
    srv, log = nodes.wheres
    return [
        "drbdadm primary db",
        "fsck.ext4 -p /dev/drbd0",
        f"mount -t ext4 -o noatime /dev/drbd0 {srv}",
        "fsck.ext4 -p /dev/drbd1",
        f"mount -t ext4 -o noatime /dev/drbd1 {log}",
    ]


def test_it_promotes_checks_and_mounts_in_the_order_of_the_configuration(nodes: Nodes) -> None:
    assert nodes.take_over("beta", "db") == whole(nodes)
    assert nodes.lines["beta"] == whole(nodes)
    assert nodes.is_active("beta")


def test_what_is_done_already_is_not_done_again(nodes: Nodes) -> None:
    nodes.take_over("beta")
    nodes.lines["beta"].clear()

    assert nodes.take_over("beta") == []
    assert nodes.lines["beta"] == []
    assert nodes.is_active("beta")


def test_only_what_is_missing_is_done(nodes: Nodes) -> None:
    nodes.drbdadm("beta", "primary", "db")
    nodes.pair.mount("beta", "db", nodes.wheres[0], 0)

    assert nodes.take_over("beta", "db") == whole(nodes)[3:]
    assert nodes.is_active("beta")


def test_every_step_is_in_the_journal(nodes: Nodes) -> None:
    nodes.take_over("beta")

    text = nodes.settings["beta"].journal_file.read_text(encoding="utf-8")
    entries = [json.loads(line) for line in text.splitlines()]
    told = [entry["resources"][0] for entry in entries]
    lines = [[" ".join(one["argv"]) for one in item["outcome"]["commands"]] for item in told]
    assert lines == [[line] for line in whole(nodes)] + [[]]
    assert {(item["name"], item["decision"]) for item in told} == {("db", "takeover")}
    outcomes = [item["outcome"]["kind"] for item in told]
    assert outcomes == ["done", "clean", "done", "clean", "done", "taken-over"]


@pytest.mark.parametrize("broken", range(5))
def test_whatever_step_fails_all_before_it_is_undone(nodes: Nodes, broken: int) -> None:
    line = tuple(whole(nodes)[broken].split())
    nodes.before = lambda argv: Completed(argv, 8, stderr="no luck") if argv == line else None

    with pytest.raises(ConnectorError, match="no luck"):
        nodes.take_over("beta")

    assert nodes.is_passive("beta")
    assert not nodes.settings["beta"].takeover_file.exists()
    nodes.before = lambda _argv: None
    assert nodes.take_over("beta") == whole(nodes)


def test_a_step_that_ends_in_time_out_but_happens_is_undone_too(nodes: Nodes) -> None:
    nodes.after = lambda argv: Completed(argv, None) if argv[0] == "mount" else None

    with pytest.raises(ConnectorError, match="was ended"):
        nodes.take_over("beta")

    assert nodes.is_passive("beta")


def test_what_was_mounted_before_the_call_stays(nodes: Nodes) -> None:
    nodes.drbdadm("beta", "primary", "db")
    nodes.pair.mount("beta", "db", nodes.wheres[0], 0)
    nodes.fsck_status["/dev/drbd1"] = 4

    with pytest.raises(OperatorNeeded, match="needs a person's fsck"):
        nodes.take_over("beta")

    assert nodes.mounted("beta") == [nodes.wheres[0]]
    assert nodes.roles() == ("Secondary", "Primary")


def test_what_cannot_be_undone_is_said_and_the_next_call_goes_on(nodes: Nodes) -> None:
    nodes.fsck_status["/dev/drbd1"] = 4
    nodes.held.add(nodes.wheres[0])

    with pytest.raises(OperatorNeeded, match=r"person's fsck(.|\n)*NOT undone(.|\n)*busy"):
        nodes.take_over("beta")

    assert nodes.mounted("beta") == [nodes.wheres[0]]
    nodes.held.clear()
    nodes.release("beta")
    assert nodes.is_passive("beta")


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (0, None),
        (1, None),
        (2, OperatorNeeded),
        (3, OperatorNeeded),
        (4, OperatorNeeded),
        (5, OperatorNeeded),
        (8, ConnectorError),
        (12, ConnectorError),
        (16, ConnectorError),
        (32, ConnectorError),
        (128, ConnectorError),
        (-9, ConnectorError),
    ],
)
def test_what_fsck_says_decides(
    nodes: Nodes, status: int, error: type[ConnectorError] | None
) -> None:
    nodes.fsck_status["/dev/drbd0"] = status
    if error is None:
        nodes.take_over("beta")
        assert nodes.is_active("beta")
        return
    with pytest.raises(ConnectorError) as raised:
        nodes.take_over("beta")
    assert type(raised.value) is error
    assert nodes.is_passive("beta")


def test_the_check_is_as_the_configuration_says(nodes: Nodes) -> None:
    first, second = nodes.mounts
    mounts = (replace(first, fsck="force", options=""), replace(second, fsck="never"))
    nodes.change("beta", lambda settings: replace(settings, mounts={"db": mounts}))

    assert nodes.take_over("beta") == [
        "drbdadm primary db",
        "fsck.ext4 -f -p /dev/drbd0",
        f"mount -t ext4 /dev/drbd0 {first.where}",
        f"mount -t ext4 -o noatime /dev/drbd1 {second.where}",
    ]


def test_a_mounted_file_system_is_never_checked(nodes: Nodes) -> None:
    again = MountSettings(0, nodes.wheres[1], "ext4")
    mounts = (nodes.mounts[0], again)
    nodes.change("beta", lambda settings: replace(settings, mounts={"db": mounts}))

    ran = nodes.take_over("beta")

    assert [line for line in ran if line.startswith("fsck")] == ["fsck.ext4 -p /dev/drbd0"]
    nodes.pair.umount("beta", "db", nodes.wheres[1], 0)
    assert nodes.take_over("beta") == [f"mount -t ext4 /dev/drbd0 {nodes.wheres[1]}"]


def test_a_peer_that_is_primary_is_waited_for_and_then_refused(nodes: Nodes) -> None:
    nodes.take_over("alpha")
    began_s = nodes.pair.state.now_s

    with pytest.raises(OperatorNeeded, match="Primary on alpha: release it there first"):
        nodes.take_over("beta")

    waited_s = nodes.pair.state.now_s - began_s
    assert 15 <= waited_s < 20
    assert nodes.lines["beta"] == []
    assert nodes.is_active("alpha")


def test_a_switch_waits_for_the_other_node_to_release(nodes: Nodes) -> None:
    nodes.take_over("alpha")
    slept: list[float] = []

    def release_meanwhile(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 3:
            nodes.release("alpha")
        nodes.pair.advance(seconds)

    nodes.pair.wait_with(release_meanwhile)
    assert nodes.take_over("beta") == whole(nodes)
    assert nodes.is_active("beta")
    assert nodes.is_passive("alpha")


def test_a_peer_that_died_silently_is_waited_out(nodes: Nodes) -> None:
    nodes.take_over("alpha")
    nodes.pair.crash("alpha")

    assert nodes.take_over("beta") == whole(nodes)
    assert nodes.is_active("beta")


def test_by_the_cluster_managers_word_a_shown_primary_is_left(nodes: Nodes) -> None:
    nodes.take_over("alpha")

    ran = nodes.take_over("beta", peer_is_gone=True)

    assert ran[:3] == ["drbdadm disconnect --force db", "drbdadm primary db", "drbdadm connect db"]
    assert nodes.is_active("beta")


def test_with_that_word_a_peer_that_is_no_primary_stays_connected(nodes: Nodes) -> None:
    assert nodes.take_over("beta", peer_is_gone=True) == whole(nodes)
