"""Rules of production broken on purpose: each has to be caught, or the schedules prove nothing.

A break is a piece of text that is replaced in a copy of the checkout; no module is patched.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
_COPIED = ("connector", "tests/schedules", "tests/lab", "tests/__init__.py", "pyproject.toml")


@dataclass(frozen=True, slots=True)
class Edit:
    """A piece of a file's text, and what takes its place."""

    file: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Break:
    """One break: what is replaced by what in which files, and the rules of which one notices.

    `invariant` is its number in docs/simulation.md; `mode` is the one in which it matters, `first`
    the seed to begin with: a few before one that finds it.
    """

    name: str
    invariant: str
    edits: tuple[Edit, ...]
    rules: frozenset[str]
    mode: str = "discard"
    first: int = 0
    seeds: int = 60


def _rules(*names: str) -> frozenset[str]:
    return frozenset(names)


BREAKS: tuple[Break, ...] = (
    Break(
        "the active node is demoted, too",
        "1",
        (
            Edit(
                "connector/decide/table.py",
                "steps=(ActionKind.CONNECT,),\n    ),\n    Row(\n        DecisionName.DEMOTE_AND_R",
                "steps=(ActionKind.SECONDARY, ActionKind.CONNECT),\n    ),\n"
                "    Row(\n        DecisionName.DEMOTE_AND_R",
            ),
        ),
        _rules("in use"),
        mode="reconnect",
    ),
    Break(
        "the mode is not asked for",
        "2",
        (
            Edit(
                "connector/decide/policy.py",
                "        and context.policy.mode is Mode.DISCARD\n        and _speaks",
                "        and _speaks",
            ),
            Edit(
                "connector/decide/gates.py",
                "        context.policy.mode is Mode.RECONNECT\n        and resource",
                "        context.policy.mode is None\n        and resource",
            ),
        ),
        _rules("mode"),
        mode="reconnect",
    ),
    Break(
        "what DRBD's own policies would do is not asked",
        "3",
        (
            Edit(
                "connector/decide/gates.py",
                "    if not losses:\n        return None\n    return Gate(GateName.FORE",
                "    if losses is not None:\n        return None\n    return Gate(GateName.FORE",
            ),
        ),
        _rules("policy"),
        mode="reconnect",
    ),
    Break(
        "no lock is taken",
        "4",
        (
            Edit(
                "connector/act/lock.py",
                "        take(descriptor, path)\n",
                "        pass\n",
            ),
        ),
        _rules("one pass"),
    ),
    Break(
        "a killed pass leaves its lock behind",
        "4",
        (
            Edit(
                "connector/act/lock.py",
                "        yield\n    finally:\n",
                "        held = path.parent / 'held'\n"
                "        if held.exists():\n"
                "            raise LockHeld('held')\n"
                "        held.touch()\n"
                "        yield\n        held.unlink()\n    finally:\n",
            ),
        ),
        _rules("one pass"),
    ),
    Break(
        "the time that is left is not looked at",
        "5",
        (
            Edit(
                "connector/act/execute.py",
                "timeout_s = min(hands.command_timeout_s, hands.time_left_s())",
                "timeout_s = 60.0",
            ),
        ),
        _rules("deadline"),
    ),
    Break(
        "an unreadable kernel log counts as an empty one",
        "6",
        (
            Edit(
                "connector/decide/gates.py",
                "    if not evidence.readable:\n",
                "    if evidence is None:\n",
            ),
        ),
        _rules("doubt"),
        first=360,
    ),
    Break(
        "an unknown word counts as StandAlone",
        "6",
        (
            Edit(
                "connector/observe/minor_line.py",
                '_CONNECTIONS.get(found["connection"])\n    if',
                '_CONNECTIONS.get(found["connection"], ConnectionState.STANDALONE)\n    if',
            ),
        ),
        _rules("doubt"),
    ),
    Break(
        "a healthy pass writes its memory anew",
        "7",
        (
            Edit(
                "connector/memory/last_pass.py",
                "    save(path, kept)\n    return kept\n",
                "    save(path, kept)\n"
                '    path.with_name("passes").open("ab").write(b".")\n'
                "    return kept\n",
            ),
        ),
        _rules("no trace"),
    ),
    Break(
        "the decision depends on how often one has looked",
        "7",
        (
            Edit(
                "connector/decide/policy.py",
                "    row = row_for(resource.picture)\n    steps",
                "    decide.looks = 1 + getattr(decide, 'looks', 0)\n"
                "    nothing = replace(resource.picture, connection=None)\n"
                "    row = row_for(resource.picture if decide.looks % 7 else nothing)\n"
                "    steps",
            ),
        ),
        _rules("same again", "progress", "endless"),
    ),
    Break(
        "the peer need not have been Primary",
        "8",
        (
            Edit(
                "connector/decide/policy.py",
                "        and resource.evidence.peer_was_primary is True\n",
                "",
            ),
        ),
        _rules("victim"),
    ),
    Break(
        "a connect is forced",
        "9",
        (
            Edit(
                "connector/act/commands.py",
                'ActionKind.CONNECT: ("connect",)',
                'ActionKind.CONNECT: ("connect", "--force")',
            ),
        ),
        _rules("words"),
    ),
    Break(
        "no record of what is given up",
        "2",
        (
            Edit(
                "connector/act/execute.py",
                "                hands.before_discard(decision)\n",
                "                pass\n",
            ),
        ),
        _rules("record"),
    ),
    Break(
        "what is given up is not kept",
        "2",
        (
            Edit(
                "connector/act/execute.py",
                "                rescue = hands.rescue(decision)\n",
                "                rescue = None\n",
            ),
        ),
        _rules("rescue"),
    ),
    Break(
        "an old rescue is taken for a new one",
        "2",
        (
            Edit(
                "connector/rescue/keep.py",
                "    return kept == now and all(None not in amounts for amounts in now.values())\n",
                "    return True\n",
            ),
        ),
        _rules("rescue"),
    ),
    Break(
        "attempts are not counted",
        "progress",
        (
            Edit(
                "connector/decide/gates.py",
                "    if context.attempts < context.policy.max_attempts:\n",
                "    if context.attempts < 10**6:\n",
            ),
        ),
        _rules("endless"),
    ),
    Break(
        "nobody is told",
        "progress",
        (
            Edit(
                "connector/decide/policy.py",
                "    return bool(gates) and all(gate.operator for gate in gates)\n",
                "    return False\n",
            ),
        ),
        _rules("progress"),
    ),
)


def broken_copy(broken: Break, folder: Path) -> Path:
    """A copy of what is needed, with the rule broken; ValueError where the text is not there."""
    for name in _COPIED:
        source, target = CHECKOUT / name, folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(source, target)
    for edit in broken.edits:
        path = folder / edit.file
        text = path.read_text(encoding="utf-8")
        if text.count(edit.old) != 1:
            raise ValueError(f"{edit.file} has not, once, what is to be broken: {edit.old!r}")
        path.write_text(text.replace(edit.old, edit.new), encoding="utf-8")
    return folder
