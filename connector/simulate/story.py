"""What happens to pairs, told with the simulated one.

Each function brings a healthy `SimulatedPair` one step on, the way people, programs and accidents
do. `mail` has one volume and `db` two; any resources will do.
"""

from __future__ import annotations

from collections.abc import Callable

from connector.simulate.configuration import NODES, other
from connector.simulate.pair import SimulatedPair
from connector.simulate.state import Refused

ACTIVE, STANDBY = NODES
COMMAND_TIMEOUT_S = 15.0

# Which blocks a service writes at first, and which either side writes once they are apart. Block
# 2 is written by both: after a split brain only one of the two texts can survive.
_FIRST, _BY_BOTH, _BY_ACTIVE, _BY_STANDBY = 1, 2, 3, 4


def drbdadm(pair: SimulatedPair, node: str, *words: str) -> None:
    """Run a `drbdadm` command that must succeed."""
    done = pair.run_on(node)(("drbdadm", *words), COMMAND_TIMEOUT_S)
    if done.exit_status != 0:
        raise Refused(done.stderr or done.error or "it did not end in time")


def mount_point(resource: str, volume: int) -> str:
    """Where a service mounts a volume."""
    return f"/mnt/{resource}" + (f"-{volume}" if volume else "")


def service_starts(pair: SimulatedPair, node: str, resource: str) -> None:
    """The service of a resource starts on a node that is Primary of it: mount and write."""
    for volume in pair.side(node, resource).volumes:
        pair.mount(node, resource, mount_point(resource, volume.volume), volume.volume)
        pair.write(node, resource, volume.volume, _FIRST, f"started on {node}")


def service_stops(pair: SimulatedPair, node: str, resource: str) -> None:
    """Its volumes are unmounted. The node stays Primary: that takes another command."""
    for volume in pair.side(node, resource).volumes:
        pair.umount(node, resource, mount_point(resource, volume.volume), volume.volume)


def take_over(pair: SimulatedPair, node: str, resource: str) -> None:
    """What a cluster manager does on the node that is to be active: `primary`, then the service."""
    drbdadm(pair, node, "primary", resource)
    service_starts(pair, node, resource)


def serving(pair: SimulatedPair) -> None:
    """The usual day: alpha is active, beta stands by."""
    for item in pair.state.resources:
        service_starts(pair, ACTIVE, item.name)


def standby_disconnected(pair: SimulatedPair, resource: str) -> None:
    """An operator disconnects the standby, and the active node goes on writing."""
    drbdadm(pair, STANDBY, "disconnect", resource)
    pair.settle()
    for volume in pair.side(ACTIVE, resource).volumes:
        pair.write(ACTIVE, resource, volume.volume, _BY_ACTIVE, "written while disconnected")


def active_disconnected(pair: SimulatedPair, resource: str) -> None:
    """An operator disconnects the active node; the standby waits for it."""
    drbdadm(pair, ACTIVE, "disconnect", resource)
    pair.settle()


def link_cut(pair: SimulatedPair) -> None:
    """The link between the nodes is gone, and both have noticed."""
    pair.cut_link()
    pair.settle()


def both_write(pair: SimulatedPair, resource: str) -> None:
    """With the link cut the standby takes over while the active node goes on: they diverge."""
    take_over(pair, STANDBY, resource)
    for node, alone in ((ACTIVE, _BY_ACTIVE), (STANDBY, _BY_STANDBY)):
        for volume in pair.side(node, resource).volumes:
            pair.write(node, resource, volume.volume, _BY_BOTH, f"{node}'s word")
            pair.write(node, resource, volume.volume, alone, f"only on {node}")


def link_back(pair: SimulatedPair) -> None:
    """The link is there again, and the nodes have met."""
    pair.restore_link()
    pair.settle()


def split_brain(pair: SimulatedPair, *resources: str, hangs_up_first: str | None = None) -> None:
    """A true split brain: cut, take-over by beta, writes on both, link back.

    Both nodes end StandAlone; with `hangs_up_first` only that one does, and the other waits in
    WFConnection. Both are Primary and mounted.
    """
    link_cut(pair)
    for resource in resources or tuple(item.name for item in pair.state.resources):
        both_write(pair, resource)
    pair.state.hangs_up_first = hangs_up_first
    link_back(pair)
    pair.state.hangs_up_first = None


def split_brain_with_idle_standby(pair: SimulatedPair, *resources: str) -> None:
    """The same, and then beta's service is stopped: unmounted, still Primary."""
    names = resources or tuple(item.name for item in pair.state.resources)
    split_brain(pair, *names)
    for resource in names:
        service_stops(pair, STANDBY, resource)


def active_crashed(pair: SimulatedPair) -> None:
    """The active node loses its power, beta takes over, alpha comes back: no split brain."""
    pair.crash(ACTIVE)
    pair.settle()
    for item in pair.state.resources:
        take_over(pair, STANDBY, item.name)
    pair.boot(ACTIVE)
    pair.settle()


def survivors(pair: SimulatedPair, resource: str, volume: int = 0) -> dict[str, str]:
    """Whose word each node's disk holds in the block that both have written."""
    return {
        node: pair.blocks(node, resource, volume).get(_BY_BOTH, "nobody's word") for node in NODES
    }


def heal(pair: SimulatedPair, resource: str, victim: str = STANDBY) -> None:
    """What an administrator types after a split brain, on both nodes."""
    drbdadm(pair, victim, "secondary", resource)
    drbdadm(pair, victim, "connect", "--discard-my-data", resource)
    drbdadm(pair, other(victim), "connect", resource)
    pair.settle()


SITUATIONS: dict[str, Callable[[SimulatedPair], None]] = {
    "healthy": lambda pair: None,
    "standby-disconnected": lambda pair: standby_disconnected(pair, "mail"),
    "active-disconnected": lambda pair: active_disconnected(pair, "mail"),
    "link-cut": link_cut,
    "split-brain": split_brain,
    "split-brain-with-idle-standby": split_brain_with_idle_standby,
    "active-crashed": active_crashed,
}


def told(situation: str, *, seed: int = 0) -> SimulatedPair:
    """A pair that serves `mail` and `db` and then comes into one of the SITUATIONS."""
    pair = SimulatedPair(seed=seed)
    serving(pair)
    SITUATIONS[situation](pair)
    return pair
