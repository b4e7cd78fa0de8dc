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
from connector.settings import RecoverSettings, RescueSettings, Settings

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

[rescue]
keep = "never"
otherwise = "discard"
directory = "/srv/rescues"
max_size_mib = 100
spare_percent = 2.5
max_age_days = 0.5
copy_timeout = 60

[recover]
peer = "https://alpha:19942"
peer_ca = "/etc/connector/alpha.pem"
peer_password_file = "/etc/connector/alpha-password"

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
    assert settings.rescue == RescueSettings(
        keep=False,
        refuse_without=False,
        directory=Path("/srv/rescues"),
        max_size_mib=100,
        spare_percent=2.5,
        max_age_days=0.5,
        copy_timeout_s=60,
    )
    assert settings.rescues_dir == Path("/srv/rescues")


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


def test_what_is_given_up_is_kept_unless_somebody_says_otherwise(tmp_path: Path) -> None:
    path = tmp_path / "connector.toml"
    path.write_text('[run]\nstate_dir = "/srv/connector"\n')
    settings = load(path, {})
    assert (settings.rescue.keep, settings.rescue.refuse_without) == (True, True)
    assert settings.rescues_dir == Path("/srv/connector/rescues")
    assert settings.rescues_due_file == Path("/srv/connector/rescues-due")
    path.write_text('[rescue]\nkeep = "always"\notherwise = "refuse"\n')
    assert load(path, {}) == Settings()


