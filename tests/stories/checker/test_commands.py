"""The rules about one command: a recording that keeps each, and one that breaks it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from .recordings import (
    DISCARD,
    by_time,
    conn,
    cut,
    found,
    heads,
    kernel,
    modes,
    one_pass,
    refused,
    sides,
    split,
    story,
)

# -- 1: never where it is Primary or in use ----------------------------------------------------


def test_a_discard_while_primary_is_caught() -> None:
    events = by_time(split(), one_pass(10, "beta", DISCARD, role="Primary"))
    (sentence,) = found(events)
    assert sentence.startswith("invariant 1: beta at 11.00 s: `drbdadm connect --discard-my-data ")
    assert sentence.endswith("was run while it was Primary (minor 0)")


@pytest.mark.parametrize(("used", "broken"), [(0, ["invariant 1: beta"]), (1, [])])
def test_a_discard_while_in_use_is_caught(used: int, broken: list[str]) -> None:
    events = by_time(split(), one_pass(10, "beta", DISCARD, used=[used]))
    assert heads(found(events)) == broken


def test_a_discard_before_which_nothing_was_seen_is_caught() -> None:
    events = by_time(split(), one_pass(10, "beta", DISCARD))
    events = [event for event in events if not event.text.startswith("saw ")]
    assert heads(found(events)) == ["invariant 1: beta"]


def test_a_volume_that_is_not_configured_is_neither_primary_nor_in_use() -> None:
    events = by_time(split(), one_pass(10, "beta", DISCARD))
    unconfigured = [
        replace(event, text="saw 401 0 cs:Unconfigured") if "saw 401 0" in event.text else event
        for event in events
    ]
    assert unconfigured != events
    assert found(unconfigured) == []


# -- 2: never unasked --------------------------------------------------------------------------


def test_a_discard_in_mode_reconnect_is_caught() -> None:
    events = by_time(split(mode="reconnect"), one_pass(10, "beta", DISCARD))
    assert heads(found(events)) == ["invariant 2: beta"]


def test_a_persons_recover_may_discard_in_any_mode() -> None:
    word = "--config /etc/c.toml recover mail --yes"
    events = by_time(split(mode="observe"), one_pass(10, "beta", DISCARD, arguments=word))
    assert found(events) == []


@pytest.mark.parametrize(
    ("told", "broken"),
    [
        ("mode mail discard", []),
        ("mode db discard", ["invariant 2: beta"]),
    ],
)
def test_a_mode_may_be_one_resources(told: str, broken: list[str]) -> None:
    events = by_time(
        split(mode="reconnect"), [story(1, "beta", told)], one_pass(10, "beta", DISCARD)
    )
    assert heads(found(events)) == broken


def test_a_new_configuration_ends_a_resources_mode() -> None:
    told = [story(1, "beta", "mode mail discard"), story(2, "beta", "mode reconnect")]
    events = by_time(split(mode="reconnect"), told, one_pass(10, "beta", DISCARD))
    assert heads(found(events)) == ["invariant 2: beta"]


def test_a_mode_that_changed_under_a_pass_is_not_held_against_it() -> None:
    told = [story(10.5, "beta", "mode reconnect")]
    assert found(by_time(split(), told, one_pass(10, "beta", DISCARD))) == []


# -- 8: only where the handshake named the other one --------------------------------------------


@pytest.mark.parametrize(("alpha", "beta"), [(0, 0), (1, 1), (0, 1)])
def test_a_discard_after_a_handshake_with_other_roles_is_caught(alpha: int, beta: int) -> None:
    events = by_time(split(alpha=alpha, beta=beta), one_pass(10, "beta", DISCARD))
    (sentence,) = found(events)
    assert sentence.startswith("invariant 8: beta at 11.00 s: ")
    assert ("and its peer Primary" in sentence) == bool(alpha)


def test_the_newest_handshake_counts() -> None:
    again = refused(6, alpha=0, beta=0)
    events = by_time(split(), again, one_pass(10, "beta", DISCARD))
    assert heads(found(events)) == ["invariant 8: beta"]


def test_a_handshake_before_the_last_connected_does_not_count() -> None:
    together = [
        change
        for node in ("alpha", "beta")
        for change in (
            conn(6, node, "StandAlone", "WFConnection"),
            kernel(7, node, "conn( WFReportParams -> Connected ) "),
            conn(8, node, "Connected", "StandAlone"),
        )
    ]
    events = by_time(split(), together, one_pass(10, "beta", DISCARD))
    (sentence,) = found(events)
    assert sentence.endswith("and no handshake since it was last Connected had been refused")


def test_a_handshake_that_was_not_refused_does_not_count() -> None:
    in_vain = [
        *sides(5, "beta", 0, 1),
        kernel(5, "beta", "Split-Brain detected, manually solved. Sync from peer node"),
        conn(5.5, "beta", "WFReportParams", "StandAlone"),
    ]
    events = by_time(modes("discard"), cut(1), in_vain, one_pass(10, "beta", DISCARD))
    assert heads(found(events)) == ["invariant 8: beta"]


@pytest.mark.parametrize(
    ("arguments", "broken"),
    [("recover mail --yes", []), ("reconcile --json", ["invariant 8: beta"])],
)
def test_a_person_may_recover_without_a_handshake(arguments: str, broken: list[str]) -> None:
    ran = one_pass(10, "beta", DISCARD, arguments=arguments)
    assert heads(found(by_time(modes("discard"), cut(1), ran))) == broken


# -- 9: the three commands only, and no demotion of what is in use -----------------------------


@pytest.mark.parametrize(
    "line",
    [
        "secondary --force mail",
        "connect --tentative mail",
        "primary --overwrite-data-of-peer mail",
        "connect all",
        "connect mail db",
        "connect nosuch",
        "disconnect mail",
        "secondary",
    ],
)
def test_any_other_command_is_caught(line: str) -> None:
    events = by_time(split(), one_pass(10, "beta", line))
    assert heads(found(events)) == ["invariant 9: beta"]


@pytest.mark.parametrize("line", ["secondary mail", "connect mail", "connect db"])
def test_the_commands_of_a_pass_are_sound(line: str) -> None:
    assert found(by_time(split(), one_pass(10, "beta", line))) == []


def test_a_discard_of_all_resources_is_measured_by_all_of_them() -> None:
    line = "connect --discard-my-data all"
    events = by_time(split(), one_pass(10, "beta", line, used=[2]))
    assert {"invariant 1: beta", "invariant 9: beta"} <= set(heads(found(events)))


@pytest.mark.parametrize(("used", "broken"), [(2, ["demotion: beta at"]), (0, [])])
def test_a_demotion_while_in_use_is_caught(used: int, broken: list[str]) -> None:
    events = one_pass(10, "beta", "secondary db", used=[used], role="Primary")
    assert heads(found(events)) == broken
