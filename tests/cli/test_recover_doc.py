"""docs/recover.md shows what the command prints, and speaks of what the code says."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable

import pytest

from connector.simulate import story
from tests.cli.stage import PATIENCE_S, Stage
from tests.cli.test_recover_follow import DONE, STILL, line_with, replace, show, started
from tests.docs import pages
from tests.docs.test_readme import unknown_to_the_code

StageOf = Callable[..., Stage]
PAGE = pages.text("docs/recover.md")
LEFT_OUT = "…\n"
_TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")
_TOOK = re.compile(r" in \d+ s\)")


def transcript(ends: str) -> tuple[list[str], str]:
    """The command line that ends so, as words, and what the page shows below it."""
    blocks = [b for b in pages.blocks(PAGE, "console") if b.partition("\n")[0].endswith(ends)]
    assert len(blocks) == 1
    command, _, shown = blocks[0].partition("\n")
    return shlex.split(command.removeprefix("# connector ")), shown


def same(shown: str, printed: str) -> bool:
    """Whether the page shows what was printed, but for times and what it leaves out above."""
    page, output = (_TOOK.sub(" in S)", _TIME.sub("TIME", text)) for text in (shown, printed))
    if page.startswith(LEFT_OUT):
        return output.endswith(page.removeprefix(LEFT_OUT))
    return output == page


@pytest.fixture
def split(stage_of: StageOf) -> Stage:
    """The page's incident: beta was stopped and demoted, alpha is in use and waits."""
    stage = stage_of("split-brain-with-idle-standby")
    stage.environment["CONNECTOR_RESCUE_KEEP"] = "never"  # docs/rescue.md is about that
    with stage.pair.changing() as pair:
        story.drbdadm(pair, "alpha", "connect", "mail")
        story.drbdadm(pair, "beta", "secondary", "mail")
    alpha = Stage(stage.folder / "other", "split-brain-with-idle-standby", "alpha")
    alpha.root = stage.pair.root("alpha")
    view = stage.folder / "alpha.json"
    view.write_text(alpha.run("status", "--json").out)
    stage.program("ssh", f"#!/bin/sh\ncat {view}\nexit 3\n")
    return stage


@pytest.mark.parametrize("words", ["--peer ssh:alpha --dry-run", "--rehearse", "--yes"])
def test_the_transcripts(split: Stage, words: str) -> None:
    command, shown = transcript(words)
    done = split.run(*command)
    assert (done.status, done.err) == (0, "")
    assert same(shown, done.out), done.out
    assert not same(shown.replace("mail", "male"), done.out)


def test_the_transcript_of_a_resync(stage: Stage) -> None:
    _, shown = transcript("recover mail")
    show(stage, STILL)
    with started(stage) as process:
        printed = line_with(process, "nothing to recover") + "\n"
        printed += line_with(process, "% in sync") + "\n"
        replace(stage, DONE)
        printed += process.communicate(timeout=PATIENCE_S)[0]
    assert same(shown, printed), printed


def test_the_lines_that_the_page_explains_are_those_of_the_code() -> None:
    explained = [
        message
        for title in ("Look", "The resync")
        for row in pages.rows(pages.section(pages.prose(PAGE), title))
        for message in re.findall(r"`([^`]+)`", row[0])
    ]
    assert len(explained) > 15
    assert unknown_to_the_code(explained) == []
