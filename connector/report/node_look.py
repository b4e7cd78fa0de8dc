"""What the exporter shows of this node: `connector exporter`, and the one inside of the watch."""

from __future__ import annotations

import socket

from connector.memory import last_pass
from connector.report import metrics
from connector.report.answers import Log
from connector.report.exporter import Exporter
from connector.report.page.past import read_past
from connector.report.page.samples import Samples
from connector.report.page.view import view_of
from connector.report.shared_look import Collect, Seen
from connector.report.web.protection import Protect
from connector.settings import Settings
from connector.survey import survey
from connector.world import World


def exporter_of(
    world: World, settings: Settings, listening: socket.socket, protect: Protect, log: Log
) -> Exporter:
    """The exporter of this node, on a socket that listens already."""
    return Exporter(
        looking(world, settings),
        listening=listening,
        protect=protect,
        node=world.host,
        past=lambda: read_past(settings.journal_file),
        log=log,
    )


def looking(world: World, settings: Settings) -> Collect:
    """What looks at this node; the samples of its looks live as long as it does."""
    samples = Samples()

    def collect() -> Seen:
        report, memory = survey(world, settings)
        try:
            last = last_pass.load(settings.last_pass_file)
        except OSError:
            last = None
        now_boot_s = world.clock.boot_s()
        samples.note(now_boot_s, report.resources)
        kept = metrics.metrics_memory(settings, memory.counters, last, report.observation.source)
        return Seen(
            registry=metrics.snapshot(report.resources, kept),
            view=view_of(
                report,
                node=world.host,
                now_boot_s=now_boot_s,
                last_pass=last,
                samples=samples.kept(),
            ),
            report=report,
        )

    return collect
