"""The configuration of the pair: what drbd.conf says and what `drbdadm dump-xml` prints of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from connector.model import AfterSplitBrain

NODES = ("alpha", "beta")
ADDRESSES = {"alpha": "10.9.0.1", "beta": "10.9.0.2"}
_FIRST_PORT = 7788
_FIRST_RESOURCE_LINE = 3

_COMMON = """\
    <common>
        <section name="net">
            <option name="protocol" value="C"/>
            <option name="ping-int" value="1"/>
            <option name="ping-timeout" value="5"/>
            <option name="connect-int" value="1"/>
            <option name="timeout" value="20"/>
        </section>
        <section name="disk">
            <option name="resync-rate" value="100M"/>
            <option name="c-plan-ahead" value="0"/>
        </section>
    </common>
"""
_COMMON_CONF = """\
global { usage-count no; }
common { net { protocol C; ping-int 1; ping-timeout 5; connect-int 1; timeout 20; } \
disk { resync-rate 100M; c-plan-ahead 0; } }
"""


@dataclass(frozen=True, slots=True)
class SimulatedResource:
    """A resource of the pair; volume N has the N-th of `minors`, the same on both nodes."""

    name: str
    minors: tuple[int, ...]
    after_sb: AfterSplitBrain = AfterSplitBrain()


def other(node: str) -> str:
    """The peer of `node`."""
    return NODES[1] if node == NODES[0] else NODES[0]


def endpoint(resources: Sequence[SimulatedResource], resource: str, node: str) -> str:
    """`ipv4:ADDRESS:PORT`, as drbdsetup takes it."""
    return f"ipv4:{ADDRESSES[node]}:{_port(resources, resource)}"


def dump_xml(resources: Sequence[SimulatedResource]) -> str:
    """`drbdadm dump-xml` of drbd-utils 9.22 with an 8.4 kernel (user/v84/drbdadm_main.c)."""
    parts = ['<config file="/etc/drbd.conf">\n', _COMMON]
    for place, resource in enumerate(resources):
        line = _FIRST_RESOURCE_LINE + place
        parts.append(
            f'    <resource name="{resource.name}" conf-file-line="/etc/drbd.conf:{line}">\n'
        )
        for node in NODES:
            parts.append(f'        <host name="{node}">\n')
            parts += [_volume_xml(number, minor) for number, minor in enumerate(resource.minors)]
            parts.append(
                f'            <address family="ipv4" port="{_port(resources, resource.name)}">'
                f"{ADDRESSES[node]}</address>\n        </host>\n"
            )
        settings = _settings(resource)
        if settings:
            parts.append('        <section name="net">\n')
            parts += [
                f'            <option name="{key}" value="{value}"/>\n' for key, value in settings
            ]
            parts.append("        </section>\n")
        parts.append("    </resource>\n")
    parts.append("</config>\n")
    return "".join(parts)


def drbd_conf(resources: Sequence[SimulatedResource]) -> str:
    """The file that `dump_xml` is printed from."""
    lines = [_COMMON_CONF]
    for resource in resources:
        net = "".join(f"{key} {value}; " for key, value in _settings(resource))
        hosts = []
        for node in NODES:
            volumes = "".join(
                f"volume {number} {{ device /dev/drbd{minor} minor {minor}; "
                f"disk {backing_device(minor)}; meta-disk internal; }} "
                for number, minor in enumerate(resource.minors)
            )
            address = f"{ADDRESSES[node]}:{_port(resources, resource.name)}"
            hosts.append(f"on {node} {{ {volumes}address {address}; }} ")
        lines.append(f"resource {resource.name} {{ net {{ {net}}} {''.join(hosts)}}}\n")
    return "".join(lines)


def _volume_xml(number: int, minor: int) -> str:
    return (
        f'            <volume vnr="{number}">\n'
        f'                <device minor="{minor}">/dev/drbd{minor}</device>\n'
        f"                <disk>{backing_device(minor)}</disk>\n"
        "                <meta-disk>internal</meta-disk>\n"
        "            </volume>\n"
    )


def _settings(resource: SimulatedResource) -> list[tuple[str, str]]:
    """The net section without what is DRBD's default."""
    wanted = (
        ("after-sb-0pri", resource.after_sb.zero_primaries),
        ("after-sb-1pri", resource.after_sb.one_primary),
        ("after-sb-2pri", resource.after_sb.two_primaries),
    )
    return [(key, value) for key, value in wanted if value != "disconnect"]


def _port(resources: Sequence[SimulatedResource], resource: str) -> int:
    return _FIRST_PORT + [item.name for item in resources].index(resource)


def backing_device(minor: int) -> str:
    """The disk below a minor: /dev/vda below 0, and so on."""
    return f"/dev/vd{chr(ord('a') + minor)}"
