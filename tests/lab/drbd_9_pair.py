"""The pair on DRBD 9: the same words, with the states where 9 has them.

It wants modules of DRBD 9 (drbd_9_modules.py). The states are read apart from the program under
test, as /proc/drbd of 8.4 is.
"""

from __future__ import annotations

import itertools
import json
import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from .disks import records_on, rescued_on
from .drbd_node import DrbdNode, MinorState
from .errors import LabError
from .image import image
from .pair import Pair
from .two_nodes import STATE_DISK

STATE_DIR = "/var/lib/connector"
STATUS = "drbdsetup status --json --verbose --statistics"
_ESTABLISHED = "Established"


def read_status(text: str) -> dict[int, MinorState]:
    """Return the state of every minor in what `drbdsetup status --json` prints on two nodes.

    The connection is in 9's words (Connecting, not WFConnection); of one that is Connected it is
    the replication state that says whether a resync is at work.
    """
    return {minor: state for resource in json.loads(text) for minor, state in _minors(resource)}


def _minors(resource: Mapping[str, Any]) -> Iterator[tuple[int, MinorState]]:
    for device, connection in itertools.product(resource["devices"], resource["connections"]):
        for peer in connection["peer_devices"]:
            if peer["volume"] == device["volume"]:
                yield (
                    device["minor"],
                    MinorState(
                        _state(connection["connection-state"], peer["replication-state"]),
                        resource["role"],
                        connection["peer-role"],
                        device["disk-state"],
                        peer["peer-disk-state"],
                        peer["out-of-sync"],
                    ),
                )


def _state(connection: str, replication: str) -> str:
    return connection if connection != "Connected" or replication == _ESTABLISHED else replication


class Drbd9Node(DrbdNode):
    """A node of the pair with DRBD 9."""

    states_command = "drbdsetup status --verbose --statistics"
    more_evidence: Mapping[str, str] = {
        "drbdsetup_status": STATUS,
        "events2": "drbdsetup events2 --now --statistics",
        "openers": "grep -r . /sys/kernel/debug/drbd/resources/*/volumes/*/openers",
    }

    def states(self) -> dict[int, MinorState]:
        """Return the state of every minor that has a connection."""
        return read_status(self.run(STATUS).stdout)

    def mount_read_only(self, minor: int = 0) -> str:
        """Mount the minor for reading, as DRBD 9 lets a Secondary, and return the mount point."""
        self.run(f"mkdir -p /mnt/read-only && mount -o ro /dev/drbd{minor} /mnt/read-only")
        return "/mnt/read-only"

    def on_disk(self, minor: int = 0) -> frozenset[str]:
        """Return the records on the minor's disk, read on the host. Raises as `records_on`."""
        return records_on(self.disks[minor])

    def rescued(self, minor: int = 0) -> frozenset[str]:
        """Return the records in the copies that connector has kept of the minor."""
        self.run("sync")  # the state disk is read below the node's mount
        return rescued_on(self.disks[STATE_DISK]).get(minor, frozenset())

    def said_by_a_pass(self) -> str:
        """Return what one `connector reconcile` prints, on both outputs."""
        done = self.connector_loaded("reconcile")
        return done.stdout + done.stderr

    def rehearse(self) -> tuple[int, str]:
        """Ask for a rehearsal of giving `mail` up; return the exit status and the error."""
        done = self.connector_loaded("recover", "mail", "--victim", "here", "--rehearse")
        return done.exit_status, done.stderr

    def remember(self, file: str, text: str) -> None:
        """Write a file of connector's state directory."""
        self.run(f"printf %s {shlex.quote(text)} >{STATE_DIR}/{shlex.quote(file)}")

    def remembered(self, file: str) -> str:
        """Return a file of connector's state directory; empty where it is not there."""
        return self.run(f"cat {STATE_DIR}/{shlex.quote(file)} 2>/dev/null; true").stdout

    @property
    def drbd_version(self) -> str:
        """The version of the module that the kernel has loaded; empty where it has none."""
        words = self.run("cat /proc/drbd 2>/dev/null; true").stdout.split()
        return words[1] if words[:1] == ["version:"] else ""


class Drbd9Pair(Pair):
    """Both nodes, booted with modules that were given; a context manager."""

    rescues = True  # a story may look for what was given up
    node_type = Drbd9Node
    node_ids = True
    create_md = "drbdadm create-md --force --max-peers=2 all"
    alpha: Drbd9Node
    beta: Drbd9Node

    def __init__(self, modules: Sequence[Path]) -> None:
        """Prepare a pair. Raises LabUnavailable, and ModulesUnfit where they do not fit."""
        super().__init__(image(given=modules))

    @property
    def nodes(self) -> tuple[Drbd9Node, Drbd9Node]:
        """Both nodes, alpha first."""
        return self.alpha, self.beta

    def _when_booted(self) -> None:
        for node in self.nodes:
            if not node.drbd_version.startswith("9."):
                raise LabError(
                    f"{node.name} has DRBD {node.drbd_version or 'not loaded'}, not 9: what the "
                    f"kernel said of the modules is\n{_about_modules(node.console())}"
                )
        super()._when_booted()


def _about_modules(console: str) -> str:
    lines = [line for line in console.splitlines() if "drbd" in line or "lab:" in line]
    return "\n".join(lines[-10:]) or "nothing"
