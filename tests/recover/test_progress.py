"""How far a resync is: texts of /proc/drbd as a real pair showed them, and how each one ends."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import pytest

from connector.model import ConnectionState, Device, DiskState, SyncProgress
from connector.observe import proc_drbd
from connector.recover.bar import LINE_EVERY_S, lines
from connector.recover.follow import LASTING_S, STALLED_S, Followed, follow
from connector.recover.progress import Phase, Progress, line, progress
from tests.builders import device

C = ConnectionState
HEADER = "version: 8.4.11 (api:1/proto:86-101)\nsrcversion: B536C32A3EADA868561EFD9 \n"
SOURCE = """\
 0: cs:SyncSource ro:Primary/Secondary ds:UpToDate/Inconsistent C r-----
    ns:1490 nr:0 dw:4051 dr:1505 al:4 bm:0 lo:0 pe:0 ua:0 ap:0 ep:1 wo:f oos:2604
\t[===================>] sync'ed:100.0% (2604/4044)K
\tfinish: 0:00:06 speed: 360 (360) K/sec
"""
TARGET = """\
 0: cs:SyncTarget ro:Secondary/Primary ds:Inconsistent/UpToDate C r-----
    ns:0 nr:1504 dw:1554 dr:0 al:0 bm:0 lo:0 pe:0 ua:0 ap:0 ep:1 wo:f oos:2540
\t[===================>] sync'ed:100.0% (2540/4044)K
\tfinish: 0:00:06 speed: 376 (376) want: 300 K/sec
"""
PAUSED = """\
 0: cs:PausedSyncT ro:Secondary/Primary ds:Inconsistent/UpToDate C r-p---
    ns:0 nr:2880 dw:2930 dr:0 al:0 bm:0 lo:0 pe:0 ua:0 ap:0 ep:1 wo:f oos:1164
"""
DONE = """\
 0: cs:Connected ro:Secondary/Primary ds:UpToDate/UpToDate C r-----
    ns:0 nr:4048 dw:4100 dr:0 al:0 bm:0 lo:0 pe:0 ua:0 ap:0 ep:1 wo:f oos:0
"""
LOST = """\
 0: cs:WFConnection ro:Secondary/Unknown ds:Inconsistent/DUnknown C r-----
    ns:0 nr:3616 dw:3666 dr:0 al:0 bm:0 lo:0 pe:0 ua:0 ap:0 ep:1 wo:f oos:428
