"""The progress of a resync or an online verify in one peer device of `drbdsetup status --json`.

Units (`peer_device_status_json` in drbdsetup.c, and the captures of a running resync and verify):
`out-of-sync` is printed in KiB, halved from sectors; `rs-total`, `rs-failed`, `rs-db1-sectors`,
`ov-left` are sectors as they came from the kernel; `rs-*-ms` are milliseconds; `want` and the
`db/dt` are MiB/s with two decimals. A verify has rs-total 49072 where the device's size is
24536 KiB; a resync with out-of-sync 7620 KiB of rs-total 19528 is 21.96 percent done.
"""

from __future__ import annotations

from connector.model import ReplicationState, SyncProgress
from connector.observe.nine.status_json import Fields

R = ReplicationState
_KIND_OF_STATE = {
    R.SYNC_SOURCE: "resync",
    R.SYNC_TARGET: "resync",
    R.PAUSED_SYNC_S: "resync",
    R.PAUSED_SYNC_T: "resync",
    R.VERIFY_S: "verify",
    R.VERIFY_T: "verify",
}
_PAUSED = frozenset({R.PAUSED_SYNC_S, R.PAUSED_SYNC_T})
_NO_ESTIMATE_S = 987654321  # nothing was transferred lately
_SECTORS_PER_KIB = 2


def progress(
    fields: Fields, state: ReplicationState | None, out_of_sync_kib: int | None
) -> SyncProgress | None:
    """How far it is; None where none is running, or nothing is printed of it.

    What is left and in total is in KiB. A paused resync has neither speed nor end: drbdsetup
    prints those from before the pause. `want_kib_per_s` is right to within 5 KiB/s.
    """
    kind = None if state is None else _KIND_OF_STATE.get(state)
    total_sectors = fields.count("rs-total")
    percent = _percent(fields)
    if kind is None or (total_sectors is None and percent is None):
        return None
    if kind == "verify":
        # Not printed when nothing is left; the percentage is then one of the resync bitmap.
        left_kib: int | None = (fields.count("ov-left") or 0) // _SECTORS_PER_KIB
        percent = percent if left_kib else None
    else:
        left_kib = _left_of_resync_kib(fields, out_of_sync_kib)
    total_kib = None if total_sectors is None else total_sectors // _SECTORS_PER_KIB
    found = SyncProgress(kind=kind, percent=percent, left_kib=left_kib, total_kib=total_kib)
    return found if state in _PAUSED else _with_speeds(fields, found)


def _left_of_resync_kib(fields: Fields, out_of_sync_kib: int | None) -> int | None:
    """What failed stays out of sync and is not tried again."""
    failed_kib = (fields.count("rs-failed") or 0) // _SECTORS_PER_KIB
    if out_of_sync_kib is None or failed_kib > out_of_sync_kib:
        return None
    return out_of_sync_kib - failed_kib


def _percent(fields: Fields) -> float | None:
    """The kernel's numbers may race, and an unsigned difference below zero becomes a huge one."""
    percent = fields.number("percent-resync-done")
    return float(percent) if percent is not None and 0 <= percent <= 100 else None


def _with_speeds(fields: Fields, found: SyncProgress) -> SyncProgress:
    """`speed` is db1/dt1, by which drbdsetup estimates the end; `average` is since it began."""
    finish_s = fields.number("estimated-seconds-to-finish")
    average = None
    started_ms, paused_ms = fields.number("rs-dt-start-ms"), fields.number("rs-paused-ms")
    if None not in (found.left_kib, found.total_kib, started_ms, paused_ms):
        done_kib = (found.total_kib or 0) - (found.left_kib or 0)
        average = _speed(done_kib * _SECTORS_PER_KIB, (started_ms or 0) - (paused_ms or 0))
    want_mib = fields.number("want")
    return SyncProgress(
        kind=found.kind,
        percent=found.percent,
        left_kib=found.left_kib,
        total_kib=found.total_kib,
        finish_s=int(finish_s) if finish_s is not None and 0 <= finish_s < _NO_ESTIMATE_S else None,
        speed_kib_per_s=_speed(fields.number("rs-db1-sectors"), fields.number("rs-dt1-ms")),
        average_kib_per_s=average,
        want_kib_per_s=round(want_mib * 1024) if want_mib and want_mib > 0 else None,
    )


def _speed(sectors: float | None, milliseconds: float | None) -> int | None:
    """In KiB/s; None where it cannot be said, or ground is being lost."""
    if sectors is None or milliseconds is None or sectors < 0 or milliseconds <= 0:
        return None
    return int(sectors / _SECTORS_PER_KIB * 1000 / milliseconds)
