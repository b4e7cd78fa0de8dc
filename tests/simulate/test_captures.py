"""The simulated pair shows what two real nodes showed in the same situations."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from connector.model import ConnectionState
from connector.observe.proc_drbd import parse
from connector.simulate import SimulatedPair
from tests.simulate.replay import (
    NODES,
    SEED,
    SITUATIONS,
    Names,
    captured,
    replay,
    since,
    texts,
    without_counters,
)

EVERYWHERE = [(situation, node) for situation in SITUATIONS for node in NODES]


@pytest.fixture(scope="module")
def pairs() -> dict[str, SimulatedPair]:
    return replay()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "root"


@pytest.mark.parametrize(("situation", "node"), EVERYWHERE)
def test_proc_drbd(pairs: dict[str, SimulatedPair], root: Path, situation: str, node: str) -> None:
    pairs[situation].render(node, root)
    shown = (root / "proc/drbd").read_text()
    assert without_counters(shown) == without_counters(captured(situation, node, "proc_drbd"))
    assert parse(shown).problems == ()


@pytest.mark.parametrize(("situation", "node"), EVERYWHERE)
def test_mounts_of_drbd(
    pairs: dict[str, SimulatedPair], root: Path, situation: str, node: str
) -> None:
    pairs[situation].render(node, root)
    shown = (root / "proc/self/mountinfo").read_text().splitlines()
    real = captured(situation, node, "mountinfo").splitlines()
    assert [line for line in shown if " 147:" in line] == [line for line in real if " 147:" in line]


def test_swaps(pairs: dict[str, SimulatedPair], root: Path) -> None:
    pairs["healthy"].render("alpha", root)
    assert (root / "proc/swaps").read_text() == captured("healthy", "alpha", "swaps")


@pytest.mark.parametrize("node", NODES)
def test_dump_xml(node: str) -> None:
    done = SimulatedPair().run_on(node)(("drbdadm", "dump-xml"), 15.0)
    assert (done.exit_status, done.stderr) == (0, "")
    assert done.stdout == captured("healthy", node, "dump-xml")


def test_identifiers(pairs: dict[str, SimulatedPair]) -> None:
    """`get-gi` of both nodes through the whole story: which are equal, and their lowest bits."""
    real, simulated = Names(), Names()
    for situation, node in EVERYWHERE:
        lines = captured(situation, node, "get-gi").splitlines()
        volumes = pairs[situation].state.nodes[node].volumes()
        for line, volume in zip(lines, volumes, strict=True):
            ours = [simulated.of(int(part, 16)) for part in str(volume.identifiers).split(":")]
            theirs = [real.of(int(part, 16)) for part in line.split(":")[:4]]
            assert ours == theirs, f"{situation} {node} minor {volume.minor}"


# The lines of the first resource that a capture begins with; before it the logs differ, because
# the real nodes had to make their first sync.
BEGINNINGS = {
    ("alpha", "mail"): "drbd mail: peer( Secondary -> Unknown ) conn( Connected -> Disconnecting )",
    ("beta", "mail"): "drbd mail: peer( Primary -> Unknown ) conn( Connected -> TearDown )",
    ("alpha", "db"): "drbd db: PingAck did not arrive in time.",
    ("beta", "db"): "drbd db: PingAck did not arrive in time.",
}
MINORS = {"mail": (0,), "db": (1, 2)}


@pytest.mark.parametrize(("node", "resource"), BEGINNINGS)
def test_kernel_log_to_the_split_brain(
    pairs: dict[str, SimulatedPair], node: str, resource: str
) -> None:
    """A disconnect, a connect, the cut, the take-over, two refused handshakes."""
    log = pairs["split_brain_victim_unmounted"].kernel_log(node)
    dmesg = captured("split_brain_both_mounted", node, "dmesg")
    begins = BEGINNINGS[node, resource]
    ours = since(texts(log, resource, *MINORS[resource]), begins)
    theirs = since(texts(dmesg, resource, *MINORS[resource]), begins)
    assert _named(ours) == _named(theirs)


@pytest.mark.parametrize(
    ("situation", "node"), [("both_discard", "alpha"), ("healed", "alpha"), ("healed", "beta")]
)
def test_kernel_log_after_it(pairs: dict[str, SimulatedPair], situation: str, node: str) -> None:
    """Both ask for discard and are refused; then one does, and a resync follows."""
    ours = texts(pairs[situation].kernel_log(node), "mail", 0)
    theirs = texts(captured(situation, node, "dmesg"), "mail", 0)
    # These captures begin in the middle.
    assert _named(ours[-len(theirs) :]) == _named(theirs)


@pytest.mark.parametrize("node", NODES)
def test_a_link_that_is_dead_one_way_only(node: str) -> None:
    """Nothing that beta sends arrives: alpha misses an answer, and beta hears that it hangs up."""
    pair = SimulatedPair(seed=SEED)
    pair.mount("alpha", "mail", "/mnt/mail")
    pair.cut_link("beta")
    pair.settle()
    lost = {"alpha": "drbd mail: PingAck did not", "beta": "drbd mail: sock was shut down by peer"}
    ours = since(texts(pair.kernel_log(node), "mail", 0), lost[node])
    theirs = since(texts(captured("one_way", node, "dmesg"), "mail", 0), lost[node])
    # The capture's pair was not made by a first sync, and has no history.
    assert [re.sub(r":I2\+:4$", ":0:0", text) for text in _named(ours)] == _named(theirs)
    assert pair.connection(node, "mail") is ConnectionState.WF_CONNECTION


def test_a_link_that_is_dead_one_way_only_is_mended_as_any_other() -> None:
    pair = SimulatedPair()
    pair.cut_link("alpha")
    pair.cut_link()  # it is dead already
    assert pair.state.lost_from == "alpha"
    pair.settle()
    assert pair.connection("beta", "db") is ConnectionState.WF_CONNECTION
    pair.restore_link()
    pair.settle()
    assert pair.state.lost_from is None
    assert pair.connection("beta", "db") is ConnectionState.CONNECTED


def test_times_rise(pairs: dict[str, SimulatedPair]) -> None:
    for node in NODES:
        times = [line.at_us for line in pairs["healed"].state.nodes[node].log]
        assert times == sorted(set(times))


def test_the_same_calls_give_the_same_bytes(
    pairs: dict[str, SimulatedPair], tmp_path: Path
) -> None:
    again = replay()
    for situation, pair in pairs.items():
        pair.save(tmp_path / "one.json")
        again[situation].save(tmp_path / "two.json")
        assert (tmp_path / "one.json").read_bytes() == (tmp_path / "two.json").read_bytes()


def test_a_seed_decides_the_identifiers() -> None:
    one, two = SimulatedPair(seed=SEED), SimulatedPair(seed=SEED + 1)
    mail = [pair.side("alpha", "mail").volumes[0].identifiers for pair in (one, two)]
    assert mail[0] != mail[1]


def _named(messages: list[str]) -> list[str]:
    names = Names()
    return [names.in_text(text) for text in messages]
