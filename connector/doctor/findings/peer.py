"""This node against the other one."""

from __future__ import annotations

from collections.abc import Iterator

from connector.doctor.finding import Finding, FindingId, NotLookedAt, Severity
from connector.doctor.findings.peer_clock import clock
from connector.doctor.findings.peer_owners import owners
from connector.doctor.manifest import HostPart, Manifest, ResourcePart, VolumePart
from connector.doctor.peer import Peer
from connector.doctor.reading import Unseen
from connector.doctor.surroundings import Surroundings

_HOW = "on the other node: connector doctor --manifest > FILE; here: connector doctor --peer FILE"


def judge(seen: Surroundings) -> Iterator[Finding | NotLookedAt]:
    """Whatever should be the same on both nodes."""
    peer, own = seen.peer, seen.own
    if peer is None or own is None:
        yield NotLookedAt("the other node", f"nobody asked for it; {_HOW}", counts=False)
        return
    if isinstance(peer, Unseen):
        yield NotLookedAt("the other node", peer.why)
        return
    other = peer.manifest
    if other.host == own.host:
        yield _itself(peer, same_boot=other.boot_id == own.boot_id)
        return
    for unseen in seen.owners.unseen:
        yield NotLookedAt("users, groups and owners here", unseen.why)
    for why in other.not_looked_at[:20]:
        yield NotLookedAt(f"something of {other.host}", why)
    yield from _resources(own, other)
    yield from _versions(own, other)
    yield from _files(own, other)
    yield from owners(own, other)
    yield from clock(peer)


def _itself(peer: Peer, *, same_boot: bool) -> Finding:
    host = peer.manifest.host
    return Finding(
        FindingId.PEER_IS_THIS_NODE,
        Severity.WARNING,
        f"{peer.source} was written on {host}, which is this node's name, too",
        "nothing was compared: "
        + (
            "it is this node's own manifest"
            if same_boot
            else "it is an old one of this node, or both nodes have one name"
        ),
        _HOW,
    )


def _resources(own: Manifest, other: Manifest) -> Iterator[Finding | NotLookedAt]:
    if own.resources is None or other.resources is None:
        whose = own.host if own.resources is None else other.host
        yield NotLookedAt("the resources of both nodes", f"{whose} does not know its own")
        return
    here = {item.name: item for item in own.resources}
    there = {item.name: item for item in other.resources}
    named = {host for item in here.values() for host in _hosts(item)}
    if named - {own.host, ""} and other.host not in named:
        yield Finding(
            FindingId.PEER_IS_NO_PEER,
            Severity.WARNING,
            f"no resource here has a section for {other.host}; there are sections for "
            f"{', '.join(sorted(named))[:200]}",
            "another node than the peer was compared, or the names do not fit",
            f"take the manifest of the peer; `on NAME` must be what uname -n says on {other.host}",
        )
    for name in [*here, *(name for name in there if name not in here)]:
        if name in here and name in there:
            yield from _otherwise(here[name], there[name], own, other)
        else:
            has, lacks = (own, other) if name in here else (other, own)
            yield _lacks(name, has.host, lacks.host)


def _lacks(name: str, has: str, lacks: str) -> Finding:
    return Finding(
        FindingId.PEER_LACKS_RESOURCE,
        Severity.CRITICAL,
        f"{has} has it, {lacks} does not",
        f"it has one copy only, and cannot be taken over by {lacks}",
        f"copy the resource's file in /etc/drbd.d/ from {has} to {lacks}, then there: "
        f"drbdadm create-md {name}, drbdadm up {name}; or remove it from {has}",
        resources=(name,),
    )


def _hosts(item: ResourcePart) -> dict[str, HostPart]:
    """The host sections by name; `on alpha beta` is one for each."""
    return {name: host for host in item.hosts for name in (host.name.split() or [""])}


