"""What stands between a client and the metrics, and how it follows its files."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from connector.errors import ConfigurationError

if TYPE_CHECKING:
    import ssl

    from connector.report.web.config_file import WebConfig
    from connector.report.web.passwords import Passwords

Log = Callable[[str], None]
Fingerprint = tuple[int, ...] | None


@dataclass(frozen=True, slots=True)
class Protection:
    """What a connection has to go through; without both of them it is answered as it is."""

    tls: ssl.SSLContext | None = None
    passwords: Passwords | None = None


Protect = Callable[[], Protection]


class InForce:
    """The protection that a web configuration asks for, as its files are now.

    Prometheus' exporters read theirs for each connection, so that a renewed certificate needs no
    restart. Here that is done when one of the files has changed.
    """

    def __init__(self, path: Path, log: Log) -> None:
        """Read it; `log` gets a sentence for each file that is open to others.

        Raises:
            ConfigurationError: it, or a file that it names, cannot be taken.
        """
        self._path = path
        self._log = log
        self._lock = threading.Lock()
        self._files: Sequence[Path] = (path,)
        self._seen: list[Fingerprint] = []
        self._protection = self._read()

    def __call__(self) -> Protection:
        """What is in force now; a change that cannot be taken is said once, and changes nothing."""
        with self._lock:
            now = [_fingerprint(file) for file in self._files]
            if now != self._seen:
                self._seen = now
                try:
                    self._protection = self._at_least_as_strict(self._read())
                    self._log(f"exporter: {self._path} and what it names were read again")
                except ConfigurationError as error:
                    self._log(f"exporter: what was read before stays in force: {error}")
            return self._protection

    def _read(self) -> Protection:
        # yaml, bcrypt and pydantic: only for those who have such a file.
        from connector.report.web import config_file

        # Taken before the file is read: what changes meanwhile is seen the next time.
        own = _fingerprint(self._path)
        config = config_file.load(self._path)
        self._files = (self._path, *config.files)
        self._seen = [own, *(_fingerprint(file) for file in config.files)]
        protection = _built(config)
        for warning in config_file.open_to_others(config):
            self._log(f"exporter: {warning}")
        return protection

    def _at_least_as_strict(self, fresh: Protection) -> Protection:
        """A file that is only half written must not open what was closed."""
        before, gone = self._protection, []
        if before.passwords is not None and fresh.passwords is None:
            gone.append("the passwords")
        if before.tls is not None:
            if fresh.tls is None:
                gone.append("TLS")
            elif fresh.tls.verify_mode < before.tls.verify_mode:
                gone.append("the look at clients' certificates")
        if gone:
            raise ConfigurationError(
                f"{self._path}: {' and '.join(gone)} would be gone; that takes a restart"
            )
        return fresh


def _built(config: WebConfig) -> Protection:
    from connector.report.web.passwords import Passwords
    from connector.report.web.tls import context

    return Protection(
        tls=None if config.tls is None else context(config.tls),
        passwords=Passwords(config.users) if config.users else None,
    )


def _fingerprint(path: Path) -> Fingerprint:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
