"""Does a decision still hold? Asked again right before each changing command."""

from __future__ import annotations

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
    required = decision.actions[step].requires
    if fresh.picture == required:
        return None
    return (
        f"{decision.resource} changed meanwhile: expected {words(required)}, "
        f"found {words(fresh.picture)}"
    )


def words(picture: Picture) -> str:
    """A picture in plain words."""
    use = {True: "in use", False: "not in use", None: "use unknown"}[picture.in_use]
    return f"{picture.connection or 'no certain connection'}, {picture.role or 'no role'}, {use}"
