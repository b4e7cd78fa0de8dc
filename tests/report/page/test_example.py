"""The example that the picture in docs/ is made of."""

from __future__ import annotations

from pathlib import Path

import pytest

from connector.model import DecisionName
from connector.report.page.link import Form, link_of
from connector.report.page.order import Urgency, urgency
from tests.report.page import example, png
from tests.report.page.reading import root_of

PICTURE = Path(__file__).parents[3] / "docs" / "pictures" / "page.png"


def test_it_has_one_of_each() -> None:
    found = [
        (item.decision.name, link_of(item.after).form, urgency(item)) for item in example.reports()
    ]
    assert found == [
        (DecisionName.HEALTHY, Form.SOLID, Urgency.HEALTHY),
        (DecisionName.SYNCING, Form.SYNCING, Urgency.UNSETTLED),
        (DecisionName.RECONNECT_SURVIVOR, Form.SPLIT, Urgency.NEEDS_OPERATOR),
        (DecisionName.HOLD, Form.WAITING, Urgency.UNSETTLED),
    ]
    assert link_of(example.reports()[1].after).percent == 40


def test_the_module_writes_the_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "page.html"
    assert example.main([str(path)]) == 0
    assert len(list(root_of(path.read_text(encoding="utf-8")).iter("article"))) == 4
    assert example.main([]) == 2
    assert "usage: " in capsys.readouterr().err


def test_the_picture_in_docs_is_whole_and_small() -> None:
    data = PICTURE.read_bytes()
    assert len(data) < 200_000
    assert png.read(data).width == 1400
