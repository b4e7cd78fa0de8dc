"""connector release: make this node passive."""

from __future__ import annotations

from dataclasses import replace

import click

from connector.cli.node import this_world
from connector.cli.options import Setup, connector_command
from connector.cli.takeover import bounded, said, show
from connector.errors import OperatorNeeded
from connector.takeover import release


@connector_command("release")
@click.argument("resources", nargs=-1, metavar="[RESOURCE]...")
@click.option(
    "--kill/--no-kill",
    default=None,
    help="End the processes that hold a mount, or only name them; without it as [takeover] holders "
    "in the configuration says.",
)
@click.option("--dry-run", is_flag=True, help="Say what would be done; change nothing.")
def command(setup: Setup, resources: tuple[str, ...], kill: bool | None, dry_run: bool) -> int:
    """Make this node passive for RESOURCE, or for every resource: what a cluster manager calls.

    Unmounts in the reverse order, demotes, and reconnects where the nodes are apart. What is done
    already is left as it is.
    """
    settings, world = setup.settings(), this_world(setup.root)
    if kill is not None:
        settings = replace(settings, takeover=replace(settings.takeover, kills_holders=kill))
    if dry_run:
        return show(
            setup, release.planned(world, settings, resources), "would run", "passive already"
        )
    done = bounded(settings, "release", lambda: release.release(world, settings, resources, said))
    status = show(setup, done, "ran", "passive already")
    return OperatorNeeded.exit_status if any(item.warnings for item in done) else status
