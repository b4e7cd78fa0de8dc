"""A saved file as the resources in it: a text of /proc/drbd, or a record of connector's. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from connector.model import (
    GENERATION_OF_API,
    ConfiguredResource,
    ConfiguredVolume,
    ConnectionState,
    Generation,
    Problem,
    ProcDrbd,
    Resource,
)
from connector.observe import proc_drbd
from connector.observe.assemble import resources_of
from connector.observe.node_parts import LINSTOR_FOLDER
from connector.report.explain.answer import About, Seen
from connector.report.explain.log import parse as parse_log

MADE_UP_NAME = "resource-of-minor-"
TOLD_BY_DUMP_XML = frozenset({About.NAME, About.AFTER_SB})
_UNCONFIGURED = ConnectionState.UNCONFIGURED


class Kind(StrEnum):
    """What a file is."""

    PROC_DRBD = "proc-drbd"
    GIVEN_UP = "given-up"
    JOURNAL = "journal"
    STATUS = "status"
    DRBDSETUP = "drbdsetup-status"
    NOTHING = "nothing-known"


@dataclass(frozen=True, slots=True)
class Reading:
    """What was found in a file. `left_out` counts entries of a journal that are older.

    `version` and `api` are DRBD's, None where the file does not say. `notes` are for a person.
    """

    file: str
    kind: Kind
    seen: tuple[Seen, ...] = ()
    problems: tuple[Problem, ...] = ()
    version: str | None = None
    api: int | None = None
    left_out: int = 0
    notes: tuple[str, ...] = ()

    @property
    def supported(self) -> bool:
        """Whether a pass would get as far as the table."""
        return self.api is None or self.api in set(GENERATION_OF_API)

    @property
    def exit_status(self) -> int:
        """69 for a DRBD that is not supported, 1 where something could not be read, else 0."""
        return 69 if not self.supported else 1 if self.problems else 0


def of_proc_drbd(
    data: bytes,
    file: str,
    configured: Sequence[ConfiguredResource] | None,
    told: frozenset[About] = TOLD_BY_DUMP_XML,
) -> Reading:
    """The resources of a text of /proc/drbd.

    Args:
        data: the text; whatever bytes they are, nothing is raised.
        file: its name, for messages.
        configured: the resources of drbd.conf. Where they are not known (None), each minor counts
            as a resource of its own, with a name that is made up.
        told: what is known by `configured`.
    """
    proc = proc_drbd.parse(data)
    if not proc.devices and proc.version is None:
        return _something_else(data, file, proc)
    if configured is None:
        told = frozenset()
    claims = _one_for_each_minor(proc) if configured is None else configured
    linstor = {item.name for item in claims if LINSTOR_FOLDER in (item.file or "")}
    seen = tuple(
        Seen(_as_a_pass_does(resource, proc, linstor), told)
        for resource in resources_of(proc, claims, {})
    )
    return Reading(
        file,
        Kind.PROC_DRBD,
        seen=seen,
        problems=(*proc.problems, *_stateless(proc)),
        version=proc.version,
        api=proc.api,
        notes=tuple(_notes(proc, seen)),
    )


def _one_for_each_minor(proc: ProcDrbd) -> tuple[ConfiguredResource, ...]:
    minors = dict.fromkeys(
        device.minor for device in proc.devices if device.connection is not _UNCONFIGURED
    )
    return tuple(
        ConfiguredResource(f"{MADE_UP_NAME}{minor}", (ConfiguredVolume(0, minor),))
        for minor in minors
    )


def _as_a_pass_does(resource: Resource, proc: ProcDrbd, linstor: set[str]) -> Resource:
    """What `connector.observe.node` adds to a resource."""
    if resource.name in linstor:
        resource = replace(resource, managed_by="LINSTOR")
    if proc.api is None:
        doubts = (*resource.doubts, "DRBD's version cannot be read")
        resource = replace(resource, doubts=doubts)
    return resource


def _stateless(proc: ProcDrbd) -> Sequence[Problem]:
    """That a text of DRBD 9 does not say what a decision rests on."""
    if proc.generation is not Generation.NINE or proc.devices:
        return ()
    message = (
        "no states are in this file: DRBD 9 does not print them there, and a pass asks drbdsetup. "
        "Have `drbdsetup status --json --verbose --statistics` or `connector status --json` of "
        "that node explained"
    )
    return (Problem(None, message),)


def _notes(proc: ProcDrbd, seen: Sequence[Seen]) -> list[str]:
    notes = []
    if proc.api is not None and proc.generation is None:
        notes.append(
            f"DRBD {proc.version} (api:{proc.api}): connector acts on the 8.4 and 9 kernel modules "
            "only (api:1 and api:2). A pass ends there with exit status 69 and does nothing"
        )
    if proc.generation is Generation.NINE:
        if proc.devices:
            notes.append(
                f"DRBD {proc.version}: a pass asks drbdsetup there. What is explained here is what "
                "DRBD 8.4 would mean by this file"
            )
    elif not proc.devices:
        notes.append("no minor is in it: no resource was up. `drbdadm up all` brings them up")
    states = [device.connection for device in proc.devices]
    unconfigured = states.count(_UNCONFIGURED)
    if unconfigured and not any(item.resource.connection is _UNCONFIGURED for item in seen):
        notes.append(f"Unconfigured minors, of which there is nothing to say: {unconfigured}")
    return notes


def _something_else(data: bytes, file: str, proc: ProcDrbd) -> Reading:
    """A file in which there is nothing of /proc/drbd; what it may be instead."""
    text = data.decode("utf-8", "replace")
    if "<config" in text[:1000]:
        why = "this looks like what `drbdadm dump-xml` prints: it goes with --dump-xml"
    elif parse_log(text) is not None:
        why = "this looks like a kernel log: it goes with --kernel-log"
    else:
        why = "this is no text of /proc/drbd, and no record of connector's"
        return Reading(file, Kind.NOTHING, problems=(Problem(None, why), *proc.problems))
    return Reading(file, Kind.NOTHING, problems=(Problem(None, why),))
