"""connector watch: passes within a second of what happens, not only by the minute."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import replace

import click

from connector.cli.node import this_world
from connector.cli.options import Setup, connector_command
from connector.errors import ConnectorError, NoDrbd
from connector.settings import Settings
from connector.watch import doorbell, one_pass, polling
from connector.watch.log import WatchLog
from connector.watch.loop import Watch
from connector.watch.notify import Systemd
from connector.watch.pass_process import PATIENCE_S, PassProcess, Told
from connector.watch.reader import Reader
from connector.watch.schedule import Pace
from connector.watch.wishes import SignalWishes
from connector.world import World

Work = Callable[[World, Settings], Told]


@connector_command("watch")
@click.option(
    "--interval",
    "interval_s",
    type=click.IntRange(min=5, max=3600),
    default=60,
    show_default=True,
    metavar="SECONDS",
    help="A pass comes at the latest this long after the one before, whatever happens.",
)
def command(setup: Setup, interval_s: int) -> int:
    """Stay, and run a pass as soon as DRBD says that something has changed.

    It reads `drbdsetup events2`; where that does not run, it looks at /proc/drbd every second. Its
    passes are those of `connector reconcile`, under the same lock: cron and a person's commands may
    run beside it. SIGHUP reads the configuration again (a bad one is refused), SIGTERM ends it.
    """
    return watch(setup, interval_s)


def watch(setup: Setup, interval_s: float, work: Work = one_pass.work) -> int:
    """Watch until a signal asks to end; `work` is what each pass does. Returns 0.

    Raises:
        NoDrbd: there is none at the beginning; one that goes away later is waited for.
        NotPermitted, ConnectorError: the socket for `connector handler` cannot be made.
    """
    settings = setup.settings()
    world = this_world(setup.root)
    log = WatchLog(as_json=setup.as_json or not sys.stderr.isatty())
    in_force = _InForce(setup, settings)
    if not (world.root / "proc" / "drbd").exists():
        raise NoDrbd(
            f"no DRBD here: {world.root / 'proc' / 'drbd'} does not exist. "
            "Load the module with `modprobe drbd`, then start connector watch"
        )
    one_pass.load_all()
    wishes = SignalWishes()  # before the socket: whoever sees that may send a signal
    bell = doorbell.Doorbell(doorbell.place(settings.run.lock))
    reader = Reader(log.say)

    def begin_pass() -> PassProcess:
        now = in_force.settings
        limit_s = now.run.deadline_s + PATIENCE_S
        return PassProcess(lambda: work(world, now), world.clock.boot_s(), limit_s)

    try:
        Watch(
            reader=reader,
            bell=bell,
            wishes=wishes,
            systemd=Systemd(os.environ),
            clock=world.clock.boot_s,
            begin_pass=begin_pass,
            reload=in_force.reload,
            states_now=lambda: polling.states_now(world.root),
            tell=log.tell,
            log=log.say,
            pace=replace(Pace(), interval_s=interval_s),
        ).run()
    finally:
        reader.close()
        bell.close()
    return 0


class _InForce:
    """The settings, which SIGHUP may change."""

    def __init__(self, setup: Setup, settings: Settings) -> None:
        self._setup = setup
        self.settings = settings

    def reload(self) -> str:
        """Read them again; what came of it, as a sentence. A bad configuration changes nothing."""
        try:
            fresh = self._setup.settings()
        except ConnectorError as error:
            return f"the configuration was not read again, the old one stays in force: {error}"
        if fresh.run.lock != self.settings.run.lock:
            return (
                "the configuration was not read again, the old one stays in force: [run] lock "
                "cannot be changed while connector watch runs; restart it"
            )
        self.settings = fresh
        return "the configuration was read again"
