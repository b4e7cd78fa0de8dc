"""Programs among the processes."""

from __future__ import annotations

from pathlib import Path

from connector.doctor import running
from connector.doctor.reading import Unseen
from connector.doctor.running import Running


def process(root: Path, pid: int, comm: str, *argv: str) -> None:
    folder = root / f"proc/{pid}"
    folder.mkdir(parents=True)
    (folder / "comm").write_text(f"{comm}\n")
    (folder / "cmdline").write_bytes("\0".join((*argv, "")).encode())


def test_nothing_of_interest(tmp_path: Path) -> None:
    process(tmp_path, 1, "init")
    assert running.read(tmp_path) == Running()


def test_all_of_it(tmp_path: Path) -> None:
    process(tmp_path, 2, "cron")
    process(tmp_path, 3, "heartbeat")
    process(tmp_path, 4, "prometheus-node", "/usr/bin/prometheus-node-exporter", "--a=b")
    process(tmp_path, 5, "node_exporter")
    assert running.read(tmp_path) == Running(
        owner=None,
        take_over="Heartbeat",
        cron=True,
        exporters=(("/usr/bin/prometheus-node-exporter", "--a=b"),),
    )


def test_the_owner_is_that_of_a_pass(tmp_path: Path) -> None:
    process(tmp_path, 2, "pacemakerd")
    found = running.read(tmp_path)
    assert found == Running(owner="Pacemaker", take_over="Pacemaker")


def test_a_process_without_files_and_strange_bytes(tmp_path: Path) -> None:
    (tmp_path / "proc/7").mkdir(parents=True)
    process(tmp_path, 8, "x")
    (tmp_path / "proc/8/comm").write_bytes(b"\xff\x00\n")
    assert running.read(tmp_path) == Running()


def test_without_proc_it_is_said(tmp_path: Path) -> None:
    assert isinstance(running.read(tmp_path), Unseen)


def test_too_many_processes_are_said(tmp_path: Path) -> None:
    for pid in range(1, 5):
        process(tmp_path, pid, "init")
    found = running.read(tmp_path, most=3)
    assert found == Unseen("there are more than 3 processes")
