"""Handlers that are missing, or whose program is."""

from __future__ import annotations

from collections.abc import Iterator

from connector.doctor.drbd_settings import ResourceSettings
from connector.doctor.finding import Finding, FindingId, Severity
from connector.doctor.findings.places import common, place
from connector.doctor.surroundings import Surroundings, program_of

_SPLIT_BRAIN = "/usr/local/sbin/connector handler split-brain"


def handlers(resource: ResourceSettings, seen: Surroundings) -> Iterator[Finding]:
    """All of it, for one resource."""
    if resource.option("handlers", "split-brain") is None:
        yield Finding(
            FindingId.SPLIT_BRAIN_HANDLER_MISSING,
            Severity.WARNING,
            "no split-brain handler",
            "at a split brain DRBD tells nobody: no mail, no record, and `connector watch` is not "
            "woken by it",
            f'in the section handlers: `split-brain "{_SPLIT_BRAIN}";`',
            where=common(seen, "handlers"),
            resources=(resource.name,),
        )
    if resource.fencing != "dont-care" and resource.option("handlers", "fence-peer") is None:
        yield Finding(
            FindingId.FENCE_PEER_HANDLER_MISSING,
            Severity.CRITICAL,
            f"fencing {resource.fencing}, and no fence-peer handler",
            "DRBD asks for fencing and nobody does it: with resource-and-stonith all writes stand "
            "still until a person comes",
            "a fence-peer handler of your cluster manager in the section handlers, or `fencing "
            "dont-care;`",
            where=place(resource, seen, "fencing"),
            resources=(resource.name,),
        )
    yield from _programs(resource, seen)


def _programs(resource: ResourceSettings, seen: Surroundings) -> Iterator[Finding]:
    for (section, name), command in resource.options.items():
        program = program_of(command) if section == "handlers" else None
        if program is None or seen.programs.get(program, True):
            continue
        yield Finding(
            FindingId.HANDLER_PROGRAM_MISSING,
            Severity.CRITICAL if name == "fence-peer" else Severity.WARNING,
            f"handler {name}: {program} is no program that can be run",
            "the handler fails when it is needed",
            f"install {program}, or correct the path",
            where=place(resource, seen, name),
            resources=(resource.name,),
        )
