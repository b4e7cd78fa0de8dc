"""The commands on captured DRBD 9 nodes, as processes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.captured_stage import CapturedStage
from tests.cli.stage import AT_ONCE, DISCARD

OnNode = Callable[[str, str], CapturedStage]


@pytest.fixture
def on(tmp_path: Path) -> OnNode:
    return lambda situation, node: CapturedStage(tmp_path / "stage", situation, node)


def test_status_says_where_it_looked_and_shows_each_peer(on: OnNode) -> None:
    done = on("3n-split-brain-alpha-beta", "beta").run("status", "--json")
    assert done.status == 3
    assert (done.json["source"], done.json["driver"]["version"]) == ("drbdsetup", "9.2.12")
    [mail] = done.json["resources"]
    assert (mail["connection"], mail["decision"]) == ("StandAlone", "reconnect-standby")
    shown = [
        (item["peer"], item["connection"], item["peer_role"], item["decision"])
        for item in mail["connections"]
    ]
    assert shown == [
        ("alpha", "StandAlone", "Unknown", "reconnect-standby"),
        ("gamma", "Connecting", "Unknown", "wait"),
    ]


def test_a_healthy_pass_is_silent_and_runs_nothing(on: OnNode) -> None:
    stage = on("3n-connected-healthy", "beta")
    done = stage.run("reconcile")
    assert (done.status, done.out, done.err, stage.typed()) == (0, "", "", [])


def test_a_pass_names_the_peer_and_leaves_the_connected_one_alone(on: OnNode) -> None:
    stage = on("3n-connection-mesh", "gamma")
    done = stage.run("reconcile", **AT_ONCE)
    assert stage.typed() == ["connect mail:beta"]
    assert "beta" in done.out


def test_the_victim_of_a_split_brain_in_mode_discard(on: OnNode) -> None:
    stage = on("2n-split-brain-both-standalone", "beta")
    done = stage.run("reconcile", "--dry-run", **DISCARD)
    assert "would run: drbdadm connect --discard-my-data mail:alpha" in done.out
    assert stage.typed() == []
    done = stage.run("reconcile", **DISCARD, CONNECTOR_RESCUE_KEEP="never")
    assert stage.typed() == ["connect --discard-my-data mail:alpha"]


def test_what_cannot_be_kept_is_not_given_up(on: OnNode) -> None:
    """The captured node's disks are not here: nothing is kept, so nothing is discarded."""
    stage = on("2n-split-brain-both-standalone", "beta")
    done = stage.run("reconcile", **DISCARD)
    assert "nothing was given up, since it cannot be kept first" in done.out
    assert not any("discard" in line for line in stage.typed())


def test_copies_that_differ_are_an_alarm(on: OnNode) -> None:
    stage = on("2n-tentative", "alpha")
    done = stage.run("reconcile")
    assert done.status == 3
    assert "mail: diverged: connected, but the copies differ" in done.out
    assert stage.run("check").status == 2
    assert stage.typed() == []


def test_a_drbdsetup_that_fails(on: OnNode) -> None:
    stage = on("2n-connected-healthy", "alpha")
    stage.program("drbdsetup", "#!/bin/sh\necho 'no netlink today' >&2\nexit 20\n")
    done = stage.run("status")
    assert done.status == 1
    assert "the states of DRBD 9 are not known: `drbdsetup status" in done.err
    assert "failed with exit status 20: no netlink today" in done.err


def test_utils_that_are_older_than_the_kernel(on: OnNode) -> None:
    stage = on("2n-connected-healthy", "alpha")
    stage.program("drbdsetup", "#!/bin/sh\necho 'USAGE: drbdsetup command' >&2\nexit 20\n")
    done = stage.run("reconcile")
    assert done.status == 69
    assert "this drbdsetup cannot speak to it: install drbd-utils 9" in done.err


def test_a_drbdsetup_that_hangs_costs_its_time_out_only(on: OnNode) -> None:
    stage = on("2n-connected-healthy", "alpha")
    stage.program("drbdsetup", "#!/bin/sh\nexec sleep 60\n")
    done = stage.run("status", CONNECTOR_RUN_COMMAND_TIMEOUT="1")
    assert done.status == 1
    assert "did not end within 1 s" in done.err


def test_words_of_a_newer_version_are_told(on: OnNode) -> None:
    stage = on("2n-split-brain-both-standalone", "beta")
    text = (stage.programs / "drbdsetup").read_text().split("exec cat ")[1].split("\n")[0]
    newer = Path(text).read_text().replace("StandAlone", "Sulking")
    (stage.folder / "newer.json").write_text(newer)
    stage.program("drbdsetup", f"#!/bin/sh\nexec cat {stage.folder}/newer.json\n")
    done = stage.run("reconcile", **DISCARD, **AT_ONCE)
    assert done.status == 3
    assert "unknown connection-state 'Sulking'" in done.err
    assert stage.typed() == []


def test_recovery_names_the_peer(on: OnNode) -> None:
    stage = on("2n-split-brain-both-standalone", "beta")
    done = stage.run("recover", "mail", "--dry-run")
    assert done.status == 0
    assert "drbdadm connect --discard-my-data mail:alpha" in done.out
    assert "--rehearse" not in done.out
    assert stage.typed() == []


def test_a_rehearsal_is_refused(on: OnNode) -> None:
    stage = on("2n-split-brain-both-standalone", "beta")
    done = stage.run("recover", "mail", "--victim", "here", "--rehearse")
    assert done.status == 3
    assert "on DRBD 9 it joins diverged data without a resync" in done.err
    assert stage.typed() == []


def test_nothing_is_given_up_without_a_split_brain(on: OnNode) -> None:
    """Measured: the older data would be taken."""
    stage = on("2n-operator-disconnect-standby", "beta")
    done = stage.run("recover", "mail", "--victim", "here", "--yes")
    assert done.status == 3
    assert "shows no split brain with alpha" in done.err
    assert stage.typed() == []


def test_a_person_says_which_of_several_connections(on: OnNode) -> None:
    stage = on("3n-split-brain-alpha-beta", "beta")
    done = stage.run("recover", "mail", "--dry-run")
    assert done.status == 2
    assert "say mail:alpha or mail:gamma" in done.err
    done = stage.run("recover", "mail:alpha", "--dry-run")
    assert done.status == 0
    assert "drbdadm connect --discard-my-data mail:alpha" in done.out
    assert stage.run("recover", "mail:delta", "--dry-run").status == 2


def test_copies_that_differ_are_no_matter_of_a_command(on: OnNode) -> None:
    done = on("2n-tentative", "beta").run("recover", "mail", "--dry-run")
    assert done.status == 3
    assert "the copies differ and no resync is under way" in done.err
