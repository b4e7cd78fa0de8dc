"""What is kept of both nodes when a story fails."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from .drbd_node import DrbdNode
from .errors import LabError

COMMAND_TIMEOUT_S = 30.0

EVIDENCE = {
    "kmsg": "dd if=/dev/kmsg iflag=nonblock bs=8192 2>/dev/null | grep -v '^[0-9].*;lab: '",
    "proc_drbd": "cat /proc/drbd",
    "dmesg": "dmesg",
    "mountinfo": "cat /proc/1/mountinfo",
    "processes": "grep -as . /proc/[0-9]*/cmdline | tr '\\0' ' '",
    # What is larger is a copy of a disk.
    "connector_state": "find /var/lib/connector /run/connector /etc/connector -type f -size -64k "
    "-printf '== %p\\n' -exec cat {} \\;",
}


def keep(nodes: Iterable[DrbdNode], folder: Path) -> None:
    """Write what the nodes show, and what was done to them, into `folder`/NODE/."""
    for node in nodes:
        target = folder / node.name
        target.mkdir(parents=True, exist_ok=True)
        # The transcript first: what follows adds to it.
        (target / "transcript").write_text("".join(node.transcript))
        (target / "console").write_text(node.console())
        for name, command in {**EVIDENCE, **node.more_evidence}.items():
            (target / name).write_text(output_of(node, command))


def output_of(node: DrbdNode, command: str) -> str:
    """Return both outputs of a command, or why there are none; never raises LabError."""
    try:
        done = node.run(command, timeout_s=COMMAND_TIMEOUT_S, check=False)
    except LabError as error:
        return f"not read: {error}\n"
    return done.stdout + done.stderr
