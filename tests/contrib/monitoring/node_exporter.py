"""A real node_exporter that shows the textfiles of a folder and nothing else."""

from __future__ import annotations

from pathlib import Path

from tests.contrib.programs import needed

from .server import Server


class NodeExporter(Server):
    """One node_exporter on a free port; its log goes to a folder that it does not read."""

    def __init__(self, textfiles: Path, folder: Path) -> None:
        """Without node_exporter the test is skipped or fails: see `needed`."""
        program = needed(
            "prometheus-node-exporter", "prometheus-node-exporter", "a real node_exporter was"
        )
        folder.mkdir(parents=True, exist_ok=True)
        super().__init__(
            [
                program,
                "--collector.disable-defaults",
                "--collector.textfile",
                f"--collector.textfile.directory={textfiles}",
                "--web.disable-exporter-metrics",
                "--web.listen-address=127.0.0.1:0",
            ],
            folder / "node_exporter.log",
            "/",
        )
