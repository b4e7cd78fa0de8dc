"""What the other node has to know of this one to compare: `connector doctor --manifest`.

No content of a file is in it. A shared secret may be guessed from a plain hash of its file, so the
hashes are of the text without comments, spaces and secrets.
"""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from connector.doctor.drbd_conf import SECRET

SCHEMA_VERSION = 1
MAX_BYTES = 4 * 1024 * 1024
_MAX_SHOWN = 200

Kind = Literal["user", "group"]
Word = Annotated[str, Field(max_length=4096)]
Number = Annotated[int, Field(ge=0, le=2**32)]
Seconds = Annotated[float, Field(ge=0, le=1e12, allow_inf_nan=False)]


class _Part(BaseModel):
    # A later version may add keys.
    model_config = ConfigDict(extra="ignore", strict=True, frozen=True)


class VolumePart(_Part):
    """A volume of a host section, as drbdadm prints it."""

    volume: Word
    minor: Word
    device: Word
    disk: Word


class HostPart(_Part):
    """A host section."""

    name: Word
    volumes: Annotated[list[VolumePart], Field(max_length=1000)]
    addresses: Annotated[list[Word], Field(max_length=100)]


class ResourcePart(_Part):
    """A resource of that node."""

    name: Word
    hosts: Annotated[list[HostPart], Field(max_length=64)]


class FilePart(_Part):
    """A file that should be the same on both nodes; no hash where it could not be read."""

    path: Word
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")] | None


class OwnerPart(_Part):
    """Who owns something in what is mounted from DRBD there."""

    kind: Kind
    id: Number
    name: Word | None
    where: Word


class Manifest(_Part):
    """A node; times in seconds since 1970 on its own clock. None where it could not be seen."""

    schema_version: Literal[1] = 1
    connector_version: Word
    host: Word
    boot_id: Word
    booted_wall_s: Seconds
    wall_s: Seconds
    module_version: Word | None
    utils_version: Word | None
    resources: Annotated[list[ResourcePart], Field(max_length=1000)] | None
    files: Annotated[list[FilePart], Field(max_length=1100)] | None
    owners: Annotated[list[OwnerPart], Field(max_length=500)]
    users: Annotated[dict[Word, Number], Field(max_length=2000)]
    groups: Annotated[dict[Word, Number], Field(max_length=2000)]
    not_looked_at: Annotated[list[Word], Field(max_length=1100)]


class NoManifest(ValueError):
    """A text is no manifest; the message says why."""


def parse(data: bytes) -> Manifest:
    """The manifest that another node printed.

    Raises:
        NoManifest: it is too large, no JSON, of another version, or a key has a wrong value.
    """
    if len(data) > MAX_BYTES:
        raise NoManifest(f"it is larger than {MAX_BYTES} bytes")
    if not data.strip():
        raise NoManifest("it is empty")
    try:
        return Manifest.model_validate_json(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"])[:_MAX_SHOWN]
        if place == "schema_version":
            raise NoManifest(
                f"schema_version is not {SCHEMA_VERSION}: use the same connector on both nodes"
            ) from error
        shown = f"{place}: {first['msg']}" if place else str(first["msg"])
        raise NoManifest(shown[:_MAX_SHOWN]) from error


def sha256(plain: str) -> str:
    """The hash of a text that holds no secret."""
    return hashlib.sha256(plain.encode("utf-8", "replace")).hexdigest()


_PASSWORD = re.compile(
    r"((?:pass(?:word|wd|phrase)?|secret|community|key)\s*[=:]\s*)[^\s,;]+", re.IGNORECASE
)
# The rest of such a line of ha.cf may be a password (ha.cf(5)).
_STONITH = frozenset({"stonith", "stonith_host"})


def plain_ha_cf(text: str) -> str:
    """ha.cf or haresources without comments, spaces, `ucast`, and what may be a password."""
    lines = []
    for line in text.split("\n"):
        words = line.partition("#")[0].split()
        if words and words[0] == "ucast":
            continue  # it names the other node, on each node another one
        if words and words[0] in _STONITH:
            words = [words[0], SECRET]
        if words:
            lines.append(_PASSWORD.sub(rf"\1{SECRET}", " ".join(words)))
    return "\n".join(lines)


def plain_authkeys(text: str) -> str:
    """Heartbeat's authkeys without the keys: `auth 1`, `1 sha1 <secret>`."""
    lines = []
    for line in text.split("\n"):
        words = line.partition("#")[0].split()
        if not words:
            continue
        kept = words[:2] if words[0] == "auth" or words[0].isdigit() else []
        lines.append(" ".join([*kept, SECRET] if len(words) > len(kept) else kept))
    return "\n".join(lines)


def plain_toml(text: str) -> str | None:
    """connector.toml as what it says, without comments; None for a text that is no TOML.

    Each node asks the other one in a recovery: `[recover]` differs where both are right.
    """
    try:
        said = tomllib.loads(text)
        said.pop("recover", None)
        return json.dumps(said, sort_keys=True, default=str)
    except (ValueError, RecursionError):
        return None
