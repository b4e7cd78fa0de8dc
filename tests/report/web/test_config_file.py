"""The web configuration: what is taken, and in which words the rest is refused."""

from __future__ import annotations

import os
from pathlib import Path

import bcrypt
import pytest
import trustme
from hypothesis import given
from hypothesis import strategies as st

from connector.errors import ConfigurationError
from connector.report.web.config_file import MAX_BYTES, load, open_to_others
from connector.report.web.protection import InForce, Protection
from connector.report.web.schema import MAX_USERS, validate
from connector.report.web.yaml_text import parse
from tests.report.web.papers import CLIENTS_TOO, TLS, Papers, chain, hashed, users

HASH = "$2y$10$X0h1gDsPszWURQaxFh.zoubFi6DXncSjhoQNJgRrnGs7EsimhC7zG"
NOT_KNOWN = "refused, since connector does not know it; known here: "
KNOWN = NOT_KNOWN + "tls_server_config, basic_auth_users"
KNOWN_TLS = NOT_KNOWN + "cert_file, key_file, client_auth_type, client_ca_file, min_version"
NO_HASH = "must be a bcrypt hash of a cost from 4 to 15, what `htpasswd -nBC 10 NAME` prints"
SECRET = "correct-horse-battery"


@pytest.fixture(scope="module")
def papers(tmp_path_factory: pytest.TempPathFactory) -> Papers:
    return Papers(tmp_path_factory.mktemp("papers"))


def taken(papers: Papers, text: str) -> Protection:
    return InForce(papers.web_config(text), lambda _: None)()


def refused(papers: Papers, text: str | bytes) -> str:
    """What is said against it, without the file's name in front."""
    path = papers.web_config("")
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    with pytest.raises(ConfigurationError) as raised:
        InForce(path, lambda _: None)
    assert raised.value.exit_status == 78
    said = str(raised.value)
    assert SECRET not in said
    assert all(line.startswith(f"{path}:") for line in said.splitlines())
    return said.replace(str(path), "")


def test_all_that_is_known(papers: Papers) -> None:
    found = taken(papers, f"{CLIENTS_TOO}  min_version: TLS13\n{users(alice='a', bob='b')}")
    assert found.tls is not None
    assert found.passwords is not None
    config = load(papers.folder / "web.yml")
    assert set(config.users) == {"alice", "bob"}
    assert [path.name for path in config.files] == ["server.pem", "server.key", "ca.pem"]


def test_either_half_alone(papers: Papers) -> None:
    only_tls, only_users = taken(papers, TLS), taken(papers, users(alice="a"))
    assert (only_tls.tls is None, only_tls.passwords) == (False, None)
    assert (only_users.tls, only_users.passwords is None) == (None, False)


