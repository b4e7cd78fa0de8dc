"""`connector exporter --web-config` as a process: TLS, passwords, and what is wrong with a file."""

from __future__ import annotations

import os
import signal
import ssl
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.stage import PATIENCE_S, PROJECT, Running, Stage
from tests.cli.test_long_running import until
from tests.report.scraping import ask
from tests.report.web.papers import CLIENTS_TOO, HOST, TLS, Papers, ask_tls, basic, users
from tests.test_healthy_pass import a_pass

pytestmark = pytest.mark.slow

StageOf = Callable[..., Stage]
OWN = basic("prometheus", "wonder")


@pytest.fixture
def papers(tmp_path: Path) -> Papers:
    return Papers(tmp_path / "papers")


def port_of(running: Running) -> int:
    return int(until(running, "listening on ", in_err=True).strip().rpartition(":")[2])


def end(running: Running) -> str:
    """End it in good order; what it had said since it listened."""
    running.send(signal.SIGTERM)
    done = running.end()
    assert done.status == 0
    return done.err


def test_scraped_with_everything(stage: Stage, papers: Papers) -> None:
    path = papers.web_config(CLIENTS_TOO + users(prometheus="wonder"))
    client = papers.client(papers.authority.issue_cert("prometheus.example.net"))
    with stage.start("exporter", "--port", "0", "--web-config", str(path)) as running:
        port = port_of(running)
        status, _, body = ask_tls(port, client, headers=OWN)
        assert (status, b'connector_in_use{resource="mail"}' in body) == (200, True)
        assert ask_tls(port, client)[0] == 401
        with pytest.raises((ssl.SSLError, ConnectionError)):
            ask_tls(port, papers.client(), headers=OWN)
        assert ask(port, "/metrics")[0] == 400
        said = end(running)
    assert said == (
        f"exporter: a TLS handshake with {HOST} failed: peer did not return a certificate\n"
    )


def test_passwords_alone(stage: Stage, papers: Papers) -> None:
    path = papers.web_config(users(prometheus="wonder"))
    with stage.start("exporter", "--port", "0", "--web-config", str(path)) as running:
        port = port_of(running)
        assert [ask(port, "/metrics", headers=own)[0] for own in (OWN, {})] == [200, 401]
        assert end(running) == ""


def test_a_renewed_certificate_and_a_bad_one_while_it_runs(stage: Stage, papers: Papers) -> None:
    path = papers.web_config(TLS)
    with stage.start("exporter", "--port", "0", "--web-config", str(path)) as running:
        port = port_of(running)
        first = ssl.get_server_certificate((HOST, port), timeout=30)
        papers.renew()
        second = ssl.get_server_certificate((HOST, port), timeout=30)
        assert first != second
        (papers.folder / "server.pem").write_text("nothing")
        for _ in range(3):
            assert ssl.get_server_certificate((HOST, port), timeout=30) == second
        assert ask_tls(port, papers.client())[0] == 200
        renewed, refused = end(running).splitlines()
    assert renewed.endswith("were read again")
    assert refused.endswith("server.pem: has no certificate in PEM format")


def test_a_file_that_is_missing(stage: Stage) -> None:
    for command in (("exporter",), ("watch",)):
        done = stage.run(*command, "--port", "0", "--web-config", "missing.yml")
        assert (done.status, done.out) == (78, "")
        assert done.err == "connector: missing.yml: no such file\n"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (TLS.replace("key_file", "keyfile"), ":3: tls_server_config.keyfile: refused, since conn"),
        (f"{TLS}  max_version: TLS13\n", ":4: tls_server_config.max_version: refused, since con"),
        ("basic_auth_users:\n  a: secret\n", ":2: basic_auth_users.a: must be a bcrypt hash of"),
        (TLS.replace("server.key", "gone.key"), ":3: tls_server_config.key_file: "),
        ("tls_server_config: {", ":1: not valid YAML: "),
        ("", ": protects nothing: "),
    ],
)
def test_a_file_that_is_wrong(stage: Stage, papers: Papers, text: str, words: str) -> None:
    path = papers.web_config(text)
    for command in (("exporter",), ("watch",)):
        done = stage.run(*command, "--port", "0", "--web-config", str(path))
        assert (done.status, done.out) == (78, "")
        assert any(line.startswith(f"connector: {path}{words}") for line in done.err.splitlines())
        assert "secret" not in done.err
    assert stage.pair.calls("beta") == []


