"""What real DRBD 9 nodes showed (tests/fixtures/drbd-9), and what makes it comparable."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

FIXTURES = Path(__file__).parents[2] / "fixtures/drbd-9"

_RESOURCE = (
    "role",
    "suspended",
    "suspended-user",
    "suspended-no-data",
    "suspended-fencing",
    "suspended-quorum",
    "force-io-failures",
    "write-ordering",
)
_DEVICE = ("volume", "minor", "disk-state", "client", "open", "quorum")
_CONNECTION = ("peer-node-id", "name", "connection-state", "peer-role")
_PEER_DEVICE = (
    "volume",
    "replication-state",
    "peer-disk-state",
    "peer-client",
    "resync-suspended",
    "has-sync-details",
    "has-online-verify-details",
)


def situations() -> list[str]:
    """The names of all captured situations."""
    return sorted(path.parent.name for path in FIXTURES.glob("*/SITUATION.md"))


def nodes(situation: str) -> list[str]:
    """The nodes that were captured in it."""
    return sorted(path.name for path in (FIXTURES / situation).iterdir() if path.is_dir())


def text(situation: str, node: str, name: str) -> str:
    """A captured file."""
    return (FIXTURES / situation / node / name).read_text(encoding="utf-8")


def newer_status(situation: str, node: str) -> str | None:
    """The status as drbd-utils 9.34 told it, where that was captured."""
    path = FIXTURES / situation / node / "drbdsetup_status_utils-9.34.json"
    return path.read_text(encoding="utf-8") if path.exists() else None


def commands(situation: str) -> list[dict[str, Any]]:
    """commands.jsonl."""
    path = FIXTURES / situation / "commands.jsonl"
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def states(status: str) -> dict[str, str]:
    """The fields of a status JSON that tell states, by where they stand; no counters, no sizes."""
    found: dict[str, str] = {}
    for resource in json.loads(status):
        name = resource["name"]
        found |= _pick(name, resource, _RESOURCE)
        for device in resource["devices"]:
            found |= _pick(f"{name}/{device['volume']}", device, _DEVICE)
        for link in resource["connections"]:
            found |= _pick(f"{name} {link['name']}", link, _CONNECTION)
            for item in link["peer_devices"]:
                where = f"{name}/{item['volume']} {link['name']}"
                found |= _pick(where, item, _PEER_DEVICE)
                found[f"{where} out-of-sync"] = "some" if item["out-of-sync"] else "none"
    return found


def _pick(where: str, item: dict[str, Any], keys: tuple[str, ...]) -> dict[str, str]:
    return {f"{where} {key}": str(item[key]) for key in keys if key in item}


def keys(status: str) -> list[str]:
    """The layout of a status JSON: every line with its value taken out."""
    return [re.sub(r'(": ).*?(,? ?)$', r"\1\2", line) for line in status.splitlines()]


_TIMED = re.compile(r"\[ *\d+\.\d+\] (.*)|\d+,\d+,\d+,-;(.*)")


def messages(log: str) -> list[str]:
    """The texts of a kernel log, of dmesg's form or of /dev/kmsg's."""
    found = []
    for line in log.splitlines():
        match = _TIMED.fullmatch(line)
        if match is not None:
            found.append(match[1] if match[1] is not None else match[2])
    return found
