"""docs/metrics.md and contrib/prometheus on TLS and passwords: what they show works."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import socket
import ssl
import subprocess
import time
import urllib.request
from pathlib import Path

import pytest

from connector.report.exporter import Exporter
from connector.report.web.passwords import WAIT_S
from connector.report.web.protection import InForce
from connector.report.web.schema import MAX_USERS, TlsServerConfig, WebConfigFile
from tests.docs import pages
from tests.report.scraping import look, serving
from tests.report.web.papers import CLIENTS_TOO, Papers, ask_tls, basic, hashed, users

pytestmark = pytest.mark.slow

# Not pages.section: a root prompt in a block looks like a heading to that.
PAGE = pages.text("docs/metrics.md").partition("\n## TLS and passwords\n")[2].partition("\n## ")[0]
[EXAMPLE] = pages.blocks(PAGE, "yaml")
SCRAPE = pages.text("contrib/prometheus/scrape-example.yml")
PATIENCE_S = 60.0
_HASH = re.compile(r"\$2y\$\S+")


def tool(name: str, package: str) -> str:
    """Where a program is; where it is missing the test is skipped, or fails in CI."""
    program = shutil.which(name)
    if program is None:
        reason = f"NOT TRIED: {name} is missing; apt-get install {package}"
        if os.environ.get("CONNECTOR_LAB") == "required":
            pytest.fail(reason)
        pytest.skip(reason)
    return program


def test_the_table_is_that_of_the_code() -> None:
    shown = {
        key: pages.plain(row[1])
        for row in pages.rows(PAGE)
        for key in re.findall(r"`(\w+)`", row[0])
    }
    fields = TlsServerConfig.model_fields
    assert list(shown) == list(fields)
    for key, default in shown.items():
        field = fields[key]
        assert default == ("" if field.is_required() else field.default or "")


def test_every_value_and_limit_is_named() -> None:
    schema = TlsServerConfig.model_json_schema()["properties"]
    for key in ("client_auth_type", "min_version"):
        assert all(f"`{word}`" in PAGE for word in schema[key]["enum"])
    said = " ".join(PAGE.split())
    assert f"up to {MAX_USERS} names" in said
    assert f"longer than {WAIT_S:.0f} seconds" in said
    assert set(WebConfigFile.model_fields) == {"tls_server_config", "basic_auth_users"}


def test_the_example_is_taken_with_the_certificate_of_the_example(tmp_path: Path) -> None:
    tool("openssl", "openssl")
    [line] = [
        line[2:]
        for block in pages.blocks(PAGE, "console")
        for line in block.splitlines()
        if line.startswith("# openssl")
    ]
    words = shlex.split(line.replace("DNS:alpha-1.example.net", "IP:127.0.0.1"))
    subprocess.run(words, cwd=tmp_path, check=True, capture_output=True, timeout=PATIENCE_S)
    path = tmp_path / "web.yml"
    path.write_text(EXAMPLE, encoding="utf-8")
    assert InForce(path, lambda _: None)().passwords is not None
    path.write_text(_HASH.sub(lambda _: hashed("wonder"), EXAMPLE), encoding="utf-8")
    client = ssl.create_default_context(cafile=tmp_path / "server.pem")
    protect = InForce(path, lambda _: None)
    with serving(Exporter(look, port=0, protect=protect, log=lambda _: None)) as port:
        assert ask_tls(port, client, headers=basic("prometheus", "wonder"))[0] == 200
        assert ask_tls(port, client)[0] == 401


def with_tls() -> str:
    """The example of scraping with what is said to uncomment, as far as it is alike for all."""
    start = "    # With --web-config: "
    head, _, rest = SCRAPE.partition(start)
    first, _, tail = rest.partition("    static_configs:")
    commented = first.splitlines()[1:]
    lines = [line.replace("    # ", "    ", 1) for line in commented if line.strip()]
    assert all(line.startswith("    # ") for line in commented if line.strip())
    return f"{head}\n{chr(10).join(lines)}\n    static_configs:{tail}"


def test_promtool_takes_the_example_with_tls_and_a_password(tmp_path: Path) -> None:
    promtool = tool("promtool", "prometheus")
    shutil.copytree(pages.PROJECT / "contrib/prometheus", tmp_path, dirs_exist_ok=True)
    text = with_tls()
    for name in ("prometheus.pem", "prometheus.key"):
        (tmp_path / name).touch()
    for words in ("    scheme: https", "    basic_auth:\n      username: prometheus", "ca_file: "):
        assert words in text
    example = tmp_path / "scrape-example.yml"
    example.write_text(text, encoding="utf-8")
    done = subprocess.run(
        [promtool, "check", "config", example], capture_output=True, text=True, timeout=PATIENCE_S
    )
    assert done.returncode == 0, done.stdout + done.stderr
    example.write_text(text.replace("basic_auth:", "basic_aut:"), encoding="utf-8")
    assert subprocess.call([promtool, "check", "config", example], timeout=PATIENCE_S) != 0


def test_prometheus_itself_scrapes_with_it(tmp_path: Path) -> None:
    """With a certificate of its own and a password: it is down without either, and up with both."""
    prometheus = tool("prometheus", "prometheus")
    papers = Papers(tmp_path / "papers")
    issued = papers.authority.issue_cert("prometheus.example.net")
    for name, pem in (
        ("connector-ca.pem", papers.authority.cert_pem),
        ("prometheus.pem", issued.cert_chain_pems[0]),
        ("prometheus.key", issued.private_key_pem),
    ):
        pem.write_to_path(str(tmp_path / name))
    (tmp_path / "connector-password").write_text("wonder")
    _, _, job = with_tls().partition("  - job_name: connector\n")
    job = job.partition("    static_configs:")[0]
    protect = InForce(papers.web_config(CLIENTS_TOO + users(prometheus="wonder")), print)
    with serving(Exporter(look, port=0, protect=protect, log=lambda _: None)) as port:
        target = f'    static_configs:\n      - targets: ["127.0.0.1:{port}"]\n'
        without = job.replace("password_file: connector-password", 'password: "wrong"')
        jobs = {"with": job, "without": without}
        (tmp_path / "prometheus.yml").write_text(
            "global:\n  scrape_interval: 1s\n  scrape_timeout: 1s\nscrape_configs:\n"
            + "".join(
                f"  - job_name: {name}\n{text.replace('10s', '1s')}{target}"
                for name, text in jobs.items()
            )
        )
        health = scrape(prometheus, tmp_path)
    assert health["with"] == ("up", "")
    assert health["without"][0] == "down"
    assert "401 Unauthorized" in health["without"][1]


def scrape(prometheus: str, folder: Path) -> dict[str, tuple[str, str]]:
    """The health and the last error of each job, once both are known."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    argv = [
        prometheus,
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    end_s = time.monotonic() + PATIENCE_S
    with subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            while True:
                assert time.monotonic() < end_s, "Prometheus does not scrape"
                time.sleep(0.2)
                try:
                    url = f"http://127.0.0.1:{port}/api/v1/targets"
                    with urllib.request.urlopen(url, timeout=5) as answer:
                        active = json.load(answer)["data"]["activeTargets"]
                except OSError:
                    continue
                if active and all(item["health"] != "unknown" for item in active):
                    return {
                        item["labels"]["job"]: (item["health"], item["lastError"])
                        for item in active
                    }
        finally:
            process.terminate()
