"""The pair as JSON, so that separate processes can work on the same one."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from connector.model import AfterSplitBrain, ConnectionState, DiskState, Role
from connector.simulate.configuration import SimulatedResource
from connector.simulate.identifiers import Identifiers
from connector.simulate.state import (
    LogLine,
    Mounted,
    NodeState,
    PairState,
    ResourceSide,
    Step,
    VolumeSide,
)

Json = dict[str, Any]


def to_json(state: PairState) -> Json:
    """Everything; sets become sorted lists, so that the same state gives the same bytes."""
    document = asdict(state)
    for node in document["nodes"].values():
        for side in node["resources"].values():
            for volume in side["volumes"]:
                volume["changed"] = sorted(volume["changed"])
                volume["blocks"] = {str(k): text for k, text in sorted(volume["blocks"].items())}
    return document


def from_json(document: Json) -> PairState:
    """What `to_json` gave, as values again."""
    values = dict(document)
    values["resources"] = tuple(_resource(item) for item in document["resources"])
    values["nodes"] = {name: _node(item) for name, item in document["nodes"].items()}
    values["steps"] = {name: Step(**item) for name, item in document["steps"].items()}
    return PairState(**values)


def _resource(item: Json) -> SimulatedResource:
    return SimulatedResource(
        item["name"], tuple(item["minors"]), AfterSplitBrain(**item["after_sb"])
    )


def _node(item: Json) -> NodeState:
    values = dict(item)
    values["log"] = [LogLine(**line) for line in item["log"]]
    values["mounts"] = [Mounted(**mount) for mount in item["mounts"]]
    values["resources"] = {name: _side(side) for name, side in item["resources"].items()}
    return NodeState(**values)


def _side(item: Json) -> ResourceSide:
    values = dict(item)
    values["volumes"] = [_volume(volume) for volume in item["volumes"]]
    return ResourceSide(**values)


def _volume(item: Json) -> VolumeSide:
    values = dict(item)
    values["connection"] = ConnectionState(item["connection"])
    values["role"], values["peer_role"] = Role(item["role"]), Role(item["peer_role"])
    values["disk"], values["peer_disk"] = DiskState(item["disk"]), DiskState(item["peer_disk"])
    values["identifiers"] = Identifiers(**item["identifiers"])
    values["peer_identifiers"] = Identifiers(**item["peer_identifiers"])
    values["changed"] = set(item["changed"])
    values["blocks"] = {int(block): text for block, text in item["blocks"].items()}
    return VolumeSide(**values)
