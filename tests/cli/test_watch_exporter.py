"""connector watch with the exporter beside it, as processes."""

from __future__ import annotations

import os
import signal
import socket
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.act.programs import alive
from tests.cli.stage import AT_ONCE, Running, Stage, wait_for
from tests.cli.test_long_running import timeless, until
from tests.cli.test_watch_in_trouble import disconnect, listens, passed, say, with_events
from tests.report.scraping import ask
from tests.report.web.papers import TLS, Papers, ask_tls, basic, users

pytestmark = pytest.mark.slow

StageOf = Callable[..., Stage]
WATCH = ("watch", "--interval", "3600", "--port")


@pytest.fixture
def ready(stage_of: StageOf) -> Stage:
    """A standby with a drbdsetup that reads its events from a file."""
    return with_events(stage_of("healthy"))


@contextmanager
def watching(stage: Stage, *words: str, **environment: str) -> Iterator[tuple[Running, int]]:
    """A watch with an exporter on a free port, which has listened and passed once."""
    with stage.start(*WATCH, "0", *words, **environment) as running:
        line = until(running, "listening on ", in_err=True)
        port = int(line.rpartition(":")[2].rstrip('"}\n'))
        wait_for(lambda: listens(stage) and passed(stage))
        yield running, port


def exporter_of(running: Running, port: int) -> int:
    """The number of the watch's exporter, once it answers."""
    wait_for(lambda: answers(port))
    [pid] = exporters(running)
    return pid


def exporters(running: Running) -> list[int]:
    """Those of its processes that would be killed first where memory runs out."""
    return [pid for pid in children(running.process.pid) if oom_score_adj(pid) == "500"]


def children(pid: int) -> list[int]:
    words = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
    return [int(word) for word in words.split()]


