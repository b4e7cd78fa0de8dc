"""Whose changes should go: the use before the roles, the roles before the amounts, or no word."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from connector.errors import OperatorNeeded
from connector.model import Cause, ConnectionState, Evidence, Handshake, Resource, Role
from connector.recover.plan import plan
from connector.recover.recommend import Victim, against, lines, recommend
from tests.builders import device, resource, volume

STANDALONE = ConnectionState.STANDALONE
HERE, PEER = Victim.HERE, Victim.PEER


def split(roles: tuple[int, int], in_use: bool | None, bits: tuple[int, int] = (9, 5)) -> Resource:
    """A split brain; `roles` are 1 for Primary at the handshake, of this node and of the peer."""
    handshake = Handshake(0, 0x10 | roles[0], 0x20 | roles[1], *bits, 0, 0)
    evidence = Evidence(cause=Cause.SPLIT_BRAIN, cause_at_s=1.0, handshakes=(handshake,))
    found = resource(connection=STANDALONE, in_use=bool(in_use), evidence=evidence)
    if in_use is None:
        found = replace(found, volumes=(volume(device(connection=STANDALONE), used_by=None),))
    return found


def peer(in_use: bool | None) -> Resource:
    """The other node as it shows itself."""
    found = resource(connection=STANDALONE, role=Role.PRIMARY, in_use=bool(in_use))
    if in_use is None:
        found = replace(found, volumes=(volume(device(connection=STANDALONE), used_by=None),))
    return found


@pytest.mark.parametrize(
    ("roles", "here", "there", "victim", "why"),
    [
        # What is in use counts most, whatever the roles were.
        ((1, 0), False, True, HERE, "the other node is in use, by /mnt/mail"),
        ((0, 1), True, False, PEER, "this node is in use, by /mnt/mail"),
        ((0, 1), True, True, None, "in use on both nodes"),
        # In use here, and nothing known of the other.
        ((1, 0), True, None, PEER, "look there first"),
        ((1, 1), True, None, None, "the other node may be in use as well"),
        ((0, 1), True, None, None, "the other node may be in use as well"),
        # Not in use here: the roles.
        ((0, 1), False, None, HERE, "the other node was Primary and this was not"),
        ((0, 1), False, False, HERE, "the other node was Primary and this was not"),
        ((1, 0), False, None, PEER, "look there first"),
        ((1, 0), False, False, PEER, "the other node is not in use"),
        ((1, 1), False, None, HERE, "both nodes were Primary"),
        # Nothing decides.
        ((1, 1), False, False, None, "that does not decide it"),
        ((0, 0), False, None, None, "neither node was Primary"),
        ((0, 1), None, None, None, "could not be found out"),
    ],
)
def test_the_victim(
    roles: tuple[int, int], here: bool | None, there: bool | None, victim: Victim | None, why: str
) -> None:
    found = recommend(split(roles, here), None if there is None else peer(there))
    assert found is not None
    assert found.victim is victim
    assert why in "\n".join(found.reasons)


@pytest.mark.parametrize(
    ("bits", "there", "victim"),
    [
        ((1, 10), False, HERE),
        ((1, 9), False, None),
        ((0, 1), None, HERE),
        ((0, 0), False, None),
        ((10, 1), False, PEER),
        # Whether the other node is in use is not known: then its few changes say nothing.
        ((10, 1), None, None),
    ],
)
def test_the_amounts_decide_only_where_they_are_clear(
    bits: tuple[int, int], there: bool | None, victim: Victim | None
) -> None:
    found = recommend(split((0, 0), False, bits), None if there is None else peer(there))
    assert found is not None
    assert found.victim is victim


def test_without_a_view_it_says_what_the_plan_does() -> None:
    """Else a person would read one thing and be asked about another."""
    for own, other in itertools.product((0, 1), repeat=2):
        seen = split((own, other), False)
        found = recommend(seen)
        assert found is not None
        if other:
            assert plan(seen, discard=None).discards
            assert found.victim is HERE
        elif own:
            assert not plan(seen, discard=None).discards
            assert found.victim is PEER
        else:
            with pytest.raises(OperatorNeeded):
                plan(seen, discard=None)
    mine = split((0, 1), False)
    unsure = Handshake(1, 0x11, 0x21, 9, 5, 0, 0)
    evidence = replace(mine.evidence, handshakes=(*mine.evidence.handshakes, unsure))
    found = recommend(replace(mine, evidence=evidence))
    assert found is not None
    assert found.victim is HERE


def test_amounts_of_some_volumes_decide_nothing() -> None:
    seen = split((0, 0), False, (0, 100))
    second = volume(device(1, connection=STANDALONE), number=1, used_by=())
    found = recommend(replace(seen, volumes=(*seen.volumes, second)))
    assert found is not None
    assert found.victim is None
    assert "of some volumes only" in found.reasons[-1]


def test_what_is_in_use_or_may_be_is_never_recommended() -> None:
    known = (True, False, None)
    tried = 0
    for own, other, here, there in itertools.product((0, 1), (0, 1), known, known):
        for bits in ((0, 50), (50, 0), (5, 5)):
            found = recommend(split((own, other), here, bits), peer(there))
            assert found is not None
            assert not (found.victim is HERE and here is not False)
            assert not (found.victim is PEER and there)
            tried += 1
    assert tried == 108


def test_without_a_split_brain_nobody_is_a_victim() -> None:
    seen = resource(connection=STANDALONE, in_use=False)
    assert recommend(seen) is None
    assert list(lines(recommend(seen))) == []


def test_it_is_told_in_words() -> None:
    assert list(lines(recommend(split((0, 1), False)))) == [
        "who should give its changes up: this node (--victim here)",
        "  - at the last handshake the other node was Primary and this was not",
        "  - this node is not in use",
    ]
    assert next(lines(recommend(split((0, 0), False)))).endswith(": cannot say")


def test_a_warning_where_a_persons_word_is_against_it() -> None:
    found = recommend(split((0, 1), False))
    assert against(found, None) is None
    assert against(found, True) is None
    assert "--victim peer, and what is known speaks for --victim here" in (
        against(found, False) or ""
    )
    assert against(recommend(split((0, 0), False)), True) is None
    assert against(None, True) is None
