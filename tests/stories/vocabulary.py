"""The words that stories are told in. A real pair and a simulated one understand the same.

Resources are `mail` (minor 0) and `db` (minors 1 and 2). At the beginning of a story both nodes
are Secondary, Connected and UpToDate, nothing is mounted, and connector has no memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from types import TracebackType
from typing import Protocol

from tests.lab.drbd_node import MinorState
from tests.lab.passes import Pass

NOTHING_LEFT = 0
FAILED = 1
OPERATOR_NEEDED = 3
LOCK_HELD = 75


class Cron(Protocol):
    """cron on both nodes, from entering to leaving."""

    @property
    def minutes(self) -> int:
        """How many have begun."""
        ...

    @property
    def exit_statuses(self) -> Sequence[int]:
        """How the passes ended that have ended by now, on whatever node."""
        ...

    def __enter__(self) -> Cron: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
        /,
    ) -> None: ...


class StoryNode(Protocol):
    """One node, as a story sees it and as people and programs act upon it."""

    @property
    def name(self) -> str:
        """`alpha` or `beta`."""
        ...

    def states(self) -> Mapping[int, MinorState]:
        """The state of every configured minor now."""
        ...

    def state(self, minor: int = 0) -> MinorState:
        """One minor's state now."""
        ...

    def connection(self, minor: int = 0) -> str:
        """One minor's connection state now."""
        ...

    def wait_for_connection(self, *wanted: str, minor: int = 0) -> str:
        """Return the connection state once it is one of `wanted`."""
        ...

    def mounted(self, minor: int = 0) -> bool:
        """Whether the minor is mounted."""
        ...

    def saw_in_kernel_log(self, text: str) -> bool:
        """Whether a message in the kernel log contains `text`."""
        ...

    def identifiers(self, resource: str = "mail") -> str:
        """The generation identifiers, which every handshake that changes the data changes."""
        ...

    # What an operator or a cluster manager types

    def primary(self, resource: str = "mail") -> None:
        """`drbdadm primary`."""
        ...

    def secondary(self, resource: str = "mail") -> None:
        """`drbdadm secondary`."""
        ...

    def connect(self, resource: str = "mail", *, discard_my_data: bool = False) -> None:
        """`drbdadm connect`."""
        ...

    def disconnect(self, resource: str = "mail") -> None:
        """`drbdadm disconnect`."""
        ...

    def mount(self, minor: int = 0) -> object:
        """Mount the minor's file system."""
        ...

    def umount(self, minor: int = 0) -> None:
        """Unmount it."""
        ...

    def take_over(self, resource: str = "mail") -> None:
        """Become Primary and mount every volume."""
        ...

    def let_go(self, resource: str = "mail") -> None:
        """Unmount every volume and become Secondary."""
        ...

    # Records

    def write(self, minor: int = 0, count: int = 3) -> tuple[str, ...]:
        """Write numbered records, each acknowledged when it is on the disk; return their names."""
        ...

    def start_writer(self, minor: int = 0) -> None:
        """Write a record about twice a second until `stop_writer`, or until that fails."""
        ...

    def stop_writer(self, minor: int = 0) -> None:
        """End the writer, if there is one."""
        ...

    def records(self, minor: int = 0) -> frozenset[str]:
        """The records that the mounted file system holds."""
        ...

    # Accidents

    def crash(self) -> None:
        """The power is gone."""
        ...

    def boot(self) -> None:
        """It is back, with its disks as they were, and DRBD is brought up as at every boot."""
        ...

    # The program under test

    def run_pass(self) -> Pass:
        """One `connector reconcile` as cron runs it."""
        ...


class StoryPair(Protocol):
    """Both nodes, the link between them, and time.

    `allow_policy_losses` is set by a story that lets DRBD's own policies throw data away.
    """

    allow_policy_losses: bool

    @property
    def alpha(self) -> StoryNode:
        """One node."""
        ...

    @property
    def beta(self) -> StoryNode:
        """The other one."""
        ...

    @property
    def nodes(self) -> Sequence[StoryNode]:
        """Both, alpha first."""
        ...

    def begin(self, after_sb: Mapping[str, str] = ...) -> None:
        """Make a clean state, with after-sb policies such as {"after-sb-1pri": "consensus"}."""
        ...

    def configure(
        self, policy: Mapping[str, object] = ..., *, run: Mapping[str, object] = ...
    ) -> None:
        """Give both nodes the same connector.toml: keys of [policy] and of [run]."""
        ...

    def cut_link(self) -> None:
        """Nothing gets through any more."""
        ...

    def cut_link_from(self, sender: StoryNode) -> None:
        """Nothing that `sender` sends gets through any more; what its peer sends still does."""
        ...

    def restore_link(self) -> None:
        """Everything gets through again."""
        ...

    def wait_all(self, connection: str = "Connected", *, minors: Iterable[int] = ...) -> None:
        """Return when both nodes show it, with both disks UpToDate."""
        ...

    def wait_for_refusal(self, resource: str = "mail") -> Mapping[str, str]:
        """Return the connection states when a handshake has ended in StandAlone."""
        ...

    def split_brain(
        self,
        resource: str = "mail",
        *,
        still_active: Iterable[str] = ("alpha", "beta"),
        written: Iterable[int] | None = None,
    ) -> Mapping[str, str]:
        """Cut the link, have both take over and write, and restore it; `still_active` stay so.

        The others have let go before the link came back. Returns the connection states.
        """
        ...

    def diverge(
        self,
        resource: str = "mail",
        *,
        still_active: Iterable[str] = ("alpha", "beta"),
        written: Iterable[int] | None = None,
    ) -> None:
        """The same, and the link stays cut."""
        ...

    def let_time_pass(self, seconds: float) -> None:
        """Wait."""
        ...

    def cron(self, minute_s: float) -> Cron:
        """Passes on both nodes as cron starts them, with minutes that last `minute_s` seconds."""
        ...


def passes_until(
    pair: StoryPair, done: Callable[[], bool], *, rounds: int = 4, first: str = "beta"
) -> list[Pass]:
    """Run cron's rounds on both nodes until `done`; return the passes. Fails if it never is."""
    order = sorted(pair.nodes, key=lambda node: node.name != first)
    passes: list[Pass] = []
    for _ in range(rounds):
        passes += [node.run_pass() for node in order]
        pair.let_time_pass(1)
        if done():
            return passes
    shown = "\n".join(f"{one.exit_status}: {one.report} {one.commands}" for one in passes)
    raise AssertionError(f"not after {rounds} rounds:\n{shown}")


def in_sync(pair: StoryPair, *minors: int) -> bool:
    """Whether both nodes show the minors (default: all) Connected and UpToDate."""
    return all(
        minor in states
        and (states[minor].connection, states[minor].disk, states[minor].peer_disk)
        == ("Connected", "UpToDate", "UpToDate")
        for states in (node.states() for node in pair.nodes)
        for minor in minors or (0, 1, 2)
    )
