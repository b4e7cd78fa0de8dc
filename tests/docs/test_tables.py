"""The tables of the pages that repeat what the code says."""

from __future__ import annotations

import inspect
import re

from connector import errors
from connector.act.deadline import LAST_WORDS_S
from connector.errors import ConnectorError, Interrupted
from connector.model import GateName
from connector.report import table_page
from connector.report.check import Level

from . import pages

EXIT_CODES = pages.text("docs/exit-codes.md")
README = pages.text("README.md")


def test_the_rendered_page_is_that_of_the_code() -> None:
    assert pages.text("docs/decision-table.md") == table_page.page()


def test_every_gate_is_on_the_rendered_page() -> None:
    page = pages.text("docs/decision-table.md")
    assert re.findall(r"^- \*\*([\w-]+)\*\*: ", page, re.MULTILINE) == [
        str(name) for name in GateName
    ]


def test_the_readme_has_the_same_decision_table() -> None:
    after = README.partition("<!-- decision table -->\n")[2]
    assert after.startswith(table_page.markdown() + "\n")


def exit_statuses() -> dict[str, int]:
    """The error classes with a fixed status."""
    return {
        name: found.exit_status
        for name, found in inspect.getmembers(errors, inspect.isclass)
        if issubclass(found, ConnectorError) and found is not Interrupted
    }


def test_the_exit_statuses_are_those_of_the_error_classes() -> None:
    written: dict[str, int] = {}
    for status, _, classes in pages.rows(EXIT_CODES):
        if status.isdigit():
            written |= dict.fromkeys(re.findall(r"`(\w+)`", classes), int(status))
    assert written == exit_statuses()


def test_an_interruption_is_128_and_the_signal() -> None:
    row = next(row for row in pages.rows(EXIT_CODES) if "Interrupted" in row[2])
    assert row[0] == "128 + N"
    assert Interrupted(15).exit_status == 128 + 15


def test_the_readme_has_the_same_exit_statuses() -> None:
    written = {int(row[0]) for row in pages.rows(pages.section(README, "Exit status"))}
    assert written == {0, *exit_statuses().values()}


def test_check_answers_as_the_page_says() -> None:
    written = pages.rows(pages.section(EXIT_CODES, "connector check"))
    assert [(int(status), word) for status, word, _ in written] == [
        (level.value, level.name) for level in Level
    ]


def test_the_time_for_cleaning_up_is_that_of_the_code() -> None:
    assert f"may take {LAST_WORDS_S:.0f} seconds more" in pages.text("docs/configuration.md")
