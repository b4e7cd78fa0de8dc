"""What the program may print as an error, a refusal or a warning, picked out of its code."""

from __future__ import annotations

import ast
import builtins
import functools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from . import pages

VARIABLE = "…"
PACKAGE = pages.PROJECT / "connector"
# The demo's machines have DRBD's words, not ours; doctor's findings have a page of their own.
LEFT_OUT = ("simulate", "doctor")
CLICK = ("UsageError", "BadParameter", "ClickException")
# Where these raise one of Python's own errors, its words are shown to a person.
SHOWN_AS_THEY_ARE = ("bundle", "rescue", "recover", "observe", "memory")
# Where they are caught in the same file, and nobody is told.
CAUGHT = ("memory/last_pass.py", "observe/configuration_files.py", "observe/resources.py")
# What is called, and which of its arguments a person reads; -1 is the first one that is text.
CALLS = {
    "Problem": 1,
    "JournalProblem": 2,
    "Gate": 1,
    "Missing": 1,
    "Outcome": 1,
    "_Finding": 1,
    "_failed": 1,
    "_about": 0,
    "plain": 1,
    "refused": 1,
    "__init__": 0,
    "tell": 0,
    "warn": 0,
    "log": 0,
    "_log": 0,
    "_doubt": 1,
    "doubt": -1,
    "add": -1,
}
# Methods with a common name, and the lists that they add to.
OWNERS = {"add": ("problems", "_problems"), "tell": ("",)}
LISTS = ("problems", "_problems", "doubts", "warnings", "reasons", "said")
# Where a list of that name holds something else.
ELSEWHERE = {"reasons": "recover", "said": "report"}
NAMES = ("message", "warning", "problem", "error")
KEYWORDS = ("why_not", "detail", "lost", "problem")
TABLES = ("_MEANING", "_ADVICE", "_REMEDIES", "_WHY_WARNED")
# Functions that give a message, or a part of one that can be read alone.
GIVERS = (
    *("why_lost", "_why_lost", "failed", "forbidden", "wrong_kernel", "superseded", "exposure"),
    *("open_to_others", "why_not", "_not_a_status", "_contradiction", "unknown_resources"),
    *("_failure", "reload", "load", "keep", "_unknown_words", "_split_brain_words"),
    *("_disk_at_risk", "_no_state", "against", "parse", "_why"),
    *(
        "_doubts",
        "_connection_doubts",
        "why_not_peer",
        "_connection",
        "_continue_journal",
        "_write_textfile",
        "_without_copy",
    ),
)
# What SIGHUP asks for, and no message.
NO_MESSAGE = ("reload",)


@dataclass(frozen=True, slots=True)
class Message:
    """A message with … for what the code puts into it, and where it stands."""

    pattern: str
    place: str


def plain(text: str) -> str:
    """A message as the page and the code are compared: no backticks, one blank at a time."""
    text = re.sub(r"^(connector|exporter): +", "", " ".join(text.replace("`", "").split()))
    return re.sub(rf"{VARIABLE}(?: ?{VARIABLE})+", VARIABLE, text)


def says_something(pattern: str) -> bool:
    """Whether there is more in it than what the code puts in, and the marks between."""
    return pattern not in NO_MESSAGE and len(re.sub(r"[^A-Za-z]", "", pattern)) > 3


@functools.cache
def messages() -> tuple[Message, ...]:
    """Every message of the package, each pattern at each of its places."""
    found = []
    for path in sorted(PACKAGE.rglob("*.py")):
        file = path.relative_to(PACKAGE)
        if file.parts[0] in LEFT_OUT:
            continue
        room = "" if str(file) in CAUGHT else file.parts[0]
        for line, pattern in messages_of(path.read_text(encoding="utf-8"), room):
            found.append(Message(pattern, f"connector/{file}:{line}"))
    return tuple(dict.fromkeys(found))


def messages_of(text: str, room: str = "") -> Iterator[tuple[int, str]]:
    """The line and the pattern of each message in the text of a module."""
    tree = ast.parse(text)
    for node, scopes in _walk(tree, (tree,)):
        for told in _told(node, room, scopes):
            for pattern in map(plain, _patterns(told, scopes)):
                if says_something(pattern):
                    yield told.lineno, pattern


def _walk(
    node: ast.AST, scopes: tuple[ast.AST, ...]
) -> Iterator[tuple[ast.AST, tuple[ast.AST, ...]]]:
    """Every node with the module and the function that it stands in, the inmost first."""
    for child in ast.iter_child_nodes(node):
        yield child, scopes
        inside = (child, *scopes) if isinstance(child, ast.FunctionDef) else scopes
        yield from _walk(child, inside)


