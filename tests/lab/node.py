"""One machine of the laboratory: a QEMU process that is booted, commanded, and crashed."""

from __future__ import annotations

import json
import shlex
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from .channel import Answer, Channel, ChannelClosed
from .errors import CommandFailed, CommandTimedOut, LabError, NodeDied
from .image import Image
from .qemu import Wiring, command_line
from .qmp import Monitor
from .recording import Recording, Source, Tail

BOOT_TIMEOUT_S = 240.0
COMMAND_TIMEOUT_S = 90.0
# What the agent may take on top of a script's own limit: its kill, and the emulation's slowness.
PATIENCE_S = 12.0
# To load connector once after each boot, in emulation and beside whatever else goes on.
LOADING_S = 300.0
# cron's own; before it, where the lab notes which drbdadm is run (guest/drbdadm).
CRON_ENVIRONMENT = {
    "PATH": "/run/lab/bin:/usr/bin:/bin",
    "HOME": "/root",
    "LC_ALL": "C.UTF-8",
    "DM_DISABLE_UDEV": "1",
}


@dataclass(frozen=True)
class Completed:
    """A command that ended."""

    exit_status: int
    stdout: str
    stderr: str
    duration_s: float


class Node:
    """A virtual machine. Its disks outlast a crash; everything else of it does not.

    QEMU dies with the *thread* that started it (that is how the kernel's parent-death signal
    works), so `launch` and `boot_again` belong in the main thread.
    """

    def __init__(
        self,
        name: str,
        address: str,
        *,
        image: Image,
        folder: Path,
        link: socket.socket,
        lan: socket.socket,
        recording: Recording,
    ) -> None:
        """Prepare a node that is not running; `folder` takes its disks, console and record.

        `link` and `lan` are the ends of the wires that the network cards are plugged into. Every
        line of the console and of the record goes into `recording` as it comes, until `close`.
        """
        self.name = name
        self.address = address
        self.disks: list[Path] = []
        self.console_file = folder / f"{name}.console"
        self.record_file = folder / f"{name}.record"
        self.recording = recording
        self._tail = Tail(
            name, {Source.KERNEL: self.console_file, Source.NODE: self.record_file}, recording
        )
        self.transcript: list[str] = []
        self._image = image
        self._folder = folder
        self._link = link
        self._lan = lan
        self._installed: dict[str, str] = {}
        self._process: subprocess.Popen[bytes] | None = None
        self._channel: Channel | None = None
        self._monitor: Monitor | None = None
        self._link_up = True
        self._began = time.monotonic()

    # -- the machine --------------------------------------------------------------------------

    def add_disk(self, size_mib: int) -> Path:
        """Add an empty raw disk, of use from the next boot; return its image file."""
        path = self._folder / f"{self.name}.disk{len(self.disks)}"
        with path.open("wb") as file:
            file.truncate(size_mib << 20)
        self.disks.append(path)
        return path

    def overwrite_disk(self, number: int, content: bytes) -> None:
        """Write a disk from its start, in place; a running node may still have old pages of it."""
        with self.disks[number].open("r+b") as file:
            file.write(content)

    def start(self) -> None:
        """Boot the node and return when it takes commands. Raises NodeDied or LabError."""
        self.launch()
        self.wait_booted()

    def launch(self) -> None:
        """Start QEMU and return at once; `wait_booted` is the other half of `start`."""
        if self.running:
            raise LabError(f"{self.name} is running already")
        command_here, command_there = socket.socketpair()
        monitor_here, monitor_there = socket.socketpair()
        errors = (self._folder / f"{self.name}.qemu").open("ab")
        with command_there, monitor_there, errors:
            wiring = Wiring(
                command_there.fileno(),
                monitor_there.fileno(),
                self._link.fileno(),
                self._lan.fileno(),
            )
            self._process = subprocess.Popen(
                command_line(
                    self.name,
                    self.address,
                    image=self._image,
                    wiring=wiring,
                    console=self.console_file,
                    record=self.record_file,
                    disks=self.disks,
                ),
                pass_fds=wiring.descriptors,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                start_new_session=True,  # a Ctrl-C on the terminal is for us, not for QEMU
            )
        self._channel = Channel(command_here)
        self._monitor = Monitor(monitor_here, self.name)
        self._note(f"# {self.name} is booted")
        if not self._link_up:  # a cable that is out stays out through a crash
            self.set_link(up=False)

    def wait_booted(self, timeout_s: float = BOOT_TIMEOUT_S) -> None:
        """Return when the agent in the node answers. Raises NodeDied or LabError."""
        if self._channel is None:
            raise NodeDied(f"{self.name} was not started")
        if not self._channel.ready.wait(timeout_s):
            raise LabError(f"{self.name} did not boot in {timeout_s} s: {self._last_words()}")
        if self._channel.closed:
            raise NodeDied(f"{self.name} died while it booted: {self._last_words()}")
        for path, text in self._installed.items():
            self._write(path, text)

    @property
    def running(self) -> bool:
        """Whether the machine's process is there."""
        return self._process is not None and self._process.poll() is None

    @property
    def booted(self) -> bool:
        """Whether it has come up and takes commands."""
        channel = self._channel
        return channel is not None and channel.ready.is_set() and not channel.closed

    def kill(self) -> None:
        """End the machine as a power cut would; what its kernel had not written yet is lost."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(timeout=20)
            self._note(f"# {self.name} is killed")
        if self._channel is not None:
            self._channel.close()
        if self._monitor is not None:
            self._monitor.close()
        self._process = self._channel = self._monitor = None

    def close(self) -> None:
        """End the machine and follow its files no more."""
        self.kill()
        self._tail.close()

    def catch_up(self) -> None:
        """Have everything in the recording that the node has written by now."""
        self._tail.catch_up()

    def boot_again(self) -> None:
        """Boot the node (killing it first if it runs) with its disks as they were left."""
        self.kill()
        self.start()

    def set_link(self, *, up: bool) -> None:
        """Plug the network cable in or out; the node's kernel sees the carrier come or go."""
        if self._monitor is None:
            raise NodeDied(f"{self.name} is not running")
        self._link_up = up
        self._monitor.execute("set_link", name="nic", up=up)
        self._note(f"# link {'up' if up else 'down'}")

    # -- commands -----------------------------------------------------------------------------

    def run(
        self,
        command: str,
        timeout_s: float = COMMAND_TIMEOUT_S,
        *,
        check: bool = True,
        label: str | None = None,
    ) -> Completed:
        """Run a shell script as root in the node and return how it ended.

        It starts in `/`, with nothing on its standard input. Several threads may call this at
        once. `label` stands for a long script in the transcript and in errors. Raises
        CommandFailed (unless `check` is False), CommandTimedOut or NodeDied.
        """
        answer, duration_s = self._ask(command, timeout_s, label or command)
        if check and answer.exit_status != 0:
            raise CommandFailed(
                f"{self.name}: exit status {answer.exit_status} from: {label or command}\n"
                f"{answer.stdout}{answer.stderr}"
            )
        return Completed(answer.exit_status or 0, answer.stdout, answer.stderr, duration_s)

    def connector(
        self,
        arguments: Sequence[str],
        *,
        checkout: Path,
        environment: Mapping[str, str] = CRON_ENVIRONMENT,
        timeout_s: float = 240.0,
        kill_after_s: float | None = None,
    ) -> Completed:
        """Run connector from a checkout in a process that has it loaded (guest/prefork.py).

        Returns how it ended, whatever its exit status; `kill_after_s` after its start it gets
        SIGKILL if it still runs. Raises CommandTimedOut or NodeDied.
        """
        asked = {
            "checkout": str(checkout),
            "arguments": list(arguments),
            "environment": dict(environment),
            "kill_after_s": kill_after_s,
        }
        shown = f"connector {' '.join(arguments)}"
        if kill_after_s is not None:
            shown += f"    # killed after {kill_after_s:.2f} s"
        answer, duration_s = self._ask(
            f"#!connector {json.dumps(asked)}", timeout_s, shown, patience_s=LOADING_S
        )
        return Completed(answer.exit_status or 0, answer.stdout, answer.stderr, duration_s)

    def _ask(
        self, script: str, timeout_s: float, shown: str, *, patience_s: float = PATIENCE_S
    ) -> tuple[Answer, float]:
        """The answer to a script, with an exit status, and how long it took, on the transcript."""
        if self._channel is None:
            raise NodeDied(f"{self.name} is not running; not run: {shown}")
        began = time.monotonic()
        try:
            answer = self._channel.ask(script, limit_s=timeout_s, patience_s=timeout_s + patience_s)
        except ChannelClosed:
            self._note(f"$ {shown}\n# {self.name} died meanwhile")
            raise NodeDied(f"{self.name} died during: {shown}") from None
        duration_s = time.monotonic() - began
        if answer is None:
            self._note(f"$ {shown}\n# no answer in {duration_s:.1f} s")
            raise CommandTimedOut(f"{self.name}: no answer in {duration_s:.1f} s to: {shown}")
        ended = "stopped" if answer.exit_status is None else f"exit {answer.exit_status}"
        self._note(f"$ {shown}\n{answer.stdout}{answer.stderr}# {ended} after {duration_s:.2f} s")
        if answer.exit_status is None:
            raise CommandTimedOut(
                f"{self.name}: stopped after {timeout_s} s: {shown}\n{answer.stdout}{answer.stderr}"
            )
        return answer, duration_s

    def install(self, path: str, text: str) -> None:
        """Write a file in the node now, and again each time that it boots."""
        self._installed[path] = text
        if self.running:
            self._write(path, text)

    def forget_installed(self) -> None:
        """Install nothing any more at the next boot; files that are there stay."""
        self._installed.clear()

    def read(self, path: str) -> str:
        """Return the text of a file in the node. Raises CommandFailed when there is none."""
        return self.run(f"cat {shlex.quote(path)}").stdout

    def _write(self, path: str, text: str) -> None:
        target = shlex.quote(path)
        self.run(f'mkdir -p "$(dirname {target})" && printf %s {shlex.quote(text)} >{target}')

    # -- evidence -----------------------------------------------------------------------------

    def console(self) -> str:
        """Return everything that the kernel printed on the console, over all boots."""
        if not self.console_file.exists():
            return ""
        return self.console_file.read_text("utf-8", "replace")

    def _note(self, text: str) -> None:
        self.transcript.append(f"[{time.monotonic() - self._began:8.2f}] {text}\n")

    def _last_words(self) -> str:
        errors = self._folder / f"{self.name}.qemu"
        said = errors.read_text("utf-8", "replace") if errors.exists() else ""
        return "\n".join([*self.console().splitlines()[-15:], *said.splitlines()[-5:]])
