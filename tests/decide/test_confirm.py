"""A decision is asked again right before each command: what has to hold, and what is said."""

from __future__ import annotations

from dataclasses import replace

import pytest

from connector.decide.confirm import superseded, words
from connector.decide.context import Context
from connector.decide.policy import decide
from connector.model import (
    ActionKind,
    Cause,
    ConnectionState,
    Evidence,
    Picture,
    Resource,
    Role,
)
from tests.builders import resource

C = ConnectionState
LONG = Context(picture_age_s=1000.0, log_now_s=10_000.0)


def left_over() -> Resource:
    """A Primary that nothing uses: it is demoted, then connected."""
    return resource(connection=C.STANDALONE, role=Role.PRIMARY, in_use=False)


def test_nothing_stands_against_a_step_whose_picture_is_there() -> None:
    decision = decide(left_over(), LONG)
    assert [action.kind for action in decision.actions] == [
        ActionKind.SECONDARY,
        ActionKind.CONNECT,
    ]
    demoted = resource(connection=C.STANDALONE, role=Role.SECONDARY)
    assert superseded(decision, 0, left_over(), LONG) is None
    assert superseded(decision, 1, demoted, LONG) is None


@pytest.mark.parametrize("step", [0, 1])
def test_a_resource_that_is_gone_is_left_alone(step: int) -> None:
    decision = decide(left_over(), LONG)
    assert superseded(decision, step, None, LONG) == "mail is no longer there"


def test_the_first_step_needs_the_whole_decision_again() -> None:
    decision = decide(left_over(), LONG)
    taken_over = resource(connection=C.STANDALONE, role=Role.PRIMARY, in_use=True)
    assert superseded(decision, 0, taken_over, LONG) == (
        f"mail changed meanwhile: {decide(taken_over, LONG).reason}"
    )
    # The same picture, and now a gate stands before it.
    paused = replace(LONG, paused="maintenance")
    why = superseded(decision, 0, left_over(), paused)
    assert why is not None
    assert "paused by the operator: maintenance" in why


def test_the_same_command_under_another_name_is_not_the_same_decision() -> None:
    """Survivor and standby both connect; which of them this is decides what may be lost."""
    standby = resource(connection=C.STANDALONE, role=Role.SECONDARY)
    survivor = resource(connection=C.STANDALONE, role=Role.PRIMARY)
    decision = decide(standby, LONG)
    assert [action.kind for action in decision.actions] == [ActionKind.CONNECT]
    assert superseded(decision, 0, survivor, LONG) is not None
    assert superseded(replace(decision, name=decide(survivor, LONG).name), 0, standby, LONG)


def test_a_later_step_does_not_ask_the_table_again_but_needs_its_picture() -> None:
    decision = decide(left_over(), LONG)
    demoted = resource(connection=C.STANDALONE, role=Role.SECONDARY)
    # A split brain read only now would stop the first step, not the second of a demotion.
    split = replace(demoted, evidence=Evidence(cause=Cause.SPLIT_BRAIN, cause_at_s=1.0))
    assert superseded(decision, 1, split, LONG) is None
    assert superseded(decision, 1, left_over(), LONG) == (
        "mail changed meanwhile: expected StandAlone, Secondary, not in use, "
        "found StandAlone, Primary, not in use"
    )
    mounted = resource(connection=C.STANDALONE, role=Role.SECONDARY, in_use=True)
    why = superseded(decision, 1, mounted, LONG)
    assert why is not None
    assert why.endswith("found StandAlone, Secondary, in use")


@pytest.mark.parametrize(
    ("picture", "expected"),
    [
        (Picture(C.CONNECTED, Role.PRIMARY, True), "Connected, Primary, in use"),
        (Picture(None, None, None), "no certain connection, no role, use unknown"),
        (Picture(C.WF_CONNECTION, None, False), "WFConnection, no role, not in use"),
    ],
)
def test_a_picture_in_words(picture: Picture, expected: str) -> None:
    assert words(picture) == expected
