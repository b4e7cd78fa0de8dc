"""Where the exporter listens and who may ask it: what `exporter` and `watch` have in common."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path

import click

from connector.report.web.listening import DEFAULT_HOST, exposure, listen
from connector.report.web.protection import InForce, Protect, Protection

Log = Callable[[str], None]

listen_option = click.option(
    "--listen",
    metavar="ADDRESS",
    show_default=DEFAULT_HOST,
    help="The address to listen on.",
)
web_config_option = click.option(
    "--web-config",
    "web_config",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="TLS and passwords: a YAML file as Prometheus' exporters take it.",
)


def protection(web_config: Path | None, log: Log) -> Protect:
    """What gives the protection in force; without a file there is none.

    Raises:
        ConfigurationError: the file, or one that it names, cannot be taken.
    """
    return Protection if web_config is None else InForce(web_config, log)


def listening_at(host: str, port: int, protect: Protect, log: Log) -> socket.socket:
    """A socket that listens there; `log` is told where others on the network can read along.

    Raises:
        NotPermitted, ConnectorError: the address cannot be listened on.
    """
    listening = listen(host, port)
    warning = exposure(listening.getsockname()[0], protect())
    if warning is not None:
        log(f"exporter: {warning}")
    return listening
