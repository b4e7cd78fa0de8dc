"""The service on one node: the cluster manager that moves it, and what it writes meanwhile."""

from __future__ import annotations

from collections.abc import Mapping

from connector.simulate import Refused, SimulatedPair
from connector.simulate.cluster import BEAT_S, Member, Move

from .schedule import Setup
from .witness import Witness

COMMAND_S = 30.0
MOUNT_S = 0.4
WRITE_EVERY_S = 11.0


class Service:
    """What Heartbeat and the service do on one node. `sloppy`: the next release does not demote."""

    def __init__(self, pair: SimulatedPair, node: str, setup: Setup, witness: Witness) -> None:
        self.node = node
        self.sloppy = False
        self.frozen = False  # somebody has stopped the cluster manager
        self._pair = pair
        self._setup = setup
        self._witness = witness
        self._resources = [resource.name for resource in setup.resources]
        self._volumes = [
            (resource.name, volume, f"/srv/{resource.name}{volume}")
            for resource in setup.resources
            for volume in range(len(resource.minors))
        ]
        self._blocks = 0
        self.member = self._fresh()

    def _fresh(self) -> Member:
        now_s = self._pair.state.now_s
        preferred, gives_up = self.node == "alpha", self.node == self._setup.gives_up
        return Member(now_s, preferred=preferred, gives_up=gives_up)

    # What runs on the node

    def beat(self, peer: Service, beats_arrive: Mapping[str, bool]) -> None:
        """Heartbeat, for as long as the node is up; `beats_arrive` by the node that sends them."""
        self.member = self._fresh()
        while True:
            if beats_arrive[peer.node] and self._pair.state.nodes[peer.node].up:
                self.member.hear(self._pair.state.now_s)
            if not self.frozen:
                self._move(peer)
            self._pair.sleep(BEAT_S)

    def write(self) -> None:
        """The service's writes, each acknowledged when DRBD has it."""
        while True:
            self._pair.sleep(WRITE_EVERY_S)
            for resource, volume, _ in self._volumes:
                if self._pair.side(self.node, resource).volumes[volume].mount_points:
                    self.write_one(resource, volume)

    def write_one(self, resource: str, volume: int) -> None:
        """One block of its own, acknowledged unless the device is gone."""
        self._blocks += 1
        # Two nodes must not use the same block: each record is looked for on its own.
        block = 2 * self._blocks + (self.node == "beta")
        text = f"{self.node}-{self._blocks}"
        try:
            self._pair.write(self.node, resource, volume, block, text)
        except Refused:
            return
        self._witness.acknowledged(self.node, resource, volume, block, text)

    def _move(self, peer: Service) -> None:
        move = self.member.next_move(self._pair.state.now_s, peer_active=peer.member.active)
        if move is Move.TAKE_OVER:
            self.take_over()
        elif move is Move.GIVE_UP:
            self.let_go()

    # Moving it

    def take_over(self) -> None:
        """Promote and mount everything; undone where that fails."""
        for resource in self._resources:
            if not self._drbdadm("primary", resource):
                self.let_go()
                return
        self._pair.sleep(MOUNT_S)
        for name, volume, where in self._volumes:
            try:
                self._mount(name, volume, where)
            except Refused:
                self.let_go()
                return
        self.member.active = True

    def let_go(self) -> None:
        """Unmount everything, and demote unless it is sloppy this time."""
        self.member.active = False
        for name, volume, where in self._volumes:
            if where in self._pair.side(self.node, name).volumes[volume].mount_points:
                self._pair.umount(self.node, name, where, volume)
        sloppy, self.sloppy = self.sloppy, False
        for resource in self._resources:
            if not sloppy:
                self._drbdadm("secondary", resource)

    def _mount(self, resource: str, volume: int, where: str) -> None:
        if where not in self._pair.side(self.node, resource).volumes[volume].mount_points:
            self._pair.mount(self.node, resource, where, volume)

    def _drbdadm(self, command: str, resource: str) -> bool:
        done = self._pair.run_on(self.node)(("drbdadm", command, resource), COMMAND_S)
        return done.exit_status == 0
