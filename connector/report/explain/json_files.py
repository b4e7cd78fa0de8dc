"""Which record a JSON text is: of given-up/, a line or the whole of the journal, or a status.

Pure: takes bytes, and gives a result for any bytes whatsoever.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from connector.memory.history import MAX_PROBLEMS
from connector.model import Problem
from connector.observe.proc_drbd import MAX_BYTES
from connector.report.explain.answer import Seen
from connector.report.explain.records import Converted
from connector.report.explain.schema import GivenUpRecord, PassRecord, ResourceRecord
from connector.report.explain.source import Kind, Reading

_KNOWN = (
    "explain reads /proc/drbd, given-up/*.json, lines of journal.jsonl, and what "
    "`connector status --json` or, on DRBD 9, `drbdsetup status --json` prints"
)


def of_json(data: bytes, file: str, line: int | None = None) -> Reading | None:
    """What is in a text that begins as a JSON object; None for any other text.

    Of a journal the newest entry of each resource is taken, or those of one `line`.
    """
    if data.lstrip()[:1] != b"{":
        return None
    if len(data) > MAX_BYTES:
        message = f"longer than {MAX_BYTES} bytes: take its newest lines with `tail`"
        return Reading(file, Kind.NOTHING, problems=(Problem(None, message),))
    text = data.decode("utf-8", "replace")
    try:
        whole = json.loads(text)
    except (ValueError, RecursionError):
        return _journal(text, file, line)
    return _one(whole, text, file) if line is None else _journal(text, file, line)


@dataclass(slots=True)
class _Found:
    """What comes out of a text, in the order it comes."""

    seen: list[Seen] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def take_resource(self, record: ResourceRecord, at: str | None, line: int) -> None:
        """One resource of a journal's line."""
        converted = Converted()
        self.seen.append(converted.of_pass(record, at, line))
        self.problems += [Problem(line, message) for _, message in converted.unknown]

    def take_wrong(self, line: int | None, message: str) -> None:
        """What could not be read, as much of it as a person would read."""
        if len(self.problems) < MAX_PROBLEMS:
            self.problems.append(Problem(line, message))

    def reading(self, file: str, kind: Kind, left_out: int = 0, *notes: str) -> Reading:
        """All of it."""
        kind = kind if self.seen else Kind.NOTHING
        return Reading(
            file, kind, tuple(self.seen), tuple(self.problems), left_out=left_out, notes=notes
        )


def _one(whole: Any, text: str, file: str) -> Reading:
    """A text that is one JSON object."""
    found = _Found()
    try:
        if "generation_identifiers" in whole or "kernel_lines" in whole:
            given_up = GivenUpRecord.model_validate(whole)
            converted = Converted()
            found.seen.append(converted.of_given_up(given_up))
            found.problems += [
                Problem(_line_with(text, word), message) for word, message in converted.unknown
            ]
            return found.reading(file, Kind.GIVEN_UP)
        if "resources" in whole:
            of_pass = PassRecord.model_validate(whole)
            kind = Kind.STATUS if "schema_version" in whole else Kind.JOURNAL
            for record in of_pass.resources:
                converted = Converted()
                found.seen.append(converted.of_pass(record, of_pass.at, None))
                found.problems += [
                    Problem(_line_with(text, word), message) for word, message in converted.unknown
                ]
            return found.reading(file, kind)
    except ValidationError as error:
        found.take_wrong(None, _why(error))
        return found.reading(file, Kind.NOTHING, 0, _KNOWN)
    found.take_wrong(None, _no_state(whole))
    return found.reading(file, Kind.NOTHING, 0, _KNOWN)


def _journal(text: str, file: str, line: int | None) -> Reading:
    """Lines of a journal."""
    newest: dict[str, tuple[int, str | None, ResourceRecord]] = {}
    found, entries, people = _Found(), 0, 0
    lines = text.split("\n")
    for number, content in enumerate(lines, 1):
        if not content.strip() or line not in (None, number):
            continue
        of_pass = _line(content, number, found)
        if of_pass is None:
            people += 1
            continue
        for record in of_pass.resources:
            entries += 1
            newest.pop(record.name, None)
            newest[record.name] = (number, of_pass.at, record)
    for number, at, record in newest.values():
        found.take_resource(record, at, number)
    if not newest and not found.problems:
        where = "" if line is None else f"line {line}: "
        told = "of a person, which tell no state" if people else "there is none"
        found.take_wrong(None, f"{where}no entry of a pass: {told}")
    return found.reading(file, Kind.JOURNAL, entries - len(newest))


def _line(content: str, number: int, found: _Found) -> PassRecord | None:
    """One line; None for a person's `connector recover`, and for one that cannot be read."""
    try:
        value = json.loads(content)
        if isinstance(value, dict) and "recover" in value and "resources" not in value:
            return None
        if not isinstance(value, dict) or "resources" not in value:
            found.take_wrong(number, _no_state(value))
            return None
        return PassRecord.model_validate(value)
    except ValidationError as error:
        found.take_wrong(number, _why(error))
    except (ValueError, RecursionError) as error:
        found.take_wrong(number, f"no whole JSON object: {str(error)[:100]}")
    return None


def _no_state(value: Any) -> str:
    if isinstance(value, dict) and "handler" in value:
        return "a call of a handler, which tells no state"
    if isinstance(value, dict) and "recover" in value:
        return "a person's `connector recover`, which tells no state"
    return "no record that tells a resource's state"


def _why(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    return f"{'.'.join(map(str, first['loc'])) or 'the record'}: {first['msg']}"


def _line_with(text: str, word: str) -> int | None:
    """The first line, counted from 1, on which the word stands as JSON writes it."""
    quoted = json.dumps(word)
    for number, line in enumerate(text.split("\n"), 1):
        if quoted in line:
            return number
    return None
