"""The ring of samples."""

from __future__ import annotations

from connector.report.page.samples import INTERVAL_S, MOST_SAMPLES, Point, Samples, points
from connector.report.passes import ResourceReport
from tests import builders


def report(name: str, kib: int | None) -> ResourceReport:
    return builders.resource_report(builders.resource(name, out_of_sync_kib=kib))


def test_looks_that_come_too_soon_leave_no_sample() -> None:
    samples = Samples()
    for at_s in (100.0, 100.0 + INTERVAL_S - 0.1, 100.0 + INTERVAL_S, 200.0):
        samples.note(at_s, [report("mail", int(at_s))])
    kept = [(sample.at_boot_s, sample.amounts_kib) for sample in samples.kept()]
    assert kept == [(100.0, (100,)), (115.0, (115,)), (200.0, (200,))]


def test_the_oldest_go_when_there_are_too_many() -> None:
    samples = Samples()
    for number in range(MOST_SAMPLES + 10):
        samples.note(number * INTERVAL_S, [report("mail", number)])
    kept = samples.kept()
    assert len(kept) == MOST_SAMPLES == 240
    assert (kept[0].amounts_kib, kept[-1].amounts_kib) == ((10,), (249,))


def test_what_was_kept_does_not_change_with_the_next_look() -> None:
    samples = Samples()
    samples.note(0.0, [report("mail", 1)])
    before = samples.kept()
    samples.note(60.0, [report("mail", 2)])
    assert len(before) == 1


def test_samples_of_the_same_resources_share_their_names() -> None:
    samples = Samples()
    for at_s in (0.0, 60.0):
        # Two equal names that are not one object, as two looks make them.
        samples.note(at_s, [report("".join(["ma", "il"]), 1)])
    first, second = samples.kept()
    assert first.names is second.names


def test_the_samples_of_one_resource_while_others_come_and_go() -> None:
    samples = Samples()
    samples.note(0.0, [report("mail", 1)])
    samples.note(20.0, [report("home", 5), report("mail", None)])
    samples.note(40.0, [report("home", 6)])
    samples.note(60.0, [report("mail", 3), report("home", 7)])
    found = points(samples.kept(), {"mail", "new"})
    assert found == {
        "mail": (Point(0.0, 1), Point(20.0, None), Point(60.0, 3)),
        "new": (),
    }


def test_the_amount_is_that_of_the_last_look_of_a_pass() -> None:
    samples = Samples()
    seen, after = (builders.resource(out_of_sync_kib=kib) for kib in (8, 4))
    samples.note(0.0, [builders.resource_report(seen, after=after)])
    assert samples.kept()[0].amounts_kib == (4,)
