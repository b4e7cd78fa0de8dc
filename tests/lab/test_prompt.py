"""The prompt of `make lab`: what becomes of a line, without a machine."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import cast

import pytest

from tests.lab.__main__ import COMMAND, Prompt
from tests.lab.errors import LabError
from tests.lab.node import Completed
from tests.lab.pair import Pair


class FakeNode:
    """Writes down what is asked of it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.running = True
        self.asked: list[object] = []
        self.states = ["Connected"]

    def run(self, command: str, timeout_s: float = 0, *, check: bool = True) -> Completed:
        """What the shell gets."""
        self.asked.append(command)
        return Completed(3, "out\n", "err\n", 0.0)

    def connector(
        self, words: Sequence[str], *, checkout: Path, environment: Mapping[str, str]
    ) -> Completed:
        """What the process gets that has connector loaded."""
        assert (checkout / "connector").is_dir()
        assert int(environment["COLUMNS"]) > 0
        self.asked.append(tuple(words))
        return Completed(0, "all well\n", "", 0.0)

    def install(self, path: str, text: str) -> None:
        """A file in the node."""
        self.asked.append((path, text))

    def disconnect(self, resource: str) -> None:
        """As a person does."""
        self.asked.append(f"disconnect {resource}")
        self.states = ["StandAlone"]

    def kill(self) -> None:
        """A power cut."""
        self.running = False

    def boot_again(self) -> None:
        """Boot."""
        self.running = True
        self.asked.append("booted")

    def connection(self) -> str:
        """The next of the states; the last one stays."""
        return self.states.pop(0) if len(self.states) > 1 else self.states[0]

    def wait_for_connection(self, wanted: str) -> str:
        """As the real one, without waiting."""
        if self.connection() != wanted:
            raise LabError(f"{self.name}: not {wanted}")
        return wanted


class FakePair:
    """Two of them, and a link."""

    def __init__(self) -> None:
        self.alpha, self.beta = FakeNode("alpha"), FakeNode("beta")
        self.nodes = (self.alpha, self.beta)
        self.did: list[str] = []

    def cut_link(self) -> None:
        """The link is gone."""
        self.did.append("cut_link")

    def restore_link(self) -> None:
        """The link is there again."""
        self.did.append("restore_link")

    def reset(self) -> None:
        """A clean state."""
        self.did.append("reset")

    def wait_until(self, seen: Callable[[], bool], what: str) -> None:
        """At most ten looks."""
        for _ in range(10):
            self.did.append("looked")
            if seen():
                return
        raise LabError(f"never: {what}")


@pytest.fixture
def pair() -> FakePair:
    """A pair whose nodes have been asked nothing yet."""
    return FakePair()


def prompt_of(pair: FakePair) -> Prompt:
    """A prompt that has installed what it needs."""
    prompt = Prompt(cast(Pair, pair))
    for node in pair.nodes:
        installed, made_executable = node.asked
        assert isinstance(installed, tuple)
        assert installed[0] == COMMAND
        assert installed[1].endswith('-m connector "$@"\n')
        assert made_executable == f"chmod 0755 {COMMAND}"
        node.asked.clear()
    return prompt


def test_connector_alone_is_run_where_it_is_loaded(pair: FakePair) -> None:
    prompt = prompt_of(pair)
    assert prompt.take('connector pause mail --reason "a new disk"')
    assert pair.alpha.asked == [("pause", "mail", "--reason", "a new disk")]
    assert pair.beta.asked == []


@pytest.mark.parametrize(
    "line",
    ["connector status | head -1", "connector watch", "drbdadm up all", 'connector "x'],
)
def test_anything_else_is_for_the_shell(
    pair: FakePair, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    prompt = prompt_of(pair)
    assert prompt.take(line)
    assert pair.alpha.asked == [line]
    told = capsys.readouterr()
    assert (told.out, told.err) == ("out\n", "err\n(exit status 3)\n")


def test_a_word_with_a_dot_is_for_the_lab(
    pair: FakePair, capsys: pytest.CaptureFixture[str]
) -> None:
    prompt = prompt_of(pair)
    assert prompt.take(".beta")
    assert prompt.text == "beta# "
    assert prompt.take(".wait Connected")
    assert capsys.readouterr().err == ""
    assert prompt.take(".wait StandAlone")
    assert capsys.readouterr().err == "beta: not StandAlone\n"
    assert prompt.take(".unheard-of")
    assert ".wait STATE" in capsys.readouterr().out
    assert not prompt.take(".quit")


def test_restore_waits_until_the_nodes_have_met(pair: FakePair) -> None:
    prompt = prompt_of(pair)
    pair.alpha.states = ["WFConnection", "WFReportParams", "WFConnection"]
    pair.beta.states = ["WFConnection", "WFConnection", "StandAlone"]
    assert prompt.take(".restore")
    assert pair.did == ["restore_link", "looked", "looked", "looked"]


@pytest.mark.parametrize(
    ("state", "asked"), [("StandAlone", []), ("WFConnection", ["disconnect mail"])]
)
def test_apart_disconnects_only_what_still_waits(
    pair: FakePair, state: str, asked: list[str]
) -> None:
    prompt = prompt_of(pair)
    pair.alpha.states = [state]
    assert prompt.take(".apart")
    assert pair.alpha.asked == asked
    assert pair.alpha.states == ["StandAlone"]


def test_a_reset_installs_the_command_again(pair: FakePair) -> None:
    prompt = prompt_of(pair)
    assert prompt.take(".reset")
    assert pair.did == ["reset"]
    assert [len(node.asked) for node in pair.nodes] == [2, 2]


def test_a_node_that_boots_has_the_command_while_the_other_one_is_down(pair: FakePair) -> None:
    prompt = prompt_of(pair)
    for line in (".crash", ".beta", ".crash", ".boot"):
        assert prompt.take(line)
    assert pair.alpha.asked == []
    assert pair.beta.asked[0] == "booted"
    assert pair.beta.asked[-1] == "drbdadm up all"
    assert len(pair.beta.asked) == 4
