"""connector exporter: Prometheus metrics over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from connector.cli.node import this_world
from connector.cli.options import Setup, connector_command
from connector.memory import last_pass
from connector.report import exporter, metrics
from connector.survey import survey

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry


@connector_command("exporter")
@click.option(
    "--listen",
    default=exporter.DEFAULT_HOST,
    show_default=True,
    metavar="ADDRESS",
    help="The address to listen on.",
)
@click.option(
    "--port",
    default=exporter.DEFAULT_PORT,
    show_default=True,
    type=click.IntRange(0, 65535),
    help="The port; 0 takes a free one and prints it.",
)
def command(setup: Setup, listen: str, port: int) -> int:
    """Serve /metrics and /-/healthy until SIGTERM or Ctrl-C; a scrape changes nothing."""
    settings = setup.settings()
    world = this_world(setup.root)

    def collect() -> CollectorRegistry:
        report, memory = survey(world, settings)
        try:
            last = last_pass.load(settings.last_pass_file)
        except OSError:
            last = None
        kept = metrics.metrics_memory(settings, memory.counters, last)
        return metrics.snapshot(report.resources, kept)

    server = exporter.Exporter(collect, listen, port)
    click.echo(f"connector: listening on {listen}:{server.server_port}", err=True)
    exporter.run(server)
    return 0
