"""The files below a root, and what production code reads in them."""

from __future__ import annotations

from pathlib import Path

import pytest

from connector.model import Cause, ConnectionState, Role
from connector.observe import evidence, kernel_log, proc_drbd
from connector.simulate import Refused, SimulatedPair, SimulatedResource, story

C = ConnectionState


def test_a_minor_without_a_predecessor_has_a_blank_line_before_it(tmp_path: Path) -> None:
    pair = SimulatedPair([SimulatedResource("db", (1, 2)), SimulatedResource("web", (10,))])
    pair.render("alpha", tmp_path)
    lines = (tmp_path / "proc/drbd").read_text().splitlines()
    blanks = [number for number, line in enumerate(lines) if not line]
    assert [lines[number + 1][:7] for number in blanks] == [" 1: cs:", "10: cs:"]
    assert proc_drbd.parse("\n".join(lines) + "\n").problems == ()


def test_a_resync_shows_its_progress(tmp_path: Path) -> None:
    pair = story.told("standby-disconnected")
    story.drbdadm(pair, "beta", "connect", "mail")
    while pair.connection("beta", "mail") is not C.SYNC_TARGET:
        pair.sleep(0.05)
    for node in ("alpha", "beta"):
        pair.render(node, tmp_path / node)
        parsed = proc_drbd.parse(proc_drbd.read(tmp_path / node))
        assert parsed.problems == ()
        sync = parsed.devices[0].sync
        assert sync is not None
        assert (sync.kind, sync.left_kib, sync.total_kib) == ("resync", 4, 4)


def test_registered_roots_follow(tmp_path: Path) -> None:
    pair = SimulatedPair()
    world = pair.world("beta", tmp_path)
    before = world.boot_id()

    def devices() -> list[C | None]:
        return [device.connection for device in proc_drbd.parse(proc_drbd.read(tmp_path)).devices]

    assert devices() == [C.CONNECTED] * 3
    world.run(("drbdadm", "disconnect", "mail"), 15.0)
    assert devices() == [C.STANDALONE, C.CONNECTED, C.CONNECTED]
    pair.cut_link()
    world.clock.sleep(10)
    assert devices() == [C.STANDALONE, C.WF_CONNECTION, C.WF_CONNECTION]
    pair.crash("beta")
    pair.boot("beta", connecting=False)
    assert devices() == [C.STANDALONE] * 3
    assert world.boot_id() != before != ""


def test_what_has_not_changed_is_not_written_again(tmp_path: Path) -> None:
    pair = SimulatedPair()
    pair.world("alpha", tmp_path)
    conf = (tmp_path / "etc/drbd.conf").stat()
    pair.write("alpha", "mail", 0, 1, "x")
    after = (tmp_path / "etc/drbd.conf").stat()
    assert (after.st_ino, after.st_mtime_ns) == (conf.st_ino, conf.st_mtime_ns)


def test_holders(tmp_path: Path) -> None:
    pair = SimulatedPair()
    pair.world("alpha", tmp_path)
    folder = tmp_path / "sys/block/drbd0/holders"
    pair.hold("alpha", "mail", "dm-3")
    assert [entry.name for entry in folder.iterdir()] == ["dm-3"]
    pair.let_go("alpha", "mail", "dm-3")
    assert list(folder.iterdir()) == []


def test_a_blank_in_a_mount_point_is_escaped(tmp_path: Path) -> None:
    pair = SimulatedPair()
    pair.mount("alpha", "mail", "/mnt/my mail")
    pair.render("alpha", tmp_path)
    assert " 147:0 / /mnt/my\\040mail rw" in (tmp_path / "proc/self/mountinfo").read_text()


@pytest.mark.parametrize("node", ["alpha", "beta"])
def test_evidence_of_a_split_brain(tmp_path: Path, node: str) -> None:
    pair = story.told("split-brain-with-idle-standby")
    pair.render(node, tmp_path)
    records = kernel_log.parse_records(kernel_log.read(tmp_path))
    found = evidence.gather(records, {0: "mail", 1: "db", 2: "db"})
    for name in ("mail", "db"):
        assert found[name].cause is Cause.SPLIT_BRAIN
        assert (found[name].self_was_primary, found[name].peer_was_primary) == (True, True)
    at_s = found["mail"].cause_at_s
    assert at_s is not None
    assert 0 < at_s <= pair.clock(node).log_s()


def test_evidence_of_an_operators_disconnect(tmp_path: Path) -> None:
    pair = story.told("standby-disconnected")
    pair.render("beta", tmp_path)
    records = kernel_log.parse_records(kernel_log.read(tmp_path))
    found = evidence.gather(records, {0: "mail"})
    assert found["mail"].cause is Cause.OPERATOR_DISCONNECT


def test_people_are_refused_what_a_kernel_refuses() -> None:
    pair = SimulatedPair()
    with pytest.raises(Refused, match="Wrong medium type"):
        pair.mount("beta", "mail", "/mnt/mail")
    with pytest.raises(Refused, match="Wrong medium type"):
        pair.write("beta", "mail", 0, 1, "x")
    with pytest.raises(Refused, match="not mounted"):
        pair.umount("alpha", "mail", "/mnt/mail")
    with pytest.raises(Refused, match="is up"):
        pair.boot("alpha")
    pair.crash("alpha")
    with pytest.raises(Refused, match="is down"):
        pair.write("alpha", "mail", 0, 1, "x")


@pytest.mark.parametrize("situation", story.SITUATIONS)
def test_situations_rest(situation: str, tmp_path: Path) -> None:
    pair = story.told(situation)
    assert pair.state.steps == {}
    for node in ("alpha", "beta"):
        pair.render(node, tmp_path / node)
        assert proc_drbd.parse(proc_drbd.read(tmp_path / node)).problems == ()


def test_the_idle_standby_is_still_primary() -> None:
    pair = story.told("split-brain-with-idle-standby")
    for name in ("mail", "db"):
        assert pair.connection("beta", name) is C.STANDALONE
        assert pair.role("beta", name) is Role.PRIMARY
        assert not any(volume.held_open for volume in pair.side("beta", name).volumes)
        assert story.survivors(pair, name) == {"alpha": "alpha's word", "beta": "beta's word"}
        story.heal(pair, name)
        assert story.survivors(pair, name) == {"alpha": "alpha's word", "beta": "alpha's word"}


def test_clocks() -> None:
    pair = SimulatedPair()
    alpha, beta = pair.clock("alpha"), pair.clock("beta")
    assert alpha.boot_s() - beta.boot_s() == pytest.approx(0.6)
    before = alpha.wall_s(), alpha.boot_s(), alpha.log_s()
    beta.sleep(7)
    after = alpha.wall_s(), alpha.boot_s(), alpha.log_s()
    assert [b - a for a, b in zip(before, after, strict=True)] == pytest.approx([7, 7, 7])
