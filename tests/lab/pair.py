"""The pair that the stories are played on: DRBD on two nodes, `alpha` and `beta`."""

from __future__ import annotations

import shlex
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from . import evidence
from .administration import MINORS, default_mountpoint
from .connector_toml import connector_toml, mode_of
from .cron import Cron
from .drbd_conf import PATH as CONF_PATH
from .drbd_conf import drbd_conf
from .drbd_node import CHECKOUT, DrbdNode
from .errors import LabError
from .image import GUEST_FOLDER, Image
from .node import Completed
from .recording import Source, as_text
from .split_brains import WAITING, Seen, Splittable
from .timeline import draw
from .two_nodes import DISK_MIB, DISKS, TwoNodes
from .wait import wait_until

CONFIGURATION_PATH = "/etc/connector/connector.toml"
CLEAN = "(guest/clean)"
MAP = 'dmsetup create mail --table "0 $(blockdev --getsz /dev/vda) linear /dev/vda 0";'
MAKING_TIMEOUT_S = 300.0
HANDSHAKE_TIMEOUT_S = 90.0
CHANGED_KIB = 16


class Pair(TwoNodes, Splittable):
    """Two running nodes with DRBD between them; a context manager.

    Entering boots both and makes a clean state; leaving ends both and removes their disks.
    """

    # What another generation of DRBD wants otherwise: numbers in drbd.conf, and the meta-data.
    node_ids = False
    create_md = "drbdadm create-md --force all"

    def __init__(self, booted_from: Image | None = None) -> None:
        """Prepare a pair. Raises LabUnavailable when there is nothing to boot from."""
        super().__init__(booted_from)
        # Whether this story lets DRBD's own policies throw data away, on purpose.
        self.allow_policy_losses = False
        self._pristine: list[tuple[DrbdNode, int, bytes]] = []

    def _when_booted(self) -> None:
        self._configure((), ())
        self._make_pristine()
        self.reset()

    # -- a clean state ------------------------------------------------------------------------

    def begin(self, after_sb: Mapping[str, str] | None = None) -> None:
        """Make a clean state, with DRBD's after-sb policies; see `reset`."""
        self.reset([f"{key} {value}" for key, value in (after_sb or {}).items()])

    def reset(
        self,
        net_options: Iterable[str] = (),
        *,
        handlers: Iterable[str] = (),
        mapped: bool = False,
        reboot: bool = False,
    ) -> None:
        """Make a clean state: link up, both Secondary, Connected, UpToDate, nothing mounted.

        `net_options` and `handlers` go into drbd.conf (see there). Every minor has an empty ext4.
        `mapped` puts the device-mapper table /dev/mapper/mail between minor 0 and its disk.
        Processes, mounts and connector's files of the last story go, and so do its records in
        /dev/kmsg (their sequence numbers go on from where they were). `reboot` also boots both
        nodes again, which is done in any case when one does not run or cannot be cleaned.
        Raises LabError.
        """
        for node in self.nodes:
            node.catch_up()
            node.transcript.clear()
            node.forget_installed()
            node.filesystem = "ext4"
        self.recording.clear()
        self.allow_policy_losses = False
        if reboot or not all(node.running for node in self.nodes):
            self.boot_both_again()
        self.restore_link()
        clean = (GUEST_FOLDER / "clean").read_text()
        try:
            self.on_both(lambda node: node.run(clean, label=CLEAN))
        except LabError:
            # Suspended I/O or a hanging mount: only a power cut ends those.
            self.boot_both_again()
            self.on_both(lambda node: node.run(clean, label=CLEAN))
        self._configure(net_options, handlers, mapped=mapped)
        for node, disk, content in self._pristine:
            # DRBD is down, so nobody reads or writes there but us.
            node.overwrite_disk(disk, content)
        up = "blockdev --flushbufs /dev/vda /dev/vdb /dev/vdc; drbdadm up all"
        if mapped:
            up = MAP + up
        self.on_both(lambda node: node.run(up))
        self.wait_all("Connected")
        for node in self.nodes:
            node.catch_up()
        self.recording.clear()

    def _configure(
        self, net_options: Iterable[str], handlers: Iterable[str], *, mapped: bool = False
    ) -> None:
        conf = drbd_conf(net_options, handlers, mapped=mapped, node_ids=self.node_ids)
        self.on_both(lambda node: node.install(CONF_PATH, conf))

    def _make_pristine(self) -> None:
        """Make the disks that every story begins with, and keep a copy of them.

        To copy them back takes a fraction of the time that it takes to make them.
        """
        for node in self.nodes:
            for disk in range(DISKS):
                node.overwrite_disk(disk, bytes(DISK_MIB << 20))
        self.on_both(
            lambda node: node.run(f"{self.create_md} && drbdadm up all", timeout_s=MAKING_TIMEOUT_S)
        )
        self.wait_all("Connected", disks=None)
        # The disks are equal, so they may be declared in sync; a real sync would take its time.
        volumes = " ".join(
            f"{resource}/{volume}"
            for resource, minors in MINORS.items()
            for volume in range(len(minors))
        )
        self.alpha.run(
            f"for v in {volumes}; do drbdadm new-current-uuid --clear-bitmap $v || exit 1; done"
        )
        self.wait_all("Connected")
        self.alpha.run(
            "drbdadm primary all || exit 1\n"
            # Not lazily: what the kernel would write later comes into nobody's out-of-sync count.
            "lazy=lazy_itable_init=0,lazy_journal_init=0\n"
            "for m in 0 1 2; do mkfs.ext4 -q -F -E $lazy /dev/drbd$m || exit 1; done\n"
            "drbdadm secondary all",
            timeout_s=MAKING_TIMEOUT_S,
        )
        self.on_both(lambda node: node.run("drbdadm down all && sync"))
        self._pristine = [
            (node, disk, node.disks[disk].read_bytes())
            for node in self.nodes
            for disk in range(DISKS)
        ]

    # -- trouble ------------------------------------------------------------------------------

    def diverge(
        self,
        resource: str = "mail",
        *,
        still_active: Iterable[str] = ("alpha", "beta"),
        written: Iterable[int] | None = None,
    ) -> None:
        """Cut the link and have both nodes take the resource over, or go on, and write.

        Each writes /…/from-NAME and a record on the minors in `written` (default: all of the
        resource). Then those not in `still_active` unmount and become Secondary. Raises LabError.
        """
        first = MINORS[resource][0]
        minors = tuple(written) if written is not None else MINORS[resource]
        self.cut_link()
        self.on_both(lambda node: node.wait_for_connection(*WAITING, minor=first))
        active = tuple(still_active)

        def diverge(node: DrbdNode) -> None:
            if not node.mounted(first):
                node.take_over(resource)
            for minor in minors:
                path = f"{default_mountpoint(minor)}/from-{node.name}"
                node.write_file(path, f"written on {node.name}\n", size_kib=CHANGED_KIB)
                node.write(minor, 1)
            if node.name not in active:
                node.let_go(resource)

        self.on_both(diverge)

    def wait_until(self, seen: Callable[[], Seen | None], what: str) -> Seen:
        """Return what `seen` returns once that is true. Raises WaitTimedOut with both states."""
        return wait_until(seen, timeout_s=HANDSHAKE_TIMEOUT_S, what=what, saw=self.both_proc_drbd)

    # -- the program under test ---------------------------------------------------------------

    def connector(self, node: DrbdNode, arguments: str, *, timeout_s: float = 240.0) -> Completed:
        """Run this checkout's connector in a node, with the Python that runs us.

        Returns how it ended, whatever its exit status. Raises CommandTimedOut or NodeDied.
        """
        return node.run(self.connector_command(arguments), timeout_s, check=False)

    def configure(
        self,
        policy: Mapping[str, object] | None = None,
        *,
        run: Mapping[str, object] | None = None,
        more: str = "",
    ) -> None:
        """Give both nodes the same connector.toml: keys of [policy], of [run], and more lines."""
        for node in self.nodes:
            node.install(CONFIGURATION_PATH, connector_toml(policy, run, more))
            self.recording.add(node.name, Source.STORY, mode_of(policy))

    def cron(self, minute_s: float) -> Cron:
        """Return cron for both nodes, which runs while it is entered; see there."""
        return Cron(self.nodes, minute_s)

    def let_time_pass(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)

    def connector_command(self, arguments: str) -> str:
        """Return the shell words that run this checkout's connector in place of the shell."""
        return (
            f"cd {shlex.quote(str(CHECKOUT))} && PATH=/run/lab/bin:$PATH "
            f"exec {shlex.quote(sys.executable)} -m connector {arguments}"
        )

    def keep(self, folder: Path) -> None:
        """Write what both nodes show, and what was done to them, into `folder`/NODE/.

        `folder` itself gets the recording of both as text, and drawn as a timeline.
        """
        for node in self.nodes:
            node.catch_up()
        events = self.recording.events()
        evidence.keep(self.nodes, folder)
        (folder / "recording").write_text(as_text(events))
        (folder / "timeline.svg").write_text(draw(events, title=folder.name))
