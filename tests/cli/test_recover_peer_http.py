"""`connector recover` asks the other node's exporter: by option, and by configuration."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cli.stage import AT_ONCE, Stage
from tests.cli.test_exporter_protected import port_of
from tests.report.scraping import ask
from tests.report.web.papers import TLS, Papers, users

pytestmark = pytest.mark.slow

StageOf = Callable[..., Stage]
RECOVER = ("recover", "mail", "--dry-run")
SPLIT = "split-brain-with-idle-standby"
SEEN = "StandAlone, Primary, in use by /mnt/mail\n"
IN_USE_THERE = "  - the other node is in use, by /mnt/mail; this one is not\n"
UNKNOWN = "the other node: its own view is not known here (--peer ssh:HOST asks it)\n"


@pytest.fixture
def beta(stage_of: StageOf) -> Stage:
    """The idle standby of a split brain."""
    return stage_of(SPLIT)


@pytest.fixture
def alpha(beta: Stage) -> Stage:
    """The other node of the same pair."""
    seen = Stage(beta.folder / "other", SPLIT, "alpha")
    seen.root = beta.pair.root("alpha")
    return seen


@contextmanager
def exporter(node: Stage, *words: str) -> Iterator[int]:
    """A `connector exporter` there, as a process; its port."""
    with node.start("exporter", "--port", "0", *words) as running:
        yield port_of(running)
        running.send(signal.SIGTERM)
        assert running.end().status == 0


def test_the_exporter_answers_what_status_prints(alpha: Stage) -> None:
    with exporter(alpha) as port:
        status, headers, body = ask(port, "/status.json")
    assert (status, headers["Content-Type"]) == (200, "application/json")
    assert body.decode() == alpha.run("status", "--json").out


def test_over_http(beta: Stage, alpha: Stage) -> None:
    with exporter(alpha) as port:
        url = f"http://127.0.0.1:{port}"
        done = beta.run(*RECOVER, "--peer", url)
    assert (done.status, done.err) == (0, "")
    assert f"the other node, as it says itself ({url}): {SEEN}" in done.out
    assert IN_USE_THERE in done.out


def test_over_tls_with_a_password_as_the_configuration_says(
    beta: Stage, alpha: Stage, tmp_path: Path
) -> None:
    papers = Papers(tmp_path / "papers")
    web = papers.web_config(TLS + users(beta="wonder"))
    password = tmp_path / "password"
    password.touch(mode=0o600)
    password.write_text("beta:wonder\n")
    with exporter(alpha, "--web-config", str(web)) as port:
        config = beta.config(
            f"""\
