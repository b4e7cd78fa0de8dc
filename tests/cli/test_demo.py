"""`connector demo`: the brief one, the stories, stepping through them, and the picture."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from xml.etree import ElementTree

import pytest

from connector.cli import commands
from connector.report.table_page import rows
from connector.simulate.stories import STORIES
from tests.cli.stage import PATIENCE_S, PROJECT

PICTURE = PROJECT / "docs/pictures/demo.svg"
PICTURED = "standby-reboot"
SVG = "{http://www.w3.org/2000/svg}"
PROMPT = b"[Enter: go on, q: end] "
ROW_NAMES = {cells[3] for cells in rows()}

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs `connector demo WORDS` in this process: exit status, output, messages."""
    monkeypatch.setenv("COLUMNS", "100")

    def run(*words: str) -> tuple[int, str, str]:
        status = commands.run(["demo", *words])
        out, err = capsys.readouterr()
        return status, out, err

    return run


def one_line(text: str) -> str:
    """The text without its line breaks and indentations."""
    return " ".join(text.split())


class Terminal:
    """`connector demo WORDS` on a terminal of its own, which somebody types on."""

    def __init__(self, process: subprocess.Popen[bytes], controller: int) -> None:
        self._process = process
        self._controller = controller
        self.shown = b""

    def wait_for(self, words: bytes, times: int = 1) -> None:
        """Return once the words were shown so many times; fail where they never are."""
        deadline_s = time.monotonic() + PATIENCE_S
        while self.shown.count(words) < times:
            assert time.monotonic() < deadline_s, self.shown
            assert self._read(), self.shown

    def type(self, keys: bytes) -> None:
        """Press keys."""
        os.write(self._controller, keys)

    def end(self) -> int:
        """The exit status; everything that was shown is in `shown` then."""
        while self._read():
            pass
        return self._process.wait(PATIENCE_S)

    def _read(self) -> bool:
        assert select.select([self._controller], [], [], PATIENCE_S)[0], self.shown
        try:
            chunk = os.read(self._controller, 65536)
        except OSError:  # EIO: its last user has closed it
            return False
        self.shown += chunk
        return bool(chunk)


@contextmanager
def terminal(folder: Path, *words: str) -> Iterator[Terminal]:
    """A terminal; `folder` is where temporary files go."""
    controller, side = pty.openpty()
    try:
        process = subprocess.Popen(
            # Ctrl-C only reaches who has the terminal as its controlling one.
            ["setsid", "--ctty", "--wait", sys.executable, "-m", "connector", "demo", *words],
            stdin=side,
            stdout=side,
            stderr=side,
            cwd=folder,
            env={
                "PATH": "/usr/bin:/bin",
                "PYTHONPATH": str(PROJECT),
                "TMPDIR": str(folder),
                "TERM": "xterm",
                "COLUMNS": "100",
            },
        )
        os.close(side)
        try:
            yield Terminal(process, controller)
        finally:
            process.kill()
            process.wait(PATIENCE_S)
    finally:
        os.close(controller)


def test_without_a_story_it_is_told_briefly(run: Run) -> None:
    status, out, err = run()
    assert (status, err) == (0, "")
    lines = out.splitlines()
    # As it was before there were stories: states where they matter, and one line for each decision.
    assert lines[1] == "Two nodes, two replicated resources. alpha is active, beta stands by."
    end = lines.index("Together again.")
    assert [line.split()[:2] for line in lines[end + 1 : end + 7]] == [
        [node, f"{minor}:"] for node in ("alpha", "beta") for minor in (0, 1, 2)
    ]
    assert lines[end + 7] == "    beta's copy of mail now: a letter delivered on alpha"
    told = [
        *["    what beta gave up is on record there: given-up/202"] * 2,
        *["    and was kept there whole before: rescues/202"] * 2,
    ]
    assert [line[: len(words)] for line, words in zip(lines[end + 8 :], told, strict=True)] == told
    assert [line for line in lines if line.startswith("  minute")] == [
        f"  minute {number}" for number in (1, 2, 3, 4)
    ]
    assert "gates" not in out
    assert sum("cs:" in line for line in lines) == 3 * 6


def test_briefly_in_mode_reconnect(run: Run) -> None:
    status, out, err = run("--mode", "reconnect")
    assert (status, err) == (0, "")
    assert "\nIn mode reconnect nothing was given up. A person decides:\n    on beta:  " in out
    assert "ran: drbdadm connect --discard-my-data" not in out
    assert "Together again." not in out
    assert run("--mode", "discard")[1] == run()[1]


def test_the_list_has_every_story_with_what_it_shows(run: Run) -> None:
    status, out, err = run("--list")
    assert (status, err) == (0, "")
    told = one_line(out)
    for story in STORIES.values():
        assert f"{story.name} {story.shows}" in told
    assert len(STORIES) >= 7


