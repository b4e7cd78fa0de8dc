"""A socket beside the lock on which other programs of this node wake `connector watch`."""

from __future__ import annotations

import os
import socket
import stat
from contextlib import suppress
from pathlib import Path

from connector.errors import ConnectorError, NotPermitted

NAME = "watch"
MAX_BYTES = 256
_MAX_RINGS = 100


def place(lock: Path) -> Path:
    """Where the socket of the watch is whose passes take that lock."""
    return lock.parent / NAME


class Doorbell:
    """The watch's end. One watch a node: a second one says so and does not begin."""

    def __init__(self, path: Path) -> None:
        """Listen at `path`, which only root may ring.

        Raises:
            NotPermitted, ConnectorError: it cannot be made, or another watch listens there.
        """
        self._path = path
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        try:
            path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
            if ring(path, "is somebody there?"):
                raise ConnectorError(f"another connector watch is at work: it listens at {path}")
            _remove_dead_socket(path)
            before = os.umask(0o177)
            try:
                self._socket.bind(str(path))
            finally:
                os.umask(before)
        except OSError as error:
            self._socket.close()
            kind = NotPermitted if isinstance(error, PermissionError) else ConnectorError
            why = "; run connector as root" if kind is NotPermitted else ""
            raise kind(f"{path}: {error.strerror or error}{why}") from error
        except ConnectorError:
            self._socket.close()
            raise

    def fileno(self) -> int:
        """For select."""
        return self._socket.fileno()

    def rings(self) -> list[str]:
        """What was said at the door since the last time, oldest first."""
        said = []
        for _ in range(_MAX_RINGS):
            try:
                said.append(self._socket.recv(MAX_BYTES).decode("utf-8", "replace"))
            except OSError:
                break
        return said

    def close(self) -> None:
        """Listen no more, and take the socket away."""
        self._socket.close()
        with suppress(OSError):
            self._path.unlink()


def _remove_dead_socket(path: Path) -> None:
    """What a killed watch has left; a file of another kind is somebody's, and stays."""
    with suppress(FileNotFoundError):
        if stat.S_ISSOCK(path.lstat().st_mode):
            path.unlink()


def ring(path: Path, what: str) -> bool:
    """Wake the watch that listens at `path`, without waiting; whether there is one.

    A full queue is as good as a ring: it is about to look.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as connection:
        try:
            connection.sendto(what.encode("utf-8", "replace")[:MAX_BYTES], str(path))
        except BlockingIOError:
            return True
        except (FileNotFoundError, ConnectionRefusedError):
            return False
    return True
