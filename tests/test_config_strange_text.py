"""connector.toml that nobody writes on purpose: one line in an error, with the place, and soon."""

from __future__ import annotations

from pathlib import Path

import pytest

from connector.config import MAX_LINE_CHARACTERS, load
from connector.errors import ConfigurationError


def refused(folder: Path, text: str) -> str:
    """What is said against it, without the file's name."""
    path = folder / "connector.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError) as caught:
        load(path, {})
    message = str(caught.value)
    assert message.startswith(str(path))
    assert message.isprintable()
    return message.removeprefix(str(path))


def test_a_line_has_a_limit(tmp_path: Path) -> None:
    longest = "#" * MAX_LINE_CHARACTERS
    said = refused(tmp_path, f'{longest}\n{longest}#\n[policy]\nmode = "observe"\n')
    assert said == ":2: a line of more than 5000 characters; break it"
    (tmp_path / "connector.toml").write_text(f"{longest}\n", encoding="utf-8")
    assert load(tmp_path / "connector.toml", {}).by_resource == {}


@pytest.mark.parametrize("separator", ["\u2028", "\u0085", "\u2029"])
def test_only_a_newline_is_the_end_of_a_line(tmp_path: Path, separator: str) -> None:
    said = refused(tmp_path, f"# one{separator}still one\n[policy]\nmood = 1\n")
    assert said.startswith(":3: policy.mood: unknown key")


def test_a_key_that_moves_the_cursor_is_written_out(tmp_path: Path) -> None:
    assert refused(tmp_path, '"a\\u001b[2J\\nb" = 1\n').startswith(r": 'a\x1b[2J\nb': unknown key")


@pytest.mark.parametrize(
    "value",
    ["mode = 0x" + "f" * 4900, "mode" + ".a" * 2400 + " = 1"],
    ids=["digits", "tables"],
)
def test_a_value_that_python_does_not_write_out(tmp_path: Path, value: str) -> None:
    said = refused(tmp_path, f"[policy]\n{value}\n")
    assert said.startswith(": a number of thousands of digits, or tables in tables")


@pytest.mark.parametrize(
    ("written", "line"),
    [
        ("[ policy ]\n mood = 1\n", 2),
        ('[resource."a b"]\n\tmood\t=\t1\n', 2),
        ("[resource . mail] # x\n'mood' = 1\n", 2),
        ("policy.mood = 1\n", 1),
    ],
)
def test_a_key_is_found_however_it_is_written(tmp_path: Path, written: str, line: int) -> None:
    assert refused(tmp_path, written).startswith(f":{line}: ")
