"""connector as a command on a node's PATH, in a process that has it loaded already."""

from __future__ import annotations

import shlex
import sys

from .drbd_node import CHECKOUT, DrbdNode
from .image import GUEST_FOLDER


def put_connector(node: DrbdNode, target: str) -> None:
    """Install the command at `target`, loaded already (guest/on_the_path.py)."""
    node.connector(["--version"], checkout=CHECKOUT)
    script = shlex.quote(str(GUEST_FOLDER / "on_the_path.py"))
    node.install(target, f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -I -S {script} "$@"\n')
    node.run(f"chmod 755 {target}")
