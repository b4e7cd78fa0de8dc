"""TLS for the exporter: what a server needs of it, and how a connection begins and ends."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from connector.errors import ConfigurationError

if TYPE_CHECKING:
    from connector.report.web.config_file import PemFile, TlsFiles

FAILURE_EVERY_S = 60.0
_VERSIONS = {"TLS12": ssl.TLSVersion.TLSv1_2, "TLS13": ssl.TLSVersion.TLSv1_3}
_CLIENTS = {
    "NoClientCert": ssl.CERT_NONE,
    "VerifyClientCertIfGiven": ssl.CERT_OPTIONAL,
    "RequireAndVerifyClientCert": ssl.CERT_REQUIRED,
}
_CERTIFICATE = b"-----BEGIN CERTIFICATE-----"
_KEY = b"PRIVATE KEY-----"
_HANDSHAKE = b"\x16"
_TOLD_IN_PLAIN = (
    b"HTTP/1.0 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"
    b"this port speaks HTTPS: ask https:// instead of http://\n"
)


class _Encrypted(Exception):
    """A key with a passphrase, which nobody is there to type."""


def context(files: TlsFiles) -> ssl.SSLContext:
    """What a server needs to speak TLS with these files.

    Raises:
        ConfigurationError: one of them cannot be read or is no such thing, or the key belongs to
            another certificate.
    """
    _must_hold(files.cert, _CERTIFICATE, "certificate")
    _must_hold(files.key, _KEY, "private key")
    # Not create_default_context: that writes the keys of connections where SSLKEYLOGFILE says.
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.minimum_version = _VERSIONS[files.min_version]
    made.options |= ssl.OP_NO_RENEGOTIATION
    try:
        made.load_cert_chain(files.cert.path, files.key.path, password=_no_passphrase)
    except _Encrypted as error:
        raise _wrong(files.key, "is encrypted; take one without a passphrase") from error
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            raise _wrong(files.key, f"does not belong to {files.cert.path}") from error
        raise _wrong(files.cert, f"cannot be taken with its key: {_reason(error)}") from error
    except OSError as error:  # it was there a moment ago
        raise _wrong(files.cert, f"cannot be read: {error.strerror}") from error
    if files.client_ca is not None:
        _trust(made, files.client_ca)
    made.verify_mode = _CLIENTS[files.client_auth_type]
    return made


def _trust(made: ssl.SSLContext, authorities: PemFile) -> None:
    _must_hold(authorities, _CERTIFICATE, "certificate")
    try:
        made.load_verify_locations(authorities.path)
    except ssl.SSLError as error:
        raise _wrong(authorities, f"cannot be taken: {_reason(error)}") from error
    except OSError as error:
        raise _wrong(authorities, f"cannot be read: {error.strerror}") from error
    # As with Prometheus' exporters: what stands in that file is trusted, whoever has signed it.
    made.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN


def _no_passphrase() -> str:
    """Without this OpenSSL would ask for it on the terminal, and wait."""
    raise _Encrypted


def _must_hold(file: PemFile, mark: bytes, what: str) -> None:
    if mark not in file.read():
        raise _wrong(file, f"has no {what} in PEM format")


def _wrong(file: PemFile, why: str) -> ConfigurationError:
    return ConfigurationError(f"{file.where}: {file.path}: {why}")


def _reason(error: ssl.SSLError) -> str:
    """OpenSSL's words, and what a certificate lacks where it is that."""
    words = (getattr(error, "reason", None) or str(error)).replace("_", " ").lower()
    lacks = getattr(error, "verify_message", "")
    return f"{words}: {lacks}" if lacks else words


def refuse_plain(request: socket.socket) -> bool:
    """Whether a client does not speak TLS, as its first byte tells; then it was told so.

    Raises:
        OSError: it went away, or said nothing in time.
    """
    if request.recv(1, socket.MSG_PEEK) in (b"", _HANDSHAKE):
        return False
    # What is left unread would have the answer thrown away.
    request.recv(64 * 1024)
    request.sendall(_TOLD_IN_PLAIN)
    return True


def say_goodbye(secure: ssl.SSLSocket) -> None:
    """Tell the client that this was all, without waiting for its own goodbye; close."""
    with suppress(OSError, ValueError):
        secure.setblocking(False)
        secure.unwrap()
    secure.close()


class Failures:
    """Handshakes that fail, said now and then: whoever scans ports must not fill a log."""

    def __init__(
        self, log: Callable[[str], None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._log = log
        self._clock = clock
        self._next_s = float("-inf")
        self._unsaid = 0

    def note(self, error: ssl.SSLError, client: str) -> None:
        """One more. A client that only went away is no news: that is how some look for life."""
        if isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError):
            return
        now_s = self._clock()
        if now_s < self._next_s:
            self._unsaid += 1
            return
        more = f"; {self._unsaid} more since the last one that was said" if self._unsaid else ""
        self._log(f"exporter: a TLS handshake with {client} failed: {_reason(error)}{more}")
        self._next_s, self._unsaid = now_s + FAILURE_EVERY_S, 0
