"""What a person types wrong, on the command line and in the configuration."""

from __future__ import annotations

import pytest

from tests.cli.stage import Stage

KNOWN_IN_POLICY = "known here: mode, demote_grace, max_attempts, respect_disconnect, managed"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("recncile", "No such command 'recncile'"),
        ("", "Missing command"),
        ("reconcile --frce", "No such option '--frce'"),
        ("reconcile all", "unexpected extra argument (all)"),
        ("reconcile --resource mial", "no resource named 'mial' here; there are: mail, db"),
        ("pause mial", "no resource named 'mial' here; there are: mail, db"),
        ("resume mial", "no resource named 'mial' here; there are: mail, db"),
        ("pause --for two-hours", "'two-hours' is no time: say 90s, 30m, 2h, 1d or 1h30m"),
        ("pause --for 0", "'0' is no time"),
        ("recover", "Missing argument 'RESOURCE'"),
        ("recover mial --yes", "no resource named 'mial' here; there are: mail, db"),
        ("parse no-such-file", "no-such-file: no such file"),
        ("exporter --port 99999", "99999 is not in the range"),
        ("--root", "Option '--root' requires an argument"),
    ],
)
def test_the_command_line(stage: Stage, line: str, words: str) -> None:
    done = stage.run(*line.split())
    assert (done.status, done.out) == (2, "")
    assert words in done.err
    assert stage.calls() == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"[policy]\nmood = 'discard'", f":2: policy.mood: unknown key; {KNOWN_IN_POLICY}"),
        (b"[policy]\nmode = 'discrad'", ":2: policy.mode: Input should be 'observe', 'reconnect'"),
        (b"[resource.mail]\n\nmax_attempts = 0", ":3: resource.mail.max_attempts: Input should"),
        (b"[run]\ndeadline = '50'", ":2: run.deadline: Input should be a valid number"),
        (b"[run]\ncommand_timeout = 60", ":2: run.command_timeout: command_timeout (60 s) must"),
        (b"[polcy]\nmode = 'observe'", ":1: polcy: unknown key; known here: policy, run"),
        (b"[metrics]\ntextfile = 'connector.prom'", ":2: metrics.textfile: "),
        (b"[policy", ": not valid TOML: "),
        (b"[policy]\n# \xff\n", ":2: not UTF-8 text"),
    ],
)
def test_the_configuration(stage: Stage, text: bytes, words: str) -> None:
    path = stage.folder / "connector.toml"
    path.write_bytes(text)
    done = stage.run("--config", str(path), "reconcile")
    assert (done.status, done.out) == (78, "")
    assert done.err.startswith(f"connector: {path}{words}")
    assert stage.pair.calls("beta") == []


def test_two_mistakes_are_told_at_once(stage: Stage) -> None:
    path = stage.config("[policy]\nmood = 1\nmanaged = 'yes'\n")
    done = stage.run("status", "--config", str(path))
    lines = done.err.splitlines()
    assert (done.status, done.out, len(lines)) == (78, "", 2)
    assert {line.split(": ")[1] for line in lines} == {f"{path}:2", f"{path}:3"}


def test_a_file_that_is_not_there_or_is_none(stage: Stage) -> None:
    done = stage.run("--config", "/no/such/file", "reconcile")
    assert (done.status, done.err) == (78, "connector: /no/such/file: no such file\n")
    done = stage.run("--config", str(stage.folder), "reconcile")
    assert done.status == 78
    assert done.err == f"connector: {stage.folder}: cannot be read: Is a directory\n"


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("CONNECTOR_POLICY_MOOD", "discard", f"unknown key; {KNOWN_IN_POLICY}"),
        ("CONNECTOR_POLICY_MAX_ATTEMPTS", "many", "Input should be a valid integer"),
    ],
)
def test_a_variable(stage: Stage, name: str, value: str, words: str) -> None:
    done = stage.run("reconcile", **{name: value})
    assert (done.status, done.out) == (78, "")
    assert done.err.startswith(f"connector: {name}: {words}")
    checked = stage.run("check", **{name: value})
    assert (checked.status, checked.err) == (3, "")
    assert checked.out.startswith(f"DRBD UNKNOWN: {name}: {words}")


@pytest.mark.parametrize("line", ["check --bogus", "check --resource mial", "--no-color check x"])
def test_check_answers_unknown_in_one_line(stage: Stage, line: str) -> None:
    done = stage.run(*line.split())
    assert (done.status, done.err, done.out.count("\n")) == (3, "", 1)
    assert done.out.startswith("DRBD UNKNOWN: ")


def test_a_resource_of_the_configuration_that_is_none(stage: Stage) -> None:
    path = stage.config("[resource.mial]\nmode = 'observe'\n")
    for command in ("status", "reconcile"):  # a healthy pass too: it is no good to wait for trouble
        done = stage.run(command, "--config", str(path))
        assert done.status == 0
        assert done.err == (
            "connector: the configuration has [resource.mial], but there is no such resource "
            "here: mail, db\n"
        )


def test_a_name_that_cannot_be_looked_up_says_why(stage: Stage) -> None:
    stage.pair.set_fault("beta", "refuse:dump-xml")
    done = stage.run("pause", "mail")
    assert (done.status, done.out) == (2, "")
    assert "; the resources' names are not known: drbdadm dump-xml failed" in done.err
