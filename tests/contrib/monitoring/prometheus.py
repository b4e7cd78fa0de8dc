"""A real Prometheus that scrapes what it is told to."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.contrib.programs import needed

from .asking import Api, Labels
from .server import Server


@dataclass(frozen=True, slots=True)
class Target:
    """Something to scrape: HOST:PORT, the name of its job, and labels such as pair, instance."""

    address: str
    job: str
    labels: Mapping[str, str] = field(default_factory=Labels)


class Prometheus(Server):
    """One Prometheus on a free port, with its data in a folder."""

    def __init__(
        self,
        folder: Path,
        targets: Sequence[Target] = (),
        *,
        rule_files: Sequence[Path] = (),
        scrape_interval_s: float = 1,
        evaluation_interval_s: float = 1,
    ) -> None:
        """Data that lies in `data` of the folder already (blocks of TSDB) is found there.

        Without Prometheus the test is skipped or fails: see `needed`.
        """
        program = needed("prometheus", "prometheus", "a real Prometheus was")
        folder.mkdir(parents=True, exist_ok=True)
        written = configuration(targets, rule_files, scrape_interval_s, evaluation_interval_s)
        file = folder / "prometheus.yml"
        # JSON is YAML.
        file.write_text(json.dumps(written, indent=1), encoding="utf-8")
        self.data = folder / "data"
        super().__init__(
            [
                program,
                f"--config.file={file}",
                f"--storage.tsdb.path={self.data}",
                "--web.listen-address=127.0.0.1:0",
            ],
            folder / "prometheus.log",
            "/-/ready",
        )

    @property
    def api(self) -> Api:
        """What can be asked of it while it runs."""
        return Api(self.url)


def configuration(
    targets: Sequence[Target],
    rule_files: Sequence[Path],
    scrape_interval_s: float,
    evaluation_interval_s: float,
) -> dict[str, Any]:
    """A prometheus.yml; targets with the same job become one job, as Prometheus wants it."""
    jobs: dict[str, list[Target]] = {}
    for target in targets:
        jobs.setdefault(target.job, []).append(target)
    return {
        "global": {
            "scrape_interval": _duration(scrape_interval_s),
            "scrape_timeout": _duration(scrape_interval_s),
            "evaluation_interval": _duration(evaluation_interval_s),
        },
        "rule_files": [str(path.resolve()) for path in rule_files],
        "scrape_configs": [
            {
                "job_name": job,
                "static_configs": [
                    {"targets": [one.address], "labels": dict(one.labels)} for one in those
                ],
            }
            for job, those in jobs.items()
        ],
    }


def _duration(seconds: float) -> str:
    """As Prometheus writes one; it knows no fractions."""
    return f"{round(seconds * 1000)}ms"
