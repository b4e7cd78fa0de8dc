"""A cluster manager that owns the resources."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from connector.doctor.asked import Dumped
from connector.doctor.finding import Finding, FindingId, NotLookedAt, Severity
from connector.doctor.reading import Unseen
from connector.doctor.surroundings import Surroundings
from connector.observe.node_parts import LINSTOR_FOLDER

NODE = ""  # stands for all resources of this node


def judge(seen: Surroundings) -> Iterator[Finding | NotLookedAt]:
    """Who owns the resources, and what connector does beside it."""
    if isinstance(seen.running, Unseen):
        yield NotLookedAt("whether a cluster manager runs", seen.running.why)
    if not isinstance(seen.drbd, Dumped):
        yield NotLookedAt("whether LINSTOR owns a resource", "drbdadm gave no settings")
    for resource, owner in owners(seen).items():
        act = seen.settings.policy_for(resource).act_if_managed
        yield _acts(resource, owner) if act else _observes(resource, owner)


def owners(seen: Surroundings) -> Mapping[str, str]:
    """Each resource that something owns, with its owner; where none is known, the node's."""
    owner = None if isinstance(seen.running, Unseen) else seen.running.owner
    if not isinstance(seen.drbd, Dumped) or not seen.drbd.resources:
        return {} if owner is None else {NODE: owner}
    found = {}
    for resource in seen.drbd.resources:
        of = "LINSTOR" if LINSTOR_FOLDER in (resource.configured.file or "") else owner
        if of is not None:
            found[resource.name] = of
    return found


def _observes(resource: str, owner: str) -> Finding:
    return Finding(
        FindingId.MANAGED_OBSERVE,
        Severity.WARNING,
        f"{owner} owns it, and managed is observe",
        "connector only looks here: it says what it would do, and heals nothing",
        f'leave it to {owner}, or `managed = "act"` in [policy] if {owner} does not own it',
        resources=(resource,) if resource else (),
    )


def _acts(resource: str, owner: str) -> Finding:
    return Finding(
        FindingId.MANAGED_ACT,
        Severity.CRITICAL,
        f"{owner} owns it, and managed is act",
        f"{owner} and connector both demote and connect, each against what the other one has done",
        f'`managed = "observe"` in [policy], unless {owner} has nothing to do with it',
        resources=(resource,) if resource else (),
    )
