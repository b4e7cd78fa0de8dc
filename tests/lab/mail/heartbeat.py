"""Heartbeat's files for the laboratory's pair, and how its beats are told from other frames."""

from __future__ import annotations

import struct

ADDRESS = "10.9.1.50"
SMTP_PORT = 25
UCAST = {"eth0": ("10.9.0.1", "10.9.0.2"), "eth1": ("10.9.1.1", "10.9.1.2")}
BEAT_PORT = 694
# Seconds. Shorter than on real machines, as everything in the laboratory; an emulated processor
# that shares its core is silent for one or two now and then.
KEEPALIVE_S, WARNTIME_S, DEADTIME_S, INITDEAD_S = 1, 4, 10, 15
AUTHKEYS = "auth 1\n1 sha1 of-the-laboratory-only\n"

_IPV4, _UDP = 0x0800, 17
_ETHERNET_BYTES, _SHORTEST_IPV4_BYTES = 14, 20


def ha_cf() -> str:
    """Return /etc/ha.d/ha.cf, the same on both nodes: contrib's, with this network's addresses."""
    return "\n".join(
        [
            "logfile /var/log/ha-log",
            *(f"ucast {card} {address}" for card, both in UCAST.items() for address in both),
            f"keepalive {KEEPALIVE_S}",
            f"warntime {WARNTIME_S}",
            f"deadtime {DEADTIME_S}",
            f"initdead {INITDEAD_S}",
            "auto_failback off",
            "node alpha",
            "node beta",
            "crm off",
            "",
        ]
    )


def haresources(disk: str, services: str) -> str:
    """Return /etc/ha.d/haresources: the disk, the floating address, the services, in that order."""
    return f"alpha {disk} IPaddr2::{ADDRESS}/24/eth1 {services}\n"


def is_beat(frame: bytes) -> bool:
    """Whether an Ethernet frame is one of Heartbeat's: UDP to its port (RFC 791, RFC 768)."""
    if len(frame) < _ETHERNET_BYTES + _SHORTEST_IPV4_BYTES:
        return False
    if struct.unpack_from("!H", frame, 12)[0] != _IPV4 or frame[23] != _UDP:
        return False
    header_bytes = (frame[_ETHERNET_BYTES] & 0x0F) * 4
    udp = _ETHERNET_BYTES + header_bytes
    return len(frame) >= udp + 4 and struct.unpack_from("!H", frame, udp + 2)[0] == BEAT_PORT
