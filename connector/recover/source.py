"""Where the other node's view is to be had, as `--peer` and `[recover] peer` say it. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from connector import ssh

_URL_BEGINS = re.compile(r"https?:", re.IGNORECASE)
_URL = re.compile(
    r"(https?)://"
    r"(\[[0-9a-f:.]{2,45}(?:%[\w.-]{1,40})?\]|[a-z0-9_][\w.-]{0,252})"
    r"(?::([0-9]{1,5}))?"
    # What somebody copies out of a browser or of a message.
    r"(?:/|/status\.json)?",
    re.IGNORECASE | re.ASCII,
)
_LOGIN = re.compile(r":(//)?.*@", re.DOTALL)
_LOOPBACK = ("localhost", "127.0.0.1", "[::1]")


@dataclass(frozen=True, slots=True)
class SshHost:
    """The other node's connector, asked by ssh; `host` is HOST or USER@HOST."""

    host: str

    @property
    def name(self) -> str:
        """The host without the user."""
        return self.host.rpartition("@")[2]


@dataclass(frozen=True, slots=True)
class ExporterUrl:
    """The other node's exporter. `name` is as it stands in a URL; `port` None: the usual one."""

    secure: bool
    name: str
    port: int | None = None

    @property
    def private(self) -> bool:
        """Whether nobody on the network can read what is said."""
        return self.secure or self.name in _LOOPBACK


def place(source: str) -> SshHost | ExporterUrl | None:
    """What a source names; None where it is neither: a file, or standard input.

    Raises:
        ValueError: it begins as one of them, and is none; why, in words that quote no password.
    """
    kind, _, host = source.partition(":")
    if kind == "ssh":
        if not ssh.is_host(host):
            raise ValueError(f"{host!r:.60} is no host: say ssh:NAME or ssh:USER@NAME")
        return SshHost(host)
    if _URL_BEGINS.match(source) is None:
        return None
    if "@" in source:
        raise ValueError(
            "a URL with a name or a password in it can be read by everybody on this node: "
            "write NAME:PASSWORD into a file and name that in [recover] peer_password_file"
        )
    found = _URL.fullmatch(source)
    port = None if found is None or found[3] is None else int(found[3])
    if found is None or (port is not None and not 0 < port < 2**16):
        raise ValueError("that is no exporter's address: say http://HOST:PORT or https://HOST:PORT")
    return ExporterUrl(found[1].lower() == "https", found[2].lower(), port)


def shown(source: str) -> str:
    """A source for a message, without the password that somebody put into it."""
    return _LOGIN.sub(r":\1…@", source) if _URL_BEGINS.match(source) else source
