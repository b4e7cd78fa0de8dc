"""A node with DRBD's vocabulary, and the laboratory's own reading of /proc/drbd.

The reading is kept apart from the program under test on purpose: what checks must not share the
mistakes of what is checked.
"""

from __future__ import annotations

import itertools
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from .administration import Administered, default_mountpoint
from .disks import RECORDS_FILE, read_records
from .node import Completed, Node
from .passes import Pass
from .recording import Source
from .wait import wait_until

CHECKOUT = Path(__file__).resolve().parents[2]
STATE_TIMEOUT_S = 60.0
KMSG_PATTERN = re.compile(r"^\d+,\d+,(\d+),[^;]*;(.*)$", re.MULTILINE)


@dataclass(frozen=True)
class MinorState:
    """One minor's lines in /proc/drbd; sizes in KiB."""

    connection: str
    role: str
    peer_role: str
    disk: str
    peer_disk: str
    out_of_sync_kib: int


UNCONFIGURED = MinorState("Unconfigured", "", "", "", "", 0)
_CONFIGURED = re.compile(
    r"^ *(\d+): cs:(\w+) ro:(\w+)/(\w+) ds:(\w+)/(\w+).*\n.* oos:(\d+)", re.MULTILINE
)


def read_states(proc_drbd: str) -> dict[int, MinorState]:
    """Return the state of every configured minor in a text of /proc/drbd."""
    return {
        int(minor): MinorState(connection, role, peer_role, disk, peer_disk, int(out_of_sync))
        for minor, connection, role, peer_role, disk, peer_disk, out_of_sync in (
            _CONFIGURED.findall(proc_drbd)
        )
    }


