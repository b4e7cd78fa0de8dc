"""What a healthy pass costs beside a shell script of the old kind: CPU time and wall time.

`make bench`, or `python benchmarks/healthy_pass.py --help`. benchmarks/README.md tells what is
compared, and how.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

BIN = Path(sys.executable).parent  # of the virtual environment; its links are not followed
CONNECTOR = BIN / "connector"
LEAST_RUNS = 7
MINORS = (1, 100, 1000)
PROCESSES = 150  # what a small server runs; a pass looks at each one's mount namespace
_INSIDE = "CONNECTOR_BENCHMARK_INSIDE"  # set in the mount namespace: no variable of connector's

# What the old scripts did once a minute for one device. They knew no second one, so for several
# it is run for each, in one shell: that is the cheapest way.
SCRIPT = """\
#!/bin/sh
proc=$1
shift
for minor in "$@"; do
  mounted=$(mount | grep "/dev/drbd$minor " | wc -l)
  standalone=$(cat "$proc" | grep "^ *$minor: cs:" | grep "StandAlone" | wc -l)
  waiting=$(cat "$proc" | grep "^ *$minor: cs:" | grep "WFConnection" | wc -l)
  primary=$(cat "$proc" | grep "^ *$minor: cs:" | grep "ro:Primary" | wc -l)
  secondary=$(cat "$proc" | grep "^ *$minor: cs:" | grep "ro:Secondary" | wc -l)
  connected=$(cat "$proc" | grep "^ *$minor: cs:" | grep "cs:Connected" | wc -l)
  [ "$standalone" -eq 0 ] && [ "$waiting" -eq 0 ] && [ "$connected" -eq 1 ] || exit 1
  [ "$primary" -eq 1 ] || [ "$secondary" -eq 1 ] || exit 1
done
"""


@dataclass(frozen=True, slots=True)
class Sample:
    """What one run took; in seconds, of the process and all its children."""

    cpu_s: float
    wall_s: float


@dataclass(frozen=True, slots=True)
class Contender:
    """A command line that is measured. `minors` is of how many it finds something out."""

    name: str
    argv: Sequence[str | Path]
    minors: int


class Node:
    """A healthy, active node composed in a folder, with a `drbdadm` that counts its calls."""

    def __init__(self, folder: Path, minors: int) -> None:
        self.folder = folder
        self.minors = minors
        self.root = folder / "root"
        self.programs = folder / "bin"
        self._calls = folder / "drbdadm-calls"
        self._compose()

    def drbdadm_calls(self) -> int:
        """How often drbdadm has been started."""
        return len(self._calls.read_text().splitlines()) if self._calls.exists() else 0

    def contenders(self, *, defaults: bool) -> list[Contender]:
        """What is compared on this node."""
        script = self.folder / "old-script"
        numbers = [str(minor) for minor in range(self.minors)]
        proc = self.root / "proc/drbd"
        reconcile = (CONNECTOR, "reconcile")  # cron's own words; the root is a variable
        found = [
            Contender("old script, each minor", ("sh", script, proc, *numbers), self.minors),
            Contender("old script, once", ("sh", script, proc, "0"), 1),
            Contender(
                "connector, config and textfile",
                (*reconcile, "--config", self.folder / "connector.toml"),
                self.minors,
            ),
        ]
        if defaults:
            found.insert(0, Contender("connector, defaults", reconcile, self.minors))
        return found

    def environment(self) -> dict[str, str]:
        """What cron would give, with the stand-in first on PATH and the composed root."""
        path = f"{self.programs}:/usr/sbin:/usr/bin:/sbin:/bin"
        return {"PATH": path, "LC_ALL": "C", "CONNECTOR_ROOT": str(self.root)}

    def _compose(self) -> None:
        write(self.folder / "old-script", SCRIPT)
        write(self.root / "proc/drbd", proc_drbd(self.minors))
        write(self.root / "proc/swaps", "Filename\tType\tSize\tUsed\tPriority\n")
        write(self.root / "proc/sys/kernel/random/boot_id", f"{'0' * 32}\n")
        for name in ("self", *(str(pid) for pid in range(1, PROCESSES + 1))):
            process = self.root / "proc" / name
            write(process / "mountinfo", mountinfo(self.minors))
            (process / "ns").mkdir()
            (process / "ns/mnt").symlink_to("mnt:[4026531841]")
            (process / "root").symlink_to("/")
        for minor in range(self.minors):
            (self.root / f"sys/block/drbd{minor}/holders").mkdir(parents=True)
        write(self.folder / "dump.xml", dump_xml(self.minors))
        write(self.programs / "drbdadm", stand_in(self._calls, self.folder / "dump.xml"))
        (self.programs / "drbdadm").chmod(0o755)
        write(
            self.folder / "connector.toml",
            '[policy]\nmode = "reconnect"\n[run]\n'
            f'state_dir = "{self.folder}/state"\nlock = "{self.folder}/lock"\n'
            f'[metrics]\ntextfile = "{self.folder}/connector.prom"\n',
        )


def write(path: Path, text: str) -> None:
    """A file with its folders."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def proc_drbd(minors: int) -> str:
    """As an active node of DRBD 8.4 prints it."""
    blocks = (
        f"{minor:2d}: cs:Connected ro:Primary/Secondary ds:UpToDate/UpToDate C r-----\n"
        f"    ns:{minor * 4096} nr:0 dw:{minor * 4100} dr:472 al:10 bm:0 lo:0 pe:0 ua:0 ap:0 ep:1 "
        "wo:f oos:0\n"
        for minor in range(minors)
    )
    return "version: 8.4.11 (api:1/proto:86-101)\nsrcversion: F73C670A7EC572DB9CF3E5B \n" + (
        "".join(blocks)
    )


