"""Small files, read within limits."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from connector.doctor.reading import Text, Unseen, read_text, reason


def test_text_with_its_owner_and_mode(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"x\xff\n")
    path.chmod(0o640)
    assert read_text(path) == Text("x\ufffd\n", os.geteuid(), 0o640)
    assert read_text(path, 3) == Text("x\ufffd\n", os.geteuid(), 0o640)
    assert read_text(path, 2) == Unseen(f"{path}: larger than 2 bytes")


@pytest.mark.parametrize("name", ["none", "a/b"])
def test_no_file(tmp_path: Path, name: str) -> None:
    (tmp_path / "a").write_text("")
    assert read_text(tmp_path / name) is None


@pytest.mark.parametrize(("name", "words"), [("x" * 300, "too long"), ("a\0b", "null byte")])
def test_a_name_that_is_none(tmp_path: Path, name: str, words: str) -> None:
    found = read_text(tmp_path / name)
    assert isinstance(found, Unseen)
    assert words in found.why


def test_a_file_that_breaks_off() -> None:
    found = read_text(Path("/proc/self/mem"))
    assert found == Unseen("/proc/self/mem: Input/output error")


def test_the_way_out_where_it_is_a_matter_of_rights() -> None:
    assert reason(PermissionError(13, "Permission denied")) == "may not be read; run it as root"
    assert reason(ValueError("words")) == "words"
    assert reason(OSError("words")) == "words"
