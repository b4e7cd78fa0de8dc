"""Programs are run with nothing of ours, for a bounded time, and leave nothing behind."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from connector.act.child import OUTPUT_LIMIT_BYTES
from connector.act.subprocess_runner import SubprocessRunner
from connector.errors import PassTimedOut
from connector.program import Completed, Run
from tests.act.programs import PATIENCE_S, alive, mask, pid_in, python, wait_for, write_program

SHORT_S = 0.3

# posix_spawn of glibc has 32 and 33 ignored in whatever it starts; no program can use them.
GLIBCS_OWN_SIGNALS = 1 << 31 | 1 << 32


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that comes first on PATH."""
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    return tmp_path


@pytest.fixture(params=["guarded", "unguarded"])
def run(request: pytest.FixtureRequest, folder: Path) -> Run:
    """A runner, once with the parent-death guard and once where setpriv is of no use."""
    if request.param == "unguarded":
        write_program(folder, "setpriv", "echo \"setpriv: unrecognized option '$1'\" >&2; exit 1")
    return SubprocessRunner()


def run_script(run: Run, folder: Path, script: str, timeout_s: float = PATIENCE_S) -> Completed:
    write_program(folder, "stand-in", script)
    return run(["stand-in"], timeout_s)


def test_what_the_program_did_comes_back(run: Run, folder: Path) -> None:
    write_program(folder, "stand-in", 'echo "out $*"; echo "err $#" >&2; exit 11')

    completed = run(["stand-in", "a b", "", "--c", "$x"], PATIENCE_S)

    assert completed == Completed(
        argv=("stand-in", "a b", "", "--c", "$x"),
        exit_status=11,
        stdout="out a b  --c $x\n",
        stderr="err 4\n",
        duration_s=completed.duration_s,
    )
    assert 0 < completed.duration_s < PATIENCE_S


def test_a_program_is_run_once(run: Run, folder: Path) -> None:
    run_script(run, folder, f"echo x >> {folder}/calls; exit 1")

    assert (folder / "calls").read_text() == "x\n"


def test_sbin_is_searched_although_it_is_not_on_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    completed = SubprocessRunner()(["ldconfig", "--version"], PATIENCE_S)

    assert completed.exit_status == 0


def test_the_current_folder_is_not_searched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_program(tmp_path, "stand-in", "exit 0")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", ":.:/usr/bin")

    assert SubprocessRunner()(["stand-in"], PATIENCE_S).error is not None


def test_a_program_with_a_path_is_that_program(run: Run, folder: Path) -> None:
    write_program(folder, "stand-in", "echo from PATH")
    other = folder / "other"
    other.mkdir()
    path = write_program(other, "stand-in", 'echo "$0"')

    assert run([str(path)], PATIENCE_S).stdout == f"{path}\n"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("drbdadm-nowhere", "drbdadm-nowhere was not found in "),
        ("/nowhere/drbdadm", "/nowhere/drbdadm is no executable file: install drbd-utils, or "),
        ("./drbdadm", "neither a program's name nor an absolute path"),
        ("", "neither a program's name nor an absolute path"),
        ("dr\0bd", "was not found in"),
        ("/dr\0bd", "is no executable file"),
    ],
)
def test_a_missing_program_is_a_sentence(name: str, said: str) -> None:
    completed = SubprocessRunner()([name], PATIENCE_S)

    assert said in (completed.error or "")
    assert completed.exit_status is None
    assert not completed.timed_out


def test_an_empty_command_line_is_a_sentence() -> None:
    assert SubprocessRunner()([], PATIENCE_S).error is not None


def test_a_file_that_is_no_program_is_a_sentence(folder: Path) -> None:
    write_program(folder, "stand-in", "exit 0").chmod(0o644)

    assert "was not found" in (SubprocessRunner()(["stand-in"], PATIENCE_S).error or "")


def test_a_program_whose_interpreter_is_missing_is_a_sentence(run: Run, folder: Path) -> None:
    path = write_program(folder, "stand-in", "exit 0")
    path.write_text("#!/nowhere/interpreter\n", encoding="utf-8")

    completed = run(["stand-in"], PATIENCE_S)

    assert (completed.error or "").startswith("stand-in could not be run: ")
    assert completed.exit_status is None


