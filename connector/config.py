"""Settings from connector.toml and CONNECTOR_* variables; flags are applied by the caller.

pydantic is imported only where there is something to check: a pass without a file needs none.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from connector.errors import ConfigurationError
from connector.settings import DEFAULT_CONFIG, Settings

MAX_BYTES = 1024 * 1024
MAX_LINE_CHARACTERS = 5000  # tomllib takes the square of the parts of a dotted key
_SECTIONS = ("policy", "run", "rescue", "recover", "takeover", "metrics")
# Variables that are no settings: options of the command line, and the project's own tests.
_OTHER = re.compile(r"CONNECTOR_(CONFIG|ROOT|LAB|LAB_[A-Z_]+)")
_VARIABLE = re.compile(r"CONNECTOR_(POLICY|RUN|RESCUE|RECOVER|TAKEOVER|METRICS)_([A-Z0-9_]+)")


def load(path: Path | None, environment: Mapping[str, str]) -> Settings:
    """The settings in force: variables beat the file, the file beats the defaults.

    Args:
        path: a file that must exist, or None for the default place, where none is fine.
        environment: where CONNECTOR_POLICY_MODE and the like are looked up.

    Raises:
        ConfigurationError: unreadable, not TOML, an unknown key or a wrong value; the message
            names the file or variable, the key, the line, and what is expected there.
    """
    _refuse_strangers(environment)
    text = _read(path)
    variables = {name: value for name, value in environment.items() if _VARIABLE.fullmatch(name)}
    if text is None and not variables:
        return Settings()
    from connector.config_schema import validate

    shown = path or DEFAULT_CONFIG
    data = {} if text is None else _parse(text, shown)
    for name, value in variables.items():
        _put(data, name, value)
    try:
        return validate(data, lambda where: _where(where, text or "", shown, variables))
    except (ValueError, RecursionError) as error:
        # What is wrong is quoted, and Python writes no such value out.
        raise ConfigurationError(
            f"{shown}: a number of thousands of digits, or tables in tables a thousand deep; "
            "no key has such a value"
        ) from error


def _refuse_strangers(environment: Mapping[str, str]) -> None:
    """A misspelt variable must not leave somebody believing that it is in force."""
    for name in environment:
        if not name.startswith("CONNECTOR_") or _OTHER.fullmatch(name):
            continue
        if not _VARIABLE.fullmatch(name):
            raise ConfigurationError(
                f"{name}: unknown variable; known are CONNECTOR_CONFIG, CONNECTOR_ROOT, and "
                "CONNECTOR_POLICY_…, CONNECTOR_RUN_…, CONNECTOR_RESCUE_…, CONNECTOR_RECOVER_…, "
                "CONNECTOR_TAKEOVER_… and CONNECTOR_METRICS_… with a key's name"
            )


def _read(path: Path | None) -> str | None:
    shown = path or DEFAULT_CONFIG
    try:
        with shown.open("rb") as stream:
            raw = stream.read(MAX_BYTES + 1)
    except FileNotFoundError as error:
        if path is None:
            return None
        raise ConfigurationError(f"{shown}: no such file") from error
    except OSError as error:
        raise ConfigurationError(f"{shown}: cannot be read: {error.strerror}") from error
    if len(raw) > MAX_BYTES:
        raise ConfigurationError(f"{shown}: larger than {MAX_BYTES} bytes")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise ConfigurationError(f"{shown}:{line}: not UTF-8 text") from error


def _parse(text: str, shown: Path) -> dict[str, Any]:
    import tomllib

    for number, line in enumerate(text.split("\n"), 1):
        if len(line) > MAX_LINE_CHARACTERS:
            raise ConfigurationError(
                f"{shown}:{number}: a line of more than {MAX_LINE_CHARACTERS} characters; break it"
            )
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError, ValueError) as error:
        raise ConfigurationError(f"{shown}: not valid TOML: {error}") from error


def _put(data: dict[str, Any], variable: str, value: str) -> None:
    """A variable's words in the place of the key it stands for."""
    _, section_name, key = variable.lower().split("_", 2)
    section = data.setdefault(section_name, {})
    if isinstance(section, dict):
        section[key] = _number_or_text(value)


def _number_or_text(value: str) -> int | float | str:
    if re.fullmatch(r"-?[0-9]{1,18}", value):
        return int(value)
    if re.fullmatch(r"-?[0-9]{1,18}\.[0-9]{1,18}", value):
        return float(value)
    return value


def _where(location: tuple[str, ...], text: str, shown: Path, variables: Mapping[str, str]) -> str:
    """Where a key stands: the variable's name, or file, line and dotted key."""
    if len(location) == 2 and location[0] in _SECTIONS:
        name = f"CONNECTOR_{location[0]}_{location[1]}".upper()
        if name in variables:
            return name
    line = line_of(text, location)
    place = f"{shown}:{line}" if line else str(shown)
    key = ".".join(location)
    return f"{place}: {key if key.isprintable() else ascii(key)}"


def line_of(text: str, location: tuple[str, ...]) -> int | None:
    """The line, counted from 1, on which a key of a TOML text stands; None where not found.

    tomllib keeps no positions. Tables with headers are followed; where a key is written in
    another way (dotted, inline), the nearest line that names its table is given. The tables of an
    array ([[…]]) are counted from 0.
    """
    tables: dict[tuple[str, ...], int] = {}
    best: tuple[int, int] | None = None
    section: tuple[str, ...] = ()
    # Only a newline ends a line of TOML. Possessive, so that no line takes longer than its length.
    for number, line in enumerate(text.split("\n"), 1):
        header = re.match(r"\s*+\[++([^\]]++)\]", line)
        key = re.match(r"([^=#\[]++)=", line)
        if header:
            section = _dotted(header[1])
            if line.lstrip().startswith("[["):
                tables[section] = tables.get(section, -1) + 1
                section = (*section, str(tables[section]))
            here = section
        elif key:
            here = section + _dotted(key[1])
        else:
            continue
        depth = len(here)
        fits = depth <= len(location) and location[:depth] == here
        if fits and depth and (best is None or depth > best[0]):
            best = (depth, number)
    return best[1] if best else None


def _dotted(words: str) -> tuple[str, ...]:
    parts = re.findall(r'"([^"]*)"|\'([^\']*)\'|([^.\s"\']+)', words)
    return tuple(a or b or c for a, b, c in parts)
