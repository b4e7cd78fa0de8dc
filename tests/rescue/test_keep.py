"""A victim is kept whole before its changes go, or they do not go."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from connector.errors import NotKept
from connector.model import ConnectionState, Mode, OutcomeKind, Resource, Role
from connector.observe.node import look
from connector.program import Completed
from connector.rescue import shelf
from connector.rescue.keep import Wanted, keep, must_be_unchanged, still_holds
from connector.rescue.kept import Method, Rescue
from connector.settings import RescueSettings, Settings
from connector.simulate import SimulatedResource
from tests.agents import MAIL, Agents, outcomes
from tests.rescue.making import (
    BOOT_ID,
    KEPT_AT_S,
    MIB,
    Hands,
    Lvm,
    a_copy,
    names_on,
    rescue,
    row,
    settings_in,
    victim,
)
from tests.rescue.test_backing import mapped, node
from tests.rescue.test_superblock import changed

DB = (SimulatedResource("db", (1, 2)),)


def agents_on(
    folder: Path,
    resources: Sequence[SimulatedResource] = MAIL,
    mode: Mode = Mode.DISCARD,
    **rescue_settings: Any,
) -> Agents:
    """A split pair: beta has written to every volume, and is no longer in use."""
    agents = Agents(folder, resources, mode=mode)
    changed = RescueSettings(**{"spare_percent": 0, **rescue_settings})
    for name in ("alpha", "beta"):
        agents.settings[name] = replace(agents.settings[name], rescue=changed)
    (resource,) = resources
    agents.pair.cut_link()
    agents.pair.sleep(10)
    agents.pair.run_on("beta")(("drbdadm", "primary", resource.name), 15)
    for number in range(len(resource.minors)):
        agents.pair.mount("beta", resource.name, f"/srv/{resource.name}{number}", number)
        agents.pair.write("alpha", resource.name, number, 1, f"alpha's {number}")
        agents.pair.write("beta", resource.name, number, 2, f"beta's {number}")
    agents.pair.restore_link()
    agents.pair.sleep(10)
    for number in range(len(resource.minors)):
        agents.stop_service("beta", resource.name, volume=number)
    return agents


def idle(agents: Agents, name: str = "mail") -> None:
    """Beta is Secondary, too, and StandAlone."""
    run = agents.pair.run_on("beta")
    assert run(("drbdadm", "secondary", name), 15).exit_status == 0
    if agents.pair.connection("beta", name) is not ConnectionState.STANDALONE:
        assert run(("drbdadm", "disconnect", name), 15).exit_status == 0


def seen(agents: Agents, name: str = "mail") -> Resource:
    found = look(agents.world("beta"), agents.settings["beta"]).resources
    return next(item for item in found if item.name == name)


def kept_by_hand(agents: Agents, left_s: float = 40.0) -> Rescue | None:
    wanted = Wanted(seen(agents), "a test", lambda: left_s)
    return keep(agents.world("beta"), agents.settings["beta"], wanted)


def on_shelf(agents: Agents) -> tuple[Rescue, ...]:
    found = shelf.read(agents.settings["beta"].rescues_dir)
    assert found.problems == ()
    return found.rescues


def content(agents: Agents, item: Rescue) -> list[dict[str, str]]:
    """What the copies hold, block by block."""
    folder = agents.settings["beta"].rescues_dir / item.name
    return [json.loads((folder / str(each.file)).read_bytes()) for each in item.volumes]


@pytest.mark.parametrize("resources", [MAIL, DB])
def test_the_copies_hold_what_the_victim_held_before(
    tmp_path: Path, resources: tuple[SimulatedResource, ...]
) -> None:
    name, numbers = resources[0].name, range(len(resources[0].minors))
    agents = agents_on(tmp_path, resources)
    before = [agents.pair.blocks("beta", name, number) for number in numbers]
    reports = agents.minutes(3)
    assert agents.connections(name) == ("Connected", "Connected")
    for number in numbers:
        assert agents.pair.blocks("beta", name, number) == {1: f"alpha's {number}"}
    (item,) = on_shelf(agents)
    assert content(agents, item) == [
        {str(block): text for block, text in blocks.items()} for blocks in before
    ]
    assert (item.resource, item.host) == (name, "beta")
    assert item.why.startswith("a pass, ")
    assert [each.minor for each in item.volumes] == list(resources[0].minors)
    assert {each.method for each in item.volumes} == {Method.E2IMAGE}
    # After the resync a pass has found it whole; and the survivor has kept nothing.
    assert item.lost is None
    assert item.looked_at_s is not None
    told = [report.resources[0].outcome.rescue for report in reports]
    assert [told_name for told_name in told if told_name] == [item.name]
    assert names_on(agents.settings["alpha"]) == []


def test_a_rescue_is_used_again_as_long_as_nothing_was_written(tmp_path: Path) -> None:
    agents = agents_on(tmp_path)
    idle(agents)
    first = kept_by_hand(agents)
    assert first is not None
    agents.pair.sleep(60)
    assert kept_by_hand(agents) == first
    # A pass takes what a person has kept.
    told = [report.resources[0].outcome.rescue for report in agents.minutes(4)]
    assert [name for name in told if name] == [first.name]
    assert agents.connections() == ("Connected", "Connected")
    assert [item.name for item in on_shelf(agents)] == [first.name]


def test_and_not_after_something_was_written(tmp_path: Path) -> None:
    agents = agents_on(tmp_path)
    idle(agents)
    first = kept_by_hand(agents)
    run = agents.pair.run_on("beta")
    assert run(("drbdadm", "primary", "mail"), 15).exit_status == 0
    agents.pair.mount("beta", "mail", "/srv/mail0")
    agents.pair.write("beta", "mail", 0, 2, "the same block, another text")
    agents.stop_service("beta")
    idle(agents)
    second = kept_by_hand(agents)
    assert first is not None
    assert second is not None
    assert second.name > first.name
    assert content(agents, second) == [{"2": "the same block, another text"}]


@pytest.mark.parametrize("how", ["removed", "emptied", "noted as lost"])
def test_and_not_where_the_copy_is_gone(tmp_path: Path, how: str) -> None:
    agents = agents_on(tmp_path)
    idle(agents)
    first = kept_by_hand(agents)
    assert first is not None
    folder = agents.settings["beta"].rescues_dir / first.name
    if how == "removed":
        (folder / "volume-0.img").unlink()
    elif how == "emptied":
        (folder / "volume-0.img").write_bytes(b"")
    else:
        shelf.write(folder, first.model_copy(update={"lost": "it is"}))
    second = kept_by_hand(agents)
    assert second is not None
    assert second.name != first.name


def test_two_in_a_second_have_two_names(tmp_path: Path) -> None:
    agents = agents_on(tmp_path)
    idle(agents)
    agents.pair.state.instant = True
    first = kept_by_hand(agents)
    assert first is not None
    folder = agents.settings["beta"].rescues_dir
    (folder / first.name / "volume-0.img").unlink()
    second = kept_by_hand(agents)
    assert second is not None
    assert second.name != first.name
    assert int(second.kept_at_s) == int(first.kept_at_s)


@pytest.mark.parametrize(
    ("item", "resource", "expected"),
    [
        (rescue(), victim((4, 100)), True),
        (rescue(a_copy(), a_copy(1)), victim((4, 100), (4, 100)), True),
        (rescue(), victim((4, 101)), False),
        (rescue(), victim((8, 100)), False),
        (rescue(), victim((4, None)), False),
        (rescue(), victim((None, 100)), False),
        (rescue(a_copy(disk_writes_kib=None)), victim((4, None)), False),
        (rescue(), victim((4, 100), (4, 100)), False),
        (rescue(a_copy(), a_copy(1)), victim((4, 100)), False),
        (rescue(a_copy(minor=3)), victim((4, 100)), False),
        (rescue(), victim((4, 100), role=Role.PRIMARY), False),
        (rescue(), victim((4, 100), connection=ConnectionState.WF_CONNECTION), False),
        (rescue(), victim((4, 100), name="db"), False),
        (rescue(lost="gone"), victim((4, 100)), False),
        (rescue(boot_id="another"), victim((4, 100)), False),
    ],
)
def test_what_holds_still(item: Rescue, resource: Resource, expected: bool) -> None:
    assert still_holds(item, resource, BOOT_ID) is expected


def test_nothing_to_keep_where_the_peer_has_it_all(tmp_path: Path) -> None:
    hands = Hands(tmp_path)
    wanted = Wanted(victim((0, 100), (0, 7)), "a test", lambda: 40.0)
    assert keep(hands.world, settings_in(tmp_path), wanted) is None
    assert hands.lines == []
    assert names_on(settings_in(tmp_path)) == []


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"role": Role.PRIMARY}, "mail is StandAlone and Primary here; a copy needs it StandAlone"),
        ({"connection": ConnectionState.CONNECTED}, "mail is Connected and Secondary here"),
        ({"connection": ConnectionState.WF_CONNECTION}, "mail is WFConnection and Secondary"),
        ({"connection": None, "role": None}, "mail is in an unknown state and of unknown role"),
    ],
)
def test_no_copy_while_somebody_may_write(
    tmp_path: Path, changes: dict[str, Any], why: str
) -> None:
    agents = agents_on(tmp_path)
    idle(agents)
    now = replace(seen(agents), **changes)
    with pytest.raises(NotKept, match=why):
        keep(agents.world("beta"), agents.settings["beta"], Wanted(now, "a test", lambda: 40.0))
    assert names_on(agents.settings["beta"]) == []


def test_no_copy_that_cannot_be_made_in_time(tmp_path: Path) -> None:
    agents = agents_on(tmp_path)
    idle(agents)
    with pytest.raises(NotKept, match=r"of about 11 MiB cannot be made in 0 s; `connector rescue"):
        kept_by_hand(agents, left_s=-3)
    assert names_on(agents.settings["beta"]) == []


def test_no_copy_that_does_not_fit(tmp_path: Path) -> None:
    agents = agents_on(tmp_path, max_size_mib=1)
    idle(agents)
    with pytest.raises(NotKept, match="needs about 12 MiB and there is room for 1 MiB"):
        kept_by_hand(agents)
    full = agents_on(tmp_path / "full", spare_percent=100)
    idle(full)
    with pytest.raises(NotKept, match="there is room for 0 MiB"):
        kept_by_hand(full)


def test_what_is_kept_already_counts(tmp_path: Path) -> None:
    agents = agents_on(tmp_path, max_size_mib=14)
    idle(agents)
    other = agents.settings["beta"].rescues_dir / rescue(name="web").name
    other.mkdir(parents=True)
    shelf.write(other, rescue(name="web"))
    (other / "volume-0.img").write_bytes(b"x" * 3 * MIB)
    with pytest.raises(NotKept, match="there is room for 11 MiB"):
        kept_by_hand(agents)
    (other / "volume-0.img").write_bytes(b"x" * MIB)
    assert kept_by_hand(agents) is not None


def test_refused_a_pass_discards_nothing(tmp_path: Path) -> None:
    agents = agents_on(tmp_path, max_size_mib=1)
    reports = agents.minutes(8)
    assert not any("discard" in command for command in agents.commands["beta"])
    assert agents.pair.blocks("beta", "mail") == {2: "beta's 0"}
    assert names_on(agents.settings["beta"]) == []
    failed = [each for each in reports if outcomes(each) == {"mail": OutcomeKind.FAILED}]
    detail = failed[0].resources[0].outcome.detail
    assert detail.startswith("nothing was given up, since it cannot be kept first: the copy needs")
    # It is tried as often as anything else, and then a person is asked.
    assert reports[-2].exit_status == 3


@pytest.mark.parametrize("settings", [{"keep": False}, {"refuse_without": False}])
def test_whoever_wants_the_pair_rather_than_the_data_may_say_so(
    tmp_path: Path, settings: dict[str, Any]
) -> None:
    agents = agents_on(tmp_path, max_size_mib=1, **settings)
    reports = agents.minutes(3)
    assert agents.connections() == ("Connected", "Connected")
    assert agents.pair.blocks("beta", "mail") == {1: "alpha's 0"}
    assert names_on(agents.settings["beta"]) == []
    assert {report.resources[0].outcome.rescue for report in reports} == {None}


class Killed(BaseException):
    """What a signal handler raises."""


def on_two_disks(folder: Path) -> tuple[Hands, Lvm, Settings, Resource]:
    """A victim with a logical volume and a plain disk."""
    lvm = Lvm(rows=[row(vg_free=str(1024 * MIB))])
    hands = node(folder, lvm=lvm)
    mapped(folder)
    (folder / "dev/vdb").write_bytes(b"precious" * (12 * MIB // 8))
    return hands, lvm, settings_in(folder), victim((616, 700), (4, 100), name="db")


def test_a_snapshot_and_a_copy_in_one_rescue(tmp_path: Path) -> None:
    hands, lvm, settings, resource = on_two_disks(tmp_path)
    item = keep(hands.world, settings, Wanted(resource, "a test", lambda: 40.0))
    assert item is not None
    first, second = item.volumes
    assert (first.method, first.volume_group, first.file) == (Method.SNAPSHOT, "pair", None)
    assert lvm.snapshots == {f"pair/{first.snapshot}"} == {"pair/connector-20251124T160000Z-0"}
    assert (second.method, second.file, second.snapshot) == (Method.WHOLE, "volume-1.img", None)
    copied = settings.rescues_dir / item.name / "volume-1.img"
    assert copied.read_bytes() == (tmp_path / "dev/vdb").read_bytes()
    # The snapshot costs from its first moment on, so it comes last.
    assert [line.split()[0] for line in hands.lines] == ["drbdsetup", "lvs", "lvcreate"]
    assert shelf.read(settings.rescues_dir).rescues == (item,)
    again = keep(hands.world, settings, Wanted(resource, "a test", lambda: 40.0))
    assert again == item


def test_snapshots_alone_need_no_quiet_disk(tmp_path: Path) -> None:
    hands, lvm, settings, _ = on_two_disks(tmp_path)
    primary = victim((616, 700), name="db", role=Role.PRIMARY)
    item = keep(hands.world, settings, Wanted(primary, "a test", lambda: 40.0))
    assert item is not None
    assert lvm.snapshots == {f"pair/{item.volumes[0].snapshot}"}


@pytest.mark.parametrize("when", ["before lvcreate", "after lvcreate"])
def test_interrupted_it_leaves_neither_file_nor_snapshot(tmp_path: Path, when: str) -> None:
    hands, lvm, settings, resource = on_two_disks(tmp_path)

    def lvcreate(argv: Sequence[str]) -> Completed:
        if when.startswith("after"):
            lvm.lvcreate(argv)
        raise Killed

    hands.programs = {**hands.programs, "lvcreate": lvcreate}
    with pytest.raises(Killed):
        keep(hands.world, settings, Wanted(resource, "a test", lambda: 40.0))
    assert (names_on(settings), lvm.snapshots) == ([], set())
    hands.programs = {**hands.programs, "lvcreate": lvm.lvcreate}
    assert keep(hands.world, settings, Wanted(resource, "a test", lambda: 40.0)) is not None


def test_a_rescue_that_gets_no_name_leaves_no_snapshot(tmp_path: Path) -> None:
    hands, lvm, settings, resource = on_two_disks(tmp_path)

    def lvcreate(argv: Sequence[str]) -> Completed:
        # Somebody makes a folder of that name meanwhile.
        (left,) = shelf.leftovers(settings.rescues_dir)
        taken = settings.rescues_dir / left.name.removeprefix(".unfinished-")
        (taken / "photos").mkdir(parents=True)
        return lvm.lvcreate(argv)

    hands.programs = {**hands.programs, "lvcreate": lvcreate}
    with pytest.raises(NotKept, match="not empty"):
        keep(hands.world, settings, Wanted(resource, "a test", lambda: 40.0))
    assert lvm.snapshots == set()
    assert shelf.leftovers(settings.rescues_dir) == ()


def test_what_lvcreate_refuses_is_quoted(tmp_path: Path) -> None:
    hands, lvm, settings, resource = on_two_disks(tmp_path)
    lvm.full = True
    with pytest.raises(NotKept, match=r"ended with 5 and said: Volume group .* insufficient free"):
        keep(hands.world, settings, Wanted(resource, "a test", lambda: 40.0))
    assert names_on(settings) == []


@pytest.mark.parametrize("number", [0, 1])
def test_interrupted_at_either_of_two_copies(tmp_path: Path, number: int) -> None:
    agents = agents_on(tmp_path, DB)
    idle(agents, "db")
    done: list[str] = []

    def stops(argv: Sequence[str], _timeout_s: float) -> Completed | None:
        if argv[0] == "e2image":
            done.append(argv[-1])
            if len(done) == number + 1:
                raise Killed
        return None

    agents.answer_first("beta", stops)
    wanted = Wanted(seen(agents, "db"), "a test", lambda: 40.0)
    with pytest.raises(Killed):
        keep(agents.world("beta"), agents.settings["beta"], wanted)
    assert names_on(agents.settings["beta"]) == []
    # The next pass looks whether there is anything to clear up.
    assert agents.settings["beta"].rescues_due_file.exists()


def test_what_a_killed_one_left_makes_room_for_the_next(tmp_path: Path) -> None:
    agents = agents_on(tmp_path, max_size_mib=14)
    idle(agents)
    left = agents.settings["beta"].rescues_dir / ".unfinished-20251124T160000Z-mail"
    left.mkdir(parents=True)
    (left / "volume-0.img").write_bytes(b"x" * 5 * MIB)
    item = kept_by_hand(agents)
    assert item is not None
    assert names_on(agents.settings["beta"]) == [item.name]


def test_a_copy_takes_no_more_than_it_may(tmp_path: Path) -> None:
    """What xfs_copy cannot copy is copied whole, and may be much more than was in use."""
    hands, _, settings, resource = on_two_disks(tmp_path)
    nearly_empty = changed("xfs", 144, (76800 - 1000).to_bytes(8, "big"))
    (tmp_path / "dev/vdb").write_bytes(nearly_empty)
    (tmp_path / "sys/class/block/drbd1/size").write_text(f"{300 * MIB // 512}\n")
    settings = replace(settings, rescue=replace(settings.rescue, max_size_mib=20))
    with pytest.raises(NotKept, match="would fill the file system"):
        keep(hands.world, settings, Wanted(resource, "a test", lambda: 40.0))
    asked = [line.split()[0] for line in hands.lines]
    assert asked == ["drbdsetup", "lvs", "xfs_logprint", "lvs"]
    assert names_on(settings) == []


def test_a_shelf_that_cannot_be_made(tmp_path: Path) -> None:
    agents = agents_on(tmp_path)
    idle(agents)
    settings = agents.settings["beta"]
    (settings.run.state_dir).mkdir(exist_ok=True)
    settings.rescues_dir.write_text("no folder")
    with pytest.raises(NotKept, match="rescues: Not a directory"):
        kept_by_hand(agents)


def unchanged(folder: Path, item: Rescue, now: Resource | None, since_s: float) -> None:
    settings = settings_in(folder)
    place = settings.rescues_dir / item.name
    place.mkdir(parents=True)
    shelf.write(place, item)
    must_be_unchanged(Hands(folder).world, settings, item, now, since_wall_s=since_s)


def test_a_copy_of_what_did_not_change_stays(tmp_path: Path) -> None:
    unchanged(tmp_path, rescue(), victim(), KEPT_AT_S)
    assert names_on(settings_in(tmp_path)) == [rescue().name]


@pytest.mark.parametrize(
    ("now", "since_s", "stays"),
    [
        # Begun since then, and written to meanwhile.
        (victim((4, 104)), KEPT_AT_S, False),
        (None, KEPT_AT_S, False),
        # An older one, whole, of another moment.
        (victim((4, 104)), KEPT_AT_S + 1, True),
    ],
)
def test_a_copy_of_no_moment_is_dropped(
    tmp_path: Path, now: Resource | None, since_s: float, stays: bool
) -> None:
    with pytest.raises(NotKept, match="mail was written to or changed while it was copied"):
        unchanged(tmp_path, rescue(), now, since_s)
    assert names_on(settings_in(tmp_path)) == ([rescue().name] if stays else [])
