"""Cluster-wide state changes: what the nodes that take part say of them.

Kernel sources: drbd_state.c (`change_cluster_wide_state`), drbd_receiver.c (`process_twopc`).
Everybody takes part whom it reaches, through others too, and the one that it is about.
"""

from __future__ import annotations

from connector.model import ConnectionState, Role
from connector.simulate.nine.configuration import node_id
from connector.simulate.nine.kernel_log import KernelLog
from connector.simulate.nine.state import ClusterState

_ALL = 0xFFFF_FFFF_FFFF_FFFF


class Agreement:
    """One state change that `node` begins, about `target` or about everybody (None)."""

    def __init__(
        self, state: ClusterState, node: str, resource: str, target: str | None, what: str
    ) -> None:
        self._state, self._node, self._resource, self._target = state, node, resource, target
        self.number = int(state.draw(0, 2**32))
        self._log = KernelLog(state, node, resource)
        self._via = self._reached()
        self.others = [name for name in state.names if name in self._via]
        whom = "all" if target is None else node_id(target)
        text = f"state change {self.number}: {node_id(node)}->{whom} {what}"
        self._log.resource(f"Preparing cluster-wide {text}")
        for other in self.others:
            KernelLog(state, other, resource).resource(f"Preparing remote {text}")

    def _reached(self) -> dict[str, str]:
        """The nodes that hear of it, by the one that they hear it from."""
        via: dict[str, str] = {}
        asked = [self._node]
        while asked:
            name = asked.pop(0)
            peers = list(self._state.connected(name, self._resource))
            if name == self._node and self._target is not None and self._target not in peers:
                peers.append(self._target)
            for peer in peers:
                new = peer != self._node and peer not in via
                if new and self._state.reachable(name, peer):
                    via[peer] = name
                    asked.append(peer)
        return via

    def commit(
        self, *, role: Role | None = None, parted: str | None = None, duration_ms: int = 44
    ) -> None:
        """Everybody agrees; `parted` is a peer that is left, `role` what this node becomes."""
        primaries = self.primaries(role)
        if self.others:
            weak = self._weak(primaries, parted)
            self._log.resource(
                f"State change {self.number}: primary_nodes={_mask(primaries):X}, "
                f"weak_nodes={weak:X}"
            )
        if parted is not None and not self._reaches(parted):
            self._log.connection(parted, "Cluster is now split")
        self._log.resource(f"Committing cluster-wide state change {self.number} ({duration_ms}ms)")
        for other in self.others:
            KernelLog(self._state, other, self._resource).connection(
                self._via[other],
                f"Committing remote state change {self.number} "
                f"(primary_nodes={_mask(primaries):X})",
            )

    def abort(self, code: int, *, duration_ms: int = 44, told: bool = True) -> None:
        """It comes to nothing; `told` whether the others say so too."""
        self._log.resource(
            f"Aborting cluster-wide state change {self.number} ({duration_ms}ms) rv = {code}"
        )
        for other in self.others if told else ():
            self.abort_at(other)

    def abort_at(self, other: str) -> None:
        """What one of the others says when it is called off; nothing where nobody told it."""
        if other not in self._via:
            return
        KernelLog(self._state, other, self._resource).connection(
            self._via[other], f"Aborting remote state change {self.number}"
        )

    def primaries(self, role: Role | None = None) -> set[str]:
        """The Primaries of whom anybody of them knows; `role` is what this node becomes."""
        found = {name for name in self.others if self._state.side(name, self._resource).primary} | {
            peer
            for name in (self._node, *self.others)
            for peer in self._state.connected(name, self._resource)
            if self._state.link(name, self._resource, peer).peer_role is Role.PRIMARY
        }
        own = self._state.side(self._node, self._resource).role if role is None else role
        return found - {self._node} | ({self._node} if own is Role.PRIMARY else set())

    def _weak(self, primaries: set[str], parted: str | None) -> int:
        strong = set(primaries)
        for name in primaries:
            strong |= set(self._state.connected(name, self._resource))
            if self._target in (name, None) or name == self._node:
                strong |= {self._node, self._target or self._node}
        if parted is not None:
            strong -= {self._node, parted} - primaries
        return _ALL & ~_mask(strong) if primaries else 0

    def _reaches(self, peer: str) -> bool:
        links = (
            self._state.side(other, self._resource).connections.get(peer)
            for other in self.others
            if other != peer
        )
        return any(
            link is not None and link.connection is ConnectionState.CONNECTED for link in links
        )


def _mask(names: set[str]) -> int:
    return sum(1 << node_id(name) for name in names)
