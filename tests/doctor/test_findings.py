"""Each finding: surroundings in which it appears, and others just beside in which it does not."""

from __future__ import annotations

import pytest

from connector.doctor.finding import FindingId
from connector.doctor.findings.all_areas import MOST_TOLD, examine
from connector.doctor.reading import Unseen
from connector.doctor.report import exit_status
from connector.doctor.schedule import Schedule
from connector.doctor.surroundings import Surroundings
from tests.doctor import cases_drbd, cases_node, cases_peer
from tests.doctor.builders import (
    CONF,
    conf,
    dumped,
    findings,
    manifest,
    peer,
    resource,
    running,
    surroundings,
    unseen,
)
from tests.doctor.cases import (
    CRITICAL,
    Case,
    Id,
    owner,
)

CASES = {**cases_drbd.CASES, **cases_node.CASES, **cases_peer.CASES}
ALL = [(which, case) for which, cases in CASES.items() for case in cases]
NAMES = [f"{which}-{CASES[which].index(case)}" for which, case in ALL]


def test_every_finding_has_a_case() -> None:
    assert set(CASES) == set(FindingId)


def test_nothing_is_wrong_where_nothing_is_wrong() -> None:
    seen = surroundings()
    assert findings(seen) == []
    assert unseen(seen) == []
    assert exit_status(examine(seen)) == 0


@pytest.mark.parametrize(("which", "case"), ALL, ids=NAMES)
def test_it_appears(which: FindingId, case: Case) -> None:
    seen = surroundings(**case.sick)
    (found,) = findings(seen)
    assert (found.id, found.severity) == (which, case.severity)
    assert case.words in found.seen
    assert found.fix
    assert found.why
    if case.where is not None:
        assert found.where == case.where
    assert exit_status(examine(seen)) in ({2} if case.severity is CRITICAL else {1, 3})


@pytest.mark.parametrize(("which", "case"), ALL, ids=NAMES)
def test_it_does_not_appear_just_beside(which: FindingId, case: Case) -> None:
    assert which not in {found.id for found in findings(surroundings(**case.well))}


def test_the_sick_and_the_well_ones_differ() -> None:
    assert [
        which for which, case in ALL if surroundings(**case.sick) == surroundings(**case.well)
    ] == []


def test_what_common_sets_is_said_once() -> None:
    mail = resource({("startup", "wfc-timeout"): "0"})
    db = resource({("startup", "wfc-timeout"): "0"}, name="db")
    seen: Surroundings = surroundings(
        drbd=dumped(mail, db), conf=conf(CONF.replace("wfc-timeout 120", "wfc-timeout 0"))
    )
    of_it = [one for one in findings(seen) if one.id is Id.WFC_TIMEOUT_INFINITE]
    assert [one.resources for one in of_it] == [("mail", "db")]


def test_nothing_runs_passes_and_nothing_did() -> None:
    found = findings(surroundings(schedule=Schedule(), last_pass=None))
    assert [(one.id, one.severity) for one in found] == [
        (Id.NOTHING_RUNS_PASSES, CRITICAL),
        (Id.PASSES_STOPPED, CRITICAL),
    ]


def test_no_cron_and_no_pass() -> None:
    seen = surroundings(running=running(cron=False), last_pass=None)
    assert [(one.id, one.severity) for one in findings(seen)] == [
        (Id.CRON_NOT_RUNNING, CRITICAL),
        (Id.PASSES_STOPPED, CRITICAL),
    ]


def test_many_findings_of_one_area_are_bounded_and_that_is_said() -> None:
    users = {f"u{number}": number for number in range(200)}
    owners = [owner(name, number + 1000) for name, number in users.items()]
    seen = surroundings(
        peer=peer(owners=owners), own=manifest(host="alpha", users=users, owners=[])
    )
    assert len(findings(seen)) == MOST_TOLD
    (told,) = unseen(seen)
    assert told.what == f"{200 - MOST_TOLD} more findings"


def test_a_crontab_that_cannot_be_read_may_run_passes() -> None:
    schedule = Schedule(unseen=(Unseen("root's"),))
    assert findings(surroundings(schedule=schedule)) == []
