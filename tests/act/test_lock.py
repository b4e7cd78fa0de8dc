"""One pass at a time; nothing that a dead one left stops the next."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import filelock
import pytest

from connector.act.lock import lock_within, pass_lock, take
from connector.errors import ConnectorError, LockHeld, NotPermitted
from tests.act.programs import alive, pid_in, python, wait_for, write_program

HOLD = (
    "import time; from pathlib import Path; from connector.act.lock import pass_lock",
    "with pass_lock(Path(sys.argv[1])):",
    "    Path(sys.argv[2]).touch()",
)


@contextmanager
def holder(path: Path, *then: str) -> Iterator[subprocess.Popen[bytes]]:
    """Another process that holds the lock while it does `then`."""
    ready = path.with_suffix(".ready")
    lines = (*HOLD, *(f"    {line}" for line in then))
    with subprocess.Popen([*python(*lines), str(path), str(ready)]) as process:
        try:
            wait_for(ready.exists)
            yield process
        finally:
            process.kill()


@contextmanager
def umask(mask: int) -> Iterator[None]:
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


@contextmanager
def without_privileges() -> Iterator[None]:
    """Root may write everywhere, so root is somebody else for a while."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def must_not_be_had(path: Path) -> None:
    with pass_lock(path):
        pytest.fail("it is held")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_second_pass_is_told(tmp_path: Path) -> None:
    path = tmp_path / "connector.lock"

    with holder(path, "time.sleep(60)"), pytest.raises(LockHeld, match="another pass") as told:
        must_not_be_had(path)

    assert told.value.exit_status == 75


def test_a_second_pass_of_the_same_process_is_told(tmp_path: Path) -> None:
    path = tmp_path / "connector.lock"

    with pass_lock(path), pytest.raises(LockHeld):
        must_not_be_had(path)


def test_it_is_given_back(tmp_path: Path) -> None:
    path = tmp_path / "connector.lock"

    with pytest.raises(ZeroDivisionError), pass_lock(path):
        raise ZeroDivisionError
    with pass_lock(path):
        pass
    with pass_lock(path):
        pass


def test_what_a_killed_pass_left_stops_nobody(tmp_path: Path) -> None:
    path = tmp_path / "connector.lock"
    with holder(path, "time.sleep(60)") as process:
        process.kill()
        process.wait()

        assert path.exists()
        with pass_lock(path):
            pass


