"""Runs in a node: `connector watch`, with each of its passes on the record as prefork.py has it.

With a number as its argument it has the exporter in it, at that port of 127.0.0.1.
"""

import os
import sys
import time
from pathlib import Path

from connector.cli.options import Setup
from connector.cli.watch import Served, watch
from connector.settings import Settings
from connector.watch import work as passes
from connector.watch.pass_process import Told
from connector.world import World

RECORD = "/dev/ttyS1"
INTERVAL_S = 60


def note(line: str) -> None:
    """Put a line on the record."""
    with open(RECORD, "wb", buffering=0) as record:
        record.write(line.encode() + b"\n")


def work(world: World, settings: Settings) -> Told:
    """A pass, and its beginning and its end on the record."""
    began_s = time.monotonic()
    note(f"pass {os.getpid()} reconcile")
    told = passes.work(world, settings)
    note(f"ended {os.getpid()} {told.exit_status} {time.monotonic() - began_s:.3f}")
    return told


if __name__ == "__main__":
    Path("/run/lab/watch.pid").write_text(str(os.getpid()), encoding="ascii")
    ports = [int(argument) for argument in sys.argv[1:]]
    served = [Served(port) for port in ports]
    watch(Setup(as_json=True), INTERVAL_S, work, *served)