def test_paths_are_relative_to_the_file_or_absolute(
    papers: Papers, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    assert taken(papers, TLS).tls is not None
    assert taken(papers, TLS.replace(" server.", f" {papers.folder}/server.")).tls is not None
    monkeypatch.chdir(papers.folder.parent)
    papers.web_config(TLS)
    assert InForce(Path(papers.folder.name) / "web.yml", print)().tls is not None


@pytest.mark.parametrize("prefix", ["$2a$", "$2b$", "$2y$"])
def test_the_hashes_of_all_tools(papers: Papers, prefix: str) -> None:
    assert taken(papers, f"basic_auth_users:\n  alice: {HASH.replace('$2y$', prefix)}\n").passwords


def test_names_and_hashes_are_text_however_they_are_written(papers: Papers) -> None:
    taken(papers, f"basic_auth_users:\n  123: {HASH}\n  yes: '{HASH}'\n  ~: \"{HASH}\"\n")
    assert set(load(papers.folder / "web.yml").users) == {"123", "yes", "~"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        # What Prometheus' exporters know and connector does not.
        ("http_server_config:\n  http2: false\n", f":1: http_server_config: {KNOWN}"),
        ("rate_limit:\n  interval: 1s\n", f":1: rate_limit: {KNOWN}"),
        *(
            (f"{TLS}  {key}: {value}\n", f":4: tls_server_config.{key}: {KNOWN_TLS}")
            for key, value in (
                ("cert", SECRET),
                ("key", SECRET),
                ("client_ca", SECRET),
                ("client_allowed_sans", "[a.example.net]"),
                ("max_version", "TLS13"),
                ("cipher_suites", "[TLS_AES_128_GCM_SHA256]"),
                ("prefer_server_cipher_suites", "true"),
                ("curve_preferences", "[X25519]"),
            )
        ),
        # Typing mistakes.
        ("basic_auth_user:\n  a: b\n", f":1: basic_auth_user: {KNOWN}"),
        (TLS.replace("cert_file", "cert_fil"), ":2: tls_server_config.cert_fil: refused"),
        (TLS.replace("cert_file", "cert_fil"), ":1: tls_server_config.cert_file: is missing"),
        ("tls_server_config:\n  cert_file: server.pem\n", ":1: tls_server_config.key_file: is mi"),
        ("<<: {a: b}\n", f":1: <<: {KNOWN}"),
        # Values.
        (f"{TLS}  min_version: TLS11\n", ":4: tls_server_config.min_version: Input should be"),
        (f"{TLS}  min_version: 1.2\n", ":4: tls_server_config.min_version: Input should be"),
        *(
            (
                f"{TLS}  client_ca_file: ca.pem\n  client_auth_type: {kind}\n",
                ":5: tls_server_config.client_auth_type: Input should be 'NoClientCert', 'Verify",
            )
            for kind in ("RequestClientCert", "RequireAnyClientCert", "RequireClientCert", "x")
        ),
        (
            f"{TLS}  client_ca_file: ca.pem\n",
            ":4: tls_server_config.client_ca_file: clients' certificates are not looked at; for",
        ),
        (
            f"{TLS}  client_auth_type: RequireAndVerifyClientCert\n",
            ":4: tls_server_config.client_auth_type: needs client_ca_file",
        ),
        (f"{TLS}  client_ca_file:\n", ":4: tls_server_config.client_ca_file: must name a file, a"),
        (TLS.replace("server.pem", '"a\\0b"'), ":2: tls_server_config.cert_file: "),
        (TLS.replace("server.pem", "[a]"), ":2: tls_server_config.cert_file: Input should be a v"),
        (TLS.replace("server.pem", "x" * 4097), ":2: tls_server_config.cert_file: String should"),
        ("tls_server_config:\n", ":1: tls_server_config: must hold keys: cert_file, key_file, cl"),
        ("tls_server_config: yes\n", ":1: tls_server_config: must hold keys: cert_file"),
        ("tls_server_config: [a]\n", ":1: tls_server_config: must hold keys: cert_file"),
        ("basic_auth_users:\n", ":1: basic_auth_users: must hold keys: names of users"),
        ("basic_auth_users: {}\n", ":1: basic_auth_users: Dictionary should have at least 1 item"),
        ("basic_auth_users:\n  - alice\n", ":1: basic_auth_users: must hold keys: names of"),
        ("", ": protects nothing: tls_server_config and basic_auth_users are both missing"),
        ("# soon\n", ": protects nothing"),
        ("{}\n", ": protects nothing"),
        ("just words\n", ": must hold keys: tls_server_config, basic_auth_users"),
        ("- a\n", ": must hold keys: tls_server_config, basic_auth_users"),
        # Users.
        (f"basic_auth_users:\n  alice: {SECRET}\n", f":2: basic_auth_users.alice: {NO_HASH}"),
        ("basic_auth_users:\n  alice:\n", f":2: basic_auth_users.alice: {NO_HASH}"),
        (f"basic_auth_users:\n  alice: [{HASH}]\n", f":2: basic_auth_users.alice: {NO_HASH}"),
        *(
            (f"basic_auth_users:\n  alice: {wrong}\n", f":2: basic_auth_users.alice: {NO_HASH}")
            for wrong in (
                HASH.replace("$10$", "$16$"),
                HASH.replace("$10$", "$31$"),
                HASH.replace("$10$", "$03$"),
                HASH.replace("$2y$", "$2x$"),
                HASH[:-1],
                HASH + "a",
                f"alice:{HASH}",
                HASH.replace("zoubFi", "zobbFi"),
                "$6$rounds=5000$salt$hash",
            )
        ),
        (f'basic_auth_users:\n  "a:b": {HASH}\n', ":2: basic_auth_users.a:b: a user's name has"),
        (f'basic_auth_users:\n  "": {HASH}\n', ":2: basic_auth_users.: a user's name has 1 to"),
        (f'basic_auth_users:\n  "a\\n": {HASH}\n', ":2: basic_auth_users.a\\n: a user's name"),
        (f"basic_auth_users:\n  {'x' * 129}: {HASH}\n", f":2: basic_auth_users.{'x' * 60}…: a us"),
        (
            f"basic_auth_users:\n  alice: {HASH}\n  alice: {HASH}\n",
            ":3: basic_auth_users.alice: stands there twice",
        ),
        (TLS + TLS, ":4: tls_server_config: stands there twice"),
        # YAML that is none, or more than is good for anybody.
        ("tls_server_config: [\n", ":2: not valid YAML: "),
        ("a: b: c\n", ":1: not valid YAML: mapping values are not allowed here"),
        ("\ttls_server_config:\n", ":1: not valid YAML: "),
        ("a: 1\n---\nb: 2\n", ":2: not valid YAML: but found another document"),
        ("a: &x 1\nb: *x\n", ":2: not valid YAML: aliases are not known here"),
        ("a: &a [*a]\n", ":1: not valid YAML: aliases are not known here"),
        ("? [a]\n: b\n", ":1: a key must be a word"),
        ("? {a: b}\n: b\n", ":1: a key must be a word"),
        ('a: "\\UFFFFFFFF"\n', ": not valid YAML"),
        ("%YAML 1." + "9" * 5000 + "\n--- a\n", ": not valid YAML"),
        ('"\\ud800": x\n', ": Input should be a valid string"),
        (TLS.replace("server.pem", '"\\ud800"'), ":2: tls_server_config.cert_file: "),
        (TLS.replace("server.pem", "x" * 300), ":2: tls_server_config.cert_file: "),
        (f'basic_auth_users:\n  "\\ud800": {HASH}\n', ":1: basic_auth_users.\ufffd"),
        ("a: \x01\n", ": not valid YAML: special characters are not allowed"),
        ("[" * 20_000, ": not valid YAML: nested far too deep"),
        ("{a: " * 5_000, ": not valid YAML: nested far too deep"),
        (b"a: 1\nb: \xff\n", ":2: not UTF-8 text"),
        (b"#" * (MAX_BYTES + 1), f": larger than {MAX_BYTES} bytes"),
        (b"", ": protects nothing"),
    ],
)  # fmt: skip
def test_what_is_refused(papers: Papers, text: str | bytes, words: str) -> None:
    said = refused(papers, text)
    assert any(line.startswith(words) for line in (said, *said.splitlines())), said


