"""The programs that matter here and run on this node: who takes over, cron, node_exporter."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from connector.doctor.reading import Unseen, reason
from connector.observe.processes import MAX_PROCESSES, cluster_owner, process_ids
from connector.observe.reading import read_at_most

_COMM_BYTES = 64
_CMDLINE_BYTES = 64 * 1024
_MAX_EXPORTERS = 16

# Names as proc_pid_comm(5) has them, cut at 15 characters.
_TAKE_OVER = {
    "pacemakerd": "Pacemaker",
    "drbd-reactor": "drbd-reactor",
    "heartbeat": "Heartbeat",
    "keepalived": "keepalived",
    "ucarp": "ucarp",
    "rgmanager": "rgmanager",
}
_CRON = frozenset({"cron", "crond", "fcron", "bcron-start"})
_NODE_EXPORTERS = frozenset({"node_exporter", "prometheus-node"})


@dataclass(frozen=True, slots=True)
class Running:
    """What was found among the processes.

    `owner` is who owns the resources as a pass sees it; `take_over` is who moves the service by
    itself. `exporters` are the command lines of node_exporter, word by word.
    """

    owner: str | None = None
    take_over: str | None = None
    cron: bool = False
    exporters: tuple[tuple[str, ...], ...] = ()


def read(root: Path, most: int = MAX_PROCESSES) -> Running | Unseen:
    """Look at the processes below ROOT/proc; Unseen where they cannot be listed. Raises nothing.

    Only a process of the owner of ROOT/proc counts as one that takes over: anybody may give a
    process such a name.
    """
    try:
        pids, whole = process_ids(root, most)
        trusted = (root / "proc").stat().st_uid
    except OSError as error:
        return Unseen(f"{root / 'proc'}: {reason(error)}")
    if not whole:
        return Unseen(f"there are more than {most} processes")
    names: set[str] = set()
    exporters: list[tuple[str, ...]] = []
    for pid, name, uid in _named(root, pids):
        if uid == trusted:
            names.add(name)
        if name in _NODE_EXPORTERS and len(exporters) < _MAX_EXPORTERS:
            exporters.append(_words(root, pid))
    return Running(
        owner=cluster_owner(root),
        take_over=next((shown for comm, shown in _TAKE_OVER.items() if comm in names), None),
        cron=not _CRON.isdisjoint(names),
        exporters=tuple(words for words in exporters if words),
    )


def _named(root: Path, pids: list[int]) -> Iterator[tuple[int, str, int]]:
    """Each process with its name and its user; those that have just ended are left out."""
    for pid in pids:
        folder = f"{root}/proc/{pid}"
        try:
            uid = os.stat(folder).st_uid
        except OSError:
            continue
        yield pid, _bytes(f"{folder}/comm", _COMM_BYTES).decode("utf-8", "replace").strip(), uid


def _words(root: Path, pid: int) -> tuple[str, ...]:
    data = _bytes(f"{root}/proc/{pid}/cmdline", _CMDLINE_BYTES)
    return tuple(word.decode("utf-8", "replace") for word in data.split(b"\0") if word)


def _bytes(path: str, limit: int) -> bytes:
    """The first bytes of a file; empty where it is gone or may not be read."""
    try:
        return read_at_most(path, limit)
    except OSError:
        return b""
