"""The state directory: full, not a directory, its files damaged."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from connector.model import ConnectionState
from tests.cli.stage import AT_ONCE, Stage

pytestmark = pytest.mark.slow

StageOf = Callable[..., Stage]
DAMAGED = b'{"version": 1, "pauses": {"mail"'


@pytest.fixture
def apart(stage_of: StageOf) -> Stage:
    return stage_of("standby-disconnected")


def damage(stage: Stage, name: str) -> None:
    stage.state.mkdir()
    (stage.state / name).write_bytes(DAMAGED)


def test_damaged_incidents_make_one_pass_observe(apart: Stage) -> None:
    damage(apart, "incidents.json")
    # Looking leaves it where it is.
    assert apart.run("status", **AT_ONCE).status == 3
    assert (apart.state / "incidents.json").read_bytes() == DAMAGED
    done = apart.run("reconcile", **AT_ONCE)
    assert done.status == 3
    assert "the record of earlier attempts was damaged; this pass only observes" in done.out
    assert "kept as incidents.json.damaged" in done.err
    assert (apart.state / "incidents.json.damaged").read_bytes() == DAMAGED
    assert apart.calls() == []
    assert apart.run("reconcile", **AT_ONCE).status == 0
    assert apart.calls() == ["connect mail"]


def test_damaged_pauses_stop_everything_until_a_person_looks(apart: Stage) -> None:
    damage(apart, "pauses.json")
    for command in ("reconcile", "pause", "resume"):
        done = apart.run(command, **AT_ONCE)
        assert (done.status, done.out) == (1, "")
        assert f"{apart.state}/pauses.json: the record of pauses cannot be read" in done.err
    assert (apart.state / "pauses.json").read_bytes() == DAMAGED
    # Looking goes on: at three in the morning that is when it is needed.
    looked = apart.run("status")
    assert looked.status == 3
    assert "StandAlone" in looked.out
    assert "the record of pauses cannot be read" in looked.err
    assert apart.run("check").status == 2
    assert apart.calls() == []


@pytest.mark.parametrize("name", ["counters.json", "resources.json", "last-pass.json"])
def test_other_damaged_files_cost_nothing_but_themselves(apart: Stage, name: str) -> None:
    damage(apart, name)
    done = apart.run("reconcile", **AT_ONCE)
    assert done.status == 0
    assert apart.calls() == ["connect mail"]
    assert (apart.state / name).read_bytes() != DAMAGED
    counters = name == "counters.json"
    assert ("is damaged" in done.err) is counters
    assert (apart.state / "counters.json.damaged").exists() is counters


def test_a_file_where_the_directory_should_be(apart: Stage) -> None:
    apart.state.write_text("in the way")
    for words in (("reconcile",), ("pause", "mail")):
        done = apart.run(*words, **AT_ONCE)
        assert (done.status, done.out) == (1, "")
        assert f"Not a directory: '{apart.state}/pauses.json'" in done.err
    assert apart.calls() == []
    assert apart.state.read_text() == "in the way"


# The tmpfs is mounted in a namespace of its own: nobody else sees it, and it goes by itself.
FULL = (
    "unshare", "--mount", "sh", "-c",
    'mount -t tmpfs -o size=4k,nr_inodes=3 tmpfs "$CONNECTOR_RUN_STATE_DIR" && '
    'echo x > "$CONNECTOR_RUN_STATE_DIR/full" && exec "$@"', "sh",
)  # fmt: skip


@pytest.mark.skipif(os.geteuid() != 0, reason="not root: a tmpfs cannot be mounted")
def test_a_full_disk(apart: Stage) -> None:
    """Attempts that cannot be written down cannot be bounded, so none is made."""
    apart.state.mkdir()
    done = apart.run_under(FULL, "reconcile", **AT_ONCE)
    assert done.status == 1
    assert "nothing was done: the attempts cannot be written down" in done.out
    assert "No space left on device" in done.err
    assert apart.calls() == []
    assert apart.pair.look().connection("beta", "mail") is ConnectionState.STANDALONE
    done = apart.run_under(FULL, "pause", "mail")
    assert (done.status, done.out) == (1, "")
    assert done.err == f"connector: {apart.state}/pauses.json: No space left on device\n"


def test_a_textfile_that_cannot_be_written_does_not_fail_the_pass(stage: Stage) -> None:
    done = stage.run("reconcile", CONNECTOR_METRICS_TEXTFILE="/no/such/folder/connector.prom")
    assert (done.status, done.out) == (0, "")
    assert "metrics textfile /no/such/folder/connector.prom: cannot be written: " in done.err


def test_the_state_directory_holds_what_only_its_owner_reads(apart: Stage) -> None:
    textfile = apart.folder / "connector.prom"
    apart.run("reconcile", **AT_ONCE, CONNECTOR_METRICS_TEXTFILE=str(textfile))
    modes = {path.name: path.stat().st_mode & 0o777 for path in apart.state.iterdir()}
    assert set(modes.values()) == {0o600}
    assert textfile.stat().st_mode & 0o777 == 0o644
