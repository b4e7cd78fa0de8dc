"""The program that tells the events, played by small real programs; the clock is the tests' own."""

from __future__ import annotations

import os
import select
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from connector.watch.reader import LASTED_S, MAX_UNREAD_BYTES, Reader
from tests.act.programs import PATIENCE_S, alive, pid_in, python, wait_for, write_program

START_S = 1000.0
SETPRIV = shutil.which("setpriv")


class Heard(list[str]):
    """What the reader logs."""

    @property
    def last(self) -> str:
        return self[-1]


@pytest.fixture
def log() -> Heard:
    return Heard()


def ready(reader: Reader) -> None:
    """Return when there is something to read."""
    assert select.select([reader], [], [], PATIENCE_S)[0], "nothing came"


def lines_until(reader: Reader, enough: Callable[[list[str]], bool]) -> list[str]:
    """Its lines, read as the loop does it, until there are enough."""
    heard: list[str] = []
    while not enough(heard):
        ready(reader)
        heard += reader.lines(START_S)
    return heard


def until_it_ends(reader: Reader, now_s: float) -> list[str]:
    heard: list[str] = []
    while reader.running:
        ready(reader)
        heard += reader.lines(now_s)
    return heard


@pytest.fixture
def told(tmp_path: Path, log: Heard) -> Iterator[tuple[Reader, int]]:
    """A reader, and the descriptor on which a test speaks as its program."""
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    with closing(Reader(log.append, ("cat", str(fifo)))) as reader:
        assert reader.start_if_due(START_S)
        mouth = os.open(fifo, os.O_WRONLY)
        yield reader, mouth
    os.close(mouth)


def test_whole_lines_come_as_they_are_told(told: tuple[Reader, int], log: Heard) -> None:
    reader, mouth = told
    os.write(mouth, b"exists -\nchange conn")
    assert lines_until(reader, bool) == ["exists -"]
    os.write(mouth, b"ection name:mail")
    ready(reader)
    assert reader.lines(START_S) == []
    os.write(mouth, b" connection:StandAlone\n\n \ndestroy connection name:mail\n")
    assert lines_until(reader, lambda heard: len(heard) > 1) == [
        "change connection name:mail connection:StandAlone",
        "destroy connection name:mail",
    ]
    assert reader.running
    assert log == []


def test_with_nothing_to_read_it_does_not_wait(told: tuple[Reader, int]) -> None:
    reader, _ = told
    assert reader.lines(START_S) == []
    assert not reader.start_if_due(START_S + 1000)


def test_bytes_that_are_no_text_are_replaced(told: tuple[Reader, int]) -> None:
    reader, mouth = told
    os.write(mouth, b"\xff\0\x80 name:\xc3\xbc\r\n")
    assert lines_until(reader, bool) == ["\ufffd\0\ufffd name:ü\r"]


def test_a_line_without_end_is_cut_and_the_next_one_is_whole(told: tuple[Reader, int]) -> None:
    reader, mouth = told
    os.set_blocking(mouth, False)
    rest = b"x" * (5 * MAX_UNREAD_BYTES) + b"\nexists -\n"
    heard: list[str] = []
    while "exists -" not in heard:
        try:
            rest = rest[os.write(mouth, rest) :] if rest else rest
        except BlockingIOError:
            ready(reader)
        heard += reader.lines(START_S)
    *pieces, last = heard
    assert last == "exists -"
    assert "".join(pieces) == "x" * (5 * MAX_UNREAD_BYTES)
    assert len(pieces) >= 2


def test_a_flood_is_taken_in_portions(log: Heard) -> None:
    """So that the loop goes round in between."""
    with closing(Reader(log.append, ("yes", "exists -"))) as reader:
        assert reader.start_if_due(START_S)
        for _ in range(3):
            ready(reader)
            found = reader.lines(START_S)
            assert set(found) <= {"exists -"}
            assert len(found) < 200_000


def test_a_program_that_ends_at_once_is_started_again_after_longer_and_longer(log: Heard) -> None:
    with closing(Reader(log.append, ("sh", "-c", "exit 3"))) as reader:
        now_s, pauses = START_S, []
        for _ in range(8):
            assert reader.start_if_due(now_s)
            assert until_it_ends(reader, now_s) == []
            pauses.append(reader.next_start_s - now_s)
            assert not reader.start_if_due(reader.next_start_s - 0.01)
            now_s = reader.next_start_s
    assert pauses == [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0]
    assert len(log) == 8
    assert log[2] == (
        "sh -c exit 3 ended with 3; "
        "/proc/drbd is looked at every second until it runs again, in 4 s"
    )


