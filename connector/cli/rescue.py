"""connector rescue: what was kept before it was given up."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from pathlib import Path

import click

from connector.cli.lock import lock_for_a_person
from connector.cli.node import this_world
from connector.cli.options import Setup, connector_command
from connector.errors import UsageError
from connector.observe.node import look
from connector.report import kept_text
from connector.rescue import drop, export, keep, mounting, shelf
from connector.rescue.compare import differences
from connector.rescue.kept import Rescue
from connector.settings import Settings
from connector.survey import choose

_NOTHING = "no rescues are kept here"


@connector_command("list")
def list_command(setup: Setup) -> int:
    """What is kept on this node, oldest first."""
    settings, world = setup.settings(), this_world(setup.root)
    kept = _read(settings)
    if setup.as_json:
        click.echo(json.dumps(kept_text.to_json(kept.rescues, world.clock.wall_s()), indent=1))
    elif kept.rescues:
        for line in kept_text.table(kept.rescues, world.clock.wall_s()):
            click.echo(line)
    else:
        click.echo(f"{_NOTHING} ({settings.rescues_dir})")
    for problem in kept.problems:
        click.echo(f"connector: {problem}", err=True)
    return 1 if kept.problems else 0


@connector_command("show")
@click.argument("name")
def show_command(setup: Setup, name: str) -> int:
    """Look whether the rescue NAME is whole, and say what can be done with it."""
    settings, world = setup.settings(), this_world(setup.root)
    found = _find(settings, name)
    why = found.lost or drop.why_lost(world, settings, found)
    now = found.model_copy(update={"lost": why})
    if setup.as_json:
        click.echo(json.dumps(kept_text.to_json([now], world.clock.wall_s()), indent=1))
    else:
        for line in kept_text.lines(now, settings.rescues_dir, world.clock.wall_s()):
            click.echo(line)
    return 1 if why else 0


@connector_command("keep")
@click.argument("resource")
def keep_command(setup: Setup, resource: str) -> int:
    """Keep what this node holds of RESOURCE now, and take the time that it needs.

    For what is too large to be copied within a pass: the next pass finds the copy and goes on
    from there, as long as nothing is written meanwhile. Passes do nothing until it is done.
    """
    settings, world = setup.settings(), this_world(setup.root)
    began_s = world.clock.boot_s()

    def time_left_s() -> float:
        return settings.rescue.copy_timeout_s - (world.clock.boot_s() - began_s)

    with lock_for_a_person(settings, world):
        since_s = world.clock.wall_s()
        (seen,) = choose(look(world, settings), resource)
        wanted = keep.Wanted(seen, "a person's word: connector rescue keep", time_left_s)
        kept = keep.keep(world, settings, wanted)
        if kept is not None and kept.copies_bytes:
            (now,) = choose(look(world, settings), resource)
            keep.must_be_unchanged(world, settings, kept, now, since_wall_s=since_s)
    if setup.as_json:
        rescues = [kept] if kept else []
        click.echo(json.dumps(kept_text.to_json(rescues, world.clock.wall_s()), indent=1))
    elif kept is None:
        click.echo(f"{resource} has no changes here that its peer has not: nothing to keep")
    else:
        for line in kept_text.lines(kept, settings.rescues_dir, world.clock.wall_s()):
            click.echo(line)
    return 0


@connector_command("mount")
@click.argument("name")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--volume", type=int, metavar="N", help="Which volume, where there are several.")
@click.option(
    "--compare",
    "healed",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    metavar="DIR",
    help="Then list what differs from the healed file system, which is mounted at DIR.",
)
def mount_command(
    setup: Setup, name: str, folder: Path, volume: int | None, healed: Path | None
) -> int:
    """Mount the rescued file system read-only at FOLDER; `umount FOLDER` ends that."""
    settings, world = setup.settings(), this_world(setup.root)
    found = _find(settings, name)
    item = mounting.volume_of(found, volume)
    source = mounting.source_of(settings.rescues_dir, found, item)
    mounting.mount(world, source, item, folder)
    # What is compared is all of the standard output that a program reads.
    to_stderr = setup.as_json
    click.echo(f"mounted read-only at {folder}; when you are done: umount {folder}", err=to_stderr)
    if healed is not None:
        return _compare(setup, folder, healed, thorough=False)
    return 0


@connector_command("compare")
@click.argument("rescued", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.argument("healed", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--thorough", is_flag=True, help="Compare the bytes of every file.")
def compare_command(setup: Setup, rescued: Path, healed: Path, thorough: bool) -> int:
    """List what differs between two mounted trees, RESCUED and HEALED."""
    return _compare(setup, rescued, healed, thorough=thorough)


@connector_command("export")
@click.argument("name")
@click.argument("file", type=click.Path(path_type=Path))
def export_command(setup: Setup, name: str, file: Path) -> int:
    """Write the rescue NAME into FILE, a compressed tar archive, for another machine."""
    settings, world = setup.settings(), this_world(setup.root)
    export.export(world, settings, _find(settings, name), file)
    click.echo(f"{file}: tar -S -x -z -f {file.name} unpacks it; holes stay holes")
    return 0


@connector_command("drop")
@click.argument("names", nargs=-1, metavar="NAME...")
@click.option("--expired", is_flag=True, help="Those that are older than max_age_days.")
@click.option("--yes", is_flag=True, help="Do not ask; for scripts.")
def drop_command(setup: Setup, names: tuple[str, ...], expired: bool, yes: bool) -> int:
    """Throw rescues away, for good."""
    settings, world = setup.settings(), this_world(setup.root)
    if not names and not expired:
        raise UsageError("which one? `connector rescue list` shows what is kept")
    wanted = [_find(settings, name) for name in dict.fromkeys(names)]
    if wanted and not yes:
        _ask(wanted)
    with lock_for_a_person(settings, world):
        # While it was asked and waited, a pass may have dropped what was too old.
        for item in [_find(settings, item.name) for item in wanted]:
            drop.rescue_away(world, settings, item)
            click.echo(f"dropped {item.name}")
        gone, stuck = drop.expired(world, settings) if expired else ([], [])
    for name in gone:
        click.echo(f"dropped {name}")
    if not (wanted or gone):
        click.echo("nothing was dropped")
    for sentence in stuck:
        click.echo(f"connector: {sentence}", err=True)
    return 1 if stuck else 0


def _compare(setup: Setup, rescued: Path, healed: Path, *, thorough: bool) -> int:
    number = 0
    for item in differences(rescued, healed, thorough=thorough):
        number += 1
        in_json = json.dumps(kept_text.difference(item)) if setup.as_json else None
        click.echo(in_json or kept_text.difference_line(item))
    if not setup.as_json:
        click.echo(f"{number} differences" if number else "no differences")
    return 0


def _ask(wanted: Iterable[Rescue]) -> None:
    if not sys.stdin.isatty():
        raise UsageError("nobody is there to ask: --yes says it for a script; nothing was dropped")
    for item in wanted:
        typed = click.prompt(
            f"Type the rescue's name ({item.name}) to drop it", default="", show_default=False
        )
        if typed != item.name:
            raise UsageError(f"{typed!r} is not {item.name!r}; nothing was dropped")


def _read(settings: Settings) -> shelf.Shelf:
    return shelf.read(settings.rescues_dir)


def _find(settings: Settings, name: str) -> Rescue:
    """The rescue of that name.

    Raises:
        UsageError: there is none.
    """
    kept = _read(settings)
    for item in kept.rescues:
        if item.name == name:
            return item
    known = ", ".join(item.name for item in kept.rescues) or "none"
    more = "".join(f"; {problem}" for problem in kept.problems)
    raise UsageError(f"no rescue named {name!r} here; there are: {known}{more}")


command = click.Group(
    "rescue",
    commands=[
        list_command,
        show_command,
        keep_command,
        mount_command,
        compare_command,
        export_command,
        drop_command,
    ],
    help="What was given up was kept before: look at it, take it out, drop it.",
    context_settings={"help_option_names": ["-h", "--help"]},
)
