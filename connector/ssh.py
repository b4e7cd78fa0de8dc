"""How the other node is asked for what its connector prints: by ssh, without a question."""

from __future__ import annotations

import re

# A host's name or address, with a user or not; never something that ssh takes for an option.
_HOST = re.compile(r"[A-Za-z0-9_\[][\w.@:%\[\]-]{0,254}", re.ASCII)
_OPTIONS = ("-oBatchMode=yes", "-oConnectTimeout=5")


def is_host(text: str) -> bool:
    """Whether this is HOST or USER@HOST."""
    return _HOST.fullmatch(text) is not None


def asking(host: str, *words: str) -> tuple[str, ...]:
    """The command that runs `connector WORDS` on the host (ssh(1), ssh_config(5))."""
    return ("ssh", *_OPTIONS, "--", host, "connector", *words)
