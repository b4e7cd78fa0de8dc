"""The status of real DRBD 9 nodes, and of made-up ones, as it is printed."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from connector.model import (
    ConnectionState,
    DiskState,
    DrbdsetupStatus,
    PeerDevice,
    Problem,
    ReplicationState,
    Role,
    StatusConnection,
    StatusDevice,
    StatusResource,
    SyncProgress,
)
from connector.observe.nine.status import parse as parse_whole

CAPTURES = Path(__file__).parents[2] / "fixtures/drbd-9"
OLDER = "drbdsetup_status.json"
NEWER = "drbdsetup_status_utils-9.34.json"
NODES = sorted(path.parent for path in CAPTURES.glob(f"*/*/{OLDER}"))
# Where data moved between the two outputs, so that their numbers differ.
MOVING = {
    *("2n-before-resync-handler-failed", "2n-primary-diskless", "2n-resync-interrupted"),
    *("2n-resync-running", "2n-two-volumes-one-diverged", "2n-verify-running"),
    "3n-split-brain-beta-against-both",
}

DEVICE = StatusDevice(0, 0, DiskState.UP_TO_DATE, quorum=True)
PEER_DEVICE = PeerDevice(0, ReplicationState.ESTABLISHED, DiskState.UP_TO_DATE, out_of_sync_kib=0)
APART = PeerDevice(0, ReplicationState.OFF, DiskState.DUNKNOWN, out_of_sync_kib=0)
BETA = StatusConnection("beta", 1, ConnectionState.CONNECTED, Role.SECONDARY, (PEER_DEVICE,))
MAIL = StatusResource("mail", 0, Role.PRIMARY, (DEVICE,), (BETA,))


def parse(text: str) -> DrbdsetupStatus:
    """What is parsed, without the one count that goes on while a picture is taken."""
    found = parse_whole(text)
    return replace(
        found,
        resources=tuple(
            replace(
                item, devices=tuple(replace(device, written_kib=None) for device in item.devices)
            )
            for item in found.resources
        ),
    )


def test_what_was_written_to_the_disk_is_counted_in_kib() -> None:
    text = (CAPTURES / "2n-connected-healthy/beta" / OLDER).read_text(encoding="utf-8")
    ((device,),) = (item.devices for item in parse_whole(text).resources)
    assert device.written_kib == json.loads(text)[0]["devices"][0]["written"] > 0


def captured(situation: str, node: str, file: str = OLDER) -> DrbdsetupStatus:
    return parse((CAPTURES / situation / node / file).read_text(encoding="utf-8"))


def status(*resources: StatusResource) -> DrbdsetupStatus:
    return DrbdsetupStatus(resources)


def test_a_healthy_pair_with_minor_0_and_node_id_0() -> None:
    assert captured("2n-connected-healthy", "alpha") == status(MAIL)


def test_a_newer_drbdsetup_says_whether_it_is_open() -> None:
    mail = replace(MAIL, devices=(replace(DEVICE, open=True),))
    assert captured("2n-connected-healthy", "alpha", NEWER) == status(mail)
    (mail,) = captured("2n-connected-healthy", "beta", NEWER).resources
    assert mail.devices == (replace(DEVICE, open=False),)


def test_a_secondary_that_is_mounted_read_only_is_open() -> None:
    (mail,) = captured("2n-mounted-read-only", "beta", NEWER).resources
    assert (mail.role, mail.devices[0].open) == (Role.SECONDARY, True)


def test_a_split_brain_is_standalone_with_both_disks_up_to_date() -> None:
    peer = replace(APART, out_of_sync_kib=1568)
    beta = StatusConnection("beta", 1, ConnectionState.STANDALONE, Role.UNKNOWN, (peer,))
    found = captured("2n-split-brain-both-in-use", "alpha")
    assert found == status(replace(MAIL, connections=(beta,)))


def test_a_client_has_no_disk_on_purpose_and_two_peers() -> None:
    client = StatusDevice(0, 0, DiskState.DISKLESS, client=True, open=True, quorum=True)
    peers = tuple(
        StatusConnection(name, number, ConnectionState.CONNECTED, Role.SECONDARY, (PEER_DEVICE,))
        for number, name in enumerate(("alpha", "beta"))
    )
    assert captured("3n-diskless-client-mounted", "gamma", NEWER) == status(
        StatusResource("mail", 2, Role.PRIMARY, (client,), peers)
    )


def test_a_client_as_its_peer_sees_it() -> None:
    (mail,) = captured("3n-diskless-client-mounted", "alpha").resources
    (gamma,) = (item for item in mail.connections if item.peer == "gamma")
    assert gamma.peer_devices == (replace(PEER_DEVICE, peer_disk=DiskState.DISKLESS, client=True),)


def test_a_running_resync_in_kib() -> None:
    progress = SyncProgress(
        kind="resync",
        percent=24.74,
        left_kib=7348,
        total_kib=9764,
        finish_s=18,
        speed_kib_per_s=403,
        average_kib_per_s=403,
        want_kib_per_s=205,
    )
    peer = PeerDevice(
        0,
        ReplicationState.SYNC_TARGET,
        DiskState.UP_TO_DATE,
        out_of_sync_kib=7348,
        sync=progress,
    )
    alpha = StatusConnection("alpha", 0, ConnectionState.CONNECTED, Role.PRIMARY, (peer,))
    device = replace(DEVICE, disk=DiskState.INCONSISTENT)
    assert captured("2n-resync-running", "beta") == status(
        StatusResource("mail", 1, Role.SECONDARY, (device,), (alpha,))
    )


def test_a_paused_resync_has_no_speed_and_no_end() -> None:
    (mail,) = captured("2n-resync-paused", "alpha").resources
    assert mail.connections[0].peer_devices == (
        PeerDevice(
            0,
            ReplicationState.PAUSED_SYNC_S,
            DiskState.INCONSISTENT,
            resync_suspended="user",
            out_of_sync_kib=6944,
            sync=SyncProgress("resync", 3.23, 6944, 7176),
        ),
    )


def test_a_running_verify_in_kib() -> None:
    (mail,) = captured("2n-verify-running", "alpha", NEWER).resources
    assert mail.connections[0].peer_devices == (
        replace(
            PEER_DEVICE,
            replication=ReplicationState.VERIFY_S,
            sync=SyncProgress(
                kind="verify",
                percent=8.9,
                left_kib=22352,
                total_kib=24536,
                finish_s=44,
                speed_kib_per_s=512,
                average_kib_per_s=512,
                want_kib_per_s=246,
            ),
        ),
    )


def test_io_that_is_held_for_want_of_a_quorum() -> None:
    beta = StatusConnection("beta", 1, ConnectionState.CONNECTING, Role.UNKNOWN, (APART,))
    assert captured("2n-quorum-lost-suspended", "alpha") == status(
        replace(
            MAIL,
            devices=(replace(DEVICE, quorum=False),),
            connections=(beta,),
            suspended=("quorum",),
        )
    )


def test_who_else_holds_io() -> None:
    (user,) = captured("2n-suspended-by-operator", "beta").resources
    (no_data,) = captured("2n-no-data-suspended", "alpha").resources
    (failing,) = captured("3n-quorum-minority-returns", "alpha").resources
    assert (user.suspended, no_data.suspended) == (("user",), ("no-data",))
    assert failing.force_io_failures


def test_no_resources_are_no_problem() -> None:
    assert captured("2n-no-resources", "alpha") == status()
    assert parse("[\n]\n") == status()


def test_no_connections_are_no_problem() -> None:
    assert captured("2n-mounted-read-only-disconnected", "beta") == status(
        StatusResource("mail", 1, Role.SECONDARY, (DEVICE,))
    )


def test_two_volumes() -> None:
    peers = tuple(
        replace(APART, volume=volume, out_of_sync_kib=kib) for volume, kib in ((0, 524), (1, 36))
    )
    beta = StatusConnection("beta", 1, ConnectionState.STANDALONE, Role.UNKNOWN, peers)
    assert captured("2n-two-volumes-one-diverged", "alpha") == status(
        replace(MAIL, devices=(DEVICE, replace(DEVICE, volume=1, minor=1)), connections=(beta,))
    )


def test_two_resources() -> None:
    connected = StatusConnection(
        "alpha", 0, ConnectionState.CONNECTED, Role.PRIMARY, (PEER_DEVICE,)
    )
    split = StatusConnection(
        "alpha",
        0,
        ConnectionState.STANDALONE,
        Role.UNKNOWN,
        (replace(APART, out_of_sync_kib=36),),
    )
    device = replace(DEVICE, open=False)
    assert captured("2n-two-resources-one-split", "beta", NEWER) == status(
        StatusResource("db", 1, Role.SECONDARY, (replace(device, minor=10),), (connected,)),
        StatusResource("mail", 1, Role.SECONDARY, (device,), (split,)),
    )


def without_open(found: DrbdsetupStatus) -> DrbdsetupStatus:
    return DrbdsetupStatus(
        tuple(
            replace(item, devices=tuple(replace(device, open=None) for device in item.devices))
            for item in found.resources
        ),
        found.problems,
    )


def without_numbers(found: DrbdsetupStatus) -> DrbdsetupStatus:
    def still(connection: StatusConnection) -> StatusConnection:
        peers = (replace(p, out_of_sync_kib=None, sync=None) for p in connection.peer_devices)
        return replace(connection, peer_devices=tuple(peers))

    return DrbdsetupStatus(
        tuple(
            replace(item, connections=tuple(still(c) for c in item.connections))
            for item in found.resources
        ),
        found.problems,
    )


def test_there_are_captures() -> None:
    assert len(NODES) == 156
    assert {node.parent.name for node in NODES} >= MOVING


@pytest.mark.parametrize("node", NODES, ids=lambda node: f"{node.parent.name}-{node.name}")
def test_every_capture_has_no_problem_and_both_drbdsetups_say_the_same(node: Path) -> None:
    older = parse((node / OLDER).read_text(encoding="utf-8"))
    newer = parse((node / NEWER).read_text(encoding="utf-8"))
    assert older.problems == newer.problems == ()
    for device in (d for resource in newer.resources for d in resource.devices):
        assert device.open is not None
    assert older == without_open(older)
    newer = without_open(newer)
    if node.parent.name in MOVING:
        older, newer = without_numbers(older), without_numbers(newer)
    assert older == newer
    for resource in older.resources:
        assert not resource.doubtful
        assert not any(device.doubtful for device in resource.devices)
        assert not any(connection.doubtful for connection in resource.connections)
        assert not any(p.doubtful for c in resource.connections for p in c.peer_devices)


HEALTHY = (CAPTURES / "2n-connected-healthy/alpha" / OLDER).read_text(encoding="utf-8")


def changed(old: str, new: str, situation: str = "2n-connected-healthy/alpha") -> DrbdsetupStatus:
    """What is read where a text stands instead of another that is there once."""
    text = (CAPTURES / situation / OLDER).read_text(encoding="utf-8")
    assert text.count(old) == 1
    return parse(text.replace(old, new))


def test_a_name_need_not_be_ascii() -> None:
    found = changed('"name": "mail"', '"name": "brief-\u00fc\u4e2d"')
    assert found == status(replace(MAIL, name="brief-\u00fc\u4e2d"))


def test_a_drbdsetup_that_does_not_name_who_holds_io() -> None:
    lines = HEALTHY.replace('"suspended": false', '"suspended": true').split("\n")
    old = "\n".join(line for line in lines if "suspended-" not in line)
    assert parse(old) == status(replace(MAIL, suspended=("unknown",)))
    assert parse(old.replace('"suspended": true', '"suspended": false')) == status(MAIL)


def test_several_hold_the_io() -> None:
    text = HEALTHY
    for key in ("suspended", "suspended-user", "suspended-fencing"):
        text = text.replace(f'"{key}": false', f'"{key}": true')
    assert parse(text) == status(replace(MAIL, suspended=("user", "fencing")))


@pytest.mark.parametrize("holders", ["user,peer", "peer,dependency", "user,peer,dependency"])
def test_several_hold_the_resync(holders: str) -> None:
    found = changed('"resync-suspended": "no"', f'"resync-suspended": "{holders}"')
    (peer,) = found.resources[0].connections[0].peer_devices
    assert (peer.resync_suspended, found.problems) == (holders, ())


def test_a_kernel_without_statistics_of_a_peer() -> None:
    """The numbers are an unsigned -1 then, halved where they are printed in KiB."""
    found = changed('"out-of-sync": 0', f'"out-of-sync": {2**63 - 1}')
    peer = replace(PEER_DEVICE, out_of_sync_kib=None)
    assert found == status(replace(MAIL, connections=(replace(BETA, peer_devices=(peer,)),)))


def resync_of(old: str, new: str) -> SyncProgress | None:
    found = changed(old, new, "2n-resync-running/alpha")
    assert found.problems == ()
    return found.resources[0].connections[0].peer_devices[0].sync


def test_a_resync_that_does_not_move_has_no_end() -> None:
    found = resync_of(
        '"estimated-seconds-to-finish": 18', '"estimated-seconds-to-finish": 987654321'
    )
    assert found is not None
    assert found.finish_s is None


@pytest.mark.parametrize(("sectors", "left_kib"), [(48, 7924 - 24), (40_000, None)])
def test_what_failed_is_not_left(sectors: int, left_kib: int | None) -> None:
    found = resync_of('"rs-failed": 0', f'"rs-failed": {sectors}')
    assert found is not None
    assert found.left_kib == left_kib


def test_a_resync_that_has_just_begun_has_no_speed() -> None:
    text = (CAPTURES / "2n-resync-running/alpha" / OLDER).read_text(encoding="utf-8")
    (line,) = (line for line in text.split("\n") if '"rs-dt1-ms"' in line)
    found = resync_of(line, '"rs-dt1-ms": 0,')
    assert found is not None
    assert found.speed_kib_per_s is None


@pytest.mark.parametrize("percent", ["-0.31", "94463412345678.25", "100.01"])
def test_a_percentage_that_raced_is_none(percent: str) -> None:
    found = resync_of('"percent-resync-done": 18.84', f'"percent-resync-done": {percent}')
    assert found is not None
    assert (found.percent, found.left_kib) == (None, 7924)


def test_a_number_that_raced_below_zero_is_no_problem() -> None:
    found = resync_of('"rs-db1-sectors": 3680', '"rs-db1-sectors": -3680')
    assert found is not None
    assert found.speed_kib_per_s is None


def test_a_kernel_without_details_of_a_resync() -> None:
    text = (CAPTURES / "2n-resync-running/alpha" / OLDER).read_text(encoding="utf-8")
    head, _, _ = text.partition('"rs-total"')
    found = parse(head + '"percent-resync-done": 67.70\n } ] } ] } ]')
    (peer,) = found.resources[0].connections[0].peer_devices
    assert (peer.sync, found.problems) == (SyncProgress("resync", 67.7, 7924), ())


def test_the_end_of_a_verify_has_nothing_left() -> None:
    text = (CAPTURES / "2n-verify-running/alpha" / OLDER).read_text(encoding="utf-8")
    lines = [line for line in text.split("\n") if '"ov-' not in line]
    found = parse("\n".join(lines))
    (peer,) = found.resources[0].connections[0].peer_devices
    assert found.problems == ()
    assert peer.sync is not None
    assert (peer.sync.kind, peer.sync.percent, peer.sync.left_kib) == ("verify", None, 0)


def test_the_text_that_drbdsetup_prints_on_8_4_is_no_status() -> None:
    assert parse("USAGE:\ndrbdsetup command {arguments} [options]\n") == DrbdsetupStatus(
        (), (Problem(1, "this is no JSON: Expecting value"),)
    )