class DrbdNode(Node, Administered):
    """A node of the pair. Resources are `mail` (minor 0) and `db` (minors 1 and 2)."""

    _numbers = itertools.count(1)
    filesystem = "ext4"  # on every minor, unless a story makes another one
    states_command = "cat /proc/drbd"  # what shows a person the states
    more_evidence: Mapping[str, str] = {}  # files beside those of evidence.py

    # -- looking ------------------------------------------------------------------------------

    def proc_drbd(self) -> str:
        """Return the text of /proc/drbd."""
        return self.run("cat /proc/drbd").stdout

    def states(self) -> dict[int, MinorState]:
        """Return the state of every configured minor."""
        return read_states(self.proc_drbd())

    def state(self, minor: int = 0) -> MinorState:
        """Return one minor's state; UNCONFIGURED when /proc/drbd does not show it."""
        return self.states().get(minor, UNCONFIGURED)

    def connection(self, minor: int = 0) -> str:
        """Return one minor's connection state, in DRBD's word."""
        return self.state(minor).connection

    def wait_for_connection(
        self, *wanted: str, minor: int = 0, timeout_s: float = STATE_TIMEOUT_S
    ) -> str:
        """Return the minor's connection state once it is one of `wanted`. Raises WaitTimedOut."""
        return wait_until(
            lambda: state if (state := self.connection(minor)) in wanted else None,
            timeout_s=timeout_s,
            what=f"{self.name}: minor {minor} in {' or '.join(wanted)}",
            saw=lambda: self.run(self.states_command).stdout,
        )

    def kmsg_raw(self) -> str:
        """Return every record of /dev/kmsg as it comes, prefix and continuation lines included."""
        # One read(2) gives one record, and reading ends with EAGAIN: dd stops there.
        return self.run("dd if=/dev/kmsg iflag=nonblock bs=8192 2>/dev/null; true").stdout

    def kernel_lines(self) -> list[str]:
        """Return the messages in /dev/kmsg, oldest first, without their prefixes."""
        return [message for _, message in KMSG_PATTERN.findall(self.kmsg_raw())]

    def saw_in_kernel_log(self, text: str) -> bool:
        """Whether a message in /dev/kmsg contains `text`."""
        return any(text in line for line in self.kernel_lines())

    def mounted(self, minor: int = 0) -> bool:
        """Whether the minor is mounted in the node's first mount namespace."""
        return f" 147:{minor} " in self.read("/proc/1/mountinfo")

    def identifiers(self, resource: str = "mail") -> str:
        """Return the generation identifiers; each handshake that changes the data changes them."""
        return self.run(f"drbdadm get-gi {resource}").stdout

    # -- acting -------------------------------------------------------------------------------

    def drbdadm(self, arguments: str, *, check: bool = True) -> Completed:
        """Run drbdadm as an operator. Raises as `run` does."""
        self.recording.add(self.name, Source.STORY, f"drbdadm {arguments}")
        return self.run(f"drbdadm {arguments}", check=check)

    def crash(self) -> None:
        """Cut the power."""
        self.recording.add(self.name, Source.FAULT, "node crashed")
        self.kill()
        self.recording.add(self.name, Source.STORY, "crashed")

    def boot(self) -> None:
        """Boot it with its disks as they were, and bring DRBD up as at every boot."""
        self.boot_again()
        self.recording.add(self.name, Source.STORY, "booted")
        self.run("drbdadm up all")

    # -- the program under test ---------------------------------------------------------------

    def connector_loaded(self, *arguments: str, kill_after_s: float | None = None) -> Completed:
        """Run a command of connector where it is loaded already; see Node.connector."""
        return self.connector(arguments, checkout=CHECKOUT, kill_after_s=kill_after_s)

    def run_pass(self) -> Pass:
        """One `connector reconcile --json`; its commands are those that the node has noted."""
        self.catch_up()
        before = len(self.recording.events())
        done = self.connector_loaded("reconcile", "--json")
        self.catch_up()
        commands = tuple(
            event.text.split(maxsplit=3)[3]
            for event in self.recording.events()[before:]
            if event.node == self.name
            and event.source is Source.NODE
            and event.text.startswith("drbdadm ")
        )
        done_pass = Pass.read(done.exit_status, done.stdout, commands, done.stderr)
        for line in done_pass.decided:
            self.recording.add(self.name, Source.NODE, line)
        return done_pass

    def mount(self, minor: int = 0, mountpoint: str | None = None) -> str:
        """Mount the minor and return the mount point (by default /mnt/RESOURCE-MINOR)."""
        target = mountpoint or default_mountpoint(minor)
        quoted = shlex.quote(target)
        self.run(f"mkdir -p {quoted} && mount -t {self.filesystem} /dev/drbd{minor} {quoted}")
        return target

    def umount(self, minor: int = 0) -> None:
        """Unmount the minor wherever it is mounted."""
        self.run(f"umount /dev/drbd{minor}")

    def write(self, minor: int = 0, count: int = 3) -> tuple[str, ...]:
        """Write numbered records, each on the record once it is on the disk; return their names.

        A record is 64 bytes, appended to the file `records` of the mounted minor.
        """
        names = tuple(f"{self.name}-{next(self._numbers):05d}" for _ in range(count))
        folder = shlex.quote(default_mountpoint(minor))
        self.run(
            f"cd {folder} && for name in {' '.join(names)}; do printf '%-63s\\n' $name"
            f" >>{RECORDS_FILE} && sync -d {RECORDS_FILE} && echo wrote {minor} $name"
            " >/dev/ttyS1 || exit 1; done"
        )
        return names

    def start_writer(self, minor: int = 0) -> None:
        """Write a record about twice a second until `stop_writer`, or until that fails.

        It keeps the file system busy, so that nothing lands beside it when it is unmounted.
        """
        folder = shlex.quote(default_mountpoint(minor))
        name = f"{self.name}-w{next(self._numbers)}"
        self.run(
            f"cd {folder} || exit 1\n"
            "( number=0; while number=$((number + 1)); do\n"
            f"record={name}-$number\n"
            f"printf '%-63s\\n' $record >>{RECORDS_FILE} && sync -d {RECORDS_FILE} || break\n"
            f"echo wrote {minor} $record >/dev/ttyS1; sleep 0.4; done )"
            f" >/dev/null 2>&1 & echo $! >/run/lab/writer-{minor}"
        )

    def stop_writer(self, minor: int = 0) -> None:
        """End the writer, if there is one, and return when it has let go of the file system."""
        self.run(
            f"[ -e /run/lab/writer-{minor} ] || exit 0\n"
            f"writer=$(cat /run/lab/writer-{minor}); rm /run/lab/writer-{minor}\n"
            "kill $writer 2>/dev/null\n"
            "for i in $(seq 50); do [ -e /proc/$writer ] || break; sleep 0.1; done; sleep 0.5"
        )

    def before(self, command: str, script: str) -> None:
        """Have a script run once, right before connector's next drbdadm with that command."""
        self.recording.add(self.name, Source.STORY, f"before {command}: {script}")
        self.run(f"printf %s {shlex.quote(script)} >/run/lab/before/{command}")

    def records(self, minor: int = 0) -> frozenset[str]:
        """Return the records that the mounted file system holds."""
        path = f"{default_mountpoint(minor)}/{RECORDS_FILE}"
        return read_records(self.run(f"cat {shlex.quote(path)} 2>/dev/null; true").stdout)

    def write_file(self, path: str, text: str = "", *, size_kib: int = 0) -> None:
        """Write a file and have it on the disk on return; `size_kib` of random data follow."""
        quoted = shlex.quote(path)
        self.run(
            f"{{ printf %s {shlex.quote(text)}; head -c {size_kib << 10} /dev/urandom; }} "
            f">{quoted} && sync -f {quoted}"
        )
