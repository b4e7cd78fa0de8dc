"""connector bundle: one archive with all that somebody who helps would ask for."""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path

import click

from connector.act.deadline import deadline
from connector.bundle.archive import name_of, packed, write_new
from connector.bundle.collect import collect
from connector.bundle.parts import Collected
from connector.bundle.sources import ConnectorToml
from connector.cli.node import this_world
from connector.cli.options import Setup, connector_command
from connector.config import load
from connector.errors import (
    ConfigurationError,
    ConnectorError,
    NotPermitted,
    PassTimedOut,
    UsageError,
)
from connector.settings import DEFAULT_CONFIG, Settings

LIMIT_S = 120.0
ENDING = ".tar.gz"


@connector_command("bundle")
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The archive; without it a name with host and time, in this folder.",
)
@click.option("--list", "only_list", is_flag=True, help="Only show what would be in it.")
@click.option("--yes", is_flag=True, help="Do not ask; for scripts.")
def command(setup: Setup, output: Path | None, only_list: bool, yes: bool) -> int:
    """One archive with all that somebody who helps would ask for, without secrets.

    Shows what goes in and what was removed, asks, and writes a tar.gz that only its owner can read.
    Nothing is sent anywhere. What cannot be read is listed in the archive's README.txt.
    """
    if output is not None:
        _must_be_new(output)
    try:
        with deadline(LIMIT_S):
            collected = _collected(setup)
    except PassTimedOut as error:
        raise ConnectorError(
            f"collecting took longer than {LIMIT_S:g} s; nothing was written. What hangs may be a "
            "file system: look at `dmesg`"
        ) from error
    _show(setup, collected)
    if only_list:
        return 0
    path = output or Path(name_of(collected) + ENDING)
    _must_be_new(path)
    if not yes and not _agreed(path):
        click.echo("nothing was written")
        return 0
    with deadline(LIMIT_S):
        _write(path, collected)
    if not setup.as_json:
        click.echo(f"{path}: written; look into it before you hand it on")
    return 0


def _collected(setup: Setup) -> Collected:
    """A configuration that is wrong is a reason to ask for help, so it ends nothing here."""
    path, problem = setup.config or DEFAULT_CONFIG, None
    try:
        settings = setup.settings()
    except ConfigurationError as error:
        settings = _without_the_file()
        # What was found in a place may be a secret that was put there by mistake.
        problem = re.sub(r"\(found .*\)", "", str(error)) + "; this file was not used here"
    toml = ConnectorToml(path, problem)
    return collect(this_world(setup.root), settings, toml, os.environ)


def _without_the_file() -> Settings:
    """What the variables say, where at least they are right; otherwise the defaults."""
    try:
        return load(Path(os.devnull), os.environ)
    except ConfigurationError:
        return Settings()


def _show(setup: Setup, collected: Collected) -> None:
    if setup.as_json:
        click.echo(json.dumps(_to_json(collected), indent=2))
        return
    for part in collected.parts:
        removed = f"  removed: {part.removed_in_words}" if part.removed else ""
        note = f"  {part.note}" if part.note else ""
        click.echo(f"{len(part.data):>9}  {part.name}{note}{removed}")
    click.echo(f"{collected.size_bytes:>9}  bytes in all, before they are packed")
    for missing in collected.missing:
        click.echo(f"not in it: {missing.name}: {missing.reason}")


def _to_json(collected: Collected) -> dict[str, object]:
    return {
        "schema_version": 1,
        "parts": [
            {
                "name": part.name,
                "size_bytes": len(part.data),
                "removed": dict(sorted(part.removed.items())),
                "note": part.note or None,
            }
            for part in collected.parts
        ],
        "missing": [{"name": item.name, "reason": item.reason} for item in collected.missing],
    }


def _agreed(path: Path) -> bool:
    if not sys.stdin.isatty():
        raise UsageError("nobody is there to ask: --yes says it for a script; nothing was written")
    return click.confirm(f"Write this to {path}?", err=True)


def _must_be_new(path: Path) -> None:
    if not path.parent.is_dir():
        raise UsageError(f"--output: {path.parent} is no folder: make it, or name another one")
    if os.path.lexists(path):
        raise UsageError(f"--output: {path} is there already: remove it, or name another one")


def _write(path: Path, collected: Collected) -> None:
    try:
        write_new(path, packed(collected))
    except FileExistsError as error:
        raise UsageError(f"{path} is there already; nothing was written") from error
    except PermissionError as error:
        raise NotPermitted(f"{path}: {error.strerror}; name another place by --output") from error
    except OSError as error:
        raise ConnectorError(f"{path} cannot be written: {error.strerror}") from error
