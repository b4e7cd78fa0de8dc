"""connector demo: a simulated pair gets into trouble, and the real code puts it together."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import click

from connector.cli.options import Setup, connector_command
from connector.errors import UsageError
from connector.report.text import pass_lines
from connector.simulate import screen
from connector.simulate.play import Play, Scene
from connector.simulate.split_brains import SPLIT_BRAIN, SPLIT_BRAIN_RECONNECT
from connector.simulate.stories import STORIES

_OF_MODE = {"discard": SPLIT_BRAIN, "reconnect": SPLIT_BRAIN_RECONNECT}


@connector_command("demo")
@click.argument("name", required=False, metavar="[STORY]", type=click.Choice(list(STORIES)))
@click.option("--list", "lists", is_flag=True, help="The stories, each with what it shows.")
@click.option("--step", is_flag=True, help="Wait for Enter after each scene; q ends the story.")
@click.option("--svg", is_flag=True, help="Print the story as a picture of a terminal (SVG).")
@click.option(
    "--mode",
    type=click.Choice(list(_OF_MODE)),
    help="Without STORY: what the agents may do about the split brain.  [default: discard]",
)
def command(
    setup: Setup, name: str | None, lists: bool, step: bool, svg: bool, mode: str | None
) -> int:
    """A simulated pair gets into trouble, and the real code reconciles it on both nodes.

    Without STORY it is a split brain, told briefly. With one, each scene shows what happened, the
    row of the decision table with its reason and gates, the commands, and the states on both.

    No root, no DRBD: two nodes in memory that speak the same interfaces as the real ones.
    """
    if lists:
        _list(setup)
        return 0
    if name and mode:
        raise UsageError(f"--mode is for the demo without STORY: {name} has its own (--list)")
    if step and svg:
        raise UsageError("--step and --svg cannot be had at once: say one of them")
    story = STORIES[name] if name else _OF_MODE[mode or "discard"]
    with tempfile.TemporaryDirectory(prefix="connector-demo-") as folder:
        play = Play(story, Path(folder))
        if svg:
            click.echo(screen.picture(play), nl=False)
        elif name or step:
            if not _tell(setup, play, stepping=step):
                return 0
        else:
            _tell_briefly(play, color=setup.color)
        return 0 if play.ended_well else 1


def _list(setup: Setup) -> None:
    from rich.table import Table
    from rich.text import Text

    from connector.report.tables import console

    table = Table.grid(padding=(0, 2, 0, 0))
    for story in STORIES.values():
        table.add_row(Text(story.name, style="bold", no_wrap=True), Text(story.shows))
    console(color=setup.color).print(table)


def _tell(setup: Setup, play: Play, *, stepping: bool) -> bool:
    """The story scene by scene; whether it was told to its end."""
    from connector.report.tables import console

    out = console(color=setup.color)
    if stepping and not _somebody_is_there():
        click.echo("connector: no terminal to press Enter on: told without waiting", err=True)
        stepping = False
    for part in screen.heading(play.story):
        out.print(part)
    for number, scene in play.numbered():
        for part in screen.scene(scene, number):
            out.print(part)
        if stepping and not _goes_on():
            return False
    for part in screen.ending(play):
        out.print(part)
    return True


def _somebody_is_there() -> bool:
    return sys.stdin is not None and sys.stdin.isatty()


def _goes_on() -> bool:
    click.echo("   [Enter: go on, q: end] ", nl=False)
    line = sys.stdin.readline()
    if not line:
        click.echo()
    return bool(line) and line.strip().lower() not in ("q", "quit")


def _tell_briefly(play: Play, *, color: bool) -> None:
    """Without gates and events, and with the states only where they matter."""
    for scene in play.scenes():
        if scene.minute <= 1:
            _title(scene.step.told, color=color)
        if scene.step.adds:
            click.echo(f"    {scene.step.adds}")
        if scene.minute:
            click.echo(_styled(f"  minute {scene.minute}", color=color, dim=True))
        for line in _brief_passes(scene):
            click.echo(line)
        if scene.step.in_brief:
            _states(scene.states)
    title, lines = play.ending()
    _title(title, color=color)
    if play.story.left_to_a_person:
        click.echo("".join(f"    {line}\n" for line in lines), nl=False)
        lines = ()
    _states({node: play.states(node) for node in play.worlds})
    for line in lines:
        click.echo(f"    {line}")


def _brief_passes(scene: Scene) -> Iterator[str]:
    for done in scene.passes:
        if done.report is None:
            yield f"    {done.node}: {done.error}"
            continue
        for line in pass_lines(done.report):
            first, *more = line.split(" | ")
            yield f"    {done.node:5}  {first}"
            yield from (" " * 11 + f"→ {part}" for part in more)


def _states(states: Mapping[str, tuple[str, ...]]) -> None:
    for node, lines in states.items():
        for line in lines:
            click.echo(f"    {node:5} {line}")


def _title(text: str, *, color: bool) -> None:
    click.echo()
    click.echo(_styled(text, color=color, bold=True))


def _styled(text: str, *, color: bool, bold: bool = False, dim: bool = False) -> str:
    return click.style(text, bold=bold or None, dim=dim or None) if color else text