def oom_score_adj(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/oom_score_adj").read_text(encoding="ascii").strip()
    except OSError:
        return ""


def answers(port: int) -> bool:
    try:
        return ask(port, "/-/healthy")[0] == 200
    except OSError:
        return False


def taken(port: int) -> bool:
    """Whether somebody listens there."""
    with socket.socket() as asked:
        return asked.connect_ex(("127.0.0.1", port)) == 0


def end(running: Running, stage: Stage) -> str:
    running.send(signal.SIGTERM)
    done = running.end()
    assert done.status == 0
    wait_for(lambda: stage.processes() == [])
    return done.err


def scraped(port: int) -> list[str]:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as answer:
        return timeless(answer.read().decode())


def done_once(metric: str, port: int) -> bool:
    return any(line.startswith(metric) and line.endswith(" 1.0") for line in scraped(port))


def test_it_shows_what_connector_exporter_shows(stage_of: StageOf) -> None:
    stage = with_events(stage_of("standby-disconnected"))
    with watching(stage, **AT_ONCE) as (watch, port):
        wait_for(lambda: stage.calls() == ["connect mail"])
        # The pass after it is the one that counts the recovery.
        wait_for(lambda: done_once("connector_actions_total", port))
        say(stage)
        wait_for(lambda: done_once("connector_recoveries_total", port))
        with stage.start("exporter", "--port", "0", **AT_ONCE) as alone:
            there = until(alone, "listening on ", in_err=True).strip().rpartition(":")[2]
            # Both are asked again where a pass came in between.
            wait_for(lambda: scraped(port) == scraped(int(there)))
            assert ask(port, "/")[0] == ask(int(there), "/")[0] == 200
            alone.send(signal.SIGTERM)
            assert alone.end().status == 0
        end(watch, stage)
    assert not taken(port)


def test_without_a_port_nothing_listens(ready: Stage) -> None:
    with ready.start("watch", "--interval", "3600") as running:
        wait_for(lambda: listens(ready) and passed(ready))
        own = {os.readlink(path) for path in Path(f"/proc/{running.process.pid}/fd").iterdir()}
        listening = [
            line.split()
            for name in ("tcp", "tcp6")
            for line in Path(f"/proc/net/{name}").read_text(encoding="ascii").splitlines()[1:]
        ]
        assert [row for row in listening if f"socket:[{row[9]}]" in own] == []
        assert exporters(running) == []
        end(running, ready)


def test_killed_it_comes_back_on_the_same_port_and_the_watch_goes_on(ready: Stage) -> None:
    with watching(ready, **AT_ONCE) as (watch, port):
        first = exporter_of(watch, port)
        os.kill(first, signal.SIGKILL)
        until(watch, "the exporter ended by signal 9; it is started again in 1 s", in_err=True)
        # Who asks in the pause is answered after it.
        assert ask(port, "/metrics")[0] == 200
        assert exporter_of(watch, port) != first
        disconnect(ready)
        say(ready)
        until(watch, "connect mail", in_err=True)
        end(watch, ready)
    assert ready.calls() == ["connect mail"]


def test_it_dies_with_a_watch_that_is_killed_and_the_port_is_free(ready: Stage) -> None:
    with watching(ready) as (watch, port):
        pid = exporter_of(watch, port)
        watch.send(signal.SIGKILL)
        assert watch.end().status == -signal.SIGKILL
        wait_for(lambda: not alive(pid))
        wait_for(lambda: not taken(port))
        with ready.start(*WATCH, str(port)) as following:
            until(following, f"listening on 127.0.0.1:{port}", in_err=True)
            wait_for(lambda: answers(port))
            end(following, ready)


def test_a_pass_does_not_keep_the_port(stage_of: StageOf) -> None:
    """It outlives a watch that is killed, and must have nothing of the exporter's."""
    stage = with_events(stage_of("standby-disconnected"))
    stage.pair.set_fault("beta", "hang:connect")
    with stage.start(*WATCH, "0", **AT_ONCE) as running:
        port = int(until(running, "listening on", in_err=True).rpartition(":")[2].rstrip('"}\n'))
        wait_for(stage.calls)
        # Scrapes are answered while the pass hangs.
        assert ask(port, "/metrics")[0] == 200
        running.send(signal.SIGKILL)
        running.process.wait(30)
        wait_for(lambda: not taken(port))
        assert stage.processes() != []
        stage.pair.set_fault("beta", None)
        wait_for(lambda: stage.processes() == [])


def test_a_port_that_is_taken_is_said_and_the_watch_does_not_begin(ready: Stage) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        done = ready.run(*WATCH, str(port))
    assert (done.status, done.out) == (1, "")
    assert done.err == (
        f"connector: cannot listen on 127.0.0.1:{port}: Address already in use; choose another\n"
    )
    assert not listens(ready)
    assert not passed(ready)
    assert ready.processes() == []


def test_a_second_watch_hears_of_the_first_and_not_of_its_port(ready: Stage) -> None:
    with watching(ready) as (watch, port):
        done = ready.run(*WATCH, str(port))
        assert done.status == 1
        assert "another connector watch is at work" in done.err
        assert answers(port)
        end(watch, ready)


def test_on_sighup_it_shows_the_new_settings(ready: Stage) -> None:
    config = ready.config('[policy]\nmode = "observe"\n')
    with watching(ready, "--config", str(config)) as (watch, port):
        first = exporter_of(watch, port)
        [before] = [line for line in scraped(port) if "config_hash" in line]
        ready.config('[policy]\nmode = "discard"\n')
        watch.send(signal.SIGHUP)
        until(watch, "the configuration was read again", in_err=True)
        wait_for(lambda: not alive(first))
        [after] = [line for line in scraped(port) if "config_hash" in line]
        assert before != after
        ready.config('[policy]\nmode = "nonsense"\n')
        watch.send(signal.SIGHUP)
        until(watch, "the old one stays in force", in_err=True)
        wait_for(lambda: answers(port))
        assert [line for line in scraped(port) if "config_hash" in line] == [after]
        end(watch, ready)


def test_with_tls_and_passwords(ready: Stage, tmp_path: Path) -> None:
    papers = Papers(tmp_path / "papers")
    path = papers.web_config(TLS + users(prometheus="wonder"))
    own = basic("prometheus", "wonder")
    with watching(ready, "--web-config", str(path)) as (watch, port):
        assert ask_tls(port, papers.client(), headers=own)[0] == 200
        assert ask_tls(port, papers.client())[0] == 401
        # A file that is bad at the time of a restart: what was read before goes on.
        papers.web_config("tls_server_config:\n")
        [first] = exporters(watch)
        watch.send(signal.SIGHUP)
        until(watch, "what was read before stays in force", in_err=True)
        wait_for(lambda: not alive(first))
        assert ask_tls(port, papers.client(), headers=own)[0] == 200
        papers.web_config(TLS + users(prometheus="other"))
        assert ask_tls(port, papers.client(), headers=own)[0] == 401
        end(watch, ready)


def test_ctrl_c_is_for_the_watch_which_ends_both(ready: Stage) -> None:
    with watching(ready) as (watch, port):
        pid = exporter_of(watch, port)
        watch.send(signal.SIGINT)
        assert watch.end().status == 0
        assert not alive(pid)
        assert not taken(port)


def test_its_own_words_are_in_the_watchs_log(ready: Stage) -> None:
    text = (ready.root / "proc/drbd").read_bytes()
    ready.show(text)
    with watching(ready) as (watch, port):
        ready.show(None)
        assert ask(port, "/metrics")[0] == 500
        line = until(watch, "no DRBD here", in_err=True)
        assert line.startswith('{"event":"watch","message":"exporter: no DRBD here')
        ready.show(text)
        end(watch, ready)
