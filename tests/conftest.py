"""What all tests share: the laboratory's fixtures, of which most tests need none; and a mark."""

import pytest

pytest_plugins = ("tests.lab.plugin",)


def pytest_configure(config: pytest.Config) -> None:
    """Name the mark that `make sim` goes by."""
    config.addinivalue_line("markers", "broken_rules: plays copies of broken rules; `make sim`")
