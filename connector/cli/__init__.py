"""The command line: commands, and errors mapped to exit statuses. Nothing else."""

from __future__ import annotations

import sys
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and leave with the documented exit status; never with a traceback.

    cron's own words are tried without the command line's library, which costs more to load than a
    healthy pass takes: nearly always that is all.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    if words == ["reconcile"] and not sys.stdout.isatty():
        from connector.cli.cron import quiet_pass

        status = quiet_pass()
        if status is not None:
            sys.exit(status)
    from connector.cli.commands import run

    sys.exit(run(words))