@pytest.mark.parametrize("status", [1, 126, 127])
def test_the_programs_own_statuses_are_kept(run: Run, folder: Path, status: int) -> None:
    completed = run_script(run, folder, f"echo nonsense >&2; exit {status}")

    assert (completed.exit_status, completed.error) == (status, None)


def test_an_argument_with_a_nul_is_a_sentence(run: Run, folder: Path) -> None:
    write_program(folder, "stand-in", "exit 0")

    assert "could not be run" in (run(["stand-in", "a\0b"], PATIENCE_S).error or "")


def test_nothing_is_started_when_no_time_is_left(run: Run, folder: Path) -> None:
    completed = run_script(run, folder, f"touch {folder}/ran", timeout_s=0.0)

    assert "no time is left" in (completed.error or "")
    assert not (folder / "ran").exists()


def test_stdin_is_empty(run: Run, folder: Path) -> None:
    assert run_script(run, folder, "cat; echo end").stdout == "end\n"


def test_only_what_drbdadm_needs_of_the_environment_is_handed_on(
    run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")
    monkeypatch.setenv("LANGUAGE", "de")
    monkeypatch.setenv("SECRET", "1")
    monkeypatch.setenv("__DRBD_NODE__", "alpha")

    told = dict(line.split("=", 1) for line in run_script(run, folder, "env").stdout.splitlines())

    assert (told["LC_ALL"], told["LANG"], told["__DRBD_NODE__"]) == ("C", "C", "alpha")
    assert told["PATH"] == f"{folder}:/usr/bin:/bin:/usr/sbin:/sbin"
    shells_own = {"PWD", "OLDPWD", "SHLVL", "_"}
    assert set(told) - shells_own <= {"LC_ALL", "LANG", "PATH", "HOME", "TMPDIR", "__DRBD_NODE__"}


def test_signals_are_at_their_defaults_in_the_program(run: Run) -> None:
    before = mask()

    # No script: a shell may undo a mask that it was started with.
    completed = run(["grep", "-E", "Sig(Blk|Ign)", "/proc/self/status"], PATIENCE_S)

    held_back, ignored = (int(line.split()[1], 16) for line in completed.stdout.splitlines())
    assert held_back == 0
    assert ignored & ~GLIBCS_OWN_SIGNALS == 0
    assert mask() == before


def test_the_program_has_a_session_of_its_own(run: Run, folder: Path) -> None:
    completed = run_script(run, folder, "cut -d' ' -f5,6 /proc/$$/stat; echo $$ $$")

    ours, expected = completed.stdout.splitlines()
    assert ours == expected


def test_no_descriptor_is_inherited(run: Run, folder: Path) -> None:
    with (folder / "file").open("w") as file:
        os.dup2(file.fileno(), 100, inheritable=True)
        try:
            seen = run_script(run, folder, "exec ls /proc/self/fd").stdout.split()
        finally:
            os.close(100)

    assert seen == ["0", "1", "2", "3"]  # 3 is the folder that ls reads


def test_no_descriptor_of_ours_stays_open(run: Run, folder: Path) -> None:
    run_script(run, folder, "exit 0")
    before = os.listdir("/proc/self/fd")

    run_script(run, folder, "exit 0")
    run(["stand-in", "a\0b"], PATIENCE_S)

    assert os.listdir("/proc/self/fd") == before


def test_a_program_killed_by_a_signal_has_a_negative_status(run: Run, folder: Path) -> None:
    assert run_script(run, folder, "kill -TERM $$; sleep 60").exit_status == -signal.SIGTERM


def test_bytes_that_are_no_text_are_replaced(run: Run, folder: Path) -> None:
    assert run_script(run, folder, r"printf 'a\377b'").stdout == "a\ufffdb"


def test_a_long_output_is_cut_and_the_program_goes_on(run: Run, folder: Path) -> None:
    completed = run_script(run, folder, "head -c 3000000 /dev/zero | tr '\\0' x; exit 4")

    assert completed.exit_status == 4
    assert completed.stdout == "x" * OUTPUT_LIMIT_BYTES


def test_a_short_output_is_whole(run: Run, folder: Path) -> None:
    completed = run_script(run, folder, "seq 20000; seq 20000 >&2")

    expected = "".join(f"{number}\n" for number in range(1, 20001))
    assert (completed.stdout, completed.stderr) == (expected, expected)


def test_the_time_out_kills_the_whole_group(run: Run, folder: Path) -> None:
    script = f"echo begun; sleep 60 & echo $! > {folder}/inner; echo $$ > {folder}/outer; wait"

    completed = run_script(run, folder, f"trap '' TERM HUP INT; {script}", timeout_s=1.0)

    assert completed.timed_out
    assert completed.stdout == "begun\n"
    assert completed.duration_s < PATIENCE_S
    wait_for(lambda: not alive(pid_in(folder / "outer")))
    wait_for(lambda: not alive(pid_in(folder / "inner")))


def test_a_program_that_prints_for_ever_ends_at_the_time_out(run: Run, folder: Path) -> None:
    completed = run_script(run, folder, "yes; yes >&2", timeout_s=SHORT_S)

    assert completed.timed_out
    assert len(completed.stdout) <= OUTPUT_LIMIT_BYTES
    assert completed.duration_s < PATIENCE_S


@pytest.mark.parametrize("left", ["sleep 60", "yes", "exec 1>&- 2>&-; sleep 60"])
def test_what_a_program_leaves_behind_is_neither_waited_for_nor_left(
    run: Run, folder: Path, left: str
) -> None:
    script = f"({left}) & echo $! > {folder}/left; echo said; exit 3"

    completed = run_script(run, folder, script, timeout_s=60)

    assert completed.exit_status == 3
    assert completed.stdout.startswith("said\n") or left == "yes"
    assert completed.duration_s < PATIENCE_S
    wait_for(lambda: not alive(pid_in(folder / "left")))


def test_closed_output_is_not_the_end(run: Run, folder: Path) -> None:
    completed = run_script(run, folder, "exec 1>&- 2>&-; sleep 0.2; exit 5")

    assert completed.exit_status == 5


@pytest.fixture
def alarm_raises(request: pytest.FixtureRequest) -> Iterator[type[BaseException]]:
    """The exception that an alarm's handler raises after a moment."""
    error: type[BaseException] = request.param

    def ring(_number: int, _frame: object) -> None:
        raise error("rung")

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, SHORT_S)
    yield error
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize("alarm_raises", [PassTimedOut, KeyboardInterrupt], indirect=True)
def test_an_interrupted_caller_leaves_no_program(
    run: Run, folder: Path, alarm_raises: type[BaseException]
) -> None:
    script = f"sleep 60 & echo $! > {folder}/inner; echo $$ > {folder}/outer; wait"

    with pytest.raises(alarm_raises):
        run_script(run, folder, script, timeout_s=60)

    if (folder / "outer").exists():  # a slow machine has not begun it
        wait_for(lambda: not alive(pid_in(folder / "outer")))
        wait_for(lambda: not alive(pid_in(folder / "inner")))
    assert signal.SIGALRM not in mask()


