"""Saved states for the tests of `connector explain`, and what the table says of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path

from connector.decide.context import Policy
from connector.model import (
    ConnectionState,
    Decision,
    DiskState,
    Generation,
    Mode,
    Resource,
    Role,
)
from connector.report.explain.answer import Explanation, Seen, explain
from connector.report.explain.drbdsetup import of_drbdsetup
from connector.report.explain.json_files import of_json
from connector.report.explain.premises import premises
from connector.report.explain.said import KINDS, Said, UseSaid
from connector.report.explain.source import Reading, of_proc_drbd
from tests import builders

FIXTURES = Path(__file__).parents[2] / "fixtures"
DRBD_9 = FIXTURES / "drbd-9"
STAND_ALONE = (FIXTURES / "lab/split_brain_beta_secondary/beta/proc_drbd").read_bytes()
C = ConnectionState
NOTHING = Said()


def explained(seen: Seen, said: Said = NOTHING, policy: Policy = Policy()) -> Explanation:
    """The answers, where a person said this of it."""
    case, found = premises(seen, said, policy)
    return explain(seen, case, found)


def decided(found: Explanation, mode: Mode) -> Decision:
    """The decision in one mode."""
    return next(answer.decision for answer in found.answers if answer.mode is mode)


def pictures() -> Iterator[Resource]:
    """One resource for each row, and some that are odd."""
    for connection in (C.STANDALONE, C.WF_CONNECTION, C.CONNECTED, C.SYNC_TARGET, C.TIMEOUT, None):
        for role in (Role.PRIMARY, Role.SECONDARY):
            yield builders.resource(connection=connection, role=role, out_of_sync_kib=4)
    diskless = builders.device(
        connection=C.STANDALONE, role=Role.SECONDARY, disk=DiskState.DISKLESS
    )
    yield builders.resource(
        connection=C.STANDALONE, role=Role.SECONDARY, volumes=[builders.volume(diskless)]
    )
    yield builders.resource(connection=C.STANDALONE, doubts=["a doubt"])
    for connection in (C.STANDALONE, C.CONNECTING, C.CONNECTED):
        for role in (Role.PRIMARY, Role.SECONDARY):
            seen = builders.resource(connection=connection, role=role, out_of_sync_kib=4)
            nine = replace(seen, generation=Generation.NINE, peer="beta")
            yield nine
            yield replace(nine, alone=False, suspended=("quorum",))
            yield replace(nine, force_io_failures=True)


def status_of(situation: str, node: str) -> bytes:
    """What drbdsetup printed there."""
    return (DRBD_9 / situation / node / "drbdsetup_status.json").read_bytes()


def several() -> Iterator[Seen]:
    """Resources with more than one peer, as a real drbdsetup printed them."""
    split = status_of("3n-split-brain-alpha-beta", "beta")
    from_both = split.replace(b'"Connecting"', b'"StandAlone"')
    assert from_both != split
    healthy = status_of("3n-connected-healthy", "alpha")
    against = status_of("3n-split-brain-beta-against-both", "beta")
    for data in (healthy, split, from_both, against):
        found = of_drbdsetup(data, "saved", None)
        assert found is not None
        yield from found.seen


def sayings() -> Iterator[Said]:
    """What may be said, one thing at a time and some together."""
    yield Said()
    for use in UseSaid:
        yield Said(use=use)
    for kind in KINDS:
        yield Said(kind=kind)
    for roles in ((Role.SECONDARY, Role.PRIMARY), (Role.SECONDARY, Role.UNKNOWN)):
        yield Said(kind="split-brain", handshake=roles)
    yield Said(use=UseSaid.NOT_IN_USE, discard_pending=True)
    yield Said(use=UseSaid.NOT_IN_USE, kind="operator-disconnect", lasted_s=60)
    yield Said(use=UseSaid.NOT_IN_USE, after_sb={"one_primary": "discard-secondary"}, attempts=3)
    yield Said(use=UseSaid.NOT_IN_USE, lasted_s=90, paused=True, managed=True)


CASES = [(seen, said) for seen in (*map(Seen, pictures()), *several()) for said in sayings()]


@cache
def every_case() -> list[tuple[Seen, Said, Explanation]]:
    """All of them explained, which takes seconds."""
    return [(seen, said, explained(seen, said)) for seen, said in CASES]


def read(data: bytes | str, line: int | None = None) -> Reading:
    """As the command reads a file that has no names beside it."""
    data = data.encode() if isinstance(data, str) else data
    found = of_json(data, "saved", line) or of_drbdsetup(data, "saved", None)
    return found if found is not None else of_proc_drbd(data, "saved", None)


def rows(found: Reading, mode: Mode = Mode.DISCARD) -> list[str]:
    """The row of each of its resources."""
    return [str(decided(explained(seen), mode).name) for seen in found.seen]