def _told(node: ast.AST, room: str, scopes: Sequence[ast.AST]) -> Iterator[ast.expr]:
    """What of a statement or an expression is told to a person."""
    if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
        own = not isinstance(getattr(builtins, _name(node.exc.func), None), type)
        if own or room in SHOWN_AS_THEY_ARE:
            yield from node.exc.args
    elif isinstance(node, ast.Return | ast.Yield):
        if node.value is not None and _function(scopes) in GIVERS:
            yield node.value
    elif isinstance(node, ast.AugAssign):
        if _holds_messages(_name(node.target), room):
            yield node.value
    elif isinstance(node, ast.Assign):
        yield from _assigned_messages(node, room)
    elif isinstance(node, ast.AnnAssign) and isinstance(node.value, ast.Dict):
        yield from node.value.values if _name(node.target) in TABLES else ()
    elif isinstance(node, ast.Call):
        yield from _arguments(node, room)


def _assigned_messages(node: ast.Assign, room: str) -> Iterator[ast.expr]:
    name = _name(node.targets[0])
    if name in TABLES and isinstance(node.value, ast.Dict):
        yield from node.value.values
    elif name in NAMES or (_holds_messages(name, room) and not isinstance(node.value, ast.BoolOp)):
        yield node.value


def _holds_messages(name: str, room: str) -> bool:
    return name in LISTS and ELSEWHERE.get(name) != room


def _arguments(call: ast.Call, room: str) -> Iterator[ast.expr]:
    name, owner = _name(call.func), _owner(call.func)
    if name in errors():
        yield from call.args[:1]
    elif name in CALLS and owner in OWNERS.get(name, (owner,)):
        which = CALLS[name]
        texts = call.args[which:] if which >= 0 else filter(_is_text, call.args)
        yield from list(texts)[:1]
    elif name == "append" and _holds_messages(owner, room):
        yield from call.args
    elif name == "Row":  # of drbdadm's answers, or of the table, where it needs a person
        escalates = {item.arg for item in call.keywords} & {"escalate", "lasting"}
        yield from call.args[4:5] if escalates else call.args[3:4]
    elif name == "get" and owner in TABLES:
        yield from call.args[1:]
    elif name in ("echo", "print") and any(map(_to_stderr, call.keywords)):
        yield from call.args[:1]
    yield from (item.value for item in call.keywords if item.arg in KEYWORDS)


def _to_stderr(item: ast.keyword) -> bool:
    return item.arg == "file" or (item.arg == "err" and isinstance(item.value, ast.Constant))


@functools.cache
def errors() -> frozenset[str]:
    """The names of the classes below ConnectorError, and click's."""
    bases = {
        node.name: {_name(base) for base in node.bases}
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ClassDef)
    }
    found = {"ConnectorError"}
    while more := {name for name, above in bases.items() if above & found} - found:
        found |= more
    return frozenset({*found, *CLICK})


def _patterns(told: ast.expr, scopes: Sequence[ast.AST], depth: int = 0) -> list[str]:
    """All that an expression may come to; … for what is not written there."""

    def of(part: ast.expr) -> list[str]:
        return _patterns(part, scopes, depth)

    match told:
        case ast.Constant(value=str(text)):
            return [text]
        case ast.JoinedStr(values=parts):
            return ["".join(of(part)[0] if _is_text(part) else VARIABLE for part in parts)]
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return [one + other for one in of(left) for other in of(right)]
        case ast.IfExp(body=body, orelse=orelse):
            return of(body) + of(orelse)
        case ast.BoolOp(values=parts) | ast.Tuple(elts=parts) | ast.List(elts=parts):
            return [text for part in parts for text in of(part)]
        case ast.GeneratorExp(elt=elt) | ast.ListComp(elt=elt):
            return of(elt)
        case ast.Call(args=[inner]) if _name(told.func) in ("tuple", "list"):
            return of(inner)
        case ast.Name(id=name) if depth < 3:
            values = _assigned(name, scopes)
            return [text for item in values for text in _patterns(item, scopes, depth + 1)]
    return [VARIABLE]


def _assigned(name: str, scopes: Sequence[ast.AST]) -> list[ast.expr]:
    """What a name is set to in the inmost scope that sets it."""
    for scope in scopes:
        found = [
            node.value
            for node in ast.walk(scope)
            if isinstance(node, ast.Assign) and name in map(_name, node.targets)
        ]
        if found:
            return found
    return []


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.JoinedStr) or (
        isinstance(node, ast.Constant) and isinstance(node.value, str)
    )


def _name(node: ast.AST) -> str:
    """The last word of a name with dots; empty for anything else."""
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def _owner(node: ast.expr) -> str:
    return _name(node.value) if isinstance(node, ast.Attribute) else ""


def _function(scopes: Sequence[ast.AST]) -> str:
    return getattr(scopes[0], "name", "")
