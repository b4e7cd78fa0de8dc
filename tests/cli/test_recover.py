"""`connector recover`: the plan is shown, a person's word is asked for, and then it is done."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable

import pytest

from connector.model import ConnectionState
from connector.simulate import story
from tests.cli.stage import Stage, tree

StageOf = Callable[..., Stage]

PLAN = """\
mail: this node gives its changes up and takes the peer's data
in this order:
  1. on this node:      drbdadm secondary mail
  2. on this node:      drbdadm connect --discard-my-data mail
  3. on the other node: connector recover mail --victim peer   (or: drbdadm connect mail; only if \
StandAlone there)
steps 1 and 2 are done here by this command; the rest is for you to type there
WOULD BE LOST: everything written on this node since the split: 12 KiB of blocks"""
GIVE_UP = ("recover", "mail", "--discard-my-data")


@pytest.fixture
def split(stage_of: StageOf) -> Stage:
    """A split brain; the other node, which keeps its data, waits already."""
    stage = stage_of("split-brain-with-idle-standby")
    # What is kept before a discard has tests of its own.
    stage.environment["CONNECTOR_RESCUE_KEEP"] = "never"
    with stage.pair.changing() as pair:
        story.drbdadm(pair, "alpha", "connect", "mail")
    return stage


def state_of(stage: Stage) -> ConnectionState:
    return stage.pair.look().connection("beta", "mail")


def test_a_dry_run_shows_the_plan_and_does_nothing(split: Stage) -> None:
    split.run("check")
    before = tree(split.folder)
    done = split.run(*GIVE_UP, "--dry-run")
    assert (done.status, done.err) == (0, "")
    assert "mail: StandAlone, Primary, not in use\n" in done.out
    assert "why, says the kernel log: split-brain" in done.out
    assert PLAN in done.out
    assert tree(split.folder) == before


def test_without_a_terminal_nobody_can_be_asked(split: Stage) -> None:
    done = split.run_fed(b"mail\n", *GIVE_UP)
    assert done.status == 2
    assert PLAN in done.out
    assert "nobody is there to ask: --yes says it for a script; nothing was done" in done.err
    assert split.calls() == []


def test_a_wrong_name_does_nothing(split: Stage) -> None:
    done = split.run_on_terminal(*GIVE_UP, typed=b"yes\n")
    assert done.status == 2
    assert "Type the resource's name (mail) to do this" in done.out
    assert "'yes' is not 'mail'; nothing was done" in done.out
    assert split.calls() == []
    assert state_of(split) is ConnectionState.STANDALONE


def test_the_right_name_does_it(split: Stage) -> None:
    done = split.run_on_terminal(*GIVE_UP, typed=b"mail\n")
    assert done.status == 0
    assert "ran: drbdadm connect --discard-my-data mail" in done.out
    assert state_of(split) is ConnectionState.CONNECTED


def test_yes_does_it_and_keeps_a_record(split: Stage) -> None:
    done = split.run(*GIVE_UP, "--yes")
    assert (done.status, done.err) == (0, "")
    together = "mail: reconnected: now Connected\nmail: in step, both disks are UpToDate\n"
    assert done.out.endswith(together)
    assert split.calls() == ["secondary mail", "connect --discard-my-data mail"]
    assert story.survivors(split.pair.look(), "mail") == {
        "alpha": "alpha's word",
        "beta": "alpha's word",
    }
    (record,) = (split.state / "given-up").iterdir()
    kept = json.loads(record.read_text())
    assert (kept["resource"], kept["role"]) == ("mail", "Secondary")
    assert any("Split-Brain detected" in line for line in kept["kernel_lines"])
    journal = json.loads((split.state / "journal.jsonl").read_text())
    assert (journal["recover"], journal["outcome"]) == ("mail", "reconnected")
    # The other resource is nobody's business.
    assert split.pair.look().connection("beta", "db") is ConnectionState.STANDALONE


def test_nothing_is_given_up_while_in_use_and_who_uses_it_is_named(stage_of: StageOf) -> None:
    stage = stage_of("split-brain")
    done = stage.run(*GIVE_UP, "--yes")
    assert done.status == 3
    assert "mail is in use by /mnt/mail" in done.err
    assert "mail is in use here, so its changes cannot be given up" in done.err
    assert stage.calls() == []
    assert not (stage.state / "given-up").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="not root: a device file cannot be made")
def test_the_process_that_holds_the_device_is_named(stage_of: StageOf) -> None:
    stage = stage_of("split-brain")
    holder = stage.root / "proc/4711"
    (holder / "fd").mkdir(parents=True)
    (holder / "comm").write_text("mysqld\n")
    device = stage.folder / "drbd0"
    os.mknod(device, stat.S_IFBLK | 0o600, os.makedev(147, 0))
    (holder / "fd/7").symlink_to(device)
    done = stage.run(*GIVE_UP, "--yes")
    assert done.status == 3
    assert f"connector:   process 4711 (mysqld): {device}\n" in done.err
    assert stage.calls() == []


@pytest.mark.parametrize(
    ("words", "commands"),
    [
        (("--victim", "here"), ["secondary mail", "connect --discard-my-data mail"]),
        (("--victim", "here", "--discard-my-data"), ["secondary mail", "connect --discard"]),
        (("--victim", "peer"), ["secondary mail", "connect mail"]),
        (("--victim", "peer", "--keep-my-data"), ["secondary mail", "connect mail"]),
    ],
)
def test_whose_changes_go_is_said_in_either_way(
    split: Stage, words: tuple[str, ...], commands: list[str]
) -> None:
    done = split.run("recover", "mail", "--yes", *words)
    assert done.status == (0 if "here" in words else 3)
    calls = split.calls()
    assert len(calls) == len(commands)
    assert all(ran.startswith(asked) for ran, asked in zip(calls, commands, strict=True))


@pytest.mark.parametrize(
    "words", [("here", "--keep-my-data"), ("peer", "--discard-my-data"), ("both",)]
)
def test_words_that_contradict_each_other_do_nothing(split: Stage, words: tuple[str, ...]) -> None:
    done = split.run("recover", "mail", "--yes", "--victim", *words)
    assert (done.status, done.out) == (2, "")
    assert split.calls() == []


def test_a_word_against_the_recommendation_is_told_so(split: Stage) -> None:
    told = split.run("recover", "mail", "--victim", "peer", "--dry-run").out
    assert "who should give its changes up: this node (--victim here)\n" in told
    assert "CAREFUL: you say --victim peer, and what is known speaks for --victim here\n" in told
    assert "CAREFUL" not in split.run(*GIVE_UP, "--dry-run").out


def test_nothing_to_recover(stage: Stage) -> None:
    done = stage.run("recover", "mail", "--yes")
    assert (done.status, done.err) == (0, "")
    assert done.out.endswith("mail is Connected: nothing to recover\n")
    done = stage.run(*GIVE_UP, "--yes")
    assert done.status == 3
    assert "mail is Connected: there is nothing to give up" in done.err
    assert stage.calls() == []


def test_a_record_that_cannot_be_kept_gives_nothing_up(split: Stage) -> None:
    split.state.mkdir()
    (split.state / "given-up").write_text("in the way")
    done = split.run(*GIVE_UP, "--yes")
    assert done.status == 1
    assert "the record of what would be given up cannot be kept" in done.err
    assert split.calls() == ["secondary mail"]
    assert state_of(split) is ConnectionState.STANDALONE
