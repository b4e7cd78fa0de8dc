"""The other node's view: its `status --json`, from wherever it comes, checked before it is used."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from connector import ssh
from connector.errors import UsageError
from connector.model import ESTABLISHED, WAITING, ConnectionState, Resource
from connector.recover.source import ExporterUrl, SshHost, place, shown
from connector.report.as_json import SCHEMA_VERSION
from connector.report.explain.json_files import of_json
from connector.report.explain.source import Kind
from connector.report.page.words import lasting
from connector.settings import RecoverSettings
from connector.world import World

MAX_AGE_S = 600.0
MAX_BYTES = 1024 * 1024  # as much as the runner keeps of what a program prints
TIMEOUT_S = 20.0
SSH_FAILED = 255
_STANDARD_INPUT = "-"
_CLOCK_DIFFERS_S = 60.0
_APART = frozenset({ConnectionState.STANDALONE, *WAITING})


@dataclass(frozen=True, slots=True)
class PeerText:
    """What came from the other node. `age_s` is None where nothing tells how old it is.

    `why_not` says why nothing came; then `data` is empty.
    """

    source: str
    data: bytes = b""
    age_s: float | None = None
    why_not: str | None = None


@dataclass(frozen=True, slots=True)
class PeerView:
    """The resource as the other node shows it; None with the reason where that cannot be used."""

    source: str
    resource: Resource | None = None
    why_not: str = ""


class _Header(BaseModel):
    model_config = ConfigDict(extra="ignore", strict=True, frozen=True)

    schema_version: Literal[1]


def fetch(world: World, source: str, wanted: RecoverSettings) -> PeerText:
    """What the other node shows: by ssh, by its exporter, of a file, or of standard input (`-`).

    `wanted` says how an exporter is asked.

    Raises:
        UsageError: the source is no such thing, or is this node, or there is no such file.
    """
    try:
        where = place(source)
    except ValueError as error:
        raise UsageError(f"--peer {shown(source)}: {error}") from error
    if where is not None:
        if _is_here(where, world):
            raise UsageError(f"--peer {source}: that is this node: name the other one")
        return _asked(world, where, source, wanted)
    if source == _STANDARD_INPUT:
        if sys.stdin.isatty():
            raise UsageError("--peer -: pipe the other node's `connector status --json` into it")
        return PeerText("standard input", sys.stdin.buffer.read(MAX_BYTES + 1))
    return _of_file(world, source)


def fetch_configured(world: World, wanted: RecoverSettings) -> PeerText | None:
    """What the peer of the configuration shows; None where there is none. Raises nothing.

    The configuration is checked already, and may be the same on both nodes.
    """
    where = None if wanted.peer is None else place(wanted.peer)
    if where is None or wanted.peer is None:
        return None
    if _is_here(where, world):
        return PeerText(
            wanted.peer, why_not="that is this node: [recover] peer must name the other one"
        )
    return _asked(world, where, wanted.peer, wanted)


def _is_here(where: SshHost | ExporterUrl, world: World) -> bool:
    """Whether this is the node itself. A URL with localhost may be the end of a tunnel."""
    if isinstance(where, SshHost):
        return where.name in (world.host, "localhost")
    return where.name == world.host.lower()


def _asked(
    world: World, where: SshHost | ExporterUrl, source: str, wanted: RecoverSettings
) -> PeerText:
    if isinstance(where, SshHost):
        return _by_ssh(world, source, where.host)
    # Slow to import, and most peers are asked by ssh.
    from connector.recover import peer_http

    return peer_http.fetch(where, source, wanted)


def _by_ssh(world: World, source: str, host: str) -> PeerText:
    done = world.run(ssh.asking(host, "status", "--json"), TIMEOUT_S)
    if done.error is not None:
        return PeerText(source, why_not=done.error)
    if done.timed_out:
        return PeerText(source, why_not=f"it did not answer in {TIMEOUT_S:.0f} s")
    if done.exit_status == SSH_FAILED or not done.stdout.strip():
        said = " ".join(done.stderr.split())[:200] or "it said nothing"
        return PeerText(source, why_not=f"exit status {done.exit_status}: {said}")
    return PeerText(source, done.stdout.encode(), age_s=0.0)


def _of_file(world: World, source: str) -> PeerText:
    path = Path(source)
    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
            changed_s = path.stat().st_mtime
    except FileNotFoundError as error:
        raise UsageError(
            f"--peer {source}: no such file; say ssh:HOST, https://HOST:PORT, a file with what "
            "`connector status --json` printed there, or -"
        ) from error
    except OSError as error:
        return PeerText(source, why_not=f"it cannot be read: {error.strerror}")
    return PeerText(source, data, age_s=world.clock.wall_s() - changed_s)


def checked(text: PeerText, own: Resource, host: str) -> PeerView:
    """The other node's view of the resource `own`, or why it is not used. Pure.

    On DRBD 9 it is the view of its connection to this node, which is called `host`.
    """
    why_not = text.why_not or _not_a_status(text)
    if why_not is not None:
        return PeerView(text.source, why_not=why_not)
    reading = of_json(text.data, text.source)
    if reading is None or reading.kind is not Kind.STATUS:
        problem = reading.problems[0].message if reading and reading.problems else "it is not one"
        return PeerView(text.source, why_not=f"no `connector status --json`: {problem}")
    found = [item.resource for item in reading.seen if item.resource.name == own.name]
    if len(found) != 1:
        others = ", ".join(item.resource.name for item in reading.seen) or "none"
        return PeerView(text.source, why_not=f"it has no {own.name}; its resources: {others}")
    there = _towards(found[0], host)
    if there is None:
        return PeerView(text.source, why_not=f"it has no connection of {own.name} to {host}")
    contradiction = _contradiction(own, there)
    if contradiction is not None:
        return PeerView(text.source, why_not=contradiction)
    return PeerView(text.source, there)


def _towards(resource: Resource, host: str) -> Resource | None:
    """The resource as it looks in its connection to this host; often it has only one."""
    each = resource.each
    if len(each) == 1:
        return each[0]
    return next((item for item in each if item.peer == host), None)


def _not_a_status(text: PeerText) -> str | None:
    """What is wrong with the text as a whole."""
    if len(text.data) > MAX_BYTES:
        return f"longer than {MAX_BYTES} bytes"
    if text.age_s is not None and text.age_s > MAX_AGE_S:
        return (
            f"it is {lasting(text.age_s)} old, and {lasting(MAX_AGE_S)} are allowed: get a new one"
        )
    if text.age_s is not None and text.age_s < -_CLOCK_DIFFERS_S:
        return "it is from the future: is the clock right?"
    try:
        _Header.model_validate_json(text.data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"])) or "the text"
        return (
            f"it is not what `connector status --json` prints (schema_version {SCHEMA_VERSION}): "
            f"{where}: {first['msg']}"
        )
    return None


def _contradiction(own: Resource, peer: Resource) -> str | None:
    """Why this cannot be the other node at this moment; None where it can."""
    if peer.doubts:
        return peer.doubts[0]
    mine, theirs = ({item.volume for item in side.volumes} for side in (own, peer))
    if mine != theirs:
        return "its volumes are not those of this node: it is of another pair"
    said, heard = own.evidence, peer.evidence
    if said.cause_at_s is not None and said.cause_at_s == heard.cause_at_s:
        return "its kernel log is this node's own: it was made here, not on the other node"
    roles = (said.self_was_primary, said.peer_was_primary)
    if (
        None not in roles
        and roles[0] != roles[1]
        and roles
        == (
            heard.self_was_primary,
            heard.peer_was_primary,
        )
    ):
        return "it says the same of its own role at the handshake as this node does of its own"
    if (own.connection in ESTABLISHED and peer.connection in _APART) or (
        own.connection is ConnectionState.STANDALONE and peer.connection in ESTABLISHED
    ):
        return (
            f"it shows {peer.connection} while this node is {own.connection}: it is of another "
            "moment or of another pair"
        )
    return None
