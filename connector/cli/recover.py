"""connector recover: a person's recovery of one resource."""

from __future__ import annotations

import sys

import click

from connector.act.lock import pass_lock
from connector.cli.node import this_world
from connector.cli.options import Setup, connector_command
from connector.errors import OperatorNeeded, UsageError
from connector.model import OutcomeKind, Resource
from connector.observe.processes import processes_using
from connector.recover.plan import Plan, lines, plan
from connector.recover.run import carry_out, now
from connector.recover.view import view_lines
from connector.settings import Settings
from connector.world import World

FOLLOW_S = 30.0


@connector_command("recover")
@click.argument("resource")
@click.option(
    "--discard-my-data/--keep-my-data",
    "discard",
    default=None,
    help="Give this node's changes up, or keep them, whatever the evidence says.",
)
@click.option("--yes", is_flag=True, help="Do not ask; for scripts.")
@click.option("--dry-run", is_flag=True, help="Show what is seen and the plan; change nothing.")
def command(setup: Setup, resource: str, discard: bool | None, yes: bool, dry_run: bool) -> int:
    """Bring RESOURCE together again by a person's word.

    Shows what this node sees, the plan with the exact commands and what would be lost, asks for
    the resource's name to be typed, and does this node's part. Refuses to give changes up while
    the resource is in use.
    """
    settings, world = setup.settings(), this_world(setup.root)
    seen = now(world, settings, resource)
    for line in view_lines(seen):
        click.echo(line)
    found = _plan(seen, discard, world)
    for line in lines(found):
        click.echo(line)
    if dry_run or not found.actions:
        return 0
    if not yes:
        _ask(found)
    with pass_lock(settings.run.lock):
        return _carry_out(world, settings, found)


def _plan(seen: Resource, discard: bool | None, world: World) -> Plan:
    try:
        return plan(seen, discard=discard)
    except OperatorNeeded:
        if seen.in_use:
            _say_who(seen, world)
        raise


def _say_who(seen: Resource, world: World) -> None:
    """By what it is in use, and which processes that are."""
    users = sorted({use.where for volume in seen.volumes for use in volume.used_by or ()})
    click.echo(f"connector: {seen.name} is in use by {', '.join(users)}", err=True)
    for user in processes_using(world.root, [volume.minor for volume in seen.volumes]):
        click.echo(f"connector:   process {user.pid} ({user.name}): {user.what}", err=True)


def _ask(found: Plan) -> None:
    """The name typed in full is the person's word."""
    if not sys.stdin.isatty():
        raise UsageError("nobody is there to ask: --yes says it for a script; nothing was done")
    typed = click.prompt(
        f"Type the resource's name ({found.resource}) to do this", default="", show_default=False
    )
    if typed != found.resource:
        raise UsageError(f"{typed!r} is not {found.resource!r}; nothing was done")


def _carry_out(world: World, settings: Settings, found: Plan) -> int:
    outcome = carry_out(world, settings, found, FOLLOW_S)
    for result in outcome.commands:
        click.echo(f"ran: {' '.join(result.argv)}")
    click.echo(f"{found.resource}: {outcome.kind}: {outcome.detail}")
    if outcome.kind is OutcomeKind.RECONNECTED:
        return 0
    if found.peer_commands:
        click.echo("still to be done on the other node:")
        for line in found.peer_commands:
            click.echo(f"    {line}")
    return OperatorNeeded.exit_status
