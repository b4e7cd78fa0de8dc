"""Carrying decisions out: every step after another look, then one common watch."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from connector.act.carry_out import carry_out
from connector.act.execute import Hands, execute, rehearse
from connector.act.watch import outcome_after, watch
from connector.decide.context import Context, Policy
from connector.decide.policy import decide
from connector.errors import NotKept, NotPermitted
from connector.model import (
    AfterSplitBrain,
    Cause,
    CommandResult,
    ConnectionState,
    Decision,
    Evidence,
    Handshake,
    Mode,
    Outcome,
    OutcomeKind,
    Resource,
    Role,
)
from connector.program import Completed
from tests.builders import resource

C = ConnectionState
LONG = Context(picture_age_s=1_000.0)
SPLIT = Evidence(
    cause=Cause.SPLIT_BRAIN, cause_at_s=1.0, handshakes=(Handshake(0, 0x10, 0x21, 9, 5, 0, 0),)
)


def apart(
    role: Role,
    *,
    in_use: bool = False,
    evidence: Evidence = Evidence(),
    after_sb: AfterSplitBrain = AfterSplitBrain(),
) -> Resource:
    """A StandAlone resource with changes of its own."""
    return resource(
        connection=C.STANDALONE,
        role=role,
        in_use=in_use,
        evidence=evidence,
        after_sb=after_sb,
        out_of_sync_kib=4,
    )


class Bench:
    """A world of one resource: what is seen at each look, and what drbdadm answers."""

    def __init__(self, *looks: Resource | None) -> None:
        self.looks = list(looks)
        self.events: list[str] = []
        self.now_s = 0.0
        self.left_s = 40.0
        self.record_fails = False
        self.kept: str | NotKept | None = "20251124T160000Z-mail"
        self.answer: Callable[[Sequence[str]], Completed] = lambda argv: Completed(tuple(argv), 0)

    def wall_s(self) -> float:
        return self.now_s

    boot_s = log_s = wall_s

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds

    def run(self, argv: Sequence[str], timeout_s: float) -> Completed:
        self.events.append(" ".join(argv))
        return self.answer(argv)

    def look(self, _name: str) -> Resource | None:
        self.events.append("look")
        return self.looks.pop(0) if len(self.looks) > 1 else self.looks[0]

    def record(self, _decision: Decision) -> None:
        self.events.append("record")
        if self.record_fails:
            raise OSError(28, "No space left on device", "given-up")

    def rescue(self, _decision: Decision) -> str | None:
        self.events.append("rescue")
        if isinstance(self.kept, NotKept):
            raise self.kept
        return self.kept

    @property
    def hands(self) -> Hands:
        return Hands(
            run=self.run,
            drbdadm="drbdadm",
            command_timeout_s=15,
            clock=self,
            look_again=self.look,
            before_discard=self.record,
            rescue=self.rescue,
            time_left_s=lambda: self.left_s,
        )


def test_each_command_follows_another_look() -> None:
    before, after = apart(Role.PRIMARY), apart(Role.SECONDARY)
    bench = Bench(before, after)
    outcome = execute(decide(before, LONG), LONG, bench.hands)
    assert bench.events == ["look", "drbdadm secondary mail", "look", "drbdadm connect mail"]
    assert outcome.kind is OutcomeKind.WAITING
    assert [command.outcome for command in outcome.commands] == ["done", "done"]


@pytest.mark.parametrize(
    "meanwhile",
    [
        apart(Role.PRIMARY, in_use=True),
        resource(connection=C.CONNECTED, role=Role.PRIMARY, in_use=False),
        resource(connection=C.WF_CONNECTION, role=Role.PRIMARY, in_use=False),
        None,
    ],
)
def test_what_changed_meanwhile_is_not_acted_upon(meanwhile: Resource | None) -> None:
    bench = Bench(meanwhile)
    outcome = execute(decide(apart(Role.PRIMARY), LONG), LONG, bench.hands)
    assert outcome.kind is OutcomeKind.SUPERSEDED
    assert bench.events == ["look"]


def test_a_mount_after_the_demotion_stops_the_second_step() -> None:
    before = apart(Role.PRIMARY)
    bench = Bench(before, apart(Role.PRIMARY, in_use=True))
    outcome = execute(decide(before, LONG), LONG, bench.hands)
    assert outcome.kind is OutcomeKind.SUPERSEDED
    assert bench.events == ["look", "drbdadm secondary mail", "look"]
    assert len(outcome.commands) == 1


DISCARD = Context(policy=Policy(mode=Mode.DISCARD), picture_age_s=1_000.0)


def test_record_and_rescue_come_before_the_discard_and_a_look_after_them() -> None:
    standby = apart(Role.SECONDARY, evidence=SPLIT)
    bench = Bench(standby)
    outcome = execute(decide(standby, DISCARD), DISCARD, bench.hands)
    assert bench.events == ["record", "rescue", "look", "drbdadm connect --discard-my-data mail"]
    assert outcome.rescue == "20251124T160000Z-mail"


LOSSY = AfterSplitBrain("discard-zero-changes", "discard-secondary", "disconnect")


def test_the_rescue_comes_after_the_demotion() -> None:
    """A Primary may still be written to; and what a policy of DRBD takes is kept, too."""
    before = apart(Role.PRIMARY, after_sb=LOSSY)
    bench = Bench(before, apart(Role.SECONDARY, after_sb=LOSSY))
    outcome = execute(decide(before, DISCARD), DISCARD, bench.hands)
    assert bench.events == [
        "record",
        "look",
        "drbdadm secondary mail",
        "rescue",
        "look",
        "drbdadm connect mail",
    ]
    assert outcome.rescue == "20251124T160000Z-mail"


def test_a_plain_connect_that_may_lose_is_kept_first() -> None:
    standby = apart(Role.SECONDARY, after_sb=LOSSY)
    bench = Bench(standby)
    outcome = execute(decide(standby, DISCARD), DISCARD, bench.hands)
    assert bench.events == ["record", "rescue", "look", "drbdadm connect mail"]
    assert (outcome.kind, outcome.rescue) == (OutcomeKind.WAITING, "20251124T160000Z-mail")


def test_where_nothing_can_be_lost_nothing_is_kept() -> None:
    standby = apart(Role.SECONDARY)
    bench = Bench(standby)
    outcome = execute(decide(standby, DISCARD), DISCARD, bench.hands)
    assert bench.events == ["look", "drbdadm connect mail"]
    assert outcome.rescue is None


@pytest.mark.parametrize("role", [Role.SECONDARY, Role.PRIMARY])
def test_what_cannot_be_kept_is_not_given_up(role: Role) -> None:
    before = apart(role, evidence=SPLIT, after_sb=LOSSY)
    bench = Bench(before, apart(Role.SECONDARY, evidence=SPLIT, after_sb=LOSSY))
    bench.kept = NotKept("there is no room")
    outcome = execute(decide(before, DISCARD), DISCARD, bench.hands)
    assert outcome.kind is OutcomeKind.FAILED
    assert outcome.detail == (
        "nothing was given up, since it cannot be kept first: there is no room"
    )
    assert outcome.rescue is None
    # What was done before that is told; and nothing comes after it.
    demoted = ["drbdadm secondary mail"] if role is Role.PRIMARY else []
    assert [" ".join(command.argv) for command in outcome.commands] == demoted
    assert bench.events[-1] == "rescue"
    assert not any("connect" in event for event in bench.events)


def test_nothing_had_to_be_kept() -> None:
    standby = apart(Role.SECONDARY, evidence=SPLIT)
    bench = Bench(standby)
    bench.kept = None
    outcome = execute(decide(standby, DISCARD), DISCARD, bench.hands)
    assert (outcome.kind, outcome.rescue) == (OutcomeKind.WAITING, None)
    assert bench.events[-1] == "drbdadm connect --discard-my-data mail"


@pytest.mark.parametrize("how", ["superseded", "out of time", "refused"])
def test_what_was_kept_is_told_although_it_came_to_nothing(how: str) -> None:
    standby = apart(Role.SECONDARY, evidence=SPLIT)
    bench = Bench(apart(Role.SECONDARY) if how == "superseded" else standby)
    if how == "out of time":
        bench.left_s = 0.0
    if how == "refused":
        bench.answer = lambda argv: Completed(tuple(argv), 10, stderr="mail: no")
    outcome = execute(decide(standby, DISCARD), DISCARD, bench.hands)
    assert outcome.kind is not OutcomeKind.WAITING
    assert outcome.rescue == "20251124T160000Z-mail"


def test_what_the_watch_makes_of_it_keeps_the_name() -> None:
    waiting = Outcome(OutcomeKind.WAITING, "", (), "20251124T160000Z-mail")
    assert outcome_after(waiting, {"mail": C.CONNECTED}).rescue == "20251124T160000Z-mail"


def test_without_a_record_nothing_is_given_up() -> None:
    standby = apart(Role.SECONDARY, evidence=SPLIT)
    bench = Bench(standby)
    bench.record_fails = True
    outcome = execute(decide(standby, DISCARD), DISCARD, bench.hands)
    assert outcome.kind is OutcomeKind.FAILED
    assert "No space left" in outcome.detail
    assert bench.events == ["record"]


def test_evidence_that_went_away_supersedes_a_discard() -> None:
    standby = apart(Role.SECONDARY, evidence=SPLIT)
    bench = Bench(apart(Role.SECONDARY))
    outcome = execute(decide(standby, DISCARD), DISCARD, bench.hands)
    assert outcome.kind is OutcomeKind.SUPERSEDED
    assert bench.events == ["record", "rescue", "look"]


def test_a_failed_step_ends_it() -> None:
    before = apart(Role.PRIMARY)
    bench = Bench(before)
    bench.answer = lambda argv: Completed(
        tuple(argv), 11, stderr="0: State change failed: (-12) Device is held open by someone"
    )
    outcome = execute(decide(before, LONG), LONG, bench.hands)
    assert outcome.kind is OutcomeKind.FAILED
    assert "held open" in outcome.detail
    assert bench.events == ["look", "drbdadm secondary mail"]


def test_already_connected_is_no_failure() -> None:
    standby = apart(Role.SECONDARY)
    bench = Bench(standby)
    bench.answer = lambda argv: Completed(
        tuple(argv), 10, stderr="mail: Failure: (102) Local address(port) already in use."
    )
    assert execute(decide(standby, LONG), LONG, bench.hands).kind is OutcomeKind.WAITING


def test_not_permitted_is_an_error_of_its_own() -> None:
    standby = apart(Role.SECONDARY)
    bench = Bench(standby)
    bench.answer = lambda argv: Completed(tuple(argv), 20, stderr="mail: Operation not permitted")
    with pytest.raises(NotPermitted, match="run connector as root"):
        execute(decide(standby, LONG), LONG, bench.hands)


def test_a_transient_answer_is_tried_again_after_another_look() -> None:
    standby = apart(Role.SECONDARY)
    bench = Bench(standby)
    answers = [(11, "0: State change failed: (-18) In transient state, retry"), (0, "")]

    def answer(argv: Sequence[str]) -> Completed:
        status, stderr = answers.pop(0)
        return Completed(tuple(argv), status, stderr=stderr)

    bench.answer = answer
    outcome = execute(decide(standby, LONG), LONG, bench.hands)
    assert outcome.kind is OutcomeKind.WAITING
    assert bench.events == ["look", "drbdadm connect mail", "look", "drbdadm connect mail"]


def test_without_time_nothing_is_begun() -> None:
    standby = apart(Role.SECONDARY)
    bench = Bench(standby)
    bench.left_s = 0.0
    outcome = execute(decide(standby, LONG), LONG, bench.hands)
    assert outcome.kind is OutcomeKind.OUT_OF_TIME
    assert bench.events == ["look"]


def test_a_rehearsal_runs_nothing() -> None:
    outcome = rehearse(decide(apart(Role.PRIMARY), LONG))
    assert outcome.kind is OutcomeKind.WOULD_ACT
    assert [" ".join(command.argv) for command in outcome.commands] == [
        "drbdadm secondary mail",
        "drbdadm connect mail",
    ]
    assert rehearse(decide(resource(), LONG)).kind is OutcomeKind.NOTHING


def test_the_watch_ends_when_all_have_settled_or_time_is_up() -> None:
    bench = Bench(None)
    pictures = [
        {"mail": C.WF_CONNECTION, "db": C.CONNECTED},
        {"mail": C.WF_REPORT_PARAMS, "db": C.CONNECTED},
        {"mail": C.SYNC_TARGET, "db": C.CONNECTED},
    ]
    seen = watch(frozenset(pictures[0]), lambda: pictures.pop(0), bench, 10, lambda: 40)
    assert seen == {"mail": C.SYNC_TARGET, "db": C.CONNECTED}
    assert 0 < bench.now_s < 2

    bench = Bench(None)
    waiting = watch(frozenset({"mail"}), lambda: {"mail": C.WF_CONNECTION}, bench, 10, lambda: 40)
    assert waiting == {"mail": C.WF_CONNECTION}
    assert bench.now_s == pytest.approx(10)

    bench = Bench(None)
    watch(frozenset({"mail"}), lambda: {}, bench, 10, lambda: 3 - bench.now_s)
    assert bench.now_s == pytest.approx(3)


@pytest.mark.parametrize(
    ("state", "kind"),
    [
        (C.CONNECTED, OutcomeKind.RECONNECTED),
        (C.SYNC_TARGET, OutcomeKind.RECONNECTED),
        (C.STANDALONE, OutcomeKind.DROPPED),
        (C.WF_CONNECTION, OutcomeKind.WAITING),
        (None, OutcomeKind.WAITING),
    ],
)
def test_what_the_watched_state_means(state: ConnectionState | None, kind: OutcomeKind) -> None:
    commands = (CommandResult(("drbdadm", "connect", "mail"), "done"),)
    outcome = outcome_after(Outcome(OutcomeKind.WAITING, "", commands), {"mail": state})
    assert (outcome.kind, outcome.commands) == (kind, commands)


def test_all_commands_come_before_the_one_watch() -> None:
    standby = apart(Role.SECONDARY)
    other = resource("db", connection=C.STANDALONE, role=Role.SECONDARY)
    bench = Bench(standby, other)
    decisions = {"mail": decide(standby, LONG), "db": decide(other, LONG)}
    done = carry_out(
        decisions,
        {"mail": LONG, "db": LONG},
        bench.hands,
        states=lambda: {"mail": C.CONNECTED, "db": C.WF_CONNECTION},
        settle_s=10,
        why_not=None,
    )
    assert bench.events == ["look", "drbdadm connect mail", "look", "drbdadm connect db"]
    assert {name: outcome.kind for name, outcome in done.items()} == {
        "mail": OutcomeKind.RECONNECTED,
        "db": OutcomeKind.WAITING,
    }
    assert bench.now_s == pytest.approx(10)


def test_a_reason_not_to_act_stops_every_command() -> None:
    standby = apart(Role.SECONDARY)
    bench = Bench(standby)
    done = carry_out(
        {"mail": decide(standby, LONG)},
        {"mail": LONG},
        bench.hands,
        states=dict,
        settle_s=10,
        why_not="the disk is full",
    )
    assert done["mail"] == Outcome(OutcomeKind.FAILED, "nothing was done: the disk is full")
    assert bench.events == []
