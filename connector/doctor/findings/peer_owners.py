"""Whether the files on the shared disk belong to the same users on both nodes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from connector.doctor.finding import Finding, FindingId, NotLookedAt, Severity
from connector.doctor.manifest import Manifest, OwnerPart


def owners(own: Manifest, other: Manifest) -> Iterator[Finding | NotLookedAt]:
    """Each owner of what is mounted, on whichever node that is, against the other node's names."""
    if not own.owners and not other.owners:
        yield NotLookedAt(
            "the owners of the mounted tree",
            "nothing is mounted from DRBD on either node",
            counts=False,
        )
    for mounted, idle in ((own, other), (other, own)):
        for owner in mounted.owners:
            yield from _owner(owner, mounted.host, idle)


def _owner(owner: OwnerPart, host: str, idle: Manifest) -> Iterator[Finding | NotLookedAt]:
    names: Mapping[str, int] = idle.users if owner.kind == "user" else idle.groups
    if not names:
        yield NotLookedAt(f"{owner.kind}s of {idle.host}", "its list is empty")
        return
    there = [name for name, number in names.items() if number == owner.id]
    if owner.name is None:
        if there:
            yield _differ(owner, host, f"no name on {host}", f"{there[0]} on {idle.host}", idle)
    elif names.get(owner.name) != owner.id:
        has = names.get(owner.name)
        elsewhere = f"{owner.name} is {has}" if has is not None else f"there is no {owner.name}"
        taken = f", and {owner.id} is {there[0]}" if there else ""
        yield _differ(
            owner, host, f"{owner.name} on {host}", f"on {idle.host} {elsewhere}{taken}", idle
        )


def _differ(owner: OwnerPart, host: str, here: str, there: str, idle: Manifest) -> Finding:
    user = owner.kind == "user"
    number, command = ("uid", "usermod -u") if user else ("gid", "groupmod -g")
    name = owner.name or "NAME"
    return Finding(
        FindingId.PEER_OWNER_DIFFERS,
        Severity.CRITICAL,
        f"{number} {owner.id} is {here}; {there}",
        "after a take-over these files belong to somebody else: the service cannot write them, or "
        "another one can",
        f"give {name} the {number} {owner.id} on {idle.host}: {command} {owner.id} {name} (and "
        "chown what it owns there)",
        where=f"{host}:{owner.where}",
    )
