"""Runs in a node, on the host's own Python: takes shell scripts and answers how they ended.

To the node, one line each:    ID SECONDS BASE64-OF-THE-SCRIPT
From the node, one line each:  ID STATUS :BASE64-OF-STDOUT :BASE64-OF-STDERR

STATUS is `timeout` when the script had to be stopped. A script that begins with the word
#!connector is a command for prefork.py, as JSON. Base64 keeps a script or an answer on one
line, whatever is in it. Each script has a thread of its own: one that hangs in the kernel must
not make the node deaf. This file imports nothing of the project; it is started with -I -S.
"""

import base64
import json
import os
import signal
import socket
import subprocess
import tempfile
import threading
import time
from pathlib import Path
from typing import BinaryIO

CONNECTOR = b"#!connector "
PREFORK = "/run/lab/prefork.py"
PREFORK_SOCKET = "/run/lab/prefork.socket"
PREFORK_TIMEOUT_S = 300.0
PORTS = "vport*p*"
PORT_TIMEOUT_S = 30.0
TERM_GRACE_S = 2.0
KILL_GRACE_S = 3.0


def open_port() -> BinaryIO:
    """Return the port to the host, waiting a while for its device to appear."""
    deadline = time.monotonic() + PORT_TIMEOUT_S
    while not (found := list(Path("/dev").glob(PORTS))):
        if time.monotonic() > deadline:
            raise SystemExit("lab: the port to the host is missing")
        time.sleep(0.05)
    return found[0].open("r+b", buffering=0)


def run(script: bytes, limit_s: float) -> tuple[str, bytes, bytes]:
    """Run a script and return its status and what it wrote on its two outputs.

    The outputs are files, not pipes: a process that the script leaves behind does not keep the
    answer waiting. The script is a file too, for one may be longer than an argument can be.
    """
    with (
        tempfile.NamedTemporaryFile() as source,
        tempfile.TemporaryFile() as stdout,
        tempfile.TemporaryFile() as stderr,
    ):
        source.write(script)
        source.flush()
        process = subprocess.Popen(
            ["/bin/sh", source.name],
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            start_new_session=True,
            cwd="/",
        )
        status = _wait(process, limit_s)
        stdout.seek(0)
        stderr.seek(0)
        return status, stdout.read(), stderr.read()


prefork_starting = threading.Lock()


def run_connector(command: bytes, limit_s: float) -> tuple[str, bytes, bytes]:
    """Have prefork.py run connector, and return the same as `run`.

    A command that is still at work at its limit goes on: its own deadline must end it.
    """
    asked = json.loads(command)
    with prefork_starting:
        if not os.path.exists(PREFORK_SOCKET):
            _start_prefork(asked["checkout"])
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(limit_s)
        connection.connect(PREFORK_SOCKET)
        connection.sendall(command + b"\n")
        try:
            reply = connection.makefile("rb").readline()
        except TimeoutError:
            return "timeout", b"", b""
    if not reply:
        return "255", b"", b"lab: prefork.py ended without an answer\n"
    told = json.loads(reply)
    return str(told["status"]), told["stdout"].encode(), told["stderr"].encode()


def _start_prefork(checkout: str) -> None:
    with open("/run/lab/prefork.log", "ab") as log:
        process = subprocess.Popen(
            [os.environ["LAB_PYTHON"], PREFORK, checkout],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    deadline = time.monotonic() + PREFORK_TIMEOUT_S
    while not os.path.exists(PREFORK_SOCKET):
        if process.poll() is not None or time.monotonic() > deadline:
            raise OSError("lab: prefork.py did not start: see /run/lab/prefork.log")
        time.sleep(0.05)


def _wait(process: "subprocess.Popen[bytes]", limit_s: float) -> str:
    try:
        status = process.wait(timeout=limit_s)
    except subprocess.TimeoutExpired:
        for number, grace_s in ((signal.SIGTERM, TERM_GRACE_S), (signal.SIGKILL, KILL_GRACE_S)):
            os.killpg(process.pid, number)
            try:
                process.wait(timeout=grace_s)
                break
            except subprocess.TimeoutExpired:
                continue
        return "timeout"
    # As a shell would say it: 128 and the number of the signal.
    return str(128 - status if status < 0 else status)


def main() -> None:
    """Answer until the host closes the port."""
    port = open_port()
    answering = threading.Lock()

    def say(line: bytes) -> None:
        with answering:
            while line:
                line = line[port.write(line) :]

    def answer(name: str, limit_s: float, script: bytes) -> None:
        try:
            if script.startswith(CONNECTOR):
                status, stdout, stderr = run_connector(script[len(CONNECTOR) :], limit_s)
            else:
                status, stdout, stderr = run(script, limit_s)
        except OSError as error:
            status, stdout, stderr = "255", b"", f"lab: {error}\n".encode()
        outputs = b" ".join(b":" + base64.b64encode(output) for output in (stdout, stderr))
        say(f"{name} {status} ".encode() + outputs + b"\n")

    say(b"ready\n")
    unread = b""
    while data := port.read(1 << 16):
        *lines, unread = (unread + data).split(b"\n")
        for line in lines:
            name, limit_s, script = line.decode().split(" ")
            threading.Thread(
                target=answer, args=(name, float(limit_s), base64.b64decode(script)), daemon=True
            ).start()


if __name__ == "__main__":
    main()