def test_a_program_that_outlives_a_killed_pass_does_not_hold_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that left its session, so that no signal of ours reaches it."""
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    script = f"setsid sh -c 'echo $$ > {tmp_path}/pid; exec sleep 60' & sleep 60"
    write_program(tmp_path, "stand-in", script)
    path = tmp_path / "connector.lock"
    runs_it = (
        "from connector.act.subprocess_runner import SubprocessRunner as R; R()(['stand-in'], 60)"
    )
    with holder(path, runs_it) as process:
        pid = pid_in(tmp_path / "pid")
        try:
            with pytest.raises(LockHeld):
                must_not_be_had(path)
            process.kill()
            process.wait()
            assert alive(pid)
            with pass_lock(path):
                pass
        finally:
            os.kill(pid, signal.SIGKILL)


@pytest.mark.parametrize("mask", [0o000, 0o077])
def test_file_and_folder_have_their_modes_whatever_the_umask(tmp_path: Path, mask: int) -> None:
    path = tmp_path / "run" / "connector.lock"

    with umask(mask), pass_lock(path):
        assert mode(path) == 0o600
        assert mode(path.parent) == 0o755


def test_a_folder_that_is_there_keeps_its_mode(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    folder.mkdir(mode=0o700)

    with pass_lock(folder / "connector.lock"):
        assert mode(folder) == 0o700


@pytest.mark.parametrize("content", [b"", b"precious"])
def test_a_symbolic_link_is_not_followed(tmp_path: Path, content: bytes) -> None:
    target = tmp_path / "target"
    target.write_bytes(content)
    target.chmod(0o644)
    path = tmp_path / "connector.lock"
    path.symlink_to(target)

    with pytest.raises(ConnectorError, match=f"{path}: .*remove it") as told:
        must_not_be_had(path)

    assert told.value.exit_status == 1
    assert (target.read_bytes(), mode(target)) == (content, 0o644)


def test_a_dangling_link_makes_no_file(tmp_path: Path) -> None:
    path = tmp_path / "connector.lock"
    path.symlink_to(tmp_path / "target")

    with pytest.raises(ConnectorError, match="remove it"):
        must_not_be_had(path)

    assert not (tmp_path / "target").exists()


def test_what_a_file_holds_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "connector.lock"
    path.write_bytes(b"precious")

    with pass_lock(path):
        pass

    assert path.read_bytes() == b"precious"


def test_a_named_pipe_in_its_place_is_not_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "connector.lock"
    os.mkfifo(path)

    with pass_lock(path), pytest.raises(LockHeld):
        must_not_be_had(path)


def test_a_file_that_was_removed_while_it_was_held_does_not_bar_the_next(tmp_path: Path) -> None:
    path = tmp_path / "connector.lock"

    with pass_lock(path):
        path.unlink()
        with pass_lock(path):
            assert path.exists()


def test_one_that_was_removed_while_it_was_being_locked_is_not_the_lock(tmp_path: Path) -> None:
    path = tmp_path / "connector.lock"
    with path.open("wb") as opened:
        path.unlink()
        with pytest.raises(LockHeld, match="was removed"):
            take(opened.fileno(), path)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
@pytest.mark.parametrize("sticky", [True, False])
def test_in_a_folder_as_tmp_is_a_strangers_file_is_not_locked(tmp_path: Path, sticky: bool) -> None:
    """Its owner may put another one in its place, which the next pass would lock."""
    path = tmp_path / "connector.lock"
    path.write_bytes(b"")
    os.chown(path, 65534, 65534)
    tmp_path.chmod(0o1755 if sticky else 0o755)  # not 0o1777, where the kernel itself refuses

    if not sticky:
        with pass_lock(path):
            return
    with pytest.raises(NotPermitted, match="belongs to user 65534") as told:
        must_not_be_had(path)

    assert told.value.exit_status == 77
    tmp_path.chmod(0o755)
    with pass_lock(path):  # it was given back
        pass


def test_a_folder_in_its_place_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(ConnectorError, match="that is a file") as told:
        must_not_be_had(tmp_path)

    assert str(tmp_path) in str(told.value)


def test_a_file_in_the_folders_place_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "run").write_bytes(b"")

    with pytest.raises(ConnectorError, match=r"connector\.lock: Not a directory; choose"):
        must_not_be_had(tmp_path / "run" / "connector.lock")


@pytest.mark.parametrize("case", ["file", "folder", "missing folder"])
def test_what_may_not_be_opened_or_made_is_not_permitted(tmp_path: Path, case: str) -> None:
    assert filelock  # imported while it can be
    folder = tmp_path / "run"
    folder.mkdir()
    path = folder / ("deeper/connector.lock" if case == "missing folder" else "connector.lock")
    if case == "file":
        path.write_bytes(b"")
        path.chmod(0o400)
    else:
        folder.chmod(0o500)
    for parent in tmp_path.parents[:2]:
        parent.chmod(0o755)
    tmp_path.chmod(0o755)
    folder.chmod(0o555)

    with without_privileges(), pytest.raises(NotPermitted, match="run connector as root") as told:
        must_not_be_had(path)

    folder.chmod(0o755)
    assert told.value.exit_status == 77
    assert str(path.parent) in str(told.value)


def test_the_import_is_left_until_it_is_needed() -> None:
    told = subprocess.run(
        python(
            "import connector.act.lock, connector.act.drbdadm",
            "print({'filelock', 'tenacity'} & set(sys.modules))",
            "import filelock; print({'asyncio', 'sqlite3'} & set(sys.modules))",
        ),
        capture_output=True,
        check=True,
    )

    assert told.stdout == b"set()\nset()\n"


class Asleep:
    """A clock that only sleeping moves; `then` is called after each sleep."""

    def __init__(self, then: Callable[[float], None]) -> None:
        self.slept_s = 0.0
        self._then = then

    def sleep(self, seconds: float) -> None:
        self.slept_s += seconds
        self._then(self.slept_s)

    def boot_s(self) -> float:
        return 1000.0 + self.slept_s

    def wall_s(self) -> float:
        raise NotImplementedError  # it may jump

    log_s = wall_s


def test_a_pass_that_is_at_work_is_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "connector.lock"
    told: list[str] = []
    with ExitStack() as other:
        other.enter_context(pass_lock(path))
        clock = Asleep(lambda slept_s: other.close() if slept_s >= 3 else None)
        with lock_within(path, clock, 10, lambda: told.append("held")):
            assert clock.slept_s == 3
            with pytest.raises(LockHeld):
                must_not_be_had(path)
    assert told == ["held"]
    with lock_within(path, clock, 0, lambda: told.append("held")):
        assert told == ["held"]


@pytest.mark.parametrize("wait_s", [0, 2])
def test_it_is_waited_for_so_long_and_no_longer(tmp_path: Path, wait_s: float) -> None:
    path = tmp_path / "connector.lock"
    told: list[str] = []
    clock = Asleep(lambda _: None)
    with (
        pass_lock(path),
        pytest.raises(LockHeld, match="nothing was done"),
        lock_within(path, clock, wait_s, lambda: told.append("held")),
    ):
        pytest.fail("it is held")
    assert clock.slept_s == wait_s
    assert len(told) == (wait_s > 0)