def test_a_program_that_lasted_begins_with_the_first_pause_again(log: Heard) -> None:
    with closing(Reader(log.append, ("true",))) as reader:
        for now_s, lasts_s, pause_s in (
            (1000.0, 0.0, 1.0),
            (1010.0, LASTED_S - 1, 2.0),
            (1100.0, LASTED_S, 1.0),
            (1200.0, 0.0, 2.0),
        ):
            assert reader.start_if_due(now_s)
            until_it_ends(reader, now_s + lasts_s)
            assert reader.next_start_s == now_s + lasts_s + pause_s


def test_a_missing_program_is_said_and_tried_again(log: Heard) -> None:
    reader = Reader(log.append, ("no-such-drbdsetup", "events2"))
    now_s, pauses = START_S, []
    for _ in range(4):
        assert not reader.start_if_due(now_s)
        assert not reader.running
        pauses.append(reader.next_start_s - now_s)
        now_s = reader.next_start_s
    assert pauses == [1.0, 2.0, 4.0, 8.0]
    assert log.last == "no-such-drbdsetup events2 cannot be started: no such program on PATH"
    with pytest.raises(ValueError, match="not running"):
        reader.fileno()


def test_a_program_that_appears_is_found(tmp_path: Path, log: Heard) -> None:
    program = tmp_path / "late"
    with closing(Reader(log.append, (str(program),))) as reader:
        assert not reader.start_if_due(START_S)
        write_program(tmp_path, "late", "echo here; exec sleep 600")
        assert not reader.start_if_due(START_S + 0.5)
        assert reader.start_if_due(START_S + 1)
        assert lines_until(reader, bool) == ["here"]


def test_a_program_whose_interpreter_is_missing(tmp_path: Path, log: Heard) -> None:
    path = write_program(tmp_path, "lost", "")
    path.write_text("#!/no/such/interpreter\n")
    with closing(Reader(log.append, (str(path),))) as reader:
        now_s, pauses = START_S, []
        for _ in range(4):
            if reader.start_if_due(now_s):
                until_it_ends(reader, now_s)
            assert not reader.running
            pauses.append(reader.next_start_s - now_s)
            now_s = reader.next_start_s
    assert pauses == [1.0, 2.0, 4.0, 8.0]
    assert log.last == f"{path} cannot be started: No such file or directory"


