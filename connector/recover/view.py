"""What this node sees, in plain lines, before a person decides."""

from __future__ import annotations

from collections.abc import Iterator

from connector.model import Evidence, Resource


def view_lines(resource: Resource) -> Iterator[str]:
    """The resource as it is here, and as far as it is known on the peer's side."""
    use = {True: "in use", False: "not in use", None: "use unknown"}[resource.in_use]
    yield (
        f"{resource.name}: {resource.connection or 'state unknown'}, "
        f"{resource.role or 'role unknown'}, {use}"
    )
    for volume in resource.volumes:
        device = volume.device
        if device is None:
            yield f"  volume {volume.volume} (minor {volume.minor}): not up"
            continue
        users = ", ".join(use.where for use in volume.used_by or ()) or "nothing"
        amount = "?" if device.out_of_sync_kib is None else device.out_of_sync_kib
        yield (
            f"  volume {volume.volume} (minor {volume.minor}): disk {device.disk}, "
            f"{amount} KiB unsynchronised here, used by {users}"
        )
    yield from _evidence_lines(resource.evidence)


def _evidence_lines(evidence: Evidence) -> Iterator[str]:
    if not evidence.readable:
        yield "  the kernel log cannot be read: why it is apart is not known"
        return
    if evidence.cause is None:
        yield "  the kernel log does not say why it is apart"
        return
    yield f"  why, says the kernel log: {evidence.cause}"
    if evidence.handshakes:
        yield (
            f"  at the last handshake: this node {_role(evidence.self_was_primary)}, "
            f"the peer {_role(evidence.peer_was_primary)}"
        )
    # A handshake ends at the first volume that is split: of the others nothing is known.
    for handshake in evidence.handshakes:
        yield (
            f"    minor {handshake.minor}: changed since the split {handshake.self_bits * 4} KiB "
            f"here, {handshake.peer_bits * 4} KiB on the peer"
        )


def _role(primary: bool | None) -> str:
    return {True: "Primary", False: "Secondary", None: "of uncertain role"}[primary]
