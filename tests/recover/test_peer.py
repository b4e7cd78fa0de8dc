"""The other node's view: where it comes from, and what does not fit is said and not used."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from connector.clock import SystemClock
from connector.errors import UsageError
from connector.model import (
    Cause,
    ConnectionState,
    Evidence,
    Handshake,
    Resource,
    Role,
    Use,
    UseKind,
)
from connector.program import Completed
from connector.recover.peer import MAX_AGE_S, MAX_BYTES, PeerText, checked, fetch, fetch_configured
from connector.recover.view import peer_lines
from connector.report.as_json import to_json
from connector.settings import RecoverSettings
from connector.world import World
from tests import builders_9
from tests.builders import device, report, resource, resource_report, volume

C = ConnectionState
NOTHING = RecoverSettings()


def split(role: Role, roles: tuple[int, int], at_s: float, *, in_use: bool) -> Resource:
    """One side of a split brain, with its own roles at the handshake and its own log's clock."""
    handshake = Handshake(0, 0x10 | roles[0], 0x20 | roles[1], 9, 5, 0, 0)
    evidence = Evidence(cause=Cause.SPLIT_BRAIN, cause_at_s=at_s, handshakes=(handshake,))
    return resource(
        connection=C.STANDALONE, role=role, in_use=in_use, evidence=evidence, out_of_sync_kib=36
    )


OWN = split(Role.SECONDARY, (0, 1), 12.5, in_use=False)
PEER = split(Role.PRIMARY, (1, 0), 907.25, in_use=True)


def status_of(*resources: Resource, **changes: Any) -> bytes:
    """What `connector status --json` prints on the other node."""
    told = to_json(report(*(resource_report(item) for item in resources)))
    return json.dumps({**told, **changes}).encode()


def text(data: bytes, age_s: float | None = 0.0) -> PeerText:
    """As it came from somewhere."""
    return PeerText("ssh:alpha", data, age_s)


def test_a_view_that_fits_is_used() -> None:
    found = checked(text(status_of(PEER, resource("db"))), OWN, "beta")
    assert found.why_not == ""
    assert found.resource is not None
    assert (found.resource.role, found.resource.in_use) == (Role.PRIMARY, True)
    assert list(peer_lines(found)) == [
        "the other node, as it says itself (ssh:alpha): StandAlone, Primary, in use by /mnt/mail",
        "  volume 0: disk UpToDate, 36 KiB unsynchronised there",
    ]


OTHER_VOLUMES = resource(
    volumes=(volume(device(), used_by=()), volume(device(1), number=1, used_by=()))
)


@pytest.mark.parametrize(
    ("data", "own", "why"),
    [
        (b"", OWN, "not what `connector status --json` prints"),
        (b"\xff\xfe\x00", OWN, "not what `connector status --json` prints"),
        (b"[]", OWN, "not what `connector status --json` prints"),
        (b"{" * 100_000, OWN, "not what `connector status --json` prints"),
        (b" " * (MAX_BYTES + 1), OWN, "longer than"),
        (status_of(PEER, schema_version=2), OWN, "schema_version: Input should be 1"),
        (status_of(PEER, schema_version="1"), OWN, "schema_version: Input should be 1"),
        (b'{"schema_version": 1}', OWN, "no `connector status --json`"),
        (b'{"schema_version": 1, "resources": 7}', OWN, "resources: Input should be"),
        (status_of(resource("db")), OWN, "it has no mail; its resources: db"),
        (status_of(PEER, PEER), OWN, "it has no mail"),
        (status_of(PEER).replace(b'"StandAlone"', b'"Vanished"'), OWN, "unknown connection state"),
        (status_of(OTHER_VOLUMES), OWN, "its volumes are not those of this node"),
        # This node's own, by mistake.
        (status_of(OWN), OWN, "its kernel log is this node's own"),
        (
            status_of(split(Role.SECONDARY, (0, 1), 13.5, in_use=False)),
            OWN,
            "it says the same of its own role",
        ),
        # Of another moment.
        (status_of(resource()), OWN, "it shows Connected while this node is StandAlone"),
        (status_of(PEER), resource(), "it shows StandAlone while this node is Connected"),
    ],
)
def test_what_does_not_fit_is_said_and_not_used(data: bytes, own: Resource, why: str) -> None:
    found = checked(text(data), own, "beta")
    assert found.resource is None
    assert why in found.why_not
    (line,) = peer_lines(found)
    assert line.startswith("the other node: its view is NOT USED (ssh:alpha): ")


def test_an_old_view_is_not_used() -> None:
    assert checked(text(status_of(PEER), MAX_AGE_S - 1), OWN, "beta").resource is not None
    old = checked(text(status_of(PEER), MAX_AGE_S + 1), OWN, "beta")
    assert old.why_not == "it is 10 min old, and 10 min are allowed: get a new one"
    future = checked(text(status_of(PEER), -61.0), OWN, "beta")
    assert "from the future" in future.why_not
    assert checked(text(status_of(PEER), None), OWN, "beta").resource is not None


