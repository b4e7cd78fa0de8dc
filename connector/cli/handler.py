"""connector handler: what drbd.conf's handlers call."""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Mapping

import click

from connector.cli.options import Setup, connector_command
from connector.errors import ConnectorError, NotPermitted
from connector.memory import journal
from connector.watch import doorbell

# DRBD waits for its handlers, with the resource's I/O where that was suspended: the kernel ends us
# then (SIGALRM's default action), whatever the disk for our own files does.
LIMIT_S = 5.0
MAX_BYTES = 256 * 1024
MAX_VARIABLES = 40
MAX_CHARACTERS = 200
_EVENT = re.compile(r"[a-z0-9][a-z0-9-]{0,40}")
_UNPRINTABLE = re.compile(r"[^\x20-\x7e]")


@connector_command("handler")
@click.argument("event")
def command(setup: Setup, event: str) -> int:
    """Note that DRBD called the handler EVENT (such as split-brain), and wake `connector watch`.

    It is called from drbd.conf, with what DRBD says in DRBD_* variables:
    handlers { split-brain "/usr/local/sbin/connector handler split-brain"; }
    Nothing is done to DRBD, whatever the event is.
    """
    signal.signal(signal.SIGALRM, signal.SIG_DFL)  # whoever called us may ignore it
    signal.setitimer(signal.ITIMER_REAL, LIMIT_S)
    if not _EVENT.fullmatch(event):
        raise click.BadParameter(f"{event!r} is no name of a handler, such as split-brain")
    settings = setup.settings()
    # Woken first: that takes no disk.
    told = variables(os.environ)
    try:
        doorbell.ring(doorbell.place(settings.run.lock), woken_by(event, told))
    except PermissionError:
        pass  # said below, where the record cannot be written either
    except OSError as error:
        click.echo(f"connector: the watch cannot be woken: {error.strerror}", err=True)
    stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    try:
        journal.append(
            settings.handlers_file, {"at": stamp, "handler": event, "drbd": told}, MAX_BYTES
        )
    except OSError as error:
        kind = NotPermitted if isinstance(error, PermissionError) else ConnectorError
        cure = "; run connector as root" if kind is NotPermitted else ""
        why = f"{settings.handlers_file}: cannot be written: {error.strerror}{cure}"
        raise kind(why) from error
    return 0


def variables(environment: Mapping[str, str]) -> dict[str, str]:
    """The DRBD_* variables (drbd.conf(5), "handlers"), made printable, and bounded."""
    found = (name for name in environment if name.startswith("DRBD_"))
    # DRBD 9 has several for each volume: the resource's name must not be among those left out.
    names = sorted(found, key=lambda name: (name != "DRBD_RESOURCE", name))
    return {_printable(name): _printable(environment[name]) for name in names[:MAX_VARIABLES]}


def woken_by(event: str, told: Mapping[str, str]) -> str:
    """What the watch writes into its log: the handler and the resource that it was called for."""
    return f"handler {event} {told.get('DRBD_RESOURCE', '')}".strip()


def _printable(text: str) -> str:
    return _UNPRINTABLE.sub("?", text[:MAX_CHARACTERS])
