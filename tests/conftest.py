"""What all tests share: the laboratory's fixtures, of which most tests need none; and a mark."""

import signal

import pytest

pytest_plugins = ("tests.lab.plugin",)


def pytest_configure(config: pytest.Config) -> None:
    """Name the mark that `make sim` goes by, and have Ctrl-C mean something.

    Started in the background (nohup, a script's `&`) the tests would hand on to every program that
    they start that SIGINT is ignored; some of them press Ctrl-C.
    """
    config.addinivalue_line("markers", "slow: takes its time; `make slow`, not in `make check`")
    config.addinivalue_line("markers", "broken_rules: plays copies of broken rules; `make sim`")
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
