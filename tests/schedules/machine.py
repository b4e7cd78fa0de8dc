"""What hypothesis thinks of doing to the pair, watched by the witness that watches schedules.

The pair, both nodes' connector, the cluster manager and the service are those of a schedule that is
being played; only what happens to them, and when, is not drawn from a seed but chosen rule by rule.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from connector.model import ConnectionState

from . import rules
from .draw import POLICIES
from .ending import progress
from .facts import NODES, Violation
from .play import SETTLE_S, Play
from .schedule import Happening, Schedule, Setup

FEW = settings(max_examples=50, stateful_step_count=25, deadline=None, derandomize=True)
# Long enough for the cluster manager to take over where it hears nobody.
APART_S = 30.0
TOGETHER_S = 130.0

nodes = st.sampled_from(NODES)
# Whose frames are lost; those of both where it is none.
silent = st.sampled_from(["", *NODES])
waits = st.sampled_from([0.0, 0.2, 1.0, 5.0, 20.0, 60.0])
# Those of schedules, and whatever else drbd.conf may have.
policies = st.sampled_from(POLICIES) | st.tuples(
    st.sampled_from(["disconnect", "discard-younger-primary", "discard-older-primary"])
    | st.sampled_from(["discard-zero-changes", "discard-least-changes"]),
    st.sampled_from(["disconnect", "consensus", "violently-as0p", "discard-secondary"])
    | st.just("call-pri-lost-after-sb"),
    st.sampled_from(["disconnect", "violently-as0p", "call-pri-lost-after-sb"]),
)
modes = st.sampled_from(["discard", "reconnect", "observe"])
troubles = st.sampled_from(
    ["drbdadm slow", "drbdadm busy", "drbdadm hangs", "drbdadm late", "drbdadm crashes"]
) | st.just("pass dies")
words = st.sampled_from(
    ["connect", "discard", "disconnect", "primary", "secondary", "mount", "umount", "pause"]
) | st.just("recover")


class Machine(RuleBasedStateMachine):
    """The pair and what can happen to it; a rule that is broken raises Violation."""

    play: Play

    @initialize(
        mode=modes,
        volumes=st.sampled_from([(1,), (2,), (1, 1)]),
        after_sb=policies,
        demote_grace_s=st.sampled_from([0, 60]),
        eager=st.booleans(),
        gives_up=nodes,
    )
    def begin(
        self,
        mode: str,
        volumes: tuple[int, ...],
        after_sb: tuple[str, str, str],
        demote_grace_s: float,
        eager: bool,
        gives_up: str,
    ) -> None:
        """alpha takes over, and both nodes' cron runs."""
        setup = Setup(
            seed=0,
            mode=mode,
            volumes=volumes,
            after_sb=after_sb,
            demote_grace_s=demote_grace_s,
            respect_disconnect_s=120,
            cron_s=(10.0, 40.0),
            eager=eager,
            gives_up=gives_up,
        )
        self._folder = tempfile.TemporaryDirectory()
        self._broken = False
        self.play = Play(Schedule(setup), Path(self._folder.name))
        self.play.begin()
        self._go_on(5.0)

    # The links, and power

    @precondition(lambda self: self.play.pair.state.link_up)
    @rule(silent=silent, wait_s=waits)
    def cut(self, silent: str, wait_s: float) -> None:
        """DRBD's link, both ways or one way only."""
        self._happens("cut", silent, wait_s=wait_s)

    @precondition(lambda self: self.play.pair.state.link_up)
    @rule(silent=silent)
    def split(self, silent: str) -> None:
        """Both links for so long that both nodes become active."""
        self._happens("cut", silent)
        self._happens("cut beats", silent, wait_s=APART_S)

    @precondition(lambda self: not self.play.pair.state.link_up)
    @rule(wait_s=waits)
    def mend(self, wait_s: float) -> None:
        """DRBD's link."""
        self._happens("mend", wait_s=wait_s)

    @rule(first=st.sampled_from([None, *NODES]))
    def hangs_up_first(self, first: str | None) -> None:
        """Who closes the connection in a refused handshake before its peer has looked, if one."""
        self.play.pair.state.hangs_up_first = first

    @rule()
    def together(self) -> None:
        """Both links are back, for so long that each node's cron has run twice."""
        self._happens("mend")
        self._happens("mend beats", wait_s=TOGETHER_S)

    @rule(wait_s=waits)
    def mend_beats(self, wait_s: float) -> None:
        """The cluster manager's link."""
        self._happens("mend beats", wait_s=wait_s)

    @rule(node=nodes, wait_s=waits)
    def crash_or_boot(self, node: str, wait_s: float) -> None:
        """Its power goes, or comes back."""
        up = self.play.pair.state.nodes[node].up
        self._happens("crash" if up else "boot", node, wait_s=wait_s)

    # The service

    @rule(node=nodes, wait_s=waits)
    def write(self, node: str, wait_s: float) -> None:
        """The service writes a record to whatever is mounted."""
        play = self.play

        def work() -> None:
            for resource in play.schedule.setup.resources:
                for volume in play.pair.side(node, resource.name).volumes:
                    if volume.mount_points:
                        play.services[node].write_one(resource.name, volume.volume)

        self.play.hub.begin("write", node, work)
        self._go_on(wait_s)

    @rule(what=st.sampled_from(["switch", "release", "sloppy", "stop", "start"]), node=nodes)
    def cluster(self, what: str, node: str) -> None:
        """The service is moved, or let go of."""
        self._happens(what, node, wait_s=2.0)

    @rule(node=nodes)
    def take_over(self, node: str) -> None:
        """The cluster manager takes over, whatever its peer does; DRBD may refuse."""
        if self.play.pair.state.nodes[node].up:
            self.play.hub.begin("take over", node, self.play.services[node].take_over)
        self._go_on(2.0)

    # connector, and what may be wrong with it

    @rule(node=nodes, wait_s=waits)
    def run_pass(self, node: str, wait_s: float) -> None:
        """A pass beside cron's."""
        self._happens("second pass", node, wait_s=wait_s)

    @rule(what=troubles, node=nodes, number=st.integers(1, 40))
    def trouble(self, what: str, node: str, number: int) -> None:
        """The node's next drbdadm is in trouble, or its next pass is killed at some touch."""
        self._happens(what, node, number=number)

    @rule(what=st.sampled_from(["no log", "garbled", "no state"]), node=nodes)
    def in_doubt(self, what: str, node: str) -> None:
        """For a minute something cannot be read or known."""
        self._happens(what, node, number=60.0, wait_s=60.5)

    # People

    @rule(words=words, node=nodes, place=st.integers(0, 1), wait_s=waits)
    def types(self, words: str, node: str, place: int, wait_s: float) -> None:
        """An operator types something; a pause is for a minute."""
        self._happens(f"type {words}", node, number=60.0, place=place, wait_s=wait_s)

    @rule(wait_s=waits)
    def time_passes(self, wait_s: float) -> None:
        """And cron's passes with it."""
        self._go_on(wait_s)

    # What must hold

    @invariant()
    def no_record_is_lost(self) -> None:
        """As at the end of a schedule; the other rules are asked as things happen."""
        rules.disks(self.play.witness)

    @invariant()
    def no_difference_goes_unnoticed(self) -> None:
        """What differs is in a bitmap, and no two that are connected are Primary."""
        alpha, beta = (self.play.pair.state.nodes[node] for node in NODES)
        for one, other in zip(alpha.volumes(), beta.volumes(), strict=True):
            blocks = one.blocks.keys() | other.blocks.keys()
            differing = {b for b in blocks if one.blocks.get(b) != other.blocks.get(b)}
            assert differing <= one.changed | other.changed
            if one.connection is other.connection is ConnectionState.CONNECTED:
                assert not (one.primary and other.primary)

    def teardown(self) -> None:
        """What was broken is mended; connector has its time, and brings the pair to an end."""
        if not hasattr(self, "play"):
            return
        try:
            if not self._broken:
                self._happens("quiet", wait_s=SETTLE_S)
                progress(self.play)
                rules.disks(self.play.witness)
        finally:
            self.play.hub.end()
            self._folder.cleanup()

    def _happens(
        self, what: str, node: str = "", *, number: float = 0.0, place: int = 0, wait_s: float = 0.0
    ) -> None:
        """Something of a schedule happens now, and time goes on."""
        resources = self.play.schedule.setup.resources
        name = resources[place % len(resources)].name
        self.play.arrange(Happening(0.0, what, node, name, number))
        self._go_on(wait_s)

    def _go_on(self, seconds: float) -> None:
        try:
            self.play.hub.run(self.play.hub.now_s + seconds)
        except Violation:
            self._broken = True
            raise


if __name__ == "__main__":
    # For rules that are broken on purpose: as it is found, since to make it shorter takes minutes.
    many = settings(FEW, max_examples=500, phases=[Phase.generate])
    run_state_machine_as_test(Machine, settings=many)
