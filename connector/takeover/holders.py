"""The processes that keep a file system mounted: named, and ended where that is wanted."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Callable, Collection, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from connector.clock import Clock
from connector.observe.processes import DeviceUser, processes_using
from connector.observe.reading import read_at_most

POLL_S = 0.25
SHOWN = 10
_PARENT = re.compile(rb"^PPid:\t([0-9]{1,10})$", re.MULTILINE)
_MOST_ANCESTORS = 64


def named(users: Collection[DeviceUser]) -> str:
    """The processes in words, one a line, the first ones where there are many."""
    lines = [f"process {user.pid} ({user.name}): {user.what}" for user in list(users)[:SHOWN]]
    if len(users) > SHOWN:
        lines.append(f"and {len(users) - SHOWN} more processes")
    return "\n".join(lines)


class Holding(Protocol):
    """Who holds devices, and how they are ended."""

    def users(self, minors: Collection[int]) -> tuple[DeviceUser, ...]:
        """The processes that hold the devices or what is stored on them."""
        ...

    def end(self, minors: Collection[int], number: signal.Signals, wait_s: float) -> None:
        """Signal those processes, and wait until there are none, or for `wait_s` seconds."""
        ...


@dataclass(frozen=True, slots=True)
class Holders:
    """The processes of this machine, as ROOT/proc shows them; `find` finds those that hold."""

    root: Path
    clock: Clock
    find: Callable[[Path, Collection[int]], tuple[DeviceUser, ...]] = processes_using

    def users(self, minors: Collection[int]) -> tuple[DeviceUser, ...]:
        """As `processes_using`: mapped files, btrfs and the kernel itself are not found."""
        return self.find(self.root, minors)

    def end(self, minors: Collection[int], number: signal.Signals, wait_s: float) -> None:
        """Only a process that holds the devices in two looks is signalled, by a handle that no
        other process can take over in between; never this one, nor those that it was started by.
        """
        ours = ancestors(self.root)
        with ExitStack() as stack:
            handles: dict[int, int] = {}
            for user in self.users(minors):
                if user.pid not in ours:
                    with suppress(OSError):
                        handles[user.pid] = os.pidfd_open(user.pid)
                        stack.callback(os.close, handles[user.pid])
            _signal(handles, {user.pid for user in self.users(minors)}, number)
        until_s = self.clock.boot_s() + wait_s
        while self.clock.boot_s() < until_s and self.users(minors):
            self.clock.sleep(POLL_S)


def _signal(handles: Mapping[int, int], still: Collection[int], number: signal.Signals) -> None:
    for pid, handle in handles.items():
        if pid in still:
            with suppress(OSError):  # it has just ended
                signal.pidfd_send_signal(handle, number)


def ancestors(root: Path) -> frozenset[int]:
    """This process and those above it: a shell that stands in the mount is told, not killed."""
    found: list[int] = []
    pid = os.getpid()
    while pid > 1 and pid not in found and len(found) < _MOST_ANCESTORS:
        found.append(pid)
        try:
            match = _PARENT.search(read_at_most(f"{root}/proc/{pid}/status", 64 * 1024))
        except OSError:
            break
        pid = int(match[1]) if match else 0
    return frozenset((*found, os.getppid(), 1))
