"""The host sections of one resource against each other."""

from __future__ import annotations

from collections.abc import Iterator

from connector.doctor.drbd_settings import HostSection, HostVolume, ResourceSettings
from connector.doctor.finding import Finding, FindingId, Severity
from connector.doctor.surroundings import Surroundings


def hosts(resource: ResourceSettings, _seen: Surroundings) -> Iterator[Finding]:
    """Volumes that have another minor or device on another host."""
    for number in dict.fromkeys(v.volume for host in resource.hosts for v in host.volumes):
        found = [(host, v) for host in resource.hosts for v in host.volumes if v.volume == number]
        if len({volume.minor for _, volume in found}) > 1:
            yield _differ(FindingId.MINORS_DIFFER, resource, number, found)
        elif len({volume.device for _, volume in found}) > 1:
            yield _differ(FindingId.DEVICES_DIFFER, resource, number, found)


def _differ(
    which: FindingId,
    resource: ResourceSettings,
    number: str,
    found: list[tuple[HostSection, HostVolume]],
) -> Finding:
    minors = which is FindingId.MINORS_DIFFER
    values = [f"minor {one.minor}" if minors else one.device for _, one in found]
    names = [host.name or "a floating host" for host, _ in found]
    told = ", ".join(f"{value} on {name}" for value, name in zip(values, names[:8], strict=False))
    return Finding(
        which,
        Severity.WARNING,
        f"volume {number}: {told}",
        "whoever mounts /dev/drbdN by its number, or reads the peer's /proc/drbd, takes one "
        "resource for another after a take-over",
        "give the volume the same device and minor in each host section; it has to be down on that "
        f"node: drbdadm down {resource.name}, change it, drbdadm up {resource.name}",
        where=resource.place,
        resources=(resource.name,),
    )
