"""Several things at once, in an order that never changes."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from connector.simulate import SimulatedPair

from .hub import Hub, Killed, Process


class Bench:
    """A hub, and what its processes have said."""

    def __init__(self) -> None:
        self.pair = SimulatedPair()
        self.resumed: list[str] = []
        self.hub = Hub(self.pair, self._resumed)
        self.began_s = self.pair.state.now_s
        self.said: list[tuple[str, float]] = []

    def _resumed(self, process: Process) -> None:
        self.resumed.append(process.name)

    def say(self, what: str) -> None:
        self.said.append((what, round(self.pair.state.now_s - self.began_s, 3)))

    def sleeper(self, name: str, *naps_s: float) -> Callable[[], None]:
        def work() -> None:
            for nap_s in naps_s:
                self.pair.sleep(nap_s)
                self.say(name)

        return work


def test_who_waits_less_goes_on_first_and_who_came_first_at_the_same_time() -> None:
    bench = Bench()
    bench.hub.begin("a", None, bench.sleeper("a", 2, 2))
    bench.hub.begin("b", None, bench.sleeper("b", 1, 3))
    bench.hub.run(bench.began_s + 10)
    assert bench.said == [("b", 1), ("a", 2), ("b", 4), ("a", 4)]
    assert bench.hub.now_s == bench.began_s + 10


def test_what_begins_later_begins_later_and_may_begin_others() -> None:
    bench = Bench()

    def work() -> None:
        bench.say("begun")
        bench.hub.begin("child", None, bench.sleeper("child", 1))

    bench.hub.begin("parent", None, work, in_s=3)
    bench.hub.run(bench.began_s + 10)
    assert bench.said == [("begun", 3), ("child", 4)]


def test_what_runs_on_a_node_ends_with_it_and_cannot_wait_on_its_way_out() -> None:
    bench = Bench()

    def clings() -> None:
        try:
            bench.pair.sleep(5)
        finally:
            bench.say("killed")
            bench.pair.sleep(1)
            bench.say("never")

    bench.hub.begin("clings", "alpha", clings)
    bench.hub.begin("other", "beta", bench.sleeper("other", 4))
    bench.hub.begin("killer", None, lambda: bench.hub.kill("alpha"), in_s=2)
    bench.hub.run(bench.began_s + 10)
    assert bench.said == [("killed", 2), ("other", 4)]


def test_who_kills_its_own_node_goes_on() -> None:
    bench = Bench()

    def kills() -> None:
        bench.hub.kill("alpha")
        bench.say("still here")

    bench.hub.begin("kills", "alpha", kills)
    bench.hub.run(bench.began_s + 1)
    assert bench.said == [("still here", 0)]


def test_one_that_is_killed_from_within_is_gone_and_the_others_stay() -> None:
    bench = Bench()

    def dies() -> None:
        raise Killed

    bench.hub.begin("dies", "alpha", dies)
    bench.hub.begin("other", "alpha", bench.sleeper("other", 1))
    bench.hub.run(bench.began_s + 2)
    assert bench.said == [("other", 1)]


def test_what_goes_wrong_in_one_comes_out_of_run() -> None:
    bench = Bench()

    def fails() -> None:
        raise ValueError("wrong")

    bench.hub.begin("fails", None, fails)
    with pytest.raises(ValueError, match="wrong"):
        bench.hub.run(bench.began_s + 1)


def test_what_happens_by_itself_comes_before_who_waits_for_the_same_moment() -> None:
    bench = Bench()
    bench.pair.cut_link()
    due_s = min(step.due_s for step in bench.pair.state.steps.values())
    states: list[str] = []
    bench.hub.begin(
        "looks",
        None,
        lambda: states.append(bench.pair.connection("alpha", "mail").value),
        in_s=due_s - bench.hub.now_s,
    )
    bench.hub.run(due_s)
    assert states == ["WFConnection"]
