"""Stand-ins for mount, umount and fsck: real executables that work on the pair in a folder."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from connector.simulate import SimulatedPair
from connector.simulate.state import Refused
from tests.stand_in import StandIn

RESOURCE, MINORS = "db", (1, 2)
BLOCK, BLOCKED, LINES = "block", "blocked", "lines"


def main(folder: str, node: str, argv: list[str]) -> None:
    """Run `argv` on `node` and exit as the real program would.

    The file `block` may hold `before LINE` or `after LINE`: there it waits for ever, and says so by
    a file `blocked`. Every line goes into a file, too.
    """
    stand_in = StandIn(Path(folder))
    line = " ".join([Path(argv[0]).name, *argv[1:]])
    with (stand_in.folder / LINES).open("a", encoding="utf-8") as lines:
        lines.write(line + "\n")
    _block(stand_in.folder, f"before {line}")
    try:
        with stand_in.changing() as pair:
            _act(pair, node, line.split())
    except Refused as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(32)
    _block(stand_in.folder, f"after {line}")


def _act(pair: SimulatedPair, node: str, words: list[str]) -> None:
    if words[0] == "mount":
        volume = MINORS.index(int(words[-2].removeprefix("/dev/drbd")))
        pair.mount(node, RESOURCE, words[-1], volume)
    elif words[0] == "umount":
        for side in pair.side(node, RESOURCE).volumes:
            if words[-1] in side.mount_points:
                pair.umount(node, RESOURCE, words[-1], side.volume)
                return
        raise Refused(f"umount: {words[-1]}: not mounted.")


def _block(folder: Path, here: str) -> None:
    file = folder / BLOCK
    if file.exists() and file.read_text(encoding="utf-8") == here:
        (folder / BLOCKED).touch()
        while True:
            time.sleep(3600)
