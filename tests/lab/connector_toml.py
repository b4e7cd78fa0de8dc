"""The connector.toml of a story."""

from __future__ import annotations

import json
from collections.abc import Mapping

# What a story does not say is quicker than the default: nothing is gained by watching longer, for
# what has not come up by then waits for the other node.
POLICY: Mapping[str, object] = {"demote_grace": 0, "respect_disconnect": 0}
RUN: Mapping[str, object] = {"settle": 3}


def connector_toml(
    policy: Mapping[str, object] | None, run: Mapping[str, object] | None, more: str = ""
) -> str:
    """Return the text: keys of [policy] and of [run] over those of stories, and more lines."""
    sections = {"policy": {**POLICY, **(policy or {})}, "run": {**RUN, **(run or {})}}
    return "".join(_section(name, keys) for name, keys in sections.items()) + more


def mode_of(policy: Mapping[str, object] | None) -> str:
    """Return the line of the recording that says which mode is in force from now on."""
    return f"mode {(policy or {}).get('mode', 'reconnect')}"


def _section(name: str, keys: Mapping[str, object]) -> str:
    return f"[{name}]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in keys.items())
