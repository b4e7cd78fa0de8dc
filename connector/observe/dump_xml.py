"""What `drbdadm dump-xml` prints, as the resources of this host (drbd-utils, drbdadm_dump.c).

The forms of 8.3 (no volume elements), 8.4 and 9 (connection elements) are understood. A minor is
local: the same resource may have another one on the peer, so only this host's section counts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from connector.errors import ConnectorError
from connector.model import AfterSplitBrain, ConfiguredResource, ConfiguredVolume

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

MAX_XML_CHARACTERS = 16 * 1024 * 1024
MAX_MINOR = 2**20 - 1  # include/linux/kdev_t.h MINORBITS
MAX_VOLUME = 2**16 - 1  # drbd_limits.h DRBD_VOLUME_MAX

_NOTHING = "<!-- No resources configured -->"
_NUMBER = re.compile(r"[0-9]{1,7}")
_DEVICE = re.compile(r"/dev/drbd(0|[1-9][0-9]{0,6})")
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
# drbdadm takes a slash for RESOURCE/VOLUME and, in DRBD 9, a colon for RESOURCE:PEER.
_NOT_IN_A_NAME = re.compile("[/:\x00-\x1f\x7f\ufffd]")
_IN_TEMPLATE = "set in a template file"
_AFTER_SB = ("after-sb-0pri", "after-sb-1pri", "after-sb-2pri")


class ResourcesUnknown(ConnectorError):
    """Which resource has which minor cannot be said. Exit status 1."""


def parse_dump_xml(text: str, host: str) -> tuple[ConfiguredResource, ...]:
    """The resources that have a section for `host`, in the order printed; others are left out.

    Floating sections name an address, not a host: they count where all of a resource's agree on
    the minors. A stacked resource is one for each host of the resource below it.

    Raises:
        ResourcesUnknown: the text is not what drbdadm prints, two resources claim one minor, or
            it cannot be said which section is this host's. Nothing else is raised.
    """
    if len(text) > MAX_XML_CHARACTERS:
        raise ResourcesUnknown(
            f"drbdadm dump-xml printed more than {MAX_XML_CHARACTERS} characters"
        )
    if text.strip() == _NOTHING:
        return ()
    root = _tree(text)
    common = root.find("common")
    inherited = {} if common is None else _net_policies(common)
    found = [_resource(element, host, inherited) for element in root.findall("resource")]
    return checked(resource for resource in found if resource is not None)


def checked(resources: Iterable[ConfiguredResource]) -> tuple[ConfiguredResource, ...]:
    """The same resources, whose names drbdadm cannot mistake and whose minors are claimed once.

    Raises:
        ResourcesUnknown: one of them is not so.
    """
    owners: dict[int, str] = {}
    names: set[str] = set()
    resources = tuple(resources)
    for resource in resources:
        name = resource.name
        if not name or name == "all" or name.startswith("-") or _NOT_IN_A_NAME.search(name):
            raise ResourcesUnknown(
                f"drbdadm would mistake the resource name {name!r}: rename it in drbd.conf"
            )
        if name in names:
            raise ResourcesUnknown(f"resource {name} is there twice")
        names.add(name)
        if not resource.volumes:
            raise ResourcesUnknown(f"resource {name} has no volume on this host")
        if len({item.volume for item in resource.volumes}) != len(resource.volumes):
            raise ResourcesUnknown(f"resource {name} has a volume number twice")
        for item in resource.volumes:
            if not (0 <= item.minor <= MAX_MINOR and 0 <= item.volume <= MAX_VOLUME):
                raise ResourcesUnknown(f"resource {name} has numbers that DRBD does not have")
            if item.minor in owners:
                raise ResourcesUnknown(
                    f"minor {item.minor} is claimed by both {owners[item.minor]} and {name}"
                )
            owners[item.minor] = name
    return resources


def _tree(text: str) -> Element:
    from xml.etree.ElementTree import ParseError, fromstring  # not on a healthy pass

    if "<!DOCTYPE" in text:
        raise ResourcesUnknown("drbdadm dump-xml printed a DOCTYPE, which it never does")
    try:
        # As text, so that an encoding named in the XML itself counts for nothing.
        root = fromstring(_LONE_SURROGATE.sub("\ufffd", text))  # noqa: S314 no DOCTYPE, no entities
    except (ParseError, ValueError) as error:
        raise ResourcesUnknown(f"what drbdadm dump-xml printed is not XML: {error}") from error
    if root.tag != "config":
        raise ResourcesUnknown(f"drbdadm dump-xml printed <{root.tag[:40]}>, not <config>")
    return root


def _resource(
    element: Element, host: str, inherited: Mapping[str, str]
) -> ConfiguredResource | None:
    """The resource for `host`, None where it is none of its hosts."""
    name = element.get("name", "")
    hosts = element.findall("host")
    mine = [item for item in hosts if _is(item, host)]
    mine = mine or [item for item in hosts if item.get("floating") is not None]
    if not mine:
        return None
    choices = {_volumes(item, name) for item in mine}
    if len(choices) > 1:
        raise ResourcesUnknown(
            f"resource {name}: which of its host sections is this host's cannot be said, "
            "and they have different minors"
        )
    return ConfiguredResource(
        name=name,
        volumes=choices.pop(),
        after_sb=_after_split_brain(element, inherited),
        file=element.get("conf-file-line", "").rpartition(":")[0] or None,
        peers=_peers(element, host),
    )


def _peers(resource: Element, host: str) -> tuple[str, ...]:
    """The other hosts that this one has a connection to, in the order printed.

    DRBD 9 prints the connections, each with two hosts and with or without paths; 8.4 none, and
    there every other host is meant. A floating host has no name.
    """
    sections = resource.findall("connection")
    pairs = [list(section.iter("host")) for section in sections] or [resource.findall("host")]
    mine = [hosts for hosts in pairs if not sections or any(_is(item, host) for item in hosts)]
    others = [item for hosts in mine for item in hosts if not _is(item, host)]
    return tuple(dict.fromkeys(name for item in others if (name := _first_name(item))))


def _is(section: Element, host: str) -> bool:
    return host in section.get("name", "").split()


def _first_name(host: Element) -> str:
    """A host may have several names; drbdadm gives the kernel the first for the connection's."""
    return next(iter(host.get("name", "").split()), "")


