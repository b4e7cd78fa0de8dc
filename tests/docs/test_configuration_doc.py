"""docs/configuration.md and the example file say what the code takes."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from connector.config import load
from connector.config_schema import (
    ConfigFile,
    MetricsSection,
    PolicySection,
    RecoverSection,
    RescueSection,
    RunSection,
)
from connector.config_takeover import TakeoverSection
from connector.decide.context import Policy
from connector.settings import (
    DEFAULT_CONFIG,
    RecoverSettings,
    RescueSettings,
    RunSettings,
    Settings,
    TakeoverSettings,
)

from . import pages

PAGE = pages.text("docs/configuration.md")
EXAMPLE = pages.text("contrib/connector.toml")
SECTIONS: dict[str, type[BaseModel]] = {
    "policy": PolicySection,
    "run": RunSection,
    "rescue": RescueSection,
    "recover": RecoverSection,
    "takeover": TakeoverSection,
    "metrics": MetricsSection,
}
TOML_BLOCKS = [
    (page, block) for page in pages.PAGE_NAMES for block in pages.blocks(pages.text(page), "toml")
]


def default_of(section: str, key: str) -> str:
    """The default of a key as it is written in the file, or `none`."""
    if section == "metrics":
        assert Settings().textfile is None
        return "none"
    if section == "recover":
        assert getattr(RecoverSettings(), key) is None
        return "none"
    by_words = {"keep": "always", "otherwise": "refuse", "directory": "none"}
    if section == "rescue" and key in by_words:
        rescue = RescueSettings()
        assert (rescue.keep, rescue.refuse_without, rescue.directory) == (True, True, None)
        return by_words[key]
    if section == "takeover" and key == "holders":
        assert TakeoverSettings().kills_holders is False
        return "name"
    values = {
        "policy": Policy(),
        "run": RunSettings(),
        "rescue": RescueSettings(),
        "takeover": TakeoverSettings(),
    }[section]
    if key == "managed":
        assert isinstance(values, Policy)
        return "act" if values.act_if_managed else "observe"
    value = getattr(values, f"{key}_s") if hasattr(values, f"{key}_s") else getattr(values, key)
    return f"{value:g}" if isinstance(value, int | float) else str(value)


def type_and_limits(schema: dict[str, Any], unit: str = "seconds") -> tuple[str, str]:
    """In the page's words, from the JSON schema of a key."""
    if "enum" in schema:
        return "word", ", ".join(f"`{word}`" for word in schema["enum"])
    if schema["type"] == "string" and "pattern" not in schema:
        return "ssh:HOST or a URL", ""
    if schema["type"] == "string":
        assert schema["pattern"].startswith("^/")
        return "absolute path", ""
    word = "whole number" if schema["type"] == "integer" else unit
    if "exclusiveMinimum" in schema:
        return word, f"above {schema['exclusiveMinimum']:.0f}, up to {schema['maximum']:.0f}"
    return word, f"from {schema['minimum']:.0f} to {schema['maximum']:.0f}"


def expected_rows(section: str) -> list[list[str]]:
    """The table of a section as the code has it."""
    properties = SECTIONS[section].model_json_schema()["properties"]
    found = []
    for key, schema in properties.items():
        unit = key.rpartition("_")[2]
        word, limits = type_and_limits(
            schema["anyOf"][0], unit if unit in ("percent", "days") else "seconds"
        )
        default = default_of(section, key)
        found.append(
            [
                f"`{key}`",
                f"`CONNECTOR_{section}_{key}`".upper(),
                word,
                "none" if default == "none" else f"`{default}`",
                limits,
            ]
        )
    return found


@pytest.mark.parametrize("section", SECTIONS)
def test_the_table_is_that_of_the_code(section: str) -> None:
    written = pages.rows(pages.section(PAGE, f"[{section}]"))
    assert [[cell if cell != "-" else "" for cell in row] for row in written] == expected_rows(
        section
    )


def test_every_section_has_its_table() -> None:
    assert set(ConfigFile.model_fields) == {*SECTIONS, "resource"}
    named = re.findall(r"^## \[(\w+)\]", PAGE, re.MULTILINE)
    assert named == list(SECTIONS)
    assert "`[resource.NAME]`" in PAGE


@pytest.mark.parametrize("section", SECTIONS)
def test_every_key_is_explained(section: str) -> None:
    explained = re.findall(r"^- `(\w+)`:", pages.section(PAGE, f"[{section}]"), re.MULTILINE)
    assert explained == list(SECTIONS[section].model_fields)


@pytest.mark.parametrize("section", SECTIONS)
def test_every_variable_is_taken(section: str) -> None:
    for _, variable, _, default, _ in pages.rows(pages.section(PAGE, f"[{section}]")):
        value = pages.plain(default)
        if value in ("none", "drbdadm"):
            value = "ssh:alpha" if variable.endswith("_PEER`") else "/somewhere/else"
            assert load(None, {pages.plain(variable): value}) != Settings()
        else:
            assert load(None, {pages.plain(variable): value}) == Settings()


def test_the_default_place_is_that_of_the_code() -> None:
    assert f"`{DEFAULT_CONFIG}`" in PAGE


@pytest.mark.parametrize(("page", "block"), TOML_BLOCKS)
def test_an_example_loads(page: str, block: str, tmp_path: Path) -> None:
    file = tmp_path / "connector.toml"
    file.write_text(block, encoding="utf-8")
    assert load(file, {}) != Settings(), f"the example in {page} says nothing"


def test_there_is_an_example_on_the_page() -> None:
    assert "docs/configuration.md" in {page for page, _ in TOML_BLOCKS}


def test_the_example_file_changes_nothing(tmp_path: Path) -> None:
    assert load(pages.PROJECT / "contrib/connector.toml", {}) == Settings()
    assert "[policy]" in EXAMPLE


def test_the_example_file_has_every_key() -> None:
    # Lines that are commented out count: those are settings, not sentences.
    whole = re.sub(r"^# (?=\[resource\.\w+\]$|\w+ = )", "", EXAMPLE, flags=re.MULTILINE)
    data = tomllib.loads(whole)
    for section, model in SECTIONS.items():
        assert list(data[section]) == list(model.model_fields)
    assert list(data["resource"]) == ["mail"]


def test_each_key_of_the_example_file_has_its_reason() -> None:
    lines = EXAMPLE.splitlines()
    for number, line in enumerate(lines):
        if re.match(r"(# )?\w+ = ", line) and "[resource" not in lines[number - 1]:
            above = lines[number - 1]
            # `mode` of the resource stands below its own header.
            assert above.startswith("# "), f"line {number + 1} has no reason above it"
