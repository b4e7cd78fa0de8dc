"""Runs in a node: an SMTP server that answers 250 only for a message that is on the disk.

    PYTHON smtp_server.py --address A --port P --maildir DIR --pid-file F

Each message becomes a file in DIR/new (a Maildir). The answer names who kept it:
`250 2.0.0 kept by NODE`. What cannot be kept is answered 451, and the server goes on. A client that
got no answer does not know whether its message was kept.

DIR and its folders are made where they are missing, DIR's parent is not. DIR is its working
folder, so it holds the file system mounted. It goes by that folder, not by its name: below a mount
point that something else was mounted on, or nothing, it would keep mail where nobody looks for it.

It listens on that address and no other, and prints `listening on A:P` when it does; the pid file is
there from then on. SIGTERM ends it at once (exit status 0), whatever is in flight. It ends with
exit status 1 and one line on standard error where it cannot begin, with 2 where it was typed wrong.
"""

import argparse
import asyncio
import errno
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from types import FrameType

from aiosmtpd.smtp import SMTP, Envelope, Session

Fsync = Callable[[int], None]


def prepare(maildir: str, fsync: Fsync = os.fsync) -> None:
    """Make what is missing of a Maildir, on the disk. Raises OSError, also without its parent."""
    for folder in (maildir, *(os.path.join(maildir, name) for name in ("tmp", "new", "cur"))):
        if not os.path.isdir(folder):
            os.mkdir(folder, 0o700)
    for folder in (maildir, os.path.dirname(os.path.abspath(maildir))):
        fsync_folder(folder, fsync)


def fsync_folder(folder: str, fsync: Fsync) -> None:
    """Have a folder's entries on the disk. Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fsync(descriptor)
    finally:
        os.close(descriptor)


def deliver(content: bytes, node: str, maildir: str = ".", fsync: Fsync = os.fsync) -> str:
    """Keep a message, and return its path in the Maildir when it is on the disk.

    Raises OSError: then nobody can tell whether it is kept.
    """
    # rename(2) replaces a file of the same name, so no two may have one, on any node, whatever
    # their clocks say.
    name = f"{int(time.time())}.R{os.urandom(8).hex()}P{os.getpid()}.{node}"
    written, kept = os.path.join("tmp", name), os.path.join("new", name)
    with open(os.path.join(maildir, written), "xb") as file:
        try:
            file.write(content)
            file.flush()
            # Before the rename: otherwise a crash may leave a name in new/ and nothing in the file.
            fsync(file.fileno())
            os.rename(os.path.join(maildir, written), os.path.join(maildir, kept))
        except OSError:
            with suppress(OSError):
                os.unlink(os.path.join(maildir, written))
            raise
    # fsync(2): "Calling fsync() does not necessarily ensure that the entry in the directory
    # containing the file has also reached disk. For that an explicit fsync() on a file descriptor
    # for the directory is also needed." tmp/ needs none. The name in new/ is all that a reader
    # goes by (maildir(5)), and ext4 journals both ends of a rename in one transaction. What a
    # crash before it leaves behind in tmp/ was not acknowledged.
    fsync_folder(os.path.join(maildir, "new"), fsync)
    return kept


class Keeper:
    """What is done with a message: a thread writes it, so that a slow disk holds up no other."""

    def __init__(
        self, node: str, writers: int, maildir: str = ".", fsync: Fsync = os.fsync
    ) -> None:
        """At most `writers` messages are written at once."""
        self._node = node
        self._maildir = maildir
        self._fsync = fsync
        self._threads = ThreadPoolExecutor(writers)
        self._free = threading.Semaphore(writers)

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:
        """Return the answer to a message; aiosmtpd calls this by its name."""
        if not self._free.acquire(blocking=False):
            return f"451 4.3.2 not kept by {self._node}: the disk is behind"
        assert isinstance(envelope.content, bytes)
        writing = self._threads.submit(self._keep, envelope.content)
        # A client that hangs up stops no thread: its place is taken until the disk has answered.
        writing.add_done_callback(lambda _writing: self._free.release())
        return await asyncio.wrap_future(writing)

    def _keep(self, content: bytes) -> str:
        try:
            # A Maildir's lines end as the system's do.
            deliver(content.replace(b"\r\n", b"\n"), self._node, self._maildir, self._fsync)
        except OSError as error:
            why = errno.errorcode.get(error.errno or 0, "OSError")
            return f"451 4.3.0 not kept by {self._node}: {why}"
        return f"250 2.0.0 kept by {self._node}"


class Connection(SMTP):
    """One client's connection; it is in `open_ones` until it is lost."""

    def __init__(
        self, keeper: Keeper, options: argparse.Namespace, open_ones: set["Connection"]
    ) -> None:
        """Begin a connection with the limits that `options` name."""
        super().__init__(
            keeper,
            data_size_limit=options.size_limit_bytes,
            hostname=options.node,
            timeout=options.idle_timeout_s,
            loop=asyncio.get_running_loop(),
        )
        self._open_ones = open_ones
        open_ones.add(self)

    def connection_lost(self, error: Exception | None) -> None:
        """Make room for another one."""
        self._open_ones.discard(self)
        super().connection_lost(error)


