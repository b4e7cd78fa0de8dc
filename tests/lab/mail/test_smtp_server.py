"""The nodes' SMTP server as a real process on loopback, with the real client."""

from __future__ import annotations

import os
import shutil
import smtplib
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from ..wait import wait_until
from .client import RECIPIENT, SENDER, NumberedClient, numbered_message, send_by_smtp
from .loopback import SERVER, SmtpServer
from .maildir import listing_command, missing, numbers
from .service import Acknowledged

PATIENCE_S = 60.0
NODE = socket.gethostname()
# The server on a disk that never answers for a file; folders are made in no time.
STUCK = f"""
import os, stat, sys, threading
sys.path.insert(0, {str(SERVER.parent)!r})
import smtp_server

def fsync(descriptor):
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        threading.Event().wait()

sys.exit(smtp_server.main(sys.argv[1:], fsync))
"""


def found(server: SmtpServer) -> list[str]:
    """The numbers of the messages in a server's Maildir."""
    command = ["/bin/sh", "-c", listing_command(str(server.maildir))]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    return numbers(done.stdout)


def acknowledged_by(
    client: NumberedClient, messages: int, road: str | None = None
) -> list[Acknowledged]:
    """What was acknowledged once there are so many of them."""
    return wait_until(
        lambda: notes if len(notes := client.acknowledged(road)) >= messages else None,
        timeout_s=PATIENCE_S,
        what=f"{messages} messages are acknowledged",
        saw=lambda: "\n".join(map(str, client.failed[-3:])),
    )


def fails_with(client: NumberedClient, word: str) -> None:
    """Wait until a message is answered so, that was sent after this one."""
    before = client.failures
    wait_until(
        lambda: client.failures >= before + 2 and word in client.failed[-1].why,
        timeout_s=PATIENCE_S,
        what=f"an answer with {word}",
        saw=lambda: "\n".join(map(str, client.failed[-3:])),
    )


def test_what_is_acknowledged_on_two_roads_is_in_the_maildir(tmp_path: Path) -> None:
    with SmtpServer(tmp_path, address="127.0.0.2") as server:
        pid = int(server.pid_file.read_text("ascii"))
        assert pid == server.process.pid
        # It holds the file system that its Maildir is on, and no other address of the node.
        assert os.readlink(f"/proc/{pid}/cwd") == str(server.maildir)
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", server.port), PATIENCE_S)
        roads = {"alpha-side": server.road, "beta-side": server.road}
        with NumberedClient(roads, interval_s=0.005, timeout_s=PATIENCE_S) as client:
            for road in roads:
                acknowledged_by(client, 10, road)
        notes = client.acknowledged()
        assert {each.kept_by for each in notes} == {NODE}
        assert client.failures == 0
        assert found(server) == sorted(each.number for each in notes)
        kept = next((server.maildir / "new").iterdir()).read_bytes()
        assert b"\r" not in kept
        assert list((server.maildir / "tmp").iterdir()) == []
        assert server.terminate() == 0
        assert not server.pid_file.exists()


def test_kill_9_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    server = SmtpServer(tmp_path)
    with server:
        road = {"alpha-side": server.road}
        with NumberedClient(road, interval_s=0.002, timeout_s=PATIENCE_S) as client:
            acknowledged_by(client, 10)
            server.kill()
            fails_with(client, "ConnectionRefusedError")
            before = client.acknowledged()
            assert missing(before, found(server)) == []
            # On the same port and the same Maildir, as on the other node.
            with server:
                acknowledged_by(client, len(before) + 5)
    assert missing(client.acknowledged(), found(server)) == []
    assert len(client.acknowledged()) >= 15


def put_a_file_there(folder: Path) -> None:
    folder.rename(folder.with_name("away"))
    folder.touch()


def is_gone(folder: Path) -> bool:
    """Whether a folder is gone that files may be put into meanwhile."""
    with suppress(OSError):
        shutil.rmtree(folder)
    return not folder.exists()


def put_it_back(folder: Path) -> None:
    folder.unlink()
    folder.with_name("away").rename(folder)


