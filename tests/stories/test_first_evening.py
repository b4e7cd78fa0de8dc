"""docs/first-evening.md is played at the lab's prompt, and shows what it says."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass

import pytest

from tests.docs import pages
from tests.docs.test_commands import accept
from tests.lab.__main__ import Prompt
from tests.lab.pair import Pair

LEFT_OUT = "…"
NAME = "NAME"
PROMPTED = re.compile(r"(alpha|beta)# (.+)")
KEPT = re.compile(r"^\d{8}T\d{6}Z-mail", re.MULTILINE)
FAILED = "(exit status "


@dataclass(frozen=True, slots=True)
class Step:
    """One line that a person types, and what the page shows below it."""

    node: str
    line: str
    shown: tuple[str, ...]


def steps(page: str) -> list[Step]:
    """The lines with a node's prompt, in their order."""
    found: list[Step] = []
    for block in pages.blocks(page, "console"):
        node, line, shown = "", "", list[str]()
        for text in [*block.splitlines(), "alpha# end"]:
            prompted = PROMPTED.fullmatch(text)
            if prompted is None:
                shown.append(text)
                continue
            if node:
                found.append(Step(node, line, tuple(shown)))
            node, line, shown = prompted[1], prompted[2], []
    return found


def first_not_shown(shown: tuple[str, ...], printed: str) -> str | None:
    """The first line that was not printed there; None where all were.

    A line of … stands for any lines, … within a line for any words.
    """
    patterns = [r"(?:.*\n)*" if line == LEFT_OUT else rf"{_pattern(line)} *\n" for line in shown]
    for number in range(1, len(patterns) + 1):
        rest = "" if number == len(patterns) else r"(?:.*\n)*"
        if not re.fullmatch("".join(patterns[:number]) + rest, printed):
            return shown[number - 1]
    return None if shown or not printed.strip() else printed


def _pattern(line: str) -> str:
    return ".*".join(re.escape(part) for part in line.split(LEFT_OUT))


STEPS = steps(pages.text("docs/first-evening.md"))


@pytest.mark.real_drbd
@pytest.mark.story_timeout(120)
def test_the_page_is_what_happens(
    fresh_pair: Pair, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a clean pair of its own: a story's checker knows no pass that runs --tentative."""
    monkeypatch.setenv("COLUMNS", "100")
    prompt, name, wrong = Prompt(fresh_pair), NAME, list[str]()
    capfd.readouterr()
    for step in STEPS:
        assert prompt.text == f"{step.node}# ", step.line
        going_on = prompt.take(step.line.replace(NAME, name))
        assert going_on == (step.line != ".quit")
        told = capfd.readouterr()
        printed = told.out + told.err
        shown = tuple(line.replace(NAME, name) for line in step.shown)
        missing = first_not_shown(shown, printed)
        if missing is not None or (FAILED in printed) != any(FAILED in line for line in shown):
            wrong.append(f"{step.node}# {step.line}\n{printed}not as on the page: {missing}")
        if kept := KEPT.search(printed):
            name = kept[0]
    assert not wrong, "\n".join(wrong)
    assert name != NAME


def test_the_page_goes_all_the_way() -> None:
    lines = [step.line for step in STEPS]
    for begin in (
        *(".cut", ".restore", "connector status", "connector recover mail --rehearse"),
        *("connector recover mail --yes", "connector rescue list", "connector rescue show"),
        *("connector rescue mount", "connector history", ".quit"),
    ):
        assert any(line.startswith(begin) for line in lines), begin
    for line in lines:
        if line.startswith("connector "):
            accept(shlex.split(line)[1:])


@pytest.mark.parametrize(
    ("shown", "printed", "wrong"),
    [
        ((), "", None),
        ((), "out\n", "out\n"),
        (("out",), "out  \n", None),
        (("out",), "out\nmore\n", "out"),
        (("…", "b … d", "…"), "a\nb c d\ne\n", None),
        (("…", "b"), "a\nb\n", None),
        (("b", "…", "a", "…"), "a\nb\n", "b"),
        (("…", "(exit status 3)"), "a\n", "(exit status 3)"),
    ],
)
def test_what_is_shown_has_to_be_printed(
    shown: tuple[str, ...], printed: str, wrong: str | None
) -> None:
    assert first_not_shown(shown, printed) == wrong
