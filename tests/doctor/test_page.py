"""docs/doctor.md has every finding of the code and no other, and docs/json.md every key."""

from __future__ import annotations

import re

from connector.doctor.finding import FindingId
from connector.doctor.findings import passes, peer_clock
from connector.doctor.findings.all_areas import examine
from connector.doctor.peer import SSH_TIMEOUT_S
from connector.doctor.report import SCHEMA_VERSION, to_json
from connector.report.check import Level
from tests.docs import pages
from tests.docs.test_json_doc import keys
from tests.doctor.builders import dumped, manifest, resource, surroundings
from tests.doctor.test_findings import CASES

PAGE = pages.text("docs/doctor.md")
JSON = pages.text("docs/json.md")
FINDINGS = re.findall(r"^### `([a-z-]+)`\n\n(.*?)(?=\n#|\Z)", PAGE, re.MULTILINE | re.DOTALL)


def test_every_finding_is_on_the_page_in_the_order_of_the_code() -> None:
    assert [name for name, _ in FINDINGS] == [str(name) for name in FindingId]


def test_every_one_has_the_severity_that_the_code_gives_it() -> None:
    for name, text in FINDINGS:
        first = text.replace("\n", " ").partition(". ")[0].lower()
        written = set(re.findall(r"\b(critical|warning)\b", first))
        told = {str(case.severity) for case in CASES[FindingId(name)]}
        # The cases have a fresh pass; without one these two are critical.
        if name in (FindingId.NOTHING_RUNS_PASSES, FindingId.CRON_NOT_RUNNING):
            told.add("critical")
        assert written == told, name


def test_every_one_has_a_fix_or_is_the_same_as_the_one_before() -> None:
    lacking = [name for name, text in FINDINGS if "Fix:" not in text]
    assert lacking == [FindingId.DEVICES_DIFFER]


def test_numbers_are_those_of_the_code() -> None:
    assert f"for at most {SSH_TIMEOUT_S:.0f} seconds" in PAGE
    assert f"more than {passes.OLDEST_S / 60:.0f} minutes ago" in PAGE
    assert f"more than {peer_clock.MOST_S:.0f} seconds apart" in PAGE


def written(title: str) -> list[str]:
    return [pages.plain(row[0]) for row in pages.rows(pages.section(JSON, title))]


def test_the_keys_of_the_report() -> None:
    seen = surroundings(drbd=dumped(resource({("net", "rr-conflict"): "violently"})), peer=None)
    told = to_json("alpha", examine(seen))
    listed = written("doctor --json")
    assert len(listed) == len(set(listed))
    assert set(listed) == keys(told)
    assert f"| `schema_version` | {SCHEMA_VERSION} |" in pages.section(JSON, "doctor --json")


def test_the_keys_of_the_manifest() -> None:
    whole = manifest(not_looked_at=["x"]).model_dump()
    listed = written("doctor --manifest")
    assert len(listed) == len(set(listed))
    assert set(listed) == keys(whole, frozenset({"users", "groups"}))


def test_the_exit_statuses() -> None:
    rows = pages.rows(pages.section(pages.text("docs/exit-codes.md"), "connector doctor"))
    assert [(int(status), word) for status, word, _ in rows] == [
        (level.value, level.name) for level in Level
    ]
