"""`drbdadm` on the simulated pair answers as the measured one."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from connector.model import AfterSplitBrain, ConnectionState, Role
from connector.program import Completed
from connector.simulate import SimulatedPair, SimulatedResource, story

C = ConnectionState


def run(pair: SimulatedPair, node: str, line: str) -> Completed:
    return pair.run_on(node)(line.split(), 15.0)


def healthy(pair: SimulatedPair) -> None:
    """As it begins."""


def mounted(pair: SimulatedPair) -> None:
    pair.mount("alpha", "mail", "/mnt/mail")


def standalone(pair: SimulatedPair) -> None:
    for node in ("alpha", "beta"):
        story.drbdadm(pair, node, "disconnect", "mail")
    pair.settle()


def waiting(pair: SimulatedPair) -> None:
    story.link_cut(pair)


@pytest.mark.parametrize(
    ("situation", "node", "line", "exit_status", "stderr"),
    [
        (healthy, "alpha", "drbdadm wait_connect mail", 1, "Unknown command 'wait_connect'"),
        (healthy, "alpha", "drbdadm frob mail", 1, "drbdadm: Unknown command 'frob'\n"),
        (healthy, "alpha", "drbdadm connect", 1, "No resource names specified"),
        (
            healthy,
            "alpha",
            "drbdadm connect nosuch",
            1,
            "'nosuch' not defined in your config (for this host).\n",
        ),
        (
            standalone,
            "alpha",
            "drbdadm connect --bogus mail",
            1,
            "unrecognized option '--bogus'",
        ),
        (standalone, "alpha", "drbdadm connect mail", 0, ""),
        (standalone, "beta", "drbdadm connect --discard-my-data mail", 0, ""),
        (
            healthy,
            "alpha",
            "drbdadm connect mail",
            10,
            "mail: Failure: (102) Local address(port) already in use.\n"
            "Command 'drbdsetup-84 connect mail ipv4:10.9.0.1:7788 ipv4:10.9.0.2:7788 ",
        ),
        (waiting, "beta", "drbdadm connect mail", 10, "(102)"),
        (waiting, "beta", "drbdadm connect --discard-my-data mail", 10, "(102)"),
        (
            standalone,
            "alpha",
            "drbdadm connect --discard-my-data mail",
            10,
            "mail: Failure: (123) --discard-my-data not allowed when primary.\n",
        ),
        (
            standalone,
            "alpha",
            "drbdadm disconnect mail",
            10,
            "Failure: (162) Invalid configuration request\n"
            "additional info from kernel:\nunknown connection\n"
            "Command 'drbdsetup-84 disconnect ipv4:10.9.0.1:7788 ipv4:10.9.0.2:7788' "
            "terminated with exit code 10\n",
        ),
        (
            mounted,
            "alpha",
            "drbdadm secondary mail",
            11,
            "0: State change failed: (-12) Device is held open by someone\n"
            "Command 'drbdsetup-84 secondary 0' terminated with exit code 11\n",
        ),
        (healthy, "alpha", "drbdadm secondary mail", 0, ""),
        (healthy, "beta", "drbdadm secondary mail", 0, ""),
        (
            healthy,
            "beta",
            "drbdadm primary mail",
            11,
            "0: State change failed: (-1) Multiple primaries not allowed by config\n",
        ),
        (waiting, "beta", "drbdadm primary mail", 0, ""),
        (healthy, "alpha", "drbdadm sh-resources", 0, ""),
    ],
)
def test_exit_status(
    situation: Callable[[SimulatedPair], None],
    node: str,
    line: str,
    exit_status: int,
    stderr: str,
) -> None:
    pair = SimulatedPair()
    situation(pair)
    done = run(pair, node, line)
    assert done.exit_status == exit_status
    assert stderr in done.stderr
    assert bool(done.stderr) is bool(exit_status)
    assert done.duration_s > 0


@pytest.mark.parametrize(
    "wrapped",
    [
        "setpriv --pdeathsig KILL -- drbdadm disconnect mail",
        "/usr/bin/setpriv --pdeathsig KILL -- /usr/sbin/drbdadm disconnect mail",
        "/usr/sbin/drbdadm disconnect mail",
    ],
)
def test_the_program_is_known_by_its_name(wrapped: str) -> None:
    pair = SimulatedPair()
    done = run(pair, "beta", wrapped)
    assert (done.exit_status, done.argv) == (0, tuple(wrapped.split()))
    assert pair.connection("beta", "mail") is C.STANDALONE


@pytest.mark.parametrize("line", ["mount /dev/drbd0 /mnt", "drbdadm wait-connect mail", ""])
def test_what_is_not_simulated_was_not_started(line: str) -> None:
    done = run(SimulatedPair(), "alpha", line)
    assert done.exit_status is None
    assert done.error
    assert not done.timed_out


def test_a_node_that_is_down_starts_nothing() -> None:
    pair = SimulatedPair()
    pair.crash("beta")
    assert run(pair, "beta", "drbdadm dump-xml").error == "beta is down"


def test_a_disconnect_leaves_the_peer_waiting() -> None:
    pair = SimulatedPair()
    assert run(pair, "beta", "drbdadm disconnect mail").exit_status == 0
    assert pair.connection("alpha", "mail") is C.WF_CONNECTION
    pair.sleep(3600)
    assert pair.connection("alpha", "mail") is C.WF_CONNECTION
    assert pair.connection("alpha", "db") is C.CONNECTED


def test_volumes_are_demoted_one_by_one_up_to_the_first_that_is_held() -> None:
    pair = SimulatedPair()
    pair.swapon("alpha", "db", 1)
    done = run(pair, "alpha", "drbdadm secondary db")
    assert (done.exit_status, done.stderr[:3]) == (11, "2: ")
    roles = [volume.role for volume in pair.side("alpha", "db").volumes]
    assert roles == [Role.SECONDARY, Role.PRIMARY]


def test_all_means_every_resource() -> None:
    pair = SimulatedPair()
    assert run(pair, "alpha", "drbdadm disconnect all").exit_status == 0
    assert [pair.connection("alpha", name) for name in ("mail", "db")] == [C.STANDALONE] * 2


def test_a_command_waits_for_a_handshake() -> None:
    pair = SimulatedPair()
    run(pair, "beta", "drbdadm disconnect mail")
    run(pair, "beta", "drbdadm connect mail")
    while pair.connection("beta", "mail") is not C.WF_REPORT_PARAMS:
        pair.sleep(0.05)
    done = run(pair, "beta", "drbdadm secondary mail")
    assert done.duration_s > 0.3
    assert pair.connection("beta", "mail") is not C.WF_REPORT_PARAMS


def test_a_command_that_waits_too_long_is_killed() -> None:
    pair = SimulatedPair()
    pair.cut_link()
    done = pair.run_on("beta")(("drbdadm", "primary", "mail"), 0.5)
    assert done.timed_out
    assert done.duration_s == 0.5
    assert pair.role("beta", "mail") is Role.SECONDARY


def test_policies_are_in_the_configuration() -> None:
    chosen = AfterSplitBrain("discard-zero-changes", "consensus", "violently-as0p")
    pair = SimulatedPair([SimulatedResource("mail", (0,), chosen)])
    printed = run(pair, "alpha", "drbdadm dump-xml").stdout
    for number, word in enumerate(("discard-zero-changes", "consensus", "violently-as0p")):
        assert f'<option name="after-sb-{number}pri" value="{word}"/>' in printed
