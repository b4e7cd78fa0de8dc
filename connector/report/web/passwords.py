"""Basic authentication against bcrypt hashes, as Prometheus' exporters have it."""

from __future__ import annotations

import binascii
import hmac
import secrets
import threading
from collections.abc import Callable, Mapping
from enum import Enum

import bcrypt

# A name and a password of any sensible length; a longer header is not looked into.
MAX_HEADER_LENGTH = 4096
MAX_KEPT = 100
# Shorter than what a connection may take, so that the client hears why.
WAIT_S = 5.0
# bcrypt looks at no more than that, and neither do the tools that make the hashes.
_MAX_PASSWORD_BYTES = 72
# The end of a hash whose password was random and has been forgotten.
_NOBODYS = "DZ.knKhIROOv0f46Pgadu.D8tdc01GO7m3scE/ANrimQPlRo7xN1C"

Check = Callable[[bytes, bytes], bool]


class Verdict(Enum):
    """What came of a look at a name and a password."""

    RIGHT = "right"
    WRONG = "wrong"
    BUSY = "busy"


class Passwords:
    """The users and their hashes. One password at a time is checked: that is slow on purpose."""

    def __init__(
        self,
        hashes: Mapping[str, str],
        *,
        check: Check = bcrypt.checkpw,
        wait_s: float = WAIT_S,
        max_kept: int = MAX_KEPT,
    ) -> None:
        """`hashes` by name, each checked to be a bcrypt hash; there is at least one."""
        self._hashes = {name.encode(): value.encode() for name, value in hashes.items()}
        # As much work for a name that nobody has as for the dearest one that somebody has.
        cost = max(value[4:6] for value in hashes.values())
        self._nobody = f"$2b${cost}${_NOBODYS}".encode()
        self._check = check
        self._wait_s = wait_s
        self._max_kept = max_kept
        self._checking = threading.Lock()
        # A scrape each few seconds must not cost a bcrypt each time. Passwords are not kept, only
        # what can be told from them with a key that dies with this process.
        self._key = secrets.token_bytes(32)
        self._kept: dict[bytes, None] = {}

    def look_at(self, header: str | None) -> Verdict:
        """Whether a header `Authorization` has the name and the password of a user.

        BUSY where others' passwords have been checked for so long that this one was not.
        """
        given = _given(header)
        if given is None:
            return Verdict.WRONG
        name, password = given
        known = self._hashes.get(name)
        digest = self._digest(name, known or self._nobody, password)
        if known is not None and digest in self._kept:
            return Verdict.RIGHT
        if not self._checking.acquire(timeout=self._wait_s):
            return Verdict.BUSY
        try:
            # Somebody may have come with the same a moment ago.
            if known is not None and digest in self._kept:
                return Verdict.RIGHT
            right = self._check(password[:_MAX_PASSWORD_BYTES], known or self._nobody)
            if known is None or not right:
                return Verdict.WRONG
            self._keep(digest)
            return Verdict.RIGHT
        finally:
            self._checking.release()

    def _keep(self, digest: bytes) -> None:
        """Only under the lock."""
        if len(self._kept) >= self._max_kept:
            del self._kept[next(iter(self._kept))]
        self._kept[digest] = None

    def _digest(self, name: bytes, hashed: bytes, password: bytes) -> bytes:
        # Neither a user's name nor a hash has a NUL, so nothing else has the same words.
        return hmac.digest(self._key, b"\0".join((name, hashed, password)), "sha256")


def _given(header: str | None) -> tuple[bytes, bytes] | None:
    """The name and the password in a header; None where it has none (RFC 7617)."""
    if header is None or len(header) > MAX_HEADER_LENGTH:
        return None
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        decoded = binascii.a2b_base64(encoded.strip(" "), strict_mode=True)
    except ValueError:
        return None
    name, colon, password = decoded.partition(b":")
    return (name, password) if colon else None
