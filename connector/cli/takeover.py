"""connector takeover: make this node the active one."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable

import click

from connector.act.deadline import deadline
from connector.cli.node import this_world
from connector.cli.options import Setup, connector_command
from connector.errors import OperatorNeeded, PassTimedOut
from connector.settings import Settings
from connector.takeover import run, state
from connector.takeover.run import Done
from connector.takeover.steps import printable

# Beside its own time, a call has that for the lock, for undoing, and for the pass after it.
SPARE_S = 30.0


@connector_command("takeover")
@click.argument("resources", nargs=-1, metavar="[RESOURCE]...")
@click.option(
    "--peer-is-gone",
    is_flag=True,
    help="The cluster manager's word that a peer which DRBD still shows as Primary is dead or "
    "fenced: disconnect it.",
)
@click.option("--dry-run", is_flag=True, help="Say what would be done; change nothing.")
@click.option("--status", is_flag=True, help="Only say whether this node is active or passive.")
def command(
    setup: Setup, resources: tuple[str, ...], peer_is_gone: bool, dry_run: bool, status: bool
) -> int:
    """Make this node the active one for RESOURCE, or for every resource: what a cluster manager
    calls.

    Promotes, checks and mounts what the configuration lists, and undoes that where a step fails.
    What is done already is left as it is.
    """
    settings, world = setup.settings(), this_world(setup.root)
    if status:
        return _show_state(setup, state.states(world, settings, resources))
    if dry_run:
        found = run.planned(world, settings, resources, peer_is_gone=peer_is_gone)
        return show(setup, found, "would run", "active already")
    done = bounded(
        settings,
        "takeover",
        lambda: run.take_over(world, settings, resources, said, peer_is_gone=peer_is_gone),
    )
    return show(setup, done, "ran", "active already")


def said(line: str) -> None:
    """A line for a person, on standard error."""
    click.echo(f"connector: {line}", err=True)


def bounded(
    settings: Settings, word: str, work: Callable[[], tuple[Done, ...]]
) -> tuple[Done, ...]:
    """Do the work within the time that the settings give it.

    Raises:
        PassTimedOut: something hung in spite of all bounds; the next call goes on from there.
    """
    takeover = settings.takeover
    seconds = (
        takeover.wait_for_lock_s
        + takeover.deadline_s
        + takeover.command_timeout_s
        + settings.run.deadline_s
        + SPARE_S
    )
    try:
        with deadline(seconds):
            return work()
    except PassTimedOut as error:
        raise PassTimedOut(
            f"{word} hung and was ended after {seconds:g} s: `connector takeover` completes what "
            "was begun, `connector release` undoes it"
        ) from error


def show(setup: Setup, done: Iterable[Done], ran: str, nothing: str) -> int:
    """Print what came of each resource; the exit status."""
    found = tuple(done)
    if setup.as_json:
        click.echo(json.dumps(to_json(found), indent=2))
    else:
        for item in found:
            steps = "; ".join(map(printable, item.steps))
            click.echo(f"{item.resource}: {f'{ran}: {steps}' if steps else nothing}")
    for item in found:
        for warning in item.warnings:
            said(warning)
    return 0


def to_json(done: Iterable[Done]) -> dict[str, object]:
    """What came of each resource, as docs/json.md has it."""
    resources = [
        {
            "name": item.resource,
            "commands": [printable(step) for step in item.steps],
            "warnings": list(item.warnings),
        }
        for item in done
    ]
    return {"schema_version": 1, "resources": resources}


def _show_state(setup: Setup, found: dict[str, state.State]) -> int:
    if setup.as_json:
        resources = [{"name": name, "state": word} for name, word in found.items()]
        click.echo(json.dumps({"schema_version": 1, "resources": resources}, indent=2))
    else:
        for name, word in found.items():
            click.echo(f"{name}: {word}")
    between = state.State.BETWEEN in found.values()
    return OperatorNeeded.exit_status if between else 0
