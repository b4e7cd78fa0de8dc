"""All that the page shows, as one value."""

from __future__ import annotations

from dataclasses import dataclass

from connector import __version__
from connector.memory.last_pass import LastPass
from connector.report.page.past import NOTHING_PAST, Past
from connector.report.page.samples import Sample
from connector.report.passes import PassReport, ResourceReport


@dataclass(frozen=True, slots=True)
class PageView:
    """One look at this node, and what is remembered.

    `now_wall_s` (since 1970) and `now_boot_s` are the moment of the look on two clocks: the
    journal and the last pass are on the first one, the samples on the second.
    """

    node: str
    now_wall_s: float
    now_boot_s: float
    resources: tuple[ResourceReport, ...]
    driver: str | None = None
    messages: tuple[str, ...] = ()
    last_pass: LastPass | None = None
    samples: tuple[Sample, ...] = ()
    past: Past = NOTHING_PAST
    version: str = __version__


def view_of(
    report: PassReport,
    *,
    node: str,
    now_boot_s: float,
    last_pass: LastPass | None,
    samples: tuple[Sample, ...],
) -> PageView:
    """The view of a look, without the past: that is read when somebody asks for the page."""
    return PageView(
        node=node,
        now_wall_s=report.started_wall_s,
        now_boot_s=now_boot_s,
        resources=report.resources,
        driver=report.observation.proc.version,
        messages=report.messages,
        last_pass=last_pass,
        samples=samples,
    )
