"""The Debian package is built, installed, used, removed and purged, in a copy of this machine."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from connector import __version__
from tests.contrib.programs import needed

pytestmark = pytest.mark.slow

PROJECT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
LIMIT_S = 900
UNTRIED = "the Debian package was"


def output_of(*argv: str | Path) -> str:
    done = subprocess.run(
        argv,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-6000:]
    return done.stdout


def built(folder: Path) -> Path:
    """The package; without the tools the test is skipped, or fails where it is required."""
    for program, package in (
        ("dpkg-buildpackage", "dpkg-dev"),
        ("dh", "debhelper"),
        ("dh_python3", "dh-python"),
    ):
        needed(program, package, UNTRIED)
    probe = ("/usr/bin/python3", "-c", "import ensurepip")
    if not Path(probe[0]).exists() or subprocess.run(probe, check=False).returncode != 0:
        # No program goes by that name, so this says what is missing.
        needed("python3-venv", "python3-venv", UNTRIED)
    output_of(sys.executable, PROJECT / "packaging/deb.py", folder)
    [made] = folder.glob("*.deb")
    return made


def may_mount() -> None:
    """Skip, or fail where it is required, where there can be no copy of this machine."""
    probe = ("unshare", "--mount", "--pid", "--fork", "mount", "-t", "tmpfs", "tmpfs", "/mnt")
    overlay = "\toverlay\n" in Path("/proc/filesystems").read_text(encoding="ascii")
    if os.geteuid() == 0 and overlay and subprocess.run(probe, check=False).returncode == 0:
        return
    reason = f"{UNTRIED} built but NOT installed: that takes root and overlayfs"
    if os.environ.get("CONNECTOR_LAB") == "required":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


def test_the_versions_agree() -> None:
    first = (PROJECT / "debian/changelog").read_text(encoding="utf-8").splitlines()[0]
    assert first.startswith(f"drbd-connector ({__version__}) ")


def test_it_is_built_installed_used_and_leaves_nothing(tmp_path: Path) -> None:
    package = built(tmp_path)
    assert package.name.startswith(f"drbd-connector_{__version__}_")
    files = set(re.findall(r" \./(\S*[^/\s])$", output_of("dpkg", "-c", package), re.MULTILINE))
    assert {
        *("usr/sbin/connector", "usr/lib/drbd-connector/connector/__init__.py"),
        *("lib/systemd/system/connector.timer", "lib/systemd/system/connector-watch.service"),
        *("usr/share/man/man8/connector.8.gz", "usr/share/man/man5/connector.toml.5.gz"),
        "usr/share/bash-completion/completions/connector",
        "usr/share/zsh/vendor-completions/_connector",
        "usr/share/fish/vendor_completions.d/connector.fish",
        "usr/share/doc/drbd-connector/examples/connector.toml",
        "usr/share/doc/drbd-connector/examples/cron/connector",
        "usr/share/doc/drbd-connector/examples/heartbeat/connector-resource",
        "usr/share/doc/drbd-connector/examples/heartbeat/connector-services",
    } <= files
    assert not [name for name in files if name.startswith(("etc/", "var/", "usr/local/"))]
    assert not [name for name in files if "hatchling" in name or "/pip/" in name]

    may_mount()
    (tmp_path / "memory").mkdir()
    unshared = ("unshare", "--mount", "--pid", "--fork")
    said = output_of(*unshared, "sh", HERE / "in_overlay.sh", tmp_path, package)
    assert f"connector {__version__}\n" in said
    assert "no DRBD here: /tmp/proc/drbd does not exist" in said
    for line in (
        *("status: 69", "bundle: written", "state: made", "state: kept by remove"),
        "completion: status",
    ):
        assert f"\n{line}\n" in said, said
    assert "starts by itself" not in said
    asked = re.findall(r"^(\w+) asks systemd: .*?(\S*(?:start|stop|enable).*)", said, re.MULTILINE)
    assert asked == [
        ("upgrade", "try-restart connector-watch.service"),
        ("remove", "stop connector.timer connector-watch.service"),
    ], said
    # No .pyc was written by a run: the installation compiles them, and a removal knows them.
    assert "\n/usr/lib/drbd-connector" not in said
    assert (tmp_path / "left").read_text(encoding="utf-8") == ""
    kept = (tmp_path / "rescues").read_text(encoding="utf-8").split()
    assert kept == ["/var/lib/connector/rescues", "/var/lib/connector/rescues/mail"]
    assert "copies of data that was given up stay in" in said
    assert not Path("/usr/lib/drbd-connector").exists()