"""
PARTED = LOST.replace("WFConnection", "StandAlone").replace(" C r", "   r")


def shown(text: str) -> tuple[Device, ...]:
    """The devices of a text of /proc/drbd."""
    found = proc_drbd.parse((HEADER + text).encode())
    assert found.problems == ()
    return found.devices


def test_a_running_resync_as_both_sides_show_it() -> None:
    # The kernel's own percentage is rounded to 100 where so little is to be copied.
    found = progress(shown(SOURCE))
    assert found == Progress(Phase.RUNNING, "SyncSource", 2604, 4044, 360, 2604 / 360)
    assert line(found) == (
        "SyncSource: 35.6 % in sync, 2.5 MiB of 3.9 MiB left, 360 KiB/s, about 7 s to go"
    )
    assert progress(shown(TARGET)).percent == pytest.approx(37.2, abs=0.1)


def test_a_pause_shows_no_total_and_keeps_what_was_seen() -> None:
    found = progress(shown(PAUSED), most_kib=4044)
    assert (found.phase, found.left_kib, found.total_kib) == (Phase.PAUSED, 1164, 4044)
    assert line(found) == "PausedSyncT: 71.2 % in sync, 1.1 MiB of 3.9 MiB left, paused"


@pytest.mark.parametrize(
    ("text", "phase"),
    [(DONE, Phase.DONE), (LOST, Phase.LOST), (PARTED, Phase.PARTED), ("", Phase.UNKNOWN)],
)
def test_the_other_phases(text: str, phase: Phase) -> None:
    assert progress(shown(text)).phase is phase


def syncing(minor: int, connection: ConnectionState, left_kib: int) -> Device:
    """A target in a resync of 1000 KiB."""
    sync = SyncProgress("resync", 10.0, left_kib, 1000, 9, 100)
    running = connection is C.SYNC_TARGET
    return device(
        minor,
        connection=connection,
        disk=DiskState.INCONSISTENT,
        out_of_sync_kib=left_kib,
        sync=sync if running else None,
    )


def test_several_volumes_add_up() -> None:
    found = progress([syncing(1, C.SYNC_TARGET, 400), syncing(2, C.SYNC_TARGET, 200)])
    assert (found.left_kib, found.total_kib, found.rate_kib_per_s) == (600, 2000, 200)
    assert found.left_s == 3.0
    one_waits = [syncing(1, C.SYNC_TARGET, 400), syncing(2, C.PAUSED_SYNC_T, 200)]
    assert progress(one_waits).phase is Phase.RUNNING
    one_is_done = [syncing(1, C.PAUSED_SYNC_T, 400), device(2)]
    assert progress(one_is_done).phase is Phase.PAUSED


def test_what_is_not_certain_is_never_taken_for_the_end() -> None:
    assert progress([device(out_of_sync_kib=None)]).phase is Phase.UNKNOWN
    assert progress([replace(device(), doubtful=True)]).phase is Phase.UNKNOWN
    assert progress([device(connection=None)]).phase is Phase.UNKNOWN
    for wrong in (device(out_of_sync_kib=4), device(peer_disk=DiskState.OUTDATED)):
        assert progress([wrong]).phase is Phase.NOT_EQUAL


@dataclass
class Ticking:
    """A clock that only sleeping moves."""

    at_s: float = 50.0

    def wall_s(self) -> float:
        """Not asked for."""
        raise AssertionError

    log_s = wall_s

    def boot_s(self) -> float:
        """Now."""
        return self.at_s

    def sleep(self, seconds: float) -> None:
        """Moves it."""
        assert seconds > 0
        self.at_s += seconds


def followed(
    looks: Sequence[tuple[Device, ...]], limit_s: float = 86400.0
) -> tuple[Followed, float, list[Progress]]:
    """How it ended, after how many seconds, and what was shown; the last look lasts for ever."""
    clock = Ticking()
    seen: list[Progress] = []

    def each() -> Iterator[tuple[Device, ...]]:
        yield from looks
        while True:
            yield looks[-1]

    source: Callable[[], tuple[Device, ...]] = each().__next__
    ended = follow(source, clock, seen.append, "mail", limit_s)
    return ended, clock.at_s - 50.0, seen


def test_to_the_end() -> None:
    ended, took_s, seen = followed([shown(TARGET)] * 3 + [shown(DONE)])
    assert ended == Followed("mail: in step, both disks are UpToDate (3.9 MiB in 3 s)", False)
    assert took_s == 3.0
    assert [found.phase for found in seen] == [Phase.RUNNING] * 3 + [Phase.DONE]
    assert seen[-1].percent == 100.0


def test_where_nothing_was_to_be_copied_it_is_over_at_once() -> None:
    ended, took_s, _ = followed([shown(DONE)])
    assert (ended.sentence, took_s) == ("mail: in step, both disks are UpToDate", 0.0)


@pytest.mark.parametrize(
    ("text", "after_s", "words"),
    [
        (PARTED, 0.0, "the nodes parted before the resync was over (StandAlone)"),
        (LOST, LASTING_S, "the link was lost before the resync was over (WFConnection)"),
        (PAUSED, LASTING_S, "the resync is paused, 1.1 MiB left"),
        ("", LASTING_S, "nothing tells how far the resync is"),
        (DONE.replace("oos:0", "oos:8"), LASTING_S, "the disks are not equal"),
        (TARGET, STALLED_S, "nothing was copied for 1 min, and 2.5 MiB are left"),
    ],
)
def test_what_is_in_the_way_ends_it_with_a_sentence(text: str, after_s: float, words: str) -> None:
    ended, took_s, _ = followed([shown(TARGET), shown(text)])
    assert ended.needs_operator
    assert words in ended.sentence
    assert after_s <= took_s <= after_s + 2


def test_what_passes_by_itself_does_not_end_it() -> None:
    passing = [shown(text) for text in (PAUSED, LOST, "", DONE.replace("oos:0", "oos:8"))]
    rounds = int(LASTING_S)
    ended, took_s, _ = followed([shown(TARGET), *passing] * rounds + [shown(DONE)])
    assert not ended.needs_operator
    assert took_s == 5 * rounds


def test_slow_is_not_stalled() -> None:
    left = range(2000, 1960, -4)
    looks = [(syncing(0, C.SYNC_TARGET, kib),) for kib in left for _ in range(int(STALLED_S) - 1)]
    ended, took_s, _ = followed([*looks, shown(DONE)])
    assert not ended.needs_operator
    assert took_s == len(looks)


def test_it_ends_at_its_limit_and_says_that_the_resync_goes_on() -> None:
    ended, took_s, _ = followed([shown(TARGET)], limit_s=30.0)
    assert took_s == 30.0
    assert not ended.needs_operator
    assert "followed for 30 s, and the resync goes on: 2.5 MiB left" in ended.sentence


def test_without_a_terminal_a_line_every_ten_seconds() -> None:
    clock = Ticking()
    said: list[str] = []
    show = lines(clock, said.append)
    found = progress(shown(TARGET))
    for _ in range(int(LINE_EVERY_S) * 2 + 1):
        show(found)
        clock.sleep(1.0)
    assert said == [line(found)] * 3
    show(progress(shown(DONE)))
    assert len(said) == 3
