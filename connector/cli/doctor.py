"""connector doctor: what is wrong around this node, with a fix beside each."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import click

from connector.act.deadline import deadline
from connector.cli.node import this_world
from connector.cli.options import Setup, connector_command
from connector.doctor import own_manifest, peer
from connector.doctor.findings.all_areas import examine
from connector.doctor.manifest import MAX_BYTES
from connector.doctor.peer import Peer
from connector.doctor.reading import Unseen
from connector.doctor.report import exit_status, to_json, to_text
from connector.doctor.surroundings import look
from connector.errors import ConfigurationError, UsageError
from connector.settings import DEFAULT_CONFIG, Settings
from connector.world import World

DEADLINE_S = 180.0
_STANDARD_INPUT = "-"


@connector_command("doctor")
@click.option(
    "--manifest",
    "as_manifest",
    is_flag=True,
    help="Print what the other node needs to compare, as JSON; no content of a file is in it.",
)
@click.option(
    "--peer",
    "peer_source",
    metavar="FILE|-|ssh:HOST",
    help="Compare with the other node's manifest: in FILE, on standard input, or asked by ssh.",
)
def command(setup: Setup, as_manifest: bool, peer_source: str | None) -> int:
    """What is wrong around this node, with a fix beside each; changes nothing.

    It looks at the kernel module, drbd.conf, connector.toml, cron and timers, node_exporter,
    cluster managers, and with --peer at the other node. What it may not look at, it says. With
    --root everything is read below DIR: etc/, proc/, sys/, var/spool/cron/.

    Exit status: 0 in order, 1 warnings, 2 something critical, 3 something could not be looked at.
    """
    if as_manifest and peer_source is not None:
        raise UsageError("--manifest prints this node's, --peer compares: say one of them")
    world = this_world(setup.root)
    with deadline(DEADLINE_S):
        settings, error = _settings(setup)
        seen = look(world, settings, error)
        config = setup.config or DEFAULT_CONFIG
        own = own_manifest.make(world, seen, config)
        if as_manifest:
            click.echo(own.model_dump_json(indent=2))
            return 0
        other = None if peer_source is None else _peer(peer_source, world)
        areas = examine(replace(seen, config=config, own=own, peer=other))
    if setup.as_json:
        click.echo(json.dumps(to_json(seen.host, areas), indent=2))
    else:
        click.echo(to_text(seen.host, areas, color=setup.color))
    return exit_status(areas)


def _settings(setup: Setup) -> tuple[Settings, str | None]:
    """The settings in force; the defaults and what is wrong where they cannot be had."""
    try:
        return setup.settings(), None
    except ConfigurationError as error:
        return Settings(), str(error)


def _peer(source: str, world: World) -> Peer | Unseen:
    if source.startswith(peer.SSH):
        return peer.over_ssh(source.removeprefix(peer.SSH), world.run, world.clock)
    if source == _STANDARD_INPUT:
        data = sys.stdin.buffer.read(MAX_BYTES + 1)
        return peer.from_bytes(data, "standard input", world.clock)
    return peer.from_file(Path(source), world.clock)
