"""Who becomes Primary, and what it may cost: protocol, fencing, two Primaries, at boot."""

from __future__ import annotations

from collections.abc import Iterator

from connector.doctor.drbd_settings import ResourceSettings
from connector.doctor.finding import Finding, FindingId, Severity
from connector.doctor.findings.places import place
from connector.doctor.reading import Unseen
from connector.doctor.surroundings import Surroundings

# File systems that two nodes may have mounted at once.
CLUSTER_FILE_SYSTEMS = frozenset({"ocfs2", "gfs2", "gfs", "lustre"})


def promotion(resource: ResourceSettings, seen: Surroundings) -> Iterator[Finding]:
    """All of it, for one resource."""
    yield from _two_primaries(resource, seen)
    yield from _at_boot(resource, seen)
    take_over = None if isinstance(seen.running, Unseen) else seen.running.take_over
    if take_over is not None:
        yield from _protocol(resource, seen, take_over)
        yield from _fencing(resource, seen, take_over)


def _two_primaries(resource: ResourceSettings, seen: Surroundings) -> Iterator[Finding]:
    if not resource.flag("net", "allow-two-primaries"):
        return
    minors = {volume.minor for volume in resource.configured.volumes}
    mounted = [mount for mount in seen.mounts if mount.minor in minors]
    plain = [mount for mount in mounted if mount.fstype not in CLUSTER_FILE_SYSTEMS]
    if mounted and not plain:
        return
    on = ", ".join(f"{mount.fstype} on {mount.where}" for mount in plain[:5])
    yield Finding(
        FindingId.TWO_PRIMARIES,
        Severity.CRITICAL if plain else Severity.WARNING,
        f"allow-two-primaries, and {on or 'nothing of it is mounted here'}",
        "a file system that is made for one node is destroyed where both nodes mount it, and DRBD "
        "no longer keeps them from that",
        "remove allow-two-primaries unless a cluster file system, or virtual machines that move "
        f"alive, need it; then: drbdadm adjust {resource.name}",
        where=place(resource, seen, "allow-two-primaries"),
        resources=(resource.name,),
    )


def _at_boot(resource: ResourceSettings, seen: Surroundings) -> Iterator[Finding]:
    word = resource.option("startup", "become-primary-on")
    if word is None:
        return
    yield Finding(
        FindingId.BECOME_PRIMARY_ON,
        Severity.WARNING,
        f"become-primary-on {word}",
        "the init script promotes at each boot, also a node that is cut off: that makes split "
        "brains, and connector demotes again what nothing uses",
        "remove become-primary-on, and leave it to what starts the service",
        where=place(resource, seen, "become-primary-on"),
        resources=(resource.name,),
    )


def _protocol(resource: ResourceSettings, seen: Surroundings, take_over: str) -> Iterator[Finding]:
    if resource.protocol == "C":
        return
    yield Finding(
        FindingId.PROTOCOL_NOT_C,
        Severity.CRITICAL,
        f"protocol {resource.protocol}, and {take_over} runs",
        "a write counts as done before it is on the peer's disk: an automatic take-over goes on "
        "without the last of them",
        f"in the section net: `protocol C;`, then: drbdadm adjust {resource.name}",
        where=place(resource, seen, "protocol"),
        resources=(resource.name,),
    )


def _fencing(resource: ResourceSettings, seen: Surroundings, take_over: str) -> Iterator[Finding]:
    if resource.fencing != "dont-care":
        return
    yield Finding(
        FindingId.NO_FENCING,
        Severity.WARNING,
        f"fencing dont-care (the default), and {take_over} runs",
        "when only the link between the nodes dies, both may become active: a split brain",
        "`fencing resource-only;` (section disk in 8.4, net in 9) and a fence-peer handler, with "
        "Pacemaker /usr/lib/drbd/crm-fence-peer.sh",
        where=place(resource, seen, "fencing"),
        resources=(resource.name,),
    )
