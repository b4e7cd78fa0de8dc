"""contrib/prometheus and docs/runbooks: promtool takes them, and they name what there is."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import click
import pytest

from connector.act.answers import CommandOutcome
from connector.cli.commands import COMMANDS
from connector.decide.table import TABLE
from connector.model import HEALTHY, ConnectionState, DecisionName
from connector.report.exporter import DEFAULT_PORT
from tests.docs import pages
from tests.docs.test_commands import accept, words_of

from . import rules
from .promql import (
    OTHERS,
    OWN,
    TARGET_LABELS,
    Matcher,
    labels_left,
    problems,
    selectors,
)
from .rules import ALERTS, RECORDED, RECORDINGS, Alert, promtool

pytestmark = pytest.mark.slow

RUNBOOKS = pages.PROJECT / "docs" / "runbooks"
INDEX = pages.text("docs/runbooks/INDEX.md")
RUNBOOK_PAGES = sorted(set(RUNBOOKS.glob("*.md")) - {RUNBOOKS / "INDEX.md"})
PARTS = ["Meaning", "Impact", "Diagnosis", "Mitigation", "Over when"]
# What a page may tell a person to run. drbdadm knows more, and much of that is dangerous.
DRBDADMS = {"attach", "connect", "disconnect", "dump", "resume-sync", "up", "verify"}

_INPUT = re.compile(r"^      - series: '(\w+)\{(.*)\}'$", re.MULTILINE)
_ALERT_TEST = re.compile(
    r"^      - alertname: (\w+)\n        eval_time: \S+\n        exp_alerts:( \[\])?$", re.MULTILINE
)
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
TEST_TEXTS = {path.name: path.read_text(encoding="utf-8") for path in rules.TEST_FILES}


def by_name(path: Path) -> str:
    """How pytest calls a case."""
    return path.name


# ---- promtool


@pytest.mark.parametrize(
    ("file", "number"),
    [(rules.ALERTS_FILE, len(ALERTS)), (rules.RECORDING_FILE, len(RECORDINGS))],
    ids=["alerts", "recording"],
)
def test_promtool_takes_the_rules(file: Path, number: int) -> None:
    done = promtool("check", "rules", file)
    assert done.returncode == 0, done.stdout
    # As many as are read here: no rule escapes the tests below.
    assert f"SUCCESS: {number} rules found" in done.stdout


def test_promtool_takes_the_example() -> None:
    done = promtool("check", "config", rules.SCRAPE_FILE)
    assert done.returncode == 0, done.stdout
    assert "2 rule files found" in done.stdout


@pytest.mark.parametrize("file", rules.TEST_FILES, ids=by_name)
def test_the_rules_do_what_their_tests_say(file: Path) -> None:
    done = promtool("test", "rules", file)
    assert done.returncode == 0, done.stdout


def test_a_wrong_rule_would_be_found(tmp_path: Path) -> None:
    folder = tmp_path / "prometheus"
    shutil.copytree(rules.FOLDER, folder)
    whole = rules.ALERTS_FILE.read_text(encoding="utf-8")
    wrong = whole.replace(
        "min_over_time(connector_paused[1d])", "max_over_time(connector_paused[1d])"
    )
    assert wrong != whole
    (folder / rules.ALERTS_FILE.name).write_text(wrong, encoding="utf-8")
    done = promtool("test", "rules", "tests/days.yml", cwd=folder)
    assert done.returncode != 0
    assert "ConnectorPausedTooLong" in done.stdout


def test_without_promtool_it_is_said_and_fails_where_it_is_required(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("CONNECTOR_LAB", "auto")
    with pytest.raises(pytest.skip.Exception, match="there is no promtool"):
        promtool("--version")
    monkeypatch.setenv("CONNECTOR_LAB", "required")
    with pytest.raises(pytest.fail.Exception, match="there is no promtool"):
        promtool("--version")


# ---- names and labels


@pytest.mark.parametrize("alert", ALERTS.values(), ids=list(ALERTS))
def test_an_alert_names_what_there_is(alert: Alert) -> None:
    assert problems(alert.expression, RECORDED) == []
    assert list(selectors(alert.expression))


@pytest.mark.parametrize("name", RECORDINGS)
def test_a_recording_rule_names_what_there_is(name: str) -> None:
    assert problems(RECORDINGS[name], RECORDED) == []
    assert list(selectors(RECORDINGS[name]))


@pytest.mark.parametrize(
    ("expression", "wrong"),
    [
        ("connector_splitbrain == 1", "there is no connector_splitbrain"),
        ("connector_paused:max == 1", "there is no connector_paused:max"),
        ("max(pair:connector_paused:sum)", "there is no pair:connector_paused:sum"),
        ("node_textfile_mtime > 1", "there is no node_textfile_mtime"),
        ('connector_in_use{volume="0"}', "connector_in_use has no label volume"),
        ('pair_resource:connector_paused:max{instance="x"}', "has no label instance"),
        ('connector_connection_state{state="Standalone"}', "has no state Standalone"),
        ('connector_decision{decision=~"hold|held"}', "has no decision held"),
        ('connector_disk_state{state=~"Up[td].*"}', "has no state like Up[td].*"),
        ("sum by (volume) (connector_in_use) + connector_sync_ratio", "by (volume)"),
        ("connector_in_use unless on (hash) connector_paused", "on (hash)"),
        ("sum without (state) (connector_role)", "without (state)"),
    ],
)
def test_a_wrong_name_would_be_found(expression: str, wrong: str) -> None:
    recorded = {"pair_resource:connector_paused:max": frozenset({"pair", "resource"})}
    found = problems(expression, recorded)
    assert len(found) == 1
    assert wrong in found[0]


def test_what_is_right_is_not_called_wrong() -> None:
    right = (
        'sum by (pair) (rate(connector_actions_total{outcome!~"done|already"}[5m]))'
        ' / on (pair) count by (pair) (up{job="connector"}) > 1'
    )
    assert problems(right, {}) == []
    assert [selector.metric for selector in selectors(right)] == ["connector_actions_total", "up"]


def test_the_alerts_stand_alone() -> None:
    used = {s.metric for alert in ALERTS.values() for s in selectors(alert.expression)}
    assert not used & set(RECORDINGS)
    assert used <= OWN.keys() | OTHERS.keys()


@pytest.mark.parametrize("name", RECORDINGS)
def test_the_level_of_a_recording_rule_names_the_labels_that_are_left(name: str) -> None:
    level, metric, operation = name.split(":")
    left = labels_left(RECORDINGS[name])
    # A node is named by its instance; job and pair come along with it.
    said = left - {"job", "pair"} if "instance" in left else left
    assert set(level.split("_")) == said
    assert metric.startswith("connector_")
    assert operation


# ---- what the words of the expressions mean


def matchers(alert: str, metric: str, label: str) -> list[Matcher]:
    """The conditions of an alert on one label of a metric."""
    return [
        matcher
        for selector in selectors(ALERTS[alert].expression)
        if selector.metric == metric
        for matcher in selector.matchers
        if matcher.label == label
    ]


def test_degraded_knows_every_connection_state() -> None:
    connected, resync = matchers("ConnectorDegraded", "connector_connection_state", "state")
    assert connected.accepts(ConnectionState) == HEALTHY
    syncing = next(row for row in TABLE if row.name is DecisionName.SYNCING)
    assert syncing.connections is not None
    congestion = {ConnectionState.AHEAD, ConnectionState.BEHIND}
    assert resync.accepts(ConnectionState) == syncing.connections - congestion


def test_failing_means_every_outcome_but_three() -> None:
    (failing,) = matchers("ConnectorActionsFailing", "connector_actions_total", "outcome")
    good = {CommandOutcome.DONE, CommandOutcome.ALREADY, CommandOutcome.SUPERSEDED}
    assert failing.accepts(CommandOutcome) == set(CommandOutcome) - good
    recorded = selectors(RECORDINGS["instance_resource:connector_actions_failed:increase1h"])
    assert next(recorded).matchers == (failing,)


def test_every_textfile_is_named_alike() -> None:
    found = {
        matcher
        for name in ALERTS
        for matcher in matchers(name, "node_textfile_mtime_seconds", "file")
    }
    (name,) = found
    files = [
        "connector.prom",
        "/var/lib/x/connector.prom",
        "/x/my-connector.prom",
        "connectorxprom",
    ]
    assert name.accepts(files) == set(files[:2])
    text = rules.SCRAPE_FILE.read_text(encoding="utf-8")
    assert 'textfile = "FOLDER/connector.prom"' in text


def test_the_example_has_both_ways_and_the_pair_label() -> None:
    text = rules.SCRAPE_FILE.read_text(encoding="utf-8")
    ports = re.findall(r'"[\w.-]+:(\d+)"', re.sub(r"(?m)^ *#.*", "", text))
    assert set(ports) == {str(DEFAULT_PORT), "9100"}
    assert text.count("          pair: ") == 2
    assert "target_label: pair" in text
    jobs = re.findall(r"^  - job_name: (\S+)$", text, re.MULTILINE)
    (job,) = matchers("ConnectorDown", "up", "job")
    assert job.value == jobs[0]
    for path in (rules.ALERTS_FILE, rules.RECORDING_FILE):
        assert f"  - {path.name}\n" in text


# ---- how an alert is written


@pytest.mark.parametrize("alert", ALERTS.values(), ids=list(ALERTS))
def test_an_alert_says_all_that_it_should(alert: Alert) -> None:
    assert re.fullmatch(r"Connector[A-Z][A-Za-z]+", alert.name)
    assert alert.severity in ("critical", "warning")
    assert set(alert.annotations) == {"summary", "description", "runbook"}
    assert alert.annotations["runbook"] == f"docs/runbooks/{alert.name}.md"
    assert re.fullmatch(r"\d+m", alert.lasts)
    assert alert.above_for.startswith("        # "), f"why {alert.lasts}?"


@pytest.mark.parametrize("alert", ALERTS.values(), ids=list(ALERTS))
def test_an_alert_says_what_it_is_about(alert: Alert) -> None:
    has = frozenset().union(
        TARGET_LABELS, *((OWN | OTHERS)[s.metric] for s in selectors(alert.expression))
    )
    for text in (alert.annotations["summary"], alert.annotations["description"]):
        named = set(re.findall(r"\$labels\.(\w+)", text))
        assert named <= has
        if alert.name != "ConnectorAbsent":
            assert named & {"instance", "resource", "pair"}


# ---- promtool's tests


def test_every_alert_is_seen_to_fire_and_not_to_fire() -> None:
    tried = {
        (name, not none) for text in TEST_TEXTS.values() for name, none in _ALERT_TEST.findall(text)
    }
    assert tried == {(name, fires) for name in ALERTS for fires in (True, False)}


def test_every_test_of_an_alert_is_read_here() -> None:
    for text in TEST_TEXTS.values():
        assert len(_ALERT_TEST.findall(text)) == text.count("alertname:")


def test_every_recording_rule_is_tried() -> None:
    text = TEST_TEXTS["recording.yml"]
    tried = re.findall(r"^      - expr: (?:round\()?([\w:]+)\)?$", text, re.MULTILINE)
    assert sorted(tried) == sorted(RECORDINGS)


@pytest.mark.parametrize("name", TEST_TEXTS)
def test_what_the_tests_feed_is_what_there_is(name: str) -> None:
    text = TEST_TEXTS[name]
    series = _INPUT.findall(text)
    assert len(series) == text.count("- series:") > 0
    for metric, braces in series:
        labels = dict(_LABEL.findall(braces))
        given = (OWN | OTHERS)[metric]
        assert labels.keys() - TARGET_LABELS == given, f"{metric}{{{braces}}}"
        assert labels.keys() >= {"instance", "job"}
        wanted = ",".join(f'{label}="{value}"' for label, value in labels.items())
        assert problems(f"{metric}{{{wanted}}}", {}) == []


# ---- the runbooks


def test_every_alert_has_its_page_and_every_page_its_alert() -> None:
    assert [page.stem for page in RUNBOOK_PAGES] == sorted(ALERTS)


def test_the_index_lists_the_alerts_in_their_order() -> None:
    written = pages.rows(pages.section(INDEX, "The alerts"))
    assert [(alert, severity) for alert, severity, _ in written] == [
        (f"[{alert.name}]({alert.name}.md)", alert.severity) for alert in ALERTS.values()
    ]


@pytest.mark.parametrize("page", RUNBOOK_PAGES, ids=by_name)
def test_a_page_has_its_parts(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert pages.headings(text) == [page.stem, *PARTS]
    for part in PARTS:
        assert len(pages.section(pages.prose(text), part).split()) > 2, part
    severity = ALERTS[page.stem].severity.capitalize()
    assert text.partition("\n\n")[2].startswith(f"{severity}. ")


def commands_of(text: str) -> list[list[str]]:
    """Every command that a page shows or names, as words."""
    shown = [
        words_of(line[2:])
        for block in pages.blocks(text, "console")
        for line in block.splitlines()
        if line.startswith("# ")
    ]
    named = [
        shlex.split(span) for span in pages.spans(text) if re.match(r"(connector|drbdadm) ", span)
    ]
    return shown + named


@pytest.mark.parametrize("page", [*RUNBOOK_PAGES, RUNBOOKS / "INDEX.md"], ids=by_name)
def test_the_commands_of_a_page_exist(page: Path) -> None:
    found = commands_of(page.read_text(encoding="utf-8"))
    assert any(words[0] == "connector" for words in found) or page.stem == "ConnectorPairNotTwo"
    for program, *words in found:
        if program == "connector":
            accept(words)
        elif program == "drbdadm":
            assert words[0] in DRBDADMS, f"{page.name}: drbdadm {words[0]}"


def test_a_command_that_does_not_exist_would_be_found() -> None:
    text = "```console\n# connector mend RESOURCE\n```\nor `connector recover --gently mail`\n"
    first, second = commands_of(text)
    assert first[1] not in COMMANDS
    for words in (first, second):
        with pytest.raises(click.UsageError):
            accept(words[1:])


@pytest.mark.parametrize("page", RUNBOOK_PAGES, ids=by_name)
def test_the_metrics_of_a_page_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    queries = re.findall(r"^    (?![-*] |# )(\S.*)$", pages.prose(text), re.MULTILINE)
    named = [span for span in pages.spans(text) if re.search(r"\bconnector_\w|\bnode_text", span)]
    for expression in (*queries, *named):
        if "node_textfile_scrape_error" not in expression:
            assert problems(expression, RECORDED) == [], expression
    words = set(re.findall(r"\bconnector_\w+", text))
    assert words <= OWN.keys()


@pytest.mark.parametrize("page", RUNBOOK_PAGES, ids=by_name)
def test_no_page_gives_changes_up_before_it_says_who_is_in_use(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert "--force" not in text
    before, found, _ = text.partition("--discard-my-data")
    if not found:
        return
    for needed in ("`used by`", "# connector status", "# connector recover RESOURCE --dry-run"):
        assert needed in before
    assert "## Mitigation" in before
    assert before.index("`used by`") < before.index("## Mitigation")


def test_only_the_page_of_the_split_brain_gives_changes_up() -> None:
    giving_up = {
        page.stem
        for page in RUNBOOK_PAGES
        if any("--discard-my-data" in words for words in commands_of(page.read_text("utf-8")))
    }
    assert giving_up == {"ConnectorSplitBrain"}
    for text in (INDEX, pages.text("docs/runbooks/ConnectorBothInUse.md")):
        assert "in use" in text.partition("connector pause")[0]
