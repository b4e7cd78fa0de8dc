"""connector exporter: Prometheus metrics and a page for a person, over HTTP."""

from __future__ import annotations

from pathlib import Path

import click

from connector.cli.node import this_world
from connector.cli.options import Setup, connector_command
from connector.cli.serving import listen_option, listening_at, protection, web_config_option
from connector.report import exporter
from connector.report.node_look import exporter_of
from connector.report.web.listening import DEFAULT_HOST, DEFAULT_PORT, announced


@connector_command("exporter")
@listen_option
@click.option(
    "--port",
    default=DEFAULT_PORT,
    show_default=True,
    type=click.IntRange(0, 65535),
    help="The port; 0 takes a free one and prints it.",
)
@web_config_option
def command(setup: Setup, listen: str | None, port: int, web_config: Path | None) -> int:
    """Serve /metrics, /status.json, a page for a person at /, and /-/healthy.

    Until SIGTERM or Ctrl-C. Whatever is asked for, nothing is changed. With --web-config it speaks
    TLS and asks for passwords; docs/metrics.md has an example. `connector watch --port` does the
    same beside its passes.
    """
    settings = setup.settings()
    log = exporter.log_to_stderr
    protect = protection(web_config, log)
    host = listen or DEFAULT_HOST
    listening = listening_at(host, port, protect, log)
    server = exporter_of(this_world(setup.root), settings, listening, protect, log)
    said = f"connector: {announced(host, listening)}"
    exporter.run(server, lambda: click.echo(said, err=True))
    return 0
