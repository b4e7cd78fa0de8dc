"""The group of commands; each command's module is imported only when it is asked for.

cron runs `connector reconcile` every minute, so what a command does not need is not imported.
"""

from __future__ import annotations

import importlib
import os
import sys
from typing import Any, cast

import click

from connector import __version__
from connector.cli.options import COMMON, Setup
from connector.errors import ConnectorError

# Each command's module in connector/cli/ and its line in the help.
COMMANDS = {
    "reconcile": "One pass, what cron runs; silent when healthy.",
    "watch": "Stay, and run a pass as soon as DRBD says that something has changed.",
    "status": "What is seen, per resource, and what would be done.",
    "recover": "A person's recovery of one resource: shows the plan, asks, does it.",
    "takeover": "Make this node the active one: what a cluster manager calls.",
    "release": "Make this node passive: what a cluster manager calls.",
    "rescue": "What was given up: kept before it was, to look at, to take out, to drop.",
    "pause": "Keep the agent's hands off, for one resource or for all.",
    "resume": "End a pause, and let a resource be tried again.",
    "history": "What happened on this node, from the journal; draws one incident.",
    "bundle": "One archive with all that somebody who helps would ask for, without secrets.",
    "check": "One line for Nagios and the like.",
    "doctor": "What is wrong around this node, with a fix beside each.",
    "parse": "/proc/drbd text to JSON.",
    "table": "The decision table, from the code.",
    "explain": "What the table says of a saved state, in each mode.",
    "handler": "What drbd.conf's handlers call: notes the event, wakes `watch`.",
    "exporter": "Prometheus metrics and a page for a person, over HTTP.",
    "demo": "A simulated pair gets into trouble; the real code puts it together.",
}
_UNKNOWN = 3  # what a monitoring plugin answers when it cannot tell


class _Commands(click.Group):
    """A group that imports a command when it is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order of COMMANDS."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name, or None."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"connector.cli.{cmd_name}")
        return cast(click.Command, module.command)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list in the help, without importing any command."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does; a word that is no command gets a guess at what was meant."""
        if args and not args[0].startswith("-") and args[0] not in COMMANDS:
            import difflib

            near = difflib.get_close_matches(args[0], COMMANDS, n=1)
            guess = f" Did you mean {near[0]!r}?" if near else ""
            raise click.UsageError(f"No such command {args[0]!r}.{guess}", ctx)
        return super().resolve_command(ctx, args)


def _version(ctx: click.Context, _parameter: click.Parameter, value: bool) -> None:
    if value:
        click.echo(f"connector {__version__}")
        ctx.exit()


@click.command(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit status: 0 nothing left to do, 1 an action failed, 2 usage, 3 an operator is "
    "needed, 69 no DRBD here, 75 another pass is at work, 77 not permitted, 78 configuration "
    "error. `check` and `doctor` answer 0 to 3 as Nagios plugins do.",
)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_version,
    help="Show the version and exit.",
)
@click.pass_context
def cli(ctx: click.Context, /, **given: Any) -> None:
    """Put a two-node DRBD pair back together."""
    ctx.obj = Setup.from_flags(given)


cli.params += COMMON


def run(words: list[str]) -> int:
    """Run a command line; its exit status. Whatever happens, there is no traceback without -v."""
    tell = _TELLING.get(_command_of(words), _say)
    try:
        status = cli.main(args=words, prog_name="connector", standalone_mode=False)
        sys.stdout.flush()
    except click.exceptions.Abort:
        click.echo("\nconnector: ended by the user; nothing more is done", err=True)
        return 130
    except click.ClickException as error:
        if tell is _say_unknown:
            return _say_unknown(error.format_message(), error.exit_code)
        error.show()
        return _UNKNOWN if tell is _say_and_be_unknown else error.exit_code
    except BrokenPipeError:
        # The reader has gone; what is left in the buffer would only raise again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except ConnectorError as error:
        return tell(str(error), error.exit_status)
    except PermissionError as error:
        return tell(f"{error.filename}: {error.strerror}; run connector as root", 77)
    except OSError as error:
        return tell(f"{error.filename or 'input or output'}: {error.strerror}", 1)
    except Exception as error:  # the last line of defence: no traceback
        if "-v" in words or "--verbose" in words:
            raise
        return tell(f"internal error: {error!r}; run it again with -v for where, and report it", 1)
    return status if isinstance(status, int) else 0


def _command_of(words: list[str]) -> str:
    return next((word for word in words if word in COMMANDS), "")


def _say(message: str, exit_status: int) -> int:
    for line in message.splitlines():
        click.echo(f"connector: {line}", err=True)
    return exit_status


def _say_unknown(message: str, _exit_status: int) -> int:
    """Whatever went wrong, a monitoring plugin answers with one line and UNKNOWN."""
    click.echo(f"DRBD UNKNOWN: {' '.join(message.split()).replace('|', '/')}")
    return _UNKNOWN


def _say_and_be_unknown(message: str, exit_status: int) -> int:
    """The same for a person: `doctor` has the exit statuses of `check`, and many lines."""
    _say(message, exit_status)
    return _UNKNOWN


_TELLING = {"check": _say_unknown, "doctor": _say_and_be_unknown}
