"""Files that change while the exporter runs: what is taken, what is not, and what is said."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from connector.report.exporter import Exporter
from connector.report.web.protection import InForce
from tests.report.scraping import look, serving
from tests.report.web.papers import CLIENTS_TOO, HOST, TLS, Papers, ask_tls, basic, chain, users


@pytest.fixture
def papers(tmp_path: Path) -> Papers:
    return Papers(tmp_path)


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def port(papers: Papers, said: list[str]) -> Iterator[int]:
    """An exporter with TLS and one user."""
    protect = InForce(papers.web_config(TLS + users(alice="wonder")), said.append)
    with serving(Exporter(look, port=0, protect=protect, log=said.append)) as number:
        yield number


def shown(port: int) -> bytes:
    """The certificate that the exporter shows, as it is on the line."""
    return ssl.PEM_cert_to_DER_cert(ssl.get_server_certificate((HOST, port), timeout=20))


def der(papers: Papers) -> bytes:
    """The one in the file."""
    first, end = (papers.folder / "server.pem").read_text().partition("-----END")[:2]
    return ssl.PEM_cert_to_DER_cert(f"{first}{end} CERTIFICATE-----\n")


def test_a_renewed_certificate_is_shown_without_a_restart(
    papers: Papers, port: int, said: list[str]
) -> None:
    old = der(papers)
    assert shown(port) == shown(port) == old
    assert said == []
    papers.renew()
    assert shown(port) == der(papers) != old
    assert ask_tls(port, papers.client(), headers=basic("alice", "wonder"))[0] == 200
    path = papers.folder / "web.yml"
    assert said == [f"exporter: {path} and what it names were read again"]


def test_between_a_new_certificate_and_its_key_the_old_pair_is_shown(
    papers: Papers, port: int, said: list[str]
) -> None:
    old = der(papers)
    issued = papers.authority.issue_cert(HOST)
    (papers.folder / "server.pem").write_bytes(chain(issued))
    for _ in range(3):
        assert shown(port) == old
    key = papers.folder / "server.key"
    [line] = said
    assert line.startswith("exporter: what was read before stays in force: ")
    assert line.endswith(f"web.yml:3: tls_server_config.key_file: {key}: does not belong to "
                         f"{papers.folder / 'server.pem'}")  # fmt: skip
    key.write_bytes(issued.private_key_pem.bytes())
    assert shown(port) == der(papers) != old
    assert len(said) == 2


def test_files_that_go_away_and_come_back(papers: Papers, port: int, said: list[str]) -> None:
    old = der(papers)
    for name in ("server.pem", "server.key", "web.yml"):
        file, away = papers.folder / name, papers.folder / "away"
        file.rename(away)
        for _ in range(2):
            assert shown(port) == old
        assert said.pop().endswith(f"{file}: no such file")
        assert said == []
        away.rename(file)
        assert shown(port) == old
        assert said.pop().endswith("were read again")


def test_a_link_that_is_turned_is_a_change(papers: Papers, said: list[str]) -> None:
    """That is how certbot and Kubernetes renew."""
    other = Papers(papers.folder / "other", papers.authority)
    live = papers.folder / "live"
    live.symlink_to(papers.folder)
    config = papers.web_config(TLS.replace("server.", "live/server."))
    protect = InForce(config, said.append)
    with serving(Exporter(look, port=0, protect=protect, log=said.append)) as port:
        assert shown(port) == der(papers)
        turned = papers.folder / "live.new"
        turned.symlink_to(other.folder)
        turned.rename(live)
        assert shown(port) == der(other)


def test_users_come_and_go(papers: Papers, port: int) -> None:
    client = papers.client()

    def status(name: str, password: str) -> int:
        return ask_tls(port, client, "/-/healthy", basic(name, password))[0]

    assert [status("alice", "wonder"), status("bob", "rabbit")] == [200, 401]
    papers.web_config(TLS + users(alice="other", bob="rabbit"))
    assert [status("alice", "wonder"), status("alice", "other"), status("bob", "rabbit")] == [
        401, 200, 200,
    ]  # fmt: skip
    papers.web_config(TLS + users(bob="rabbit"))
    assert [status("alice", "other"), status("bob", "rabbit")] == [401, 200]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (CLIENTS_TOO, "the passwords would be gone; that takes a restart"),
        (
            TLS,
            "the passwords and the look at clients' certificates would be gone; that takes a "
            "restart",
        ),
        (users(alice="wonder"), "TLS would be gone; that takes a restart"),
        (
            TLS + users(alice="wonder"),
            "the look at clients' certificates would be gone; that takes a restart",
        ),
        ("", "protects nothing: tls_server_config and basic_auth_users are both missing"),
        ("tls_server_config:\n  cert_file: serv", "tls_server_config.key_file: is missing"),
    ],
    # Not the texts: each worker of pytest-xdist makes hashes of its own.
    ids=["passwords", "two", "tls", "clients", "all", "half"],
)
def test_what_was_closed_stays_closed(
    papers: Papers, said: list[str], text: str, words: str
) -> None:
    """A file that is written in place is half a file for a moment."""
    whole = CLIENTS_TOO + users(alice="wonder")
    protect = InForce(papers.web_config(whole), said.append)
    before = protect()
    papers.web_config(text)
    assert protect() is protect() is before
    assert len(said) == 1
    assert said[0].startswith("exporter: what was read before stays in force: ")
    assert said[0].endswith(words)
    papers.web_config(whole)
    assert protect() is not before
    assert said[1].endswith("were read again")


def test_more_protection_than_before_is_taken_at_once(papers: Papers, said: list[str]) -> None:
    protect = InForce(papers.web_config(TLS), said.append)
    papers.web_config(CLIENTS_TOO + users(alice="wonder"))
    found = protect()
    assert found.tls is not None
    assert found.tls.verify_mode is ssl.CERT_REQUIRED
    assert found.passwords is not None


def test_a_file_that_is_named_first_and_comes_later_is_waited_for(
    papers: Papers, said: list[str]
) -> None:
    protect = InForce(papers.web_config(TLS), said.append)
    before = protect()
    papers.web_config(TLS.replace("server.", "new."))
    assert protect() is before
    for name in ("new.pem", "new.key"):
        (papers.folder / name).write_bytes((papers.folder / f"server{name[3:]}").read_bytes())
    assert protect() is not before
    assert [line.endswith("were read again") for line in said][-1]


def test_many_that_come_at_once_have_it_read_once(papers: Papers, said: list[str]) -> None:
    protect = InForce(papers.web_config(TLS), said.append)
    papers.renew()
    threads = [threading.Thread(target=protect) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(said) == 1
