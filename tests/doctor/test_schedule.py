"""Crontabs, the timer and the watch."""

from __future__ import annotations

from pathlib import Path

import pytest

from connector.doctor import schedule
from connector.doctor.schedule import CronLine, Schedule, parse

PROJECT = Path(__file__).resolve().parents[2]
CONTRIB = (PROJECT / "contrib/cron/connector").read_text(encoding="utf-8")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "etc/cron.d").mkdir(parents=True)
    return tmp_path


def put(root: Path, name: str, text: str, mode: int = 0o644) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)


def test_the_file_of_this_project_is_found_and_asks_for_the_timer_first(root: Path) -> None:
    put(root, "etc/cron.d/connector", CONTRIB)
    line = CONTRIB.count("\n")
    assert schedule.read(root) == Schedule((CronLine("/etc/cron.d/connector", line, True),))


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("* * * * * root connector reconcile", [(1, False)]),
        ("* * * * * /opt/x/bin/connector --config /etc/a.toml reconcile", [(1, False)]),
        ("* * * * * connector -v --root=/ reconcile | logger", [(1, False)]),
        ("# * * * * * connector reconcile", []),
        ("COMMAND=connector reconcile", []),
        ("* * * * * root connector status", []),
        ("* * * * * root other-connector reconcile", []),
        ("* * * * * root connector check; echo reconcile", []),
        ("MAILTO=root\n\n* * * * * connector reconcile", [(3, False)]),
    ],
)
def test_which_lines_run_a_pass(line: str, found: list[tuple[int, bool]]) -> None:
    assert list(parse(line)) == found


def test_a_very_long_line_takes_no_time() -> None:
    assert list(parse("connector -x " * 20_000)) == []


def test_crontabs_of_root_and_of_the_system(root: Path) -> None:
    line = "* * * * * connector reconcile\n"
    for name in ("etc/crontab", "var/spool/cron/crontabs/root", "var/spool/cron/root"):
        put(root, name, line)
    assert [one.place for one in schedule.read(root).cron] == [
        "/etc/crontab:1",
        "/var/spool/cron/crontabs/root:1",
        "/var/spool/cron/root:1",
    ]


@pytest.mark.parametrize(
    ("name", "text", "mode", "words"),
    [
        ("connector.cron", CONTRIB, 0o644, "other characters"),
        ("connector", CONTRIB, 0o664, "others may write to it (mode 0664)"),
        ("connector", CONTRIB.rstrip("\n"), 0o644, "last line has no end"),
    ],
)
def test_a_file_that_cron_does_not_take(
    root: Path, name: str, text: str, mode: int, words: str
) -> None:
    put(root, f"etc/cron.d/{name}", text, mode)
    (line,) = schedule.read(root).cron
    assert line.ignored is not None
    assert words in line.ignored


def test_a_file_of_somebody_else(root: Path) -> None:
    from connector.doctor.reading import Text

    ignored = schedule.why_ignored("connector", Text(CONTRIB, 1000, 0o644), 0)
    assert ignored == "it belongs to user 1000, not to root"
    assert schedule.why_ignored("connector", Text(CONTRIB, 0, 0o644), 0) is None


def test_links_of_enabled_units(root: Path) -> None:
    assert schedule.read(root) == Schedule()
    for name in ("timers.target.wants/connector.timer", "x.wants/connector-watch.service"):
        link = root / "etc/systemd/system" / name
        link.parent.mkdir(parents=True)
        link.symlink_to("/nowhere")
    found = schedule.read(root)
    assert found.timer == "/etc/systemd/system/timers.target.wants/connector.timer"
    assert found.watch == "/etc/systemd/system/x.wants/connector-watch.service"


def test_what_is_no_file_is_said(root: Path) -> None:
    (root / "etc/crontab").mkdir()
    (one,) = schedule.read(root).unseen
    assert "no regular file" in one.why


def test_too_many_files_are_said(root: Path) -> None:
    for number in range(schedule.MAX_CRON_FILES + 1):
        put(root, f"etc/cron.d/x{number}", "")
    (one,) = schedule.read(root).unseen
    assert f"more than {schedule.MAX_CRON_FILES} files" in one.why
