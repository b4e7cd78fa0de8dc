"""A pass of connector in a node, as its JSON and the node's own record show it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self


@dataclass(frozen=True)
class Pass:
    """One pass of connector: how it ended, what it said of each resource, and what it ran.

    `commands` are those that really ran, as the node noted them, not as connector says.
    """

    exit_status: int
    report: Mapping[str, Any]
    commands: tuple[str, ...]
    stderr: str = ""

    @classmethod
    def read(cls, exit_status: int, stdout: str, commands: Sequence[str], stderr: str) -> Self:
        """Return the pass that `connector reconcile --json` printed; a failed one is empty."""
        report = json.loads(stdout) if stdout.startswith("{") else {"resources": []}
        return cls(exit_status, report, tuple(commands), stderr)

    @property
    def decided(self) -> list[str]:
        """Return what was decided, as lines of the recording."""
        return [
            " ".join(["decided", item["name"], item["decision"], *item["gates"]])
            for item in self.report["resources"]
        ]

    def of(self, resource: str = "mail") -> Mapping[str, Any]:
        """Return what was said of a resource."""
        found: Mapping[str, Any] = next(
            item for item in self.report["resources"] if item["name"] == resource
        )
        return found

    def decision(self, resource: str = "mail") -> str:
        """Return the decision for a resource."""
        return str(self.of(resource)["decision"])

    def gates(self, resource: str = "mail") -> list[str]:
        """Return the names of the gates that stood before it."""
        return list(self.of(resource)["gates"])

    def reason(self, resource: str = "mail") -> str:
        """Return the sentence that says why."""
        return str(self.of(resource)["reason"])
