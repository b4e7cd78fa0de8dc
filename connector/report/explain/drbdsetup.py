"""What `drbdsetup status --json` printed, as the resources in it: the states of DRBD 9. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from connector.model import (
    ConfiguredResource,
    ConfiguredVolume,
    DrbdsetupStatus,
    Problem,
    Resource,
)
from connector.observe.nine import status as drbdsetup_status
from connector.observe.nine.assemble import resources_of_status
from connector.observe.node_parts import LINSTOR_FOLDER
from connector.observe.proc_drbd import MAX_BYTES
from connector.report.explain.answer import About, Seen
from connector.report.explain.source import TOLD_BY_DUMP_XML, Kind, Reading

_LIST = re.compile(rb"\s*\[\s*[{\]]")  # a line of dmesg begins with [ as well
NOTHING_UP = "no resource is in it: none was up. `drbdadm up all` brings them up"


def of_drbdsetup(
    data: bytes, file: str, configured: Sequence[ConfiguredResource] | None
) -> Reading | None:
    """The resources of a text that begins as a JSON list; None for any other text.

    Args:
        data: the text; whatever bytes they are, nothing is raised.
        file: its name, for messages.
        configured: the resources of drbd.conf; None where they are not known: then the text's own
            names and volumes count.
    """
    if not _LIST.match(data):
        return None
    if len(data) > MAX_BYTES:
        return Reading(
            file, Kind.NOTHING, problems=(Problem(None, f"longer than {MAX_BYTES} bytes"),)
        )
    status = drbdsetup_status.parse(data.decode("utf-8", "replace"))
    claims = _as_they_are(status) if configured is None else configured
    told = frozenset({About.NAME}) if configured is None else TOLD_BY_DUMP_XML
    linstor = {item.name for item in claims if LINSTOR_FOLDER in (item.file or "")}
    seen = tuple(
        Seen(_owned(resource, linstor), told)
        for resource in resources_of_status(status, claims, {})
    )
    return Reading(
        file,
        Kind.DRBDSETUP if seen or not status.problems else Kind.NOTHING,
        seen=seen,
        problems=status.problems,
        notes=() if seen or status.problems else (NOTHING_UP,),
    )


def _as_they_are(status: DrbdsetupStatus) -> tuple[ConfiguredResource, ...]:
    return tuple(
        ConfiguredResource(
            item.name,
            tuple(ConfiguredVolume(device.volume, device.minor) for device in item.devices),
        )
        for item in status.resources
    )


def _owned(resource: Resource, linstor: set[str]) -> Resource:
    return replace(resource, managed_by="LINSTOR") if resource.name in linstor else resource
