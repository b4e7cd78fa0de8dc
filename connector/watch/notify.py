"""Tells systemd how it goes: sd_notify(3), which documents the protocol for programs like this."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Mapping
from contextlib import suppress

SEND_TIMEOUT_S = 1.0


class Systemd:
    """What started us, if it was systemd and wants to know; every message is a no-op otherwise."""

    def __init__(self, environment: Mapping[str, str], pid: int | None = None) -> None:
        """Read NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID."""
        self._address = environment.get("NOTIFY_SOCKET", "")
        self._watchdog_s = _watchdog_s(environment, os.getpid() if pid is None else pid)

    @property
    def ping_every_s(self) -> float | None:
        """Half of the time after which systemd takes us for dead; None where it does not watch."""
        return None if self._watchdog_s is None else self._watchdog_s / 2

    def ready(self, status: str) -> None:
        """We are at work."""
        self._send(f"READY=1\nSTATUS={status}")

    def reloading(self) -> None:
        """The configuration is being read again; `ready` ends that (Type=notify-reload)."""
        # The protocol wants CLOCK_MONOTONIC, which stands still while the machine is suspended.
        now_us = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        self._send(f"RELOADING=1\nMONOTONIC_USEC={now_us}")

    def alive(self) -> None:
        """The loop goes round."""
        if self._watchdog_s is not None:
            self._send("WATCHDOG=1")

    def stopping(self) -> None:
        """We end."""
        self._send("STOPPING=1")

    def _send(self, message: str) -> None:
        if not self._address:
            return
        # A leading @ stands for the NUL byte of an abstract address.
        address = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as connection:
            connection.settimeout(SEND_TIMEOUT_S)
            connection.sendto(message.replace("\0", " ").encode(), address)


def _watchdog_s(environment: Mapping[str, str], pid: int) -> float | None:
    try:
        microseconds = int(environment.get("WATCHDOG_USEC", ""))
        for_us = int(environment.get("WATCHDOG_PID", pid)) == pid
    except ValueError:
        return None
    return microseconds / 1e6 if for_us and microseconds > 0 else None
