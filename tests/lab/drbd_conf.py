"""The DRBD configuration of the pair."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

PATH = "/etc/drbd.conf"
ADDRESSES = {"alpha": "10.9.0.1", "beta": "10.9.0.2"}

# Short intervals (seconds, and tenths in ping-timeout and timeout), so that a cut is noticed at
# once; no dynamic resync speed, so that a resync is over at once.
NET_OPTIONS = ("protocol C", "ping-int 1", "ping-timeout 5", "connect-int 1", "timeout 20")
DISK_OPTIONS = ("resync-rate 100M", "c-plan-ahead 0")


@dataclass(frozen=True)
class VolumeConf:
    """One volume: its number in the resource, DRBD's minor, and the backing disk."""

    volume: int
    minor: int
    disk: str


VOLUMES: Mapping[str, tuple[VolumeConf, ...]] = {
    "mail": (VolumeConf(0, 0, "/dev/vda"),),
    "db": (VolumeConf(0, 1, "/dev/vdb"), VolumeConf(1, 2, "/dev/vdc")),
}
PORTS = {"mail": 7788, "db": 7789}


def drbd_conf(
    net_options: Iterable[str] = (),
    handlers: Iterable[str] = (),
    *,
    mapped: bool = False,
    node_ids: bool = False,
) -> str:
    """Return /etc/drbd.conf for both nodes; it includes no other file.

    `net_options` come after the laboratory's own, so that they override them; `handlers` are
    lines of the handlers section, such as `split-brain "/usr/bin/logger split"`. With `mapped`
    minor 0 lies on /dev/mapper/mail, which the node has to make first. With `node_ids` each node
    has the number that DRBD 9 knows it by.
    """
    common = [
        _section("net", (*NET_OPTIONS, *net_options)),
        _section("disk", DISK_OPTIONS),
        _section("handlers", tuple(handlers)),
    ]
    # Without usage-count drbdadm would ask on the terminal, and try to reach a web server.
    lines = ["global { usage-count no; }", f"common {{ {' '.join(common)} }}"]
    for resource, volumes in VOLUMES.items():
        hosts = " ".join(
            f"on {name} {{ {f'node-id {number}; ' if node_ids else ''}"
            f"address {address}:{PORTS[resource]}; {_volumes(volumes)} }}"
            for number, (name, address) in enumerate(ADDRESSES.items())
        )
        lines.append(f"resource {resource} {{ {hosts} }}")
    conf = "\n".join(lines) + "\n"
    return conf.replace("disk /dev/vda;", "disk /dev/mapper/mail;") if mapped else conf


def _section(name: str, options: Iterable[str]) -> str:
    return f"{name} {{ {' '.join(f'{option};' for option in options)} }}"


def _volumes(volumes: Iterable[VolumeConf]) -> str:
    return " ".join(
        f"volume {one.volume} {{ device minor {one.minor}; disk {one.disk}; meta-disk internal; }}"
        for one in volumes
    )