def test_what_the_other_node_says_cannot_play_tricks_on_a_terminal() -> None:
    use = Use(UseKind.MOUNT, "/mnt/\x1b[2Jmail")
    there = replace(PEER, volumes=(replace(PEER.volumes[0], used_by=(use,)),))
    shown = "\n".join(peer_lines(checked(text(status_of(there)), OWN, "beta")))
    assert "[2Jmail" in shown
    assert "\x1b" not in shown


@dataclass
class Ran:
    """A runner that answers the same to everything, and what it was asked."""

    answer: Completed
    asked: list[tuple[str, ...]] = field(default_factory=list)

    def __call__(self, argv: Sequence[str], timeout_s: float) -> Completed:
        """Answers."""
        assert 0 < timeout_s <= 60
        self.asked.append(tuple(argv))
        return self.answer


def world(answer: Completed) -> tuple[World, Ran]:
    """Node beta."""
    ran = Ran(answer)
    return World(root=Path("/nowhere"), run=ran, clock=SystemClock(), host="beta"), ran


def test_ssh_asks_without_a_password_and_not_for_ever() -> None:
    # `status` ends with 3 at a split brain: that is no failure.
    here, ran = world(Completed((), 3, stdout=status_of(PEER).decode()))
    got = fetch(here, "ssh:root@alpha", NOTHING)
    assert got.why_not is None
    assert checked(got, OWN, "beta").resource is not None
    assert [" ".join(words) for words in ran.asked] == [
        "ssh -oBatchMode=yes -oConnectTimeout=5 -- root@alpha connector status --json"
    ]


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (Completed((), 255, stderr="alpha: Permission denied (publickey).\n"), "Permission denied"),
        (Completed((), 127, stderr="sh: connector: not found\n"), "connector: not found"),
        (Completed((), None), "it did not answer in 20 s"),
        (Completed((), None, error="ssh was not found in /bin"), "ssh was not found"),
        (Completed((), 0), "it said nothing"),
    ],
)
def test_an_ssh_that_fails_is_said(answer: Completed, why: str) -> None:
    found = checked(fetch(world(answer)[0], "ssh:alpha", NOTHING), OWN, "beta")
    assert found.resource is None
    assert why in found.why_not


@pytest.mark.parametrize("host", ["", "-oProxyCommand=evil", "a b", "alpha;reboot", "beta"])
def test_a_host_that_is_none_or_this_one_is_never_asked(host: str) -> None:
    here, ran = world(Completed((), 0))
    with pytest.raises(UsageError):
        fetch(here, f"ssh:{host}", NOTHING)
    assert ran.asked == []


def test_a_file(tmp_path: Path) -> None:
    here, _ = world(Completed((), 0))
    path = tmp_path / "alpha.json"
    path.write_bytes(status_of(PEER))
    assert checked(fetch(here, str(path), NOTHING), OWN, "beta").resource is not None
    old_s = here.clock.wall_s() - 2 * MAX_AGE_S
    os.utime(path, (old_s, old_s))
    assert "20 min old" in checked(fetch(here, str(path), NOTHING), OWN, "beta").why_not
    with pytest.raises(UsageError, match="no such file"):
        fetch(here, str(tmp_path / "none"), NOTHING)
    assert "cannot be read" in checked(fetch(here, str(tmp_path), NOTHING), OWN, "beta").why_not


def test_the_peer_of_the_configuration_is_asked_where_it_is_the_other_node() -> None:
    here, ran = world(Completed((), 3, stdout=status_of(PEER).decode()))
    assert fetch_configured(here, NOTHING) is None
    told = fetch_configured(here, RecoverSettings("ssh:root@alpha"))
    assert told is not None
    assert checked(told, OWN, "beta").resource is not None
    assert ran.asked[0][-5:] == ("--", "root@alpha", "connector", "status", "--json")


@pytest.mark.parametrize("peer", ["ssh:beta", "ssh:root@beta", "https://beta:1", "http://BETA"])
def test_a_configuration_that_names_this_node_is_no_error(peer: str) -> None:
    """The same file may be on both nodes."""
    here, ran = world(Completed((), 0))
    told = fetch_configured(here, RecoverSettings(peer))
    assert told == PeerText(
        peer, why_not="that is this node: [recover] peer must name the other one"
    )
    assert ran.asked == []
    with pytest.raises(UsageError, match=f"--peer {peer}: that is this node"):
        fetch(here, peer, NOTHING)


def test_on_drbd_9_it_is_the_connection_to_this_node_that_counts() -> None:
    """gamma stands in for nothing: what alpha shows towards it says nothing of beta."""
    shown = builders_9.resource(
        builders_9.connection("gamma", C.CONNECTED),
        builders_9.connection("beta", C.STANDALONE, role=Role.PRIMARY),
        role=Role.PRIMARY,
        in_use=True,
    )
    mine = builders_9.resource(builders_9.connection("alpha", C.STANDALONE)).each[0]
    found = checked(text(status_of(shown)), mine, "beta").resource
    assert found is not None
    assert (found.peer, found.connection, found.in_use) == ("beta", C.STANDALONE, True)
    elsewhere = checked(text(status_of(shown)), mine, "delta")
    assert elsewhere.why_not == "it has no connection of mail to delta"
