"""A pair that notes what both nodes show after each word of a story.

It hands every word on to the pair that understands it. After a word that does something it waits
until DRBD has settled, real or simulated: what a state was on its way to is compared, and not how
far it had got by then. Words that only look or wait are no steps.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from tests.lab.drbd_node import MinorState
from tests.lab.errors import CommandFailed
from tests.lab.passes import Pass
from tests.lab.recording import Event, Recording, Source
from tests.lab.states import Step

from .kernel_messages import told
from .step_lines import of_failure, of_pass, of_states, of_words
from .vocabulary import StoryPair

SETTLED = ("Connected", "WFConnection", "StandAlone", "Unconfigured")
SURE_S = 0.5
_OF_NODES = frozenset(
    [
        "boot",
        "connect",
        "crash",
        "disconnect",
        "let_go",
        "mount",
        "primary",
        "run_pass",
        "secondary",
        "start_writer",
        "stop_writer",
        "take_over",
        "umount",
        "write",
    ]
)
_OF_PAIRS = frozenset(
    [
        "begin",
        "configure",
        "cut_link",
        "cut_link_from",
        "diverge",
        "let_time_pass",
        "restore_link",
        "split_brain",
    ]
)
_BREAKS_LINK = ("crash", "cut_link", "cut_link_from", "diverge", "split_brain")
_LINK = {
    "cut_link": False,
    "cut_link_from": False,
    "diverge": False,
    "restore_link": True,
    "split_brain": True,
}


class Recorded(StoryPair, Protocol):
    """A pair of either kind."""

    @property
    def recording(self) -> Recording:
        """Everything that has happened since the story began."""
        ...

    def wait_until(self, seen: Callable[[], Any], what: str) -> Any:
        """Return what `seen` returns once that is true."""
        ...


class WatchedNode:
    """A node of such a pair."""

    def __init__(self, pair: Watched, node: Any) -> None:
        self._pair = pair
        self._node = node

    def __getattr__(self, word: str) -> Any:
        """The node's own word, noted if it does something."""
        does = getattr(self._node, word)
        return self._pair.noting(does, word, self._node.name) if word in _OF_NODES else does


class Watched:
    """The pair, and `steps`: what was done and seen since the story began."""

    def __init__(self, pair: Recorded) -> None:
        self._pair = pair
        self._link_up = True
        self._up = {node.name: True for node in pair.nodes}
        self._events = 0
        self.steps: list[Step] = []
        self.alpha, self.beta = (WatchedNode(self, node) for node in pair.nodes)
        self._catch_up()

    @property
    def nodes(self) -> tuple[WatchedNode, WatchedNode]:
        """Both, alpha first."""
        return self.alpha, self.beta

    @property
    def allow_policy_losses(self) -> bool:
        """See StoryPair."""
        return self._pair.allow_policy_losses

    @allow_policy_losses.setter
    def allow_policy_losses(self, allowed: bool) -> None:
        self._pair.allow_policy_losses = allowed

    def __getattr__(self, word: str) -> Any:
        """The pair's own word, noted if it does something."""
        does = getattr(self._pair, word)
        return self.noting(does, word) if word in _OF_PAIRS else does

    def noting(self, does: Callable[..., Any], word: str, node: str = "") -> Callable[..., Any]:
        """The same word, with a step for it."""

        def noted(*args: object, **kwargs: object) -> Any:
            lines = [of_words(word, node, args, kwargs)]
            try:
                came_of_it = does(*args, **kwargs)
            except CommandFailed as error:
                self._note(word, node, lines, of_failure(error))
                raise
            if isinstance(came_of_it, Pass):
                lines += of_pass(node, came_of_it)
            self._note(word, node, lines)
            return came_of_it

        return noted

    def _note(self, word: str, node: str, lines: list[str], failure: str = "") -> None:
        self._link_up = _LINK.get(word, self._link_up)
        if word in ("crash", "boot"):
            self._up[node] = word == "boot"
        if word == "begin":
            self._link_up, self._events = True, 0
            self._catch_up()
            self.steps.append(tuple(lines))
            return
        shown = self._settled()
        events = self._catch_up()
        said = told(events, breaks_link=word in _BREAKS_LINK)
        typed = [
            f"typed  {event.node} {event.text}: exit status 0"
            for event in sorted(events, key=lambda event: event.node)
            if event.source is Source.STORY and event.text.startswith("drbdadm ")
        ]
        if failure and typed:
            typed[-1] = typed[-1].replace("exit status 0", failure)
        elif failure:
            typed.append(failure)
        self.steps.append((*lines, *typed, *said, *shown))

    def _catch_up(self) -> list[Event]:
        """What was recorded since the last step."""
        for node in self._pair.nodes:
            if catch_up := getattr(node, "catch_up", None):
                catch_up()
        events = self._pair.recording.events()
        new, self._events = events[self._events :], len(events)
        return new

    def _settled(self) -> list[str]:
        """What both show once nothing more is on its way."""

        def seen() -> dict[str, Mapping[int, MinorState]] | None:
            states = self._states()
            if not self._has_settled(states):
                return None
            self._pair.let_time_pass(SURE_S)
            return states if self._states() == states else None

        return list(of_states(self._pair.wait_until(seen, "a settled state")))

    def _states(self) -> dict[str, Mapping[int, MinorState]]:
        return {node.name: node.states() for node in self._pair.nodes if self._up[node.name]}

    def _has_settled(self, states: Mapping[str, Mapping[int, MinorState]]) -> bool:
        if any(
            state.connection not in SETTLED for one in states.values() for state in one.values()
        ):
            return False
        if not self._link_up or len(states) < 2:
            return all(s.connection != "Connected" for one in states.values() for s in one.values())
        alpha, beta = states.values()
        return alpha.keys() == beta.keys() and all(
            _agree(alpha[minor], beta[minor]) for minor in alpha
        )


def _agree(one: MinorState, other: MinorState) -> bool:
    """Whether two sides that can reach each other have come to an end."""
    connections = {one.connection, other.connection}
    if connections == {"WFConnection"}:
        return False  # they will meet
    if "Connected" not in connections:
        return True
    return (one.connection, one.role, one.peer_role, one.disk, one.peer_disk) == (
        other.connection,
        other.peer_role,
        other.role,
        other.peer_disk,
        other.disk,
    )
