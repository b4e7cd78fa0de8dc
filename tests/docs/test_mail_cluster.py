"""The tables of the mail cluster's stories are what the runs that are kept came to."""

from __future__ import annotations

from tests.docs import pages
from tests.stories.mail_outcomes import by_failure, compared, read

OUTCOMES = read(pages.PROJECT / "tests/fixtures/mail-cluster.jsonl")


def test_the_readme_sets_it_beside_the_old_scripts() -> None:
    assert "\n".join(compared(OUTCOMES)) in pages.text("README.md")


def test_each_failure_and_what_came_of_it() -> None:
    assert "\n".join(by_failure(OUTCOMES)) in pages.text("docs/testing.md")
