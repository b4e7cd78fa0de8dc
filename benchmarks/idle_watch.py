"""What an idle `connector watch` costs beside cron's passes over the same time.

Run as `python -m benchmarks.idle_watch [SECONDS]` (`make bench-idle`). Two connected resources in
a folder, a stand-in for drbdsetup that says nothing; both contenders run at the same time. CPU
time is user and system time of the process and of all its children that have ended
(/proc/PID/stat).
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

from tests.cli.stage import Stage

SECONDS = 600
MINUTE_S = 60.0
DRBDSETUP = "#!/bin/sh\necho 'exists -'\nexec sleep 100000\n"
_TICKS = os.sysconf("SC_CLK_TCK")


def cpu_s(pid: int) -> float:
    """Return the seconds of CPU that a process and its ended children have used (proc(5), stat)."""
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / _TICKS


def main(arguments: list[str]) -> int:
    """Measure, and print what came of it; return 0."""
    seconds = float(arguments[0]) if arguments else float(SECONDS)
    with tempfile.TemporaryDirectory() as folder:
        stage = Stage(Path(folder) / "watch")
        stage.program("drbdsetup", DRBDSETUP)
        cron = Stage(Path(folder) / "cron")
        cron.run("reconcile")
        with stage.start("watch") as running:
            time.sleep(5)
            began_s, watch_before_s = time.monotonic(), cpu_s(running.process.pid)
            before_s = os.times()
            passes = 0
            while (spent_s := time.monotonic() - began_s) < seconds:
                cron.run("reconcile")
                passes += 1
                time.sleep(max(0.0, min(MINUTE_S, seconds - spent_s)))
            watch_s = cpu_s(running.process.pid) - watch_before_s
            after_s = os.times()
        cron_s = sum(after_s[2:4]) - sum(before_s[2:4])
    print(f"watch   {watch_s:6.2f} s of CPU in {spent_s:.0f} s: {watch_s / spent_s:.3%} of a core")
    print(f"cron    {cron_s:6.2f} s of CPU in {passes} passes: {cron_s / spent_s:.3%} of a core")
    print(f"watch / cron {watch_s / cron_s:.2f} (aim: watch under 0.2 % of a core)")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
