"""The mail cluster: the pair with Heartbeat, a Maildir on the replicated disk, and its clients.

Heartbeat is Debian's own, and moves three things from node to node: the disk, a floating address,
and an SMTP server that acknowledges what is on the disk. A client at either end of the service's
network sends numbered messages all the time. With `old` the scripts are of the kind that connector
replaces (tests/lab/mail/old).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from types import TracebackType
from typing import Self

from tests.lab.cron import Cron
from tests.lab.drbd_node import DrbdNode
from tests.lab.lan_client import LanClient
from tests.lab.pair import Pair
from tests.lab.recording import Source
from tests.lab.two_nodes import LAN_SIDES
from tests.lab.wait import wait_until

from . import heartbeat
from .client import NumberedClient
from .heartbeat import ADDRESS, SMTP_PORT
from .setup import MOUNT, OLD, PID_FILE, WHERE, fill, prepare, start_heartbeat

# Of cron. Passes in shorter ones take a slow host's emulated processor from Heartbeat's scripts.
MINUTE_S = 15.0
# Between two looks into the nodes, for the same reason.
PAUSE_S = 2.0
# On either road. The little disk of the laboratory must hold what comes in a quarter of an hour.
INTERVAL_S = 1.0
TIMEOUT_S = 3.0
SERVICE_TIMEOUT_S = 600.0
CLIENT_ADDRESSES = ("10.9.1.251", "10.9.1.252")
LONGEST_PASS_S = 30
OLD_LOCK = "/var/lib/connector/old.lock"


class MailCluster:
    """A context manager: the service is up, and mail comes in, while it is entered."""

    def __init__(self, pair: Pair, mode: str, *, old: bool = False) -> None:
        """On a clean pair; `mode` is connector's on both nodes."""
        self.pair = pair
        self.old = old
        self._mode = mode
        self._cleanup = ExitStack()
        self.client: NumberedClient

    def __enter__(self) -> Self:
        """Bring it all up, alpha being the active node. Raises LabError."""
        with self._cleanup:
            pair = self.pair
            pair.configure({"mode": self._mode}, more="" if self.old else MOUNT)
            self._cleanup.callback(self.mend)
            pair.on_both(lambda node: prepare(node, old=self.old))
            fill(pair.alpha)
            pair.on_both(start_heartbeat)
            self.wait_until(
                lambda: self._serving(pair.alpha), SERVICE_TIMEOUT_S, "Heartbeat has alpha serve"
            )
            clients = [
                self._cleanup.enter_context(
                    LanClient(pair.lan, side, address, (ADDRESS, SMTP_PORT))
                )
                for side, address in zip(LAN_SIDES, CLIENT_ADDRESSES, strict=True)
            ]
            roads = dict(zip(LAN_SIDES, (client.road for client in clients), strict=True))
            self._cleanup.enter_context(self._cron())
            self.client = self._cleanup.enter_context(
                NumberedClient(roads, interval_s=INTERVAL_S, timeout_s=TIMEOUT_S)
            )
            self.wait_for_service()
            self._cleanup = self._cleanup.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Send no more mail, start no more passes, mend the networks."""
        self._cleanup.__exit__(kind, error, traceback)

    # -- looking ------------------------------------------------------------------------------

    def active(self) -> list[DrbdNode]:
        """Return the nodes on which the spool is mounted and the server runs."""
        return [node for node in self.pair.nodes if node.running and self._serving(node)]

    def wait_for_service(self, after_s: float | None = None, *, road: str | None = None) -> float:
        """Return how long after a moment (default: now) a message was sent and acknowledged."""
        at_s = time.monotonic() if after_s is None else after_s
        return wait_until(
            lambda: self.client.first_after(at_s, road),
            timeout_s=SERVICE_TIMEOUT_S,
            what=f"a message is acknowledged{f' on the road {road}' if road else ''}",
            saw=self.said,
        )

    def wait_until(self, seen: Callable[[], bool], timeout_s: float, what: str) -> None:
        """Look into the nodes now and then until it is seen. Raises WaitTimedOut."""
        wait_until(seen, timeout_s=timeout_s, what=what, saw=self.said, pause_s=PAUSE_S)

    def wait_together(self, timeout_s: float) -> None:
        """Return when mail is Connected and UpToDate on both nodes."""
        self.pair.wait_all("Connected", minors=[0], timeout_s=timeout_s)

    def said(self) -> str:
        """Return what both nodes show, for a person to read."""
        return "\n".join(
            node.run(
                f"echo '== {node.name}'; grep ' 0:' /proc/drbd; ip -4 -br addr show eth1;"
                "tail -n 25 /var/log/ha-log; tail -n 3 /var/log/mail-smtp",
                check=False,
            ).stdout
            for node in self.pair.nodes
            if node.running
        )

    def stale_lock(self) -> bool:
        """Whether a lock that nobody holds keeps passes from working: none takes that long."""
        old_one = f"find {OLD_LOCK} ! -newermt '{LONGEST_PASS_S} seconds ago' 2>/dev/null; true"
        return self.old and any(
            node.run(old_one).stdout != "" for node in self.pair.nodes if node.running
        )

    def crontab(self, node: DrbdNode) -> str:
        """Return root's own crontab, empty where there is none."""
        return node.run("crontab -l 2>/dev/null; true").stdout

    def settled(self) -> bool:
        """Whether Heartbeat is at rest on both nodes, and exactly one of them serves."""
        held = {
            node.run("cl_status rscstatus", check=False).stdout.strip() for node in self.pair.nodes
        }
        return held <= {"all", "none", "local", "foreign"} and len(self.active()) == 1

    def _serving(self, node: DrbdNode) -> bool:
        # What `service mail-smtp status` says, without the dozens of programs that it starts.
        script = f"grep -q ' {WHERE} ' /proc/mounts && kill -0 $(cat {PID_FILE})"
        return node.run(script, check=False).exit_status == 0

    # -- what happens to it -------------------------------------------------------------------

    def standby(self, node: DrbdNode) -> None:
        """Have Heartbeat move everything to the other node, as before maintenance."""
        node.recording.add(node.name, Source.STORY, "hb_standby")
        node.run("/usr/share/heartbeat/hb_standby all")

    def boot(self, node: DrbdNode) -> None:
        """Boot a node after a crash, with all that starts at boot: DRBD, Heartbeat, cron."""
        node.boot()
        prepare(node, old=self.old)
        start_heartbeat(node)

    def cut_beats(self) -> None:
        """Lose Heartbeat's beats on both networks, and nothing else."""
        self.pair.recording.add("", Source.FAULT, "beats cut")
        for wire in (self.pair.wire, self.pair.lan):
            wire.lose_those(heartbeat.is_beat)

    def cut_both(self) -> None:
        """Part the nodes on both networks, each with the client at its end."""
        self.pair.recording.add("", Source.FAULT, "service network parted")
        self.pair.lan.part([self.pair.alpha.name, LAN_SIDES[0]])
        self.pair.cut_link()

    def mend(self) -> None:
        """Have both networks carry everything again."""
        self.pair.lan.mend()
        self.pair.restore_link()

    # -- how it is made -----------------------------------------------------------------------

    def _cron(self) -> Cron:
        if not self.old:
            return self.pair.cron(MINUTE_S)
        script = f"sh {OLD}/connector.sh"
        return Cron(self.pair.nodes, MINUTE_S, lambda node: node.run(script).exit_status)
