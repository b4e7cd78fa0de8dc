"""The parts of the SMTP server, loaded here: the order of its steps, and how it does not begin."""

from __future__ import annotations

import asyncio
import errno
import importlib.util
import os
import signal
import socket
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import Envelope

from .loopback import SERVER

PATIENCE_S = 60.0


def loaded() -> Any:
    """The server as a module: its folder is no package, for nothing in a node imports one."""
    spec = importlib.util.spec_from_file_location("smtp_server", SERVER)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


smtp_server = loaded()


@pytest.fixture
def maildir(tmp_path: Path) -> Path:
    """A Maildir as the server makes it."""
    smtp_server.prepare(str(tmp_path / "Maildir"))
    return tmp_path / "Maildir"


def names(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir())


def message(content: bytes) -> Envelope:
    envelope = Envelope()
    envelope.content = content
    return envelope


def test_the_file_is_synced_before_it_is_renamed_and_the_folder_afterwards(maildir: Path) -> None:
    seen = []

    def fsync(descriptor: int) -> None:
        is_file = stat.S_ISREG(os.fstat(descriptor).st_mode)
        what = Path(os.readlink(f"/proc/self/fd/{descriptor}"))
        content = what.read_bytes() if is_file else b""
        seen.append((what.relative_to(maildir).parts[0], content, len(names(maildir / "new"))))

    kept = smtp_server.deliver(b"X-Number: a-000001\n", "alpha", str(maildir), fsync)
    assert seen == [("tmp", b"X-Number: a-000001\n", 0), ("new", b"", 1)]
    assert (maildir / kept).read_bytes() == b"X-Number: a-000001\n"
    assert names(maildir / "tmp") == []


def test_no_two_messages_have_one_name(maildir: Path) -> None:
    for _ in range(50):
        smtp_server.deliver(b"x", "alpha", str(maildir), lambda _descriptor: None)
    assert len(names(maildir / "new")) == 50


@pytest.mark.parametrize("synced", [0, 1])
@pytest.mark.parametrize("number", [errno.EIO, errno.ENOSPC, errno.EROFS])
def test_a_disk_that_fails_is_no_acknowledgement(maildir: Path, synced: int, number: int) -> None:
    asked: list[int] = []

    def fsync(descriptor: int) -> None:
        asked.append(descriptor)
        if len(asked) > synced:
            raise OSError(number, os.strerror(number))

    keeper = smtp_server.Keeper("alpha", 1, str(maildir), fsync)

    async def two() -> list[str]:
        return [await keeper.handle_DATA(None, None, message(b"x")) for _ in range(2)]

    # The second one says that its writer is free again.
    expected = f"451 4.3.0 not kept by alpha: {errno.errorcode[number]}"
    assert asyncio.run(two()) == [expected, expected]
    assert names(maildir / "tmp") == []


def test_the_answer_waits_for_the_disk_and_holds_up_no_other(maildir: Path) -> None:
    reached, go_on = threading.Event(), threading.Event()

    def fsync(_descriptor: int) -> None:
        reached.set()
        assert go_on.wait(PATIENCE_S)

    async def play() -> tuple[str, str]:
        keeper = smtp_server.Keeper("alpha", 1, str(maildir), fsync)
        given_up = asyncio.ensure_future(keeper.handle_DATA(None, None, message(b"1\r\n2\r\n")))
        try:
            await asyncio.to_thread(reached.wait, PATIENCE_S)
            assert not given_up.done()
            # The client has hung up, but the disk has not answered: there is no writer yet.
            given_up.cancel()
            with suppress(asyncio.CancelledError):
                await given_up
            async with asyncio.timeout(PATIENCE_S):
                behind = await keeper.handle_DATA(None, None, message(b"3"))
        finally:
            go_on.set()
        async with asyncio.timeout(PATIENCE_S):
            while (kept := await keeper.handle_DATA(None, None, message(b"4"))) == behind:
                await asyncio.sleep(0.01)
        return behind, kept

    assert asyncio.run(play()) == (
        "451 4.3.2 not kept by alpha: the disk is behind",
        "250 2.0.0 kept by alpha",
    )
    kept = sorted(each.read_bytes() for each in (maildir / "new").iterdir())
    assert kept == [b"1\n2\n", b"4"]


def test_the_folders_are_made_and_synced_but_not_their_parent(tmp_path: Path) -> None:
    synced = []

    def fsync(descriptor: int) -> None:
        synced.append(os.readlink(f"/proc/self/fd/{descriptor}"))

    with pytest.raises(FileNotFoundError):
        smtp_server.prepare(str(tmp_path / "not mounted" / "Maildir"), fsync)
    assert names(tmp_path) == []
    for _ in range(2):
        smtp_server.prepare(str(tmp_path / "Maildir"), fsync)
        assert names(tmp_path / "Maildir") == ["cur", "new", "tmp"]
    assert set(synced) == {str(tmp_path / "Maildir"), str(tmp_path)}


@pytest.fixture
def begin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., int]]:
    """Call `main` with the options that are given instead of working ones."""
    monkeypatch.chdir(tmp_path)  # it changes that itself, and pytest puts it back
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}

    def main(**other: str) -> int:
        options = {"address": "127.0.0.1", "port": "0", "maildir": str(tmp_path / "Maildir")}
        options |= {"pid-file": str(tmp_path / "pid"), **other}
        typed = [word for name, value in options.items() for word in (f"--{name}", value)]
        return int(smtp_server.main(typed))

    yield main
    for number, handler in before.items():
        signal.signal(number, handler)


def test_what_it_cannot_begin_with_is_said_in_one_line(
    tmp_path: Path, begin: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        assert begin(port=port) == 1
    taken = f"smtp_server: cannot listen on 127.0.0.1:{port}: Address already in use\n"
    assert capsys.readouterr() == ("", taken)
    gone = str(tmp_path / "gone" / "Maildir")
    assert begin(maildir=gone) == 1
    no_parent = f"smtp_server: cannot use the Maildir {gone}: No such file or directory\n"
    assert capsys.readouterr() == ("", no_parent)
    (tmp_path / "file").touch()
    assert begin(maildir=str(tmp_path / "file")) == 1
    assert capsys.readouterr().err.endswith("file: File exists\n")
    assert begin(**{"pid-file": gone}) == 1
    assert (
        capsys.readouterr().err == f"smtp_server: cannot write {gone}: No such file or directory\n"
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("address", "localhost"),
        ("address", "::1"),
        ("port", "65536"),
        ("port", "smtp"),
        ("connections", "0"),
        ("size-limit-bytes", "0"),
        ("idle-timeout-s", "1.5"),
        ("pid", "x"),
    ],
)
def test_what_was_typed_wrong_has_status_2(
    begin: Callable[..., int], capsys: pytest.CaptureFixture[str], name: str, value: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        begin(**{name: value})
    assert ended.value.code == 2
    assert f"--{name}" in capsys.readouterr().err
