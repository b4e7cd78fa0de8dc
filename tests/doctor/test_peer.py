"""The other node's manifest, from wherever it comes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from connector.doctor.peer import SSH_TIMEOUT_S, Peer, from_bytes, from_file, over_ssh
from connector.doctor.reading import Unseen
from connector.program import Completed
from tests.doctor.builders import NOW_S, manifest


class Ticking:
    """A clock that goes on by a second each time somebody looks at it."""

    def __init__(self) -> None:
        self.now_s = NOW_S

    def wall_s(self) -> float:
        self.now_s += 1
        return self.now_s

    def boot_s(self) -> float:
        return 0.0

    def log_s(self) -> float:
        return 0.0

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds


class Ssh:
    """Answers like ssh, and remembers what it was asked."""

    def __init__(self, **answer: object) -> None:
        self.answer = {"exit_status": 0, **answer}
        self.asked: list[tuple[tuple[str, ...], float]] = []

    def __call__(self, argv: Sequence[str], timeout_s: float) -> Completed:
        self.asked.append((tuple(argv), timeout_s))
        return Completed(tuple(argv), **self.answer)  # type: ignore[arg-type]


def test_ssh_is_asked_without_a_question_and_bounds_the_clock() -> None:
    ssh = Ssh(stdout=manifest().model_dump_json())
    found = over_ssh("root@beta", ssh, Ticking())
    assert found == Peer(manifest(), "ssh:root@beta", NOW_S + 2, NOW_S + 1)
    options = ("-oBatchMode=yes", "-oConnectTimeout=5")
    line = ("ssh", *options, "--", "root@beta", "connector", "doctor", "--manifest")
    assert ssh.asked == [(line, SSH_TIMEOUT_S)]


@pytest.mark.parametrize("target", ["", "-oProxyCommand=x", "a b", "a;b", "a\nb", "é", "x" * 300])
def test_a_target_that_is_no_host_is_never_given_to_ssh(target: str) -> None:
    ssh = Ssh()
    found = over_ssh(target, ssh, Ticking())
    assert isinstance(found, Unseen)
    assert "HOST or USER@HOST is expected" in found.why
    assert ssh.asked == []


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"exit_status": 255, "stderr": "x\nNo route to host\n"}, "exit status 255: No route"),
        ({"exit_status": 127, "stderr": "sh: connector: not found"}, "not in PATH there"),
        ({"exit_status": 1}, "it said nothing"),
        ({"exit_status": None}, "no answer within 30 s"),
        ({"exit_status": None, "error": "ssh was not found"}, "ssh was not found"),
        ({"stdout": "Welcome!\n{}"}, "not what `connector doctor --manifest` prints"),
    ],
)
def test_no_answer_says_why(answer: dict[str, object], words: str) -> None:
    found = over_ssh("beta", Ssh(**answer), Ticking())
    assert isinstance(found, Unseen)
    assert words in found.why
    assert found.why.startswith("ssh:beta: ")


def test_a_file_and_standard_input_have_no_moment_of_asking(tmp_path: Path) -> None:
    data = manifest().model_dump_json().encode()
    (tmp_path / "beta.json").write_bytes(data)
    found = from_file(tmp_path / "beta.json", Ticking())
    assert found == Peer(manifest(), str(tmp_path / "beta.json"), NOW_S + 1, None)
    assert from_bytes(data, "standard input", Ticking()) == Peer(
        manifest(), "standard input", NOW_S + 1, None
    )


@pytest.mark.parametrize("name", ["none", ".", "a\0b"])
def test_a_file_that_cannot_be_read(tmp_path: Path, name: str) -> None:
    assert isinstance(from_file(tmp_path / name, Ticking()), Unseen)
