"""Makes connector(8) and connector.toml(5) from the commands, the models and the project's pages.

    python packaging/manual.py FOLDER

The pages are kept in docs/man, as docs/decision-table.md is kept: pip, pipx and the Debian package
take them from there, and a change of the command line shows in them. A test holds that they are
those of the code.

What a command or an option does is said by the command line itself, and which keys there are by the
models. What keys and exit statuses mean is said by docs/configuration.md and docs/exit-codes.md.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import roff

from connector import __version__
from connector.cli.commands import cli
from connector.cli.options import COMMON
from connector.config_schema import ConfigFile

HERE = Path(__file__).resolve().parent
PROJECT = HERE.parent
# When what is written by hand was last gone through.
WRITTEN = "2026-11-28"
# Lines longer than any page, so that click breaks none of its own.
_WIDTH = 10_000
_COMMON = {parameter.name for parameter in COMMON}

_TABLE_ROW = re.compile(r"^\| *([^|]*?) *\| *([^|]*?) *\|(.*)$", re.MULTILINE)


def main(folder: Path) -> None:
    """Write both pages into the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in (("connector.8", command_page()), ("connector.toml.5", file_page())):
        (folder / name).write_text(text, encoding="utf-8")


def command_page() -> str:
    """connector(8)."""
    return _page(
        "connector.8",
        {
            "synopsis": _synopsis(),
            "options": roff.entries(_options(cli, click.Context(cli, info_name="connector"))),
            "commands": _commands(cli, click.Context(cli, info_name="connector")),
            "exit status": _exit_statuses(),
        },
    )


def file_page() -> str:
    """connector.toml(5)."""
    page = _read("docs/configuration.md")
    return _page(
        "connector.toml.5",
        {
            "description": roff.blocks(_between(page, "# Configuration", "\n## [")),
            "sections": _sections(page),
            "example": _example(page),
        },
    )


def _page(name: str, places: dict[str, Iterator[str]]) -> str:
    title, _, section = name.rpartition(".")
    lines = [
        '.\\" Made by packaging/manual.py: change that, or what it reads.',
        f'.TH {title.upper()} {section} {WRITTEN} "connector {__version__}" "connector"',
        # No word is broken, so that each can be searched for and copied.
        ".nh",
        ".ad l",
    ]
    text = (HERE / f"{name}.md").read_text(encoding="utf-8")
    for number, piece in enumerate(re.split(r"<!-- (.+?) -->", text)):
        lines += places[piece] if number % 2 else roff.blocks(piece)
    return "\n".join(_without_empty_paragraphs(lines)) + "\n"


def _without_empty_paragraphs(lines: list[str]) -> Iterator[str]:
    """man(7) wants no paragraph right after a heading."""
    before = ""
    for line in lines:
        if line != ".PP" or not before.startswith((".SH", ".SS")):
            yield line
        before = line


def _read(name: str) -> str:
    return (PROJECT / name).read_text(encoding="utf-8")


def _synopsis() -> Iterator[str]:
    yield ".PP"
    yield f"{roff.bold('connector')} [\\fIoptions\\fR] \\fIcommand\\fR [\\fIarguments\\fR]"


def _options(command: click.Command, context: click.Context) -> Iterator[tuple[str, str]]:
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context)
        if isinstance(parameter, click.Option) and record:
            yield roff.option(record[0]), roff.inline(record[1])


def _commands(group: click.Group, context: click.Context) -> Iterator[str]:
    """Each command with its own options; those of a group below it follow."""
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if command is None:
            raise LookupError(f"{context.command_path} {name}: there is no such command")
        below = click.Context(command, info_name=name, parent=context, terminal_width=_WIDTH)
        usage = " ".join(below.command.collect_usage_pieces(below))
        yield f'.SS "{roff.literal(below.command_path)} {roff.escaped(usage)}"'
        for paragraph in re.split(r"\n\s*\n", command.help or ""):
            yield from (".PP", roff.inline(paragraph))
        yield from roff.entries(_own_options(command, below))
        if isinstance(command, click.Group):
            yield from _commands(command, below)


def _own_options(command: click.Command, context: click.Context) -> Iterator[tuple[str, str]]:
    common = {*_COMMON, "help"}
    own = click.Command(
        command.name,
        params=[parameter for parameter in command.params if parameter.name not in common],
        add_help_option=False,
    )
    yield from _options(own, context)


def _exit_statuses() -> Iterator[str]:
    page = _read("docs/exit-codes.md")
    first, *others = re.split(r"^(?=## )", page, flags=re.MULTILINE)
    for part in (first, *others):
        heading = re.match(r"## (.+)\n", part)
        if heading:
            yield f'.SS "{roff.inline(heading[1])}"'
        rows = [row for row in _TABLE_ROW.findall(part) if set(row[0]) - set("- ")][1:]
        # Of `check` the third column says when; of all others it names the error's class.
        told = [(row[0], f"{row[1]}: {row[2].strip(' |')}" if heading else row[1]) for row in rows]
        yield from roff.entries((roff.bold(status), roff.inline(means)) for status, means in told)
        for block in re.findall(r"^- .+?(?=\n\n|\Z)", part, re.MULTILINE | re.DOTALL):
            yield from roff.blocks(block)


def _between(text: str, begin: str, end: str) -> str:
    return text.partition(begin)[2].partition(end)[0]


def _sections(page: str) -> Iterator[str]:
    """Each section of the models with its keys, in the words of the page."""
    schema = ConfigFile.model_json_schema()
    for section, field in ConfigFile.model_fields.items():
        if section == "resource":
            yield from roff.blocks(
                "## [resource.NAME]: for one resource\n\nAny key of `[policy]` again. What is not "
                "said there is taken from `[policy]`."
            )
            continue
        told = re.search(rf"^## \[{section}\][^\n]*\n.*?(?=^## |\Z)", page, re.M | re.S)
        part = told[0] if told else f"## [{section}]\n"
        yield from roff.blocks(part.partition("\n")[0])
        name = getattr(field.annotation, "__name__", "")
        yield from roff.entries(_keys(schema["$defs"][name]["properties"], part))


def _keys(properties: dict[str, Any], part: str) -> Iterator[tuple[str, str]]:
    rows = {row[0].strip("` "): row for row in _TABLE_ROW.findall(part)}
    told = re.findall(r"^- ((?:`\w+`(?:, | and )?)+): (.+?)(?=\n- |\n\n|\Z)", part, re.M | re.S)
    meanings = {key: meaning for keys, meaning in told for key in re.findall(r"\w+(?=`)", keys)}
    for key in properties:
        _, variable, rest = rows.get(key, ("", "", "||"))
        kind, default, limits, *_ = (cell.strip() for cell in f"{rest}|||".split("|"))
        meaning = meanings.get(key, "")
        facts = [
            ": ".join(filter(None, (kind, limits))),
            default and f"default {default}",
            variable,
        ]
        stated = "; ".join(fact for fact in facts if fact)
        yield roff.bold(key), roff.inline(f"{meaning} ({stated})" if stated else meaning)


def _example(page: str) -> Iterator[str]:
    part = page.partition("## An example")[2]
    found = re.search(r"```toml\n(.*?)```", part, re.DOTALL)
    if found is None:
        raise LookupError("docs/configuration.md has no example")
    yield from roff.blocks(part[: found.start()])
    yield from roff.example(found[1])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
