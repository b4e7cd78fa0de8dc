"""The socket on which other programs wake the watch."""

from __future__ import annotations

import os
import select
import socket
import stat
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from connector.errors import ConnectorError, NotPermitted
from connector.watch.doorbell import MAX_BYTES, Doorbell, place, ring
from tests.act.programs import python


@contextmanager
def umask(mask: int) -> Iterator[None]:
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


@contextmanager
def somebody_else() -> Iterator[None]:
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def abandoned(path: Path) -> None:
    """What a watch leaves there that was killed."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as dead:
        dead.bind(str(path))


def readable(bell: Doorbell) -> bool:
    return bool(select.select([bell], [], [], 0)[0])


def test_it_lies_beside_the_lock() -> None:
    assert place(Path("/run/connector/connector.lock")) == Path("/run/connector/watch")


def test_rings_are_heard_in_their_order_and_once(tmp_path: Path) -> None:
    path = tmp_path / "run" / "watch"
    with closing(Doorbell(path)) as bell:
        assert not readable(bell)
        assert bell.rings() == []
        assert ring(path, "handler split-brain mail")
        assert ring(path, "")
        assert readable(bell)
        assert bell.rings() == ["handler split-brain mail", ""]
        assert not readable(bell)
        assert bell.rings() == []


def test_another_process_rings(tmp_path: Path) -> None:
    path = tmp_path / "watch"
    rings = ("from pathlib import Path; from connector.watch.doorbell import ring",
             "sys.exit(not ring(Path(sys.argv[1]), 'hello'))")  # fmt: skip
    with closing(Doorbell(path)) as bell:
        assert subprocess.run([*python(*rings), str(path)], check=False).returncode == 0
        assert bell.rings() == ["hello"]
    assert subprocess.run([*python(*rings), str(path)], check=False).returncode == 1


@pytest.mark.parametrize("what", ["x" * 1000, "ü" * 1000, "a\0b\n\x1b[31m", "\udcff"])
def test_any_text_is_bounded_and_harms_nobody(tmp_path: Path, what: str) -> None:
    path = tmp_path / "watch"
    with closing(Doorbell(path)) as bell:
        assert ring(path, what)
        (heard,) = bell.rings()
    assert len(heard) <= MAX_BYTES
    assert heard[:3] == what.encode("utf-8", "replace").decode()[:3]


def test_what_others_send_is_cut_and_decoded(tmp_path: Path) -> None:
    path = tmp_path / "watch"
    with closing(Doorbell(path)) as bell:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as other:
            other.sendto(b"\xff" * 5000, str(path))
        assert bell.rings() == ["\N{REPLACEMENT CHARACTER}" * MAX_BYTES]


def test_nobody_listens(tmp_path: Path) -> None:
    assert not ring(tmp_path / "watch", "hello")
    assert not ring(tmp_path / "no such folder" / "watch", "hello")
    abandoned(tmp_path / "watch")
    assert not ring(tmp_path / "watch", "hello")
    assert (tmp_path / "watch").exists()


def test_what_a_killed_watch_left_stops_nobody(tmp_path: Path) -> None:
    path = tmp_path / "watch"
    abandoned(path)
    with closing(Doorbell(path)) as bell:
        assert ring(path, "hello")
        assert bell.rings() == ["hello"]


def test_a_second_watch_is_refused_and_the_first_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "watch"
    with closing(Doorbell(path)) as bell:
        before = len(os.listdir("/proc/self/fd"))
        for _ in range(3):
            with pytest.raises(ConnectorError, match="another connector watch is at work") as told:
                Doorbell(path)
            assert str(path) in str(told.value)
            assert told.value.exit_status == 1
        assert len(os.listdir("/proc/self/fd")) == before
        bell.rings()
        assert ring(path, "hello")
        assert bell.rings() == ["hello"]


def test_it_is_gone_when_it_is_closed(tmp_path: Path) -> None:
    path = tmp_path / "watch"
    Doorbell(path).close()
    assert not path.exists()
    bell = Doorbell(path)
    path.unlink()
    bell.close()


def test_a_full_queue_is_as_good_as_a_ring(tmp_path: Path) -> None:
    path = tmp_path / "watch"
    with closing(Doorbell(path)) as bell:
        assert all(ring(path, str(number)) for number in range(3000))
        heard: list[str] = []
        while readable(bell):
            found = bell.rings()
            assert 0 < len(found) <= 100
            heard += found
        assert heard == [str(number) for number in range(len(heard))]
        assert len(heard) >= 1
        assert ring(path, "again")
        assert bell.rings() == ["again"]


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o777])
def test_only_its_owner_may_ring_whatever_the_umask(tmp_path: Path, mask: int) -> None:
    path = tmp_path / "watch"
    with umask(mask):
        bell = Doorbell(path)
        assert os.umask(mask) == mask
    with closing(bell):
        status = path.stat()
        assert (stat.S_IMODE(status.st_mode), status.st_uid) == (0o600, os.geteuid())


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else for a while")
def test_somebody_else_may_neither_ring_nor_listen() -> None:
    with TemporaryDirectory() as folder:  # pytest's own are closed to other users
        Path(folder).chmod(0o755)
        path = Path(folder) / "watch"
        with closing(Doorbell(path)) as bell:
            with somebody_else(), pytest.raises(PermissionError):
                ring(path, "hello")
            assert bell.rings() == []
            with somebody_else(), pytest.raises(NotPermitted, match="run connector as root"):
                Doorbell(path)
        with somebody_else(), pytest.raises(NotPermitted, match="run connector as root") as told:
            Doorbell(path)
        assert told.value.exit_status == 77
        assert not path.exists()


def test_a_place_that_cannot_be_is_said_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path, why in (
        (tmp_path / "file" / "watch", "File exists"),
        (tmp_path / "file" / "deeper" / "watch", "Not a directory"),
        (tmp_path / ("x" * 200), "AF_UNIX path too long"),
    ):
        with pytest.raises(ConnectorError) as told:
            Doorbell(path)
        assert str(told.value).startswith(f"{path}: ")
        assert why in str(told.value)


def test_what_is_no_socket_is_somebodys_and_stays(tmp_path: Path) -> None:
    path = tmp_path / "watch"
    path.write_text("precious")
    with pytest.raises(ConnectorError, match="Address already in use"):
        Doorbell(path)
    assert path.read_text() == "precious"
    path.unlink()
    path.mkdir()
    with pytest.raises(ConnectorError, match="Address already in use"):
        Doorbell(path)
    assert path.is_dir()
