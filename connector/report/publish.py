"""After a pass: its time is kept, the journal is continued, and the textfile is written."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from connector.memory import last_pass
from connector.memory.last_pass import LastPass
from connector.report.passes import PassReport
from connector.settings import Settings
from connector.world import World


def publish(report: PassReport, world: World, settings: Settings) -> PassReport:
    """The report with a warning for each file that could not be written.

    A disk that is full or read-only costs the record, never the pass.
    """
    warnings = list(report.warnings)
    if report.eventful:
        warnings += _continue_journal(report, settings)
    if not report.complete:
        # One resource's pass says nothing of the node, and would hide the others' series.
        return replace(report, warnings=tuple(warnings))
    kept: LastPass | None = None
    try:
        kept = last_pass.note(
            settings.last_pass_file,
            at_wall_s=world.clock.wall_s(),
            duration_s=report.duration_s,
            exit_status=report.exit_status,
        )
    except OSError as error:
        warnings.append(f"{settings.last_pass_file}: cannot be written: {error.strerror}")
    if settings.textfile is not None:
        warnings += _write_textfile(settings.textfile, report, settings, kept)
    return replace(report, warnings=tuple(warnings))


def _continue_journal(report: PassReport, settings: Settings) -> list[str]:
    from connector.memory import journal
    from connector.report.as_json import journal_entry

    entry = journal_entry(report)
    if entry is None:
        return []
    try:
        journal.append(settings.journal_file, entry)
    except OSError as error:
        return [f"{settings.journal_file}: cannot be written: {error.strerror}"]
    return []


def _write_textfile(
    path: Path, report: PassReport, settings: Settings, kept: LastPass | None
) -> list[str]:
    from connector.memory import counters
    from connector.report import metrics

    try:
        counted, _ = counters.load(settings.counters_file, touch=False)
        memory = metrics.metrics_memory(settings, counted, kept, report.observation.source)
        data = metrics.text(metrics.snapshot(report.resources, memory))
        metrics.write_textfile(path, data)
    except OSError as error:
        return [f"metrics textfile {path}: cannot be written: {error.strerror}"]
    return []