def test_what_cannot_be_kept_is_not_acknowledged_and_the_server_goes_on(tmp_path: Path) -> None:
    with SmtpServer(tmp_path) as server:
        road = {"alpha-side": server.road}
        with NumberedClient(road, interval_s=0.005, timeout_s=PATIENCE_S) as client:
            acknowledged_by(client, 3)
            put_a_file_there(server.maildir / "new")
            fails_with(client, "ENOTDIR")
            before = client.acknowledged()
            fails_with(client, "(451, b'4.3.0 not kept by ")
            assert client.acknowledged() == before
            put_it_back(server.maildir / "new")
            acknowledged_by(client, len(before) + 3)
            wait_until(
                lambda: is_gone(server.maildir), timeout_s=PATIENCE_S, what="the Maildir is gone"
            )
            fails_with(client, "ENOENT")
            # It goes by the folder that it began with, which is no more, and not by its name.
            for name in ("tmp", "new"):
                (server.maildir / name).mkdir(parents=True)
            before = client.acknowledged()
            fails_with(client, "ENOENT")
            assert client.acknowledged() == before
        assert list((server.maildir / "new").iterdir()) == []


def test_more_connections_and_bigger_messages_than_may_be_are_refused(tmp_path: Path) -> None:
    limits = ["--connections", "2", "--size-limit-bytes", "600"]
    with SmtpServer(tmp_path, more=limits) as server:
        message = numbered_message("alpha-side-000001")
        with smtplib.SMTP(*server.road, local_hostname="client", timeout=PATIENCE_S) as one:
            with smtplib.SMTP(*server.road, local_hostname="client", timeout=PATIENCE_S):
                with pytest.raises(smtplib.SMTPConnectError, match=r"421.*too many connections"):
                    send_by_smtp(*server.road, message, PATIENCE_S)
                # Told so beforehand it is refused at MAIL, and otherwise when it is there.
                with pytest.raises(smtplib.SMTPSenderRefused, match="552"):
                    one.sendmail(SENDER, RECIPIENT, message + b"x" * 600)
                one.mail(SENDER)
                one.rcpt(RECIPIENT)
                assert one.data(message + b"x" * 600)[0] == 552
            wait_until(
                lambda: sent(server, message), timeout_s=PATIENCE_S, what="there is room again"
            )
        assert found(server) == ["alpha-side-000001"]


def sent(server: SmtpServer, message: bytes) -> bool:
    """Whether a message was acknowledged."""
    try:
        return "kept by" in send_by_smtp(*server.road, message, PATIENCE_S)
    except smtplib.SMTPConnectError:
        return False


def test_sigterm_ends_it_at_once_while_a_message_waits_for_the_disk(tmp_path: Path) -> None:
    one_writer = ["--connections", "1"]
    with SmtpServer(tmp_path, more=one_writer, program=["-c", STUCK]) as server:
        waiting = socket.create_connection(server.road, PATIENCE_S)
        with waiting, waiting.makefile("rb") as answers:
            for line in (b"HELO client", b"MAIL FROM:<a@b.example>", b"RCPT TO:<a@b.example>"):
                answers.readline()
                waiting.sendall(line + b"\r\n")
            waiting.sendall(b"DATA\r\nX-Number: a-000001\r\n\r\n.\r\n")
            assert answers.readline().startswith(b"250")
            assert answers.readline().startswith(b"354")
            wait_until(
                lambda: list((server.maildir / "tmp").iterdir()),
                timeout_s=PATIENCE_S,
                what="the message is being written",
            )
            assert server.terminate() == 0
            assert answers.read() == b""
        assert found(server) == []
        assert not server.pid_file.exists()


def test_an_address_that_cannot_be_bound_is_said_in_one_line(tmp_path: Path) -> None:
    # 192.0.2.0/24 is for documentation: no host has it.
    where = ["--address", "192.0.2.1", "--port", "2525"]
    typed = [*where, "--maildir", str(tmp_path / "Maildir"), "--pid-file", str(tmp_path / "pid")]
    done = subprocess.run(
        ["setpriv", "--pdeathsig", "KILL", "--", sys.executable, str(SERVER), *typed],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "smtp_server: cannot listen on 192.0.2.1:2525: Cannot assign requested address\n"
    )
    assert not (tmp_path / "pid").exists()
