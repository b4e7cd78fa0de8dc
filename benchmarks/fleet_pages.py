"""What the nodes of a fleet show: the text of connector and of node_exporter, with moving numbers.

Every kind of pair is told once with the simulated pair (connector.simulate). connector looks at
each of its two nodes as it would at a real one, and a real node_exporter reads the same /proc/drbd.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.asking import ACCEPT, get, node_exporter
from connector.decide.context import Policy
from connector.memory.last_pass import LastPass
from connector.model import ConnectionState, DiskState, Mode
from connector.report.exposition import openmetrics
from connector.report.metrics import metrics_memory, snapshot
from connector.settings import RunSettings, Settings
from connector.simulate import SimulatedPair, SimulatedResource, story
from connector.survey import survey

NODES = ("alpha", "beta")
CONTENT_TYPES = {
    "connector": "application/openmetrics-text; version=1.0.0; charset=utf-8",
    "node_exporter": "text/plain; version=0.0.4; charset=utf-8",
}
_RESOURCES = (SimulatedResource("mail", (0,)), SimulatedResource("db", (1,)))
_PASS_S = 0.06
_LONG_AGO_S = 3600.0
_STEP_S = 0.05  # a resync of a block lasts for six of them
_STEPS = 400
_SYNCING = ConnectionState.SYNC_SOURCE


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of pair, and the alerts of contrib/prometheus that it must raise; none else.

    `passes` is False where cron stands still, `beta_answers` where a node is gone; `beta_mode` is
    the mode of beta's configuration.
    """

    name: str
    tell: Callable[[SimulatedPair], None]
    alerts: frozenset[str] = frozenset()
    passes: bool = True
    beta_answers: bool = True
    beta_mode: Mode = Mode.RECONNECT


def _disk_failed(pair: SimulatedPair) -> None:
    """The active node's disk of `mail` failed: DRBD goes on with the peer's."""
    (here,) = pair.side("alpha", "mail").volumes
    (there,) = pair.side("beta", "mail").volumes
    here.disk = there.peer_disk = DiskState.DISKLESS


def _resyncing(pair: SimulatedPair) -> None:
    """The link was away for a while; the standby catches up."""
    story.link_cut(pair)
    for resource in _RESOURCES:
        pair.write("alpha", resource.name, 0, 7, "written while the link was cut")
    pair.restore_link()
    for _ in range(_STEPS):
        pair.sleep(_STEP_S)
        if all(pair.connection("alpha", item.name) is _SYNCING for item in _RESOURCES):
            return
    raise RuntimeError("the simulated resync was missed")


HEALTHY = Kind("healthy", story.SITUATIONS["healthy"])
RESYNCING = Kind("resyncing", _resyncing)
TROUBLE = (
    Kind("link cut", story.link_cut, frozenset({"ConnectorDegraded"})),
    Kind(
        "split brain, standby idle",
        story.split_brain_with_idle_standby,
        frozenset({"ConnectorSplitBrain"}),
    ),
    Kind(
        "split brain, both in use",
        story.split_brain,
        frozenset({"ConnectorSplitBrain", "ConnectorBothInUse"}),
    ),
    Kind("disk failed", _disk_failed, frozenset({"ConnectorOperatorNeeded"})),
    Kind(
        "node gone",
        story.link_cut,
        frozenset({"ConnectorDown", "ConnectorDegraded"}),
        beta_answers=False,
    ),
    Kind(
        "passes stopped",
        story.SITUATIONS["healthy"],
        frozenset({"ConnectorPassesNotRunning"}),
        passes=False,
    ),
    Kind(
        "configurations differ",
        story.SITUATIONS["healthy"],
        frozenset({"ConnectorConfigDiffers"}),
        beta_mode=Mode.OBSERVE,
    ),
)
KINDS = (HEALTHY, RESYNCING, *TROUBLE)


