"""Each assumption is named, and every "would be" is true."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from connector.decide.context import Policy
from connector.decide.table import TABLE
from connector.model import AfterSplitBrain, ConnectionState, Mode, Role
from connector.report.connections import row_of
from connector.report.explain.answer import About, Seen, Source
from connector.report.explain.premises import premises
from connector.report.explain.said import Said, UseSaid
from tests import builders

from .explaining import CASES, every_case, explained

C = ConnectionState


FLAGS: dict[str, Callable[[Said], Said]] = {
    "--paused": lambda said: replace(said, paused=True),
    "--managed": lambda said: replace(said, managed=True),
    "--discard-pending": lambda said: replace(said, discard_pending=True),
}


def with_option(said: Said, option: str) -> Said:
    """The same with what the options of an alternative say, read as the command reads them."""
    words = option.replace("=", " ").split()
    while words:
        word = words.pop(0)
        match word:
            case "--in-use" | "--not-in-use" | "--use-unknown":
                said = replace(said, use=UseSaid(word[2:]))
            case "--evidence":
                said = replace(said, kind=words.pop(0))
            case "--handshake":
                own, peer = words.pop(0).split("/")
                said = replace(said, kind="split-brain", handshake=(Role(own), Role(peer)))
            case "--lasted":
                said = replace(said, lasted_s=float(words.pop(0).rstrip("s")))
            case "--after-sb-0pri" | "--after-sb-1pri" | "--after-sb-2pri":
                fields = {"0": "zero_primaries", "1": "one_primary", "2": "two_primaries"}
                after_sb = {**said.after_sb, fields[word[11]]: words.pop(0)}
                said = replace(said, after_sb=after_sb)
            case "--attempts":
                said = replace(said, attempts=int(words.pop(0)))
            case _:
                said = FLAGS[word](said)
    return said


def test_what_it_would_be_is_what_it_is_when_it_is_said() -> None:
    compared = 0
    for seen, said, found in every_case():
        for answer in found.answers:
            for other in answer.otherwise:
                case, _ = premises(seen, with_option(said, other.option), Policy())
                again = case.decide(answer.mode)
                assert again.name == other.decision.name
                assert again.actions == other.decision.actions
                assert [g.name for g in again.gates] == [g.name for g in other.decision.gates]
                assert again.needs_operator is other.decision.needs_operator
                compared += 1
    assert compared > 1000


def test_only_what_is_another_answer_is_told() -> None:
    for _, _, found in every_case():
        for answer in found.answers:
            own = answer.decision
            for other in answer.otherwise:
                then = other.decision
                assert (own.name, [a.kind for a in own.actions], own.needs_operator) != (
                    then.name,
                    [a.kind for a in then.actions],
                    then.needs_operator,
                )


def test_each_thing_is_told_said_or_assumed_once() -> None:
    always = {About.USE, About.LASTED, About.AFTER_SB, About.MANAGED, About.PAUSE, About.ATTEMPTS}
    for _, _, case in every_case():
        found = case.premises
        about = [premise.about for premise in found]
        assert len(about) == len(set(about))
        assert always <= set(about)
        for premise in found:
            assert bool(premise.option) is (premise.source is Source.ASSUMED)
            assert premise.words
    told = {About.NAME, About.USE, About.EVIDENCE, About.AFTER_SB}
    seen = replace(CASES[0][0], told=frozenset(told))
    found = explained(seen).premises
    assert {p.about for p in found if p.source is Source.FILE} == told - {About.NAME}
    assert About.NAME not in {p.about for p in found}


def test_an_assumption_that_does_not_matter_changes_no_answer() -> None:
    for _, _, found in every_case():
        for premise in found.premises:
            if found.matters(premise):
                continue
            for alternative in premise.alternatives:
                for answer in found.answers:
                    other = alternative.case.decide(answer.mode)
                    assert other.name == answer.decision.name
                    assert other.actions == answer.decision.actions
                    assert other.needs_operator is answer.decision.needs_operator


def test_what_is_assumed_of_the_use() -> None:
    for role, in_use in ((Role.PRIMARY, True), (Role.SECONDARY, False)):
        seen = Seen(builders.resource(connection=C.STANDALONE, role=role, in_use=not in_use))
        assert explained(seen).case.resource.in_use is in_use
        told = replace(seen, told=frozenset({About.USE}))
        assert explained(told).case.resource.in_use is not in_use


def test_a_row_is_that_of_the_table() -> None:
    rows = set()
    for _, _, found in every_case():
        for answer in found.answers:
            assert TABLE[answer.row - 1] is row_of(found.case.resource, answer.decision)
            assert TABLE[answer.row - 1].name == answer.decision.name
            rows.add(answer.row)
    assert rows == set(range(1, len(TABLE) + 1))


def test_while_connected_the_kernel_log_decides_nothing() -> None:
    seen = Seen(builders.resource(connection=C.SYNC_TARGET, role=Role.SECONDARY))
    plain = explained(seen)
    assert About.EVIDENCE not in {premise.about for premise in plain.premises}
    said = explained(seen, Said(kind="split-brain"))
    assert [answer.decision for answer in said.answers] == [a.decision for a in plain.answers]
    assert any("not looked at while connected" in premise.words for premise in said.premises)


def test_policies_that_are_told_are_kept_beside_one_that_is_said() -> None:
    told = AfterSplitBrain(zero_primaries="discard-least-changes")
    seen = Seen(replace(CASES[0][0].resource, after_sb=told), frozenset({About.AFTER_SB}))
    found = explained(seen, Said(after_sb={"one_primary": "discard-secondary"}))
    assert found.case.resource.after_sb == replace(told, one_primary="discard-secondary")


def test_of_what_comes_to_the_same_the_first_is_told() -> None:
    """The shortest time, the plainest split brain, and one policy."""
    seen = Seen(builders.resource(connection=C.STANDALONE, role=Role.PRIMARY))
    told = {
        answer.mode: [other.option for other in answer.otherwise]
        for answer in explained(seen, Said(use=UseSaid.NOT_IN_USE)).answers
    }
    assert [option for option in told[Mode.RECONNECT] if "lasted" in option] == ["--lasted 90s"]
    assert "--evidence split-brain" in told[Mode.RECONNECT]
    assert not any("--handshake" in option for option in told[Mode.RECONNECT])
    waiting = explained(seen, Said(use=UseSaid.NOT_IN_USE, lasted_s=90))
    options = [other.option for other in waiting.answers[1].otherwise]
    assert [option for option in options if "after-sb" in option] == [
        "--after-sb-0pri discard-least-changes"
    ]
