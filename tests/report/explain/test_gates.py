"""What is said to open a gate does open it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from connector.config import load
from connector.decide.context import Policy
from connector.model import ConnectionState, DiskState, GateName, Mode, Role
from connector.report.explain.answer import Explanation, Seen
from connector.report.explain.gates import opens
from connector.report.explain.said import Said, UseSaid
from tests import builders

from .explaining import NOTHING, every_case, explained

C = ConnectionState
STANDBY = Seen(builders.resource(connection=C.STANDALONE, role=Role.SECONDARY, out_of_sync_kib=4))
PRIMARY = Seen(builders.resource(connection=C.STANDALONE, role=Role.PRIMARY))
SPLIT = Said(kind="split-brain", handshake=(Role.SECONDARY, Role.PRIMARY))
NOBODY = Said(kind="split-brain", handshake=(Role.SECONDARY, Role.SECONDARY))


def shut(found: Explanation, mode: Mode) -> dict[GateName, str]:
    """The gates that are shut in a mode, and what opens each."""
    answer = next(answer for answer in found.answers if answer.mode is mode)
    return {gate.name: opens(gate, found.case) for gate in answer.decision.gates}


OBSERVE, RECONNECT, DISCARD = Mode
DISCONNECTED = Said(kind="operator-disconnect")
SECONDARY_LOSES = Said(after_sb={"one_primary": "discard-secondary"})
EITHER_LOSES = Said(after_sb={"zero_primaries": "discard-least-changes"})
IDLE = Said(use=UseSaid.NOT_IN_USE)
PERSON = "mode discard; or a person's word: `connector recover mail --discard-my-data` on the node"
POLICY = "drbd.conf without that after-sb policy, on both nodes"
# The gate, where it is shut, the beginning of what opens it, and where it is open then.
OPENED = [
    (GateName.MODE, STANDBY, NOTHING, OBSERVE, "mode reconnect or discard", NOTHING, RECONNECT),
    (GateName.MODE, STANDBY, NOTHING, OBSERVE, "mode reconnect or discard", NOTHING, DISCARD),
    (GateName.MODE, STANDBY, SPLIT, OBSERVE, PERSON, SPLIT, DISCARD),
    (GateName.MODE, STANDBY, SPLIT, RECONNECT, PERSON, SPLIT, DISCARD),
    (
        GateName.PAUSE,
        STANDBY,
        Said(paused=True),
        RECONNECT,
        "`connector resume mail`, or the end",
        NOTHING,
        RECONNECT,
    ),
    (
        GateName.OPERATOR_DISCONNECT,
        STANDBY,
        DISCONNECTED,
        RECONNECT,
        "3600 s since the disconnect",
        replace(DISCONNECTED, lasted_s=3600),
        RECONNECT,
    ),
    (
        GateName.EVIDENCE,
        STANDBY,
        Said(kind="unreadable"),
        RECONNECT,
        "root's right to read /dev/kmsg",
        NOTHING,
        RECONNECT,
    ),
    (
        GateName.EVIDENCE,
        STANDBY,
        replace(NOBODY, lasted_s=59),
        DISCARD,
        "60 s since that handshake, then it is made anew; or a person's word",
        replace(NOBODY, lasted_s=60),
        DISCARD,
    ),
    (
        GateName.EVIDENCE,
        STANDBY,
        replace(NOBODY, attempts=1),
        DISCARD,
        "240 s since that handshake",
        replace(NOBODY, attempts=1, lasted_s=240),
        DISCARD,
    ),
    (GateName.FORECAST, STANDBY, SECONDARY_LOSES, RECONNECT, POLICY, NOTHING, RECONNECT),
    (
        GateName.FORECAST,
        STANDBY,
        SECONDARY_LOSES,
        RECONNECT,
        f"{POLICY}; or mode discard",
        SECONDARY_LOSES,
        DISCARD,
    ),
    (GateName.FORECAST, STANDBY, EITHER_LOSES, DISCARD, POLICY, NOTHING, DISCARD),
    (
        GateName.ATTEMPTS,
        STANDBY,
        Said(attempts=3),
        RECONNECT,
        "`connector resume mail`, once",
        Said(attempts=0),
        RECONNECT,
    ),
    (
        GateName.GRACE,
        PRIMARY,
        IDLE,
        RECONNECT,
        "90 s of looking like this",
        replace(IDLE, lasted_s=90),
        RECONNECT,
    ),
]


@pytest.mark.parametrize(("name", "seen", "said", "mode", "words", "opened", "then"), OPENED)
def test_what_opens_a_gate_does_open_it(
    name: GateName, seen: Seen, said: Said, mode: Mode, words: str, opened: Said, then: Mode
) -> None:
    before = shut(explained(seen, said), mode)
    assert before[name].startswith(words)
    assert "{" not in before[name]
    assert name not in shut(explained(seen, opened), then)


def test_mode_discard_is_no_way_out_where_the_policy_may_hit_either_side() -> None:
    assert shut(explained(STANDBY, EITHER_LOSES), RECONNECT)[GateName.FORECAST] == POLICY
    assert GateName.FORECAST in shut(explained(STANDBY, EITHER_LOSES), DISCARD)


def test_what_opens_the_gates_that_only_others_can_open() -> None:
    assert shut(explained(STANDBY, Said(managed=True)), Mode.RECONNECT) == {
        GateName.MANAGED: 'managed = "act" in connector.toml'
    }
    acting = explained(STANDBY, Said(managed=True), Policy(act_if_managed=True))
    assert shut(acting, Mode.RECONNECT) == {}
    worn = replace(NOBODY, attempts=2)
    nobody = shut(explained(STANDBY, worn), Mode.DISCARD)[GateName.EVIDENCE]
    assert nobody.startswith("nothing but a person's word: `connector recover mail --discard-my-")
    gone = builders.device(connection=C.STANDALONE, role=Role.SECONDARY, disk=DiskState.DISKLESS)
    diskless = Seen(replace(STANDBY.resource, volumes=(builders.volume(gone),)))
    assert shut(explained(diskless, SPLIT), Mode.DISCARD) == {
        GateName.DISK: "a local disk again: `drbdadm attach mail`"
    }


def test_every_gate_says_what_opens_it() -> None:
    """Each gate came up in the cases, with words of its own."""
    found: dict[GateName, set[str]] = {}
    for _, _, case in every_case():
        for mode in Mode:
            for name, words in shut(case, mode).items():
                found.setdefault(name, set()).add(words)
    # The cases have no split brain on a node whose disk is gone: the test above has.
    assert found.keys() | {GateName.DISK} == set(GateName)


def test_the_settings_are_those_that_were_given() -> None:
    settings = load(None, {"CONNECTOR_POLICY_DEMOTE_GRACE": "10"})
    said = Said(use=UseSaid.NOT_IN_USE)
    words = shut(explained(PRIMARY, said, settings.policy), Mode.RECONNECT)
    assert words == {GateName.GRACE: "10 s of looking like this (demote_grace)"}
