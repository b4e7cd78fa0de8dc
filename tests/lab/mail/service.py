"""What a client's notes add up to: when there was service, and how soon it came back."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Acknowledged:
    """A message whose DATA was answered 250.

    `kept_by` is the node that the answer names, empty where it names none. `sent_s` is when the
    attempt began and `at_s` when the answer came, both on the client's clock.
    """

    number: str
    road: str
    kept_by: str
    sent_s: float
    at_s: float


@dataclass(frozen=True)
class Failed:
    """An attempt that ended without that; `why` is the error. It may have been kept even so."""

    number: str
    road: str
    why: str
    sent_s: float
    at_s: float


@dataclass(frozen=True)
class Outage:
    """From the last answer before it, or the beginning, to the first one after it, or the end."""

    began_s: float
    ended_s: float


def outages(
    acknowledged: Iterable[Acknowledged],
    since_s: float,
    until_s: float,
    longest_pause_s: float,
) -> list[Outage]:
    """Return where between two moments no message was acknowledged for longer than a pause.

    Those on any of the roads count; to look at one, pass what its messages were answered. Raises
    ValueError where the moments are the wrong way around.
    """
    if until_s < since_s:
        raise ValueError(f"from {since_s} to {until_s} is backwards")
    answers_s = sorted(each.at_s for each in acknowledged if since_s <= each.at_s <= until_s)
    moments_s = [since_s, *answers_s, until_s]
    return [
        Outage(began_s, ended_s)
        for began_s, ended_s in itertools.pairwise(moments_s)
        if ended_s - began_s > longest_pause_s
    ]


def first_after(acknowledged: Iterable[Acknowledged], at_s: float) -> float | None:
    """Return how many seconds after a moment a message was acknowledged that was sent after it.

    None where there is none: an answer to what was sent before says nothing of the service since.
    """
    answers_s = [each.at_s for each in acknowledged if each.sent_s >= at_s]
    return min(answers_s) - at_s if answers_s else None
