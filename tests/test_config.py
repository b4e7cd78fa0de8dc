"""connector.toml and the CONNECTOR_* variables: what is taken, and what is refused and how."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.config import line_of, load
from connector.decide.context import Policy
from connector.errors import ConfigurationError
from connector.model import Mode
from connector.settings import Settings

FULL = """\
[policy]
mode = "discard"
demote_grace = 30
max_attempts = 5
respect_disconnect = 0
managed = "act"

[run]
deadline = 40
command_timeout = 10.5
settle = 5
lock = "/run/lock/connector"
state_dir = "/srv/connector"
drbdadm = "/opt/drbd/drbdadm"

[metrics]
textfile = "/srv/connector.prom"

[resource.mail]
mode = "observe"

[resource."the db"]
demote_grace = 300
"""


def refused(tmp_path: Path, text: str, **variables: str) -> str:
    """The message with which this file is refused; its own name is FILE."""
    path = tmp_path / "connector.toml"
    path.write_text(text)
    with pytest.raises(ConfigurationError) as caught:
        load(path, variables)
    assert caught.value.exit_status == 78
    return str(caught.value).replace(str(path), "FILE")


def test_everything_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "connector.toml"
    path.write_text(FULL)
    settings = load(path, {})
    assert settings.policy == Policy(Mode.DISCARD, 30, 5, 0, True)
    assert settings.policy_for("mail") == Policy(Mode.OBSERVE, 30, 5, 0, True)
    assert settings.policy_for("the db").demote_grace_s == 300
    assert settings.policy_for("other") == settings.policy
    run = settings.run
    assert (run.deadline_s, run.command_timeout_s, run.settle_s) == (40, 10.5, 5)
    assert (str(run.lock), str(run.state_dir)) == ("/run/lock/connector", "/srv/connector")
    assert run.drbdadm == "/opt/drbd/drbdadm"
    assert str(settings.textfile) == "/srv/connector.prom"


def test_nothing_means_the_defaults(tmp_path: Path) -> None:
    empty = tmp_path / "connector.toml"
    empty.write_text("")
    assert load(empty, {}) == Settings()
    assert load(empty, {"CONNECTOR_CONFIG": "x", "PATH": "/bin"}) == Settings()


def test_variables_beat_the_file(tmp_path: Path) -> None:
    path = tmp_path / "connector.toml"
    path.write_text(FULL)
    settings = load(
        path, {"CONNECTOR_POLICY_MODE": "reconnect", "CONNECTOR_RUN_COMMAND_TIMEOUT": "7.5"}
    )
    assert settings.policy.mode is Mode.RECONNECT
    assert settings.run.command_timeout_s == 7.5
    assert settings.policy_for("mail").mode is Mode.OBSERVE


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[policy]\nmodus = "discard"\n', "FILE:2: policy.modus: unknown key; known here: mode,"),
        ("[polcy]\n", "FILE:1: polcy: unknown key; known here: policy, run, metrics, resource"),
        ('[policy]\n\nmode = "discrad"\n', "FILE:3: policy.mode: Input should be 'observe',"),
        ('[policy]\nmax_attempts = "3"\n', "FILE:2: policy.max_attempts: Input should be a valid"),
        ("[policy]\nmax_attempts = 0\n", "FILE:2: policy.max_attempts: Input should be greater"),
        ("[policy]\ndemote_grace = nan\n", "FILE:2: policy.demote_grace: Input should be"),
        ("[policy]\ndemote_grace = -1\n", "FILE:2: policy.demote_grace: Input should be greater"),
        ('[run]\nlock = "here"\n', "FILE:2: run.lock: must be an absolute path (found 'here')"),
        ("[run]\ndeadline = 10\n", "command_timeout (15 s) must be shorter than deadline (10 s)"),
        (
            "[resource.mail]\nmood = 1\n",
            "FILE:2: resource.mail.mood: unknown key; known here: mode",
        ),
        ("policy = 3\n", "FILE:1: policy: Input should be a valid dictionary"),
        ("[policy\n", "FILE: not valid TOML: Expected ']'"),
        ('[policy]\nmode = "discard"\nmode = "observe"\n', "not valid TOML: Cannot overwrite"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    assert message in refused(tmp_path, text)


def test_every_mistake_is_named_at_once(tmp_path: Path) -> None:
    told = refused(tmp_path, "[policy]\na = 1\nb = 2\n[run]\nc = 3\n")
    assert [line.split(": ")[0] for line in told.splitlines()] == ["FILE:2", "FILE:3", "FILE:5"]


def test_a_wrong_variable_is_named(tmp_path: Path) -> None:
    told = refused(tmp_path, "", CONNECTOR_POLICY_MOOD="x")
    assert told.startswith("CONNECTOR_POLICY_MOOD: unknown key")
    assert refused(tmp_path, "", CONNECTOR_RUN_DEADLINE="soon").startswith("CONNECTOR_RUN_DEADLINE")


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no such file"):
        load(tmp_path / "absent.toml", {})
    with pytest.raises(ConfigurationError, match="cannot be read: Is a directory"):
        load(tmp_path, {})
    bad = tmp_path / "bad.toml"
    bad.write_bytes(b"# fine\n\xff\n")
    with pytest.raises(ConfigurationError, match=r"bad\.toml:2: not UTF-8"):
        load(bad, {})
    bad.write_bytes(b"#" * 2_000_000)
    with pytest.raises(ConfigurationError, match="larger than"):
        load(bad, {})


@given(st.text())
def test_any_text_is_taken_or_refused(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.mktemp("config") / "connector.toml"
    path.write_text(text, encoding="utf-8", errors="replace")
    with suppress(ConfigurationError):
        assert load(path, {}).run.deadline_s > 0


def test_lines_of_keys_in_every_style() -> None:
    text = 'policy.mode = "x"\n[ run ]\n"deadline" = 3\n[resource."a.b"]\nmode = 1\n'
    assert line_of(text, ("policy", "mode")) == 1
    assert line_of(text, ("run", "deadline")) == 3
    assert line_of(text, ("resource", "a.b", "mode")) == 5
    assert line_of(text, ("run", "absent")) == 2
    assert line_of(text, ("metrics",)) is None
