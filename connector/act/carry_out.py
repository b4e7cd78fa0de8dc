"""Everything that a pass decided, carried out: all commands first, then one common watch.

Watched one after the other, a few waiting resources would use up the pass's time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from connector.act.execute import Hands, execute
from connector.act.watch import States, outcome_after, watch
from connector.decide.context import Context
from connector.model import Decision, Outcome, OutcomeKind


def carry_out(
    decisions: Mapping[str, Decision],
    contexts: Mapping[str, Context],
    hands: Hands,
    *,
    states: Callable[[], States],
    settle_s: float,
    why_not: str | None,
    stays_while_waiting: bool = True,
) -> dict[str, Outcome]:
    """What came of each decision, by resource name.

    `states` gives the connection states as they are now. Where `why_not` says why nothing may be
    done, nothing is, and every decision that wanted to act has failed for that reason. Without
    `stays_while_waiting` only resources that something was done to are watched.
    """
    outcomes = {
        name: _act(decision, contexts[name], hands, why_not) for name, decision in decisions.items()
    }
    acted = {name for name, item in outcomes.items() if item.kind is OutcomeKind.WAITING}
    waiting = {
        name
        for name, item in decisions.items()
        if stays_while_waiting and item.watch and not item.actions
    }
    targets = {name: _targets(decisions[name]) for name in acted | waiting}
    if not targets:
        return outcomes
    every = frozenset(target for some in targets.values() for target in some)
    seen = watch(every, states, hands.clock, settle_s, hands.time_left_s)
    after = {
        name: outcome_after(outcomes[name], {target: seen[target] for target in targets[name]})
        for name in acted
    }
    return {**outcomes, **after}


def _targets(decision: Decision) -> tuple[str, ...]:
    """What is watched of a decision: what its commands named, or else the whole resource.

    A demotion alone is watched on every connection that called for it.
    """
    named = [action.target for action in decision.actions if action.peer is not None]
    watched = [
        f"{decision.resource}:{item.peer}"
        for item in decision.connections
        if item.watch or item.actions
    ]
    return tuple(dict.fromkeys(named or watched)) or (decision.resource,)


def leaves_alone(decisions: Iterable[Decision], *, stays_while_waiting: bool = True) -> bool:
    """Whether nothing would be done or waited for: then what was seen is still what there is."""
    return not any(item.actions or (stays_while_waiting and item.watch) for item in decisions)


def _act(decision: Decision, context: Context, hands: Hands, why_not: str | None) -> Outcome:
    if not decision.actions:
        return Outcome(OutcomeKind.NOTHING)
    if why_not is not None:
        return Outcome(OutcomeKind.FAILED, f"nothing was done: {why_not}")
    return execute(decision, context, hands)
