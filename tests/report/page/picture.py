"""A screenshot of the example: `python -m tests.report.page.picture FILE.png`."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.report.page import example, png
from tests.report.page.chromium import Chromium, program

WIDTH = 1400


def main(words: Sequence[str]) -> int:
    """Write it to the file that is named; exit status 2 where none is, 1 without Chromium."""
    if len(words) != 1:
        print("usage: python -m tests.report.page.picture FILE.png", file=sys.stderr)
        return 2
    path = program()
    if path is None:
        print("chromium is missing: apt-get install chromium (as root)", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "page.html"
        example.main([str(source)])
        with Chromium(path, Path(folder)) as browser:
            browser.look_as(WIDTH, 900)
            browser.open(source.as_uri())
            browser.look_as(WIDTH, browser.content_size()[1])
            taken = browser.picture()
    # Chromium packs for speed; packed well it is a third smaller.
    Path(words[0]).write_bytes(png.packed(png.read(taken)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
