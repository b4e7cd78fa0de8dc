"""A captured DRBD 9 node in a folder, with programs that print what they printed there."""

from __future__ import annotations

import os
from pathlib import Path

from tests.captures_9 import FOLDER, STATUS_OF_UTILS, world_of
from tests.cli.stage import Stage

_DRBDSETUP = """\
#!/bin/sh
[ "$1" = status ] && exec cat {status}
echo "$@" >>{calls}
"""
# The node's name in the configuration is this machine's.
_DRBDADM = """\
#!/bin/sh
[ "$1" = dump-xml ] && exec sed 's/<host name="{node}">/<host name="{host}">/' {configuration}
echo "$@" >>{calls}
"""


class CapturedStage(Stage):
    """One node of one situation; whatever is typed there changes nothing and is noted."""

    def __init__(self, folder: Path, situation: str, node: str, utils: str = "9.22") -> None:
        super().__init__(folder)
        captured = FOLDER / situation / node
        self.noted = folder / "calls"
        self.root = folder / "captured"
        self.root.mkdir()
        world_of(self.root, situation, node)
        self.program(
            "drbdsetup",
            _DRBDSETUP.format(status=captured / STATUS_OF_UTILS[utils], calls=self.noted),
        )
        self.program(
            "drbdadm",
            _DRBDADM.format(
                node=node,
                host=os.uname().nodename,
                configuration=captured / "drbdadm_dump-xml",
                calls=self.noted,
            ),
        )

    def typed(self) -> list[str]:
        """What drbdadm was told, dump-xml aside."""
        return self.noted.read_text().splitlines() if self.noted.exists() else []
