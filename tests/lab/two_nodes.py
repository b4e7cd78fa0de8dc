"""Two nodes and the networks between them, booted and ended together."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self, TypeVar

from .drbd_conf import ADDRESSES
from .drbd_node import DrbdNode
from .evidence import output_of
from .image import Image, image
from .packages import program
from .recording import Recording, Source
from .wait import wait_until
from .wire import Wire

DISKS = 3
DISK_MIB = 16
# Rescues are on it, too: dozens of a story in which passes are killed. The file has holes.
STATE_DISK_MIB = 512
MKFS = ("mkfs.ext4", "-q", "-m", "0", "-E", "lazy_itable_init=0,lazy_journal_init=0")
STATE_DISK = DISKS
# Below the resources of a story that wants other disks than the three of 16 MiB.
SPARE_DISK_MIB = 192
FOLDER_PREFIX = "drbd-lab-"
SYNC_TIMEOUT_S = 120.0
MKFS_TIMEOUT_S = 180.0

# Where clients of the nodes may be plugged into the second network: at a node's own end of it.
LAN_SIDES = ("alpha-side", "beta-side")

Result = TypeVar("Result")


class Named(Protocol):
    """A node, whoever speaks of it."""

    @property
    def name(self) -> str:
        """`alpha` or `beta`."""
        ...


class TwoNodes:
    """Two nodes with bare disks; a context manager that boots them and leaves nothing behind."""

    # What a pair of another generation of DRBD has for a node.
    node_type: type[DrbdNode] = DrbdNode

    def __init__(self, booted_from: Image | None = None) -> None:
        """Prepare two nodes. Raises LabUnavailable when there is nothing to boot from."""
        self._image = booted_from or image()
        self._cleanup = ExitStack()
        self.recording = Recording()
        self.wire: Wire
        self.lan: Wire
        self.alpha: DrbdNode
        self.beta: DrbdNode

    def __enter__(self) -> Self:
        """Boot both nodes, in parallel. Raises LabError; nothing is left running then."""
        with self._cleanup:
            _remove_abandoned_folders()
            folder = Path(tempfile.mkdtemp(prefix=f"{FOLDER_PREFIX}{os.getpid()}-"))
            self._cleanup.callback(shutil.rmtree, folder, ignore_errors=True)
            self.wire = Wire(list(ADDRESSES))
            self._cleanup.callback(self.wire.close)
            self.lan = Wire([*ADDRESSES, *LAN_SIDES])
            self._cleanup.callback(self.lan.close)
            nodes = []
            for name, address in ADDRESSES.items():
                node = self.node_type(
                    name,
                    address,
                    image=self._image,
                    folder=folder,
                    link=self.wire.plug(name),
                    lan=self.lan.plug(name),
                    recording=self.recording,
                )
                for _ in range(DISKS):
                    node.add_disk(DISK_MIB)
                # What outlasts a crash besides DRBD's data: connector's own state.
                subprocess.run(
                    [program(MKFS[0]), *MKFS[1:], str(node.add_disk(STATE_DISK_MIB))],
                    timeout=MKFS_TIMEOUT_S,
                    check=True,
                )
                node.add_disk(SPARE_DISK_MIB)
                nodes.append(node)
            self.alpha, self.beta = nodes
            for node in nodes:
                self._cleanup.callback(node.close)
                node.launch()
            for node in nodes:
                node.wait_booted()
            self._when_booted()
            self._cleanup = self._cleanup.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """End both nodes and remove their disks."""
        self._cleanup.close()

    def _when_booted(self) -> None:
        """What a subclass does before the pair is handed over; the nodes end if it raises."""

    @property
    def nodes(self) -> tuple[DrbdNode, DrbdNode]:
        """Both nodes, alpha first."""
        return self.alpha, self.beta

    def peer_of(self, node: DrbdNode) -> DrbdNode:
        """Return the other node."""
        return self.beta if node is self.alpha else self.alpha

    def on_both(self, work: Callable[[DrbdNode], Result]) -> tuple[Result, Result]:
        """Call `work` with each node at the same time; return alpha's result and beta's."""
        with ThreadPoolExecutor(2) as pool:
            first, second = pool.map(work, self.nodes)
        return first, second

    def at_once(self, *works: Callable[[], Result]) -> list[Result]:
        """Call all of them at the same time; return their results, in order."""
        with ThreadPoolExecutor(len(works)) as pool:
            return [future.result() for future in [pool.submit(work) for work in works]]

    def fault(self, node: DrbdNode, what: str) -> None:
        """Note that the story breaks something in a node."""
        self.recording.add(node.name, Source.FAULT, what)

    def wait_all(
        self,
        connection: str = "Connected",
        *,
        disks: str | None = "UpToDate",
        minors: Iterable[int] = (0, 1, 2),
        timeout_s: float = SYNC_TIMEOUT_S,
    ) -> None:
        """Return when both nodes show `connection`, and both disks `disks`, for every minor."""
        wanted = set(minors)

        def settled(node: DrbdNode) -> bool:
            states = node.states()
            return wanted <= states.keys() and all(
                state.connection == connection
                and (disks is None or (state.disk, state.peer_disk) == (disks, disks))
                for minor, state in states.items()
                if minor in wanted
            )

        wait_until(
            lambda: all(self.on_both(settled)),
            timeout_s=timeout_s,
            what=f"minors {sorted(wanted)} {connection} with disks {disks}",
            saw=self.both_proc_drbd,
        )

    def boot_both_again(self) -> None:
        """Cut the power of both nodes and boot them with their disks as they are."""
        for node in self.nodes:
            node.kill()
        for node in self.nodes:
            node.launch()
        for node in self.nodes:
            node.wait_booted()

    # -- the link -----------------------------------------------------------------------------

    def cut_link(self) -> None:
        """Pull the cable out on both ends. DRBD notices within about 2 s: wait for that."""
        self.recording.add("", Source.FAULT, "link cut")
        for node in self.nodes:
            if node.running:
                node.set_link(up=False)

    def cut_link_from(self, sender: Named) -> None:
        """Lose all that `sender` sends, with the carrier up: a link that works one way only."""
        self.recording.add("", Source.FAULT, f"link cut one way, from {sender.name}")
        self.wire.lose_from(sender.name)

    def make_link_lossy(self, percent: float) -> None:
        """Lose that share of the frames, both ways."""
        self.recording.add("", Source.FAULT, f"link loses {percent:g} %")
        self.wire.lose(percent)

    def restore_link(self) -> None:
        """Put the cable back in on both ends, and have it carry everything."""
        self.recording.add("", Source.STORY, "link restored")
        self.wire.mend()
        for node in self.nodes:
            if node.running:
                node.set_link(up=True)

    def both_proc_drbd(self) -> str:
        """Return /proc/drbd of both nodes, or what has the states there, for a person to read."""
        return "\n".join(
            f"-- {node.name}\n{output_of(node, node.states_command)}" for node in self.nodes
        )


def _remove_abandoned_folders() -> None:
    # A run that was killed leaves its disks; the number in the name says whose they were.
    for folder in Path(tempfile.gettempdir()).glob(f"{FOLDER_PREFIX}*-*"):
        owner = folder.name.removeprefix(FOLDER_PREFIX).partition("-")[0]
        if owner.isdigit() and not Path("/proc", owner).exists():
            shutil.rmtree(folder, ignore_errors=True)