def test_the_folder_where_we_are_is_not_searched(
    tmp_path: Path, log: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_program(tmp_path, "only-here", "echo bad")
    monkeypatch.chdir(tmp_path)
    for path in ("", ".", ":/usr/bin", "bin:../" + tmp_path.name):
        monkeypatch.setenv("PATH", path)
        assert not Reader(log.append, ("only-here",)).start_if_due(START_S)
        assert "no such program on PATH" in log.last


def test_the_folders_for_administrators_are_searched_whatever_path_says(
    log: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not os.access("/usr/sbin/ldconfig", os.X_OK) and not os.access("/sbin/ldconfig", os.X_OK):
        pytest.skip("no program that every machine has in /usr/sbin only")
    monkeypatch.setenv("PATH", "/nowhere")
    with closing(Reader(log.append, ("ldconfig", "--version"))) as reader:
        assert reader.start_if_due(START_S)
        until_it_ends(reader, START_S)
    assert "ended with 0" in log.last


def test_complaints_are_heard_too_also_the_last_one(log: Heard) -> None:
    script = "echo exists - ; echo 'drbdsetup: no module' >&2; printf 'half a line'; exit 20"
    with closing(Reader(log.append, ("sh", "-c", script))) as reader:
        assert reader.start_if_due(START_S)
        assert until_it_ends(reader, START_S) == ["exists -", "drbdsetup: no module", "half a line"]
        assert "ended with 20;" in log.last
        # What was left of one run does not get into the lines of the next.
        assert reader.start_if_due(START_S + 1)
        assert until_it_ends(reader, START_S + 1)[0] == "exists -"


def test_its_messages_are_english_and_it_reads_nothing(log: Heard) -> None:
    script = 'echo "$LC_ALL"; cat; echo end'
    with closing(Reader(log.append, ("sh", "-c", script))) as reader:
        assert reader.start_if_due(START_S)
        assert until_it_ends(reader, START_S) == ["C.UTF-8", "end"]


def test_a_killed_program_is_said(tmp_path: Path, log: Heard) -> None:
    with closing(Reader(log.append, ("sh", "-c", "kill -9 $$"))) as reader:
        assert reader.start_if_due(START_S)
        assert until_it_ends(reader, START_S) == []
    assert "ended with -9; " in log.last


def test_close_leaves_no_process_and_no_descriptor(tmp_path: Path, log: Heard) -> None:
    before = len(os.listdir("/proc/self/fd"))
    script = f"trap '' TERM INT HUP; echo $$ >{tmp_path}/pid; exec sleep 600"
    reader = Reader(log.append, ("sh", "-c", script))
    assert reader.start_if_due(START_S)
    pid = pid_in(tmp_path / "pid")
    assert alive(pid)
    reader.close()
    assert not Path(f"/proc/{pid}").exists()  # nor a zombie
    assert not reader.running
    reader.close()
    assert len(os.listdir("/proc/self/fd")) == before
    assert log == []


def test_one_that_ended_leaves_no_process_and_no_descriptor(log: Heard) -> None:
    before = len(os.listdir("/proc/self/fd"))
    reader = Reader(log.append, ("sh", "-c", "echo $$"))
    for number in range(5):
        assert reader.start_if_due(START_S + 100 * number)
        (pid,) = until_it_ends(reader, START_S + 100 * number)
        assert not Path(f"/proc/{pid}").exists()
    assert len(os.listdir("/proc/self/fd")) == before


def test_one_that_shuts_its_mouth_and_stays_is_ended(log: Heard) -> None:
    began_s = time.monotonic()
    script = "echo $$; exec >/dev/null 2>&1 sleep 600"
    with closing(Reader(log.append, ("sh", "-c", script))) as reader:
        assert reader.start_if_due(START_S)
        (pid,) = until_it_ends(reader, START_S)
    assert not alive(int(pid))
    assert "ended with -9; " in log.last
    assert time.monotonic() - began_s < PATIENCE_S


HOLDS = (
    "import time; from connector.watch.reader import Reader",
    "reader = Reader(print, ('sh', '-c', 'echo $$ >' + sys.argv[1] + '; exec sleep 600'))",
    "assert reader.start_if_due(0.0)",
    "time.sleep(600)",
)


@pytest.mark.skipif(SETPRIV is None, reason="nothing binds it to us without setpriv")
def test_it_does_not_outlive_a_watch_that_is_killed(tmp_path: Path) -> None:
    with subprocess.Popen([*python(*HOLDS), str(tmp_path / "pid")]) as watch:
        pid = pid_in(tmp_path / "pid")
        assert alive(pid)
        watch.kill()
    wait_for(lambda: not alive(pid))


@pytest.mark.skipif(SETPRIV is None, reason="nothing binds it to us without setpriv")
def test_ctrl_c_on_the_terminal_does_not_reach_it(tmp_path: Path, log: Heard) -> None:
    with closing(Reader(log.append, ("sh", "-c", "echo $$; exec sleep 600"))) as reader:
        assert reader.start_if_due(START_S)
        (pid,) = lines_until(reader, bool)
        assert os.getsid(int(pid)) == int(pid) != os.getsid(0)


def test_where_setpriv_is_an_old_one_the_next_start_does_without(
    tmp_path: Path, log: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = "echo \"setpriv: unrecognized option '$1'\" >&2; exit 1"
    write_program(tmp_path, "setpriv", old)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with closing(Reader(log.append, ("echo", "exists -"))) as reader:
        assert reader.start_if_due(START_S)
        assert until_it_ends(reader, START_S) == ["setpriv: unrecognized option '--pdeathsig'"]
        assert reader.start_if_due(START_S + 1)
        assert until_it_ends(reader, START_S + 1) == ["exists -"]


def test_without_setpriv_it_runs_all_the_same(
    tmp_path: Path, log: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_program(tmp_path, "drbdsetup", 'echo "$0 $*"')
    # Only where no setpriv lies in the folders that are searched in any case.
    if any(os.access(f"{folder}/setpriv", os.X_OK) for folder in ("/usr/sbin", "/sbin")):
        pytest.skip("setpriv lies in /usr/sbin")
    monkeypatch.setenv("PATH", str(tmp_path))
    with closing(Reader(log.append)) as reader:
        assert reader.start_if_due(START_S)
        assert until_it_ends(reader, START_S) == [f"{tmp_path}/drbdsetup events2"]
