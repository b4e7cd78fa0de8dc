"""Every area, with the function that judges it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from connector.doctor.finding import Area, Finding, Looked, NotLookedAt, Severity
from connector.doctor.findings import (
    cluster,
    conf,
    heartbeat,
    module,
    passes,
    peer,
    textfile,
    toml,
)
from connector.doctor.findings import settings as drbd_settings
from connector.doctor.surroundings import Surroundings

MOST_TOLD = 50  # findings of one area

Judge = Callable[[Surroundings], Iterator[Finding | NotLookedAt]]

AREAS: Mapping[Area, Judge] = {
    Area.KERNEL_MODULE: module.judge,
    Area.DRBD_CONF: conf.judge,
    Area.DRBD_SETTINGS: drbd_settings.judge,
    Area.CONNECTOR_TOML: toml.judge,
    Area.PASSES: passes.judge,
    Area.TEXTFILE: textfile.judge,
    Area.CLUSTER_MANAGER: cluster.judge,
    Area.HEARTBEAT: heartbeat.judge,
    Area.PEER: peer.judge,
}


def examine(seen: Surroundings) -> tuple[Looked, ...]:
    """What is wrong with these surroundings, area by area."""
    return tuple(_looked(area, list(judge(seen))) for area, judge in AREAS.items())


def _looked(area: Area, told: list[Finding | NotLookedAt]) -> Looked:
    findings = tuple(_together([item for item in told if isinstance(item, Finding)]))
    unseen = tuple(dict.fromkeys(item for item in told if isinstance(item, NotLookedAt)))
    # The critical ones stay.
    findings = tuple(sorted(findings, key=lambda item: item.severity is not Severity.CRITICAL))
    return Looked(
        area,
        findings[:MOST_TOLD],
        unseen[:MOST_TOLD]
        + _left_out(len(findings), "findings")
        + _left_out(len(unseen), "things"),
    )


def _left_out(found: int, what: str) -> tuple[NotLookedAt, ...]:
    more = found - MOST_TOLD
    if more <= 0:
        return ()
    return (NotLookedAt(f"{more} more {what}", f"only {MOST_TOLD} are told: mend these first"),)


def _together(findings: list[Finding]) -> Iterator[Finding]:
    """The same thing said of several resources, as a setting in `common` makes it, is said once."""
    same: dict[Finding, list[str]] = {}
    for finding in findings:
        same.setdefault(replace(finding, resources=()), []).extend(finding.resources)
    for finding, resources in same.items():
        yield replace(finding, resources=tuple(dict.fromkeys(resources)))
