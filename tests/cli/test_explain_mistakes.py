"""`connector explain` with files that are none, and with what a person types wrong."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from connector.observe.proc_drbd import MAX_BYTES
from tests.cli.stage import Stage

from .explaining import CAPTURES, PREFIX, SPLIT, VICTIM, Runner


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Runner:
    """`connector explain` on a terminal of 100 columns."""
    monkeypatch.setenv("COLUMNS", "100")
    return Runner(capsys)


def test_drbd_9_says_what_to_do(run: Runner) -> None:
    done = run(CAPTURES / "drbd-9/2n-split-brain-both-standalone/alpha")
    assert done.status == 1
    assert "a text of /proc/drbd, DRBD 9.2.12" in done.one_line
    assert "no states are in this file: DRBD 9 does not print them there" in done.err
    assert "Have `drbdsetup status --json --verbose --statistics` or" in done.err


def test_a_drbd_that_is_not_supported(run: Runner) -> None:
    done = run(CAPTURES.parent / "published/033_8.3.7_Unconfigured.txt")
    assert (done.status, done.err) == (69, "")
    assert "DRBD 8.3.7 (api:88): connector acts on the 8.4 and 9 kernel modules" in done.one_line


def test_an_unknown_word_is_told_with_its_line(run: Runner, tmp_path: Path) -> None:
    saved = tmp_path / "saved"
    saved.write_bytes((SPLIT / "proc_drbd").read_bytes().replace(b"Secondary/U", b"Secundary/U"))
    done = run(saved)
    assert done.status == 1
    assert done.err == f"connector: {saved} line 3: minor 0: unknown role: 'Secundary'\n"
    assert "row 17 unknown: the lines of minor 0 in /proc/drbd cannot be read" in done.one_line


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "this is no text of /proc/drbd"),
        (bytes(range(256)) * 20, "this is no text of /proc/drbd"),
        (b"x" * (MAX_BYTES + 5), f"longer than {MAX_BYTES} bytes"),
        (b"{" + b" " * MAX_BYTES, f"longer than {MAX_BYTES} bytes"),
        (b'{"resources": 7}', "resources: Input should be a valid list"),
    ],
    ids=["empty", "binary", "huge", "huge JSON", "other JSON"],
)
def test_a_file_that_is_none(run: Runner, tmp_path: Path, data: bytes, message: str) -> None:
    saved = tmp_path / "saved"
    saved.write_bytes(data)
    done = run(saved)
    assert done.status == 1
    assert f"{saved.name}: not understood" in done.one_line
    assert message in done.err
    assert len(done.err.splitlines()) <= 11
    assert all(line.isprintable() for line in done.err.splitlines())


def test_a_folder(run: Runner, tmp_path: Path) -> None:
    done = run(tmp_path)
    assert (done.status, done.out) == (1, "")
    assert done.err == f"connector: {tmp_path} cannot be read: Is a directory\n"


def test_it_may_not_be_read(stage: Stage) -> None:
    secret = stage.folder / "secret"
    secret.write_text("{}")
    secret.chmod(0)
    done = stage.run_under(PREFIX, "explain", str(secret))
    assert (done.status, done.out) == (77, "")
    assert done.err == f"connector: {secret} may not be read: run connector as root\n"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "Missing argument 'FILE...'"),
        (["no-such-file"], "no-such-file: no such file"),
        (
            [VICTIM, "--mode", "discrad"],
            "'discrad' is not one of 'observe', 'reconnect', 'discard'",
        ),
        ([VICTIM, "--evidence", "splitbrain"], "'splitbrain' is not one of 'none', 'unreadable'"),
        ([VICTIM, "--handshake", "Secondary/Primary"], "goes with --evidence split-brain"),
        ([VICTIM, "--evidence", "split-brain", "--handshake", "Chief/x"], "no pair of roles"),
        ([VICTIM, "--evidence", "split-brain", "--handshake", "Primary"], "no pair of roles"),
        ([VICTIM, "--evidence", "none", "--kernel-log", SPLIT / "kmsg"], "cannot be had at once"),
        ([VICTIM, "--lasted", "soon"], "'soon' is no time: say 90s"),
        ([VICTIM, "--resource", "mial"], "'mial' is not in it; there are: resource-of-minor-0"),
        ([VICTIM, "--host", "alpha"], "--host goes with --dump-xml"),
        ([VICTIM, "--kernel-log", SPLIT / "kmsg"], "--kernel-log needs --dump-xml here"),
        ([VICTIM, "--line", "1"], "--line goes with a journal"),
        (["-", "-"], "standard input (-) can be read once only"),
        (["-", "--kernel-log", "-"], "standard input (-) can be read once only"),
        ([VICTIM, "--after-sb-1pri", "discard-secondry"], "'discard-secondry' is not one of"),
        ([VICTIM, "--attempts", "-1"], "-1 is not in the range"),
        ([VICTIM, "--in-us"], "No such option '--in-us'"),
        (
            [VICTIM, "--dump-xml", SPLIT / "dump_xml", "--host", "gamma"],
            "'gamma' has no resource in",
        ),
    ],
)
def test_typing_mistakes(run: Runner, words: list[object], message: str) -> None:
    done = run(*words)
    assert (done.status, done.out) == (2, "")
    assert message in done.err


@pytest.mark.parametrize(
    ("option", "data", "message"),
    [
        ("--kernel-log", b"no log\n", "save it with `dmesg > FILE`"),
        ("--kernel-log", b"x" * (MAX_BYTES + 1), f"longer than {MAX_BYTES} bytes"),
        ("--dump-xml", b"no xml\n", "save it with `drbdadm dump-xml > FILE`"),
        ("--dump-xml", b"<config", "is not XML"),
        ("--dump-xml", b"x" * (MAX_BYTES + 1), f"longer than {MAX_BYTES} bytes"),
    ],
)
def test_a_file_beside_it_that_is_none(
    run: Runner, tmp_path: Path, option: str, data: bytes, message: str
) -> None:
    beside = tmp_path / "beside"
    beside.write_bytes(data)
    done = run(VICTIM, option, beside)
    assert (done.status, done.out) == (1, "")
    assert done.err.startswith(f"connector: {option}: {beside}: ")
    assert message in done.err


def test_hostile_names_cannot_reach_the_terminal(run: Runner, tmp_path: Path) -> None:
    saved = tmp_path / "journal.jsonl"
    entry = {"name": "\x1b[2J\ud800", "connection": "\x1b[1m", "reason": "\x07", "decision": "\x08"}
    saved.write_text(json.dumps({"at": "\x1b", "resources": [entry]}) + "\n")
    done = run(saved)
    assert done.status == 1
    shown = done.out + done.err
    assert all(line.isprintable() for line in shown.splitlines())
