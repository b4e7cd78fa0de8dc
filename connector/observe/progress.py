"""The progress lines of a resync or an online verify in /proc/drbd.

Kernel sources: `drbd_syncer_progress` in drbd_proc.c (0.7 to 8.4) and in drbd_debugfs.c and
drbd_legacy_84.c (DRBD 9), `seq_printf_with_thousands_grouping` beside it for the speeds.
"""

from __future__ import annotations

import re

from connector.model import SyncProgress

# One bit of the bitmap stands for this much (BM_BLOCK_SHIFT 12 in drbd_int.h).
BITMAP_BIT_KIB = 4

_KIND_OF_WORD = {"sync'ed": "resync", "verified": "verify"}
_KIB_OF_UNIT = {"K": 1, "M": 1024}

# 10,108   1,234,567   -1,234 (DRBD 9, losing ground)   1024,000 (8.3.8: "%d,%03d")   -17 (races)
_SPEED = r"-?[0-9]{1,20}(?:,[0-9]{1,20}){0,6}"
# 346112   18446744073709551612 (an unsigned that went below zero)
_COUNT = r"-?[0-9]{1,20}"

# Lines that open one of the forms below, whatever their indentation.
PROGRESS_LINE = re.compile(r"\s*+(?:\[|-?[0-9]++%|finish:|speed:|stalled)", re.ASCII)

# The two patterns are compiled on first use: most runs of cron see no progress at all.
_BAR_AND_FINISH = (
    # [=====>..............] sync'ed: 34.9% (346112/524288)K
    # [===================>] sync'ed:100.0% (572/592)K
    # [=====>..............] verified: 34.9% (346112/524288)K       (8.3.10 and later)
    r"\[[=>.]*+\]\s*+(?P<word>sync'ed|verified):\s*+(?P<percent>[0-9]{1,10}(?:\.[0-9]{1,3})?)%\s*+"
    rf"\((?P<left>{_COUNT})/(?P<total>{_COUNT})\)(?P<unit>[KM])"
    # ...K delay_probe: 35           ...K queue_delay: 12.3 ms       (8.3.8 only)
    r"(?:\s++(?:delay_probe|queue_delay):\s*+-?[0-9]{1,20}(?:\.-?[0-9]{1,3})?(?:\s*+ms)?)?"
    # stalled                                                        (0.7 to 8.3.8)
    # finish: 0:01:38 speed: 10,108 (10,108) K/sec
    # finish: 304:53:21 speed: 36,044 (36,168) want: 3,280 K/sec (stalled)
    # finish: 0:01:38 speed: 10,108 (9,000 -- 10,108) K/sec          (proc_details, DRBD 9)
    # finish: ∞ speed: -1,234 (-1,500 -- 10) K/sec                   (DRBD 9, newest)
    # Mainline kernels print no line break after the M form: (14996/15360)Mfinish: 0:04:08 ...
    r"(?P<tail>\s*+stalled|"
    r"\s*+finish:\s*+(?:∞|(?P<h>[0-9]{1,20}):(?P<m>[0-9]{1,2}):(?P<s>[0-9]{1,2}))"
    rf"\s*+speed:\s*+(?P<speed>{_SPEED})\s*+\((?:{_SPEED}\s*+--\s*+)?(?P<average>{_SPEED})\)"
    rf"(?:\s*+want:\s*+(?P<want>{_SPEED}))?\s*+K/sec(?P<stalled>\s*+\(stalled\))?)?"
    #  34% sector pos: 362752/1048576 stop sector: 500000           (proc_details, DRBD 9)
    r"(?:\s*+-?[0-9]{1,20}%\s*+sector pos:\s*+[0-9]{1,20}/[0-9]{1,20}"
    r"(?:\s*+stop sector:\s*+[0-9]{1,20})?)?"
)

#  12%      15728/131072                                             (verify, 8.2.6 to 8.3.9)
#  12% oos:0  15728/131072                                           (verify, before 8.2.6)
_VERIFY_BEFORE_THE_BAR = (
    r"(?P<percent>-?[0-9]{1,10})%(?:\s++oos:[0-9]{1,20})?\s++"
    rf"(?P<done>{_COUNT})/(?P<total>{_COUNT})"
)


def parse(lines: list[str]) -> tuple[SyncProgress | None, str | None]:
    """The progress that these lines of one minor show, and what is wrong with them, if anything.

    The lines are read as one text, because mainline kernels leave a line break out. Every kernel
    prints either a finish time or `stalled` after the bar: a bar alone was cut off.
    """
    text = " ".join(line.strip() for line in lines)
    if found := re.fullmatch(_BAR_AND_FINISH, text, re.ASCII):
        problem = None if found["tail"] else "the progress ends after the bar"
        return _after_the_bar(found), problem
    if found := re.fullmatch(_VERIFY_BEFORE_THE_BAR, text, re.ASCII):
        return _before_the_bar(found), None
    return None, "the progress cannot be read"


def _after_the_bar(found: re.Match[str]) -> SyncProgress:
    unit_kib = _KIB_OF_UNIT[found["unit"]]
    tail = (found["tail"] or "").strip()
    finish_s = None
    if found["h"]:
        finish_s = int(found["h"]) * 3600 + int(found["m"]) * 60 + int(found["s"])
    return SyncProgress(
        kind=_KIND_OF_WORD[found["word"]],
        percent=float(found["percent"]),
        left_kib=int(found["left"]) * unit_kib,
        total_kib=int(found["total"]) * unit_kib,
        finish_s=finish_s,
        speed_kib_per_s=_speed(found["speed"]),
        average_kib_per_s=_speed(found["average"]),
        want_kib_per_s=_speed(found["want"]),
        stalled=bool(found["stalled"]) or tail == "stalled",
    )


def _before_the_bar(found: re.Match[str]) -> SyncProgress:
    """`drbd_seq_show` of 8.2 and 8.3 counts what is done, in bits of the bitmap."""
    done, total = int(found["done"]), int(found["total"])
    return SyncProgress(
        kind="verify",
        percent=float(found["percent"]),
        left_kib=(total - done) * BITMAP_BIT_KIB,
        total_kib=total * BITMAP_BIT_KIB,
    )


def _speed(printed: str | None) -> int | None:
    """The grouping is only cosmetic, and not always in threes."""
    return None if printed is None else int(printed.replace(",", ""))
