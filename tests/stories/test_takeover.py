"""`connector takeover` and `connector release` on real DRBD, as a cluster manager calls them."""

from __future__ import annotations

import pytest

from tests.lab.administration import default_mountpoint
from tests.lab.drbd_node import CHECKOUT, DrbdNode
from tests.lab.node import CRON_ENVIRONMENT, Completed
from tests.lab.pair import Pair
from tests.lab.recording import Source
from tests.lab.wait import wait_until

from .vocabulary import OPERATOR_NEEDED, in_sync, passes_until

pytestmark = pytest.mark.real_drbd

WHERE = default_mountpoint(0)
MOUNT = f'[[resource.mail.mount]]\nwhere = "{WHERE}"\ntype = "ext4"\noptions = "noatime"\n'
# The lab's own drbdadm, which is for what passes run, knows no `primary`.
PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
SLOW = "/run/lab/slow"
CHECKING = "/run/lab/checking"
WAIT_S = 60.0


def connector(node: DrbdNode, *arguments: str, path: str = PATH) -> Completed:
    """Run connector as a cluster manager does; the role is written into the recording."""
    environment = {**CRON_ENVIRONMENT, "PATH": path}
    done = node.connector(arguments, checkout=CHECKOUT, environment=environment)
    if node.running and done.exit_status == 0:
        word = "primary" if arguments[0] == "takeover" else "secondary"
        node.recording.add(node.name, Source.STORY, f"drbdadm {word} mail")
    return done


def take_over(node: DrbdNode, *options: str) -> str:
    """`connector takeover mail`, which must succeed; what it says."""
    done = connector(node, "takeover", *options, "mail")
    assert done.exit_status == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def pair(real_pair: Pair) -> Pair:
    """A clean pair whose configuration mounts `mail`."""
    real_pair.configure({"demote_grace": 0}, more=MOUNT)
    real_pair.on_both(lambda node: node.run(f"mkdir -p {WHERE}"))
    return real_pair


@pytest.mark.soak  # the mail cluster has switches, too
def test_a_switch_and_a_process_that_holds_the_mount(pair: Pair) -> None:
    alpha, beta = pair.nodes
    take_over(alpha)
    assert f"{WHERE} ext4 rw,noatime" in alpha.read("/proc/mounts")
    first = alpha.write()
    alpha.run(f"cd {WHERE} && sleep 600 >/dev/null 2>&1 </dev/null & echo $! >/run/lab/holder")

    done = connector(alpha, "release", "mail")

    holder = alpha.read("/run/lab/holder").strip()
    assert done.exit_status == 1
    assert f"process {holder} (sleep): {WHERE} (cwd)" in done.stderr
    assert alpha.state().role == "Primary"

    # As at a switch, the other node takes over at the same time, and waits for this one.
    taken, released = pair.at_once(
        lambda: connector(beta, "takeover", "mail"),
        lambda: connector(alpha, "release", "--kill", "mail"),
    )

    assert released.exit_status == 0, released.stderr
    assert taken.exit_status == 0, taken.stderr
    assert "SIGTERM to what holds" in released.stderr
    assert alpha.run(f"kill -0 {holder}", check=False).exit_status != 0
    assert (alpha.state().role, beta.state().role) == ("Secondary", "Primary")
    assert set(first) <= beta.records()
    beta.write()
    assert connector(beta, "release", "mail").exit_status == 0
    assert connector(beta, "takeover", "--status", "mail").stdout == "mail: passive\n"


@pytest.mark.parametrize(
    "options",
    [
        pytest.param((), id="noticed", marks=pytest.mark.soak),
        pytest.param(("--peer-is-gone",), id="by-word", marks=pytest.mark.soak),
    ],
)
def test_after_a_crash_the_other_node_goes_on(pair: Pair, options: tuple[str, ...]) -> None:
    """DRBD notices that the peer is dead, or is told so while it still shows it as Primary."""
    alpha, beta = pair.nodes
    if options:
        pair.configure({"demote_grace": 0}, more=f"{MOUNT}[takeover]\nwait_for_peer = 0\n")
        # For a minute and more it does not ask whether the peer still lives.
        beta.drbdadm("net-options --ping-int=100 --timeout=600 mail")
    take_over(alpha)
    written = alpha.write()
    alpha.crash()
    if options:
        assert connector(beta, "takeover", "mail").exit_status == OPERATOR_NEEDED

    said = take_over(beta, *options)

    assert ("drbdadm disconnect --force mail; drbdadm primary mail; " in said) == bool(options)
    assert set(written) <= beta.records()
    beta.write()
    alpha.boot()
    passes_until(pair, lambda: in_sync(pair, 0))


@pytest.mark.soak
def test_killed_while_it_checks_and_called_again(pair: Pair) -> None:
    beta = pair.beta
    pair.cut_link()
    beta.wait_for_connection("WFConnection")
    beta.run(
        f"mkdir -p {SLOW} && printf '#!/bin/sh\\necho $$ $PPID >{CHECKING}\\nexec sleep 600\\n'"
        f" >{SLOW}/fsck.ext4 && chmod 755 {SLOW}/fsck.ext4"
    )

    def kill() -> None:
        wait_until(
            lambda: beta.run(f"test -s {CHECKING}", check=False).exit_status == 0,
            timeout_s=WAIT_S,
            what="beta checks the file system",
            saw=beta.proc_drbd,
        )
        beta.run(f"kill -9 $(cut -d' ' -f2 {CHECKING})")

    killed, _ = pair.at_once(
        lambda: connector(beta, "takeover", "mail", path=f"{SLOW}:{PATH}"), kill
    )

    assert killed is not None
    assert killed.exit_status == 137
    assert beta.state().role == "Primary"
    beta.recording.add(beta.name, Source.STORY, "drbdadm primary mail")
    # The check does not go on without it, and no pass takes away what it has begun.
    check = beta.read(CHECKING).split()[0]
    assert beta.run(f"kill -0 {check}", check=False).exit_status != 0
    done = beta.run_pass()
    assert (done.gates(), done.commands) == (["grace"], ())
    assert "neither finished nor undone" in str(done.of()["reason"])

    take_over(beta)

    assert beta.mounted()
    beta.write()
    assert connector(beta, "release", "mail").exit_status == 0
    assert beta.state().role == "Secondary"
    assert not beta.mounted()
    pair.restore_link()
    passes_until(pair, lambda: in_sync(pair, 0))
