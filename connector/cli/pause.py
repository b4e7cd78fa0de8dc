"""connector pause: the agent keeps its hands off."""

from __future__ import annotations

import click

from connector.cli.lock import lock_for_a_person
from connector.cli.node import this_world
from connector.cli.options import Setup, connector_command, duration_s
from connector.errors import ConnectorError, NotPermitted
from connector.memory import pauses
from connector.memory.pauses import EVERY_RESOURCE, Moment, Pause
from connector.memory.store import moment
from connector.observe.node import look
from connector.settings import Settings
from connector.survey import choose
from connector.world import World


@connector_command("pause")
@click.argument("resource", required=False)
@click.option(
    "--for",
    "for_s",
    callback=duration_s,
    metavar="TIME",
    help="For how long (90s, 30m, 2h, 1d); without it until `connector resume`.",
)
@click.option("--reason", default="no reason given", metavar="TEXT", help="Why; shown in status.")
def command(setup: Setup, resource: str | None, for_s: int | None, reason: str) -> int:
    """Keep the agent's hands off RESOURCE, or off every resource. A pass still looks and tells."""
    settings, world = setup.settings(), this_world(setup.root)
    _must_exist(world, settings, resource)
    name = resource or EVERY_RESOURCE
    with lock_for_a_person(settings, world):
        kept = {**pauses.load(settings.pauses_file), name: _pause(moment(world), for_s, reason)}
        save(settings, kept)
    until = f"for {for_s} s" if for_s else "until `connector resume`"
    click.echo(f"paused {resource or 'every resource'} {until}: {reason}")
    return 0


def _must_exist(world: World, settings: Settings, resource: str | None) -> None:
    """A typing error must not leave the resource that was meant unpaused."""
    if resource is not None:
        choose(look(world, settings), resource)


def _pause(now: Moment, for_s: int | None, reason: str) -> Pause:
    return Pause(
        reason=" ".join(reason.split())[:500],
        since_wall_s=now.wall_s,
        until_wall_s=now.wall_s + for_s if for_s else None,
        until_boot_s=now.boot_s + for_s if for_s else None,
        boot_id=now.boot_id,
    )


def save(settings: Settings, kept: dict[str, Pause]) -> None:
    """Write the pauses.

    Raises:
        NotPermitted, ConnectorError: the state directory cannot be written.
    """
    try:
        pauses.save(settings.pauses_file, kept)
    except PermissionError as error:
        raise NotPermitted(f"{settings.pauses_file}: {error.strerror}; run it as root") from error
    except OSError as error:
        raise ConnectorError(f"{settings.pauses_file}: {error.strerror}") from error