# What YAML is made of, and what it trips over.
WORDS = [
    "tls_server_config", "basic_auth_users", "cert_file", ":", ": ", " ", "\n", "\n  ", "- ", "[",
    "]", "{", "}", ",", "&a", "*a", "!!int", "!<", "%YAML 1.1", "%TAG ! x", "---", "...", "|", ">",
    "'", '"', "\\u", "\\x4", "\\UFFFFFFFF", "\\ud800", "? ", "<<", "=", "~", "ü", "\u2028",
    "\ufeff", "\t", "#", "\r", "@", "`", "0x1", "1:30", "9999-99-99", HASH,
]  # fmt: skip


@given(st.lists(st.sampled_from(WORDS), max_size=30).map("".join))
def test_whatever_stands_there_it_is_taken_or_refused_in_one_piece(text: str) -> None:
    try:
        found = validate(parse(text.encode(), Path("web.yml")))
    except ConfigurationError as error:
        said = str(error).split("\n")
    else:
        said = []
        assert found.tls_server_config or found.basic_auth_users
    assert all(line.startswith("web.yml:") for line in said)


def test_a_tag_makes_no_object(papers: Papers) -> None:
    said = refused(papers, "a: !!python/object/apply:os.system ['true']\n")
    assert said.startswith(f":1: a: {KNOWN}")


def test_every_mistake_is_named_up_to_a_limit(papers: Papers) -> None:
    said = refused(papers, "".join(f"key{number}: 1\n" for number in range(50)))
    assert len(said.splitlines()) == 20


def test_the_number_of_users_is_bounded(papers: Papers) -> None:
    most = "".join(f"  user{number}: {HASH}\n" for number in range(MAX_USERS))
    assert taken(papers, f"basic_auth_users:\n{most}").passwords is not None
    said = refused(papers, f"basic_auth_users:\n{most}  one-more: {HASH}\n")
    assert said.startswith(f":1: basic_auth_users: Dictionary should have at most {MAX_USERS} item")


def test_every_hash_that_is_taken_can_be_compared(papers: Papers) -> None:
    """One that bcrypt itself refuses would be found out at the first login."""
    salt_end = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
    some = hashed("x")
    for letter in salt_end:
        other = some[:28] + letter + some[29:]
        try:
            bcrypt.checkpw(b"x", other.encode())
        except ValueError:
            assert NO_HASH in refused(papers, f"basic_auth_users:\n  alice: {other}\n")
        else:
            assert taken(papers, f"basic_auth_users:\n  alice: {other}\n").passwords is not None


# ---- the files that it names


