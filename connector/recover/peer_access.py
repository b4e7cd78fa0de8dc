"""What the other node's exporter is asked with: whom to trust, and the name and the password."""

from __future__ import annotations

import base64
import os
import ssl
import stat
from pathlib import Path

from connector.observe.reading import read_open

MAX_PASSWORD_FILE_BYTES = 1024
MAX_PEM_FILE_BYTES = 1024 * 1024


class Unusable(Exception):
    """A file that the configuration names; why, and what to do."""


def context(authorities: Path | None) -> ssl.SSLContext:
    """What a client needs to speak TLS; it trusts what stands in a file, else what the system does.

    Raises:
        Unusable: the file cannot be read, or has no certificate in it.
    """
    # Not create_default_context: that writes the keys of connections where SSLKEYLOGFILE says.
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    if authorities is None:
        made.load_default_certs()
        return made
    named = f"[recover] peer_ca: {authorities}"
    try:
        text = _read(authorities, MAX_PEM_FILE_BYTES, named, of_root_only=False).decode("ascii")
        made.load_verify_locations(cadata=text)
    except (ssl.SSLError, ValueError) as error:
        raise Unusable(f"{named} has no certificate in PEM format") from error
    # As the exporter does it: what stands in that file is trusted, whoever has signed it.
    made.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    return made


def authorization(path: Path) -> str:
    """The header `Authorization` with the name and the password in a file (RFC 7617).

    Raises:
        Unusable: it cannot be read, holds something else, or is open to others.
    """
    named = f"[recover] peer_password_file: {path}"
    data = _read(path, MAX_PASSWORD_FILE_BYTES, named, of_root_only=True).strip()
    name, colon, password = data.partition(b":")
    if not (name and colon and password) or len(data.splitlines()) != 1:
        raise Unusable(f"{named} must hold one line, NAME:PASSWORD")
    return f"Basic {base64.b64encode(data).decode()}"


def _read(path: Path, limit: int, named: str, *, of_root_only: bool) -> bytes:
    try:
        # Without O_NONBLOCK opening a named pipe would wait for a writer.
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            found = os.fstat(descriptor)
            data = read_open(descriptor, limit + 1) if stat.S_ISREG(found.st_mode) else b""
        finally:
            os.close(descriptor)
    except OSError as error:
        raise Unusable(f"{named} cannot be read: {error.strerror}") from error
    if not stat.S_ISREG(found.st_mode):
        raise Unusable(f"{named} is no file")
    if of_root_only and found.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise Unusable(f"{named} can be read by others: chmod 0600 it")
    if len(data) > limit:
        raise Unusable(f"{named} is longer than {limit} bytes")
    return data
