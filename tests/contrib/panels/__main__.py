"""Draw both dashboards: `python -m tests.contrib.panels FOLDER`.

Exit status 0, 1 where Prometheus, promtool or Chromium is missing, 2 where no folder is named.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.report.page.chromium import Chromium

from .pictures import pages, photographed
from .stage import staged

_NEEDED = {"prometheus": "prometheus", "promtool": "prometheus", "chromium": "chromium"}


def main(words: Sequence[str]) -> int:
    """Write dashboard-pair.png and dashboard-pairs.png into the folder that is named."""
    if len(words) != 1 or not Path(words[0]).is_dir():
        print("usage: python -m tests.contrib.panels FOLDER", file=sys.stderr)
        return 2
    missing = sorted({package for name, package in _NEEDED.items() if shutil.which(name) is None})
    if missing:
        print(f"missing: apt-get install {' '.join(missing)} (as root)", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with (
            staged(folder / "hour") as hour,
            Chromium(str(shutil.which("chromium")), folder) as browser,
        ):
            for page in pages(hour):
                path = Path(words[0]) / page.picture
                path.write_bytes(photographed(page, browser, folder))
                print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
