"""The pass that cron runs all day long, as far as there is nothing to do."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from connector import first_look
from connector.act.deadline import deadline
from connector.cli.node import this_world
from connector.config import load
from connector.errors import Interrupted, PassTimedOut


def quiet_pass() -> int | None:
    """0 where all is well and the pass is over; None where the whole command has to look.

    What goes wrong here goes wrong there again, and is said there. Only the deadline and a signal
    end the pass at once: their exit status comes back.
    """
    config, root = os.environ.get("CONNECTOR_CONFIG"), os.environ.get("CONNECTOR_ROOT")
    try:
        settings = load(Path(config) if config else None, os.environ)
        world = this_world(Path(root or "/"))
        with deadline(settings.run.deadline_s):
            began_boot_s = world.clock.boot_s()
            if not first_look.nothing_to_do(world, settings):
                return None
            warning = first_look.keep(world, settings, began_boot_s)
    except (PassTimedOut, Interrupted) as error:
        print(f"connector: {error}", file=sys.stderr)
        return error.exit_status
    except Exception:  # noqa: BLE001  the whole command meets it too, and says it properly
        return None
    if warning is not None:
        print(f"connector: {warning}", file=sys.stderr)
    return 0
