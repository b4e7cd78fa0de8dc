"""The other node's manifest: from a file, from standard input, or by ssh."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from connector import ssh
from connector.clock import Clock
from connector.doctor.manifest import MAX_BYTES, Manifest, NoManifest, parse
from connector.doctor.reading import Unseen, reason
from connector.program import Run

SSH = "ssh:"
SSH_TIMEOUT_S = 30.0
_COMMAND_NOT_FOUND = 127


@dataclass(frozen=True, slots=True)
class Peer:
    """The other node, and when it was asked: between two moments of this node's clock.

    `asked_wall_s` is None for a file: it may have been written at any time before.
    """

    manifest: Manifest
    source: str
    answered_wall_s: float
    asked_wall_s: float | None = None


def over_ssh(target: str, run: Run, clock: Clock) -> Peer | Unseen:
    """Ask HOST or USER@HOST for its manifest, for at most SSH_TIMEOUT_S. Raises nothing."""
    if not ssh.is_host(target):
        return Unseen(f"{SSH}{target}: HOST or USER@HOST is expected after {SSH}")
    asked_wall_s = clock.wall_s()
    done = run(ssh.asking(target, "doctor", "--manifest"), SSH_TIMEOUT_S)
    answered_wall_s = clock.wall_s()
    source = f"{SSH}{target}"
    if done.error is not None:
        return Unseen(f"{source}: {done.error}")
    if done.timed_out:
        return Unseen(f"{source}: no answer within {SSH_TIMEOUT_S:g} s")
    if done.exit_status != 0:
        said = done.stderr.strip().split("\n")[-1][:400] or "it said nothing"
        hint = ""
        if done.exit_status == _COMMAND_NOT_FOUND:
            hint = " (connector is not in PATH there: use a file)"
        return Unseen(f"{source}: exit status {done.exit_status}: {said}{hint}")
    return _peer(done.stdout.encode("utf-8", "replace"), source, answered_wall_s, asked_wall_s)


def from_file(path: Path, clock: Clock) -> Peer | Unseen:
    """The manifest that a file holds. Raises nothing."""
    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        return Unseen(f"{path}: {reason(error)}")
    return from_bytes(data, str(path), clock)


def from_bytes(data: bytes, source: str, clock: Clock) -> Peer | Unseen:
    """The manifest in a text that came from `source`. Raises nothing."""
    return _peer(data, source, clock.wall_s(), None)


def _peer(
    data: bytes, source: str, answered_wall_s: float, asked_wall_s: float | None
) -> Peer | Unseen:
    try:
        manifest = parse(data)
    except NoManifest as error:
        return Unseen(f"{source}: not what `connector doctor --manifest` prints: {error}")
    return Peer(manifest, source, answered_wall_s, asked_wall_s)
