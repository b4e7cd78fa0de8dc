"""What a take-over does not begin, and what it does not take for done."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from connector.errors import ConfigurationError, ConnectorError, OperatorNeeded
from connector.model import DiskState
from connector.program import Completed
from connector.takeover.run import take_over
from tests.takeover.nodes import Nodes
from tests.takeover.test_run import whole


@pytest.mark.parametrize("disk", [DiskState.INCONSISTENT, DiskState.OUTDATED, DiskState.DISKLESS])
def test_only_good_data_are_taken_over(nodes: Nodes, disk: DiskState) -> None:
    nodes.pair.side("beta", "db").volumes[1].disk = disk
    nodes.pair.render_all()

    with pytest.raises(OperatorNeeded, match=f"volume 1 is {disk} here"):
        nodes.take_over("beta")

    assert nodes.lines["beta"] == []


def test_a_half_done_promotion_is_completed(nodes: Nodes) -> None:
    """On 8.4 the role is asked for volume by volume, and a kill may come in between."""
    nodes.drbdadm("beta", "primary", "db/0")

    assert nodes.take_over("beta") == whole(nodes)
    assert nodes.is_active("beta")


def test_a_split_brain_is_said_aloud(nodes: Nodes) -> None:
    nodes.pair.cut_link()
    nodes.pair.settle()
    nodes.take_over("alpha")
    nodes.take_over("beta")
    nodes.pair.write("alpha", "db", 0, 1, "alpha's")
    nodes.pair.write("beta", "db", 0, 2, "beta's")
    nodes.pair.restore_link()
    nodes.pair.settle()

    done = take_over(nodes.worlds["beta"], nodes.settings["beta"], [], nodes.said.append)

    assert done[0].steps == ()
    assert "split brain" in done[0].warnings[0]


def test_a_mount_point_that_is_missing_stops_it_before_anything(nodes: Nodes) -> None:
    mounts = (replace(nodes.mounts[0], where=f"{nodes.wheres[0]}/nowhere"),)
    nodes.change("beta", lambda settings: replace(settings, mounts={"db": mounts}))

    with pytest.raises(ConnectorError, match="is no folder: make it; nothing was done"):
        nodes.take_over("beta")

    assert nodes.lines["beta"] == []


def test_a_volume_that_there_is_not_is_a_mistake_of_the_configuration(nodes: Nodes) -> None:
    mounts = (replace(nodes.mounts[0], volume=7),)
    nodes.change("beta", lambda settings: replace(settings, mounts={"db": mounts}))

    with pytest.raises(ConfigurationError, match="there is no volume 7"):
        nodes.take_over("beta")


def test_what_others_mounted_there_is_left_alone(nodes: Nodes) -> None:
    nodes.drbdadm("beta", "primary", "db")
    nodes.pair.mount("beta", "db", "/mnt/by-hand", 1)

    with pytest.raises(OperatorNeeded, match="in use by /mnt/by-hand"):
        nodes.take_over("beta")

    assert nodes.lines["beta"] == []


def test_what_cannot_be_noted_first_is_not_done(nodes: Nodes) -> None:
    nodes.settings["beta"].run.state_dir.parent.mkdir(parents=True, exist_ok=True)
    nodes.settings["beta"].run.state_dir.write_text("a file")

    with pytest.raises(ConnectorError, match="what cannot be noted first is not done"):
        nodes.take_over("beta")

    assert nodes.lines["beta"] == []
    assert nodes.is_passive("beta")


def test_a_step_that_says_done_and_did_nothing_is_a_failure(nodes: Nodes) -> None:
    """drbdadm says so where its drbdsetup was killed."""
    nodes.before = lambda argv: Completed(argv, 0) if "primary" in argv else None

    with pytest.raises(ConnectorError, match="`primary` ended without an error and did not do it"):
        nodes.take_over("beta")

    assert nodes.lines["beta"] == whole(nodes)[:1]


def test_what_is_only_busy_is_tried_again(nodes: Nodes) -> None:
    words = "0: State change failed: (-18) In transient state, retry after next state change"
    answers = [Completed(("drbdadm",), 11, stderr=words)]
    nodes.before = lambda argv: answers.pop() if "primary" in argv and answers else None

    nodes.take_over("beta")

    assert nodes.lines["beta"][:2] == ["drbdadm primary db", "drbdadm primary db"]
    assert nodes.is_active("beta")


def test_a_check_may_take_all_the_time_and_nothing_else_may(nodes: Nodes) -> None:
    nodes.take_over("beta")
    assert nodes.timeouts_s["drbdadm"] == nodes.timeouts_s["mount"] == 30
    assert 200 < nodes.timeouts_s["fsck.ext4"] <= 300


def test_without_time_nothing_more_is_begun_and_all_is_undone(nodes: Nodes) -> None:
    def slow(argv: tuple[str, ...]) -> None:
        if argv[0] == "fsck.ext4":
            nodes.pair.sleep(300)

    nodes.after = slow
    with pytest.raises(ConnectorError, match=r"no time is left for `mount .*\[takeover\] deadline"):
        nodes.take_over("beta")

    assert nodes.is_passive("beta")


def test_a_mount_point_behind_a_link_would_not_be_found_again(nodes: Nodes) -> None:
    link = Path(nodes.wheres[0]).parent / "link"
    link.symlink_to(nodes.wheres[0])
    mounts = (replace(nodes.mounts[0], where=str(link)),)
    nodes.change("beta", lambda settings: replace(settings, mounts={"db": mounts}))

    with pytest.raises(ConnectorError, match=f"{link} is {nodes.wheres[0]}: write that into"):
        nodes.take_over("beta")

    assert nodes.lines["beta"] == []


def test_where_it_cannot_even_begin_no_note_is_left(nodes: Nodes) -> None:
    incidents = nodes.settings["beta"].incidents_file
    incidents.mkdir(parents=True)

    with pytest.raises(ConnectorError, match=str(incidents)):
        nodes.take_over("beta")

    assert nodes.lines["beta"] == []
    assert not nodes.settings["beta"].takeover_file.exists()