def mountinfo(minors: int) -> str:
    """The root filesystem, and every minor mounted."""
    return "29 1 254:0 / / rw,relatime - ext4 /dev/vda rw\n" + "".join(
        f"{40 + minor} 29 147:{minor} / /srv/r{minor} rw,relatime shared:{minor + 1} - "
        f"ext4 /dev/drbd{minor} rw\n"
        for minor in range(minors)
    )


def dump_xml(minors: int) -> str:
    """One resource of one volume for each minor."""
    host = os.uname().nodename
    return (
        '<config file="/etc/drbd.conf">\n'
        + "".join(
            f'<resource name="r{minor}" conf-file-line="/etc/drbd.d/r{minor}.res:1">'
            f'<host name="{host}"><volume vnr="0"><device minor="{minor}">/dev/drbd{minor}</device>'
            "</volume></host></resource>\n"
            for minor in range(minors)
        )
        + "</config>\n"
    )


def stand_in(calls: Path, xml: Path) -> str:
    """A `drbdadm` that notes each call and prints the names."""
    return f"#!/bin/sh\necho \"$*\" >> '{calls}'\nexec cat '{xml}'\n"


def configuration(folder: Path, minors: int) -> None:
    """A drbd.conf of the usual kind: one file for each resource."""
    write(folder / "drbd.conf", 'include "drbd.d/global_common.conf";\ninclude "drbd.d/*.res";\n')
    write(folder / "drbd.d/global_common.conf", "global { usage-count no; }\ncommon { }\n")
    for minor in range(minors):
        write(
            folder / f"drbd.d/r{minor}.res",
            f"resource r{minor} {{ device /dev/drbd{minor}; disk /dev/vg/r{minor}; "
            f"meta-disk internal; on alpha {{ address 10.0.0.1:{7000 + minor}; }} "
            f"on beta {{ address 10.0.0.2:{7000 + minor}; }} }}\n",
        )


