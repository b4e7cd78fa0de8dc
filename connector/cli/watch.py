"""connector watch: passes within a second of what happens, not only by the minute."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from pathlib import Path

import click

from connector.cli.node import this_world
from connector.cli.options import Setup, connector_command
from connector.cli.serving import listen_option, listening_at, protection, web_config_option
from connector.errors import ConnectorError, NoDrbd, UsageError
from connector.report.web.listening import DEFAULT_HOST, announced
from connector.settings import Settings
from connector.watch import doorbell, polling
from connector.watch import work as passes
from connector.watch.exporter_process import ExporterProcess, NoExporter
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
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    help="Serve there what `connector exporter` serves; 0 takes a free port and prints it. "
    "Without --port nothing listens.",
)
@listen_option
@web_config_option
def command(
    setup: Setup, interval_s: int, port: int | None, listen: str | None, web_config: Path | None
) -> int:
    """Stay, and run a pass as soon as DRBD says that something has changed.

    It reads `drbdsetup events2`; where that does not run, it looks at /proc/drbd every second. Its
    passes are those of `connector reconcile`, under the same lock: cron and a person's commands may
    run beside it. SIGHUP reads the configuration again (a bad one is refused), SIGTERM ends it.
    """
    if port is None:
        if listen is not None or web_config is not None:
            raise UsageError("--listen and --web-config say how the exporter listens: add --port")
        return watch(setup, interval_s)
    return watch(setup, interval_s, served=Served(port, listen or DEFAULT_HOST, web_config))


@dataclass(frozen=True, slots=True)
class Served:
    """What the command line says of the exporter."""

    port: int
    listen: str = DEFAULT_HOST
    web_config: Path | None = None


def watch(
    setup: Setup, interval_s: float, work: Work = passes.work, served: Served | None = None
) -> int:
    """Watch until a signal asks to end; `work` is what each pass does. Returns 0.

    Raises:
        ConfigurationError: the configuration, or the web configuration, is wrong.
        NoDrbd: there is none at the beginning; one that goes away later is waited for.
        NotPermitted, ConnectorError: the socket for `connector handler` cannot be made, or the
            exporter's address cannot be listened on.
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
    beside = None if served is None else _Beside(served, world, in_force, log.say)
    passes.load_all()
    wishes = SignalWishes()  # before the socket: whoever sees that may send a signal

    def begin_pass() -> PassProcess:
        now = in_force.settings
        limit_s = now.run.deadline_s + PATIENCE_S
        return PassProcess(lambda: work(world, now), world.clock.boot_s(), limit_s)

    with ExitStack() as opened:
        bell = opened.enter_context(closing(doorbell.Doorbell(doorbell.place(settings.run.lock))))
        reader = opened.enter_context(closing(Reader(log.say)))
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
            exporter=NoExporter() if beside is None else beside.process(opened),
            pace=replace(Pace(), interval_s=interval_s),
        ).run()
    return 0


class _Beside:
    """The exporter of a watch."""

    def __init__(
        self, served: Served, world: World, in_force: _InForce, log: Callable[[str], None]
    ) -> None:
        """Load all that its process needs, once for all that follow each other.

        Raises:
            ConfigurationError: the web configuration is wrong.
        """
        from connector.report.exporter import run
        from connector.report.node_look import exporter_of

        self._served = served
        self._log = log
        self._protect = protect = protection(served.web_config, log)

        def serve(listening: socket.socket) -> None:
            run(exporter_of(world, in_force.settings, listening, protect, log))

        self._serve = serve

    def process(self, opened: ExitStack) -> ExporterProcess:
        """What looks after it; its socket listens from now on, until `opened` is closed.

        Raises:
            NotPermitted, ConnectorError: the address cannot be listened on.
        """
        host = self._served.listen
        listening = opened.enter_context(
            listening_at(host, self._served.port, self._protect, self._log)
        )
        self._log(f"exporter: {announced(host, listening)}")
        process = ExporterProcess(
            lambda: self._serve(listening),
            listening.fileno(),
            self._log,
            # What it reads anew before a start, the one after that has as well.
            prepare=self._protect,
        )
        return opened.enter_context(closing(process))


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
