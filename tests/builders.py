"""Small builders of DRBD pictures for tests: healthy unless told otherwise, one word per change."""

from __future__ import annotations

from collections.abc import Sequence

from connector.model import (
    AfterSplitBrain,
    ConnectionState,
    Decision,
    DecisionName,
    Device,
    DiskState,
    Evidence,
    Observation,
    Outcome,
    OutcomeKind,
    Problem,
    ProcDrbd,
    Resource,
    Role,
    SyncProgress,
    Use,
    UseKind,
    Volume,
)
from connector.report.passes import PassReport, ResourceReport

STARTED_WALL_S = 1_700_000_000.0

_MOUNTED = (Use(UseKind.MOUNT, "/mnt/mail"),)
_NO_POLICY = AfterSplitBrain()
_NO_EVIDENCE = Evidence()
_NOTHING_DONE = Outcome(OutcomeKind.NOTHING)


def device(
    minor: int = 0,
    *,
    connection: ConnectionState | None = ConnectionState.CONNECTED,
    role: Role | None = Role.PRIMARY,
    peer_role: Role | None = Role.SECONDARY,
    disk: DiskState | None = DiskState.UP_TO_DATE,
    peer_disk: DiskState | None = DiskState.UP_TO_DATE,
    out_of_sync_kib: int | None = 0,
    sync: SyncProgress | None = None,
    doubtful: bool = False,
) -> Device:
    """One minor's block; `out_of_sync_kib` None is a block without `oos:`."""
    return Device(
        minor=minor,
        connection=connection,
        role=role,
        peer_role=peer_role,
        disk=disk,
        peer_disk=peer_disk,
        protocol="C",
        flags="r-----",
        statistics={} if out_of_sync_kib is None else {"oos": out_of_sync_kib},
        sync=sync,
        doubtful=doubtful,
    )


def volume(
    shown: Device | None = None,
    *,
    number: int = 0,
    minor: int | None = None,
    used_by: Sequence[Use] | None = _MOUNTED,
) -> Volume:
    """A volume of the device `shown` (a healthy one where there is none said).

    With a `minor` and no device it is a volume that /proc/drbd does not show.
    """
    if shown is None and minor is None:
        shown = device()
    return Volume(
        volume=number,
        minor=minor if minor is not None else shown.minor if shown else 0,
        device=shown,
        used_by=None if used_by is None else tuple(used_by),
    )


def resource(
    name: str = "mail",
    *,
    connection: ConnectionState | None = ConnectionState.CONNECTED,
    role: Role | None = Role.PRIMARY,
    peer_role: Role | None = None,
    in_use: bool | None = None,
    volumes: Sequence[Volume] | None = None,
    claimed: bool = True,
    after_sb: AfterSplitBrain = _NO_POLICY,
    evidence: Evidence = _NO_EVIDENCE,
    managed_by: str | None = None,
    doubts: Sequence[str] = (),
    out_of_sync_kib: int | None = 0,
) -> Resource:
    """One resource with one volume, whose device agrees with it unless `volumes` are given.

    What is not said follows: the peer is Secondary to a Primary and the other way about, or
    Unknown where there is no connection; a Primary is in use. `in_use` is for these volumes only;
    to have it untold, give `volumes`.
    """
    apart = connection in (ConnectionState.STANDALONE, ConnectionState.WF_CONNECTION)
    if peer_role is None:
        peer_role = (
            Role.UNKNOWN if apart else Role.SECONDARY if role is Role.PRIMARY else Role.PRIMARY
        )
    if in_use is None:
        in_use = role is Role.PRIMARY
    if volumes is None:
        shown = device(
            connection=connection,
            role=role,
            peer_role=peer_role,
            peer_disk=DiskState.DUNKNOWN if apart else DiskState.UP_TO_DATE,
            out_of_sync_kib=out_of_sync_kib,
        )
        volumes = (volume(shown, used_by=_MOUNTED if in_use else ()),)
    return Resource(
        name=name,
        volumes=tuple(volumes),
        connection=connection,
        role=role,
        peer_role=peer_role,
        claimed=claimed,
        after_sb=after_sb,
        evidence=evidence,
        managed_by=managed_by,
        doubts=tuple(doubts),
    )


def resource_report(
    seen: Resource | None = None,
    *,
    decision: Decision | None = None,
    outcome: Outcome = _NOTHING_DONE,
    after: Resource | None = None,
    needs_operator: bool | None = None,
    paused: bool = False,
) -> ResourceReport:
    """One resource's part of a pass; the decision is `healthy` where none is given.

    `needs_operator` follows the decision's where it is not said.
    """
    seen = seen if seen is not None else resource()
    if decision is None:
        decision = Decision(seen.name, DecisionName.HEALTHY, "connected")
    return ResourceReport(
        resource=seen,
        decision=decision,
        outcome=outcome,
        after=after if after is not None else seen,
        needs_operator=decision.needs_operator if needs_operator is None else needs_operator,
        paused=paused,
    )


def report(
    *items: ResourceReport,
    problems: Sequence[Problem] = (),
    started_wall_s: float = STARTED_WALL_S,
    duration_s: float = 0.25,
    dry_run: bool = False,
    warnings: Sequence[str] = (),
) -> PassReport:
    """One pass over these resources; one healthy resource where none is given."""
    items = items or (resource_report(),)
    shown = tuple(found.device for item in items for found in item.resource.volumes if found.device)
    proc = ProcDrbd(version="8.4.11", api=1, proto=(86, 101), devices=shown, problems=())
    return PassReport(
        observation=Observation(
            proc=proc,
            resources=tuple(item.resource for item in items),
            problems=tuple(problems),
        ),
        resources=items,
        started_wall_s=started_wall_s,
        duration_s=duration_s,
        dry_run=dry_run,
        warnings=tuple(warnings),
    )
