"""connector check: one line for Nagios and the like."""

from __future__ import annotations

import click

from connector.act.deadline import deadline
from connector.cli.node import this_world
from connector.cli.options import Setup, connector_command
from connector.report.check import check
from connector.survey import survey


@connector_command("check")
@click.option("--resource", metavar="R", help="Only this resource.")
def command(setup: Setup, resource: str | None) -> int:
    """One line: OK, WARNING, CRITICAL or UNKNOWN, with the exit status of a Nagios plugin."""
    settings = setup.settings()
    with deadline(settings.run.deadline_s):
        report, _ = survey(this_world(setup.root), settings, only=resource)
    status, line = check(report)
    click.echo(line)
    return status
