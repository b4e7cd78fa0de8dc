"""connector status: what is seen, and what would be done."""

from __future__ import annotations

import click

from connector.act.deadline import deadline
from connector.cli.node import this_world
from connector.cli.options import Setup, connector_command
from connector.report.passes import PassReport
from connector.survey import survey

WATCH_INTERVAL_S = 2.0


@connector_command("status")
@click.option("--watch", is_flag=True, help="Show it again every two seconds, until Ctrl-C.")
@click.option("--resource", metavar="R", help="Only this resource.")
def command(setup: Setup, watch: bool, resource: str | None) -> int:
    """What is seen on this node, per resource, and what a pass would do; changes nothing."""
    settings = setup.settings()
    world = this_world(setup.root)
    with deadline(settings.run.deadline_s):
        report, _ = survey(world, settings, only=resource)
    _show(setup, report)
    if not watch:
        return report.exit_status
    try:
        while True:
            world.clock.sleep(WATCH_INTERVAL_S)
            report, _ = survey(world, settings, only=resource)
            if not setup.as_json:
                click.clear()
            _show(setup, report)
    except KeyboardInterrupt:
        return report.exit_status


def _show(setup: Setup, report: PassReport) -> None:
    if setup.as_json:
        from connector.report.as_json import print_json

        print_json(report)
    else:
        from connector.report.tables import console, status_table

        console(color=setup.color).print(status_table(report))
    for message in report.messages:
        click.echo(f"connector: {message}", err=True)
