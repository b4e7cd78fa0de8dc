"""The configuration of the cluster: what drbd.conf says and what `drbdadm dump-xml` prints of it.

Measured with drbd-utils 9.22 and a 9.2 kernel: a resource with `connection` sections has no address
of its own, and says so with `(null)`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

from connector.model import AfterSplitBrain
from connector.simulate.configuration import backing_device

NODES = ("alpha", "beta", "gamma")
_FIRST_PORT = 7788
_FIRST_RESOURCE_LINE = 6
_LINES_PER_RESOURCE = 6

_COMMON = (
    ("net", (("protocol", "C"), ("ping-int", "1"), ("ping-timeout", "5"), ("connect-int", "1"),
             ("timeout", "20"))),
    ("disk", (("resync-rate", "100M"), ("c-plan-ahead", "0"))),
)  # fmt: skip
Sections = Sequence[tuple[str, Sequence[tuple[str, str]]]]


@dataclass(frozen=True, slots=True)
class ClusterResource:
    """A resource of the cluster; volume N has the N-th of `minors`, the same on every node.

    `clients` are nodes without a disk on purpose. `quorum` is "off", "majority" or a number.
    """

    name: str
    minors: tuple[int, ...] = (0,)
    after_sb: AfterSplitBrain = AfterSplitBrain()
    clients: tuple[str, ...] = ()
    quorum: str = "off"
    on_no_quorum: str = "suspend-io"
    on_no_data_accessible: str = "io-error"

    def settings(self) -> Sections:
        """The sections of the resource without what is DRBD's default."""
        found = (("options", self._options()), ("net", self._net()))
        return [(name, pairs) for name, pairs in found if pairs]

    def _net(self) -> list[tuple[str, str]]:
        wanted = (
            ("after-sb-0pri", self.after_sb.zero_primaries),
            ("after-sb-1pri", self.after_sb.one_primary),
            ("after-sb-2pri", self.after_sb.two_primaries),
        )
        return [(key, value) for key, value in wanted if value != "disconnect"]

    def _options(self) -> list[tuple[str, str]]:
        options = []
        if self.on_no_data_accessible != "io-error":
            options.append(("on-no-data-accessible", self.on_no_data_accessible))
        if self.quorum != "off":
            options += [("quorum", self.quorum), ("on-no-quorum", self.on_no_quorum)]
        return options


def node_id(node: str) -> int:
    """The number of a node in every resource."""
    return NODES.index(node)


def address(node: str, peer: str) -> str:
    """Each pair of nodes has a network of its own."""
    low, high = sorted((node_id(node) + 1, node_id(peer) + 1))
    return f"10.9.{low}{high}.{node_id(node) + 1}"


def port(resources: Sequence[ClusterResource], resource: str) -> int:
    """One for each resource."""
    return _FIRST_PORT + [item.name for item in resources].index(resource)


def dump_xml(resources: Sequence[ClusterResource], nodes: Sequence[str]) -> str:
    """`drbdadm dump-xml`."""
    parts = ['<config file="/etc/drbd.conf">\n', "    <common>\n", *_sections(_COMMON, 8)]
    parts.append("    </common>\n")
    for place, resource in enumerate(resources):
        line = _FIRST_RESOURCE_LINE + place * _LINES_PER_RESOURCE
        parts.append(
            f'    <resource name="{resource.name}" conf-file-line="/etc/drbd.conf:{line}">\n'
        )
        for node in nodes:
            parts.append(f'        <host name="{node}">\n')
            for number, minor in enumerate(resource.minors):
                disk = "none" if node in resource.clients else backing_device(minor)
                parts.append(
                    f'            <volume vnr="{number}">\n'
                    f'                <device minor="{minor}"></device>\n'
                    f"                <disk>{disk}</disk>\n"
                    "                <meta-disk>internal</meta-disk>\n"
                    "            </volume>\n"
                )
            parts.append(
                '            <address family="(null)" port="(null)">(null)</address>\n'
                "        </host>\n"
            )
        number = port(resources, resource.name)
        for node, peer in combinations(nodes, 2):
            parts.append("        <connection>\n")
            parts += [
                f'            <host name="{one}"><address family="ipv4" port="{number}">'
                f"{address(one, other)}</address></host>\n"
                for one, other in ((node, peer), (peer, node))
            ]
            parts.append("        </connection>\n")
        parts += _sections(resource.settings(), 8)
        parts.append("    </resource>\n")
    parts.append("</config>\n")
    return "".join(parts)


def drbd_conf(resources: Sequence[ClusterResource], nodes: Sequence[str]) -> str:
    """The file that `dump_xml` is printed from."""
    parts = ["global { usage-count no; }\n", f"common {{ {_plain(_COMMON)}}}\n"]
    for resource in resources:
        parts.append(f"resource {resource.name} {{ {_plain(resource.settings())}\n")
        for node in nodes:
            volumes = "".join(
                f"volume {number} {{ device minor {minor}; meta-disk internal; "
                f"disk {'none' if node in resource.clients else backing_device(minor)}; }} "
                for number, minor in enumerate(resource.minors)
            )
            parts.append(f"  on {node} {{ node-id {node_id(node)}; {volumes}}}\n")
        number = port(resources, resource.name)
        for node, peer in combinations(nodes, 2):
            hosts = " ".join(
                f"host {one} address {address(one, other)}:{number};"
                for one, other in ((node, peer), (peer, node))
            )
            parts.append(f"  connection {{ {hosts} }}\n")
        parts.append("}\n")
    return "".join(parts)


def _sections(sections: Sections, blanks: int) -> list[str]:
    lines = []
    for name, pairs in sections:
        lines.append(f'{" " * blanks}<section name="{name}">\n')
        lines += [
            f'{" " * blanks}    <option name="{key}" value="{value}"/>\n' for key, value in pairs
        ]
        lines.append(f"{' ' * blanks}</section>\n")
    return lines


def _plain(sections: Sections) -> str:
    return "".join(
        f"{name} {{ {''.join(f'{key} {value}; ' for key, value in pairs)}}} "
        for name, pairs in sections
    )
