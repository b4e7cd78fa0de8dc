"""A release on the simulated pair: reverse order, names of holders, and the pair together again."""

from __future__ import annotations

import json
import signal
from collections.abc import Collection, Sequence
from dataclasses import replace

import pytest

from connector.decide.context import Policy
from connector.errors import ConnectorError, OperatorNeeded
from connector.memory import incidents
from connector.memory.incidents import Incidents
from connector.memory.store import moment
from connector.model import ConnectionState, Mode
from connector.observe.node import look
from connector.observe.processes import DeviceUser
from connector.settings import TakeoverSettings
from connector.takeover.release import planned, release
from tests.takeover.nodes import Nodes


def whole(nodes: Nodes) -> list[str]:
    """All commands of a release of an active node."""
    srv, log = nodes.wheres
    return [f"umount {log}", f"umount {srv}", "drbdadm secondary db"]


def test_it_unmounts_in_the_reverse_order_and_demotes(nodes: Nodes) -> None:
    nodes.take_over("alpha")
    nodes.lines["alpha"].clear()

    assert nodes.release("alpha", "db") == whole(nodes)
    assert nodes.lines["alpha"] == whole(nodes)
    assert nodes.is_passive("alpha")
    assert not nodes.settings["alpha"].takeover_file.exists()


def test_a_passive_node_is_left_as_it_is(nodes: Nodes) -> None:
    assert nodes.release("alpha") == []
    assert nodes.lines["alpha"] == []


def test_a_dry_run_only_says_it(nodes: Nodes) -> None:
    nodes.take_over("alpha")
    nodes.lines["alpha"].clear()

    done = planned(nodes.worlds["alpha"], nodes.settings["alpha"], [])

    assert len(done[0].steps) == 3
    assert nodes.lines["alpha"] == []


def test_what_a_take_over_mounted_is_unmounted_whatever_the_configuration_says_now(
    nodes: Nodes,
) -> None:
    nodes.take_over("alpha")
    nodes.change("alpha", lambda settings: replace(settings, mounts={}))

    assert nodes.release("alpha") == whole(nodes)


def test_what_somebody_else_mounted_is_named_and_left(nodes: Nodes) -> None:
    nodes.take_over("alpha")
    nodes.pair.mount("alpha", "db", "/mnt/by-hand", 1)
    nodes.lines["alpha"].clear()

    with pytest.raises(OperatorNeeded, match="in use by /mnt/by-hand"):
        nodes.release("alpha")

    assert nodes.lines["alpha"] == []
    assert nodes.roles() == ("Primary", "Secondary")


def test_a_held_mount_fails_and_the_next_call_goes_on(nodes: Nodes) -> None:
    nodes.take_over("alpha")
    nodes.held.add(nodes.wheres[0])

    with pytest.raises(ConnectorError, match=r"target is busy(.|\n)*goes on from here"):
        nodes.release("alpha")

    assert nodes.mounted("alpha") == [nodes.wheres[0]]
    assert nodes.roles() == ("Primary", "Secondary")
    nodes.held.clear()
    assert nodes.release("alpha") == whole(nodes)[1:]
    assert nodes.is_passive("alpha")


def test_after_a_failed_release_a_take_over_mounts_again(nodes: Nodes) -> None:
    nodes.take_over("alpha")
    nodes.held.add(nodes.wheres[0])
    with pytest.raises(ConnectorError):
        nodes.release("alpha")

    nodes.take_over("alpha")

    assert nodes.is_active("alpha")


def test_other_mounts_below_are_named(nodes: Nodes) -> None:
    nodes.take_over("alpha")
    nodes.held.add(nodes.wheres[1])
    below = f"{nodes.wheres[1]}/tmp"
    table = nodes.worlds["alpha"].root / "proc/self/mountinfo"
    render = nodes.pair.render_all

    def with_tmpfs(argv: tuple[str, ...]) -> None:
        if argv[0] == "umount":
            render()
            line = f"900 1 0:55 / {below} rw shared:9 - tmpfs tmpfs rw\n"
            table.write_text(table.read_text(encoding="utf-8") + line, encoding="utf-8")

    nodes.after = with_tmpfs
    with pytest.raises(ConnectorError, match=f"mounted below it: {below}"):
        nodes.release("alpha")


def test_the_nodes_are_brought_together_again(nodes: Nodes) -> None:
    nodes.take_over("alpha")
    nodes.drbdadm("alpha", "disconnect", "db")
    nodes.pair.settle()

    assert nodes.release("alpha") == whole(nodes)

    nodes.pair.settle()
    assert nodes.connections("db") == (ConnectionState.CONNECTED, ConnectionState.CONNECTED)


def test_what_passes_gave_up_upon_is_tried_again_after_it(nodes: Nodes) -> None:
    nodes.take_over("alpha")
    nodes.drbdadm("alpha", "disconnect", "db")
    nodes.pair.settle()
    now = moment(nodes.worlds["alpha"])
    seen = look(nodes.worlds["alpha"], nodes.settings["alpha"]).resources[0]
    tried = Incidents(now.boot_id).seen("db", seen.picture, now.boot_s)
    for _ in range(3):
        tried = tried.attempted("db")
    incidents.save(nodes.settings["alpha"].incidents_file, tried)

    nodes.release("alpha")

    nodes.pair.settle()
    assert nodes.connections("db") == (ConnectionState.CONNECTED, ConnectionState.CONNECTED)


