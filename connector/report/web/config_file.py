"""The web configuration, the file that `--web-config` names: what it says, who can read it."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from connector.errors import ConfigurationError
from connector.report.web.schema import TlsServerConfig, validate
from connector.report.web.yaml_text import Document, parse

MAX_BYTES = 64 * 1024
MAX_PEM_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class PemFile:
    """A file that the configuration names; `where` says in which line of it."""

    path: Path
    where: str

    def read(self) -> bytes:
        """What it holds.

        Raises:
            ConfigurationError: it cannot be read.
        """
        return _read(self.path, MAX_PEM_BYTES, f"{self.where}: {self.path}")


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """What TLS needs; the words are those of the file."""

    cert: PemFile
    key: PemFile
    client_ca: PemFile | None
    client_auth_type: str
    min_version: str


@dataclass(frozen=True, slots=True)
class WebConfig:
    """A file that was taken. `users` are names with their hashes, none where there are no names."""

    path: Path
    tls: TlsFiles | None
    users: Mapping[str, str]

    @property
    def files(self) -> tuple[Path, ...]:
        """What it names."""
        if self.tls is None:
            return ()
        named = (self.tls.cert, self.tls.key, self.tls.client_ca)
        return tuple(file.path for file in named if file is not None)


def load(path: Path) -> WebConfig:
    """The web configuration in a file.

    Raises:
        ConfigurationError: it cannot be read, or says what connector does not know; the message
            names the file, the line and the key.
    """
    document = parse(_read(path, MAX_BYTES, str(path)), path)
    checked = validate(document)
    tls = checked.tls_server_config
    return WebConfig(
        path=path,
        tls=None if tls is None else _tls_files(document, tls),
        users=checked.basic_auth_users,
    )


def open_to_others(config: WebConfig) -> list[str]:
    """A sentence for each file whose secret every user of this node can read."""
    secrets = {config.path: "the passwords' hashes"} if config.users else {}
    if config.tls is not None:
        secrets[config.tls.key.path] = "the key"
    return [
        f"{path} can be read by everybody on this node, and has {what} in it; chmod 0600 it"
        for path, what in secrets.items()
        if _readable_by_all(path)
    ]


def _tls_files(document: Document, tls: TlsServerConfig) -> TlsFiles:
    def named(key: str, name: str) -> PemFile:
        # As Prometheus' exporters do it: relative to the file, not to the working directory.
        return PemFile(document.path.parent / name, document.where(("tls_server_config", key)))

    authorities = tls.client_ca_file
    return TlsFiles(
        cert=named("cert_file", tls.cert_file),
        key=named("key_file", tls.key_file),
        client_ca=None if authorities is None else named("client_ca_file", authorities),
        client_auth_type=tls.client_auth_type,
        min_version=tls.min_version,
    )


def _read(path: Path, limit: int, shown: str) -> bytes:
    try:
        # Opened first, a pipe would have to be waited for.
        if not stat.S_ISREG(os.stat(path).st_mode):
            raise ConfigurationError(f"{shown}: no regular file")
        with path.open("rb") as stream:
            raw = stream.read(limit + 1)
    except FileNotFoundError as error:
        raise ConfigurationError(f"{shown}: no such file") from error
    except OSError as error:
        raise ConfigurationError(f"{shown}: cannot be read: {error.strerror}") from error
    if len(raw) > limit:
        raise ConfigurationError(f"{shown}: larger than {limit} bytes")
    return raw


def _readable_by_all(path: Path) -> bool:
    try:
        return bool(os.stat(path).st_mode & stat.S_IROTH)
    except OSError:
        return False
