"""What the tests of the pictures share: the dashboards on the hour, and a browser."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.contrib.programs import needed
from tests.report.page.chromium import Chromium

from .pictures import Page, pages
from .stage import staged


@pytest.fixture(scope="session")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Page]:
    """Both dashboards, by their files' names."""
    with staged(tmp_path_factory.mktemp("hour")) as hour:
        return {page.name: page for page in pages(hour)}


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    """One browser for all."""
    path = needed("chromium", "chromium", "the dashboards' pictures in a browser were")
    with Chromium(path, tmp_path_factory.mktemp("chromium")) as running:
        yield running
    assert running.wait_until_gone() == []
