"""What `connector explain` prints for a person."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from rich.console import RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from connector.act.commands import printable
from connector.decide.context import Policy
from connector.model import Action, Resource
from connector.report.explain.answer import Answer, Explanation, Otherwise, Recorded, Source
from connector.report.explain.gates import opens
from connector.report.explain.source import Kind, Reading
from connector.report.past_incidents import plain

_KINDS = {
    Kind.PROC_DRBD: "a text of /proc/drbd",
    Kind.GIVEN_UP: "a record of what was given up",
    Kind.JOURNAL: "the journal",
    Kind.STATUS: "what `connector status --json` printed",
    Kind.DRBDSETUP: "what `drbdsetup status --json` printed",
    Kind.NOTHING: "not understood",
}
_Row = tuple[str, Text]


def settings_line(policy: Policy, *, named: bool) -> Text:
    """The numbers of connector.toml that the gates go by."""
    return Text(
        f"demote_grace {policy.demote_grace_s:g} s, max_attempts {policy.max_attempts}, "
        f"respect_disconnect {policy.respect_disconnect_s:g} s, managed "
        f"{'act' if policy.act_if_managed else 'observe'} "
        f"({'as configured' if named else 'the defaults; --config FILE takes others'})",
        style="dim",
    )


def of_file(reading: Reading, explained: Sequence[Explanation]) -> Iterator[RenderableType]:
    """A file's heading, its notes, and each of its resources; the problems are told elsewhere."""
    version = f", DRBD {plain(reading.version)}" if reading.version else ""
    yield Text(f"{plain(reading.file)}: {_KINDS[reading.kind]}{version}", style="bold")
    for note in reading.notes:
        yield Text(f"  {note}", style="yellow")
    if reading.left_out:
        yield Text(
            f"  older entries of the same resources are left out: {reading.left_out} (--line N "
            "takes the entry on that line)"
        )
    for item in explained:
        yield Text()
        yield from _resource(item)


def _resource(item: Explanation) -> Iterator[RenderableType]:
    resource = item.case.resource
    minors = ", ".join(str(volume.minor) for volume in resource.volumes)
    line = f", line {item.seen.line}" if item.seen.line else ""
    title = f"{plain(resource.name)} (minor {minors}{line})"
    yield Text(title, style="bold underline")
    yield _grid(_known(item))
    for _, group in groupby(item.answers, key=_alike):
        answers = list(group)
        modes = ", ".join(answer.mode for answer in answers)
        yield Padding(Text(f"mode {modes}", style="bold"), (0, 0, 0, 2), expand=False)
        yield _grid(_answer(answers[0], item))


def _grid(rows: Iterable[_Row]) -> Padding:
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(min_width=11, no_wrap=True)
    grid.add_column()
    for key, value in rows:
        grid.add_row(Text(key, style="dim"), value)
    return Padding(grid, (0, 0, 0, 4), expand=False)


def _known(item: Explanation) -> Iterator[_Row]:
    """What was understood, and what the rest was taken to be."""
    yield "understood", Text(seen_words(item.case.resource))
    if item.seen.recorded is not None:
        yield "recorded", Text(_recorded_words(item.seen.recorded))
    for source, key in ((Source.FILE, "in the file"), (Source.SAID, "as told")):
        for premise in item.premises:
            if premise.source is source:
                yield key, Text(premise.words)
    assumed = [premise for premise in item.premises if premise.source is Source.ASSUMED]
    idle = [p for p in assumed if p.alternatives and not item.matters(p)]
    for premise in assumed:
        if premise not in idle:
            yield "assumed", Text(f"{premise.words} ({premise.option})", style="yellow")
    if idle:
        words = "; ".join(premise.words for premise in idle)
        yield "assumed", Text(f"{words}; that decides nothing here", style="dim")


def seen_words(resource: Resource) -> str:
    """The states as DRBD writes them, with the amount that is out of sync."""
    each = resource.each
    if len(each) > 1:
        return "; ".join(f"{one.peer}: {_seen_words(one)}" for one in each)
    return _seen_words(resource)


def _seen_words(resource: Resource) -> str:
    words = [
        resource.connection or "connection not known",
        f"{resource.role or 'role not known'}/{resource.peer_role or '?'}",
    ]
    several = len(resource.volumes) > 1
    for volume in resource.volumes:
        device = volume.device
        place = f"minor {volume.minor} " if several or device is None else ""
        if device is None:
            words.append(f"{place}is not there")
            continue
        kib = device.out_of_sync_kib
        disks = f"{device.disk or 'disk not known'}/{device.peer_disk or '?'}"
        words.append(f"{place}{disks}, {'?' if kib is None else kib} KiB out of sync")
    return ", ".join(words)


def _recorded_words(recorded: Recorded) -> str:
    parts = [recorded.decision or "no decision", recorded.reason or "no reason"]
    if recorded.gates:
        parts.append(f"gates {', '.join(recorded.gates)}")
    return plain(f"{recorded.at or 'at a time not told'}: {': '.join(parts)}")


def _answer(answer: Answer, item: Explanation) -> Iterator[_Row]:
    decision = answer.decision
    row = Text(decision.name, style="bold")
    row.append(f": {plain(decision.reason)}", style="not bold")
    yield f"row {answer.row}", row
    for gate in decision.gates:
        text = Text(gate.name, style="red")
        text.append(f" is shut; it opens by {opens(gate, item.case)}", style="default")
        yield "gate", text
    yield "commands", _commands(decision.actions, decision.would)
    if decision.needs_operator:
        yield "a person", Text("is needed", style="bold red")
    else:
        yield "a person", Text("is not needed")
    for line in _otherwise(answer):
        yield "would be", line


def _commands(actions: Sequence[Action], would: Sequence[Action]) -> Text:
    if actions:
        return Text(_in_order(actions), style="cyan")
    if would:
        return Text(f"none now; with every gate open: {_in_order(would)}")
    return Text("none")


def _in_order(actions: Sequence[Action]) -> str:
    return "; ".join(printable(action) for action in actions)


def _otherwise(answer: Answer) -> Iterator[Text]:
    """One line for each other answer, with all that leads to it."""
    groups: dict[str, list[Otherwise]] = {}
    for other in answer.otherwise:
        groups.setdefault(_short(other), []).append(other)
    for words, same in groups.items():
        ifs = "; or if ".join(f"{other.if_}{_new_gates(other, answer)}" for other in same)
        yield Text(f"{words}, if {ifs}")


def _new_gates(other: Otherwise, answer: Answer) -> str:
    shut = {gate.name for gate in answer.decision.gates}
    new = [gate.name for gate in other.decision.gates if gate.name not in shut]
    return f" (gate {', '.join(new)})" if new else ""


def _short(other: Otherwise) -> str:
    """The other answer in a few words."""
    decision = other.decision
    commands = _in_order(decision.actions) or "no command"
    person = "a person is needed" if decision.needs_operator else "no person is needed"
    return f"{decision.name}, {commands}, {person}"


def _alike(answer: Answer) -> tuple[object, ...]:
    """Neighbouring modes that are the same in all that is printed are printed once."""
    return (
        answer.decision.name,
        answer.decision.reason,
        answer.decision.actions,
        answer.decision.would,
        answer.decision.gates,
        answer.decision.needs_operator,
        tuple((other.if_, _short(other)) for other in answer.otherwise),
    )
