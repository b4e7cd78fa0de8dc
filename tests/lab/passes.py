"""A pass of connector in a node, as its JSON and the node's own record show it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Pass:
    """One pass of connector: how it ended, what it said of each resource, and what it ran.

    `commands` are those that really ran, as the node noted them, not as connector says.
    """

    exit_status: int
    report: Mapping[str, Any]
    commands: tuple[str, ...]
    stderr: str = ""

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
