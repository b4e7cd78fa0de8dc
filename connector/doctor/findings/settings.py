"""Settings of DRBD that fight the agent, or endanger data."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from connector.decide.forecast import Loser, Loss, forecast
from connector.doctor.asked import Dumped
from connector.doctor.drbd_settings import ResourceSettings
from connector.doctor.finding import Finding, FindingId, NotLookedAt, Severity
from connector.doctor.findings.handlers import handlers
from connector.doctor.findings.hosts import hosts
from connector.doctor.findings.places import common, place
from connector.doctor.findings.promotion import promotion
from connector.doctor.reading import Unseen
from connector.doctor.surroundings import Surroundings

_OfResource = Callable[[ResourceSettings, Surroundings], Iterator[Finding | NotLookedAt]]


def judge(seen: Surroundings) -> Iterator[Finding | NotLookedAt]:
    """All of it, for each resource of this host."""
    if not isinstance(seen.drbd, Dumped):
        yield NotLookedAt("DRBD's settings", "drbdadm gave none")
        return
    if not seen.drbd.resources:
        yield NotLookedAt("DRBD's settings", "there is no resource here", counts=False)
        return
    if isinstance(seen.running, Unseen):
        yield NotLookedAt("protocol and fencing beside a take-over", seen.running.why)
    for unseen in seen.mounts_unseen:
        yield NotLookedAt("what is mounted from DRBD", unseen.why)
    judges: tuple[_OfResource, ...] = (boot, after_split_brain, promotion, handlers, hosts)
    for resource in seen.drbd.resources:
        for of_resource in judges:
            yield from of_resource(resource, seen)


def boot(resource: ResourceSettings, seen: Surroundings) -> Iterator[Finding]:
    """How long the init script waits for the peer; 0, the default, means for ever."""
    endless = [
        option
        for option in ("wfc-timeout", "degr-wfc-timeout", "outdated-wfc-timeout")
        if resource.number("startup", option) == 0
    ]
    if endless[:1] == ["wfc-timeout"]:
        yield _endless(
            FindingId.WFC_TIMEOUT_INFINITE,
            [endless.pop(0)],
            resource,
            seen,
            "a node that boots while its peer is away waits in DRBD's init script for ever, and "
            "what is started after it does not start",
        )
    if endless:
        yield _endless(
            FindingId.DEGR_WFC_TIMEOUT_INFINITE,
            endless,
            resource,
            seen,
            "a node that was alone, or whose peer was outdated, when it went down waits for that "
            "peer in DRBD's init script for ever",
        )


_SENSIBLE_S = {"wfc-timeout": 120, "degr-wfc-timeout": 60, "outdated-wfc-timeout": 60}


def _endless(
    which: FindingId,
    options: Sequence[str],
    resource: ResourceSettings,
    seen: Surroundings,
    why: str,
) -> Finding:
    told = [
        f"{option} 0" if _is_set(resource, option) else f"{option} is not set (0, its default)"
        for option in options
    ]
    first = options[0]
    where = place(resource, seen, first) if _is_set(resource, first) else common(seen, "startup")
    lines = " ".join(f"{option} {_SENSIBLE_S[option]};" for option in options)
    return Finding(
        which,
        Severity.WARNING,
        f"{', '.join(told)}: it waits for ever",
        why,
        f"in the section startup: `{lines}`",
        where=where,
        resources=(resource.name,),
    )


def _is_set(resource: ResourceSettings, option: str) -> bool:
    return resource.option("startup", option) is not None


def after_split_brain(resource: ResourceSettings, seen: Surroundings) -> Iterator[Finding]:
    """Policies by which DRBD gives one side's changes up without asking."""
    for loss in losses(resource):
        option = f"after-sb-{loss.primaries}pri"
        either = loss.loser is Loser.EITHER
        whose = "either side" if either else "the Secondary"
        yield Finding(
            FindingId.AFTER_SB_DISCARDS,
            Severity.CRITICAL if either else Severity.WARNING,
            f"{option} {loss.policy}",
            f"after a split brain DRBD throws the changes of {whose} away at the next handshake, "
            "without asking; in mode reconnect connector does not connect where that may happen",
            f"remove {option}, or `{option} disconnect;`, then: drbdadm adjust {resource.name}",
            where=place(resource, seen, option),
            resources=(resource.name,),
        )
    word = resource.option("net", "rr-conflict")
    if word == "violently":
        yield Finding(
            FindingId.RR_CONFLICT_VIOLENTLY,
            Severity.CRITICAL,
            "rr-conflict violently",
            "DRBD may resync over a Primary, below a mounted file system",
            f"remove rr-conflict (the default is disconnect), then: drbdadm adjust {resource.name}",
            where=place(resource, seen, "rr-conflict"),
            resources=(resource.name,),
        )


def losses(resource: ResourceSettings) -> list[Loss]:
    """What the policies may throw away, whichever side this node is; the worst for each."""
    found: dict[tuple[int, str], Loss] = {}
    for primary in (True, False):
        for loss in forecast(resource.configured.after_sb, primary=primary):
            found.setdefault((loss.primaries, loss.policy), loss)
    return [found[key] for key in sorted(found)]
