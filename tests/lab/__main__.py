"""`python -m tests.lab`: boot the pair and leave a person at a prompt on either node."""

from __future__ import annotations

import shlex
import shutil
import signal
import sys
from collections.abc import Callable
from types import FrameType

from .drbd_node import CHECKOUT, DrbdNode
from .errors import LabError
from .node import CRON_ENVIRONMENT
from .packages import require
from .pair import Pair

COMMAND_TIMEOUT_S = 300.0
HELP = f"""\
A line is run by the shell of the node in the prompt, as root, from / ({COMMAND_TIMEOUT_S:.0f} s).
The checkout is at {CHECKOUT}, as on the host; `connector` runs its code.
  .alpha .beta     go to that node          .cut .restore   the link between the nodes
  .crash           power cut of this node   .boot           boot it again, and bring DRBD up
  .split           split brain of mail      .reset          a clean state on both
  .wait STATE      until mail is in it here, Connected for instance
  .apart           mail StandAlone here, if it still waits for its peer
  .state           /proc/drbd of both       .kmsg           this node's kernel log, raw
  .keep FOLDER     evidence of both         .help  .quit
"""
COLUMNS = 100  # where nobody's terminal is there
COMMAND = "/usr/local/sbin/connector"
# Commands that have to be ended: the shell's time-out does that.
STAYING = frozenset({"watch", "exporter"})
SETTLED = frozenset({"Connected", "StandAlone", "SyncSource", "SyncTarget", "WFConnection"})
# With one of these in it, a line needs a shell.
SHELL_MARKS = frozenset("|&;<>()$`*?[#~")


class Prompt:
    """Runs one line after the other on the pair."""

    def __init__(self, pair: Pair) -> None:
        """Start on alpha, with `connector` on both nodes' PATH."""
        self._pair = pair
        self._node: DrbdNode = pair.alpha
        self._install()

    @property
    def text(self) -> str:
        """What to show before a line is typed."""
        return f"{self._node.name}# "

    def take(self, line: str) -> bool:
        """Do what one line says and print the result; return False when it was `.quit`."""
        line = line.strip()
        if not line or line.startswith("#"):
            return True
        if line == ".quit":
            return False
        try:
            if line.startswith("."):
                self._direct(*line.split())
            else:
                self._run(line)
        except LabError as error:
            print(error, file=sys.stderr, flush=True)
        return True

    def _run(self, line: str) -> None:
        words = _words_of_connector(line)
        if words is None:
            done = self._node.run(line, COMMAND_TIMEOUT_S, check=False)
        else:  # in a process that has it loaded: to load it takes ten seconds
            columns = str(shutil.get_terminal_size((COLUMNS, 0)).columns)
            environment = {**CRON_ENVIRONMENT, "COLUMNS": columns}
            done = self._node.connector(words, checkout=CHECKOUT, environment=environment)
        sys.stdout.write(done.stdout)
        sys.stdout.flush()
        sys.stderr.write(done.stderr)
        if done.exit_status != 0:
            print(f"(exit status {done.exit_status})", file=sys.stderr)
        sys.stderr.flush()

    def _direct(self, word: str, *arguments: str) -> None:
        pair = self._pair
        if word == ".keep" and arguments:
            pair.keep(CHECKOUT / arguments[0])
            return
        if word == ".wait" and arguments:
            self._node.wait_for_connection(arguments[0])
            return
        work: dict[str, Callable[[], object]] = {
            ".alpha": lambda: self._go_to(pair.alpha),
            ".beta": lambda: self._go_to(pair.beta),
            ".cut": pair.cut_link,
            ".restore": self._restore,
            ".apart": self._apart,
            ".crash": self._node.kill,
            ".boot": self._boot,
            ".split": lambda: print(pair.split_brain()),
            ".reset": self._reset,
            ".state": lambda: print(pair.both_proc_drbd()),
            ".kmsg": lambda: print(self._node.kmsg_raw(), end=""),
        }
        work.get(word, lambda: print(HELP, end=""))()
        sys.stdout.flush()

    def _go_to(self, node: DrbdNode) -> None:
        self._node = node

    def _restore(self) -> None:
        """Return when the nodes have met, and are together or have parted for good."""
        self._pair.restore_link()
        if all(node.running for node in self._pair.nodes):
            self._pair.wait_until(self._have_met, "mail on both nodes after a handshake")

    def _apart(self) -> None:
        """StandAlone, whichever of the nodes has given up by itself."""
        if self._node.connection() != "StandAlone":
            self._node.disconnect("mail")
        self._node.wait_for_connection("StandAlone")

    def _have_met(self) -> bool:
        states = {node.connection() for node in self._pair.nodes}
        return states <= SETTLED and states != {"WFConnection"}

    def _reset(self) -> None:
        self._pair.reset()
        self._install()

    def _install(self) -> None:
        for node in self._pair.nodes:
            if node.running:
                node.install(COMMAND, _script())
                node.run(f"chmod 0755 {COMMAND}")

    def _boot(self) -> None:
        self._node.boot_again()
        self._install()
        self._node.run("drbdadm up all")


def _script() -> str:
    """What runs this checkout's code, wherever it is called."""
    checkout, python = shlex.quote(str(CHECKOUT)), shlex.quote(sys.executable)
    return f'#!/bin/sh\nPYTHONPATH={checkout} exec {python} -m connector "$@"\n'


def _words_of_connector(line: str) -> list[str] | None:
    """The arguments of a line that is one call of connector and nothing else."""
    if SHELL_MARKS & set(line):
        return None
    try:
        first, *words = shlex.split(line)
    except ValueError:  # a quotation mark too few: the shell says it better
        return None
    return words if first == "connector" and STAYING.isdisjoint(words) else None


def main() -> int:
    """Boot, prompt until `.quit` or the end of the input, and leave no machine behind.

    Returns the exit status: 0, or 1 when the laboratory cannot run, or 130 after a Ctrl-C.
    """
    signal.signal(signal.SIGTERM, _interrupt)
    interactive = sys.stdin.isatty()
    try:
        require(install=True)
        print("booting two nodes (half a minute) …", file=sys.stderr, flush=True)
        with Pair() as pair:
            print(
                "ready; .help tells what can be typed, docs/first-evening.md what to begin with",
                file=sys.stderr,
                flush=True,
            )
            prompt = Prompt(pair)
            while prompt.take(_line(prompt.text, interactive=interactive)):
                pass
    except EOFError:
        print(file=sys.stderr)
    except KeyboardInterrupt:
        print("\ninterrupted", file=sys.stderr)
        return 130
    except LabError as error:
        print(f"the DRBD laboratory: {error}", file=sys.stderr)
        return 1
    return 0


def _line(prompt: str, *, interactive: bool) -> str:
    if interactive:
        import readline  # noqa: F401  (its import gives input() a history and editing keys)

        return input(prompt)
    line = sys.stdin.readline()
    if not line:
        raise EOFError
    print(f"{prompt}{line.rstrip()}", flush=True)
    return line


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
