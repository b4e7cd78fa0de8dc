"""Watching the state come up after the commands, for all resources at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from connector.clock import Clock
from connector.model import ESTABLISHED, ConnectionState, Outcome, OutcomeKind

SHORTEST_POLL_S = 0.001
FIRST_POLL_S = 0.2
LONGEST_POLL_S = 1.0

States = Mapping[str, ConnectionState | None]
_SETTLED = ESTABLISHED | {ConnectionState.STANDALONE}


def watch(
    names: frozenset[str],
    look: Callable[[], States],
    clock: Clock,
    settle_s: float,
    time_left_s: Callable[[], float],
) -> States:
    """The last state seen of each name: until all are connected or StandAlone, or time is up.

    A name is a resource's, or RESOURCE:PEER on DRBD 9.


    `drbdadm wait-connect` is not used: it returns 0 at once for a StandAlone resource and never
    returns for one whose peer is away.
    """
    deadline_s = clock.boot_s() + settle_s
    pause_s = FIRST_POLL_S
    states = look()
    while any(states.get(name) not in _SETTLED for name in names):
        left_s = min(deadline_s - clock.boot_s(), time_left_s())
        # Less than that may be lost in the clock's own rounding, and would be waited for for ever.
        if left_s < SHORTEST_POLL_S:
            break
        clock.sleep(min(pause_s, left_s))
        pause_s = min(pause_s * 1.5, LONGEST_POLL_S)
        states = look()
    return {name: states.get(name) for name in names}


def outcome_after(outcome: Outcome, states: States) -> Outcome:
    """The outcome of commands that succeeded, now that their connections have been watched.

    Where there are several, the worst of them counts.
    """
    dropped = [name for name, state in states.items() if state is ConnectionState.STANDALONE]
    if dropped:
        detail = f"the nodes met and parted again: {_named('StandAlone', dropped, states)}"
        return replace(outcome, kind=OutcomeKind.DROPPED, detail=detail)
    waiting = [name for name, state in states.items() if state not in ESTABLISHED]
    if waiting:
        state = states[waiting[0]] or "state unknown"
        detail = f"waiting for the peer: {_named(state, waiting, states)}"
        return replace(outcome, kind=OutcomeKind.WAITING, detail=detail)
    now = ", ".join(dict.fromkeys(str(state) for state in states.values()))
    return replace(outcome, kind=OutcomeKind.RECONNECTED, detail=f"now {now}")


def _named(state: str, names: list[str], states: States) -> str:
    """The state, with the peers that it is about where there are others."""
    if len(states) == 1:
        return state
    return f"{state} ({', '.join(name.partition(':')[2] or name for name in names)})"
