"""docs/pictures/history.svg, from a journal of real DRBD.

`python -m tests.contrib.history_picture FILE.svg` draws it, as `connector history mail --svg` does.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from connector.memory import history
from connector.memory.history import JournalText
from connector.report.history_svg import draw
from connector.report.past_incidents import incidents
from tests.docs.pages import PROJECT

JOURNAL = PROJECT / "tests" / "fixtures" / "journal" / "split_brain" / "alpha.jsonl"
NODE, RESOURCE = "alpha", "mail"
MUCH_LATER_S = 1_800_000_000.0  # in 2027: nothing in the journal is still going on


def picture() -> str:
    """The newest incident of the journal as SVG."""
    found = history.parse([JournalText(JOURNAL.name, JOURNAL.read_bytes())])
    assert not found.problems, found.problems
    return draw(incidents(found.entries, RESOURCE, now_wall_s=MUCH_LATER_S)[-1], NODE)


def main(words: Sequence[str]) -> int:
    """Write it to the file that is named; exit status 2 where none is."""
    if len(words) != 1:
        print("usage: python -m tests.contrib.history_picture FILE.svg", file=sys.stderr)
        return 2
    Path(words[0]).write_text(picture(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
