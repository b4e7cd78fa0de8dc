"""`connector exporter` as a process: the page of a node whose pass has just acted."""

from __future__ import annotations

import signal
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.cli.stage import AT_ONCE, Running, Stage, tree
from tests.report.page.reading import root_of, with_class, words

pytestmark = pytest.mark.slow


def address(running: Running) -> str:
    """Where it listens, once it does."""
    assert running.process.stderr is not None
    for line in running.process.stderr:
        if b"listening on" in line:
            return f"http://{line.decode().split()[-1]}/"
    raise AssertionError("ended without listening")


def test_the_page_shows_what_a_pass_did_and_changes_nothing(tmp_path: Path) -> None:
    stage = Stage(tmp_path, "standby-disconnected")
    assert stage.run("reconcile", **AT_ONCE).status == 0
    assert stage.run("reconcile", **AT_ONCE).status == 0
    before = tree(stage.folder)
    with stage.start("exporter", "--port", "0", **AT_ONCE) as running:
        place = address(running)
        pages = []
        for _ in range(2):
            with urllib.request.urlopen(place, timeout=30) as answer:
                pages.append(root_of(answer.read().decode()))
        running.send(signal.SIGTERM)
        assert running.end().status == 0
    assert tree(stage.folder) == before
    [article] = [one for one in pages[-1].iter("article") if words(one).startswith("mail")]
    assert [words(badge) for badge in with_class(article, "badge")] == ["Connected"]
    [action] = article.iter("li")
    assert words(action).endswith(" ago connect: done; reconnected")
    assert "since the last success" in words(pages[-1])
    # The second page came too soon after the first one for a sample of its own.
    assert "a line is drawn from the second look on" in words(article)


def test_the_page_says_so_where_there_is_no_drbd(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.show(None)
    with stage.start("exporter", "--port", "0") as running:
        with pytest.raises(urllib.error.HTTPError) as raised:
            urllib.request.urlopen(address(running), timeout=30)
        with raised.value as answer:
            assert answer.code == 500
            assert "no DRBD here" in words(root_of(answer.read().decode()))
        running.send(signal.SIGTERM)
        assert running.process.wait(30) == 0
