"""connector exporter: Prometheus metrics and a page for a person, over HTTP."""

from __future__ import annotations

import click

from connector.cli.node import this_world
from connector.cli.options import Setup, connector_command
from connector.memory import last_pass
from connector.report import exporter, metrics
from connector.report.page.past import read_past
from connector.report.page.samples import Samples
from connector.report.page.view import view_of
from connector.report.shared_look import Collect, Seen
from connector.settings import Settings
from connector.survey import survey
from connector.world import World


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
    """Serve /metrics, a page for a person at /, and /-/healthy, until SIGTERM or Ctrl-C.

    Whatever is asked for, nothing is changed.
    """
    settings = setup.settings()
    world = this_world(setup.root)
    server = exporter.Exporter(
        _looking(world, settings),
        listen,
        port,
        node=world.host,
        past=lambda: read_past(settings.journal_file),
    )
    click.echo(f"connector: listening on {listen}:{server.server_port}", err=True)
    exporter.run(server)
    return 0


def _looking(world: World, settings: Settings) -> Collect:
    """What looks at this node; the samples of its looks live as long as it does."""
    samples = Samples()

    def collect() -> Seen:
        report, memory = survey(world, settings)
        try:
            last = last_pass.load(settings.last_pass_file)
        except OSError:
            last = None
        now_boot_s = world.clock.boot_s()
        samples.note(now_boot_s, report.resources)
        kept = metrics.metrics_memory(settings, memory.counters, last)
        return Seen(
            registry=metrics.snapshot(report.resources, kept),
            view=view_of(
                report,
                node=world.host,
                now_boot_s=now_boot_s,
                last_pass=last,
                samples=samples.kept(),
            ),
        )

    return collect
