"""What a scrape costs beside node_exporter's drbd collector, on the same /proc/drbd.

`python -m benchmarks.scrape`, or with `--help`. benchmarks/README.md tells what is compared, and
how.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.asking import (
    ACCEPT,
    NODE_EXPORTER,
    PROJECT,
    Got,
    cpu_s,
    get,
    node_exporter,
    require,
    resident_bytes,
)
from benchmarks.healthy_pass import (
    Node,
    in_own_namespace,
    machine,
    own_places,
    proc_drbd,
    spread,
    write,
)
from connector.report.shared_look import KEPT_S
from tests.contrib.monitoring.server import Server

LEAST_ROUNDS = 3
ROUNDS = 9
MINORS = 1000
AIM = 2.0
# A look is kept for a second. Nothing is asked for that long after each scrape, so that the next
# one looks afresh; what a server still does after its answer (Go collects its garbage) is counted.
PAUSE_S = KEPT_S + 0.2


@dataclass(frozen=True, slots=True)
class Request:
    """One way to ask."""

    accept: str
    compressed: bool

    def __str__(self) -> str:
        """As the table names it."""
        return f"{self.accept}, {'gzip' if self.compressed else 'identity'}"


# Prometheus always offers gzip; without it the series are compared, and no compression.
REQUESTS = tuple(Request(accept, compressed) for compressed in (True, False) for accept in ACCEPT)


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two, and how it is known that it looked afresh: by what it says of minor 0."""

    name: str
    server: Server
    samples: int
    out_of_sync: re.Pattern[str]


@dataclass(frozen=True, slots=True)
class Scrape:
    """What one scrape took; `cpu_s` is the server's."""

    wall_s: float
    cpu_s: float
    got: Got


def side(name: str, server: Server, minors: int, one: str, amount: str) -> Side:
    """A server that shows every minor: `one` matches one line of each.

    Raises SystemExit where it does not show them all.
    """
    got = get(server.port, "/metrics")
    shown = len(re.findall(one, got.text, re.MULTILINE))
    if shown != minors:
        sys.exit(f"{name} shows {shown} of {minors} minors")
    time.sleep(PAUSE_S)
    return Side(name, server, got.samples, re.compile(amount, re.MULTILINE))


def scrape(of: Side, request: Request, kib: int) -> Scrape:
    """Ask, and see in the answer that it is about now: minor 0 has `kib` out of sync."""
    before_s = cpu_s(of.server.pid)
    accept = ACCEPT[request.accept]
    got = get(of.server.port, "/metrics", accept, compressed=request.compressed)
    time.sleep(PAUSE_S)
    took_cpu_s = cpu_s(of.server.pid) - before_s
    if got.text:
        found = of.out_of_sync.search(got.text)
        if found is None or float(found[1]) != kib * 1024:
            sys.exit(f"{of.name} did not look afresh: {found[0] if found else 'no minor 0'}")
        if got.samples != of.samples:
            sys.exit(f"{of.name}: {got.samples} samples, {of.samples} before")
    return Scrape(got.wall_s, took_cpu_s, got)


def rounds(
    node: Node, sides: Sequence[Side], number: int, requests: Sequence[Request]
) -> dict[str, dict[str, list[Scrape]]]:
    """Every request to each side in turn, `number` times; who begins changes.

    One more round before that is not counted.
    """
    taken: dict[str, dict[str, list[Scrape]]] = {
        str(request): {item.name: [] for item in sides} for request in requests
    }
    for turn in range(number + 1):
        print(f"round {turn} of {number} ...", file=sys.stderr)
        kib = 4 * (turn + 1)
        text = proc_drbd(node.minors).replace("oos:0", f"oos:{kib}", 1)
        write(node.root / "proc/drbd", text)
        for request in requests:
            for item in sides if turn % 2 else reversed(sides):
                took = scrape(item, request, kib)
                if turn:
                    taken[str(request)][item.name].append(took)
    return taken