def test_a_split_brain_is_left_to_a_person(nodes: Nodes) -> None:
    _both_active(nodes)

    done = release(nodes.worlds["beta"], nodes.settings["beta"], [], nodes.said.append)

    assert nodes.is_passive("beta")
    assert "split brain" in done[0].warnings[0]
    assert "split brain" in "\n".join(nodes.said)
    assert [line for line in nodes.lines["beta"] if "connect" in line] == []


@pytest.mark.parametrize("away_minutes", [1, 3, 5])
def test_a_slow_cluster_manager_does_not_need_a_person(nodes: Nodes, away_minutes: int) -> None:
    """Beats that come through again have both step down; one is active after some minutes.

    The release's own connect finds no Primary, and leaves the agent the attempts that it needs to
    ask again (docs/adr/0015).
    """
    for node in ("alpha", "beta"):
        nodes.change(node, lambda known: replace(known, policy=Policy(mode=Mode.DISCARD)))
    _both_active(nodes)
    for node in ("alpha", "beta"):
        nodes.release(node)
    nodes.pair.settle()
    assert nodes.connections("db") == (ConnectionState.STANDALONE, ConnectionState.STANDALONE)
    nodes.minutes(away_minutes)

    nodes.take_over("alpha")
    reports = nodes.minutes(7)

    assert nodes.connections("db") == (ConnectionState.CONNECTED, ConnectionState.CONNECTED)
    assert [report.exit_status for report in reports[-2:]] == [0, 0]
    assert nodes.is_active("alpha")
    for node in ("alpha", "beta"):
        assert nodes.pair.blocks(node, "db") == {1: "alpha"}


def _both_active(nodes: Nodes) -> None:
    """Both take over behind a cut link and write; then the link comes back."""
    nodes.pair.cut_link()
    nodes.pair.settle()
    for block, node in enumerate(("alpha", "beta"), start=1):
        nodes.take_over(node)
        nodes.pair.write(node, "db", 0, block, node)
    nodes.pair.restore_link()
    nodes.pair.settle()


def test_every_step_is_in_the_journal(nodes: Nodes) -> None:
    nodes.take_over("alpha")
    nodes.settings["alpha"].journal_file.unlink()

    nodes.release("alpha")

    text = nodes.settings["alpha"].journal_file.read_text(encoding="utf-8")
    entries = [json.loads(line) for line in text.splitlines()]
    told = [entry["resources"][0] for entry in entries]
    lines = [[" ".join(one["argv"]) for one in item["outcome"]["commands"]] for item in told]
    assert lines == [[line] for line in whole(nodes)] + [[]]
    assert told[-1]["outcome"]["kind"] == "released"
    assert told[-1]["outcome"]["role"] == "Secondary"


class Holder:
    """A process that holds a mount until it is sent one of the signals that end it."""

    def __init__(self, nodes: Nodes, ends_at: Sequence[signal.Signals]) -> None:
        self.nodes, self.ends_at = nodes, ends_at
        self.sent: list[signal.Signals] = []
        nodes.held.add(nodes.wheres[1])

    def users(self, minors: Collection[int]) -> tuple[DeviceUser, ...]:
        """The process, while it holds the mount of minor 1."""
        holds = bool(self.nodes.held) and 1 in minors
        return (DeviceUser(4711, "imap", f"{self.nodes.wheres[1]} (cwd)"),) if holds else ()

    def end(self, minors: Collection[int], number: signal.Signals, wait_s: float) -> None:
        """Note the signal, and end if it is one that ends it."""
        assert list(minors) == [1]
        assert wait_s == 5
        self.sent.append(number)
        if number in self.ends_at:
            self.nodes.held.clear()


def killing(nodes: Nodes, first: str = "TERM") -> None:
    """Set `holders = "kill"`."""
    takeover = TakeoverSettings(kills_holders=True, kill_signal=first)
    nodes.change("alpha", lambda settings: replace(settings, takeover=takeover))


def run_with(nodes: Nodes, holder: Holder) -> list[str]:
    done = release(nodes.worlds["alpha"], nodes.settings["alpha"], [], nodes.said.append, holder)
    return [step.kind for item in done for step in item.steps]


@pytest.mark.parametrize(
    ("ends_at", "sent"),
    [
        ([signal.SIGTERM], [signal.SIGTERM]),
        ([signal.SIGKILL], [signal.SIGTERM, signal.SIGKILL]),
    ],
)
def test_holders_are_ended_where_that_is_set(
    nodes: Nodes, ends_at: list[signal.Signals], sent: list[signal.Signals]
) -> None:
    nodes.take_over("alpha")
    killing(nodes)
    holder = Holder(nodes, ends_at)

    assert run_with(nodes, holder) == ["umount", "umount", "secondary"]
    assert holder.sent == sent
    assert nodes.is_passive("alpha")


def test_a_holder_that_nothing_ends_is_an_error(nodes: Nodes) -> None:
    nodes.take_over("alpha")
    killing(nodes, "HUP")
    holder = Holder(nodes, [])

    with pytest.raises(ConnectorError, match=r"target is busy(.|\n)*process 4711 \(imap\): /"):
        run_with(nodes, holder)

    assert holder.sent == [signal.SIGHUP, signal.SIGKILL]
    assert nodes.mounted("alpha") == list(nodes.wheres)


def test_nobody_is_signalled_unless_that_is_set(nodes: Nodes) -> None:
    nodes.take_over("alpha")
    holder = Holder(nodes, [signal.SIGTERM])

    with pytest.raises(ConnectorError, match=r"target is busy(.|\n)*process 4711 \(imap\): /"):
        run_with(nodes, holder)

    assert holder.sent == []
