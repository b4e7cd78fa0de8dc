"""connector parse: /proc/drbd text to JSON."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from connector.cli.options import Setup, connector_command
from connector.errors import ConnectorError, NoDrbd, NotPermitted
from connector.observe import proc_drbd
from connector.report.parsed import to_json


@connector_command("parse")
@click.argument("file", required=False)
def command(setup: Setup, file: str | None) -> int:
    """Print /proc/drbd text as JSON: of FILE, of standard input (-), or of this machine.

    Exit status 0 where everything could be read, 1 where there are problems.
    """
    parsed = proc_drbd.parse(text_of(setup, file))
    click.echo(json.dumps(to_json(parsed), indent=2))
    return 1 if parsed.problems else 0


def text_of(setup: Setup, file: str | None) -> bytes:
    """The bytes of FILE, of standard input (-), or of this machine's /proc/drbd, bounded."""
    if file == "-":
        return sys.stdin.buffer.read(proc_drbd.MAX_BYTES + 1)
    path = Path(file) if file is not None else setup.root / "proc/drbd"
    try:
        with path.open("rb") as stream:
            return stream.read(proc_drbd.MAX_BYTES + 1)
    except FileNotFoundError as error:
        if file is None:
            raise NoDrbd(f"no DRBD here: {path} does not exist") from error
        raise click.BadParameter(f"{path}: no such file", param_hint="FILE") from error
    except PermissionError as error:
        raise NotPermitted(f"{path} may not be read: run connector as root") from error
    except OSError as error:
        raise ConnectorError(f"{path} cannot be read: {error.strerror}") from error
