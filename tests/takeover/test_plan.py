"""The pure parts: what is planned, and what a state is called, for pictures that are rare."""

from __future__ import annotations

import pytest

from connector.errors import OperatorNeeded
from connector.model import ConnectionState, DiskState, Role
from connector.model.step import Step, StepKind
from connector.settings import MountSettings, Settings
from connector.takeover import plan
from connector.takeover.seen import Placed, Seen
from connector.takeover.state import State, state
from connector.takeover.steps import argv, printable
from tests import builders

MOUNT = MountSettings(0, "/srv/mail", "ext4")
HERE = Placed("/srv/mail", 0)
SETTINGS = Settings(mounts={"mail": (MOUNT,)})


def passive(
    disk: DiskState = DiskState.UP_TO_DATE, connection: ConnectionState | None = None
) -> Seen:
    """A Secondary that nothing uses, with this disk."""
    state = connection or ConnectionState.CONNECTED
    shown = builders.device(
        role=Role.SECONDARY, peer_role=Role.SECONDARY, disk=disk, connection=state
    )
    volume = builders.volume(shown, used_by=())
    return Seen(
        builders.resource(
            connection=state, role=Role.SECONDARY, peer_role=Role.SECONDARY, volumes=(volume,)
        ),
        (),
    )


@pytest.mark.parametrize(
    ("disk", "connection", "good"),
    [
        (DiskState.UP_TO_DATE, ConnectionState.CONNECTED, True),
        (DiskState.UP_TO_DATE, ConnectionState.STANDALONE, True),
        (DiskState.CONSISTENT, ConnectionState.WF_CONNECTION, True),
        (DiskState.CONSISTENT, ConnectionState.CONNECTED, False),
        (DiskState.INCONSISTENT, ConnectionState.SYNC_TARGET, False),
        (DiskState.OUTDATED, ConnectionState.WF_CONNECTION, False),
        (DiskState.DISKLESS, ConnectionState.CONNECTED, False),
        (DiskState.FAILED, ConnectionState.CONNECTED, False),
    ],
)
def test_which_data_are_taken_over(
    disk: DiskState, connection: ConnectionState, good: bool
) -> None:
    seen = passive(disk, connection)
    if good:
        assert [step.kind for step in plan.take_over(seen, ())] == [StepKind.PRIMARY]
        return
    with pytest.raises(OperatorNeeded, match=f"volume 0 is {disk} here"):
        plan.take_over(seen, ())


def test_nothing_is_done_in_doubt() -> None:
    doubted = Seen(builders.resource(role=Role.SECONDARY, doubts=["it is odd"]), ())
    with pytest.raises(OperatorNeeded, match="it is odd; nothing was done in doubt"):
        plan.take_over(doubted, ())
    down = Seen(builders.resource(volumes=[builders.volume(minor=0, used_by=())]), ())
    with pytest.raises(OperatorNeeded, match="it is not up here; nothing was done in doubt"):
        plan.take_over(down, ())


def test_whether_it_is_in_use_must_be_known_to_check_and_mount() -> None:
    shown = builders.device(role=Role.SECONDARY, peer_role=Role.SECONDARY)
    volume = builders.volume(shown, used_by=None)
    seen = Seen(builders.resource(role=Role.SECONDARY, volumes=[volume]), ())
    with pytest.raises(OperatorNeeded, match="whether /dev/drbd0 is in use cannot be told"):
        plan.take_over(seen, (MOUNT,))


@pytest.mark.parametrize(
    ("role", "placed", "word"),
    [
        (Role.PRIMARY, (HERE,), State.ACTIVE),
        (Role.PRIMARY, (), State.BETWEEN),
        (Role.PRIMARY, (HERE, Placed("/srv/mail", None)), State.BETWEEN),
        (Role.PRIMARY, (Placed("/srv/mail", 7),), State.BETWEEN),
        (Role.SECONDARY, (), State.PASSIVE),
        (Role.SECONDARY, (HERE,), State.BETWEEN),
    ],
)
def test_what_a_state_is_called(role: Role, placed: tuple[Placed, ...], word: State) -> None:
    assert state(SETTINGS, Seen(builders.resource(role=role), placed)) is word


def test_nothing_but_what_is_left_of_a_step_is_undone() -> None:
    mounted = Step(StepKind.MOUNT, "mail", minor=0, where="/srv/mail")
    promoted = Step(StepKind.PRIMARY, "mail")
    active = Seen(builders.resource(), (HERE,))
    assert plan.undoing(mounted, active) == Step(StepKind.UMOUNT, "mail", None, 0, "/srv/mail")
    assert plan.undoing(promoted, active) == Step(StepKind.SECONDARY, "mail")
    assert plan.undoing(mounted, passive()) is None
    assert plan.undoing(promoted, passive()) is None
    for kind in (StepKind.FSCK, StepKind.CONNECT):
        assert plan.undoing(Step(kind, "mail"), active) is None


def test_a_disconnect_is_undone_while_it_lasts() -> None:
    step = Step(StepKind.DISCONNECT, "mail")
    alone = Seen(builders.resource(connection=ConnectionState.STANDALONE, role=Role.SECONDARY), ())
    assert plan.undoing(step, alone) == Step(StepKind.CONNECT, "mail")
    assert plan.undoing(step, passive()) is None


def test_no_name_means_anything_else_to_drbdadm() -> None:
    for step in (
        Step(StepKind.PRIMARY, "all"),
        Step(StepKind.SECONDARY, "minor-0"),
        Step(StepKind.DISCONNECT, "mail", "a b"),
    ):
        with pytest.raises(ValueError, match="is not handed to drbdadm"):
            argv(step, "drbdadm")
    assert printable(Step(StepKind.CONNECT, "mail", "beta")) == "drbdadm connect mail:beta"
