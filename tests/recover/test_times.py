"""When it was: out of the kernel log of a real split brain, and of the journal."""

from __future__ import annotations

from connector.memory.history import Entry, Told, ToldOutcome
from connector.observe.kernel_log import LogRecord
from connector.recover.times import Times, lines, times
from connector.report.past_incidents import incidents

OF_MINOR = {0: "mail", 1: "db", 2: "db"}
LOG = """\
block drbd0: peer( Unknown -> Secondary ) conn( WFReportParams -> Connected ) \
pdsk( DUnknown -> UpToDate )
block drbd0: role( Secondary -> Primary )
drbd mail: PingAck did not arrive in time.
drbd mail: peer( Secondary -> Unknown ) conn( Connected -> NetworkFailure ) \
pdsk( UpToDate -> DUnknown )
block drbd0: new current UUID BB2626D2F716363D:939298B0CBC37EAD:0000000000000000:0000000000000000
drbd mail: conn( NetworkFailure -> Unconnected )
block drbd1: Split-Brain detected but unresolved, dropping connection!
program[1]: block drbd0: role( Primary -> Secondary )
block drbd0: Split-Brain detected but unresolved, dropping connection!
drbd mail: conn( WFReportParams -> Disconnecting )
block drbd0: role( Primary -> Secondary )
"""


def records(text: str = LOG, first_s: float = 100.0) -> list[LogRecord]:
    """One line a second."""
    return [LogRecord(first_s + i, line) for i, line in enumerate(text.splitlines())]


def test_what_the_kernel_log_tells() -> None:
    assert times(records(), "mail", OF_MINOR) == Times(
        apart_s=103.0, alone_s=104.0, primary_s=101.0, secondary_s=110.0, refused_s=108.0
    )
    assert times(records(), "db", OF_MINOR) == Times(refused_s=106.0)
    assert times([], "mail", OF_MINOR) == Times()


def test_an_agreement_ends_what_was_before() -> None:
    again = "block drbd0: conn( WFReportParams -> WFBitMapT ) disk( UpToDate -> Outdated )\n"
    assert times(records(LOG + again), "mail", OF_MINOR) == Times()


def test_in_words_in_the_order_of_time() -> None:
    text = list(lines(times(records(), "mail", OF_MINOR), ahead_s=1_700_000_000.0))
    assert text == [
        "  when, says the kernel log here (UTC, give or take a second):",
        "    2023-11-14 22:15:01  this node became Primary",
        "    2023-11-14 22:15:03  the nodes parted",
        "    2023-11-14 22:15:04  from here on this node may have written on its own",
        "    2023-11-14 22:15:08  DRBD last found the split brain",
        "    2023-11-14 22:15:10  this node became Secondary",
    ]
    assert list(lines(Times(), 0.0)) == []


def test_the_journal_tells_since_when_there_is_trouble() -> None:
    began_s = 1_700_000_000.0
    seen = Told("mail", connection="StandAlone", outcome=ToldOutcome(connection="StandAlone"))
    entries = [Entry(began_s + 60 * i, resources=(seen,)) for i in range(3)]
    (open_one,) = incidents(entries, "mail", now_wall_s=began_s + 130)
    told = "  when, says connector's journal here: trouble seen since 2023-11-14 22:13:20 UTC"
    assert list(lines(Times(), 0.0, open_one)) == [told]
    (over,) = incidents(entries, "mail", now_wall_s=began_s + 86400)
    assert list(lines(Times(), 0.0, over)) == []
