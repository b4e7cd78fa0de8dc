"""A resource and its decision, one connection at a time: DRBD 9 has one for each peer."""

from __future__ import annotations

from connector.decide.table import Row, row_for
from connector.model import Decision, Generation, Resource


def each(resource: Resource, decision: Decision) -> tuple[tuple[Resource, Decision], ...]:
    """What is seen towards each peer and what was decided of it; on 8.4 the two as they are."""
    seen = resource.each
    decisions = decision.connections or (decision,) * len(seen)
    return tuple(zip(seen, decisions, strict=True))


def has_any(resource: Resource) -> bool:
    """Whether there is a connection to tell of: 8.4 always has one, on 9 there may be none."""
    return resource.generation is Generation.EIGHT or bool(resource.connections)


def row_of(resource: Resource, decision: Decision) -> Row:
    """The row of the table that the decision for the whole resource comes from."""
    rows = [
        row_for(seen.picture)
        for seen, towards in each(resource, decision)
        if towards.name is decision.name
    ]
    return rows[0] if rows else row_for(resource.picture)