def measure(argv: Sequence[str | Path], environment: dict[str, str]) -> Sample:
    """Run it to its end, which must be good and silent."""
    began_s = time.perf_counter()
    process = subprocess.Popen(
        argv,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert process.stdout is not None
    said = process.stdout.read()
    # The usage of the process and of every child that it has waited for.
    _, status, usage = os.wait4(process.pid, 0)
    wall_s = time.perf_counter() - began_s
    process.stdout.close()
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode or said:
        shown = " ".join(map(str, argv[:4]))
        sys.exit(f"{shown}: exit status {process.returncode}: {said.decode(errors='replace')}")
    return Sample(usage.ru_utime + usage.ru_stime, wall_s)


def compare(
    contenders: Sequence[Contender], environment: dict[str, str], runs: int
) -> dict[str, list[Sample]]:
    """Each in turn, `runs` times, each time from another one on: a drift of the machine hits all.

    One round before that is not counted: files come into the page cache, names into connector's.
    """
    samples: dict[str, list[Sample]] = {item.name: [] for item in contenders}
    for item in contenders:
        if item.minors <= 1 or item.name.startswith("connector"):
            measure(item.argv, environment)
    for number in range(runs):
        first = number % len(contenders)
        for item in (*contenders[first:], *contenders[:first]):
            samples[item.name].append(measure(item.argv, environment))
    return samples


def spread(values: Sequence[float]) -> dict[str, float]:
    """Median, least and most, in ms."""
    return {
        "median_ms": round(statistics.median(values) * 1000, 2),
        "min_ms": round(min(values) * 1000, 2),
        "max_ms": round(max(values) * 1000, 2),
    }


def on_node(folder: Path, minors: int, runs: int, *, isolated: bool) -> dict[str, Any]:
    """All contenders on one composed node."""
    with own_places(folder, minors) if isolated else nullcontext():
        return _on_node(Node(folder, minors), runs, defaults=isolated)


def _on_node(node: Node, runs: int, *, defaults: bool) -> dict[str, Any]:
    contenders = node.contenders(defaults=defaults)
    environment = node.environment()
    for item in contenders:  # drbdadm is asked here, once for each state directory
        if item.name.startswith("connector"):
            measure(item.argv, environment)
    before = node.drbdadm_calls()
    samples = compare(contenders, environment, runs)
    rows = {
        name: {
            "cpu": spread([sample.cpu_s for sample in taken]),
            "wall": spread([sample.wall_s for sample in taken]),
        }
        for name, taken in samples.items()
    }
    return {
        "minors": node.minors,
        "runs": runs,
        "drbdadm_started_to_learn_the_names": before,
        "drbdadm_started_while_measured": node.drbdadm_calls() - before,
        "contenders": rows,
    }


@contextmanager
def own_places(folder: Path, minors: int) -> Iterator[None]:
    """In this mount namespace only: a fresh state directory, and a drbd.conf in /etc."""
    configuration(folder / "etc", minors)
    mount("-t", "tmpfs", "-o", "mode=755", "tmpfs", "/var/lib")
    mount("-t", "tmpfs", "-o", "mode=755", "tmpfs", "/run")
    mount("-t", "overlay", "-o", f"lowerdir={folder / 'etc'}:/etc", "overlay", "/etc")
    try:
        yield
    finally:
        subprocess.run(["umount", "/etc", "/run", "/var/lib"], check=True)


def mount(*words: str) -> None:
    """`mount` must succeed; only ever in a namespace of its own."""
    subprocess.run(["mount", *words], check=True)


def baseline(runs: int) -> dict[str, dict[str, float]]:
    """What Python itself takes, and Python with click: a floor under connector's numbers."""
    lines = {"python": "pass", "python with click": "import click"}
    environment = {"PATH": os.defpath, "LC_ALL": "C"}
    return {
        name: spread(
            [measure((sys.executable, "-c", line), environment).cpu_s for _ in range(runs)]
        )
        for name, line in lines.items()
    }


def machine() -> dict[str, str | int]:
    """What the numbers depend on."""
    models = [
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    ]
    return {
        "cpu": models[0] if models else platform.machine(),
        "cpus": os.cpu_count() or 0,
        "kernel": platform.release(),
        "python": platform.python_version(),
        "connector": version("drbd-connector"),
        "click": version("click"),
        "sh": os.path.realpath(shutil.which("sh") or "sh"),
        "load_1min": f"{os.getloadavg()[0]:.2f}",
        "processes_on_the_node": PROCESSES,
    }


def table(found: dict[str, Any]) -> str:
    """The same for a person."""
    facts = ", ".join(f"{key.replace('_', ' ')} {value}" for key, value in found["machine"].items())
    lines = [facts]
    lines += [
        f"{name} alone: {cpu['median_ms']:.1f} ms of CPU" for name, cpu in found["baseline"].items()
    ]
    for node in found["nodes"]:
        script = node["contenders"]["old script, each minor"]["cpu"]["median_ms"]
        lines += [
            "",
            f"{node['minors']} minor(s), {node['runs']} runs; median (least to most), in ms",
            f"{'':32} {'CPU time':>28} {'wall time':>28} {'CPU/minor':>10} {'x script':>9}",
        ]
        for name, row in node["contenders"].items():
            cpu = row["cpu"]["median_ms"]
            alone = name == "old script, once"
            each = "-" if alone and node["minors"] > 1 else f"{cpu / node['minors']:.3f}"
            lines.append(
                f"{name:32} {_shown(row['cpu'])} {_shown(row['wall'])} {each:>10} "
                f"{cpu / script:>9.3f}"
            )
        lines.append(
            f"drbdadm was started {node['drbdadm_started_while_measured']} times in the measured "
            f"passes, {node['drbdadm_started_to_learn_the_names']} times before them"
        )
    return "\n".join([*lines, "", *found["notes"]])


def notes(*, isolated: bool) -> list[str]:
    """What has to be known to judge the numbers."""
    found = [
        "'old script, each minor' is one shell that does its work for one minor after the other, "
        "as its authors did for one device; 'old script, once' is told of one minor only.",
        "The file that all of them read is an ordinary one: the kernel's own time for printing "
        "/proc/drbd is in none of the numbers.",
    ]
    if not isolated:
        found.append(
            "No mount namespace could be had: the row 'connector, defaults' is missing, because "
            "its state directory would be this machine's own /var/lib/connector."
        )
    elif Path("/etc/connector/connector.toml").exists():
        found.append("This machine has a connector.toml: 'defaults' was measured with it.")
    return found


def _shown(values: dict[str, float]) -> str:
    least_to_most = f"({values['min_ms']:.1f} to {values['max_ms']:.1f})"
    return f"{values['median_ms']:>9.1f} {least_to_most:>18}"


def in_own_namespace() -> bool:
    """Whether this process may mount what it likes without anybody else seeing it.

    Where it does not yet, it is started anew in a mount namespace, with a user namespace around it
    where it is not root's; False where the kernel allows neither.
    """
    if os.environ.get(_INSIDE):
        return os.environ[_INSIDE] == "yes"
    words = (
        ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--map-root-user", "--mount"]
    )
    tried = subprocess.run([*words, "true"], capture_output=True, check=False)
    if tried.returncode == 0:
        os.environ[_INSIDE] = "yes"
        os.execvp(words[0], [*words, sys.executable, *sys.argv])
    return False


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--runs", type=int, default=LEAST_RUNS, help="at least 7 (default)")
    parser.add_argument("--minors", type=int, nargs="+", default=list(MINORS))
    given = parser.parse_args()
    isolated = in_own_namespace()
    runs = max(LEAST_RUNS, given.runs)
    found: dict[str, Any] = {"machine": machine(), "baseline": baseline(runs), "nodes": []}
    for minors in given.minors:
        print(f"{minors} minor(s) ...", file=sys.stderr)
        with tempfile.TemporaryDirectory(prefix="connector-bench-") as folder:
            found["nodes"].append(on_node(Path(folder), minors, runs, isolated=isolated))
    found["notes"] = notes(isolated=isolated)
    print(json.dumps(found, indent=2) if given.json else table(found))


if __name__ == "__main__":
    main()