def _otherwise(
    here: ResourcePart, there: ResourcePart, own: Manifest, other: Manifest
) -> Iterator[Finding]:
    mine, others = _hosts(here), _hosts(there)
    told = [
        f"on {host or 'a floating host'}: {difference}"
        for host in [*mine, *(host for host in others if host not in mine)]
        for difference in _differences(mine.get(host), others.get(host), own.host, other.host)
    ]
    if told:
        yield Finding(
            FindingId.PEER_CONFIGURES_OTHERWISE,
            Severity.CRITICAL,
            "; ".join(told[:5]) + (f"; and {len(told) - 5} more" if len(told) > 5 else ""),
            "each node acts on its own configuration: they do not find each other, or one of them "
            "takes a disk for that of another resource",
            f"make the resource's file the same on both nodes, then: drbdadm adjust {here.name}",
            resources=(here.name,),
        )


def _differences(
    mine: HostPart | None, others: HostPart | None, own: str, other: str
) -> Iterator[str]:
    if mine is None or others is None:
        yield f"no section in the configuration of {own if mine is None else other}"
        return
    if mine.addresses != others.addresses:
        yield _two("address", ", ".join(mine.addresses), ", ".join(others.addresses), own, other)
    here = {volume.volume: volume for volume in mine.volumes}
    there = {volume.volume: volume for volume in others.volumes}
    for number in dict.fromkeys([*here, *there]):
        if number in here and number in there:
            yield from _of_volume(here[number], there[number], own, other)
        else:
            lacks = other if number in here else own
            yield f"volume {number} is not in the configuration of {lacks}"


def _of_volume(mine: VolumePart, others: VolumePart, own: str, other: str) -> Iterator[str]:
    what = f"volume {mine.volume}"
    if mine.minor != others.minor:
        yield _two(f"{what} minor", mine.minor, others.minor, own, other)
    elif mine.device != others.device:
        yield _two(f"{what} device", mine.device, others.device, own, other)
    if mine.disk != others.disk:
        yield _two(f"{what} disk", mine.disk, others.disk, own, other)


def _two(what: str, mine: str, others: str, own: str, other: str) -> str:
    return f"{what} {mine or 'none'} says {own}, {others or 'none'} says {other}"


def _versions(own: Manifest, other: Manifest) -> Iterator[Finding | NotLookedAt]:
    pairs = (
        ("kernel module", own.module_version, other.module_version),
        ("drbd-utils", own.utils_version, other.utils_version),
        ("connector", own.connector_version, other.connector_version),
    )
    for what, mine, others in pairs:
        if mine is None or others is None:
            yield NotLookedAt(
                f"{what} of both nodes", f"{own.host if mine is None else other.host} has none"
            )
        elif mine != others:
            yield Finding(
                FindingId.PEER_VERSIONS_DIFFER,
                Severity.WARNING,
                f"{what}: {mine} on {own.host}, {others} on {other.host}",
                "fine during an upgrade; for longer the two nodes behave differently",
                "bring both nodes to the same version",
            )


def _files(own: Manifest, other: Manifest) -> Iterator[Finding | NotLookedAt]:
    if own.files is None or other.files is None:
        whose = own.host if own.files is None else other.host
        yield NotLookedAt("the files of both nodes", f"{whose} cannot read its drbd.conf")
        return
    here = {file.path: file for file in own.files}
    there = {file.path: file for file in other.files}
    for path in [*here, *(path for path in there if path not in here)]:
        mine, others = here.get(path), there.get(path)
        unread = [
            host
            for host, file in ((own.host, mine), (other.host, others))
            if file is not None and file.sha256 is None
        ]
        if unread:
            yield NotLookedAt(path, f"it cannot be read on {' and '.join(unread)}")
        elif mine is None or others is None:
            missing = own.host if mine is None else other.host
            yield _file_differs(path, f"it is not there on {missing}", own, other)
        elif mine.sha256 != others.sha256:
            yield _file_differs(path, "it says something else on each node", own, other)


def _file_differs(path: str, seen: str, own: Manifest, other: Manifest) -> Finding:
    return Finding(
        FindingId.PEER_FILE_DIFFERS,
        Severity.WARNING,
        seen,
        "it should be the same on both nodes (comments, spaces and secrets are not compared)",
        f"on {own.host}: ssh {other.host} cat {path} | diff {path} -",
        where=path,
    )
