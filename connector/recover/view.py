"""What is known of both nodes, in plain lines, before a person decides."""

from __future__ import annotations

from collections.abc import Iterator

from connector.model import ESTABLISHED, Evidence, Resource
from connector.recover.peer import PeerView
from connector.recover.recommend import users
from connector.report.page.words import amount
from connector.report.past_incidents import plain

_USE = {True: "in use", False: "not in use", None: "use unknown"}


def view_lines(resource: Resource) -> Iterator[str]:
    """The resource as it is here, and as far as this node's kernel log knows the peer's side."""
    yield f"{resource.name}: {_states(resource)}"
    for volume in resource.volumes:
        device = volume.device
        if device is None:
            yield f"  volume {volume.volume} (minor {volume.minor}): not up"
            continue
        uses = ", ".join(use.where for use in volume.used_by or ()) or "nothing"
        kib = "?" if device.out_of_sync_kib is None else device.out_of_sync_kib
        yield (
            f"  volume {volume.volume} (minor {volume.minor}): disk {device.disk}, "
            f"{kib} KiB unsynchronised here, used by {uses}"
        )
    if resource.connection not in ESTABLISHED:
        yield from _evidence_lines(resource.evidence)


def peer_lines(view: PeerView | None) -> Iterator[str]:
    """The other node's own view; or that there is none, or why it is not used."""
    if view is None:
        yield "the other node: its own view is not known here (--peer ssh:HOST asks it)"
        return
    source = plain(view.source)
    resource = view.resource
    if resource is None:
        yield f"the other node: its view is NOT USED ({source}): {plain(view.why_not)}"
        return
    by = f" by {users(resource)}" if resource.in_use else ""
    yield f"the other node, as it says itself ({source}): {_states(resource)}{by}"
    for volume in resource.volumes:
        device = volume.device
        if device is not None:
            yield (
                f"  volume {volume.volume}: disk {device.disk or 'unknown'}, "
                f"{amount(device.out_of_sync_kib)} unsynchronised there"
            )


def _states(resource: Resource) -> str:
    return (
        f"{resource.connection or 'state unknown'}, {resource.role or 'role unknown'}, "
        f"{_USE[resource.in_use]}"
    )


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
