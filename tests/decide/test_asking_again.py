"""How long a handshake without a Primary is the last word."""

from __future__ import annotations

from dataclasses import replace

from connector.decide.asking_again import asked_again_after_s, may_ask_again
from connector.decide.context import Context, Policy
from connector.model import Cause, ConnectionState, Evidence, Mode
from tests.builders import resource


def test_each_wait_is_longer_and_none_is_longer_than_an_hour() -> None:
    waits_s = [
        asked_again_after_s(Context(policy=Policy(max_attempts=6), attempts=attempts))
        for attempts in range(7)
    ]
    assert waits_s == [60, 240, 960, 3600, 3600, None, None]
    most = Context(policy=Policy(max_attempts=100), attempts=98)
    assert asked_again_after_s(most) == 3600


def test_a_handshake_of_an_unknown_time_is_not_asked_again() -> None:
    found = resource(
        connection=ConnectionState.STANDALONE, evidence=Evidence(cause=Cause.SPLIT_BRAIN)
    )
    context = Context(policy=Policy(mode=Mode.DISCARD), log_now_s=10_000.0)
    assert not may_ask_again(found, context)
    dated = replace(found, evidence=replace(found.evidence, cause_at_s=1.0))
    assert may_ask_again(dated, context)
    assert not may_ask_again(dated, replace(context, policy=Policy(max_attempts=1)))
