"""The checker itself: for each rule a recording that keeps it, and one that breaks it.

A checker that cannot fail is worth nothing: each broken recording differs from its sound twin
only in what breaks it. Here are those that concern no rule alone; the other test files go by rule.
"""

from __future__ import annotations

from .recordings import HEALED, HEALING, found, heads, recorded
from .rules import lost, violations


def test_a_split_brain_that_the_standby_ends_is_sound() -> None:
    assert found(HEALING) == []


def test_a_real_recording_in_the_default_mode_would_break_invariant_2() -> None:
    events = [event for event in recorded(HEALED) if not event.text.startswith("mode")]
    assert heads(found(events)) == ["invariant 2: beta"]


def test_nothing_recorded_is_sound() -> None:
    assert violations([], {}, {}) == []
    assert lost([], {}, {}) == ()
