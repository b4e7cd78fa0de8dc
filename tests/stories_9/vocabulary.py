"""The words of stories on DRBD 9. A real pair and a simulated one understand the same.

At the beginning of a story both nodes are Secondary, Connected and UpToDate, nothing is mounted,
and connector has no memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol

from tests.lab.drbd_node import MinorState
from tests.lab.passes import Pass

NOTHING_LEFT = 0
OPERATOR_NEEDED = 3


class Node9(Protocol):
    """One node, as a story sees it and as people act upon it."""

    @property
    def name(self) -> str:
        """`alpha` or `beta`."""
        ...

    def state(self, minor: int = 0) -> MinorState:
        """One minor's state now."""
        ...

    def connection(self, minor: int = 0) -> str:
        """One minor's connection state now, in DRBD 9's word."""
        ...

    def wait_for_connection(self, *wanted: str, minor: int = 0) -> str:
        """Return the connection state once it is one of `wanted`."""
        ...

    # What an operator or a cluster manager types

    def connect(self, resource: str = "mail", *, discard_my_data: bool = False) -> None:
        """`drbdadm connect`."""
        ...

    def disconnect(self, resource: str = "mail") -> None:
        """`drbdadm disconnect`."""
        ...

    def take_over(self, resource: str = "mail") -> None:
        """Become Primary and mount every volume."""
        ...

    def let_go(self, resource: str = "mail") -> None:
        """Unmount every volume and become Secondary."""
        ...

    def mount_read_only(self, minor: int = 0) -> str:
        """Mount a Secondary's minor for reading; return the mount point."""
        ...

    def umount(self, minor: int = 0) -> None:
        """Unmount it."""
        ...

    # Records

    def write(self, minor: int = 0, count: int = 3) -> tuple[str, ...]:
        """Write numbered records, each acknowledged when it is on the disk; return their names."""
        ...

    def on_disk(self, minor: int = 0) -> frozenset[str]:
        """The records on the minor's disk, below DRBD."""
        ...

    def rescued(self, minor: int = 0) -> frozenset[str]:
        """The records in the copies that connector has kept of the minor."""
        ...

    # The program under test

    def run_pass(self) -> Pass:
        """One `connector reconcile` as cron runs it."""
        ...

    def said_by_a_pass(self) -> str:
        """What one `connector reconcile` prints, which cron would send by mail."""
        ...

    def rehearse(self) -> tuple[int, str]:
        """`connector recover mail --victim here --rehearse`: its exit status and its error."""
        ...

    def remember(self, file: str, text: str) -> None:
        """Put a file into connector's state directory, as an earlier version has left it."""
        ...

    def remembered(self, file: str) -> str:
        """What a file of the state directory holds; empty where it is not there."""
        ...


class Pair9(Protocol):
    """Both nodes, the link between them, and time. `rescues`: whether copies can be kept."""

    rescues: bool

    @property
    def alpha(self) -> Node9:
        """One node."""
        ...

    @property
    def beta(self) -> Node9:
        """The other one."""
        ...

    @property
    def nodes(self) -> Sequence[Node9]:
        """Both, alpha first."""
        ...

    def configure(
        self, policy: Mapping[str, object] = ..., *, run: Mapping[str, object] = ...
    ) -> None:
        """Give both nodes the same connector.toml: keys of [policy] and of [run]."""
        ...

    def cut_link(self) -> None:
        """Nothing gets through any more."""
        ...

    def restore_link(self) -> None:
        """Everything gets through again."""
        ...

    def wait_all(self, connection: str = "Connected", *, minors: Iterable[int] = ...) -> None:
        """Return when both nodes show it, with both disks UpToDate."""
        ...

    def split_brain(
        self, resource: str = "mail", *, still_active: Iterable[str] = ("alpha", "beta")
    ) -> Mapping[str, str]:
        """Cut the link, have both take over and write, and restore it; `still_active` stay so."""
        ...

    def let_time_pass(self, seconds: float) -> None:
        """Wait."""
        ...


def in_sync(pair: Pair9, minor: int = 0) -> bool:
    """Whether both nodes show the minor Connected and UpToDate."""
    return all(
        (state.connection, state.disk, state.peer_disk) == ("Connected", "UpToDate", "UpToDate")
        for state in (node.state(minor) for node in pair.nodes)
    )


def passes_until(pair: Pair9, done: Callable[[], bool], *, rounds: int = 6) -> list[Pass]:
    """Run cron's rounds, beta first, until `done`; return the passes. Fails if it never is."""
    passes: list[Pass] = []
    for _ in range(rounds):
        passes += [node.run_pass() for node in (pair.beta, pair.alpha)]
        pair.let_time_pass(1)
        if done():
            return passes
    shown = "\n".join(f"{one.exit_status}: {one.report} {one.commands}" for one in passes)
    raise AssertionError(f"not after {rounds} rounds:\n{shown}")