@pytest.mark.parametrize("name", STORIES)
def test_each_story_is_told_in_full(run: Run, name: str) -> None:
    status, out, err = run(name)
    assert (status, err) == (0, "")
    told = one_line(out)
    story = STORIES[name]
    assert told.startswith(f"{name} (mode {story.mode}) {story.shows} 1. ")
    places = [told.index(f"{n}. {step.told}") for n, step in enumerate(story.steps, 1)]
    assert places == sorted(places)
    fired = re.findall(r"  row  +(\S+)", out)
    assert fired
    assert set(fired) <= ROW_NAMES
    assert len(re.findall("  why  ", out)) == len(fired)
    # The states of both nodes stand at the end of each scene.
    for part in out.split("\n\n")[1:-1]:
        assert {line.split()[0] for line in part.splitlines()[-2:]} <= {"alpha", "beta"}
        assert ("cs:" in part.splitlines()[-1]) or ("no power" in part.splitlines()[-1])
    assert ("Together again." in out) is not bool(story.left_to_a_person)


def test_gates_and_commands_are_shown(run: Run) -> None:
    raced = one_line(run("take-over-race")[1])
    assert re.search(r"row demote-and-wait why [^.]* another 90 s gates grace ", raced)
    rebooted = one_line(run("standby-reboot")[1])
    assert " ran drbdadm connect mail then waiting: waiting for the peer: WFConn" in rebooted
    assert "beta# connector pause mail --for 4h --reason" in run("pause")[1]
    assert "OPERATOR NEEDED" in run("both-in-use")[1]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["splt-brain"], "'splt-brain' is not one of 'split-brain'"),
        (["pause", "--mode", "discard"], "--mode is for the demo without STORY: pause has its own"),
        (["--step", "--svg"], "--step and --svg cannot be had at once"),
        (["pause", "pause"], "unexpected extra argument"),
        (["--mode", "observe"], "'observe' is not one of 'discard', 'reconnect'"),
    ],
)
def test_typing_mistakes(run: Run, words: list[str], message: str) -> None:
    status, out, err = run(*words)
    assert (status, out) == (2, "")
    assert message in err


def test_stepping_to_the_end(tmp_path: Path) -> None:
    with terminal(tmp_path, "link-cut", "--step") as shown:
        for number in range(1, 6):
            shown.wait_for(PROMPT, number)
            assert f"{number}. ".encode() in shown.shown
            assert f"{number + 1}. ".encode() not in shown.shown
            shown.type(b"\n")
        assert shown.end() == 0
    assert b"Together again." in shown.shown
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("keys", "status"), [(b"q\n", 0), (b"Q\n", 0), (b"\x04", 0), (b"\x03", 130)]
)
def test_it_ends_where_somebody_wants_it_to(tmp_path: Path, keys: bytes, status: int) -> None:
    """q, the end of input, and Ctrl-C: nothing more is told, and nothing is left behind."""
    with terminal(tmp_path, "link-cut", "--step") as shown:
        shown.wait_for(PROMPT)
        shown.type(keys)
        assert shown.end() == status
    assert b"2. " not in shown.shown
    assert b"Traceback" not in shown.shown
    assert list(tmp_path.iterdir()) == []


def test_without_a_terminal_it_does_not_wait(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "connector", "demo", "link-cut", "--step"],
        input=b"q\n",
        capture_output=True,
        timeout=PATIENCE_S,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(PROJECT), "TMPDIR": str(tmp_path)},
        cwd=tmp_path,
        check=False,
    )
    assert done.returncode == 0
    assert done.stderr == b"connector: no terminal to press Enter on: told without waiting\n"
    assert b"Together again." in done.stdout
    assert PROMPT not in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_the_picture_is_what_it_prints(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """`connector demo standby-reboot --svg > docs/pictures/demo.svg` makes it anew."""
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "40")
    status, out, err = run(PICTURED, "--svg")
    assert (status, err) == (0, "")
    assert out == PICTURE.read_text(encoding="utf-8")


def test_the_picture_is_small_and_fetches_nothing() -> None:
    text = PICTURE.read_text(encoding="utf-8")
    assert len(text) < 100_000
    assert re.findall(r"https?://[^\"\s]+", text) == ["http://www.w3.org/2000/svg"]
    drawing = ElementTree.fromstring(text)
    assert not list(drawing.iter(f"{SVG}image")) + list(drawing.iter(f"{SVG}script"))
    words = " ".join(
        "".join(part.itertext()).replace("\xa0", " ") for part in drawing.iter(f"{SVG}text")
    )
    assert f"connector demo {PICTURED}" in words
    for step in STORIES[PICTURED].steps:
        assert step.told in words
    assert "drbdadm connect mail" in words
    assert "docs/pictures/demo.svg" in (PROJECT / "README.md").read_text(encoding="utf-8")