# In a process of its own: with a second thread, as a test runner's worker has, the kernel may hand
# the signal to that one, and nothing that this thread holds back keeps the exception away.
RING_OFTEN = (
    "import signal",
    "from connector.act.subprocess_runner import SubprocessRunner",
    "from connector.errors import PassTimedOut",
    "def ring(number, frame): raise PassTimedOut('rung')",
    "signal.signal(signal.SIGALRM, ring)",
    "run, rung = SubprocessRunner(), 0",
    "for step in range(40):",
    "    try:",
    "        signal.setitimer(signal.ITIMER_REAL, 0.0002 + step * 0.0002)",
    "        run(['stand-in'], 60)",
    "    except PassTimedOut: rung += 1",
    "print(rung)",
)


def test_an_alarm_at_any_moment_leaves_no_program(folder: Path) -> None:
    """The handler's exception comes while the program is being started, again and again."""
    write_program(folder, "stand-in", f"echo $$ >> {folder}/pids; exec sleep 60")

    done = subprocess.run(python(*RING_OFTEN), capture_output=True, text=True, check=False)

    assert (done.stdout, done.stderr) == ("40\n", "")
    time.sleep(SHORT_S)  # one that was left would write its number now
    pids = (folder / "pids").read_text().split() if (folder / "pids").exists() else []
    wait_for(lambda: not any(alive(int(pid)) for pid in pids))


