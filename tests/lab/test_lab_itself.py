"""The laboratory's own story: what the other stories rely on is there."""

from __future__ import annotations

import re
import sys

import pytest

from .administration import default_mountpoint
from .drbd_node import MinorState, read_states
from .errors import CommandFailed, CommandTimedOut
from .pair import Pair
from .wait import wait_until

IN_SYNC = MinorState("Connected", "Secondary", "Secondary", "UpToDate", "UpToDate", 0)


def test_proc_drbd_is_read() -> None:
    text = (
        "version: 8.4.11 (api:1/proto:86-101)\nsrcversion: F73C670A7EC572DB9CF3E5B \n"
        " 0: cs:StandAlone ro:Primary/Unknown ds:UpToDate/DUnknown   r-----\n"
        "    ns:1 nr:0 dw:2 dr:3 al:1 bm:0 lo:0 pe:0 ua:0 ap:0 ep:1 wo:f oos:52\n"
        " 1: cs:Unconfigured\n"
    )
    assert read_states(text) == {
        0: MinorState("StandAlone", "Primary", "Unknown", "UpToDate", "DUnknown", 52)
    }


def test_the_pair_boots_and_is_connected(fresh_pair: Pair) -> None:
    for node in fresh_pair.nodes:
        assert node.states() == {0: IN_SYNC, 1: IN_SYNC, 2: IN_SYNC}
        assert node.run("hostname").stdout == f"{node.name}\n"


def test_commands_are_answered_as_they_ended(fresh_pair: Pair) -> None:
    node = fresh_pair.alpha
    done = node.run("echo out; echo err >&2; exit 3", check=False)
    assert (done.exit_status, done.stdout, done.stderr) == (3, "out\n", "err\n")
    long = "x" * 200_000
    assert node.run(f"printf %s {long}").stdout == long
    with pytest.raises(CommandFailed, match="alpha: exit status 1 from: false"):
        node.run("false")
    with pytest.raises(CommandTimedOut, match="alpha: stopped after 1 s: sleep 60"):
        node.run("sleep 60", timeout_s=1)
    assert node.run("sleep 60 & echo left it behind").stdout == "left it behind\n"


def test_python_and_the_checkout_are_in_the_node(fresh_pair: Pair) -> None:
    code = "import sys, os; print(sys.version); print(os.path.exists(sys.argv[1]))"
    done = fresh_pair.beta.run(f"{sys.executable} -c '{code}' {__file__}")
    assert done.stdout == f"{sys.version}\nTrue\n"


def test_a_cut_link_is_noticed_and_heals_by_itself(fresh_pair: Pair) -> None:
    fresh_pair.alpha.take_over("mail")
    fresh_pair.cut_link()
    for node in fresh_pair.nodes:
        node.wait_for_connection("WFConnection")
    fresh_pair.alpha.write_file("/mnt/mail/while-cut", size_kib=64)
    assert fresh_pair.alpha.state().out_of_sync_kib >= 64
    fresh_pair.restore_link()
    fresh_pair.wait_all("Connected")
    assert fresh_pair.alpha.state().out_of_sync_kib == 0
    fresh_pair.alpha.let_go("mail")
    fresh_pair.beta.take_over("mail")
    assert fresh_pair.beta.run("stat -c %s /mnt/mail/while-cut").stdout == f"{64 << 10}\n"


@pytest.mark.parametrize(
    "still_active", [("alpha", "beta"), pytest.param(("alpha",), marks=pytest.mark.soak)]
)
def test_a_split_brain_is_made_and_logged(fresh_pair: Pair, still_active: tuple[str, ...]) -> None:
    ended = fresh_pair.split_brain(still_active=still_active)
    assert "StandAlone" in ended.values()
    lines = [line for node in fresh_pair.nodes for line in node.kernel_lines()]
    assert any("Split-Brain detected but unresolved" in line for line in lines)
    for node in fresh_pair.nodes:
        peer = fresh_pair.peer_of(node)
        sides = re.compile(r"block drbd0: (self|peer) [0-9A-F]{16}:")
        this_side, other_side = [line for line in node.kernel_lines() if sides.match(line)][-2:]
        assert _was_primary(this_side) == (node.name in still_active)
        assert _was_primary(other_side) == (peer.name in still_active)
    # The other resource did not diverge.
    fresh_pair.wait_all("Connected", minors=(1, 2))


def _was_primary(handshake: str) -> bool:
    """The lowest bit of the current identifier is the role at that handshake."""
    found = re.search(r"(?:self|peer) ([0-9A-F]{16}):", handshake)
    assert found is not None
    return bool(int(found[1], 16) & 1)


@pytest.mark.soak
def test_resetting_twice_leaves_nothing_behind(booted_pair: Pair) -> None:
    for _ in range(2):
        booted_pair.reset(("after-sb-1pri discard-secondary",))
        node = booted_pair.beta
        assert node.states() == {0: IN_SYNC, 1: IN_SYNC, 2: IN_SYNC}
        assert "after-sb-1pri discard-secondary;" in node.read("/etc/drbd.conf")
        assert "sleep 54321" not in node.run("cat /proc/[0-9]*/cmdline | tr '\\0' ' '").stdout
        assert not node.saw_in_kernel_log("mark of an earlier story")
        assert node.run("ls /var/lib/connector; ls /etc/connector 2>&1", check=False).stdout == (
            "ls: cannot access '/etc/connector': No such file or directory\n"
        )
        node.take_over("db")
        assert node.run("ls /mnt/db-1").stdout == "lost+found\n"
        node.write_file(f"{default_mountpoint(2)}/file", "text")
        node.run("sleep 54321 & cd /mnt/db-1 && sleep 54321 & true")
        node.run("mkdir /etc/connector && touch /etc/connector/a /var/lib/connector/b")
        node.run("echo mark of an earlier story >/dev/kmsg")
    booted_pair.reset()
    assert "after-sb-1pri" not in booted_pair.beta.read("/etc/drbd.conf")


@pytest.mark.soak  # the mail cluster has it, too
@pytest.mark.story_timeout(240)
def test_a_crash_keeps_the_disks(fresh_pair: Pair) -> None:
    alpha, beta = fresh_pair.nodes
    alpha.take_over("mail")
    alpha.write_file("/mnt/mail/kept", "before the crash")
    alpha.write_file("/var/lib/connector/kept", "state")
    alpha.install("/etc/connector/connector.toml", "# installed\n")
    alpha.kill()
    beta.wait_for_connection("WFConnection")
    alpha.boot_again()
    assert alpha.read("/var/lib/connector/kept") == "state"
    assert alpha.read("/etc/connector/connector.toml") == "# installed\n"
    alpha.run("drbdadm up all")
    fresh_pair.wait_all("Connected")
    beta.take_over("mail")
    assert beta.read("/mnt/mail/kept") == "before the crash"


@pytest.mark.soak
def test_a_stuck_node_is_cleaned_all_the_same(fresh_pair: Pair) -> None:
    # Suspended I/O hangs whoever writes, and cannot be killed: reset has to cut the power.
    alpha = fresh_pair.alpha
    alpha.take_over("mail")
    alpha.drbdadm("suspend-io mail")
    alpha.run("dd if=/dev/zero of=/mnt/mail/f bs=4k count=1 conv=fsync & sleep 0.5")
    fresh_pair.reset()
    assert wait_until(alpha.states, timeout_s=5, what="states")[0] == IN_SYNC
