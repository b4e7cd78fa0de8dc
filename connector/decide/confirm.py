"""Does a decision still hold? Asked again right before each changing command."""

from __future__ import annotations

from dataclasses import replace

from connector.decide.context import Context
from connector.decide.policy import decide
from connector.model import Decision, Picture, Resource


def superseded(
    decision: Decision, step: int, fresh: Resource | None, context: Context
) -> str | None:
    """Why step number `step` (from 0) may not be taken any more; None where it may.

    The first step needs the whole decision to come out the same again. A later one needs the
    picture that the steps before it should have made, and nothing new that forbids it.
    """
    if fresh is None:
        return f"{decision.resource} is no longer there"
    if step == 0:
        again = decide(fresh, context)
        if (again.name, again.actions) == (decision.name, decision.actions):
            return None
        return f"{decision.resource} changed meanwhile: {again.reason}"
    action = decision.actions[step]
    found = next((item for item in fresh.each if action.peer in (None, item.peer)), None)
    if found is None:
        return f"{action.target} is no longer there"
    # Another peer may have come back meanwhile: that speaks against no step.
    if found.picture == replace(action.requires, alone=found.picture.alone):
        return None
    return (
        f"{action.target} changed meanwhile: expected {words(action.requires)}, "
        f"found {words(found.picture)}"
    )


def words(picture: Picture) -> str:
    """A picture in plain words."""
    use = {True: "in use", False: "not in use", None: "use unknown"}[picture.in_use]
    return f"{picture.connection or 'no certain connection'}, {picture.role or 'no role'}, {use}"