def kinds_of(pairs: int) -> list[Kind]:
    """The kind of each pair: one in a hundred in trouble, at least one of each kind; one resyncs.

    Raises ValueError for fewer pairs than there are kinds.
    """
    if pairs < len(KINDS):
        raise ValueError(f"{pairs} pairs: at least {len(KINDS)} are needed, one of each kind")
    troubled = max(len(TROUBLE), pairs // 100)
    kinds = [TROUBLE[number % len(TROUBLE)] for number in range(troubled)]
    return [*kinds, RESYNCING, *[HEALTHY] * (pairs - troubled - 1)]


# What a server puts where a number moves: see fleet_nodes.
NOW, JITTER, RATIO, RISING = "now", "jitter", "ratio", "rising"
Page = list[tuple[str, str]]  # a text, and what stands behind it; "" at the end


@dataclass(frozen=True, slots=True)
class Shown:
    """What one node shows, as text of connector and as its /proc/drbd; `succeeds` is its pass."""

    connector: str
    proc_drbd: str
    succeeds: bool


def look(kind: Kind, node: str, folder: Path, at_wall_s: float) -> Shown:
    """What connector exports on a node of such a pair."""
    pair = SimulatedPair(_RESOURCES)
    story.serving(pair)
    kind.tell(pair)
    mode = kind.beta_mode if node == "beta" else Mode.RECONNECT
    settings = Settings(policy=Policy(mode=mode), run=RunSettings(state_dir=folder / "state"))
    root = folder / "root"
    report, memory = survey(pair.world(node, root), settings)
    succeeds = report.exit_status == 0
    long_ago_s = at_wall_s - _LONG_AGO_S
    last = LastPass(long_ago_s, long_ago_s, _PASS_S)
    if kind.passes:
        last = replace(last, at_wall_s=at_wall_s)
        if succeeds:
            last = replace(last, success_wall_s=at_wall_s)
    kept = metrics_memory(settings, memory.counters, last)
    text = openmetrics(snapshot(report.resources, kept)).decode()
    return Shown(text, (root / "proc/drbd").read_text(encoding="utf-8"), succeeds)


# Lines whose number moves on a real node, the number last; what it moves like.
_OF_PASSES = (
    (r"connector_last_run_timestamp_seconds (.+)", NOW),
    (r"connector_last_run_duration_seconds (.+)", JITTER),
)
_OF_SUCCESS = ((r"connector_last_success_timestamp_seconds (.+)", NOW),)
_OF_CONNECTOR = ((r"connector_sync_ratio\{.*\} (0\.[0-9]+)", RATIO),)
_OF_NODE_EXPORTER = (
    (r"node_drbd_(?:network|disk)_\w+_bytes_total\{.*\} ([1-9].*)", RISING),
    (r"node_scrape_collector_duration_seconds\{.*\} (.+)", JITTER),
)


def page(text: str, moving: Sequence[tuple[str, str]]) -> Page:
    """The text in pieces, between them what moves."""
    pieces: Page = []
    still = ""
    for line in text.splitlines(keepends=True):
        found = next(
            ((hit, like) for pattern, like in moving if (hit := re.fullmatch(pattern, line[:-1]))),
            None,
        )
        if found is None:
            still += line
        else:
            hit, like = found
            pieces.append((still + line[: hit.start(1)], like))
            still = "\n"
    return [*pieces, (still, "")]


def pages(folder: Path) -> dict[str, dict[str, Page]]:
    """Of each side (connector, node_exporter) the page of `KIND/NODE`."""
    ours: dict[str, Page] = {}
    theirs: dict[str, Page] = {}
    began_s = time.time()
    procfs = folder / "proc"
    procfs.mkdir(parents=True)
    (procfs / "drbd").touch()
    with node_exporter(procfs, folder / "node_exporter.log") as server:
        for kind, node in _each():
            name = f"{kind.name}/{node}"
            shown = look(kind, node, folder / name, began_s)
            moving = [*_OF_CONNECTOR]
            if kind.passes:
                moving += [*_OF_PASSES, *(_OF_SUCCESS if shown.succeeds else ())]
            ours[name] = page(shown.connector, moving)
            (procfs / "drbd").write_text(shown.proc_drbd, encoding="utf-8")
            got = get(server.port, "/metrics", ACCEPT["default"])
            theirs[name] = page(got.text, _OF_NODE_EXPORTER)
    return {"connector": ours, "node_exporter": theirs}


def _each() -> Iterator[tuple[Kind, str]]:
    for kind in KINDS:
        for node in NODES:
            yield kind, node


def write_nodes(path: Path, kinds: Sequence[Kind], of: Mapping[str, Page], side: str) -> None:
    """What fleet_nodes serves: the nodes of all pairs in order, None for one that is gone."""
    nodes = [
        None if node == "beta" and not kind.beta_answers else f"{kind.name}/{node}"
        for kind in kinds
        for node in NODES
    ]
    written = {"content_type": CONTENT_TYPES[side], "pages": of, "nodes": nodes}
    path.write_text(json.dumps(written), encoding="utf-8")
