"""Command lines that no capture has."""

from __future__ import annotations

import pytest

from connector.model import ConnectionState
from tests.simulate.nine import split_stories
from tests.simulate.nine.stories import active

C = ConnectionState


def test_a_command_waits_for_a_peer_that_may_be_gone() -> None:
    cluster = active()
    cluster.cut_link("alpha", "beta")
    done = cluster.run_on("beta")(("drbdadm", "primary", "mail"), 15.0)
    assert done.exit_status == 0
    assert done.duration_s >= 1.0
    again = active()
    again.cut_link("alpha", "beta")
    hurried = again.run_on("beta")(("drbdadm", "primary", "mail"), 0.5)
    assert hurried.timed_out


@pytest.mark.parametrize(
    ("words", "status", "stderr"),
    [
        ((), 1, "No command specified\n"),
        (("connect",), 1, "No resource names specified\n"),
        (("conect", "mail"), 1, "drbdadm: Unknown command 'conect'\n"),
        (("disconnect", "mail/0"), 1, "disconnect operates on whole resources, but you specified"),
        (("connect", "--force", "mail"), 1, "drbdadm: unrecognized option '--force'\n"),
    ],
)
def test_misuse(words: tuple[str, ...], status: int, stderr: str) -> None:
    done = active().drbdadm("alpha", *words)
    assert done.exit_status == status
    assert done.stderr.startswith(stderr)


def test_what_is_not_simulated_says_so() -> None:
    cluster = active()
    assert cluster.drbdadm("alpha", "resize", "mail").error == "drbdadm resize is not simulated"
    for line in (("drbdsetup", "show"), ("drbdsetup", "status"), ("ls", "/")):
        assert cluster.run_on("alpha")(line, 15.0).error


def test_all_resources_up_to_the_first_that_fails() -> None:
    cluster = split_stories.two_resources()
    done = cluster.drbdadm("alpha", "connect", "all")
    assert done.exit_status == 10  # mail is connected, db was so already
    assert cluster.connection("alpha", "mail", "beta") is C.CONNECTING


def test_a_wrapped_command() -> None:
    line = ("/usr/bin/setpriv", "--pdeathsig", "KILL", "--", "/usr/sbin/drbdadm", "sh-resources")
    assert active().run_on("alpha")(line, 15.0).stdout == "mail\n"
