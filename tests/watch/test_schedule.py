"""When the next pass begins: on a clock that the tests turn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from connector.watch.schedule import Ended, Pace, Schedule

# Exact in binary, so that times can be compared with ==.
PACE = Pace(interval_s=64.0, quiet_s=0.25, longest_wait_s=1.0, first_pause_s=2.0, again_s=5.0)
START_S = 1000.0
FRUITLESS = Ended(acted=True, healthy=False)
HEALTHY = Ended()
# A loaded machine is no failure.
unhurried = settings(
    deadline=None,
    max_examples=60,
    stateful_step_count=30,
    suppress_health_check=[HealthCheck.too_slow],
)


def begun(pace: Pace = PACE) -> Schedule:
    """After the first pass, which found all well."""
    return Schedule.begin(pace, START_S).started(START_S).ended(START_S, HEALTHY)


def test_the_first_pass_begins_at_once_and_the_next_after_the_interval() -> None:
    first = Schedule.begin(PACE, START_S)
    assert first.due_s == START_S
    assert first.started(START_S).due_s == START_S + PACE.interval_s
    assert begun().due_s == START_S + PACE.interval_s


def test_the_defaults_are_the_documented_ones() -> None:
    assert Pace() == Pace(
        interval_s=60.0, quiet_s=0.2, longest_wait_s=1.0, first_pause_s=2.0, again_s=5.0
    )


def test_one_event_waits_for_quiet() -> None:
    assert begun().news(1010.0).due_s == 1010.25


def test_a_burst_is_one_pass_after_its_last_event_and_within_the_longest_wait() -> None:
    schedule = begun()
    for number in range(3):
        schedule = schedule.news(1010.0 + number / 8)
    assert schedule.due_s == 1010.25 + 0.25
    for number in range(100):
        schedule = schedule.news(1010.25 + number / 8)
    assert schedule.due_s == 1011.0


def test_what_is_final_is_not_waited_after() -> None:
    assert begun().news(1010.0, final=True).due_s == 1010.0
    # Nor is what comes with it.
    assert begun().news(1010.0).news(1010.125, final=True).news(1010.125).due_s == 1010.125


def test_passes_at_once_keep_their_distance() -> None:
    schedule = begun().news(1010.0, final=True).started(1010.0).ended(1010.125, HEALTHY)
    assert schedule.news(1010.5, final=True).due_s == 1010.75
    assert schedule.news(1011.0, final=True).due_s == 1011.0
    # One that began for another reason is in nobody's way.
    ordinary = begun().news(1010.0).started(1010.25).news(1010.5, final=True)
    assert ordinary.due_s == 1010.5


def test_what_is_final_waits_out_the_pause_all_the_same() -> None:
    paused = begun().started(1001.0).ended(1002.0, FRUITLESS)
    assert paused.news(1002.5, final=True).due_s == 1004.0


def test_an_event_never_delays_the_regular_pass() -> None:
    schedule = begun()
    regular_s = schedule.due_s
    assert schedule.news(regular_s - 0.125).due_s == regular_s
    assert schedule.news(regular_s + 5).due_s == regular_s


def test_what_happened_before_a_pass_began_is_seen_by_it() -> None:
    schedule = begun().news(1010.0).started(1010.25).ended(1012.0, HEALTHY)
    assert schedule.due_s == 1010.25 + PACE.interval_s


def test_what_happens_during_a_pass_begins_another() -> None:
    schedule = begun().news(1010.0).started(1010.25).news(1011.0).ended(1012.0, HEALTHY)
    assert schedule.due_s == 1011.25
    assert schedule.started(1012.0).ended(1012.0, HEALTHY).due_s == 1012.0 + PACE.interval_s


def waits_of(schedule: Schedule, ends: Sequence[Ended]) -> list[float]:
    """How long events had to wait after each pass, where they never cease."""
    waits, now_s = [], START_S
    for ended in ends:
        schedule = schedule.started(now_s).ended(now_s, ended).news(now_s)
        waits.append(schedule.due_s - now_s)
        now_s = schedule.due_s
    return waits


def test_fruitless_passes_wait_longer_and_longer() -> None:
    waits = waits_of(begun(), [FRUITLESS] * 8)
    assert waits == [2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 64.0, 64.0]
    assert waits_of(begun(), [FRUITLESS] * 2000)[-1] == 64.0


def test_a_healthy_pass_forgets_that() -> None:
    assert waits_of(begun(), [FRUITLESS] * 3 + [HEALTHY] + [FRUITLESS] * 2) == [
        2.0, 4.0, 8.0, 0.25, 2.0, 4.0,
    ]  # fmt: skip


def test_a_pass_that_did_nothing_neither_counts_nor_forgets() -> None:
    gated = Ended(acted=False, healthy=False)
    assert waits_of(begun(), [FRUITLESS, FRUITLESS, gated, FRUITLESS]) == [2.0, 4.0, 0.25, 8.0]


def test_a_pass_that_did_nothing_leaves_the_pause_of_the_one_before() -> None:
    schedule = begun().started(1000.0).ended(1000.0, FRUITLESS).asked(1000.5)
    schedule = schedule.started(1000.5).ended(1000.5, Ended(healthy=False)).news(1000.5)
    assert schedule.due_s == 1002.0


def test_the_regular_pass_comes_in_any_pause() -> None:
    pace = replace(PACE, interval_s=10.0)
    schedule = Schedule.begin(pace, START_S)
    for _ in range(10):
        schedule = schedule.started(START_S).ended(START_S + 9.0, FRUITLESS).news(START_S + 9.0)
        assert schedule.due_s == START_S + 10.0


def test_where_time_alone_may_change_the_answer_it_looks_again_soon() -> None:
    later = Ended(healthy=False, look_again=True)
    assert begun().started(1010.0).ended(1012.0, later).due_s == 1017.0
    # Never later than it would have been.
    assert begun().started(1010.0).ended(1073.0, later).due_s == 1074.0


def test_looking_again_does_not_use_up_the_attempts_of_another_resource() -> None:
    """One resource waits for a gate while the attempts on another are fruitless."""
    both = Ended(acted=True, healthy=False, look_again=True)
    schedule, now_s, waits = begun(), START_S, []
    for _ in range(8):
        schedule = schedule.started(now_s).ended(now_s, both)
        waits.append(schedule.due_s - now_s)
        now_s = schedule.due_s
    assert waits == [5.0, 5.0, 8.0, 16.0, 32.0, 64.0, 64.0, 64.0]


def test_who_asks_gets_a_pass_at_once() -> None:
    paused = begun().started(1000.0).ended(1001.0, FRUITLESS)
    assert paused.asked(1001.5).due_s == 1001.5
    assert begun().asked(1001.5).due_s == 1001.5
    # During a pass: that one has the old configuration.
    assert begun().started(1010.0).asked(1011.0).ended(1012.0, HEALTHY).due_s == 1011.0
    assert begun().asked(1001.5).started(1001.5).due_s == 1001.5 + PACE.interval_s


_MOMENTS = st.integers(0, 8 * 200).map(lambda eighths: eighths / 8)
_STEPS = st.one_of(
    st.just("news"),
    st.just("final"),
    st.just("asked"),
    st.just("started"),
    st.builds(Ended, acted=st.booleans(), healthy=st.booleans(), look_again=st.booleans()),
)


@unhurried
@given(st.lists(st.tuples(_MOMENTS, _STEPS), max_size=30))
def test_only_the_given_clock_counts(steps: list[tuple[float, str | Ended]]) -> None:
    """The same story twelve days of uptime later is the same story."""
    shift_s = 2.0**20
    here, there = Schedule.begin(PACE, 0.0), Schedule.begin(PACE, shift_s)
    for now_s, step in steps:
        here, there = _after(here, now_s, step), _after(there, now_s + shift_s, step)
        assert there.due_s == here.due_s + shift_s


def _after(schedule: Schedule, now_s: float, step: str | Ended) -> Schedule:
    if isinstance(step, Ended):
        return schedule.ended(now_s, step)
    methods: dict[str, Callable[[float], Schedule]] = {
        "news": schedule.news, "asked": schedule.asked, "started": schedule.started,
        "final": partial(schedule.news, final=True),
    }  # fmt: skip
    return methods[step](now_s)


@pytest.mark.parametrize("step", ["news", "final", "asked", "started", FRUITLESS, HEALTHY])
def test_it_is_a_value(step: str | Ended) -> None:
    schedule = begun()
    before = replace(schedule)
    _after(schedule, 1010.0, step)
    assert schedule == before


class Story(RuleBasedStateMachine):
    """Events, wishes and passes in any order, as the loop may hand them on."""

    def __init__(self) -> None:
        super().__init__()
        self.now_s = START_S
        self.schedule = Schedule.begin(PACE, START_S)
        self.passing = False
        self.unseen_s: float | None = None  # the first event that no pass has begun after
        self.paused_until_s = 0.0
        self.fruitless = 0
        self.begun_s = START_S

    @rule(eighths=st.integers(1, 160))
    def time_passes(self, eighths: int) -> None:
        self.now_s += eighths / 8

    @rule()
    def something_happens(self) -> None:
        self.schedule = self.schedule.news(self.now_s)
        self.unseen_s = self.now_s if self.unseen_s is None else self.unseen_s

    @rule()
    def somebody_asks(self) -> None:
        self.schedule = self.schedule.asked(self.now_s)
        assert self.schedule.due_s <= self.now_s

    @precondition(lambda self: not self.passing)
    @rule()
    def the_loop_waits_until_a_pass_is_due(self) -> None:
        self.now_s = max(self.now_s, self.schedule.due_s)
        self.schedule = self.schedule.started(self.now_s)
        self.passing, self.unseen_s, self.begun_s = True, None, self.now_s

    @precondition(lambda self: self.passing)
    @rule(acted=st.booleans(), healthy=st.booleans(), look_again=st.booleans())
    def the_pass_ends(self, acted: bool, healthy: bool, look_again: bool) -> None:
        self.schedule = self.schedule.ended(self.now_s, Ended(acted, healthy, look_again))
        self.passing = False
        if healthy:
            self.fruitless, self.paused_until_s = 0, 0.0
        elif acted:
            self.fruitless += 1
            pause_s = min(PACE.first_pause_s * 2.0 ** (self.fruitless - 1), PACE.interval_s)
            self.paused_until_s = self.now_s + pause_s
        if look_again:
            soon_s = max(self.now_s + PACE.again_s, self.paused_until_s)
            assert self.schedule.due_s <= soon_s

    @invariant()
    def the_regular_pass_is_never_later_than_the_interval(self) -> None:
        assert self.schedule.due_s <= self.schedule.regular_s
        # Somebody may have asked when it was overdue already.
        assert self.schedule.regular_s <= max(self.begun_s + PACE.interval_s, self.now_s)

    @invariant()
    def no_event_is_lost_and_none_waits_longer_than_it_must(self) -> None:
        if self.unseen_s is not None:
            longest_s = max(self.unseen_s + PACE.longest_wait_s, self.paused_until_s)
            assert self.schedule.due_s <= longest_s

    @invariant()
    def events_begin_no_pass_in_a_pause(self) -> None:
        if self.schedule.due_s < self.schedule.regular_s:
            assert self.schedule.due_s >= self.paused_until_s


TestStory = Story.TestCase
TestStory.settings = unhurried
