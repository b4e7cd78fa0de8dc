"""A client that sends numbered messages all the time, and notes which ones were acknowledged."""

from __future__ import annotations

import contextlib
import re
import smtplib
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from email.message import EmailMessage
from email.policy import SMTP
from types import TracebackType
from typing import Self

from . import service
from .maildir import HEADER
from .service import Acknowledged, Failed

INTERVAL_S = 0.5
TIMEOUT_S = 5.0
# Two roads in an hour are 14,400 messages.
MOST_MESSAGES = 100_000
KEPT_FAILURES = 1_000
SENDER, RECIPIENT = "client@lab.example", "spool@lab.example"
# From the greeting to QUIT a message waits for so many answers.
_ANSWERS = 8
_ROAD = re.compile(r"[a-z][a-z0-9-]{0,30}")
_KEPT_BY = re.compile(r"\bkept by ([\w.-]+)")
_WHY_CHARACTERS = 200

# (host, port, message, timeout_s) -> the text of the 250; raises OSError for any other end.
Send = Callable[[str, int, bytes, float], str]


def numbered_message(number: str) -> bytes:
    """Return the message of that number.

    It is smaller than any block of a file system: what is left of it has its number, or nothing.
    """
    message = EmailMessage(policy=SMTP)
    message["From"], message["To"] = SENDER, RECIPIENT
    message["Subject"] = number
    message["Message-ID"] = f"<{number}@lab.example>"
    message[HEADER] = number
    message.set_content(f"This is {number}.\n")
    return message.as_bytes()


def send_by_smtp(host: str, port: int, message: bytes, timeout_s: float) -> str:
    """Send one message on a connection of its own, and return the text of the 250 to its DATA.

    Each answer is waited for at most `timeout_s`. Raises OSError (smtplib's errors are such) for
    any other answer or none.
    """
    # local_hostname: smtplib would ask the DNS for it.
    session = smtplib.SMTP(host, port, local_hostname="client.lab.example", timeout=timeout_s)
    try:
        session.ehlo_or_helo_if_needed()
        _taken(session.mail(SENDER))
        _taken(session.rcpt(RECIPIENT))
        answer = _taken(session.data(message))
        # How the connection ends says nothing of the message any more.
        with contextlib.suppress(OSError):
            session.quit()
    finally:
        session.close()
    return answer


def _taken(answer: tuple[int, bytes]) -> str:
    """The text of a 250. Raises SMTPResponseException for any other."""
    code, text = answer
    if code != 250:
        raise smtplib.SMTPResponseException(code, text)
    return text.decode("ascii", "replace")


class NumberedClient:
    """Sends messages while its `with` block lasts, on each road in a thread of its own.

    A road is a name and the host and port that it leads to; its messages are numbered NAME-000001
    and so on. A message that was not acknowledged is given up, and its number is not used again:
    whether it was kept is unknown. So a number that is found on a disk without having been
    acknowledged is no error, and one that was acknowledged and is not found is a loss.
    """

    def __init__(
        self,
        roads: Mapping[str, tuple[str, int]],
        *,
        interval_s: float = INTERVAL_S,
        timeout_s: float = TIMEOUT_S,
        most_messages: int = MOST_MESSAGES,
        kept_failures: int = KEPT_FAILURES,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        send: Send = send_by_smtp,
    ) -> None:
        """Send one message per road and `interval_s`, or at once after one that took longer.

        A road ends after `most_messages`, which it notes as a failure. The last `kept_failures` of
        all are remembered. Raises ValueError for a name that cannot stand in a number.
        """
        for road in roads:
            if not _ROAD.fullmatch(road):
                raise ValueError(f"no name of a road: {road!r} (small letters, digits, hyphens)")
        self._roads = dict(roads)
        self._interval_s = interval_s
        self._timeout_s = timeout_s
        self._most_messages = most_messages
        self._clock = clock
        self._sleep = sleep
        self._send = send
        self._lock = threading.Lock()
        self._acknowledged: list[Acknowledged] = []
        self._failed: deque[Failed] = deque(maxlen=kept_failures)
        self._failures = 0
        self._ending = threading.Event()
        self._threads = [
            threading.Thread(target=self._travel, args=(road,), name=f"mail {road}", daemon=True)
            for road in roads
        ]

    def __enter__(self) -> Self:
        """Begin to send. A client can be used once."""
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Send no more, and return when what was under way has been noted.

        Raises TimeoutError where that takes longer than its time-outs allow.
        """
        self._ending.set()
        for thread in self._threads:
            thread.join(self._interval_s + _ANSWERS * self._timeout_s + 10.0)
        if stuck := [thread.name for thread in self._threads if thread.is_alive()]:
            raise TimeoutError(f"still sending: {', '.join(stuck)}") from error

    def acknowledged(self, road: str | None = None) -> list[Acknowledged]:
        """Return what was acknowledged by now, oldest answer first; of one road, if one is named.

        Raises KeyError for a road that it has not.
        """
        if road is not None:
            self._roads[road]
        with self._lock:
            return [each for each in self._acknowledged if road in (None, each.road)]

    @property
    def failed(self) -> list[Failed]:
        """The last attempts that were not acknowledged, oldest first."""
        with self._lock:
            return list(self._failed)

    @property
    def failures(self) -> int:
        """How many attempts were not acknowledged, also those that are no longer remembered."""
        with self._lock:
            return self._failures

    def first_after(self, at_s: float, road: str | None = None) -> float | None:
        """Return `service.first_after` of what was acknowledged by now."""
        return service.first_after(self.acknowledged(road), at_s)

    def outages(
        self, since_s: float, until_s: float, longest_pause_s: float, road: str | None = None
    ) -> list[service.Outage]:
        """Return `service.outages` of what was acknowledged by now."""
        return service.outages(self.acknowledged(road), since_s, until_s, longest_pause_s)

    def _travel(self, road: str) -> None:
        due_s = self._clock()
        for count in range(1, self._most_messages + 1):
            if self._ending.is_set():
                return
            self._attempt(road, f"{road}-{count:06}")
            # One that took long is not made up for: a burst after an outage would be another load.
            due_s = max(due_s + self._interval_s, now_s := self._clock())
            self._sleep(due_s - now_s)
        now_s = self._clock()
        why = f"not sent: the road ends after {self._most_messages} messages"
        self._note(Failed(f"{road}-{self._most_messages + 1:06}", road, why, now_s, now_s))

    def _attempt(self, road: str, number: str) -> None:
        host, port = self._roads[road]
        sent_s = self._clock()
        try:
            answer = self._send(host, port, numbered_message(number), self._timeout_s)
        except OSError as error:
            why = f"{type(error).__name__}: {error}"[:_WHY_CHARACTERS]
            self._note(Failed(number, road, why, sent_s, self._clock()))
            return
        kept_by = match[1] if (match := _KEPT_BY.search(answer)) else ""
        self._note(Acknowledged(number, road, kept_by, sent_s, self._clock()))

    def _note(self, ended: Acknowledged | Failed) -> None:
        with self._lock:
            if isinstance(ended, Acknowledged):
                self._acknowledged.append(ended)
            else:
                self._failed.append(ended)
                self._failures += 1