def test_an_encrypted_key_asks_nobody_for_its_passphrase(stage: Stage, papers: Papers) -> None:
    papers.encrypt_key()
    path = str(papers.web_config(TLS))
    done = stage.run_on_terminal("exporter", "--port", "0", "--web-config", path)
    assert done.status == 78
    assert "is encrypted; take one without a passphrase" in done.out


def test_what_others_can_read_and_who_can_read_along_is_said(stage: Stage, papers: Papers) -> None:
    path = papers.web_config(TLS + users(prometheus="wonder"))
    path.chmod(0o644)
    (papers.folder / "server.key").chmod(0o644)

    def said(*words: str) -> list[str]:
        with stage.start("exporter", "--port", "0", *words) as running:
            assert running.process.stderr is not None
            lines = []
            for line in running.process.stderr:
                lines.append(line.decode())
                if b"listening on" in line:
                    break
            end(running)
        return lines[:-1]

    assert said() == []
    assert said("--listen", "127.0.0.1") == []
    readable = said("--web-config", str(path), "--listen", "0.0.0.0")
    assert [line.split(" can be read by everybody")[0] for line in readable] == [
        f"exporter: {path}",
        f"exporter: {papers.folder / 'server.key'}",
    ]
    [line] = said("--listen", "0.0.0.0")
    assert "everybody on the network can read the metrics" in line
    papers.web_config(users(prometheus="wonder")).chmod(0o600)
    [line] = said("--listen", "0.0.0.0", "--web-config", str(path))
    assert "passwords come over the network as they are" in line


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("exporter --web-confg x", "No such option '--web-confg'."),
        ("exporter --web-config", "Option '--web-config' requires an argument"),
        ("watch --port 99999", "99999 is not in the range"),
        ("watch --prot 1", "No such option '--prot'"),
        ("watch --listen 0.0.0.0", "--listen and --web-config say how the exporter listens: add"),
        ("watch --web-config x", "--listen and --web-config say how the exporter listens: add"),
    ],
)
def test_typing_mistakes(stage: Stage, line: str, words: str) -> None:
    done = stage.run(*line.split())
    assert (done.status, done.out) == (2, "")
    assert words in done.err


def test_the_help_says_where_to_read_on(stage: Stage) -> None:
    for command in ("exporter", "watch"):
        text = " ".join(stage.run(command, "--help").out.split())
        assert "--web-config FILE TLS and passwords: a YAML file as Prometheus' exporters" in text
        assert "default: (127.0.0.1)" in text
    assert "Without --port nothing listens" in text
    assert "\n## TLS and passwords\n" in PROJECT.joinpath("docs/metrics.md").read_text("utf-8")


# ---- who pays for it

# What only a web configuration needs.
FOR_IT = {"yaml", "bcrypt", "connector.report.web.schema", "connector.report.web.config_file"}
LOADED = """\
import sys
from connector.cli.commands import cli, COMMANDS
for name in COMMANDS:
    cli.get_command(None, name)
from connector.report.node_look import exporter_of
from connector.report.exporter import Exporter
from connector.report.web.protection import InForce
Exporter(lambda: None, port=0).server_close()
before = set(sys.modules)
InForce(__import__("pathlib").Path(sys.argv[1]), print)
print(*before, "---", *set(sys.modules) - before)
"""


def test_its_libraries_are_loaded_only_for_it(papers: Papers) -> None:
    path = papers.web_config(TLS + users(prometheus="wonder"))
    done = subprocess.run(
        [sys.executable, "-c", LOADED, str(path)],
        cwd=PROJECT,
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=True,
    )
    without, with_it = (set(half.split()) for half in done.stdout.split("---"))
    assert without & FOR_IT == set()
    assert with_it >= FOR_IT


def test_a_healthy_pass_has_none_of_it(tmp_path: Path) -> None:
    stage = Stage(tmp_path, node="alpha")
    modules = set(a_pass(stage)["modules"])
    assert "connector.reconcile" in modules
    assert modules & (FOR_IT | {"ssl", "connector.report.exporter"}) == set()
    assert [name for name in modules if name.startswith("connector.report.web")] == []
