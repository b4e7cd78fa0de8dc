"""Every documented exit status, reached by a real process."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from connector.model import ConnectionState
from tests.cli.stage import AT_ONCE, Stage, wait_for

StageOf = Callable[..., Stage]

DRBD_8_3 = b"""\
version: 8.3.11 (api:88/proto:86-96)
srcversion: 71955441799F513ACA6DA60
"""
# Without privileges, whoever runs the tests: root keeps its number and loses what makes it root.
UNPRIVILEGED = ("setpriv", "--bounding-set", "-all", "--inh-caps", "-all")
PREFIX = UNPRIVILEGED if os.geteuid() == 0 else ()
# An ordinary user: he may read what root may, so that the interpreter may lie anywhere.
NOBODY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
          "--inh-caps", "+dac_read_search", "--ambient-caps", "+dac_read_search")  # fmt: skip


def test_0_nothing_left_to_do_is_silent(stage: Stage) -> None:
    done = stage.run("reconcile")
    assert (done.status, done.out, done.err) == (0, "", "")
    done = stage.run("check")
    assert (done.status, done.err) == (0, "")
    assert done.out.startswith("DRBD OK: mail: Connected Secondary")
    assert done.out.count("\n") == 1


def test_0_an_action_succeeded_and_is_told_once(stage_of: StageOf) -> None:
    stage = stage_of("standby-disconnected")
    done = stage.run("reconcile", **AT_ONCE)
    assert (done.status, done.err) == (0, "")
    assert "ran: drbdadm connect mail | reconnected: now Connected" in done.out
    assert stage.calls() == ["connect mail"]
    again = stage.run("reconcile", **AT_ONCE)
    assert (again.status, again.out, again.err) == (0, "", "")
    assert stage.calls() == ["connect mail"]


def test_1_an_action_failed(stage_of: StageOf) -> None:
    stage = stage_of("standby-disconnected")
    stage.pair.set_fault("beta", "refuse:connect")
    done = stage.run("reconcile", **AT_ONCE)
    assert (done.status, done.err) == (1, "")
    assert "`drbdadm connect mail` was refused (Could not connect to 'drbd'" in done.out
    assert stage.run("check").status == 2


def test_3_a_split_brain_needs_an_operator(stage_of: StageOf) -> None:
    stage = stage_of("split-brain-with-idle-standby")
    done = stage.run("reconcile")
    assert (done.status, done.err) == (3, "")
    assert done.out.count("OPERATOR NEEDED") == 2
    assert "connector recover mail" in done.out
    assert stage.calls() == []
    done = stage.run("check")
    assert (done.status, done.err) == (2, "")
    assert done.out.startswith("DRBD CRITICAL: mail: StandAlone Primary")


def test_1_of_check_is_a_warning(stage_of: StageOf) -> None:
    done = stage_of("link-cut").run("check")
    assert (done.status, done.err) == (1, "")
    assert done.out.startswith("DRBD WARNING: mail: WFConnection Secondary")


@pytest.mark.parametrize(
    ("shown", "words"),
    [(None, "does not exist. Load the module with `modprobe drbd`"), (DRBD_8_3, "DRBD 8.3.11")],
    ids=["no DRBD", "DRBD 8.3"],
)
def test_69_no_drbd_that_is_supported(stage: Stage, shown: bytes | None, words: str) -> None:
    stage.show(shown)
    done = stage.run("reconcile")
    assert (done.status, done.out) == (69, "")
    assert words in done.err
    checked = stage.run("check")
    assert (checked.status, checked.err) == (3, "")
    assert checked.out.startswith("DRBD UNKNOWN: ")
    assert words in checked.out


def test_75_another_pass_is_at_work(stage_of: StageOf) -> None:
    stage = stage_of("standby-disconnected")
    textfile = stage.folder / "connector.prom"
    stage.pair.set_fault("beta", "hang:connect")
    with stage.start("reconcile", **AT_ONCE) as first:
        wait_for(stage.calls)
        second = stage.run("reconcile", **AT_ONCE)
        assert (second.status, second.out) == (75, "")
        assert second.err == f"connector: another pass holds {stage.lock}: nothing was done\n"
        # The lock keeps nobody from looking.
        assert stage.run("check", "--resource", "db").status == 0
        first.send(signal.SIGTERM)
        assert first.end().status == 143
    assert stage.calls() == ["connect mail"]
    stage.pair.set_fault("beta", None)
    done = stage.run("reconcile", **AT_ONCE, CONNECTOR_METRICS_TEXTFILE=str(textfile))
    assert done.status == 0
    assert "\nconnector_lock_contended_total 1.0\n" in textfile.read_text()


def test_77_the_source_may_not_be_read(stage: Stage) -> None:
    stage.show(b"version: 8.4.11 (api:1/proto:86-101)\n")
    (stage.root / "proc/drbd").chmod(0)
    done = stage.run_under(PREFIX, "reconcile")
    assert (done.status, done.out) == (77, "")
    assert "may not be read: run connector as root" in done.err
    assert stage.run_under(PREFIX, "check").status == 3


def test_77_the_lock_may_not_be_taken(stage_of: StageOf) -> None:
    stage = stage_of("standby-disconnected")
    assert stage.run("check").status == 2  # and the resources' names are learned
    stage.lock.parent.mkdir()
    stage.lock.parent.chmod(0)
    done = stage.run_under(PREFIX, "reconcile", **AT_ONCE)
    assert (done.status, done.out) == (77, "")
    assert f"cannot lock {stage.lock}: Permission denied; run connector as root" in done.err
    assert stage.calls() == []
    done = stage.run_under(PREFIX, "pause", "mail")
    assert (done.status, done.out) == (77, "")


@pytest.mark.skipif(os.geteuid() != 0, reason="not root: the other tests of 77 are such a user's")
def test_77_another_user() -> None:
    with TemporaryDirectory() as folder:  # pytest's own are closed to other users
        Path(folder).chmod(0o755)
        _reconcile_as_another_user(Stage(Path(folder), "standby-disconnected"))


def _reconcile_as_another_user(stage: Stage) -> None:
    done = stage.run_under(NOBODY, "reconcile", **AT_ONCE)
    assert (done.status, done.out) == (77, "")
    assert "run connector as root" in done.err
    assert stage.pair.look().connection("beta", "mail") is ConnectionState.STANDALONE


def test_every_status_is_in_the_help(stage: Stage) -> None:
    done = stage.run("--help")
    assert (done.status, done.err) == (0, "")
    text = " ".join(done.out.split())
    for status in ("0 nothing", "1 an action", "2 usage", "3 an operator", "69 no DRBD",
                   "75 another", "77 not permitted", "78 configuration"):  # fmt: skip
        assert status in text


def test_garbage_is_never_acted_upon(stage_of: StageOf) -> None:
    stage = stage_of("standby-disconnected")
    stage.show(b"\xff\x00 9: cs:StandAlone ro:\nversion: maybe\n" * 3)
    done = stage.run("reconcile", **AT_ONCE)
    assert done.status == 3
    assert "mail: unknown: " in done.out
    assert "/proc/drbd line 1: " in done.err
    assert stage.calls() == []
    assert stage.run("check").status in (2, 3)
