"""What is in a saved file: texts of /proc/drbd, records of connector's, and anything else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from connector.errors import ConnectorError, UsageError
from connector.model import GateName, Mode, Problem
from connector.observe import proc_drbd
from connector.report.explain import log as explain_log
from connector.report.explain import names as explain_names
from connector.report.explain.answer import About
from connector.report.explain.said import Said
from connector.report.explain.source import MADE_UP_NAME, Kind, of_proc_drbd

from .explaining import FIXTURES, STAND_ALONE, decided, explained, read, rows

TEXTS = sorted(
    path
    for path in (FIXTURES / "proc_drbd").rglob("*")
    if path.is_file() and path.suffix in ("", ".txt")
)
DRBD_9 = FIXTURES / "proc_drbd/captures/drbd-9"
HEALTHY = (FIXTURES / "lab/healthy/alpha/proc_drbd").read_bytes()
XML = (FIXTURES / "lab/healthy/alpha/dump_xml").read_text()


# /proc/drbd


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: "-".join(path.parts[-3:]))
def test_every_text_that_there_is(path: Path) -> None:
    data = path.read_bytes()
    found, parsed = read(data), proc_drbd.parse(data)
    stateless = parsed.api == 2 and not parsed.devices
    assert found.kind is Kind.PROC_DRBD
    assert found.problems[: len(parsed.problems)] == parsed.problems
    assert len(found.problems) - len(parsed.problems) == stateless
    assert (found.version, found.api) == (parsed.version, parsed.api)
    unconfigured = {d.minor for d in parsed.devices if d.connection == "Unconfigured"}
    minors = [seen.resource.volumes[0].minor for seen in found.seen]
    assert minors == list(
        dict.fromkeys(m.minor for m in parsed.devices if m.minor not in unconfigured)
    )
    if parsed.api not in (None, 1, 2):
        assert found.exit_status == 69
        assert "a pass ends there with exit status 69" in found.notes[0].lower()
    else:
        assert found.exit_status == (1 if found.problems else 0)
    for seen, row in zip(found.seen, rows(found), strict=True):
        (minor,) = (volume.minor for volume in seen.resource.volumes)
        if parsed.api is None or any(d.doubtful for d in parsed.devices if d.minor == minor):
            assert row == "unknown"


def test_drbd_9_says_what_to_do() -> None:
    data = (
        FIXTURES / "proc_drbd/captures/drbd-9/2n-split-brain-both-standalone/alpha"
    ).read_bytes()
    found = read(data)
    assert (found.seen, found.exit_status, found.notes) == ((), 1, ())
    assert (found.version, found.supported) == ("9.2.12", True)
    (problem,) = found.problems
    assert problem.message.startswith("no states are in this file: ")
    assert "drbdsetup status --json" in problem.message


def test_a_proc_drbd_that_drbd_9_prints_as_8_4_does() -> None:
    path = FIXTURES / "proc_drbd/composed/9.2.16_compat_8.4.txt"
    found = read(path.read_bytes())
    assert (found.supported, bool(found.seen)) == (True, True)
    assert "a pass asks drbdsetup there" in found.notes[0]


def test_nothing_was_up() -> None:
    found = read(b"".join(HEALTHY.splitlines(keepends=True)[:2]))
    assert (found.seen, found.problems, found.exit_status) == ((), (), 0)
    assert found.notes == (
        "no minor is in it: no resource was up. `drbdadm up all` brings them up",
    )


def test_each_minor_is_a_resource_where_no_names_are_known() -> None:
    found = read(HEALTHY)
    assert [seen.resource.name for seen in found.seen] == [f"{MADE_UP_NAME}{n}" for n in (0, 1, 2)]
    assert all(seen.told == frozenset() for seen in found.seen)
    assert rows(found) == ["healthy"] * 3


def test_names_and_policies_come_from_dump_xml() -> None:
    found = of_proc_drbd(HEALTHY, "saved", explain_names.configured(XML, "x", None, "alpha"))
    assert [seen.resource.name for seen in found.seen] == ["mail", "db"]
    assert [len(seen.resource.volumes) for seen in found.seen] == [1, 2]
    assert all(seen.told == {About.NAME, About.AFTER_SB} for seen in found.seen)


def test_a_minor_that_the_configuration_does_not_have() -> None:
    configured = explain_names.configured(XML, "x", "beta", "alpha")[:1]
    found = of_proc_drbd(HEALTHY, "saved", configured)
    assert rows(found) == ["healthy", "unknown", "unknown"]
    beta = explain_names.configured(XML, "x", None, "beta")
    gone = of_proc_drbd(HEALTHY.split(b" 1: cs")[0], "saved", beta)
    assert rows(gone) == ["healthy", "unknown"]


def test_a_resource_of_linstor_is_managed() -> None:
    xml = XML.replace('conf-file-line="', 'conf-file-line="/var/lib/linstor.d/mail.res:1" was="')
    configured = explain_names.configured(xml, "x", "alpha", "")
    found = of_proc_drbd(STAND_ALONE, "saved", configured)
    assert [seen.resource.managed_by for seen in found.seen] == ["LINSTOR", "LINSTOR"]


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        (b"cs:StandAlone", b"cs:Standalone", "unknown connection state: 'Standalone'"),
        (b"Secondary/Unknown", b"Secundary/Unknown", "unknown role: 'Secundary'"),
        (b"UpToDate/DUnknown", b"UpToDat/DUnknown", "unknown disk state: 'UpToDat'"),
    ],
)
def test_an_unknown_word_is_a_problem_and_the_last_row(
    before: bytes, after: bytes, message: str
) -> None:
    found = read(STAND_ALONE.replace(before, after, 1))
    assert found.problems == (Problem(3, f"minor 0: {message}"),)
    assert found.exit_status == 1
    assert rows(found)[0] == "unknown"
    assert decided(explained(found.seen[0]), Mode.DISCARD).needs_operator


@pytest.mark.parametrize(
    ("cut", "problem"),
    [
        (b" 0: cs" + STAND_ALONE.split(b" 0: cs")[1], "no version line"),
        (STAND_ALONE.rstrip(), "the last line has no end"),
    ],
    ids=["no version", "cut off"],
)
def test_what_a_pass_would_not_trust(cut: bytes, problem: str) -> None:
    found = read(cut)
    assert any(problem in item.message for item in found.problems)
    assert rows(found)[-1] == "unknown"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "this is no text of /proc/drbd"),
        (b"\x00\xff" * 5000, "this is no text of /proc/drbd"),
        (b"x" * (proc_drbd.MAX_BYTES + 1), "this is no text of /proc/drbd"),
        (XML.encode(), "it goes with --dump-xml"),
        (b"[    5.231779] drbd: initialized.\n", "it goes with --kernel-log"),
    ],
    ids=["empty", "binary", "huge", "dump-xml", "dmesg"],
)
def test_what_is_nothing_of_the_kind(data: bytes, message: str) -> None:
    found = read(data)
    assert (found.kind, found.seen, found.exit_status) == (Kind.NOTHING, (), 1)
    assert message in found.problems[0].message


# Names


def test_hosts_that_agree_need_no_name() -> None:
    """Which of them it is cannot be told, so neither can who its peer is."""
    beta = explain_names.configured(XML, "x", "beta", "elsewhere")
    assert [item.peers for item in beta] == [("alpha",), ("alpha",)]
    found = explain_names.configured(XML, "x", None, "elsewhere")
    assert found == tuple(replace(item, peers=()) for item in beta)


def test_hosts_that_differ_need_one() -> None:
    beta = XML.replace('minor="0"', 'minor="7"', 1)  # alpha's, which comes first
    assert explain_names.configured(beta, "x", "alpha", "")[0].volumes[0].minor == 7
    with pytest.raises(UsageError, match=r"--host is needed: .*Name one of: alpha, beta"):
        explain_names.configured(beta, "x", None, "elsewhere")
    with pytest.raises(
        UsageError, match=r"'gamma' has no resource in x; its hosts are: alpha, beta$"
    ):
        explain_names.configured(beta, "x", "gamma", "")


@pytest.mark.parametrize("text", ["", "not xml", "<config", XML.replace("</config>", "")])
def test_what_is_no_dump_xml(text: str) -> None:
    with pytest.raises(ConnectorError, match=r"^--dump-xml: x: "):
        explain_names.configured(text, "x", None, "alpha")


def test_one_resource_in_the_log_is_the_one_minor() -> None:
    """A disconnect by hand stands in the log under the resource's name alone."""
    disconnected = "drbd mail: conn( Connected -> Disconnecting ) "
    log = explain_log.parse(f"[  100.000000] {disconnected}\n")
    assert log is not None
    one = b"".join(STAND_ALONE.splitlines(keepends=True)[:4])
    names = explain_names.by_log(log, one)
    found = of_proc_drbd(one, "saved", names, frozenset({About.NAME}))
    (seen,) = found.seen
    assert (seen.resource.name, seen.told) == ("mail", frozenset({About.NAME}))
    answer = decided(explained(seen, Said(log=log)), Mode.RECONNECT)
    assert [gate.name for gate in answer.gates] == [GateName.OPERATOR_DISCONNECT]


def test_a_log_of_several_resources_needs_the_configuration() -> None:
    log = explain_log.parse("[1.5] drbd mail: receiver terminated\n[1.6] drbd db: receiver (re)\n")
    assert log is not None
    with pytest.raises(UsageError, match=r"^--kernel-log needs --dump-xml here: "):
        explain_names.by_log(log, STAND_ALONE)
    silent = explain_log.parse("[1.5] EXT4-fs (drbd0): mounted filesystem\n")
    assert silent is not None
    assert explain_names.by_log(silent, STAND_ALONE) is None
