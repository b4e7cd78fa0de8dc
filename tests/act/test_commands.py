"""What reaches drbdadm's command line, and what never does."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from connector.act.commands import argv, kind_of, printable
from connector.act.subprocess_runner import SubprocessRunner
from connector.model import Action, ActionKind, ConnectionState, Picture, Role

PICTURE = Picture(ConnectionState.STANDALONE, Role.SECONDARY, in_use=False)


def action(kind: ActionKind, resource: str = "mail", peer: str | None = None) -> Action:
    return Action(kind, resource, PICTURE, peer)


@pytest.mark.parametrize(
    ("kind", "line"),
    [
        (ActionKind.SECONDARY, ("/sbin/drbdadm", "secondary", "mail")),
        (ActionKind.CONNECT, ("/sbin/drbdadm", "connect", "mail")),
        (ActionKind.CONNECT_DISCARD, ("/sbin/drbdadm", "connect", "--discard-my-data", "mail")),
    ],
)
def test_the_three_commands(kind: ActionKind, line: tuple[str, ...]) -> None:
    assert argv(action(kind), "/sbin/drbdadm") == line
    assert printable(action(kind)) == " ".join(("drbdadm", *line[1:]))
    assert kind_of(line) is kind


@pytest.mark.parametrize(
    "line", [(), ("drbdadm",), ("drbdadm", "down", "mail"), ("drbdadm", "connect", "--force", "r0")]
)
def test_another_command_is_none_of_ours(line: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="no command of a pass"):
        kind_of(line)


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (ActionKind.CONNECT, "connect mail:beta"),
        (ActionKind.CONNECT_DISCARD, "connect --discard-my-data mail:beta"),
        (ActionKind.DISCONNECT, "disconnect mail:beta"),
    ],
)
def test_on_drbd_9_they_name_one_peer(kind: ActionKind, words: str) -> None:
    line = argv(action(kind, peer="beta"), "drbdadm")
    assert line == ("drbdadm", *words.split())
    assert kind_of(line) is kind


def test_a_whole_resource_is_never_disconnected() -> None:
    with pytest.raises(ValueError, match="only one peer is ever disconnected"):
        argv(action(ActionKind.DISCONNECT), "drbdadm")


@pytest.mark.parametrize("peer", ["", "-beta", "a,b", "a:b", "beta ", "a/0", "b\n", "be ta"])
def test_a_peer_that_could_mean_something_else_is_refused(peer: str) -> None:
    with pytest.raises(ValueError, match=r"the peer's name .* is not handed to drbdadm"):
        argv(action(ActionKind.CONNECT, peer=peer), "drbdadm")


def test_every_kind_has_a_command() -> None:
    lines = {argv(action(kind, peer="beta"), "drbdadm") for kind in ActionKind}

    assert len(lines) == len(ActionKind)
    assert not any({"all", "--force", "--tentative"} & set(line) for line in lines)


@pytest.mark.parametrize("kind", ActionKind)
@pytest.mark.parametrize(
    "name",
    [
        "", "all", "--force", "-f", "-", "--discard-my-data", "minor-0", "minor-12",
        "mail web", " mail", "mail\n", "mail\0", "mail:beta", "mail/0", "/dev/drbd0", "mail;reboot",
        "mail,web", "m*", "$x", "`x`", "ma'il", 'ma"il', "minor 0", "ma\u0308il", "mail\u200b",
    ],
)  # fmt: skip
def test_a_name_that_could_mean_something_else_is_refused(kind: ActionKind, name: str) -> None:
    with pytest.raises(ValueError, match="is not handed to drbdadm"):
        argv(action(kind, name, "beta"), "drbdadm")
    with pytest.raises(ValueError, match="is not handed to drbdadm"):
        printable(action(kind, name, "beta"))


@pytest.mark.parametrize(
    "name",
    ["r0", "0", "mail", "web.example.org", "a-b_c", "_x", ".x", "all0", "minor-", "minor", "почта"],
)
def test_names_that_drbd_conf_takes_are_taken(name: str) -> None:
    assert argv(action(ActionKind.CONNECT, name), "drbdadm") == ("drbdadm", "connect", name)


CONFIGURATION = f"""
global {{ usage-count no; }}
resource mail {{
  device /dev/drbd0; disk /dev/nowhere; meta-disk internal;
  on {os.uname().nodename} {{ address 192.0.2.1:7788; }}
  on peer {{ address 192.0.2.2:7788; }}
}}
"""


@pytest.mark.parametrize(
    ("kind", "driver"),
    [
        (kind, driver)
        for kind in ActionKind
        for driver in ("8.4.11", "9.2.12")
        # Only one peer is ever disconnected, and 8.4 has no way to name it.
        if (kind, driver) != (ActionKind.DISCONNECT, "8.4.11")
    ],
)
def test_the_installed_drbdadm_understands_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: ActionKind, driver: str
) -> None:
    """A dry run of the real one (drbdadm(8), -d), which prints what it would hand to drbdsetup."""
    monkeypatch.setenv("DRBD_DRIVER_VERSION_OVERRIDE", driver)
    file = tmp_path / "drbd.conf"
    file.write_text(CONFIGURATION, encoding="utf-8")
    peer = "peer" if driver[0] == "9" and kind is not ActionKind.SECONDARY else None
    program, *words = argv(action(kind, peer=peer), "drbdadm")

    completed = SubprocessRunner()([program, "-d", "-c", str(file), *words], 20)

    if completed.error is not None:
        pytest.skip("drbd-utils is not installed")
    assert completed.exit_status == 0, completed.stderr
    command = completed.stdout.split()
    assert Path(command[0]).name == ("drbdsetup-84" if driver.startswith("8") else "drbdsetup")
    assert command[1] == words[0]
    assert ("--discard-my-data" in command) is (kind is ActionKind.CONNECT_DISCARD)
