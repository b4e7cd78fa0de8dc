"""contrib/heartbeat/connector-services where services fail, and where it is killed."""

from __future__ import annotations

import shutil
import signal
from pathlib import Path

import pytest

from .services_node import SERVICE, THREE_TWO_ONE, Node

# The real program. The process group that it is in is killed before or after a certain call of any.
MORTAL = """\
#!/bin/sh
echo >>"{folder}/count"
number=$(grep -c "" "{folder}/count")
[ "$number" -ne "$DIES_BEFORE" ] || kill -9 0
"{real}" "$@"
result=$?
[ "$number" -ne "$DIES_AFTER" ] || kill -9 0
exit $result
"""
PROGRAMS = ["awk", "cat", "find", "id", "ln", "mkdir", "mv"]
PROGRAMS += ["readlink", "rm", "rmdir", "tail", "timeout", "tr", "wc"]


@pytest.fixture
def node(tmp_path: Path) -> Node:
    """A node where nothing is started."""
    return Node(tmp_path)


# Services that fail


@pytest.mark.parametrize("status", [1, 6, 124])
def test_where_one_does_not_start_all_that_was_started_is_stopped(node: Node, status: int) -> None:
    (node.folder / "running/one").touch()
    node.answers("three", "start", status)
    said = node.fails("start")
    wanted = "it took longer than 900 s" if status == 124 else f"exit status {status}"
    assert f"connector-services: three: start failed: {wanted}" in said
    # It may be half started, so it is stopped too. One ran before the call.
    assert node.calls() == ["start two", "start three", "stop three", "stop two"]
    assert node.running() == {"one"}
    assert node.does("stop") == (0, "")
    assert node.is_clean()


def test_what_an_earlier_start_had_done_stays_where_a_later_one_fails(node: Node) -> None:
    node.does("start")
    node.list_is("one", "two", "three", "four")
    node.answers("four", "start", 1)
    node.fails("start")
    assert node.is_active()
    node.loses_the_disk()
    assert node.does("stop") == (0, "")
    assert node.is_clean()


def test_where_undoing_fails_the_next_stop_tries_it_again(node: Node) -> None:
    node.answers("three", "start", 1)
    node.answers("one", "stop", 1)
    assert "one: stop failed: exit status 1" in node.fails("start")
    assert node.running() == {"one"}
    node.loses_the_disk()
    node.answers("one", "stop", None)
    assert node.does("stop") == (0, "")
    assert node.is_clean()


def test_where_one_does_not_stop_the_others_are_stopped(node: Node) -> None:
    node.does("start")
    node.calls()
    node.answers("two", "stop", 1)
    assert "connector-services: two: stop failed: exit status 1" in node.fails("stop")
    assert node.calls() == THREE_TWO_ONE
    assert node.running() == {"two"}
    assert not node.link.is_symlink()
    # Heartbeat then asks, and restarts the machine if it reads "running"; it goes on if not.
    assert node.does("status") == (4, "unknown\n")
    node.answers("two", "stop", None)
    assert node.does("stop") == (0, "")
    assert node.is_clean()


def test_a_stop_that_complains_of_what_does_not_run_has_succeeded(node: Node) -> None:
    node.answers("two", "stop", 5)
    assert node.does("stop") == (0, "")


def test_a_script_that_knows_no_status_is_started_and_stopped(node: Node) -> None:
    for name in ("one", "two", "three"):
        node.answers(name, "status", 2)
    assert node.does("start") == (0, "")
    assert node.is_active()
    assert node.does("status") == (4, "unknown\n")
    assert node.does("start") == (0, "")
    assert node.does("stop") == (0, "")
    assert node.is_clean()


def test_every_call_has_a_limit_and_a_service_that_hangs_is_ended(node: Node) -> None:
    hangs = 'if [ "$1 $2" = "two start" ]; then exec sleep 600; fi\n'
    node.program("service", SERVICE.replace("\n", "\n" + hangs, 1))
    timeout = shutil.which("timeout")
    # The limit is in the arguments, and shortened.
    short = f'[ "$4" = 900 ] && set -- "$1" "$2" "$3" 1 "$5" "$6" "$7"\nexec {timeout} "$@"\n'
    node.program("timeout", f'#!/bin/sh\necho "$@" >>"{node.folder}/limits"\n{short}')
    assert "two: start failed: it took longer than 900 s" in node.fails("start")
    assert node.is_clean()
    limits = (node.folder / "limits").read_text().splitlines()
    assert "--foreground -k 10 900 service two start" in limits
    assert "--foreground -k 10 60 service one status" in limits


# Killed


def mortal(node: Node) -> None:
    """From now on each program that the script calls counts, and can be its last."""
    for name in PROGRAMS:
        real = shutil.which(name)
        assert real is not None
        node.program(name, MORTAL.replace("{real}", real), folder="mortal")


def killed(node: Node, action: str, number: int, after: bool) -> bool:
    """Kill the script before or after the program of that number; False when it ended before."""
    (node.folder / "count").unlink(missing_ok=True)
    before_or_after = {"dies_after" if after else "dies_before": number}
    done = node.run(str(node.etc), action, path=("mortal", "bin"), **before_or_after)
    assert done.returncode in (0, -signal.SIGKILL), done.stderr
    return done.returncode != 0


@pytest.mark.slow
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("action", ["start", "stop"])
@pytest.mark.parametrize("then", ["start", "stop", "stop without the disk"])
def test_wherever_it_is_killed_the_next_call_puts_it_right(
    node: Node, action: str, then: str, after: bool
) -> None:
    mortal(node)
    number = 0
    while True:
        number += 1
        assert node.does("start" if action == "stop" else "stop") == (0, "")
        if not killed(node, action, number, after):
            break
        if node.link.is_symlink():
            # The jobs are never on while a service does not run.
            assert not node.link.exists() or node.is_active()
        if then == "start":
            assert node.does("start") == (0, "")
            assert node.is_active()
        else:
            if "disk" in then:
                node.loses_the_disk()
            assert node.does("stop") == (0, "")
            # Without the disk a service that was not noted was not started either.
            assert node.is_clean()
            if "disk" in then:
                node.gets_the_disk()
    assert number > 10
