"""The other node's exporter, asked over real sockets: plain, with TLS, with a password."""

from __future__ import annotations

import json
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from connector.errors import NoDrbd
from connector.model import Role
from connector.recover.peer import checked
from connector.recover.peer_http import Answer, fetch
from connector.recover.source import ExporterUrl
from connector.report.as_json import to_json
from connector.report.exporter import Exporter
from connector.report.web.protection import InForce, Protect, Protection
from connector.settings import RecoverSettings
from tests.builders import resource
from tests.recover.serving_answers import HOST, answering, ask, saying
from tests.report.scraping import Counting, look, serving
from tests.report.web.papers import CLIENTS_TOO, TLS, Papers, basic, users


@contextmanager
def exporter(protect: Protect = Protection) -> Iterator[int]:
    with serving(Exporter(look, port=0, protect=protect, log=lambda _: None)) as port:
        yield port


def test_over_http() -> None:
    with exporter() as port:
        for end in ("", "/", "/status.json"):
            got = ask(f"http://{HOST}:{port}{end}")
            assert (got.why_not, got.age_s) == (None, 0.0)
            assert got.source == f"http://{HOST}:{port}{end}"
            assert json.loads(got.data) == to_json(look().report)
    used = checked(got, resource(), "beta").resource
    assert used is not None
    assert (used.name, used.role, used.in_use) == ("mail", Role.PRIMARY, True)


def test_over_tls_with_a_password(tmp_path: Path) -> None:
    papers = Papers(tmp_path)
    protect = InForce(papers.web_config(TLS + users(beta="a:b c")), print)
    password = tmp_path / "password"
    password.touch(mode=0o600)
    password.write_text("beta:a:b c\n")
    wanted = RecoverSettings(peer_ca=tmp_path / "ca.pem", peer_password_file=password)
    with exporter(protect) as port:
        url = f"https://{HOST}:{port}"
        assert ask(url, wanted).why_not is None
        without = RecoverSettings(peer_ca=wanted.peer_ca)
        assert "it asks for a password: write NAME:PASSWORD" in str(ask(url, without).why_not)
        password.write_text("beta:a:b d\n")
        told = ask(url, wanted)
        assert told.why_not == f"it does not take the name and the password in {password}"
        assert told.data == b""
        # Whom nobody has named is not trusted, and neither is one that is named otherwise.
        assert "certificate is not trusted: " in str(ask(url).why_not)
        named = ask(f"https://localhost:{port}", wanted)
        assert "certificate is not trusted: Hostname mismatch" in str(named.why_not)
        plain = ask(f"http://{HOST}:{port}", wanted)
        assert plain.why_not == (
            "HTTP 400, and it said: this port speaks HTTPS: ask https:// instead of http://"
        )


def test_a_certificate_that_signs_itself_is_named_as_it_is(tmp_path: Path) -> None:
    """What docs/metrics.md makes; here one that an authority has signed, without the authority."""
    papers = Papers(tmp_path)
    first, _, _ = (tmp_path / "server.pem").read_text().partition("-----END CERTIFICATE-----")
    (tmp_path / "only.pem").write_text(f"{first}-----END CERTIFICATE-----\n")
    with exporter(InForce(papers.web_config(TLS), print)) as port:
        wanted = RecoverSettings(peer_ca=tmp_path / "only.pem")
        assert ask(f"https://{HOST}:{port}", wanted).why_not is None


def test_one_that_wants_a_clients_certificate(tmp_path: Path) -> None:
    papers = Papers(tmp_path)
    with exporter(InForce(papers.web_config(CLIENTS_TOO), print)) as port:
        got = ask(f"https://{HOST}:{port}", RecoverSettings(peer_ca=tmp_path / "ca.pem"))
    assert got.data == b""
    assert got.why_not is not None
    # TLS 1.3 may tell it only as the end of the connection.
    assert "try ssh:HOST" in got.why_not or "connection" in got.why_not


def test_tls_where_there_is_none() -> None:
    with exporter() as port:
        got = ask(f"https://{HOST}:{port}")
    assert got.why_not is not None
    assert got.why_not.startswith("no TLS with it: ")


def test_a_password_without_tls_goes_to_this_machine_only(tmp_path: Path) -> None:
    path = tmp_path / "password"
    path.touch(mode=0o600)
    path.write_text("beta:wonder")
    wanted = RecoverSettings(peer_password_file=path)
    protect = InForce(Papers(tmp_path).web_config(users(beta="wonder")), print)
    with exporter(protect) as port:
        assert ask(f"http://{HOST}:{port}", wanted).why_not is None
    sent: list[Mapping[str, str]] = []

    def refusing(
        where: ExporterUrl,
        context: ssl.SSLContext | None,
        headers: Mapping[str, str],
        timeout_s: float,
    ) -> Answer:
        sent.append(headers)
        return Answer(401, "text/plain", b"")

    told = fetch(ExporterUrl(False, "alpha"), "http://alpha", wanted, refusing)
    assert told.why_not == "it asks for a password, which is sent with https:// only"
    fetch(ExporterUrl(True, "alpha"), "https://alpha", wanted, refusing)
    assert [item.get("Authorization") for item in sent] == [
        None,
        basic("beta", "wonder")["Authorization"],
    ]


def test_a_look_that_fails_there_is_told_in_its_words() -> None:
    failing = Counting(error=NoDrbd("no DRBD here"))
    with serving(Exporter(failing, port=0, log=lambda _: None)) as port:
        assert ask(f"http://{HOST}:{port}").why_not == "HTTP 500, and it said: no DRBD here"


def test_no_proxy_of_the_environment_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    with exporter() as port, answering(saying(502)) as (other, asked):
        for name in ("http_proxy", "all_proxy"):
            monkeypatch.setenv(name, f"http://{HOST}:{other}")
        monkeypatch.setenv("no_proxy", "")
        assert ask(f"http://{HOST}:{port}").why_not is None
    assert asked == []
