"""connector reconcile: one pass."""

from __future__ import annotations

import sys

import click

from connector.act.deadline import deadline
from connector.cli.node import this_world
from connector.cli.options import Setup, connector_command
from connector.one_pass import one_pass


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
