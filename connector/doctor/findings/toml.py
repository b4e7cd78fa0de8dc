"""connector.toml, and its numbers against DRBD's."""

from __future__ import annotations

from collections.abc import Iterator

from connector.doctor.asked import Dumped
from connector.doctor.drbd_settings import ResourceSettings
from connector.doctor.finding import Finding, FindingId, NotLookedAt, Severity
from connector.doctor.findings.places import place
from connector.doctor.surroundings import Surroundings


def judge(seen: Surroundings) -> Iterator[Finding | NotLookedAt]:
    """Whether it is taken, and whether it means what it seems to."""
    if seen.settings_error is not None:
        yield Finding(
            FindingId.CONNECTOR_TOML_REFUSED,
            Severity.CRITICAL,
            seen.settings_error,
            "every pass ends with exit status 78 and does nothing; the rest of this report was "
            "made with the default settings",
            "correct the key that is named, then try: connector status",
        )
    if not isinstance(seen.drbd, Dumped):
        yield NotLookedAt("connector.toml against DRBD's settings", "drbdadm gave no settings")
        return
    yield from _sections(seen, {resource.name for resource in seen.drbd.resources})
    for resource in seen.drbd.resources:
        yield from _settle(resource, seen)


def _sections(seen: Surroundings, known: set[str]) -> Iterator[Finding]:
    for name in seen.settings.by_resource:
        if name not in known:
            yield Finding(
                FindingId.UNKNOWN_RESOURCE_SECTION,
                Severity.WARNING,
                f"[resource.{name}], and there is no such resource here",
                "what that section says holds for nothing; often it is a typing error",
                f"there are: {', '.join(sorted(known)[:50]) or 'none'}; correct the name",
                where=str(seen.config),
            )


def _settle(resource: ResourceSettings, seen: Surroundings) -> Iterator[Finding]:
    settle_s = seen.settings.run.settle_s
    connect_int_s = resource.number("net", "connect-int")
    if connect_int_s is not None and settle_s < connect_int_s:
        yield Finding(
            FindingId.SETTLE_BELOW_CONNECT_INT,
            Severity.WARNING,
            f"settle is {settle_s:g} s, and connect-int {connect_int_s} s",
            "DRBD tries once in connect-int; a pass that watches for less may end before "
            "it has seen whether its connect helped",
            f"in [run] of connector.toml: `settle = {connect_int_s + 1}`",
            where=place(resource, seen, "connect-int"),
            resources=(resource.name,),
        )
