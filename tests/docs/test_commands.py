"""Every command that a page shows exists, with its options."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

import click
import pytest

from connector.cli.commands import COMMANDS, cli

from . import pages

# Options of drbdadm that pages speak of.
DRBDADMS = {"--force", "--tentative", "--discard-my-data"}


def shown_lines() -> Iterator[tuple[str, str]]:
    """Each line with a prompt in a console block, with its page."""
    for page in pages.PAGE_NAMES:
        for block in pages.blocks(pages.text(page), "console"):
            for line in block.splitlines():
                if line[:2] in ("$ ", "# "):
                    yield page, line[2:]


LINES = list(shown_lines())
SPANS = [
    (page, span)
    for page in pages.PAGE_NAMES
    for span in pages.spans(pages.text(page))
    if span.startswith("connector ")
]


def words_of(line: str) -> list[str]:
    """The words without the variables in front."""
    words = shlex.split(line)
    while words and re.fullmatch(r"[A-Z_]+=.*", words[0]):
        del words[0]
    return words


def accept(words: list[str]) -> None:
    """Parse a command line of connector as click does, and run nothing.

    Raises click.UsageError for what does not exist.
    """
    with cli.make_context("connector", list(words)) as context:
        name, command, rest = cli.resolve_command(
            context, [*context._protected_args, *context.args]
        )
        assert name is not None
        assert command is not None
        try:
            command.make_context(name, list(rest), parent=context)
        except click.MissingParameter:
            # In a sentence a command may be named without its resource.
            command.make_context(name, [*rest, "mail"], parent=context)


def test_a_command_that_does_not_exist_would_be_found() -> None:
    with pytest.raises(click.UsageError):
        accept(["mend"])
    with pytest.raises(click.UsageError):
        accept(["recover", "--gently", "mail"])
    with pytest.raises(click.UsageError):
        accept(["pause", "--for", "soon"])


@pytest.mark.parametrize(("page", "line"), LINES)
def test_a_shown_command_can_be_typed(page: str, line: str) -> None:
    program, *rest = words_of(line)
    if program == "connector":
        accept(rest)
    for word in rest:
        if re.fullmatch(r"[\w.-]+(/[\w.-]+)+", word):
            assert (pages.PROJECT / word).exists(), f"{page} names {word}"


@pytest.mark.parametrize(("page", "span"), SPANS)
def test_a_command_in_a_sentence_exists(page: str, span: str) -> None:
    accept([word for word in shlex.split(span)[1:] if word not in ("RESOURCE", "NAME")])


def test_the_readme_names_every_command() -> None:
    named = {words_of(span)[1] for page, span in SPANS if page == "README.md"}
    named |= {words_of(line)[1] for page, line in LINES if line.startswith("connector ")}
    assert named >= set(COMMANDS) - {"exporter"}
    assert "connector exporter" in pages.text("docs/metrics.md")


def test_every_option_in_a_sentence_exists() -> None:
    context = click.Context(cli)
    known = {option for parameter in cli.params for option in parameter.opts}
    for name in COMMANDS:
        command = cli.get_command(context, name)
        assert command is not None
        inner = command.commands.values() if isinstance(command, click.Group) else ()
        for parameter in (one for each in (command, *inner) for one in each.params):
            known |= {*parameter.opts, *parameter.secondary_opts}
    named = {
        re.split(r"[ =]", span)[0]
        for page in pages.PAGE_NAMES
        for span in pages.spans(pages.text(page))
        if span.startswith("--")
    }
    assert len(named) > 5
    assert named <= known | DRBDADMS
