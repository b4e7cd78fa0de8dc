"""Passes, as the nodes noted them."""

from __future__ import annotations

from .builders import CRASH, lane
from .reading import history


def test_a_pass_may_lack_its_beginning_or_its_end() -> None:
    assert [span.detail for span in lane(history(CRASH), "beta", "passes")] == [
        "pass 700 (reconcile --json): crashed, 2.0 s",
        "pass 900 (its beginning is not recorded): exit 0, 0.5 s",
        "pass 901 (reconcile): not ended, 2.0 s",
    ]
