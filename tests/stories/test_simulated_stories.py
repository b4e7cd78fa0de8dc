"""The simulated pair does what the words of stories say, and its stories are checked."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from connector.act.lock import pass_lock
from tests.lab.drbd_node import MinorState
from tests.lab.errors import CommandFailed, NodeDied
from tests.lab.recording import Source

from .simulated import SimulatedStories
from .vocabulary import LOCK_HELD, NOTHING_LEFT, OPERATOR_NEEDED, StoryPair, in_sync

CLEAN = MinorState("Connected", "Secondary", "Secondary", "UpToDate", "UpToDate", 0)
DISCARD = {"mode": "discard"}


@pytest.fixture
def pair(tmp_path: Path) -> SimulatedStories:
    """A clean pair."""
    return SimulatedStories(tmp_path)


def said(pair: SimulatedStories, source: Source, node: str = "") -> list[str]:
    """What was recorded of one source, in order; of one node, or of all."""
    events = pair.recording.events()
    return [e.text for e in events if e.source is source and node in ("", e.node)]


def disk(pair: SimulatedStories, node: str, minor: int = 0) -> frozenset[str]:
    """The records on a disk."""
    return pair.disks()[node, minor]


def broken(pair: SimulatedStories) -> str:
    """What the checker finds."""
    return "\n".join(pair.ending().violations())


def heal(pair: SimulatedStories) -> None:
    """A split brain that beta has lost by a pass of each node."""
    pair.configure(DISCARD)
    pair.split_brain(still_active=["alpha"])
    pair.beta.run_pass()
    pair.alpha.run_pass()
    pair.wait_all()


def test_a_clean_beginning(pair: SimulatedStories) -> None:
    as_stories_see_it: StoryPair = pair  # mypy holds it against the protocol
    assert [node.name for node in as_stories_see_it.nodes] == ["alpha", "beta"]
    for node in pair.nodes:
        assert [node.state(minor) for minor in (0, 1, 2)] == [CLEAN] * 3
        assert node.state(3).connection == "Unconfigured"
        assert not any(node.mounted(minor) for minor in (0, 1, 2))
        assert not node.state_dir.exists()
        assert node.records() == frozenset()
    assert pair.recording.events() == []
    assert broken(pair) == ""


def test_begin_forgets_everything(pair: SimulatedStories) -> None:
    heal(pair)
    pair.allow_policy_losses = True
    pair.begin({"after-sb-1pri": "discard-secondary"})
    assert in_sync(pair)
    assert not pair.allow_policy_losses
    assert not pair.alpha.mounted()
    assert set(pair.disks().values()) == {frozenset()}
    assert pair.recording.events() == []
    assert not pair.beta.state_dir.exists()
    conf = (pair.alpha.root / "etc/drbd.conf").read_text()
    assert conf.count("after-sb-1pri discard-secondary;") == 2
    # What the kernels say from now on is recorded, and what they said before is not.
    pair.alpha.primary()
    assert said(pair, Source.KERNEL, "alpha") == ["block drbd0: role( Secondary -> Primary ) "]


def test_a_record_is_on_both_disks_while_they_are_connected(pair: SimulatedStories) -> None:
    pair.alpha.take_over("db")
    first = pair.alpha.write(1)
    second = pair.alpha.write(2, 1)
    assert len({*first, *second}) == 4
    for node in ("alpha", "beta"):
        assert disk(pair, node, 1) == set(first)
        assert disk(pair, node, 2) == set(second)
    assert said(pair, Source.NODE) == [f"wrote 1 {name}" for name in first] + [
        f"wrote 2 {name}" for name in second
    ]
    with pytest.raises(CommandFailed, match="/mnt/mail is not mounted"):
        pair.alpha.write(0)
    assert broken(pair) == ""


def test_what_the_kernel_refuses_fails(pair: SimulatedStories) -> None:
    with pytest.raises(CommandFailed, match="Wrong medium type"):
        pair.beta.mount()
    pair.alpha.take_over()
    with pytest.raises(CommandFailed, match="held open"):
        pair.alpha.secondary()
    with pytest.raises(CommandFailed, match="Multiple primaries"):
        pair.beta.primary()
    with pytest.raises(CommandFailed, match="already in use"):
        pair.beta.connect()
    pair.alpha.let_go()
    assert in_sync(pair)


def test_the_role_is_no_part_of_the_identifiers(pair: SimulatedStories) -> None:
    before = pair.alpha.identifiers()
    pair.alpha.take_over()
    assert pair.alpha.identifiers() == before
    pair.cut_link()
    pair.alpha.wait_for_connection("WFConnection")
    assert pair.alpha.identifiers() != before
    assert pair.beta.identifiers() != pair.alpha.identifiers()


def test_a_split_brain_leaves_both_standalone_with_records_of_their_own(
    pair: SimulatedStories,
) -> None:
    states = pair.split_brain("db")
    assert states == {"alpha": "StandAlone", "beta": "StandAlone"}
    for minor in (1, 2):
        (on_alpha,), (on_beta,) = disk(pair, "alpha", minor), disk(pair, "beta", minor)
        assert (on_alpha[:6], on_beta[:5]) == ("alpha-", "beta-")
    pair.wait_all(minors=[0])
    assert pair.connected() == {"mail"}
    assert [node.mounted(2) for node in pair.nodes] == [True, True]
    assert pair.alpha.saw_in_kernel_log("Split-Brain detected but unresolved")
    assert broken(pair) == ""


def test_only_those_minors_are_written_that_a_story_names(pair: SimulatedStories) -> None:
    pair.diverge("db", still_active=["beta"], written=[2])
    assert [node.connection(1) for node in pair.nodes] == ["WFConnection", "WFConnection"]
    assert disk(pair, "alpha", 1) == disk(pair, "beta", 1) == frozenset()
    assert len(disk(pair, "alpha", 2) | disk(pair, "beta", 2)) == 2
    assert (pair.alpha.state(1).role, pair.beta.state(1).role) == ("Secondary", "Primary")


def test_the_agents_heal_a_split_brain_in_mode_discard(pair: SimulatedStories) -> None:
    pair.configure(DISCARD)
    pair.split_brain(still_active=["alpha"])
    kept, (lost,) = pair.alpha.write(), disk(pair, "beta")
    on_beta = pair.beta.run_pass()
    on_alpha = pair.alpha.run_pass()
    pair.wait_all()
    assert on_beta.decision() == "reconnect-standby"
    assert on_beta.commands == ("connect --discard-my-data mail",)
    assert on_alpha.commands == ("connect mail",)
    assert on_alpha.exit_status == NOTHING_LEFT
    assert set(kept) <= disk(pair, "beta")
    assert lost not in disk(pair, "beta")
    assert pair.beta.given_up() == ["mail"]
    assert pair.alpha.given_up() == []
    assert broken(pair) == ""


def test_the_agents_do_not_heal_it_in_mode_reconnect(pair: SimulatedStories) -> None:
    pair.configure()
    pair.split_brain(still_active=["alpha"])
    before = pair.disks()
    passes = [node.run_pass() for _ in range(3) for node in (pair.beta, pair.alpha)]
    assert passes[0].gates() == ["mode"]
    assert {command for one in passes for command in one.commands} <= {"connect mail"}
    assert passes[-1].exit_status == OPERATOR_NEEDED
    assert not in_sync(pair, 0)
    assert pair.disks() == before
    assert broken(pair) == ""


def test_a_crash_and_a_boot(pair: SimulatedStories) -> None:
    pair.configure()
    pair.alpha.take_over()
    kept = pair.alpha.write()
    pair.beta.disconnect()
    pair.alpha.run_pass()
    pair.beta.connect()
    pair.wait_all()
    lock = pair.alpha.run_dir / "lock"
    lock.parent.mkdir(exist_ok=True)
    lock.touch()
    pair.alpha.crash()
    for ask in (pair.alpha.state, pair.alpha.run_pass, pair.alpha.primary, pair.alpha.records):
        with pytest.raises(NodeDied):
            ask()
    assert pair.connected() == frozenset()
    pair.beta.wait_for_connection("WFConnection")
    pair.beta.take_over()
    later = pair.beta.write()
    pair.alpha.boot()
    assert not pair.alpha.mounted()
    assert not lock.exists()
    assert pair.alpha.state_dir.is_dir()
    pair.wait_all()
    assert {*kept, *later} == disk(pair, "alpha")
    assert said(pair, Source.FAULT) == ["node crashed"]
    assert said(pair, Source.STORY, "alpha")[-2:] == ["crashed", "booted"]
    assert "drbd: registered as block device major 147" in said(pair, Source.KERNEL, "alpha")
    assert broken(pair) == ""


def test_what_a_pass_says_and_does_is_noted(pair: SimulatedStories) -> None:
    pair.configure()
    pair.alpha.take_over()
    pair.alpha.disconnect()
    pair.alpha.umount()
    done = pair.alpha.run_pass()
    assert done.commands == ("secondary mail", "connect mail")
    assert done.decision() == "demote-and-reconnect"
    assert done.of("db")["decision"] == "healthy"
    noted = said(pair, Source.NODE, "alpha")
    assert noted[0].split()[::2] == ["pass", "reconcile"]
    pid = noted[0].split()[1]
    ran = [line.split() for line in noted if line.startswith("drbdadm ")]
    assert [words[2:] for words in ran] == [
        [pid, "secondary", "mail"],
        [pid, "connect", "mail"],
    ]
    before = [line for line in noted if line.startswith(f"saw {ran[0][1]} ")]
    assert [line.split()[2:6] for line in before] == [
        ["0", "cs:StandAlone", "ro:Primary/Unknown", "ds:UpToDate/DUnknown"],
        ["1", "cs:Connected", "ro:Secondary/Secondary", "ds:UpToDate/UpToDate"],
        ["2", "cs:Connected", "ro:Secondary/Secondary", "ds:UpToDate/UpToDate"],
    ]
    assert [line.split()[:3] for line in noted[-3:]] == [
        ["ended", pid, "0"],
        ["decided", "mail", "demote-and-reconnect"],
        ["decided", "db", "healthy"],
    ]
    assert said(pair, Source.STORY, "alpha") == [
        "mode reconnect",
        "drbdadm primary mail",
        "drbdadm disconnect mail",
    ]
    assert broken(pair) == ""


def test_a_mount_is_noted_with_a_command(pair: SimulatedStories) -> None:
    pair.configure()
    pair.alpha.take_over("db")
    pair.alpha.disconnect("db")
    pair.alpha.run_pass()
    used = [line.split() for line in said(pair, Source.NODE) if line.startswith("used ")]
    assert [words[2:] for words in used] == [["1", "mount"], ["2", "mount"]]


def test_the_kernels_lines_are_in_the_order_of_their_times(pair: SimulatedStories) -> None:
    heal(pair)
    pair.alpha.crash()
    pair.let_time_pass(10)
    pair.alpha.boot()
    pair.wait_all()
    events = pair.recording.events()
    assert [event.at_s for event in events] == sorted(event.at_s for event in events)
    for node in pair.nodes:
        log = [line.text for line in pair.pair.state.nodes[node.name].log]
        assert said(pair, Source.KERNEL, node.name)[-5:] == log[-5:]


def test_a_pass_that_finds_the_lock_held(pair: SimulatedStories) -> None:
    pair.configure()
    pair.alpha.disconnect()
    with pass_lock(pair.alpha.run_dir / "lock"):
        done = pair.alpha.run_pass()
    assert (done.exit_status, done.report, done.commands) == (LOCK_HELD, {"resources": []}, ())
    assert pair.beta.run_pass().exit_status != LOCK_HELD


def test_a_configuration_is_read_as_the_command_line_reads_it(
    pair: SimulatedStories, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONNECTOR_POLICY_MODE", "discard")  # is none of a node's business
    pair.alpha.disconnect()
    assert pair.alpha.run_pass().gates() == ["operator-disconnect"]
    pair.configure(more='[resource.mail]\nmode = "observe"\n')
    assert pair.alpha.run_pass().gates() == ["mode"]
    pair.configure({"mode": "sometimes"})
    wrong = pair.alpha.run_pass()
    assert (wrong.exit_status, wrong.report) == (78, {"resources": []})
    assert (pair.alpha.folder / "connector.prom").is_file()


def test_waiting_in_vain_shows_both_nodes(pair: SimulatedStories) -> None:
    pair.beta.disconnect()
    began_s = pair.pair.state.now_s
    with pytest.raises(AssertionError, match=r"(?s)minors \[0\] .*cs:WFConn.*cs:StandAlone"):
        pair.wait_all(minors=[0])
    assert pair.pair.state.now_s - began_s == pytest.approx(60)


def test_the_check_fails_where_the_survivor_has_lost_a_record(pair: SimulatedStories) -> None:
    heal(pair)
    kept = pair.alpha.write(0, 1)[0]
    assert broken(pair) == ""
    for node in pair.nodes:
        blocks = pair.pair.side(node.name, "mail").volumes[0].blocks
        for number in [number for number, text in blocks.items() if text == kept]:
            del blocks[number]
        assert kept in broken(pair)


def test_the_check_fails_where_a_discard_left_no_record_behind(pair: SimulatedStories) -> None:
    heal(pair)
    for path in (pair.beta.state_dir / "given-up").iterdir():
        path.unlink()
    assert re.search(r"data: beta .* missing on alpha and beta", broken(pair))


def test_the_check_holds_a_policys_choice_against_nobody_who_allowed_it(
    pair: SimulatedStories,
) -> None:
    pair.begin({"after-sb-1pri": "discard-secondary"})
    pair.diverge(still_active=["alpha"])
    pair.restore_link()
    pair.wait_all()
    assert "data: beta" in broken(pair)
    pair.allow_policy_losses = True
    assert broken(pair) == ""
