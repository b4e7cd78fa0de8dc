"""The options of `connector explain`: what a file does not tell, in a person's word."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import click

from connector.cli.options import Setup, duration_s
from connector.cli.parse import text_of
from connector.errors import ConnectorError, UsageError
from connector.model import ConfiguredResource, Mode, Role
from connector.observe.proc_drbd import MAX_BYTES
from connector.report.explain import log as explain_log
from connector.report.explain import names as explain_names
from connector.report.explain.log import SavedLog
from connector.report.explain.said import KINDS, Said, UseSaid
from connector.report.past_incidents import plain
from connector.world import host_name

_STANDARD_INPUT = "-"
_MODES = [mode.value for mode in Mode]
# drbd.conf(5), section net, for no, one and two Primaries.
_AFTER_SB = (
    (
        "disconnect",
        "discard-younger-primary",
        "discard-older-primary",
        "discard-zero-changes",
        "discard-least-changes",
    ),
    (
        "disconnect",
        "consensus",
        "violently-as0p",
        "discard-secondary",
        "call-pri-lost-after-sb",
    ),
    ("disconnect", "violently-as0p", "call-pri-lost-after-sb"),
)


def _roles(
    _context: click.Context, _parameter: click.Parameter, value: str | None
) -> tuple[Role, Role] | None:
    """`Secondary/Primary`, as in `ro:` of /proc/drbd: this node's role and the peer's."""
    if value is None:
        return None
    try:
        own, peer = (Role(word.capitalize()) for word in value.split("/"))
    except ValueError:
        raise click.BadParameter(
            f"{value!r} is no pair of roles: say this node's and the peer's, as in "
            "Secondary/Primary (Unknown where the volumes do not agree)"
        ) from None
    return own, peer


_OPTIONS = (
    click.option("--mode", type=click.Choice(_MODES), help="Only this mode."),
    click.option("--resource", metavar="R", help="Only this resource."),
    click.option(
        "--line", type=click.IntRange(min=1), metavar="N", help="Of a journal: only line N."
    ),
    click.option("--in-use", "use", flag_value=UseSaid.IN_USE.value, help="It is in use."),
    click.option("--not-in-use", "use", flag_value=UseSaid.NOT_IN_USE.value, help="It is not."),
    click.option(
        "--use-unknown", "use", flag_value=UseSaid.UNKNOWN.value, help="Nobody can say whether."
    ),
    click.option(
        "--evidence",
        type=click.Choice(KINDS),
        metavar="KIND",
        help="What the kernel log says: split-brain, operator-disconnect, none, unreadable, or "
        "another kind of docs/json.md.",
    ),
    click.option(
        "--handshake",
        callback=_roles,
        metavar="SELF/PEER",
        help="The roles at a split brain's handshake, such as Secondary/Primary.",
    ),
    click.option("--kernel-log", metavar="FILE", help="A saved dmesg or /dev/kmsg as evidence."),
    click.option(
        "--lasted", callback=duration_s, metavar="TIME", help="It has looked like this so long."
    ),
    click.option("--dump-xml", metavar="FILE", help="A saved `drbdadm dump-xml`: names, policies."),
    click.option("--host", metavar="NAME", help="Whose part of --dump-xml: that node's name."),
    *(
        click.option(
            f"--after-sb-{number}pri",
            type=click.Choice(words),
            metavar="POLICY",
            help=f"DRBD's after-sb-{number}pri, as in drbd.conf.",
        )
        for number, words in enumerate(_AFTER_SB)
    ),
    click.option(
        "--attempts", type=click.IntRange(0, 100), metavar="N", help="So many passes have acted."
    ),
    click.option("--paused", is_flag=True, help="`connector pause` is in force."),
    click.option("--managed", is_flag=True, help="A cluster manager owns it."),
    click.option(
        "--discard-pending",
        is_flag=True,
        help="DRBD 9: an earlier pass told it to discard, and it waits for the peer.",
    ),
)


def explain_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function with all of them; it gets an `Asked`'s values."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


@dataclass(frozen=True, slots=True)
class Asked:
    """The options, by their names."""

    mode: str | None
    resource: str | None
    line: int | None
    use: str | None
    evidence: str | None
    handshake: tuple[Role, Role] | None
    kernel_log: str | None
    lasted: int | None
    dump_xml: str | None
    host: str | None
    after_sb_0pri: str | None
    after_sb_1pri: str | None
    after_sb_2pri: str | None
    attempts: int | None
    paused: bool
    managed: bool
    discard_pending: bool

    def check(self, files: Sequence[str]) -> None:
        """UsageError where options contradict each other."""
        inputs = [*files, self.kernel_log, self.dump_xml]
        if inputs.count(_STANDARD_INPUT) > 1:
            raise UsageError("standard input (-) can be read once only: put the others into files")
        if self.evidence and self.kernel_log:
            raise UsageError(
                "--evidence and --kernel-log cannot be had at once: the log tells the evidence"
            )
        if self.handshake and self.evidence != "split-brain":
            raise UsageError("--handshake goes with --evidence split-brain: add that")
        if self.host and not self.dump_xml:
            raise UsageError("--host goes with --dump-xml: add that")

    def said(self, setup: Setup) -> Said:
        """What a person said of the state."""
        policies = {
            "zero_primaries": self.after_sb_0pri,
            "one_primary": self.after_sb_1pri,
            "two_primaries": self.after_sb_2pri,
        }
        return Said(
            use=None if self.use is None else UseSaid(self.use),
            kind=self.evidence,
            handshake=self.handshake,
            log=None if self.kernel_log is None else _saved_log(setup, self.kernel_log),
            lasted_s=self.lasted,
            after_sb={key: word for key, word in policies.items() if word is not None},
            attempts=self.attempts,
            paused=self.paused,
            managed=self.managed,
            discard_pending=self.discard_pending,
        )

    def names(self, setup: Setup) -> tuple[ConfiguredResource, ...] | None:
        """The resources of --dump-xml; None without."""
        if self.dump_xml is None:
            return None
        text = _text(setup, self.dump_xml, "--dump-xml")
        return explain_names.configured(text, shown(self.dump_xml), self.host, host_name())


def shown(file: str) -> str:
    return "standard input" if file == _STANDARD_INPUT else plain(file)


def _text(setup: Setup, file: str, option: str) -> str:
    """A file beside FILE; one that is too long would be cut at its newest end."""
    data = text_of(setup, file)
    if len(data) > MAX_BYTES:
        raise ConnectorError(
            f"{option}: {shown(file)}: longer than {MAX_BYTES} bytes: nothing of it was used"
        )
    return data.decode("utf-8", "replace")


def _saved_log(setup: Setup, file: str) -> SavedLog:
    log = explain_log.parse(_text(setup, file, "--kernel-log"))
    if log is None:
        raise ConnectorError(
            f"--kernel-log: {shown(file)}: this is no kernel log in a form that is known: save it "
            "with `dmesg > FILE`"
        )
    if not log.certain:
        click.echo(
            f"connector: {shown(file)}: a plain dmesg does not tell the kernel's own lines from "
            "those of programs, as a pass does; `dmesg --decode` does",
            err=True,
        )
    return log
