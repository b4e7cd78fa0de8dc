"""DRBD's settings of each resource, from `drbdadm dump-xml`; a pass needs less of it.

drbdadm prints what is set and leaves defaults out. The defaults that matter here are the same in
drbd.conf-8.4(5) and drbd.conf-9.0(5) (drbd-utils 9.22), but `fencing` is in the disk section of 8.4
and in the net section of 9.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from xml.etree.ElementTree import Element, fromstring

from connector.model import ConfiguredResource
from connector.observe.dump_xml import parse_dump_xml

MAX_RESOURCES = 1_000
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_NUMBER = re.compile(r"[0-9]{1,9}")

# drbd.conf-8.4(5), drbd.conf-9.0(5). Unit of the man page: s, but 0.1 s for the second two.
DEFAULTS = {
    "wfc-timeout": 0,
    "degr-wfc-timeout": 0,
    "outdated-wfc-timeout": 0,
    "connect-int": 10,
    "ping-int": 10,
    "ping-timeout": 5,
    "timeout": 60,
}


@dataclass(frozen=True, slots=True)
class HostVolume:
    """A volume as a host section has it; texts as drbdadm prints them."""

    volume: str
    minor: str
    device: str
    disk: str


@dataclass(frozen=True, slots=True)
class HostSection:
    """`on NAME { … }`, or `floating ADDRESS`, whose name is empty."""

    name: str
    volumes: tuple[HostVolume, ...]
    addresses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ResourceSettings:
    """A resource of this host. `options` are in force here: common, resource, connection."""

    configured: ConfiguredResource
    hosts: tuple[HostSection, ...]
    options: Mapping[tuple[str, str], str] = field(default_factory=dict)
    place: str | None = None  # FILE:LINE of its section

    @property
    def name(self) -> str:
        """The resource's name."""
        return self.configured.name

    def option(self, section: str, name: str) -> str | None:
        """What is set; None where DRBD's default is in force."""
        return self.options.get((section, name))

    def number(self, section: str, name: str) -> int | None:
        """A number in the option's own unit, the default where none is set; None: no number."""
        word = self.option(section, name)
        if word is None:
            return DEFAULTS[name]
        return int(word) if _NUMBER.fullmatch(word) else None

    def flag(self, section: str, name: str) -> bool:
        """Whether a boolean option is on; `dump-xml` prints an option without value, too."""
        return self.option(section, name) in ("", "yes")

    @property
    def fencing(self) -> str:
        """The fencing policy, whichever section it stands in; the default is `dont-care`."""
        return self.option("disk", "fencing") or self.option("net", "fencing") or "dont-care"

    @property
    def protocol(self) -> str:
        """A, B or C; the default is C."""
        return (self.option("net", "protocol") or "C").upper()


def parse(text: str, host: str) -> tuple[ResourceSettings, ...]:
    """The settings of each resource of `host`, in the order printed.

    Raises:
        ResourcesUnknown: as `parse_dump_xml`.
    """
    known = {item.name: item for item in parse_dump_xml(text, host)}
    if not known:
        return ()
    # parse_dump_xml has refused what is no XML of drbdadm's, and any DOCTYPE.
    root = fromstring(_LONE_SURROGATE.sub("\ufffd", text))  # noqa: S314
    common = root.find("common")
    inherited = {} if common is None else _options(common)
    found = [
        _resource(element, known[element.get("name", "")], inherited)
        for element in root.findall("resource")
        if element.get("name", "") in known
    ]
    return tuple(found[:MAX_RESOURCES])


def _resource(
    element: Element, configured: ConfiguredResource, inherited: Mapping[tuple[str, str], str]
) -> ResourceSettings:
    options = {**inherited, **_options(element)}
    for connection in element.findall("connection"):
        options |= _options(connection)
    for volume in element.iterfind("host/volume"):
        options |= _options(volume)
    return ResourceSettings(
        configured=configured,
        hosts=tuple(_host(item) for item in element.findall("host")),
        options=options,
        place=element.get("conf-file-line"),
    )


def _options(element: Element) -> dict[tuple[str, str], str]:
    """The options of an element's own sections; in 8.3 the protocol is an attribute."""
    found = {}
    if element.get("protocol"):
        found["net", "protocol"] = element.get("protocol", "")
    for section in element.findall("section"):
        for option in section.findall("option"):
            found[section.get("name", ""), option.get("name", "")] = option.get("value", "")
    return found


def _host(element: Element) -> HostSection:
    sections = element.findall("volume") or [element]
    addresses = [
        f"{item.get('family', '')} {(item.text or '').strip()}:{item.get('port', '')}"
        for item in element.findall("address")
    ]
    return HostSection(
        name=element.get("name", ""),
        volumes=tuple(_volume(section) for section in sections),
        addresses=tuple(addresses),
    )


def _volume(section: Element) -> HostVolume:
    device = section.find("device")
    minor = "" if device is None else device.get("minor", "")
    path = "" if device is None else (device.text or "").strip()
    return HostVolume(
        volume=section.get("vnr", "0"),
        minor=minor,
        device=path or f"/dev/drbd{minor}",
        disk=(section.findtext("disk") or "").strip(),
    )
