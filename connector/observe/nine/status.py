"""What `drbdsetup status --json --verbose --statistics` prints on DRBD 9, where states are said.

Which keys there are stands in `drbdsetup_status_json`. A word is known if it is one of those of
drbd_strings.c (github.com/LINBIT/drbd, drbd_headers): Unknown is only a peer's role, and DUnknown
only a peer's disk.
"""

from __future__ import annotations

from dataclasses import replace

from connector.model import DiskState, Role
from connector.model.status import DrbdsetupStatus, StatusDevice, StatusResource
from connector.observe.minor_block import Problems
from connector.observe.nine import status_json as keys
from connector.observe.nine.status_connections import connections_of
from connector.observe.nine.status_json import Fields, JsonObject, load, repeated, volume_or

MAX_RESOURCES = 4096
MAX_VOLUMES = 1024

_ROLES = {role.value: role for role in (Role.PRIMARY, Role.SECONDARY)}
_DISK_STATES = {state.value: state for state in DiskState if state is not DiskState.DUNKNOWN}
_HOLDERS_OF_IO = ("user", "no-data", "fencing", "quorum")


def parse(text: str) -> DrbdsetupStatus:
    """What this status says, and what in it could not be read for certain.

    Opens nothing, raises nothing, and gives a result for any text whatsoever. An object is
    doubtful where something in it is unknown, missing or contradicts itself; what it is a part of
    is not, unless it had to be left out. A resource without a name that can be read is left out,
    as are all of a text that is no JSON: as long as there are problems, a resource that is not
    here may be up all the same. `open` false is no proof that nothing has it open: drbdsetup
    prints the same where the kernel does not tell.
    """
    problems = Problems()
    values = load(text, problems)
    if len(values) > MAX_RESOURCES:
        problems.add(None, f"more than {MAX_RESOURCES} resources: the rest is not read")
    found: list[StatusResource] = []
    for number, value in enumerate(values[:MAX_RESOURCES], 1):
        if not isinstance(value, JsonObject):
            problems.add(None, f"resource {number} in the list is not an object")
        elif (resource := _resource(value, number, problems)) is not None:
            found.append(resource)
    return DrbdsetupStatus(_doubt_repeats(found, problems), problems.in_order())


def _resource(value: JsonObject, number: int, problems: Problems) -> StatusResource | None:
    fields = Fields(value, f"resource {number} in the list", problems)
    name = fields.name("name")
    if name is not None:
        fields.place = f"resource {name}"
    required = ("name", "node-id", "role", "suspended", "devices", "connections")
    fields.check(keys.RESOURCE_KEYS, required)
    devices = _devices(fields, problems)
    connections = connections_of(fields, {device.volume for device in devices}, problems)
    if name is None:
        return None
    return StatusResource(
        name=name,
        node_id=fields.count("node-id"),
        role=fields.word("role", _ROLES),
        devices=devices,
        connections=connections,
        suspended=_suspended(fields),
        force_io_failures=fields.flag("force-io-failures") or False,
        doubtful=fields.doubtful,
    )


def _suspended(fields: Fields) -> tuple[str, ...]:
    """Who holds the I/O. An older drbdsetup does not name them."""
    holders = tuple(name for name in _HOLDERS_OF_IO if fields.flag(f"suspended-{name}"))
    if holders and fields.flag("suspended") is False:
        fields.doubt(f"not suspended, and suspended by {', '.join(holders)}")
    if not holders and fields.flag("suspended") is not False:
        return ("unknown",)
    return holders


def _devices(resource: Fields, problems: Problems) -> tuple[StatusDevice, ...]:
    found = []
    for number, value in enumerate(resource.objects("devices", MAX_VOLUMES), 1):
        fields = Fields(
            value, f"{resource.place}, {volume_or(value, f'device {number}')}", problems
        )
        fields.check(keys.DEVICE_KEYS, ("volume", "minor", "disk-state", "client"))
        volume, minor = fields.count("volume"), fields.count("minor")
        if volume is None or minor is None:
            resource.doubtful = True
            continue
        found.append(
            StatusDevice(
                volume=volume,
                minor=minor,
                disk=fields.word("disk-state", _DISK_STATES),
                client=fields.flag("client") or False,
                open=fields.flag("open"),
                quorum=fields.flag("quorum"),
                written_kib=fields.count("written"),
                doubtful=fields.doubtful,
            )
        )
    twice = repeated(device.volume for device in found)
    for volume in twice:
        resource.doubt(f"volume {volume} is there more than once")
    return tuple(replace(d, doubtful=True) if d.volume in twice else d for d in found)


def _doubt_repeats(
    resources: list[StatusResource], problems: Problems
) -> tuple[StatusResource, ...]:
    """A name is one resource's, and a minor is one volume's."""
    names = repeated(resource.name for resource in resources)
    minors = repeated(device.minor for resource in resources for device in resource.devices)
    for name in names:
        problems.add(None, f"resource {name} is there more than once")
    for minor in minors:
        problems.add(None, f"minor {minor} is there more than once")
    if not names and not minors:
        return tuple(resources)
    return tuple(
        replace(
            resource,
            doubtful=resource.doubtful or resource.name in names,
            devices=tuple(
                replace(device, doubtful=True) if device.minor in minors else device
                for device in resource.devices
            ),
        )
        for resource in resources
    )
