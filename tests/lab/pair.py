"""The pair that the stories are played on: DRBD on two nodes, `alpha` and `beta`."""

from __future__ import annotations

import json
import shlex
import sys
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from tests.stories.timeline import draw

from . import evidence
from .drbd_conf import drbd_conf
from .drbd_node import CHECKOUT, MINORS, DrbdNode, default_mountpoint
from .errors import LabError, WaitTimedOut
from .image import GUEST_FOLDER, Image
from .node import Completed
from .recording import Source, as_text
from .two_nodes import DISK_MIB, DISKS, TwoNodes
from .wait import wait_until

CONF_PATH = "/etc/drbd.conf"
CONFIGURATION_PATH = "/etc/connector/connector.toml"
CLEAN = "(guest/clean)"
MAP = 'dmsetup create mail --table "0 $(blockdev --getsz /dev/vda) linear /dev/vda 0";'
MAKING_TIMEOUT_S = 90.0
HANDSHAKE_TIMEOUT_S = 30.0
# How long one side may still be on its way to StandAlone after the other has got there.
RACE_S = 3.0


class Pair(TwoNodes):
    """Two running nodes with DRBD between them; a context manager.

    Entering boots both and makes a clean state; leaving ends both and removes their disks.
    """

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
        conf = drbd_conf(net_options, handlers, mapped=mapped)
        self.on_both(lambda node: node.install(CONF_PATH, conf))

    def _make_pristine(self) -> None:
        """Make the disks that every story begins with, and keep a copy of them.

        To copy them back takes a fraction of the time that it takes to make them.
        """
        for node in self.nodes:
            for disk in range(DISKS):
                node.overwrite_disk(disk, bytes(DISK_MIB << 20))
        self.on_both(
            lambda node: node.run(
                "drbdadm create-md --force all && drbdadm up all", timeout_s=MAKING_TIMEOUT_S
            )
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

    def split_brain(
        self,
        resource: str = "mail",
        *,
        still_active: Iterable[str] = ("alpha", "beta"),
        written: Iterable[int] | None = None,
        size_kib: int = 16,
    ) -> dict[str, str]:
        """Make a split brain and return each node's connection state by its name.

        `diverge`, and the link comes back. This returns when DRBD has refused to connect: both
        StandAlone, or one StandAlone and one WFConnection, which is a race. The other resource is
        left to reconnect by itself. Raises LabError.
        """
        self.diverge(resource, still_active=still_active, written=written, size_kib=size_kib)
        self.restore_link()
        return self.wait_for_refusal(resource)

    def diverge(
        self,
        resource: str = "mail",
        *,
        still_active: Iterable[str] = ("alpha", "beta"),
        written: Iterable[int] | None = None,
        size_kib: int = 16,
    ) -> None:
        """Cut the link and have both nodes take the resource over, or go on, and write.

        Each writes /…/from-NAME and a record on the minors in `written` (default: all of the
        resource). Then those not in `still_active` unmount and become Secondary. Raises LabError.
        """
        first = MINORS[resource][0]
        minors = tuple(written) if written is not None else MINORS[resource]
        self.cut_link()
        self.on_both(lambda node: node.wait_for_connection("WFConnection", minor=first))
        active = tuple(still_active)

        def diverge(node: DrbdNode) -> None:
            if not node.mounted(first):
                node.take_over(resource)
            for minor in minors:
                path = f"{default_mountpoint(minor)}/from-{node.name}"
                node.write_file(path, f"written on {node.name}\n", size_kib=size_kib)
                node.write(minor, 1)
            if node.name not in active:
                node.let_go(resource)

        self.on_both(diverge)

    def wait_for_refusal(self, resource: str = "mail") -> dict[str, str]:
        """Return both connection states, by node, when a handshake has ended in StandAlone."""
        minor = MINORS[resource][0]

        def seen() -> dict[str, str]:
            first, second = self.on_both(lambda node: node.connection(minor))
            return {"alpha": first, "beta": second}

        def refused() -> dict[str, str] | None:
            states = seen()
            known = set(states.values()) <= {"StandAlone", "WFConnection"}
            return states if known and "StandAlone" in states.values() else None

        wait_until(
            refused,
            timeout_s=HANDSHAKE_TIMEOUT_S,
            what=f"a refused handshake of {resource}",
            saw=self.both_proc_drbd,
        )
        # One that waits in WFConnection for good is how this race may end, too.
        with suppress(WaitTimedOut):
            wait_until(
                lambda: set(seen().values()) == {"StandAlone"}, timeout_s=RACE_S, what="both"
            )
        return seen()

    # -- the program under test ---------------------------------------------------------------

    def connector(self, node: DrbdNode, arguments: str, *, timeout_s: float = 90.0) -> Completed:
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
        """Give both nodes the same connector.toml: keys of [policy], of [run], and more lines.

        What a story does not say is quicker than the default: nothing is gained by watching
        longer, for what has not come up by then waits for the other node.
        """
        policy = {"demote_grace": 0, "respect_disconnect": 0, **(policy or {})}
        text = _section("policy", policy) + _section("run", {"settle": 3, **(run or {})}) + more
        for node in self.nodes:
            node.install(CONFIGURATION_PATH, text)
            mode = policy.get("mode", "reconnect")
            self.recording.add(node.name, Source.STORY, f"mode {mode}")

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


def _section(name: str, keys: Mapping[str, object]) -> str:
    return f"[{name}]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in keys.items())
