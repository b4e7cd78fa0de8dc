"""What a simulated node's kernel shows, kept as files with no more writing than is needed."""

from __future__ import annotations

import os
import re
from pathlib import Path

from connector.memory.files import write_all
from connector.simulate.backing_store import render_disks
from connector.simulate.configuration import drbd_conf
from connector.simulate.kernel_files import boot_id, kmsg
from connector.simulate.render import mountinfo, proc_drbd, swaps
from connector.simulate.state import PairState

_FIRST_STATE = re.compile(r"^ 0: cs:\w+ ", re.MULTILINE)
_FOLDERS = ("proc/self", "proc/sys/kernel/random", "dev", "etc", "sys/block")


class Shown:
    """The root of one node. Hundreds of thousands of passes look at it, so only news is written."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for folder in _FOLDERS:
            (root / folder).mkdir(parents=True, exist_ok=True)
        self.garbled = False  # the first minor's connection state is a word that nobody knows
        self._texts: dict[str, str] = {}
        self._kernel_log = root / "dev/kmsg"
        self._hidden = root / "dev/kmsg-hidden"
        self._told = (0, 0)  # of which boot, and how many records

    def show(self, state: PairState, node: str) -> None:
        """Write what has changed since the last time."""
        shown = state.nodes[node]
        states = proc_drbd(shown)
        if self.garbled:
            states = _FIRST_STATE.sub(" 0: cs:Sideways ", states, count=1)
        self._keep("proc/drbd", states)
        self._keep("proc/self/mountinfo", mountinfo(shown))
        self._keep("proc/swaps", swaps(shown))
        boots, told = self._told
        if boots != shown.boots:
            self._keep("proc/sys/kernel/random/boot_id", boot_id(state.seed, node, shown.boots))
            self._keep("etc/drbd.conf", drbd_conf(state.resources))
            render_disks(shown, self.root)
            self._log_file.write_bytes(b"")
            told = 0
        if len(shown.log) > told:
            _write(self._log_file, kmsg(shown.log, told), os.O_APPEND)
        self._told = (shown.boots, len(shown.log))

    @property
    def _log_file(self) -> Path:
        return self._kernel_log if self.log_readable else self._hidden

    @property
    def log_readable(self) -> bool:
        """Whether the kernel log can be read."""
        return not self._kernel_log.is_dir()

    def take_log_away(self) -> None:
        """Have reading it fail, until `give_log_back`."""
        if self.log_readable:
            self._kernel_log.rename(self._hidden)
            self._kernel_log.mkdir()

    def give_log_back(self) -> None:
        """As it was, with what was said meanwhile."""
        if not self.log_readable:
            self._kernel_log.rmdir()
            self._hidden.rename(self._kernel_log)

    def _keep(self, name: str, text: str) -> None:
        if self._texts.get(name) != text:
            _write(f"{self.root}/{name}", text, os.O_CREAT | os.O_TRUNC)
            self._texts[name] = text


def _write(path: str | Path, text: str, flags: int) -> None:
    """No Path and no stream: they take several times as long, and there are as many as passes."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC | flags)
    try:
        write_all(descriptor, text.encode())
    finally:
        os.close(descriptor)
