"""`connector watch` in a node, with no more rights than its unit file leaves it."""

from __future__ import annotations

import json
import re
import shlex
import sys
from typing import Any

from . import drbd_conf
from .drbd_node import CHECKOUT, DrbdNode
from .loaded import put_connector
from .wait import wait_until

UNIT = CHECKOUT / "contrib" / "systemd" / "connector-watch.service"
SNIPPET = CHECKOUT / "contrib" / "drbd" / "connector-handlers.res"
INSTALLED = "/usr/local/sbin/connector"
PROGRAM = "/run/lab/connector"
LOG = "/run/lab/watch.log"
START_TIMEOUT_S = 300.0
END_TIMEOUT_S = 120.0


def capabilities() -> list[str]:
    """Return what CapabilityBoundingSet= of the unit file names, in setpriv's words."""
    found = re.search(r"^CapabilityBoundingSet=(.+)$", UNIT.read_text("utf-8"), re.MULTILINE)
    assert found is not None
    return [name.removeprefix("CAP_").lower() for name in found[1].split()]


def start_watch(node: DrbdNode, *, noted: bool = True, port: int | None = None) -> None:
    """Start it, and return when it reads events. Raises WaitTimedOut with what it says.

    With `port` it has the exporter in it. Without `noted` its commands go to drbdadm itself: to
    note them takes a third of a second each.
    """
    path = "/run/lab/bin:$PATH" if noted else "$PATH"
    bounding = ",".join(["-all", *(f"+{name}" for name in capabilities())])
    script = CHECKOUT / "tests" / "lab" / "guest" / "watching.py"
    node.run(
        f"cd {shlex.quote(str(CHECKOUT))}; : >{LOG}\n"
        f"PATH={path} PYTHONPATH={shlex.quote(str(CHECKOUT))} setsid"
        # Its own mount namespace, as ProtectSystem= and PrivateTmp= make one.
        " unshare --mount --propagation slave"
        f" setpriv --no-new-privs --bounding-set {bounding} --inh-caps -all"
        f" {shlex.quote(sys.executable)} {shlex.quote(str(script))} {port or ''}"
        f" >{LOG} 2>&1 </dev/null &"
    )
    wait_until(
        lambda: (
            "pgrep"
            in node.run("pgrep -f 'drbdsetup.* events2' >/dev/null && echo pgrep; true").stdout
        ),
        timeout_s=START_TIMEOUT_S,
        what=f"{node.name}: connector watch reads events",
        saw=lambda: node.run(f"cat {LOG}").stdout,
    )


def stop_watch(node: DrbdNode) -> None:
    """Ask it to end, and return when nothing of it is left. Raises WaitTimedOut."""
    node.run("kill -TERM $(cat /run/lab/watch.pid)")
    wait_until(
        lambda: (
            (
                node.run(
                    "[ -e /proc/$(cat /run/lab/watch.pid) ] || pgrep -f 'drbdsetup.* events2'",
                    check=False,
                )
            ).exit_status
            != 0
        ),
        timeout_s=END_TIMEOUT_S,
        what=f"{node.name}: connector watch has ended",
        saw=lambda: node.run(f"ps; cat {LOG}").stdout,
    )


def call_handler(node: DrbdNode) -> None:
    """Have DRBD call `connector handler`, by the line of contrib's snippet, in this node.

    It is loaded already: drbdadm ends a handler after some ten seconds (SIGALRM, seen here), which
    is what an emulated processor that shares its core may take to load it.
    """
    lines = re.findall(r'^\s+(split-brain ".+");$', SNIPPET.read_text("utf-8"), re.MULTILINE)
    line = lines[0].replace(INSTALLED, PROGRAM)
    node.install(drbd_conf.PATH, drbd_conf.drbd_conf(handlers=[line]))
    put_connector(node, PROGRAM)


def handled(node: DrbdNode) -> list[dict[str, Any]]:
    """Return what its handlers have noted, a dict for each call."""
    lines = node.read("/var/lib/connector/handlers.jsonl").splitlines()
    return [json.loads(line) for line in lines]


def said(node: DrbdNode) -> list[dict[str, Any]]:
    """Return its log, a dict for each line."""
    return [json.loads(line) for line in node.read(LOG).splitlines()]
