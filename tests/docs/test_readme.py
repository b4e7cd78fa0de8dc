"""What the README quotes is what the code says."""

from __future__ import annotations

import ast
import re

from click.testing import CliRunner

from connector.cli.commands import cli
from connector.decide.context import Policy
from connector.settings import RunSettings

from . import pages

README = pages.text("README.md")
LEFT_OUT = "…"


def in_order(excerpt: list[str], whole: list[str]) -> str | None:
    """The first line of the excerpt that is not there, or not in that order; None for all there.

    Lines that follow each other in the excerpt must do so in the whole.
    """
    position, gap = 0, True
    for line in excerpt:
        if line == LEFT_OUT:
            gap = True
            continue
        if gap:
            while position < len(whole) and whole[position] != line:
                position += 1
        if position >= len(whole) or whole[position] != line:
            return line
        position, gap = position + 1, False
    return None


def test_the_excerpt_of_the_demo_is_what_it_prints() -> None:
    block = pages.blocks(README.partition("<!-- demo -->")[2], "text")[0]
    done = CliRunner().invoke(cli, ["demo"])
    assert done.exception is None
    printed = [line for line in done.output.splitlines() if line]
    excerpt = block.splitlines()
    assert len(excerpt) > 10
    assert in_order(excerpt, printed) is None
    assert in_order([*excerpt, "Healed."], printed) == "Healed."


def said_by_the_code() -> list[str]:
    """Every piece of text in the code, adjacent literals joined."""
    return [
        node.value
        for file in sorted((pages.PROJECT / "connector").rglob("*.py"))
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]


def pieces(message: str) -> list[str]:
    """A message without what the code puts into it."""
    return [piece for piece in re.split(r"\d+|…|\bmail\b", message) if len(piece) > 3]


def unknown_to_the_code(messages: list[str]) -> list[tuple[str, str]]:
    """Each message with a piece that the code says nowhere."""
    said = said_by_the_code()
    return [
        (message, piece)
        for message in messages
        for piece in pieces(message)
        if not any(piece in text for text in said)
    ]


def test_messages_in_the_troubleshooting_are_those_of_the_code() -> None:
    messages = [
        message
        for row in pages.rows(pages.section(README, "It says OPERATOR NEEDED"))
        for message in re.findall(r"`([^`]+)`", row[0])
    ]
    assert len(messages) > 10
    assert unknown_to_the_code(messages) == []


def test_the_numbers_are_the_defaults() -> None:
    policy, run = Policy(), RunSettings()
    assert f"for {policy.demote_grace_s:.0f} seconds (`demote_grace`)" in README
    assert f"`{policy.max_attempts} attempts did not" in README
    assert policy.respect_disconnect_s == 3600
    assert "left alone for an hour (`respect_disconnect`)" in README
    assert f"its deadline of {run.deadline_s:.0f} seconds" in README
    assert f"`another pass holds {run.lock}`" in README
    assert f"| `{policy.mode}` (the default) |" in README
