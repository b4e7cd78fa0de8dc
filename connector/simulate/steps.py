"""What a story is made of: steps, each a sentence with what happens and how cron goes on."""

from __future__ import annotations

from dataclasses import dataclass

from connector.model import Mode
from connector.simulate.configuration import SimulatedResource
from connector.simulate.events import ALPHA, Event, mounts

MAIL = SimulatedResource("mail", (0,))
DB = SimulatedResource("db", (1, 2))


@dataclass(frozen=True, slots=True)
class Step:
    """A sentence and its events, and then so many minutes of cron on both nodes.

    `every` shows each of the minutes, else only the last one. `until_together` ends them when all
    is connected. `adds` is said below the sentence. `in_brief` shows the states in the short form
    too.
    """

    told: str
    events: tuple[Event, ...] = ()
    minutes: int = 0
    every: bool = True
    until_together: bool = False
    adds: str = ""
    in_brief: bool = False


@dataclass(frozen=True, slots=True)
class Story:
    """One story; `shows` says in one sentence what is to be seen in it.

    It ends with the pair together, unless `left_to_a_person` says what is left to do.
    """

    name: str
    shows: str
    mode: Mode
    resources: tuple[SimulatedResource, ...]
    steps: tuple[Step, ...]
    left_to_a_person: tuple[str, ...] = ()


# How the stories of one resource begin.
MAIL_BEGINS = Step(
    "Two nodes, one replicated resource. alpha is active, beta stands by.", (mounts(ALPHA, MAIL),)
)
