"""Asking a server on this machine, and what that costs it, for the benchmarks of scrapes."""

from __future__ import annotations

import gzip
import http.client
import os
import shutil
import sys
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from tests.contrib.monitoring.server import Server

PROJECT = Path(__file__).resolve().parents[1]
HOST = "127.0.0.1"
NODE_EXPORTER = "prometheus-node-exporter"
ANSWER_S = 60.0
LARGEST_BYTES = 100_000_000
ALL_CORES = ("env", f"GOMAXPROCS={os.cpu_count() or 1}")  # as a user has it
# What Prometheus 2.42 sends, by default and with --enable-feature=native-histograms.
ACCEPT = {
    "default": "application/openmetrics-text;version=1.0.0,"
    "application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
    "native-histograms": "application/vnd.google.protobuf;"
    "proto=io.prometheus.client.MetricFamily;encoding=delimited,"
    "application/openmetrics-text;version=1.0.0;q=0.8,"
    "application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
}


@dataclass(frozen=True, slots=True)
class Got:
    """One answer. `wall_s` is from before the connection until its last byte was read.

    `sent_bytes` is the size of the body as it came; `text` is what it says, empty for protobuf.
    """

    wall_s: float
    content_type: str
    sent_bytes: int
    text: str

    @property
    def samples(self) -> int:
        """How many lines are samples."""
        return sum(not line.startswith("#") for line in self.text.splitlines())


def get(port: int, path: str, accept: str = "text/plain", *, compressed: bool = False) -> Got:
    """Ask on a connection of its own, which is not kept.

    Raises SystemExit where the answer is anything but 200.
    """
    headers = {
        "Accept": accept,
        "Accept-Encoding": "gzip" if compressed else "identity",
        "Connection": "close",
    }
    began_s = time.perf_counter()
    with closing(http.client.HTTPConnection(HOST, port, timeout=ANSWER_S)) as connection:
        connection.request("GET", path, headers=headers)
        response = connection.getresponse()
        body = response.read(LARGEST_BYTES)
    wall_s = time.perf_counter() - began_s
    if response.status != 200:
        sys.exit(f"port {port}: {path}: status {response.status}: {body[:500]!r}")
    content_type = response.getheader("Content-Type", "")
    whole = gzip.decompress(body) if response.getheader("Content-Encoding") == "gzip" else body
    text = "" if "protobuf" in content_type else whole.decode("utf-8")
    return Got(wall_s, content_type, len(body), text)


def cpu_s(pid: int) -> float:
    """User and system time of a process so far, with its threads, also those that have ended.

    It is what /proc/PID/stat shows in hundredths of a second, finer: a scrape of a small node
    takes less than one of them.
    """
    # MAKE_PROCESS_CPUCLOCK(pid, CPUCLOCK_SCHED) in include/linux/posix-timers.h.
    return time.clock_gettime(~pid << 3 | 2)


def resident_bytes(pid: int) -> int:
    """The resident memory of a process now."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8", errors="replace")
    line = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1]) * 1024


def require(*programs: str) -> None:
    """SystemExit where one of Debian's packages is missing; they are named like their programs."""
    for program in programs:
        if shutil.which(program) is None:
            sys.exit(
                f"there is no {program}; as root, type: "
                f"apt-get install --no-install-recommends {program}"
            )


def node_exporter(procfs: Path, log: Path) -> Server:
    """Its drbd collector and nothing else, on the /proc/drbd in a folder."""
    argv = (
        *ALL_CORES,
        NODE_EXPORTER,
        f"--path.procfs={procfs}",
        "--collector.disable-defaults",
        "--collector.drbd",
        "--web.disable-exporter-metrics",
        "--web.listen-address=127.0.0.1:0",
    )
    return Server(argv, log, "/")
