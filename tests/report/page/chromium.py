"""Debian's Chromium without a window, spoken to over two pipes (the DevTools protocol).

One process serves all pages of a test run: starting it takes longer than a page. It has its own
profile, ends with its `with` block, and takes its children along.
"""

from __future__ import annotations

import base64
import itertools
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

PATIENCE_S = 20.0  # for one answer; a loaded machine must fail no test
_MARK = "CONNECTOR_TEST_CHROMIUM"

# Chromium reads at 3 and writes at 4; a child of subprocess has its pipes elsewhere.
_LAUNCH = """\
import fcntl, os, sys
ends = [fcntl.fcntl(int(number), fcntl.F_DUPFD, 10) for number in sys.argv[1:3]]
os.dup2(ends[0], 3)
os.dup2(ends[1], 4)
os.execv(sys.argv[3], sys.argv[3:])
"""
_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--remote-debugging-pipe",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-breakpad",
    "--disable-component-update",
    "--disable-extensions",
    "--hide-scrollbars",
    "--no-first-run",
    "--no-zygote",
    # Whatever it would look for elsewhere, it does not find.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)


def program() -> str | None:
    """Where Chromium is; None where it is not installed."""
    return shutil.which("chromium")


class Chromium:
    """A browser with one page. Its methods raise TimeoutError or RuntimeError where it fails."""

    def __init__(self, path: str, folder: Path) -> None:
        self._numbers = itertools.count(1)
        self._received = b""
        self._events: list[dict[str, Any]] = []
        self._session: str | None = None
        self._mark = str(folder)
        self._log = folder / "chromium.log"
        commands_out, self._commands = os.pipe()
        self._answers, answers_in = os.pipe()
        ends = (commands_out, answers_in)
        words = [*_FLAGS, f"--user-data-dir={folder / 'profile'}", "about:blank"]
        try:
            with self._log.open("wb") as log:
                self._process = subprocess.Popen(
                    [sys.executable, "-IS", "-c", _LAUNCH, *map(str, ends), path, *words],
                    pass_fds=ends,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    env={**os.environ, _MARK: self._mark, "HOME": str(folder)},
                    start_new_session=True,
                )
        finally:
            for end in ends:
                os.close(end)

    def __enter__(self) -> Chromium:
        """With a page to work on, scripts off."""
        try:
            target = self.call("Target.createTarget", url="about:blank")["targetId"]
            found = self.call("Target.attachToTarget", targetId=target, flatten=True)
            self._session = found["sessionId"]
            for domain in ("Page", "Network", "DOM"):
                self.call(f"{domain}.enable")
            self.scripts(allowed=False)
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """No process of it is left."""
        self.close()

    def close(self) -> None:
        """End it: by a word, and what does not hear it by a signal."""
        self._session = None
        with suppress(OSError, TimeoutError, RuntimeError):
            self.call("Browser.close")
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(5)
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(PATIENCE_S)
        for end in (self._commands, self._answers):
            os.close(end)

    def wait_until_gone(self) -> list[int]:
        """What `left_over` says at the end: a killed process takes a moment on a busy machine."""
        deadline_s = time.monotonic() + PATIENCE_S
        while (left := self.left_over()) and time.monotonic() < deadline_s:
            time.sleep(0.05)
        return left

    def left_over(self) -> list[int]:
        """Every process that was started for this browser and still runs."""
        mark = f"{_MARK}={self._mark}".encode()
        found = []
        for path in Path("/proc").glob("[0-9]*/environ"):
            with suppress(OSError):
                if mark in path.read_bytes():
                    found.append(int(path.parent.name))
        return found

    def scripts(self, *, allowed: bool) -> None:
        """Whether a page may run scripts."""
        self.call("Emulation.setScriptExecutionDisabled", value=not allowed)

    def look_as(self, width: int, height: int, scheme: str = "light") -> None:
        """The size of the window in pixels, and `light` or `dark`."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.call("Emulation.setDeviceMetricsOverride", **size)
        preferred = [{"name": "prefers-color-scheme", "value": scheme}]
        self.call("Emulation.setEmulatedMedia", features=preferred)

    def open(self, url: str) -> list[str]:
        """Load the page; the addresses that were asked for on its behalf, its own first."""
        self._events.clear()
        failed = self.call("Page.navigate", url=url).get("errorText")
        if failed:
            raise RuntimeError(f"{url}: {failed}")
        self._until("Page.loadEventFired")
        asked = [event for event in self._events if event["method"] == "Network.requestWillBeSent"]
        return [event["params"]["request"]["url"] for event in asked]

    def html(self) -> str:
        """The document as the browser has it, also where scripts are off."""
        root = self.call("DOM.getDocument", depth=0)["root"]["nodeId"]
        return str(self.call("DOM.getOuterHTML", nodeId=root)["outerHTML"])

    def content_size(self) -> tuple[int, int]:
        """The width and height that the content wants, in pixels."""
        size = self.call("Page.getLayoutMetrics")["cssContentSize"]
        return int(size["width"]), int(size["height"])

    def picture(self) -> bytes:
        """The window as a PNG."""
        return base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"])

    def call(self, method: str, **given: Any) -> dict[str, Any]:
        """Ask for something and wait for the answer."""
        number = next(self._numbers)
        asked: dict[str, Any] = {"id": number, "method": method, "params": given}
        if self._session is not None:
            asked["sessionId"] = self._session
        os.write(self._commands, json.dumps(asked).encode() + b"\0")
        deadline_s = time.monotonic() + PATIENCE_S
        while True:
            said = self._next(deadline_s, method)
            if said.get("id") != number:
                self._events.append(said)
            elif "error" in said:
                raise RuntimeError(f"{method}: {said['error'].get('message')}")
            else:
                return dict(said["result"])

    def _until(self, method: str) -> None:
        deadline_s = time.monotonic() + PATIENCE_S
        while not any(event.get("method") == method for event in self._events):
            self._events.append(self._next(deadline_s, method))

    def _next(self, deadline_s: float, waiting_for: str) -> dict[str, Any]:
        while b"\0" not in self._received:
            left_s = deadline_s - time.monotonic()
            if left_s <= 0 or not select.select([self._answers], [], [], left_s)[0]:
                raise TimeoutError(f"chromium did not answer: {waiting_for}")
            more = os.read(self._answers, 1 << 20)
            if not more:
                said = self._log.read_bytes()[-500:].decode(errors="replace")
                raise RuntimeError(f"chromium ended while it was asked: {waiting_for}; {said}")
            self._received += more
        message, _, self._received = self._received.partition(b"\0")
        return dict(json.loads(message))
