"""A pass at every step of a take-over: between `primary` and `mount` nothing is taken away."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from .vocabulary import StoryPair

Step = Callable[[StoryPair], object]
STEPS: tuple[tuple[str, Step], ...] = (
    ("before", lambda _pair: None),
    ("after primary", lambda pair: pair.beta.primary("db")),
    ("after the first mount", lambda pair: pair.beta.mount(1)),
    ("after the second mount", lambda pair: pair.beta.mount(2)),
    ("after the first umount", lambda pair: pair.beta.umount(1)),
    ("after the second umount", lambda pair: pair.beta.umount(2)),
)


@pytest.mark.soak_on_real_drbd  # it is many passes
@pytest.mark.parametrize("peer", ["gone", "there"])
def test_a_pass_at_every_step_of_a_take_over_takes_nothing_away(pair: StoryPair, peer: str) -> None:
    pair.configure({"demote_grace": 90})
    if peer == "gone":
        pair.cut_link()
        pair.beta.wait_for_connection("WFConnection", minor=1)
    primary = False
    for what, step in STEPS:
        step(pair)
        primary = primary or what == "after primary"

        done = pair.beta.run_pass()

        assert done.commands == (), what
        assert pair.beta.state(1).role == ("Primary" if primary else "Secondary"), what
    if peer == "gone":
        assert done.gates("db") == ["grace"]


def test_a_mount_between_the_decision_and_the_demotion_is_noticed(pair: StoryPair) -> None:
    """Without any grace the kernel and the second look stand between a take-over and a demotion."""
    pair.configure({"demote_grace": 0})
    pair.cut_link()
    pair.beta.wait_for_connection("WFConnection", minor=1)
    pair.beta.primary("db")
    pair.beta.mount(2)

    done = pair.beta.run_pass()

    assert done.decision("db") == "hold"
    assert done.commands == ()
    assert pair.beta.state(1).role == "Primary"
