"""Heartbeat's time-outs against DRBD's and connector's."""

from __future__ import annotations

from collections.abc import Iterator

from connector.doctor.asked import Dumped
from connector.doctor.drbd_settings import ResourceSettings
from connector.doctor.finding import Finding, FindingId, NotLookedAt, Severity
from connector.doctor.ha_cf import HaCf
from connector.doctor.reading import Unseen
from connector.doctor.surroundings import Surroundings


def judge(seen: Surroundings) -> Iterator[Finding | NotLookedAt]:
    """Only what ha.cf sets is judged: a word that is not there is Heartbeat's own affair."""
    told = seen.ha_cf
    if told is None:
        yield NotLookedAt("Heartbeat's time-outs", "there is no /etc/ha.d/ha.cf", counts=False)
        return
    if isinstance(told, Unseen):
        yield NotLookedAt("Heartbeat's time-outs", told.why)
        return
    for line in told.damaged[:5]:
        yield NotLookedAt("a time-out of Heartbeat's", f"{told.path}:{line} holds no time")
    yield from _initdead(told)
    yield from _grace(told, seen)
    if isinstance(seen.drbd, Dumped):
        for resource in seen.drbd.resources:
            yield from _deadtime(told, resource)
    else:
        yield NotLookedAt("deadtime against DRBD's time-outs", "drbdadm gave no settings")


def _initdead(told: HaCf) -> Iterator[Finding]:
    """ha.cf(5): initdead should be at least twice deadtime."""
    initdead, deadtime = told.initdead, told.deadtime
    if initdead is None or deadtime is None or initdead.seconds >= 2 * deadtime.seconds:
        return
    yield Finding(
        FindingId.INITDEAD_SHORT,
        Severity.WARNING,
        f"initdead {initdead.seconds:g} s, deadtime {deadtime.seconds:g} s",
        "after a boot the network may take longer: each node takes the other one for dead and "
        "starts the service, which makes a split brain",
        f"initdead {2 * deadtime.seconds:g}, on both nodes",
        where=f"{told.path}:{initdead.line}",
    )


def _grace(told: HaCf, seen: Surroundings) -> Iterator[Finding]:
    deadtime = told.deadtime
    if deadtime is None:
        return
    policies = {"": seen.settings.policy, **seen.settings.by_resource}
    for name, policy in policies.items():
        if policy.demote_grace_s > deadtime.seconds:
            continue
        yield Finding(
            FindingId.DEMOTE_GRACE_BELOW_DEADTIME,
            Severity.WARNING,
            f"demote_grace {policy.demote_grace_s:g} s, deadtime {deadtime.seconds:g} s",
            "a Primary that nothing uses yet may be demoted while Heartbeat is still making up its "
            "mind whether to take over",
            f"`demote_grace = {deadtime.seconds + 60:g}` in [policy] of connector.toml, or a "
            "shorter deadtime",
            where=f"{told.path}:{deadtime.line}",
            resources=(name,) if name else (),
        )


def _deadtime(told: HaCf, resource: ResourceSettings) -> Iterator[Finding]:
    """DRBD takes an idle peer for lost after ping-int (s) and ping-timeout (0.1 s)."""
    deadtime = told.deadtime
    ping_int_s = resource.number("net", "ping-int")
    ping_timeout_ds = resource.number("net", "ping-timeout")
    if deadtime is None or ping_int_s is None or ping_timeout_ds is None:
        return
    notices_s = ping_int_s + ping_timeout_ds / 10
    if deadtime.seconds > notices_s:
        return
    yield Finding(
        FindingId.DEADTIME_BELOW_DRBD,
        Severity.WARNING,
        f"deadtime {deadtime.seconds:g} s; DRBD misses its peer after {notices_s:g} s "
        f"(ping-int {ping_int_s} s, ping-timeout {ping_timeout_ds / 10:g} s)",
        "Heartbeat takes over while DRBD still believes its peer to be there and Primary: "
        "drbdadm primary is refused, and the take-over fails",
        f"deadtime {notices_s + 5:g} in ha.cf on both nodes, or a smaller ping-int in the section "
        "net",
        where=f"{told.path}:{deadtime.line}",
        resources=(resource.name,),
    )
