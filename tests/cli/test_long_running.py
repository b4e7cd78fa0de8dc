"""Commands that go on until they are ended: `status --watch` and `exporter`."""

from __future__ import annotations

import signal
import urllib.error
import urllib.request
from collections.abc import Callable

import pytest

from tests.cli.stage import AT_ONCE, Running, Stage

pytestmark = pytest.mark.slow

StageOf = Callable[..., Stage]


def until(running: Running, words: str, *, in_err: bool = False) -> str:
    """The line with these words, once it is printed; fail where it ends before."""
    stream = running.process.stderr if in_err else running.process.stdout
    assert stream is not None
    for line in stream:
        if words in line.decode():
            return line.decode()
    raise AssertionError(f"ended without {words!r}")


def test_watch_goes_on_until_ctrl_c(stage_of: StageOf) -> None:
    stage = stage_of("standby-disconnected")
    with stage.start("status", "--watch") as running:
        until(running, "mail: reconnect-standby")
        with stage.pair.changing() as pair:
            pair.run_on("beta")(("drbdadm", "connect", "mail"), 15)
        until(running, "mail: healthy")
        running.send(signal.SIGINT)
        done = running.end()
    assert (done.status, done.err) == (0, "")


def test_watch_as_json_is_one_document_after_the_other(stage: Stage) -> None:
    with stage.start("status", "--watch", "--json") as running:
        for _ in range(2):
            until(running, '"schema_version": 1')
        running.send(signal.SIGINT)
        done = running.end()
    assert (done.status, done.err) == (0, "")


def test_the_exporter_shows_what_the_textfile_of_a_pass_shows(stage_of: StageOf) -> None:
    stage = stage_of("standby-disconnected")
    textfile = stage.folder / "connector.prom"
    settings = {**AT_ONCE, "CONNECTOR_METRICS_TEXTFILE": str(textfile)}
    assert stage.run("reconcile", **settings).status == 0  # it acts, so that something is counted
    assert stage.run("reconcile", **settings).status == 0
    with stage.start("exporter", "--port", "0", **settings) as running:
        place = until(running, "listening on 127.0.0.1:", in_err=True).split()[-1]
        with urllib.request.urlopen(f"http://{place}/metrics", timeout=30) as answer:
            scraped = answer.read().decode()
        running.send(signal.SIGTERM)
        assert running.end().status == 0
    assert timeless(scraped) == timeless(textfile.read_text())
    assert 'connector_actions_total{action="connect",outcome="done",resource="mail"} 1.0' in (
        timeless(scraped)
    )
    assert 'connector_recoveries_total{resource="mail"} 1.0' in timeless(scraped)


def test_a_scrape_says_so_where_there_is_no_drbd(stage: Stage) -> None:
    stage.show(None)
    with stage.start("exporter", "--port", "0") as running:
        place = until(running, "listening on ", in_err=True).split()[-1]
        with pytest.raises(urllib.error.HTTPError) as raised:
            urllib.request.urlopen(f"http://{place}/metrics", timeout=30)
        with raised.value as answer:
            assert answer.code == 500
            assert "no DRBD here" in answer.read().decode()
        running.send(signal.SIGTERM)
        assert running.process.wait(30) == 0


def test_a_port_that_is_taken(stage: Stage) -> None:
    with stage.start("exporter", "--port", "0") as running:
        port = until(running, "listening on ", in_err=True).strip().rpartition(":")[2]
        done = stage.run("exporter", "--port", port)
    assert (done.status, done.out) == (1, "")
    assert f"cannot listen on 127.0.0.1:{port}: Address already in use; choose another" in done.err


def timeless(text: str) -> list[str]:
    """The samples, without those that are times; labels in the order of their names."""
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return sorted(_sorted_labels(line) for line in lines if "_seconds" not in line.split("{")[0])


def _sorted_labels(line: str) -> str:
    name, brace, rest = line.partition("{")
    if not brace:
        return line
    labels, _, value = rest.rpartition("}")
    return f"{name}{{{','.join(sorted(labels.split(',')))}}}{value}"
