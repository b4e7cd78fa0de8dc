"""Whole passes of the production code, on both nodes of a simulated pair."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from connector.act.lock import pass_lock
from connector.clock import Clock
from connector.errors import ConnectorError, LockHeld, NoDrbd, UsageError
from connector.memory import pauses
from connector.memory.store import moment
from connector.model import DecisionName, GateName, Mode, OutcomeKind
from connector.program import Completed
from connector.simulate import SimulatedResource
from tests.agents import MAIL, Agents, outcomes

TWO = (SimulatedResource("mail", (0,)), SimulatedResource("db", (1, 2)))


def files_of(folder: Path) -> set[str]:
    """Every file below a folder."""
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_a_healthy_pass_does_nothing_and_takes_no_lock(tmp_path: Path) -> None:
    agents = Agents(tmp_path, TWO)
    with pass_lock(agents.settings["alpha"].run.lock):
        report = agents.run_pass("alpha")
    assert (report.exit_status, report.eventful) == (0, False)
    assert {item.decision.name for item in report.resources} == {DecisionName.HEALTHY}
    assert agents.commands == {"alpha": [], "beta": []}
    assert files_of(tmp_path / "alpha/state") == {"resources.json"}


def test_an_operators_disconnect_of_the_standby_is_mended(tmp_path: Path) -> None:
    agents = Agents(tmp_path)
    agents.pair.run_on("beta")(("drbdadm", "disconnect", "mail"), 15)
    agents.pair.sleep(5)
    assert agents.connections() == ("WFConnection", "StandAlone")
    report = agents.run_pass("beta")
    assert outcomes(report) == {"mail": OutcomeKind.RECONNECTED}
    assert report.exit_status == 0
    assert agents.commands["beta"] == ["drbdadm connect mail"]
    agents.pair.settle()
    assert agents.connections() == ("Connected", "Connected")
    assert not agents.run_pass("beta").eventful
    assert not agents.settings["beta"].incidents_file.exists()


def test_a_takeover_between_primary_and_mount_is_not_disturbed(tmp_path: Path) -> None:
    agents = Agents(tmp_path, demote_grace_s=90)
    agents.pair.cut_link()
    agents.pair.sleep(10)
    agents.pair.run_on("beta")(("drbdadm", "primary", "mail"), 15)
    report = agents.run_pass("beta")
    assert [gate.name for gate in report.resources[0].decision.gates] == [GateName.GRACE]
    agents.pair.mount("beta", "mail", "/srv/mail0")
    assert agents.run_pass("beta").resources[0].decision.name is DecisionName.HOLD
    assert agents.commands["beta"] == []


def test_an_unmounted_primary_is_demoted_after_its_grace(tmp_path: Path) -> None:
    agents = Agents(tmp_path, demote_grace_s=90)
    agents.pair.cut_link()
    agents.pair.sleep(10)
    agents.pair.run_on("beta")(("drbdadm", "primary", "mail"), 15)
    agents.minutes(2, nodes=["beta"])
    assert agents.commands["beta"] == []
    agents.minutes(1, nodes=["beta"])
    assert agents.commands["beta"] == ["drbdadm secondary mail"]


class MountsAfterTheFirstLook:
    """A clock that is asked for the log's time between the decision's look and the next one."""

    def __init__(self, clock: Clock, agents: Agents) -> None:
        self.clock = clock
        self.agents = agents
        self.mounted = False

    def wall_s(self) -> float:
        return self.clock.wall_s()

    def boot_s(self) -> float:
        return self.clock.boot_s()

    def log_s(self) -> float:
        if not self.mounted:
            self.mounted = True
            self.agents.pair.mount("beta", "mail", "/srv/mail0")
        return self.clock.log_s()

    def sleep(self, seconds: float) -> None:
        self.clock.sleep(seconds)


def test_a_mount_in_the_last_moment_supersedes_the_demotion(tmp_path: Path) -> None:
    """Between the decision and the command the service starts: nothing is demoted."""
    agents = Agents(tmp_path)
    agents.pair.cut_link()
    agents.pair.sleep(10)
    agents.pair.run_on("beta")(("drbdadm", "primary", "mail"), 15)
    agents.pair.write("beta", "mail", 0, 2, "written on beta")
    world = agents.world("beta")

    clock = MountsAfterTheFirstLook(world.clock, agents)
    agents.worlds["beta"] = replace(world, clock=clock)
    report = agents.run_pass("beta")
    assert outcomes(report) == {"mail": OutcomeKind.SUPERSEDED}
    assert agents.commands["beta"] == []


def test_an_attempt_that_cannot_be_written_down_is_not_made(tmp_path: Path) -> None:
    agents = Agents(tmp_path)
    agents.pair.run_on("beta")(("drbdadm", "disconnect", "mail"), 15)
    agents.pair.sleep(5)
    # Where the temporary file should go, a folder is in the way.
    (tmp_path / f"beta/state/.incidents.json.{os.getpid()}.tmp").mkdir(parents=True)
    report = agents.run_pass("beta")
    assert outcomes(report) == {"mail": OutcomeKind.FAILED}
    assert agents.commands["beta"] == []
    assert report.exit_status in (1, 3)
    assert any("cannot be written down" in warning for warning in report.warnings)


def test_without_a_record_nothing_is_given_up(tmp_path: Path) -> None:
    agents = Agents(tmp_path, mode=Mode.DISCARD)
    agents.split()
    agents.stop_service("beta")
    agents.minutes(1)
    agents.settings["beta"].run.state_dir.mkdir(exist_ok=True)
    agents.settings["beta"].given_up_dir.write_text("a file where the folder should be")
    agents.minutes(5)
    assert not any("discard" in command for command in agents.commands["beta"])
    assert agents.pair.blocks("beta", "mail") == {2: "written on beta"}


def test_a_killed_pass_has_counted_its_attempt(tmp_path: Path) -> None:
    agents = Agents(tmp_path)
    agents.pair.run_on("beta")(("drbdadm", "disconnect", "mail"), 15)
    agents.pair.sleep(5)

    def killed(argv: Sequence[str], _timeout_s: float) -> Completed | None:
        if "dump-xml" in argv:
            return None
        raise KeyboardInterrupt

    agents.answer_first("beta", killed)
    for _ in range(3):
        with pytest.raises(KeyboardInterrupt):
            agents.run_pass("beta")
    report = agents.run_pass("beta")
    assert [gate.name for gate in report.resources[0].decision.gates] == [GateName.ATTEMPTS]
    assert report.exit_status == 3


def test_a_drbdadm_that_fails_is_reported_and_not_repeated_at_once(tmp_path: Path) -> None:
    agents = Agents(tmp_path)
    agents.pair.run_on("beta")(("drbdadm", "disconnect", "mail"), 15)
    agents.pair.sleep(5)
    agents.answer_first(
        "beta",
        lambda argv, _t: None if "dump-xml" in argv else Completed(tuple(argv), 77, stderr="no"),
    )
    report = agents.run_pass("beta")
    assert outcomes(report) == {"mail": OutcomeKind.FAILED}
    assert report.exit_status == 1
    assert agents.commands["beta"] == ["drbdadm connect mail"]


def test_a_pause_is_respected_and_ends(tmp_path: Path) -> None:
    agents = Agents(tmp_path)
    agents.pair.run_on("beta")(("drbdadm", "disconnect", "mail"), 15)
    agents.pair.sleep(5)
    now = moment(agents.world("beta"))
    pause = pauses.Pause(
        reason="new cables",
        since_wall_s=now.wall_s,
        until_wall_s=now.wall_s + 100,
        until_boot_s=now.boot_s + 100,
        boot_id=now.boot_id,
    )
    pauses.save(agents.settings["beta"].pauses_file, {"mail": pause})
    report = agents.run_pass("beta")
    assert report.exit_status == 0
    assert report.resources[0].paused
    assert "new cables" in report.resources[0].decision.reason
    assert agents.commands["beta"] == []
    agents.pair.sleep(100)
    assert outcomes(agents.run_pass("beta")) == {"mail": OutcomeKind.RECONNECTED}


def test_a_damaged_record_of_pauses_stops_everything(tmp_path: Path) -> None:
    agents = Agents(tmp_path)
    agents.pair.run_on("beta")(("drbdadm", "disconnect", "mail"), 15)
    agents.pair.sleep(5)
    agents.settings["beta"].run.state_dir.mkdir(exist_ok=True)
    agents.settings["beta"].pauses_file.write_text("{")
    with pytest.raises(ConnectorError, match="unclear what is paused"):
        agents.run_pass("beta")
    assert agents.commands["beta"] == []


def test_a_damaged_record_of_incidents_makes_one_pass_observe(tmp_path: Path) -> None:
    agents = Agents(tmp_path)
    agents.pair.run_on("beta")(("drbdadm", "disconnect", "mail"), 15)
    agents.pair.sleep(5)
    agents.settings["beta"].run.state_dir.mkdir(exist_ok=True)
    agents.settings["beta"].incidents_file.write_text('{"version": 1, "resources": [')
    first = agents.run_pass("beta")
    assert first.exit_status == 3
    assert agents.commands["beta"] == []
    assert any("incidents.json" in warning for warning in first.warnings)
    assert agents.settings["beta"].incidents_file.with_suffix(".json.damaged").exists()
    assert outcomes(agents.run_pass("beta")) == {"mail": OutcomeKind.RECONNECTED}


def test_another_pass_holds_the_lock(tmp_path: Path) -> None:
    agents = Agents(tmp_path)
    agents.pair.cut_link()
    agents.pair.sleep(10)
    with pass_lock(agents.settings["beta"].run.lock), pytest.raises(LockHeld):
        agents.run_pass("beta")


def test_only_the_resource_that_was_asked_for(tmp_path: Path) -> None:
    from connector.reconcile import reconcile

    agents = Agents(tmp_path, TWO)
    for name in ("mail", "db"):
        agents.pair.run_on("beta")(("drbdadm", "disconnect", name), 15)
    agents.pair.sleep(5)
    report = reconcile(agents.world("beta"), agents.settings["beta"], only="db")
    assert outcomes(report) == {"db": OutcomeKind.RECONNECTED}
    assert agents.commands["beta"] == ["drbdadm connect db"]
    with pytest.raises(UsageError, match="no resource named 'dp' here; there are: mail, db"):
        reconcile(agents.world("beta"), agents.settings["beta"], only="dp")


def test_the_deadline_is_kept_when_many_resources_wait(tmp_path: Path) -> None:
    many = [SimulatedResource(f"r{number}", (number,)) for number in range(12)]
    agents = Agents(tmp_path, many)
    agents.pair.cut_link()
    agents.pair.sleep(10)
    for resource in many:
        agents.pair.run_on("beta")(("drbdadm", "disconnect", resource.name), 15)
    agents.pair.sleep(5)
    report = agents.run_pass("beta")
    assert set(outcomes(report).values()) == {OutcomeKind.WAITING}
    assert report.duration_s < agents.settings["beta"].run.deadline_s


def test_commands_that_hang_use_up_the_pass_and_no_more(tmp_path: Path) -> None:
    many = [SimulatedResource(f"r{number}", (number,)) for number in range(6)]
    agents = Agents(tmp_path, many)
    for resource in many:
        agents.pair.run_on("beta")(("drbdadm", "disconnect", resource.name), 15)
    agents.pair.sleep(5)

    def hangs(argv: Sequence[str], timeout_s: float) -> Completed | None:
        if "dump-xml" in argv:
            return None
        agents.pair.sleep(timeout_s)
        return Completed(tuple(argv), None, duration_s=timeout_s)

    agents.answer_first("beta", hangs)
    report = agents.run_pass("beta")
    kinds = list(outcomes(report).values())
    assert kinds.count(OutcomeKind.FAILED) == 4
    assert kinds.count(OutcomeKind.OUT_OF_TIME) == 2
    assert report.duration_s <= agents.settings["beta"].run.deadline_s


def test_no_drbd_and_a_version_that_is_not_supported(tmp_path: Path) -> None:
    agents = Agents(tmp_path)
    proc = agents.world("alpha").root / "proc/drbd"
    proc.write_text("version: 10.0.1 (api:3/proto:118-122)\nGIT-hash: 0\nTransports (api:21):\n")
    with pytest.raises(NoDrbd, match=r"10\.0\.1 \(api:3\) is not supported"):
        agents.run_pass("alpha")
    proc.unlink()
    with pytest.raises(NoDrbd, match="does not exist"):
        agents.run_pass("alpha")


def test_garbage_in_proc_drbd_is_reported_and_nothing_is_done(tmp_path: Path) -> None:
    agents = Agents(tmp_path, MAIL)
    agents.run_pass("beta")  # the names are known from now on
    proc = agents.world("beta").root / "proc/drbd"
    proc.write_text(proc.read_text().replace("cs:Connected", "cs:Conected"))
    report = agents.run_pass("beta")
    assert report.exit_status == 3
    assert report.resources[0].decision.name is DecisionName.UNKNOWN
    assert any("Conected" in message for message in report.messages)
    assert agents.commands["beta"] == []


def test_what_linstor_owns_is_left_to_it(tmp_path: Path) -> None:
    agents = Agents(tmp_path)
    agents.pair.run_on("beta")(("drbdadm", "disconnect", "mail"), 15)
    agents.pair.sleep(5)
    drbdadm = agents.pair.run_on("beta")

    def from_linstor(argv: Sequence[str], timeout_s: float) -> Completed | None:
        if "dump-xml" not in argv:
            return None
        said = drbdadm(argv, timeout_s)
        return replace(said, stdout=said.stdout.replace("/etc/drbd.conf:", "/var/lib/linstor.d/:"))

    agents.answer_first("beta", from_linstor)
    report = agents.run_pass("beta")
    assert [gate.name for gate in report.resources[0].decision.gates] == [GateName.MANAGED]
    assert "LINSTOR" in report.resources[0].decision.reason
    assert agents.commands["beta"] == []
