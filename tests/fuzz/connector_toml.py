"""connector.toml: what is accepted is in force as written, and everything else is told."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from connector.config import load
from connector.decide.context import Policy
from connector.errors import ConfigurationError
from connector.settings import MountSettings, RescueSettings, Settings, TakeoverSettings
from tests.fuzz.entry import PROJECT, Entry, is_one_line


def run(data: bytes, folder: Path) -> None:
    """Load it as a file that was named."""
    path = folder / "connector.toml"
    path.write_bytes(data)
    try:
        settings = load(path, {})
    except ConfigurationError as error:
        for line in str(error).split("\n"):
            assert line.startswith(str(path))
            assert is_one_line(line)
        return
    _check_in_force(tomllib.loads(data.decode("utf-8")), settings)


def _check_in_force(written: dict[str, Any], settings: Settings) -> None:
    """Every key of the file is a known one, and has its effect."""
    known = {"policy", "run", "rescue", "recover", "takeover", "metrics", "resource"}
    assert written.keys() <= known
    _check_policy(written.get("policy", {}), settings.policy)
    assert settings.by_resource.keys() == written.get("resource", {}).keys()
    for name, section in written.get("resource", {}).items():
        _check_mounts(section.pop("mount", []), settings.mounts.get(name, ()))
        _check_policy({**written.get("policy", {}), **section}, settings.policy_for(name))
    run_settings = settings.run
    in_force = {
        "deadline": run_settings.deadline_s,
        "command_timeout": run_settings.command_timeout_s,
        "settle": run_settings.settle_s,
        "wait_for_lock": run_settings.wait_for_lock_s,
        "lock": str(run_settings.lock),
        "state_dir": str(run_settings.state_dir),
        "drbdadm": run_settings.drbdadm,
    }
    for key, value in written.get("run", {}).items():
        assert in_force[key] == (str(Path(value)) if key in ("lock", "state_dir") else value)
    assert 0 < run_settings.command_timeout_s < run_settings.deadline_s
    _check_rescue(written.get("rescue", {}), settings.rescue)
    _check_takeover(written.get("takeover", {}), settings.takeover)
    recover = settings.recover
    asked = {
        "peer": recover.peer,
        "peer_ca": recover.peer_ca,
        "peer_password_file": recover.peer_password_file,
    }
    for key, value in written.get("recover", {}).items():
        assert asked[key] == (value if key == "peer" else Path(value))
    textfile = written.get("metrics", {}).get("textfile")
    assert settings.textfile == (None if textfile is None else Path(textfile))


def _check_rescue(written: dict[str, Any], rescue: RescueSettings) -> None:
    in_force = {
        "keep": "always" if rescue.keep else "never",
        "otherwise": "refuse" if rescue.refuse_without else "discard",
        "max_size_mib": rescue.max_size_mib,
        "spare_percent": rescue.spare_percent,
        "max_age_days": rescue.max_age_days,
        "copy_timeout": rescue.copy_timeout_s,
    }
    for key, value in written.items():
        if key == "directory":
            assert rescue.directory == Path(value)
        else:
            assert in_force[key] == value


def _check_takeover(written: dict[str, Any], takeover: TakeoverSettings) -> None:
    in_force = {
        "deadline": takeover.deadline_s,
        "command_timeout": takeover.command_timeout_s,
        "wait_for_lock": takeover.wait_for_lock_s,
        "wait_for_peer": takeover.wait_for_peer_s,
        "holders": "kill" if takeover.kills_holders else "name",
        "kill_signal": takeover.kill_signal,
        "kill_after": takeover.kill_after_s,
    }
    assert {key: in_force[key] for key in written} == written


def _check_mounts(written: list[dict[str, Any]], mounts: Sequence[MountSettings]) -> None:
    """Each is there, in its order, with what it says and the defaults."""
    usual = {"volume": 0, "options": "", "fsck": "auto"}
    in_force = [
        {
            "volume": mount.volume,
            "where": mount.where,
            "type": mount.fstype,
            "options": mount.options,
            "fsck": mount.fsck,
        }
        for mount in mounts
    ]
    assert in_force == [{**usual, **section} for section in written]


def _check_policy(written: dict[str, Any], policy: Policy) -> None:
    in_force = {
        "mode": policy.mode.value,
        "demote_grace": policy.demote_grace_s,
        "max_attempts": policy.max_attempts,
        "respect_disconnect": policy.respect_disconnect_s,
        "managed": "act" if policy.act_if_managed else "observe",
    }
    assert {key: in_force[key] for key in written} == written
    assert policy.demote_grace_s >= 0
    assert policy.max_attempts >= 1


def _seeds() -> Iterator[bytes]:
    """The example file, as it is and with everything in force, and each fault once."""
    example = (PROJECT / "contrib" / "connector.toml").read_bytes()
    lines = [line for line in example.splitlines() if b" = " in line or b"[" in line]
    told = [line for line in lines if not line.startswith(b"#")]
    yield b"\n".join(told) + b"\n"
    yield b"\n".join(line.removeprefix(b"# ") for line in lines if line.count(b" ") < 6) + b"\n"
    yield b'[policy]\nmode = "discard"\n[resource.mail]\nmanaged = "act"\nmax_attempts = 1\n'
    yield b'[policy]\nmode = "reconect"\nmax_attempts = 0\ndemote_grace = -1\n[polcy]\nx = 1\n'
    yield b'[run]\ndeadline = 6\ncommand_timeout = 5.5\nlock = "run/lock"\nsettle = inf\n'
    yield b'[takeover]\nholders = "kill"\n[[resource.mail.mount]]\nwhere = "/srv/a"\ntype = "xfs"\n'
    yield b'resource.db.mode = "observe"\nrun = {deadline = 45, drbdadm = "/sbin/drbdadm"}\n'


CONNECTOR_TOML = Entry(
    "connector_toml",
    run,
    _seeds,
    words=(
        *("[policy]\n", "[run]\n", "[metrics]\n", "[resource.mail]\n", "mode = ", '"discard"'),
        *('"reconnect"', '"observe"', '"act"', "demote_grace = ", "max_attempts = ", "managed = "),
        *("respect_disconnect = ", "deadline = ", "command_timeout = ", "settle = ", "lock = "),
        *("state_dir = ", "drbdadm = ", "textfile = ", '"/a/b"', "'''", '"""', "[[", "{", "}", "."),
        *("inf", "nan", "0x1F", "1e9", "true", "1979-05-27T07:32:00Z", "\\u0000", "\\U0010FFFF"),
    ),
)
