"""Rescues in words: what there is, what to type, and nothing that a terminal would obey."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from connector.report import kept_text
from connector.rescue.compare import Difference, Kind
from tests.rescue.making import DAY_S, KEPT_AT_S, MIB, a_copy, a_snapshot, rescue

FOLDER = Path("/var/lib/connector/rescues")
NAME = rescue().name


def test_a_table() -> None:
    lost = rescue(a_snapshot(), name="the-other", lost="volume 0: it has overflowed")
    seen = rescue(a_copy(filesystem=None), a_snapshot(1), name="db", looked_at_s=KEPT_AT_S)
    now_s = KEPT_AT_S + 7200
    assert list(kept_text.table([rescue(), lost, seen], now_s)) == [
        "NAME                        AGE  VOLUMES"
        "                                             STATE",
        "20251124T160000Z-mail       2 h  0: ext4 12 MiB e2image"
        "                              kept; not yet looked at after a resync",
        "20251124T160000Z-the-other  2 h  0: ext4 12 MiB lvm-snapshot"
        "                         LOST: volume 0: it has overflowed",
        "20251124T160000Z-db         2 h  0: raw 12 MiB e2image, 1: ext4 12 MiB lvm-snapshot"
        "  whole after the resync",
    ]


@pytest.mark.parametrize(
    ("age_s", "told"), [(-60, "0 min"), (90 * 60, "2 h"), (59 * 60, "59 min"), (3 * DAY_S, "3 d")]
)
def test_ages(age_s: float, told: str) -> None:
    (_, row) = kept_text.table([rescue()], KEPT_AT_S + age_s)
    assert f"  {told}  " in row


def test_everything_about_one() -> None:
    item = rescue(a_copy(size_bytes=12 * MIB + 1), looked_at_s=KEPT_AT_S + 60)
    assert list(kept_text.lines(item, FOLDER, KEPT_AT_S + 600)) == [
        f"{NAME}: whole after the resync",
        "  resource mail on beta, kept 2025-11-24 16:00:00 UTC, 10 min ago",
        "  because: a pass, discard: the peer was Primary",
        "  volume 0 (minor 0): ext4, 13 MiB, e2image, "
        f"{FOLDER}/{NAME}/volume-0.img; 4 KiB were written here that the peer had not",
        "to look at it:",
        f"    connector rescue mount {NAME} /mnt/rescue",
        "to take it to the node where the healed file system is mounted:",
        f"    connector rescue export {NAME} {NAME}.tar.gz",
    ]


def test_several_volumes_and_unknown_amounts() -> None:
    item = rescue(a_copy(out_of_sync_kib=None), a_snapshot(1))
    told = "\n".join(kept_text.lines(item, FOLDER, KEPT_AT_S))
    assert "; ? KiB were written here" in told
    assert "lvm-snapshot, /dev/pair/connector-20251124T160000Z-1; 4 KiB" in told
    assert f"    connector rescue mount {NAME} /mnt/rescue --volume N\n" in told


def test_what_cannot_be_mounted_is_not_offered_to_be() -> None:
    told = "\n".join(kept_text.lines(rescue(a_copy(filesystem=None)), FOLDER, KEPT_AT_S))
    assert "no known file system, 12 MiB" in told
    assert "rescue mount" not in told
    assert "rescue export" in told


def test_of_what_is_lost_nothing_is_offered() -> None:
    told = list(kept_text.lines(rescue(lost="it is gone"), FOLDER, KEPT_AT_S))
    assert told[0] == f"{NAME}: LOST: it is gone"
    assert len(told) == 4


def test_a_record_can_do_nothing_to_a_terminal() -> None:
    item = rescue(lost="lvs said: \x1b[2J\nall is well", why="\x07\x9b", host="\u202ebeta")
    told = [*kept_text.lines(item, FOLDER, KEPT_AT_S), *kept_text.table([item], KEPT_AT_S)]
    assert all(line.isprintable() for line in told)
    assert told[0] == rf"{NAME}: LOST: lvs said: \x1b[2J\nall is well"


def test_as_json() -> None:
    item = rescue(a_copy(), a_snapshot(1), lost="gone")
    plain = json.loads(json.dumps(kept_text.to_json([item], KEPT_AT_S + 61.7)))
    assert list(plain) == ["version", "rescues"]
    assert plain["version"] == 1
    (told,) = plain["rescues"]
    assert (told.pop("age_s"), told["lost"], told["looked_at_s"]) == (62, "gone", None)
    assert told == json.loads(item.model_dump_json())
    assert kept_text.to_json([], 0.0) == {"version": 1, "rescues": []}


@pytest.mark.parametrize(
    ("item", "line"),
    [
        (Difference(Kind.ONLY_RESCUED, "a/b", 5), "only in the rescue a/b  (5 bytes)"),
        (Difference(Kind.ONLY_HEALED, "a"), "only in the healed a"),
        (Difference(Kind.DIFFERS, "a", 1, "no"), "differs            a  (1 bytes): no"),
        (Difference(Kind.UNREADABLE, "a", None, "no"), "cannot be read     a: no"),
        (
            Difference(Kind.ONLY_HEALED, "\udcff\x1b[31m\n\u202e é"),
            r"only in the healed \xff\x1b[31m\n\u202e é",
        ),
    ],
)
def test_a_difference_as_a_line(item: Difference, line: str) -> None:
    assert kept_text.difference_line(item) == line
    line.encode()  # so that it can be printed at all


def test_a_difference_as_json() -> None:
    item = Difference(Kind.DIFFERS, "\udcff\x1b", 1, "other bytes")
    told = json.dumps(kept_text.difference(item))
    assert told.isprintable()
    assert told.isascii()
    assert json.loads(told) == {
        "kind": "differs", "path": "\udcff\x1b", "size_bytes": 1, "why": "other bytes",
    }  # fmt: skip
