"""docs/first-evening.md is played at the lab's prompt, and shows what it says."""

from __future__ import annotations

import re
import shlex

import pytest

from tests.docs import pages
from tests.docs.played import FAILED, first_not_shown, steps
from tests.docs.test_commands import accept
from tests.lab.__main__ import Prompt
from tests.lab.pair import Pair

NAME = "NAME"
KEPT = re.compile(r"^\d{8}T\d{6}Z-mail", re.MULTILINE)
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
