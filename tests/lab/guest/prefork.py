"""Runs in a node: connector's commands, each in a process of its own that has loaded it already.

To load connector takes an emulated processor ten times as long as to run it. This process loads
it once and becomes a new one for each command; everything else is as if cron had started it: a
session of its own, nothing on standard input, the environment and the arguments that were asked
for. The record (the second serial port) gets a line when each begins and when it has ended.

Asked with one line of JSON on a Unix socket: {"arguments": […], "environment": {…},
"kill_after_s": S or null}. Answered with one: {"status": N, "stdout": …, "stderr": …}, where N is
the exit status, or 128 and the number of the signal that ended it.
"""

import gc
import json
import os
import random
import select
import signal
import socket
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

SOCKET = "/run/lab/prefork.socket"
PID_FILE = "/run/lab/prefork.pid"
RECORD = "/dev/ttyS1"
# Everything that any command may load, so that no command loads it anew.
LOADED = [
    "connector.act.execute",
    "connector.act.subprocess_runner",
    "connector.act.lock",
    "connector.cli.commands",
    "connector.cli.cron",
    "connector.cli.reconcile",
    "connector.cli.status",
    "connector.cli.recover",
    "connector.cli.release",
    "connector.cli.takeover",
    "connector.cli.pause",
    "connector.cli.resume",
    "connector.cli.check",
    "connector.cli.node",
    "connector.config_schema",
    "connector.first_look",
    "connector.memory.given_up",
    "connector.memory.journal",
    "connector.memory.store",
    "connector.observe.dump_xml",
    "connector.reconcile",
    "connector.report.as_json",
    "connector.report.check",
    "connector.report.metrics",
    "connector.report.publish",
    "connector.report.series",
    "connector.report.text",
    "connector.survey",
    "filelock",
    "prometheus_client",
    "tenacity",
    "xml.etree.ElementTree",
]


def note(line: str) -> None:
    """Put a line on the record."""
    with open(RECORD, "wb", buffering=0) as record:
        record.write(line.encode() + b"\n")


def become(asked: dict[str, Any], stdout: int, stderr: int) -> None:
    """Be the command; never returns."""
    status = 1
    try:
        os.setsid()
        nothing = os.open(os.devnull, os.O_RDONLY)
        for descriptor, wanted in ((nothing, 0), (stdout, 1), (stderr, 2)):
            os.dup2(descriptor, wanted)
        os.environ.clear()
        os.environ.update(asked["environment"])
        random.seed()
        sys.argv = ["connector", *asked["arguments"]]
        note(f"pass {os.getpid()} {' '.join(asked['arguments'])}")
        from connector.cli import main

        main()
        status = 0
    except SystemExit as ending:
        status = ending.code if isinstance(ending.code, int) else 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def answer(connection: socket.socket) -> None:
    """Run what one connection asks for, and tell it how that ended."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    with connection, tempfile.TemporaryFile() as stdout, tempfile.TemporaryFile() as stderr:
        asked = json.loads(connection.makefile("rb").readline())
        began_s = time.monotonic()
        pid = os.fork()
        if pid == 0:
            become(asked, stdout.fileno(), stderr.fileno())
        process = os.pidfd_open(pid)
        kill_after_s = asked.get("kill_after_s")
        if kill_after_s is not None and not select.select([process], [], [], kill_after_s)[0]:
            signal.pidfd_send_signal(process, signal.SIGKILL)
        select.select([process], [], [])
        # Waited for only after the number can no longer be taken by another process.
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        os.close(process)
        status = 128 - status if status < 0 else status
        note(f"ended {pid} {status} {time.monotonic() - began_s:.3f}")
        texts = []
        for output in (stdout, stderr):
            output.seek(0)
            texts.append(output.read().decode("utf-8", "replace"))
        reply = {"status": status, "stdout": texts[0], "stderr": texts[1]}
        connection.sendall(json.dumps(reply).encode() + b"\n")


def main(checkout: str) -> None:
    """Load connector from `checkout`, and answer for ever."""
    os.chdir(checkout)
    sys.path.insert(0, checkout)
    for name in LOADED:
        __import__(name)
    gc.freeze()
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(SOCKET + ".new")
        listening.listen(16)
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those who answer
        Path(PID_FILE).write_text(f"{os.getpid()}\n")
        os.rename(SOCKET + ".new", SOCKET)
        while True:
            connection, _ = listening.accept()
            if os.fork() == 0:
                # A process, not a thread: fork and threads do not go together.
                listening.close()
                answer(connection)
                os._exit(0)
            connection.close()


if __name__ == "__main__":
    main(sys.argv[1])
