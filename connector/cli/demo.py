"""connector demo: a simulated pair splits, and the real code puts it together."""

from __future__ import annotations

import tempfile
from pathlib import Path

import click

from connector.cli.options import Setup, connector_command
from connector.decide.context import Policy
from connector.errors import ConnectorError
from connector.model import ESTABLISHED, Mode
from connector.reconcile import reconcile
from connector.report.publish import publish
from connector.report.text import pass_lines
from connector.settings import RunSettings, Settings
from connector.simulate import SimulatedPair

NODES = ("alpha", "beta")
MINUTE_S = 60.0
MAX_MINUTES = 12
RESOURCES = {"mail": (0,), "db": (1, 2)}


@connector_command("demo")
@click.option(
    "--mode",
    type=click.Choice(["discard", "reconnect"]),
    default="discard",
    show_default=True,
    help="What the agents may do about the split brain.",
)
def command(setup: Setup, mode: str) -> int:
    """A simulated pair splits, and the real code reconciles it on both nodes.

    No root, no DRBD: two nodes in memory that speak the same interfaces as the real ones.
    """
    with tempfile.TemporaryDirectory(prefix="connector-demo-") as folder:
        return _Demo(Path(folder), Mode(mode), color=setup.color).tell()


class _Demo:
    def __init__(self, folder: Path, mode: Mode, *, color: bool) -> None:
        self._color = color
        self._mode = mode
        self._pair = SimulatedPair()
        self._worlds = {node: self._pair.world(node, folder / node) for node in NODES}
        self._settings = {
            node: Settings(
                policy=Policy(mode=mode),
                run=RunSettings(state_dir=folder / node / "state", lock=folder / node / "lock"),
            )
            for node in NODES
        }

    def tell(self) -> int:
        """The whole story; exit status 0 where it ended as the mode promises."""
        self._title("Two nodes, two replicated resources. alpha is active, beta stands by.")
        for name, minors in RESOURCES.items():
            for volume, _ in enumerate(minors):
                self._pair.mount("alpha", name, f"/srv/{name}{volume}", volume)
        self._show()
        self._split()
        self._title("Cron runs `connector reconcile` on each node every minute.")
        together = self._minutes()
        return self._end(together)

    def _split(self) -> None:
        pair = self._pair
        self._title("The link breaks. The cluster manager on beta takes over; alpha still lives.")
        pair.cut_link()
        pair.sleep(10)
        for name, minors in RESOURCES.items():
            pair.run_on("beta")(("drbdadm", "primary", name), 15)
            for volume, _ in enumerate(minors):
                pair.mount("beta", name, f"/srv/{name}{volume}", volume)
        pair.write("alpha", "mail", 0, 7, "a letter delivered on alpha")
        pair.write("beta", "mail", 0, 9, "a letter delivered on beta")
        pair.write("alpha", "db", 0, 3, "a row inserted on alpha")
        pair.write("beta", "db", 1, 4, "a row inserted on beta")
        self._say("both nodes write: alpha to mail and db, beta to mail and db")
        self._title("The link is back. DRBD sees two histories and keeps them apart.")
        pair.restore_link()
        pair.sleep(10)
        self._title("The cluster manager settles on alpha: beta's service is stopped.")
        for name, minors in RESOURCES.items():
            for volume, _ in enumerate(minors):
                pair.umount("beta", name, f"/srv/{name}{volume}", volume)
        self._show()

    def _minutes(self) -> bool:
        """Cron's minutes, until both nodes are together or the story has gone on long enough."""
        for minute in range(1, MAX_MINUTES + 1):
            click.echo(self._styled(f"  minute {minute}", dim=True))
            before_s = self._pair.state.now_s
            for node in NODES:
                self._pass(node)
            self._pair.sleep(max(1.0, MINUTE_S - (self._pair.state.now_s - before_s)))
            if self._together():
                return True
            if self._mode is Mode.RECONNECT and minute >= 3:
                return False
        return False

    def _pass(self, node: str) -> None:
        world, settings = self._worlds[node], self._settings[node]
        try:
            report = publish(reconcile(world, settings), world, settings)
        except ConnectorError as error:
            click.echo(f"    {node}: {error}")
            return
        for line in pass_lines(report):
            for number, part in enumerate(line.split(" | ")):
                lead = f"    {node:5}  " if number == 0 else " " * 11 + "→ "
                click.echo(lead + part)

    def _together(self) -> bool:
        return all(
            self._pair.connection(node, name) in ESTABLISHED for node in NODES for name in RESOURCES
        )

    def _end(self, together: bool) -> int:
        if self._mode is Mode.RECONNECT:
            self._title("In mode reconnect nothing was given up. A person decides:")
            self._say("on beta:  connector recover mail --discard-my-data   (and db likewise)")
            self._show()
            return 1 if together else 0
        self._title("Together again." if together else "Still apart.")
        self._show()
        if together:
            kept = self._pair.blocks("beta", "mail")
            self._say(f"beta's copy of mail now: {', '.join(kept.values())}")
            for path in sorted(self._settings["beta"].given_up_dir.iterdir()):
                self._say(f"what beta gave up is on record there: given-up/{path.name}")
        return 0 if together else 1

    def _show(self) -> None:
        for node in NODES:
            text = (self._worlds[node].root / "proc/drbd").read_text()
            for line in text.splitlines():
                if "cs:" in line:
                    click.echo(f"    {node:5} {line}")

    def _title(self, text: str) -> None:
        click.echo()
        click.echo(self._styled(text, bold=True))

    def _say(self, text: str) -> None:
        click.echo(f"    {text}")

    def _styled(self, text: str, *, bold: bool = False, dim: bool = False) -> str:
        return click.style(text, bold=bold or None, dim=dim or None) if self._color else text
