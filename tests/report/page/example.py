"""Four resources of one node as an example: `python -m tests.report.page.example FILE.html`.

docs/pictures/page.png is a picture of it. What is decided is what the real code decides.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from connector.decide.context import Context
from connector.decide.policy import decide
from connector.memory.history import Command, Entry, Told, ToldOutcome
from connector.memory.last_pass import LastPass
from connector.model import (
    Cause,
    ConnectionState,
    Device,
    DiskState,
    Evidence,
    Handshake,
    Resource,
    Role,
    SyncProgress,
    Use,
    UseKind,
    Volume,
)
from connector.report.page.page import page
from connector.report.page.past import Past
from connector.report.page.samples import INTERVAL_S, MOST_SAMPLES, Sample
from connector.report.page.view import PageView
from connector.report.passes import ResourceReport
from tests import builders

NODE = "alpha"
NOW_WALL_S = 1_795_593_600.0  # 2026-11-25 08:00:00 UTC
NOW_BOOT_S = 500_000.0
GIB = 1024 * 1024
LEFT_KIB, TOTAL_KIB = 12 * GIB, 20 * GIB


def resources() -> tuple[Resource, ...]:
    """Healthy, syncing, in a split brain, and waiting for its peer."""
    return (
        builders.resource("home", volumes=[_mounted(builders.device(0), "/srv/home")]),
        builders.resource(
            "mail",
            connection=ConnectionState.SYNC_SOURCE,
            volumes=[_mounted(_syncing(), "/srv/mail")],
        ),
        builders.resource(
            "projects",
            connection=ConnectionState.STANDALONE,
            volumes=[_mounted(_apart(2, ConnectionState.STANDALONE, 3 * 1024), "/srv/projects")],
            evidence=Evidence(
                cause=Cause.SPLIT_BRAIN,
                cause_at_s=499_000.0,
                handshakes=(Handshake(2, 0x1235, 0x5433, 768, 128, 0, 0),),
            ),
        ),
        builders.resource(
            "backup",
            connection=ConnectionState.WF_CONNECTION,
            volumes=[
                _mounted(_apart(3, ConnectionState.WF_CONNECTION, 40 * 1024), "/srv/backup"),
                _mounted(_apart(4, ConnectionState.WF_CONNECTION, 512), "/srv/backup/index"),
            ],
        ),
    )


def _mounted(device: Device, where: str) -> Volume:
    return builders.volume(
        device, number=1 if device.minor == 4 else 0, used_by=[Use(UseKind.MOUNT, where)]
    )


def _syncing() -> Device:
    done = SyncProgress("resync", 40.0, LEFT_KIB, TOTAL_KIB, speed_kib_per_s=98_000)
    return builders.device(
        1,
        connection=ConnectionState.SYNC_SOURCE,
        peer_disk=DiskState.INCONSISTENT,
        out_of_sync_kib=LEFT_KIB,
        sync=done,
    )


def _apart(minor: int, connection: ConnectionState, out_of_sync_kib: int) -> Device:
    return builders.device(
        minor,
        connection=connection,
        peer_role=Role.UNKNOWN,
        peer_disk=DiskState.DUNKNOWN,
        out_of_sync_kib=out_of_sync_kib,
    )


def reports() -> tuple[ResourceReport, ...]:
    """With the decision that a pass would make now."""
    return tuple(
        builders.resource_report(seen, decision=decide(seen, Context())) for seen in resources()
    )


def _samples() -> tuple[Sample, ...]:
    """An hour of looks: one resource is syncing, two have lost their peer some minutes ago."""
    found = []
    names = tuple(seen.name for seen in resources())
    for number in range(MOST_SAMPLES):
        back_s = (MOST_SAMPLES - 1 - number) * INTERVAL_S
        mail = min(TOTAL_KIB, LEFT_KIB + int(back_s * 3300)) if back_s < 3000 else 0
        projects = max(0, 3 * 1024 - int(max(0.0, back_s - 700) * 12))
        backup = max(0, int((40 * 1024 + 512) * (1 - (back_s / 2400) ** 0.5)))
        found.append(Sample(NOW_BOOT_S - back_s, names, (0, mail, projects, backup)))
    return tuple(found)


def _entry(back_s: float, name: str, outcome: ToldOutcome, *, by_person: bool = False) -> Entry:
    return Entry(NOW_WALL_S - back_s, 4.0, 3, by_person, (Told(name, outcome=outcome),))


def _past() -> Past:
    def ran(name: str, outcome: str, *words: str) -> Command:
        return Command(("drbdadm", *words, name), outcome)

    split = [
        _entry(
            back_s,
            "projects",
            ToldOutcome(
                "dropped",
                "the nodes met and parted again",
                commands=(ran("projects", "done", "connect"),),
            ),
        )
        for back_s in (100, 160, 220)
    ]
    came_back = ToldOutcome("reconnected", commands=(ran("mail", "done", "connect"),))
    by_hand = ToldOutcome("reconnected", commands=(Command(("drbdadm", "connect", "home")),))
    return Past(
        (
            *split,
            _entry(3050, "mail", came_back),
            _entry(200_000, "home", by_hand, by_person=True),
        )
    )


def view() -> PageView:
    """The example as the page wants it."""
    return PageView(
        node=NODE,
        now_wall_s=NOW_WALL_S,
        now_boot_s=NOW_BOOT_S,
        resources=reports(),
        driver="8.4.11",
        last_pass=LastPass(NOW_WALL_S - 38, NOW_WALL_S - 3110, 0.4),
        samples=_samples(),
        past=_past(),
    )


def main(words: Sequence[str]) -> int:
    """Write the page to the file that is named; exit status 2 where none is."""
    if len(words) != 1:
        print("usage: python -m tests.report.page.example FILE.html", file=sys.stderr)
        return 2
    Path(words[0]).write_text(page(view()), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
