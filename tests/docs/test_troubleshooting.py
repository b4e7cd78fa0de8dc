"""docs/troubleshooting.md has every message of the code, and none that the code has not."""

from __future__ import annotations

import re

from . import messages, pages

NAME = "docs/troubleshooting.md"
PAGE = pages.text(NAME)


def listed(page: str) -> list[str]:
    """The messages in the first column of each table."""
    cells = [
        row[0] for part in re.split(r"(?m)^(?=\| it says \|)", page)[1:] for row in pages.rows(part)
    ]
    return [messages.plain(text) for cell in cells for text in re.findall(r"`([^`]+)`", cell)]


def not_on_the_page(code: list[messages.Message], page: str) -> list[str]:
    """file:line and text of each message that the page does not have."""
    there = set(listed(page))
    return [f"{item.place}: {item.pattern}" for item in code if item.pattern not in there]


def not_in_the_code(code: list[messages.Message], page: str) -> list[str]:
    """Each message of the page that the code does not have."""
    known = {item.pattern for item in code}
    return [text for text in listed(page) if text not in known]


def test_every_message_of_the_code_is_on_the_page() -> None:
    code = list(messages.messages())
    assert len({item.pattern for item in code}) > 300
    missing = not_on_the_page(code, PAGE)
    assert missing == [], f"add to {NAME}, with why and what to do"


def test_every_message_of_the_page_is_one_of_the_code() -> None:
    gone = not_in_the_code(list(messages.messages()), PAGE)
    assert gone == [], f"the code does not say that (any more): change {NAME}"


SAMPLE = """
class SeenTooLate(ConnectorError):
    pass

def check(name, late):
    doubts.append(f"{name} is odd")
    if late:
        raise SeenTooLate(f"{name} came " + ("too late" if late > 1 else "late"))
    why = "nobody knows" if name else f"`{name}` is empty"
    raise UsageError(why)
"""


def test_a_message_is_found_in_all_its_forms() -> None:
    found = sorted(set(messages.messages_of(SAMPLE)))
    assert found == [
        (6, "… is odd"),
        (8, "… came late"),
        (8, "… came too late"),
        (10, "nobody knows"),
        (10, "… is empty"),
    ]


def test_what_is_missing_is_named_with_its_place() -> None:
    code = [messages.Message("a new trouble: …", "connector/new.py:7")]
    assert not_on_the_page(code, PAGE) == ["connector/new.py:7: a new trouble: …"]
    page = (
        "| it says | why | what to do |\n|---|---|---|\n| `gone`<br>`a new trouble: …` | a | b |\n"
    )
    assert not_on_the_page(code, page) == []
    assert not_in_the_code(code, page) == ["gone"]


def test_each_message_has_a_cause_and_a_cure() -> None:
    for part in re.split(r"(?m)^(?=\| it says \|)", PAGE)[1:]:
        for row in pages.rows(part):
            assert len(row) == 3, row
            assert all(len(cell) > 2 for cell in row), row
