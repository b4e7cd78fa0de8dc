"""A real `connector exporter` as a process of its own."""

from __future__ import annotations

from pathlib import Path

from tests.cli.stage import Stage

from .server import Server


class ConnectorExporter(Server):
    """The exporter of a stage's node, on a free port."""

    def __init__(self, stage: Stage, folder: Path, **environment: str) -> None:
        """The environment is added to the stage's own."""
        folder.mkdir(parents=True, exist_ok=True)
        super().__init__(
            stage.argv(("exporter", "--port", "0")),
            folder / "exporter.log",
            "/-/healthy",
            {**stage.environment, **environment},
        )