[recover]
peer = "https://127.0.0.1:{port}"
peer_ca = "{papers.folder}/ca.pem"
peer_password_file = "{password}"
"""
        )
        done = beta.run(*RECOVER, "--config", str(config))
        wrong = beta.run(*RECOVER, "--config", str(config), "--peer", f"http://localhost:{port}")
    assert (done.status, done.err) == (0, "")
    assert f"as it says itself (https://127.0.0.1:{port}): {SEEN}" in done.out
    assert "wonder" not in done.out
    # The option beats the key.
    assert (wrong.status, wrong.err) == (0, "")
    assert (
        f"NOT USED (http://localhost:{port}): HTTP 400, and it said: this port speaks HTTPS"
        in wrong.out
    )


def test_a_peer_of_the_configuration_is_asked_by_ssh(beta: Stage, alpha: Stage) -> None:
    (beta.folder / "alpha.json").write_text(alpha.run("status", "--json").out)
    beta.program("ssh", f"#!/bin/sh\necho x >>{beta.folder}/asked\ncat {beta.folder}/alpha.json\n")
    config = str(beta.config('[recover]\npeer = "ssh:alpha"\n'))
    done = beta.run(*RECOVER, "--config", config)
    assert (done.status, done.err) == (0, "")
    assert f"the other node, as it says itself (ssh:alpha): {SEEN}" in done.out
    # Of nothing else in the agent.
    asked = beta.folder / "asked"
    assert asked.read_text() == "x\n"
    for words in (("status",), ("check",), ("reconcile",)):
        beta.run(*words, "--config", config)
    by_file = beta.run(*RECOVER, "--config", config, "--peer", "alpha.json")
    assert "as it says itself (alpha.json): " in by_file.out
    assert asked.read_text() == "x\n"


def test_a_peer_that_cannot_be_reached_is_only_said(beta: Stage) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    url = f"https://127.0.0.1:{port}"
    plain = beta.run(*RECOVER)
    assert UNKNOWN in plain.out
    by_key = beta.run(*RECOVER, CONNECTOR_RECOVER_PEER=url)
    by_option = beta.run(*RECOVER, "--peer", url)
    for done in (by_key, by_option):
        assert (done.status, done.err) == (plain.status, "") == (0, "")
        told = [line for line in done.out.splitlines(True) if f"NOT USED ({url}): nothing" in line]
        assert [line.count("must run there") for line in told] == [1]
        # All else is as without it.
        assert done.out.replace(told[0], UNKNOWN) == plain.out


def test_a_peer_that_is_this_node_is_only_said(beta: Stage) -> None:
    """The same file may be on both nodes."""
    here = f"ssh:{os.uname().nodename}"
    done = beta.run(*RECOVER, CONNECTOR_RECOVER_PEER=here)
    assert (done.status, done.err) == (0, "")
    assert f"NOT USED ({here}): that is this node: [recover] peer must name" in done.out


def test_where_the_nodes_are_together_the_configured_one_is_not_asked(stage: Stage) -> None:
    stage.program("ssh", f"#!/bin/sh\necho x >>{stage.folder}/asked\n")
    done = stage.run(*RECOVER, CONNECTOR_RECOVER_PEER="ssh:alpha", **AT_ONCE)
    assert done.status == 0
    assert not (stage.folder / "asked").exists()


def test_an_exporter_without_drbd_says_so(beta: Stage, alpha: Stage) -> None:
    alpha.show(None)
    with alpha.start("exporter", "--port", "0") as running:
        done = beta.run(*RECOVER, "--peer", f"http://127.0.0.1:{port_of(running)}")
    assert (done.status, done.err) == (0, "")
    assert "HTTP 500, and it said: no DRBD here" in done.out


def test_this_nodes_own_exporter_is_not_taken_for_the_others(beta: Stage) -> None:
    with exporter(beta) as port:
        done = beta.run(*RECOVER, "--peer", f"http://127.0.0.1:{port}")
    assert "its view is NOT USED" in done.out
    assert "its kernel log is this node's own" in done.out


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("https://alpha/metrics", "that is no exporter's address: say http://HOST:PORT or https"),
        ("http:alpha", "--peer http:alpha: that is no exporter's address: say "),
        ("https://alpha:99999", "--peer https://alpha:99999: that is no exporter's address"),
        ("ftp://alpha", "no such file; say ssh:HOST, https://HOST:PORT, a file with what"),
        ("https://me:wonder@alpha", "--peer https://…@alpha: a URL with a name or a password in"),
    ],
)
def test_typing_mistakes(beta: Stage, source: str, words: str) -> None:
    done = beta.run(*RECOVER, "--peer", source)
    assert (done.status, done.out) == (2, "")
    assert words in done.err
    assert "wonder" not in done.err


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('peer = "alpha"', ":2: recover.peer: must be ssh:HOST, http://HOST:PORT or https://HOST"),
        ('peer = "-"', ":2: recover.peer: must be ssh:HOST, http"),
        ('peer = "ssh:-x"', ":2: recover.peer: '-x' is no host: say ssh:NAME or ssh:USER@NAME"),
        ('peer = "https://u:wonder@a"', ":2: recover.peer: a URL with a name or a password in it"),
        ('peer_ca = "ca.pem"', ":2: recover.peer_ca: must be an absolute path (found 'ca.pem')"),
        ('pier = "ssh:alpha"', ":2: recover.pier: unknown key; known here: peer, peer_ca, peer_p"),
    ],
)
def test_a_mistake_in_the_configuration(beta: Stage, text: str, words: str) -> None:
    config = beta.config(f"[recover]\n{text}\n")
    done = beta.run(*RECOVER, "--config", str(config))
    assert (done.status, done.out) == (78, "")
    assert f"connector: {config}{words}" in done.err
    assert "wonder" not in done.err
