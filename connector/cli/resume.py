"""connector resume: the end of a pause, and of giving up."""

from __future__ import annotations

import click

from connector.cli.lock import lock_for_a_person
from connector.cli.node import this_world
from connector.cli.options import Setup, connector_command
from connector.cli.pause import save
from connector.errors import ConnectorError, UsageError
from connector.memory import incidents, pauses
from connector.memory.pauses import EVERY_RESOURCE
from connector.memory.store import moment
from connector.observe.node import look
from connector.survey import choose


@connector_command("resume")
@click.argument("resource", required=False)
def command(setup: Setup, resource: str | None) -> int:
    """End a pause of RESOURCE, or every pause; attempts are counted from 0 again."""
    settings, world = setup.settings(), this_world(setup.root)
    with lock_for_a_person(settings, world):
        kept = dict(pauses.load(settings.pauses_file))
        if resource is not None and resource not in kept and EVERY_RESOURCE in kept:
            raise UsageError(
                f"{resource} is paused together with every resource: `connector resume` ends that"
            )
        ended = [resource] if resource is not None else list(kept)
        was_paused = [name for name in ended if kept.pop(name, None) is not None]
        try:
            known, _ = incidents.load(settings.incidents_file, moment(world).boot_id)
            if resource is not None and not was_paused and resource not in known.by_resource:
                choose(look(world, settings), resource)
            save(settings, kept)
            for name in [resource] if resource is not None else list(known.by_resource):
                known = known.closed(name)
            incidents.save(settings.incidents_file, known)
        except OSError as error:
            raise ConnectorError(f"{settings.incidents_file}: {error.strerror}") from error
    shown = ", ".join("every resource" if n == EVERY_RESOURCE else n for n in was_paused)
    click.echo(f"resumed {shown}" if shown else "nothing was paused")
    click.echo("attempts are counted from 0 again")
    return 0