def _volumes(host: Element, resource: str) -> tuple[ConfiguredVolume, ...]:
    """The volumes of a host section; without volume elements (8.3) its device is volume 0."""
    sections = host.findall("volume")
    if not sections:
        device = host.find("device")
        return () if device is None else (ConfiguredVolume(0, _minor(device, resource)),)
    return tuple(
        ConfiguredVolume(
            _number(section.get("vnr"), f"resource {resource}: a volume number"),
            _minor(section.find("device"), resource),
        )
        for section in sections
    )


def _minor(device: Element | None, resource: str) -> int:
    """The minor of a device element, whose text is empty after `device minor N`."""
    if device is None:
        raise ResourcesUnknown(f"resource {resource} has a volume without a device")
    by_name = _DEVICE.fullmatch((device.text or "").strip())
    if device.get("minor") is None and by_name:
        return int(by_name[1])
    return _number(device.get("minor"), f"resource {resource}: a minor")


def _number(text: str | None, what: str) -> int:
    if text is None or not _NUMBER.fullmatch(text):
        raise ResourcesUnknown(f"{what} is {text!r}, not a number")
    return int(text)


def _after_split_brain(resource: Element, inherited: Mapping[str, str]) -> AfterSplitBrain:
    """The effective policies: common, overridden by the resource, that by a connection (DRBD 9).

    Where connections differ the words are joined, and what a template file says is not printed:
    both make a word that is none of drbd.conf's, which nobody can take for a harmless one.
    """
    hidden = {} if resource.find("template") is None else dict.fromkeys(_AFTER_SB, _IN_TEMPLATE)
    own = {**inherited, **hidden, **_net_policies(resource)}
    connections = resource.findall("connection")
    effective = [{**own, **_net_policies(connection)} for connection in connections] or [own]
    words = [
        " or ".join(sorted({policies.get(name, "disconnect") for policies in effective}))
        for name in _AFTER_SB
    ]
    return AfterSplitBrain(*words)


def _net_policies(element: Element) -> dict[str, str]:
    """The after-sb options of an element's net sections, in drbd.conf(5)'s words."""
    found: dict[str, str] = {}
    for section in element.findall("section"):
        if section.get("name") != "net":
            continue
        for option in section.findall("option"):
            name, value = option.get("name", ""), option.get("value")
            if name not in _AFTER_SB:
                continue
            if not value:
                raise ResourcesUnknown(f"{name} has no value")
            found[name] = value
    return found
