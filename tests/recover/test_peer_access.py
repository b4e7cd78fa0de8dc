"""The files that say whom to trust and with which password to come."""

from __future__ import annotations

import os
import ssl
from pathlib import Path

import pytest

from connector.recover.peer_access import (
    MAX_PASSWORD_FILE_BYTES,
    MAX_PEM_FILE_BYTES,
    Unusable,
    authorization,
    context,
)
from connector.recover.peer_http import fetch
from connector.recover.source import ExporterUrl
from connector.settings import RecoverSettings
from tests.report.web.papers import Papers, basic


def file(path: Path, data: bytes, mode: int = 0o600) -> Path:
    path.write_bytes(data)
    path.chmod(mode)
    return path


@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n"])
def test_a_name_and_a_password(tmp_path: Path, end: bytes) -> None:
    path = file(tmp_path / "password", "beta:w\u00f6nder:2".encode() + end)
    assert authorization(path) == basic("beta", "w\u00f6nder:2")["Authorization"]


@pytest.mark.parametrize(
    ("data", "mode", "why"),
    [
        (b"beta:wonder", 0o640, "can be read by others: chmod 0600 it"),
        (b"beta:wonder", 0o604, "can be read by others: chmod 0600 it"),
        (b"", 0o600, "must hold one line, NAME:PASSWORD"),
        (b"wonder\n", 0o600, "must hold one line, NAME:PASSWORD"),
        (b":wonder\n", 0o600, "must hold one line, NAME:PASSWORD"),
        (b"beta:\n", 0o600, "must hold one line, NAME:PASSWORD"),
        (b"beta:wonder\ngamma:wonder\n", 0o600, "must hold one line, NAME:PASSWORD"),
        (b"b:" + b"x" * MAX_PASSWORD_FILE_BYTES, 0o600, "is longer than 1024 bytes"),
    ],
)
def test_a_file_that_is_not_used(tmp_path: Path, data: bytes, mode: int, why: str) -> None:
    path = file(tmp_path / "password", data, mode)
    with pytest.raises(Unusable) as caught:
        authorization(path)
    assert str(caught.value) == f"[recover] peer_password_file: {path} {why}"


def test_what_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe", 0o600)
    for name, why in (
        ("pipe", "is no file"),
        (".", "is no file"),
        ("none", "cannot be read: No such file or directory"),
    ):
        with pytest.raises(Unusable, match=why):
            authorization(tmp_path / name)
        with pytest.raises(Unusable, match=why):
            context(tmp_path / name)


def test_only_what_stands_in_the_file_is_trusted(tmp_path: Path) -> None:
    Papers(tmp_path)
    made = context(tmp_path / "ca.pem")
    assert made.verify_mode is ssl.CERT_REQUIRED
    assert made.check_hostname
    assert made.minimum_version >= ssl.TLSVersion.TLSv1_2
    assert made.cert_store_stats()["x509"] == 1
    assert context(None).verify_mode is ssl.CERT_REQUIRED


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "has no certificate in PEM format"),
        (b"nothing\n", "has no certificate in PEM format"),
        (b"\xff\xfe", "has no certificate in PEM format"),
        (b" " * (MAX_PEM_FILE_BYTES + 1), "is longer than 1048576 bytes"),
    ],
)
def test_a_file_without_a_certificate(tmp_path: Path, data: bytes, why: str) -> None:
    path = file(tmp_path / "ca.pem", data)
    with pytest.raises(Unusable) as caught:
        context(path)
    assert str(caught.value) == f"[recover] peer_ca: {path} {why}"


def test_where_a_file_cannot_be_used_nobody_is_asked(tmp_path: Path) -> None:
    def never(*_: object) -> None:
        raise AssertionError("it was asked")

    none = tmp_path / "none"
    for wanted in (RecoverSettings(peer_ca=none), RecoverSettings(peer_password_file=none)):
        got = fetch(ExporterUrl(True, "alpha"), "https://alpha", wanted, never)  # type: ignore[arg-type]
        assert got.why_not is not None
        assert got.why_not.endswith(f"{none} cannot be read: No such file or directory")