RUN_IT = (
    "from connector.act.subprocess_runner import SubprocessRunner",
    "completed = SubprocessRunner()(['stand-in'], 60)",
)


def test_a_killed_caller_takes_its_program_along(folder: Path) -> None:
    write_program(folder, "stand-in", f"echo $$ > {folder}/pid; exec sleep 60")

    with subprocess.Popen(python(*RUN_IT)) as caller:
        pid = pid_in(folder / "pid")
        assert alive(pid)
        caller.kill()

    wait_for(lambda: not alive(pid))


def test_a_caller_killed_before_the_guard_stands_runs_nothing(folder: Path) -> None:
    kill_first = f'kill -9 "$PPID"; sleep 0.2; shift 3; "$@"; echo $? > {folder}/status'
    write_program(folder, "setpriv", kill_first)
    write_program(folder, "stand-in", f"touch {folder}/ran")

    subprocess.run(python(*RUN_IT), check=False)

    wait_for((folder / "status").exists)
    assert (folder / "status").read_text() == "1\n"
    assert not (folder / "ran").exists()


def test_the_guard_lets_the_program_of_a_living_caller_run(folder: Path) -> None:
    write_program(folder, "setpriv", f'echo "$*" > {folder}/asked; shift 3; exec "$@"')
    write_program(folder, "stand-in", f"touch {folder}/ran")

    assert SubprocessRunner()(["stand-in"], PATIENCE_S).exit_status == 0

    assert (folder / "ran").exists()
    assert (folder / "asked").read_text().startswith("--pdeathsig KILL -- /")


def test_a_caller_without_stdin_stdout_and_stderr_learns_the_same(folder: Path) -> None:
    write_program(folder, "stand-in", "cat; echo out; echo err >&2; exit 6")
    note = f"open({str(folder / 'note')!r}, 'w').write(repr(completed))"

    subprocess.run(
        ["sh", "-c", 'exec "$@" 0<&- 1>&- 2>&-', "sh", *python(*RUN_IT, note)], check=True
    )

    told = (folder / "note").read_text()
    assert "exit_status=6, stdout='out\\n', stderr='err\\n'" in told


def test_an_ignored_sigchld_does_not_hide_a_failure(folder: Path) -> None:
    write_program(folder, "stand-in", "exit 7")
    ignore = "import signal; signal.signal(signal.SIGCHLD, signal.SIG_IGN)"

    told = subprocess.run(
        python(ignore, *RUN_IT, "print(completed.exit_status)"), capture_output=True, check=True
    )

    assert told.stdout == b"7\n"


def test_a_lock_is_not_held_by_the_program(run: Run, folder: Path) -> None:
    path = folder / "lock"
    with path.open("w") as file:
        os.dup2(file.fileno(), 100, inheritable=True)
    fcntl.flock(100, fcntl.LOCK_EX)
    write_program(folder, "stand-in", f"setsid sleep 60 & echo $! > {folder}/pid")
    run(["stand-in"], PATIENCE_S)
    os.close(100)
    try:
        with path.open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    finally:
        pid = pid_in(folder / "pid")
        if alive(pid):
            os.kill(pid, signal.SIGKILL)


def test_importing_it_is_cheap() -> None:
    told = subprocess.run(
        python(
            "import connector.act.subprocess_runner",
            "print({'subprocess', 'tenacity', 'filelock', 'asyncio'} & set(sys.modules))",
        ),
        capture_output=True,
        check=True,
    )

    assert told.stdout == b"set()\n"
