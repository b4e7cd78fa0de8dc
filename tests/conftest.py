"""What all tests share: the laboratory's fixtures, of which most tests need none; and a mark."""

import signal
from collections.abc import Sequence

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


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: Sequence[pytest.Item]) -> None:
    """Raise UsageError for a slow test in a file without the mark's name: `make slow` misses it."""
    for path in {item.path for item in items if item.get_closest_marker("slow")}:
        if "mark.slow" not in path.read_text(encoding="utf-8"):
            raise pytest.UsageError(f"{path}: has a slow test; name it `pytest.mark.slow` there")