@pytest.fixture
def own(tmp_path: Path) -> Papers:
    """Papers that a test may spoil."""
    return Papers(tmp_path)


def test_a_file_that_is_not_there(own: Papers) -> None:
    for name, line, key in (("server.pem", 2, "cert_file"), ("server.key", 3, "key_file")):
        (own.folder / name).rename(own.folder / "away")
        place = f":{line}: tls_server_config.{key}: {own.folder / name}"
        assert refused(own, TLS) == f"{place}: no such file"
        (own.folder / name).mkdir()
        assert refused(own, TLS) == f"{place}: no regular file"
        (own.folder / name).rmdir()
        os.mkfifo(own.folder / name)
        assert refused(own, TLS) == f"{place}: no regular file"
        (own.folder / name).unlink()
        (own.folder / "away").rename(own.folder / name)
    (own.folder / "ca.pem").unlink()
    assert refused(own, CLIENTS_TOO).endswith("ca.pem: no such file")


def test_a_file_that_holds_something_else(own: Papers) -> None:
    certificate = own.folder / "server.pem"
    for wrong, words in (
        (b"", "has no certificate in PEM format"),
        (b"\x30\x82", "has no certificate in PEM format"),
        (own.authority.issue_cert("a.b").private_key_pem.bytes(), "has no certificate in PEM"),
        (b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "cannot be taken with"),
        (b"x" * (1024 * 1024 + 1), "larger than 1048576 bytes"),
    ):
        certificate.write_bytes(wrong)
        said = refused(own, TLS)
        assert said.startswith(f":2: tls_server_config.cert_file: {certificate}: {words}"), said


def test_a_key_that_is_none_or_belongs_elsewhere(own: Papers) -> None:
    key = own.folder / "server.key"
    for wrong, words in (
        (b"", "has no private key in PEM format"),
        ((own.folder / "server.pem").read_bytes(), "has no private key in PEM format"),
        (own.authority.issue_cert("a.b").private_key_pem.bytes(), "does not belong to "),
    ):
        key.write_bytes(wrong)
        said = refused(own, TLS)
        assert said.startswith(f":3: tls_server_config.key_file: {key}: {words}"), said


def test_a_key_with_a_passphrase_is_refused_and_nobody_is_asked(own: Papers) -> None:
    path = own.folder / "server.key"
    own.encrypt_key()
    assert refused(own, TLS) == (
        f":3: tls_server_config.key_file: {path}: is encrypted; take one without a passphrase"
    )


def test_an_authority_that_is_none(own: Papers) -> None:
    path = own.folder / "ca.pem"
    path.write_bytes(b"nothing")
    assert ":5: tls_server_config.client_ca_file: " in refused(own, CLIENTS_TOO)
    path.write_bytes(b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    assert f"{path}: cannot be taken: " in refused(own, CLIENTS_TOO)


def test_the_file_itself_is_missing_or_none(tmp_path: Path) -> None:
    for path, words in (
        (tmp_path / "missing.yml", "no such file"),
        (tmp_path, "no regular file"),
        (Path("/dev/null"), "no regular file"),
        (tmp_path / "missing" / "web.yml", "no such file"),
    ):
        with pytest.raises(ConfigurationError) as raised:
            load(path)
        assert str(raised.value) == f"{path}: {words}"


def test_files_that_everybody_can_read_are_said(own: Papers) -> None:
    said: list[str] = []
    path = own.web_config(f"{CLIENTS_TOO}{users(alice='a')}")
    InForce(path, said.append)
    assert said == []
    path.chmod(0o644)
    (own.folder / "server.key").chmod(0o604)
    InForce(path, said.append)
    words = "can be read by everybody on this node, and has"
    assert said == [
        f"exporter: {path} {words} the passwords' hashes in it; chmod 0600 it",
        f"exporter: {own.folder / 'server.key'} {words} the key in it; chmod 0600 it",
    ]
    # Names of files are no secret.
    path.write_text(TLS, encoding="utf-8")
    assert [line.partition(" ")[0] for line in open_to_others(load(path))] == [
        str(own.folder / "server.key")
    ]


def test_a_chain_and_a_key_of_another_kind(own: Papers) -> None:
    own.take(own.authority.issue_cert("127.0.0.1", key_type=trustme.KeyType.RSA))
    below = own.authority.create_child_ca()
    own.take(below.issue_cert("127.0.0.1"))
    assert (own.folder / "server.pem").read_bytes().count(b"BEGIN CERTIFICATE") == 2
    assert chain(below.issue_cert("127.0.0.1"))
    assert taken(own, TLS).tls is not None
