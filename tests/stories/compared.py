"""Which stories are held against what the real pair showed, and where that is kept."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import pytest

from tests.lab.states import Different, Step, Trace

FOLDER = Path(__file__).resolve().parents[1] / "fixtures" / "lab-states"
# What a run on the real pair does with the file: `compare`, `anew`, or `add` to what it has.
VARIABLE = "CONNECTOR_LAB_STATES"
NOT_COMPARED = {
    "test_an_hour_of_cron": (
        "cron and writers go on beside its words, so that no step of it has one outcome"
    ),
}


@dataclass(frozen=True)
class Story:
    """A story that both pairs can play; `not_compared` says why it is not, if it is not."""

    name: str
    path: Path
    not_compared: str = ""

    @classmethod
    def of(cls, item: pytest.Function, on: str) -> Self:
        """The story of a test that is played `on` a pair of that name."""
        parameters = item.callspec.id.removeprefix(on)
        function = item.originalname
        module = Path(item.path).stem
        name = re.sub(r"[^\w.-]+", "_", function.removeprefix("test_") + parameters)
        return cls(
            name=f"{module} {name}",
            path=FOLDER / module.removeprefix("test_") / f"{name}.json",
            not_compared=NOT_COMPARED.get(function, ""),
        )

    def hold(self, run: Sequence[Step], *, real: bool) -> None:
        """Raise Different where the run is another than the real ones; or keep it, if asked."""
        asked = os.environ.get(VARIABLE, "compare")
        if asked not in ("compare", "anew", "add"):
            raise Different(f"{VARIABLE}={asked}: it can be compare, anew or add")
        if real and asked != "compare":
            trace = Trace.load(self.path) if asked == "add" and self.path.exists() else Trace()
            trace.add(run)
            trace.save(self.path)
            return
        if not self.path.exists():
            raise Different(
                f"there is no {self.path.relative_to(FOLDER.parents[2])} to compare with: play the"
                f" story on the real pair with {VARIABLE}=anew"
            )
        Trace.load(self.path).compare(run)