class Refusal(asyncio.Protocol):
    """What a client gets while there are as many as there may be."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Say so, and hang up."""
        assert isinstance(transport, asyncio.WriteTransport)
        transport.write(b"421 4.3.2 too many connections\r\n")
        transport.close()


async def serve(listening: socket.socket, keeper: Keeper, options: argparse.Namespace) -> None:
    """Answer for ever."""
    open_ones: set[Connection] = set()

    def connection() -> asyncio.Protocol:
        full = len(open_ones) >= options.connections
        return Refusal() if full else Connection(keeper, options, open_ones)

    server = await asyncio.get_running_loop().create_server(connection, sock=listening)
    await server.serve_forever()


def end_at_once(pid_file: str) -> Callable[[int, FrameType | None], None]:
    """Return what SIGTERM does: nothing more is written or answered."""

    def end(_signal: int, _frame: FrameType | None) -> None:
        with suppress(OSError):
            os.unlink(pid_file)
        # Not by an exception: it would wait for the threads, and they for the disk.
        os._exit(0)

    return end


def ipv4(text: str) -> str:
    """Return the address as it was typed. Raises ValueError: names are not looked up."""
    try:
        socket.inet_pton(socket.AF_INET, text)
    except OSError:
        raise ValueError(text) from None
    return text


def whole_number(least: int, most: int) -> Callable[[str], int]:
    """Return a reader of whole numbers in those bounds; it raises ValueError for any other."""

    def number(text: str) -> int:
        if not least <= (value := int(text)) <= most:
            raise ValueError(text)
        return value

    return number


def typed(arguments: list[str]) -> argparse.Namespace:
    """Return what was typed; ends with exit status 2 where that is wrong."""
    parser = argparse.ArgumentParser(prog="smtp_server", allow_abbrev=False)
    parser.add_argument("--address", type=ipv4, required=True)
    parser.add_argument("--port", type=whole_number(0, 65535), required=True, help="0: a free one")
    parser.add_argument("--maildir", required=True)
    parser.add_argument("--pid-file", type=os.path.abspath, required=True)
    parser.add_argument("--connections", type=whole_number(1, 256), default=16)
    parser.add_argument("--size-limit-bytes", type=whole_number(1, 1 << 26), default=1 << 20)
    parser.add_argument("--idle-timeout-s", type=whole_number(1, 3600), default=60)
    parser.set_defaults(node=socket.gethostname())
    return parser.parse_args(arguments)


def main(arguments: list[str], fsync: Fsync = os.fsync) -> int:
    """Serve until SIGTERM, and return the exit status where that cannot be."""
    options = typed(arguments)
    trying = f"use the Maildir {options.maildir}"
    try:
        prepare(options.maildir, fsync)
        os.chdir(options.maildir)
        trying = f"listen on {options.address}:{options.port}"
        # asyncio sends each line at once (TCP_NODELAY) only where the protocol is named.
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listening:
            # A connection that was cut must not keep the port from the next server.
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind((options.address, options.port))
            listening.listen(options.connections)
            trying = f"write {options.pid_file}"
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, end_at_once(options.pid_file))
            with open(options.pid_file, "w", encoding="ascii") as file:
                file.write(f"{os.getpid()}\n")
            trying = "serve"
            print("listening on {}:{}".format(*listening.getsockname()), flush=True)
            keeper = Keeper(options.node, options.connections, fsync=fsync)
            asyncio.run(serve(listening, keeper, options))
    except OSError as error:
        why = os.strerror(error.errno) if error.errno else error
        print(f"smtp_server: cannot {trying}: {why}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
