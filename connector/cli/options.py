"""The options that every command takes, before its name or after it."""

from __future__ import annotations

import functools
import os
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from connector.config import load
from connector.settings import Settings

_CONFIG = click.option(
    "--config",
    type=click.Path(path_type=Path),
    metavar="FILE",
    envvar="CONNECTOR_CONFIG",
    help="Configuration file; without it /etc/connector/connector.toml, if there is one.",
)
_ROOT = click.option(
    "--root",
    type=click.Path(path_type=Path),
    metavar="DIR",
    envvar="CONNECTOR_ROOT",
    help="Read proc/, sys/ and dev/kmsg below DIR; programs are still run from PATH.",
)
_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")
_COLOR = click.option("--no-color", is_flag=True, help="No colours; NO_COLOR does the same.")
_VERBOSE = click.option(
    "-v", "--verbose", is_flag=True, help="Show where an internal error came from."
)

Command = Callable[..., Any]

_UNITS_S = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
LONGEST_S = 366 * 86400


def _parameters() -> list[click.Parameter]:
    def nothing() -> None:
        """Carries the options."""

    for option in (_VERBOSE, _COLOR, _JSON, _ROOT, _CONFIG):
        option(nothing)
    command = click.command()(nothing)
    return command.params


COMMON = _parameters()
_NAMES = tuple(parameter.name for parameter in COMMON)


@dataclass(frozen=True, slots=True)
class Setup:
    """What the common options say."""

    config: Path | None = None
    root: Path = Path("/")
    as_json: bool = False
    no_color: bool = False
    verbose: bool = False

    @classmethod
    def from_flags(cls, given: Mapping[str, Any]) -> Setup:
        """From click's values."""
        return cls().over(given)

    def over(self, given: Mapping[str, Any]) -> Setup:
        """The same with what was said after the command's name."""
        return Setup(
            config=given["config"] or self.config,
            root=given["root"] or self.root,
            as_json=given["as_json"] or self.as_json,
            no_color=given["no_color"] or self.no_color,
            verbose=given["verbose"] or self.verbose,
        )

    def settings(self) -> Settings:
        """The settings in force.

        Raises:
            ConfigurationError: see `connector.config.load`.
        """
        return load(self.config, os.environ)

    @property
    def color(self) -> bool:
        """Whether colours may be used on standard output."""
        return not (self.no_color or os.environ.get("NO_COLOR")) and sys.stdout.isatty()


def connector_command(name: str) -> Callable[[Command], click.Command]:
    """A click command whose function gets a Setup, made of the options before and after it."""

    def decorate(function: Command) -> click.Command:
        @functools.wraps(function)
        def call(*args: Any, **given: Any) -> Any:
            common = {name: given.pop(name) for name in _NAMES}
            before = click.get_current_context().find_object(Setup) or Setup()
            return function(before.over(common), *args, **given)

        # functools.wraps takes the options along that the function's decorators left on it.
        make = click.command(name, context_settings={"help_option_names": ["-h", "--help"]})
        made: click.Command = make(call)
        made.params += COMMON
        return made

    return decorate


def duration_s(_ctx: click.Context, _parameter: click.Parameter, value: str | None) -> int | None:
    """`90`, `30m`, `2h`, `1d` or `1h30m` in seconds, for an option's callback."""
    if value is None:
        return None
    parts = re.findall(r"([0-9]{1,9})([smhd]?)", value)
    whole = "".join(number + unit for number, unit in parts)
    seconds = sum(int(number) * _UNITS_S[unit] for number, unit in parts)
    if whole != value or not 0 < seconds <= LONGEST_S:
        raise click.BadParameter(f"{value!r} is no time: say 90s, 30m, 2h, 1d or 1h30m")
    return seconds
