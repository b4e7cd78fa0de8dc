"""The stand-in for `drbdadm`: one command on a pair that lives in a folder."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

from tests.stand_in import StandIn

FAULT_VARIABLE = "STAND_IN_FAULT"


def main(folder: str, node: str, argv: list[str]) -> None:
    """Run `argv` on `node` and exit as the real program would.

    A fault is a word, with `:COMMAND` where only that command is to fail:
    `hang` waits for ever and does nothing, `late` does it and then waits for ever, `garbage`
    writes bytes that mean nothing and exits 7, `die` is killed before it has done anything,
    `killed` after, `refuse` exits 20 with a message of its own.
    """
    stand_in = StandIn(Path(folder))
    with (stand_in.folder / f"calls-{node}").open("a", encoding="utf-8") as calls:
        calls.write(" ".join(argv[1:]) + "\n")
    fault = _fault(stand_in, node, argv)
    _before(fault)
    with stand_in.changing() as pair:
        done = pair.run_on(node)(["drbdadm", *argv[1:]], 60.0)
    if fault == "late":
        _wait_for_ever()
    if fault == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    sys.stdout.write(done.stdout)
    sys.stderr.write(done.stderr or done.error or "")
    sys.stdout.flush()
    sys.stderr.flush()
    sys.exit(20 if done.exit_status is None else done.exit_status)


def _fault(stand_in: StandIn, node: str, argv: list[str]) -> str:
    path = stand_in.folder / f"fault-{node}"
    told = os.environ.get(FAULT_VARIABLE) or (
        path.read_text(encoding="utf-8") if path.exists() else ""
    )
    fault, _, command = told.strip().partition(":")
    return fault if not command or command in argv[1:] else ""


def _before(fault: str) -> None:
    if fault == "hang":
        _wait_for_ever()
    if fault == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    if fault == "garbage":
        sys.stdout.buffer.write(b"\xff\xfe<config>\0" * 40)
        sys.stderr.buffer.write(b"\x80\x81 nothing that anybody wrote\n")
        sys.stdout.flush()
        sys.exit(7)
    if fault == "refuse":
        sys.stderr.write("Could not connect to 'drbd' generic netlink family\n")
        sys.exit(20)


def _wait_for_ever() -> None:
    while True:
        time.sleep(3600)
