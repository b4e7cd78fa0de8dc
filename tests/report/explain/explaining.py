"""Saved states for the tests of `connector explain`, and what the table says of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from connector.decide.context import Policy
from connector.model import ConnectionState, Decision, DiskState, Mode, Resource, Role
from connector.report.explain.answer import Explanation, Seen, explain
from connector.report.explain.json_files import of_json
from connector.report.explain.premises import premises
from connector.report.explain.said import KINDS, Said, UseSaid
from connector.report.explain.source import Reading, of_proc_drbd
from tests import builders

FIXTURES = Path(__file__).parents[2] / "fixtures"
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


def sayings() -> Iterator[Said]:
    """What may be said, one thing at a time and some together."""
    yield Said()
    for use in UseSaid:
        yield Said(use=use)
    for kind in KINDS:
        yield Said(kind=kind)
    for roles in ((Role.SECONDARY, Role.PRIMARY), (Role.SECONDARY, Role.UNKNOWN)):
        yield Said(kind="split-brain", handshake=roles)
    yield Said(use=UseSaid.NOT_IN_USE, kind="operator-disconnect", lasted_s=60)
    yield Said(use=UseSaid.NOT_IN_USE, after_sb={"one_primary": "discard-secondary"}, attempts=3)
    yield Said(use=UseSaid.NOT_IN_USE, lasted_s=90, paused=True, managed=True)


CASES = [(Seen(resource), said) for resource in pictures() for said in sayings()]


def read(data: bytes | str, line: int | None = None) -> Reading:
    """As the command reads a file that has no names beside it."""
    data = data.encode() if isinstance(data, str) else data
    found = of_json(data, "saved", line)
    return found if found is not None else of_proc_drbd(data, "saved", None)


def rows(found: Reading, mode: Mode = Mode.DISCARD) -> list[str]:
    """The row of each of its resources."""
    return [str(decided(explained(seen), mode).name) for seen in found.seen]