def test_variables_say_how_it_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "connector.toml"
    path.write_text(FULL)
    variables = {
        "KEEP": "always",
        "OTHERWISE": "refuse",
        "DIRECTORY": "/var/tmp/rescues",
        "MAX_SIZE_MIB": "7",
        "SPARE_PERCENT": "0",
        "MAX_AGE_DAYS": "1.5",
        "COPY_TIMEOUT": "3600",
    }
    settings = load(path, {f"CONNECTOR_RESCUE_{name}": text for name, text in variables.items()})
    expected = RescueSettings(True, True, Path("/var/tmp/rescues"), 7, 0, 1.5, 3600)
    assert settings.rescue == expected
    assert load(path, {"CONNECTOR_RESCUE_KEEP": "always"}).rescue == RescueSettings(
        True, False, Path("/srv/rescues"), 100, 2.5, 0.5, 60
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[policy]\nmodus = "discard"\n', "FILE:2: policy.modus: unknown key; known here: mode,"),
        (
            "[polcy]\n",
            "FILE:1: polcy: unknown key; known here: policy, run, rescue, recover, "
            "takeover, metrics, resource",
        ),
        ('[policy]\n\nmode = "discrad"\n', "FILE:3: policy.mode: Input should be 'observe',"),
        ('[policy]\nmax_attempts = "3"\n', "FILE:2: policy.max_attempts: Input should be a valid"),
        ("[policy]\nmax_attempts = 0\n", "FILE:2: policy.max_attempts: Input should be greater"),
        ("[policy]\ndemote_grace = nan\n", "FILE:2: policy.demote_grace: Input should be"),
        ("[policy]\ndemote_grace = -1\n", "FILE:2: policy.demote_grace: Input should be greater"),
        ('[run]\nlock = "here"\n', "FILE:2: run.lock: must be an absolute path (found 'here')"),
        (
            "[rescue]\nkept = 1\n",
            "FILE:2: rescue.kept: unknown key; known here: keep, otherwise, directory, "
            "max_size_mib, spare_percent, max_age_days, copy_timeout",
        ),
        ('[rescue]\nkeep = "sometimes"\n', "FILE:2: rescue.keep: Input should be 'always' or 'ne"),
        ("[rescue]\nkeep = true\n", "FILE:2: rescue.keep: Input should be 'always' or 'never'"),
        ('[rescue]\notherwise = "ask"\n', "FILE:2: rescue.otherwise: Input should be 'refuse'"),
        ('[rescue]\ndirectory = "here"\n', "FILE:2: rescue.directory: must be an absolute path"),
        ("[rescue]\nmax_size_mib = 0\n", "FILE:2: rescue.max_size_mib: Input should be greater"),
        ("[rescue]\nmax_size_mib = 1.5\n", "FILE:2: rescue.max_size_mib: Input should be a valid"),
        ("[rescue]\nspare_percent = 91\n", "FILE:2: rescue.spare_percent: Input should be less"),
        ("[rescue]\nspare_percent = -1\n", "FILE:2: rescue.spare_percent: Input should be greate"),
        ("[rescue]\nmax_age_days = 0\n", "FILE:2: rescue.max_age_days: Input should be greater"),
        ("[rescue]\nmax_age_days = inf\n", "FILE:2: rescue.max_age_days: Input should be"),
        ("[rescue]\ncopy_timeout = nan\n", "FILE:2: rescue.copy_timeout: Input should be"),
        ("[rescue]\ncopy_timeout = 604801\n", "FILE:2: rescue.copy_timeout: Input should be less"),
        ('[recover]\npeer = "alpha"\n', "FILE:2: recover.peer: must be ssh:HOST, http://HOST:PORT"),
        ('[recover]\npeer = "-"\n', "FILE:2: recover.peer: must be ssh:HOST, http://HOST:PORT"),
        ('[recover]\npeer = ""\n', "FILE:2: recover.peer: must be ssh:HOST, http://HOST:PORT or"),
        ('[recover]\npeer = "ssh:"\n', "FILE:2: recover.peer: '' is no host: say ssh:NAME or ssh"),
        ("[recover]\npeer = 1\n", "FILE:2: recover.peer: Input should be a valid string (found 1)"),
        ('[recover]\npeer = "http://a/b"\n', "FILE:2: recover.peer: that is no exporter's address"),
        ('[recover]\npeer_ca = "ca.pem"\n', "FILE:2: recover.peer_ca: must be an absolute path"),
        (
            "[recover]\npeers = 1\n",
            "FILE:2: recover.peers: unknown key; known here: peer, peer_ca, peer_password_file",
        ),
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


def test_a_password_that_stands_in_the_url_is_not_quoted(tmp_path: Path) -> None:
    told = refused(tmp_path, '[recover]\npeer = "https://root:secret@alpha:1"\n')
    assert told.startswith("FILE:2: recover.peer: a URL with a name or a password in it")
    assert "secret" not in told
    told = refused(tmp_path, "", CONNECTOR_RECOVER_PEER="https://root:secret@alpha:1")
    assert told.startswith("CONNECTOR_RECOVER_PEER: a URL with a name or a password in it")
    assert "secret" not in told


def test_where_the_other_node_is_asked(tmp_path: Path) -> None:
    path = tmp_path / "connector.toml"
    path.write_text(FULL)
    told = load(path, {"CONNECTOR_RECOVER_PEER": "ssh:root@alpha"}).recover
    assert told == RecoverSettings(
        "ssh:root@alpha", Path("/etc/connector/alpha.pem"), Path("/etc/connector/alpha-password")
    )
    assert load(path, {}).recover.peer == "https://alpha:19942"
    path.write_text('[recover]\npeer = "ssh:alpha"\n')
    assert load(path, {}).recover == RecoverSettings("ssh:alpha")


def test_every_mistake_is_named_at_once(tmp_path: Path) -> None:
    told = refused(tmp_path, "[policy]\na = 1\nb = 2\n[run]\nc = 3\n")
    assert [line.split(": ")[0] for line in told.splitlines()] == ["FILE:2", "FILE:3", "FILE:5"]


def test_a_wrong_variable_is_named(tmp_path: Path) -> None:
    told = refused(tmp_path, "", CONNECTOR_POLICY_MOOD="x")
    assert told.startswith("CONNECTOR_POLICY_MOOD: unknown key")
    assert refused(tmp_path, "", CONNECTOR_RUN_DEADLINE="soon").startswith("CONNECTOR_RUN_DEADLINE")
    told = refused(tmp_path, "", CONNECTOR_RESCUE_KEPT="never")
    assert told.startswith("CONNECTOR_RESCUE_KEPT: unknown key; known here: keep, otherwise,")
    told = refused(tmp_path, "", CONNECTOR_RESCUE_KEEP="yes")
    assert told.startswith("CONNECTOR_RESCUE_KEEP: Input should be 'always' or 'never'")
    told = refused(tmp_path, "", CONNECTOR_RESCUES_KEEP="never")
    assert told.startswith("CONNECTOR_RESCUES_KEEP: unknown variable; known are")
    assert "CONNECTOR_RESCUE_…" in told


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
