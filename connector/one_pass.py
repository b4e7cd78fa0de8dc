"""A pass and the traces it leaves: what cron's command, the watch and the tests run."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from connector.errors import LockHeld
from connector.settings import Settings
from connector.world import World

if TYPE_CHECKING:
    from connector.report.passes import PassReport


def warn_on_stderr(message: str) -> None:
    """Where a warning goes that no report can carry."""
    print(message, file=sys.stderr)


def one_pass(
    world: World,
    settings: Settings,
    *,
    resource: str | None = None,
    dry_run: bool = False,
    warn: Callable[[str], None] = warn_on_stderr,
) -> PassReport:
    """One pass and its traces, without a deadline; what came of it.

    `warn` is told where a pass that found the lock taken cannot be counted.
    Raises ConnectorError with its exit status, such as LockHeld, which is counted.
    """
    if dry_run:
        from connector.survey import survey

        return survey(world, settings, only=resource, dry_run=True)[0]
    from connector.reconcile import reconcile

    try:
        report = reconcile(world, settings, only=resource)
    except LockHeld:
        _count_contention(settings, warn)
        raise
    from connector.report.publish import publish

    return publish(report, world, settings)


def _count_contention(settings: Settings, warn: Callable[[str], None]) -> None:
    from connector.memory.counters import count_contention

    try:
        count_contention(settings.contended_file)
    except OSError as error:
        warn(f"connector: {settings.contended_file}: {error.strerror}")