def measure(
    folder: Path,
    minors: int,
    number: int,
    *,
    isolated: bool,
    requests: Sequence[Request] = REQUESTS,
) -> dict[str, Any]:
    """Both on one composed node."""
    with own_places(folder, minors) if isolated else nullcontext():
        node = Node(folder, minors)
        with (
            node_exporter(node.root / "proc", node.folder / "node_exporter.log") as theirs,
            connector_exporter(node) as ours,
        ):
            sides = (
                side(
                    "node_exporter",
                    theirs,
                    minors,
                    r"^node_drbd_connected\{",
                    r'^node_drbd_out_of_sync_bytes\{device="drbd0"\} (.+)$',
                ),
                side(
                    "connector",
                    ours,
                    minors,
                    r'^connector_connection_state\{.*"Connected"\} 1.0$',
                    r'^connector_out_of_sync_bytes\{minor="0",.*\} (.+)$',
                ),
            )
            taken = rounds(node, sides, number, requests)
            resident = {item.name: resident_bytes(item.server.pid) for item in sides}
    by_request: dict[str, Any] = {}
    for request, by_side in taken.items():
        found = {item.name: told(item, by_side[item.name], resident[item.name]) for item in sides}
        by_request[request] = found | {"ratios": ratios(found)}
    return {
        "machine": machine() | {"node_exporter": version()},
        "minors": minors,
        "rounds": number,
        "configuration_files": isolated,
        "requests": by_request,
    }


def connector_exporter(node: Node) -> Server:
    """The exporter of this checkout on this node."""
    argv = (sys.executable, "-m", "connector", "exporter", "--port", "0")
    return Server(
        (*argv, "--config", str(node.folder / "connector.toml")),
        node.folder / "connector.log",
        "/-/healthy",
        node.environment() | {"PYTHONPATH": str(PROJECT)},
    )


def told(of: Side, taken: Sequence[Scrape], resident_bytes: int) -> dict[str, Any]:
    """One side's numbers for one request."""
    wall = spread([item.wall_s for item in taken])
    cpu = spread([item.cpu_s for item in taken])
    last = taken[-1].got
    return {
        "samples": of.samples,
        "content_type": last.content_type,
        "sent_bytes": last.sent_bytes,
        "resident_bytes": resident_bytes,
        "wall": wall,
        "wall_us_per_sample": round(wall["median_ms"] * 1000 / of.samples, 3),
        "cpu": cpu,
        "cpu_us_per_sample": round(cpu["median_ms"] * 1000 / of.samples, 3),
    }


def ratios(sides: Mapping[str, Mapping[str, Any]]) -> dict[str, float]:
    """connector's time for one sample in node_exporter's."""
    ours, theirs = sides["connector"], sides["node_exporter"]
    return {
        key: round(ours[f"{key}_us_per_sample"] / theirs[f"{key}_us_per_sample"], 2)
        for key in ("wall", "cpu")
    }


def version() -> str:
    """node_exporter's own word."""
    said = subprocess.run([NODE_EXPORTER, "--version"], capture_output=True, text=True, check=True)
    return (said.stdout or said.stderr).split()[2]


def table(found: Mapping[str, Any]) -> str:
    """The same for a person."""
    facts = ", ".join(f"{key.replace('_', ' ')} {value}" for key, value in found["machine"].items())
    lines = [facts, f"{found['minors']} minors, {found['rounds']} rounds; median (least to most)"]
    for request, sides in found["requests"].items():
        head = f"{request:34} {'ms':>24} {'CPU ms':>8} {'samples':>8} {'kB':>6}"
        lines += ["", f"{head} {'us/sample':>10} {'CPU us':>7}"]
        for name in ("node_exporter", "connector"):
            row = sides[name]
            wall = row["wall"]
            shown = f"{wall['median_ms']:.1f} ({wall['min_ms']:.1f} to {wall['max_ms']:.1f})"
            lines.append(
                f"  {name:32} {shown:>24} {row['cpu']['median_ms']:>8.1f} {row['samples']:>8} "
                f"{row['sent_bytes'] / 1000:>6.0f} {row['wall_us_per_sample']:>10.2f} "
                f"{row['cpu_us_per_sample']:>7.2f}"
            )
        ratio = sides["ratios"]
        lines.append(
            f"  ratio per sample: {ratio['wall']:.2f} of the time (aim: {AIM:g} at the most), "
            f"{ratio['cpu']:.2f} of the CPU time"
        )
    if not found["configuration_files"]:
        lines += [
            "",
            "No mount namespace could be had: there were no configuration files to compare.",
        ]
    return "\n".join(lines)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="at least 3; 9 by default")
    parser.add_argument("--minors", type=int, default=MINORS)
    given = parser.parse_args()
    require(NODE_EXPORTER)
    # It is started anew in a mount namespace, as a file and not as a module.
    os.environ["PYTHONPATH"] = str(PROJECT)
    isolated = in_own_namespace()
    with tempfile.TemporaryDirectory(prefix="connector-bench-") as folder:
        found = measure(
            Path(folder), given.minors, max(LEAST_ROUNDS, given.rounds), isolated=isolated
        )
    print(json.dumps(found, indent=2) if given.json else table(found))


if __name__ == "__main__":
    main()
