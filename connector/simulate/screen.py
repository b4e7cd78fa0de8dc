"""A scene of a story on a terminal: what happened, each decision with its reason, the states."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping

from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from connector.model import OutcomeKind
from connector.report.passes import ResourceReport
from connector.simulate.play import NodePass, Play, Scene
from connector.simulate.steps import Story

PICTURE_COLUMNS = 100
_STATES = (
    (r"cs:Connected\b", "green"),
    (r"cs:StandAlone\b", "red"),
    (r"cs:(?!Connected\b|StandAlone\b)\w+", "yellow"),
)
# That of rich, without a font that would have to be fetched from elsewhere.
_PICTURE = """\
<svg viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{ font-family: "DejaVu Sans Mono", Menlo, Consolas, monospace; \
font-size: {char_height}px; line-height: {line_height}px; }}
.{unique_id}-title {{ font-size: 18px; font-weight: bold; font-family: sans-serif; }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}"/>
</clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""


def heading(story: Story) -> Iterator[RenderableType]:
    """What the story is, and what it shows."""
    yield Text(f"{story.name} (mode {story.mode})", style="bold")
    yield Text(story.shows)


def scene(shown: Scene, number: int) -> Iterator[RenderableType]:
    """One scene; `number` is its step's, and stands before the first scene of each."""
    first = shown.minute <= 1 or not shown.step.every
    if first:
        yield Text()
        yield Text(f"{number}. {shown.step.told}", style="bold")
    for line in shown.happened:
        yield _indented(Text(line, style="cyan" if "# " in line else ""))
    if shown.minute:
        if shown.step.minutes > 1:
            yield _indented(Text(f"minute {shown.minute}", style="dim"))
        yield _indented(_decisions(shown.passes))
    yield from states(shown.states)


def states(lines: Mapping[str, tuple[str, ...]]) -> Iterator[RenderableType]:
    """Each node's lines of /proc/drbd."""
    for node, shown in lines.items():
        for line in shown or ("(no power)",):
            text = Text(f"{node:5}  {line}")
            for pattern, style in _STATES:
                text.highlight_regex(pattern, style)
            yield _indented(text)


def ending(play: Play) -> Iterator[RenderableType]:
    """How the story has ended."""
    title, lines = play.ending()
    yield Text()
    yield Text(title, style="bold")
    for line in lines:
        yield _indented(Text(line))


def picture(play: Play) -> str:
    """The whole story as an SVG of a terminal that is PICTURE_COLUMNS wide."""
    console = Console(
        record=True,
        width=PICTURE_COLUMNS,
        file=io.StringIO(),
        force_terminal=True,
        color_system="truecolor",
        no_color=False,
        legacy_windows=False,
        highlight=False,
    )
    name = play.story.name
    for part in heading(play.story):
        console.print(part)
    for number, shown in play.numbered():
        for part in scene(shown, number):
            console.print(part)
    for part in ending(play):
        console.print(part)
    svg = console.export_svg(title=f"connector demo {name}", code_format=_PICTURE, unique_id="demo")
    return "".join(f"{line.rstrip()}\n" for line in svg.splitlines() if line.strip())


def _indented(part: RenderableType) -> Padding:
    return Padding(part, (0, 0, 0, 3), expand=False)


def _decisions(passes: tuple[NodePass, ...]) -> Table:
    """Of each resource: the row, why, and what was done."""
    grid = Table.grid(padding=(0, 2, 0, 0))
    for width in (5, 4, 5, 1):
        grid.add_column(min_width=width)
    for done in passes:
        if done.report is None:
            grid.add_row(done.node, "", "", Text(done.error, style="red"))
            continue
        node = done.node
        for item in done.report.resources:
            name = item.resource.name
            for key, value in _told(item):
                grid.add_row(node, name, Text(key, style="dim"), value)
                node = name = ""
    return grid


def _told(item: ResourceReport) -> Iterator[tuple[str, Text]]:
    decision, outcome = item.decision, item.outcome
    yield "row", Text(decision.name, style="bold")
    yield "why", Text(decision.reason)
    if decision.gates:
        yield "gates", Text(", ".join(gate.name for gate in decision.gates), style="yellow")
    if outcome.commands:
        commands = "; ".join(" ".join(command.argv) for command in outcome.commands)
        yield "ran", Text(commands, style="cyan")
    if outcome.rescue:
        yield "kept", Text(f"first: rescue {outcome.rescue}", style="green")
    if outcome.kind is not OutcomeKind.NOTHING:
        yield "then", Text(f"{outcome.kind}: {outcome.detail}")
    if item.needs_operator:
        yield "", Text("OPERATOR NEEDED", style="bold red")
