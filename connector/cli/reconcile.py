"""connector reconcile: one pass."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from connector.act.deadline import deadline
from connector.cli.node import this_world
from connector.cli.options import Setup, connector_command
from connector.errors import LockHeld
from connector.settings import Settings
from connector.world import World

if TYPE_CHECKING:
    from connector.report.passes import PassReport


@connector_command("reconcile")
@click.option("--dry-run", is_flag=True, help="Say what would be done; change nothing.")
@click.option("--resource", metavar="R", help="Only this resource.")
def command(setup: Setup, dry_run: bool, resource: str | None) -> int:
    """One pass, what cron runs: look at every resource, decide, act, report.

    Silent when everything is healthy and standard output is no terminal.
    """
    settings = setup.settings()
    world = this_world(setup.root)
    with deadline(settings.run.deadline_s):
        report = one_pass(world, settings, resource=resource, dry_run=dry_run)
    if setup.as_json:
        from connector.report.as_json import print_json

        print_json(report)
    elif report.eventful or sys.stdout.isatty():
        from connector.report.text import pass_lines

        for line in pass_lines(report):
            click.echo(line)
    for warning in report.messages:
        click.echo(f"connector: {warning}", err=True)
    return report.exit_status


def one_pass(
    world: World, settings: Settings, *, resource: str | None = None, dry_run: bool = False
) -> PassReport:
    """One pass and its traces, without a deadline; what came of it.

    Raises ConnectorError with its exit status, such as LockHeld, which is counted.
    """
    if dry_run:
        from connector.survey import survey

        return survey(world, settings, only=resource, dry_run=True)[0]
    from connector.reconcile import reconcile

    try:
        report = reconcile(world, settings, only=resource)
    except LockHeld:
        _count_contention(settings)
        raise
    from connector.report.publish import publish

    return publish(report, world, settings)


def _count_contention(settings: Settings) -> None:
    from connector.memory.counters import count_contention

    try:
        count_contention(settings.contended_file)
    except OSError as error:
        click.echo(f"connector: {settings.contended_file}: {error.strerror}", err=True)
