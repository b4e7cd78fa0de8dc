"""A pass ends within its deadline, whatever drbdadm, /proc or a disk does."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from connector.errors import Interrupted, PassTimedOut

# After the exception, clean-up may take this long; then the kernel ends the process (SIGALRM's
# default action), so that even a clean-up that hangs cannot keep the lock.
LAST_WORDS_S = 3.0
_ENDING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


@contextmanager
def deadline(seconds: float) -> Iterator[None]:
    """Raise in the main thread when the time is up, or when a signal asks to end.

    Raises:
        PassTimedOut: the time is up.
        Interrupted: SIGTERM, SIGINT or SIGHUP came.
    """
    before = {number: signal.getsignal(number) for number in (*_ENDING, signal.SIGALRM)}

    def time_is_up(_number: int, _frame: FrameType | None) -> None:
        _last_words()
        raise PassTimedOut(f"the pass took longer than its deadline of {seconds:g} s and was ended")

    def asked_to_end(number: int, _frame: FrameType | None) -> None:
        _last_words()
        raise Interrupted(number)

    signal.signal(signal.SIGALRM, time_is_up)
    for number in _ENDING:
        signal.signal(number, asked_to_end)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in before.items():
            signal.signal(number, handler)


def _last_words() -> None:
    """From now on a second signal of any kind ends the process at once."""
    for number in _ENDING:
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, LAST_WORDS_S)
