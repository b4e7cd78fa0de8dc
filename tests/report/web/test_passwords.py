"""Names and passwords: who comes in, what it costs, and what a stranger can tell from it."""

from __future__ import annotations

import base64
import re
import threading
from collections.abc import Iterator

import bcrypt
import pytest
from pydantic import TypeAdapter

from connector.report.exporter import Exporter
from connector.report.web.passwords import MAX_HEADER_LENGTH, Passwords, Verdict
from connector.report.web.protection import Protection
from connector.report.web.schema import BcryptHash
from tests.report.scraping import Counting, ask, look, serving
from tests.report.web.papers import basic, hashed

HASHES = {"alice": hashed("wonder"), "jörg": hashed("über: alles"), "long": hashed("x" * 72)}
HASHES["bob"] = hashed("x")  # with his name 5 bytes, so that base64 has to be filled up with one =
RIGHT, WRONG, BUSY = Verdict.RIGHT, Verdict.WRONG, Verdict.BUSY


class Checks:
    """bcrypt, which also writes down what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[bytes, bytes]] = []

    def __call__(self, password: bytes, hashed: bytes) -> bool:
        self.asked.append((password, hashed))
        return bcrypt.checkpw(password, hashed)


@pytest.fixture
def checks() -> Checks:
    return Checks()


@pytest.fixture
def passwords(checks: Checks) -> Passwords:
    return Passwords(HASHES, check=checks)


def header(name: str, password: str) -> str:
    return basic(name, password)["Authorization"]


def encoded(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


@pytest.mark.parametrize(
    ("name", "password", "verdict"),
    [
        ("alice", "wonder", RIGHT),
        ("bob", "x", RIGHT),
        ("alice", "wonder ", WRONG),
        ("alice", "", WRONG),
        ("alice", "über: alles", WRONG),
        ("jörg", "über: alles", RIGHT),
        ("Alice", "wonder", WRONG),
        ("mallory", "wonder", WRONG),
        ("", "", WRONG),
        ("alice\0", "wonder", WRONG),
        ("alice", "wonder\0", WRONG),
        ("long", "x" * 71, WRONG),
        ("long", "x" * 72, RIGHT),
        # bcrypt sees no more than 72 bytes; the tools that make hashes cut there, too.
        ("long", "x" * 100, RIGHT),
    ],
)
def test_a_name_and_its_password(
    passwords: Passwords, name: str, password: str, verdict: Verdict
) -> None:
    assert passwords.look_at(header(name, password)) is verdict


@pytest.mark.parametrize(
    "odd",
    [
        None,
        "",
        "Basic",
        "Basic ",
        "Bearer abc",
        header("alice", "wonder").replace("Basic ", "Digest "),
        header("alice", "wonder").replace("Basic ", "Basic"),
        header("bob", "x").rstrip("="),
        header("bob", "x") + "=",
        header("bob", "x") + "!",
        header("bob", "x") + "AAAA",
        "Basic " + encoded(b"alice"),
        "Basic " + encoded(b"alice wonder"),
        "Basic YWxp\nY2U6d29uZGVy",
        "Basic ü",
        "Basic \x00",
        "Basic " + encoded(b"\xff\xfe:\xff"),
        "Basic " + "A" * 4096,
    ],
)
def test_odd_headers_are_wrong(passwords: Passwords, odd: str | None) -> None:
    assert passwords.look_at(odd) is WRONG


@pytest.mark.parametrize("scheme", ["basic ", "BASIC ", "Basic   "])
def test_the_scheme_may_be_written_in_any_case(passwords: Passwords, scheme: str) -> None:
    assert passwords.look_at(header("alice", "wonder").replace("Basic ", scheme)) is RIGHT


def test_a_header_that_is_too_long_is_not_looked_into(checks: Checks) -> None:
    passwords = Passwords(HASHES, check=checks)
    longest = "x" * (MAX_HEADER_LENGTH // 4 * 3 - len("Basic ") - len("alice:"))
    assert passwords.look_at(header("alice", longest)) is WRONG
    assert len(checks.asked) == 1
    assert passwords.look_at(header("alice", longest + "x" * 30)) is WRONG
    assert len(checks.asked) == 1


def test_a_right_pair_costs_one_bcrypt_and_a_wrong_one_always_one(
    passwords: Passwords, checks: Checks
) -> None:
    for _ in range(5):
        assert passwords.look_at(header("alice", "wonder")) is RIGHT
    assert len(checks.asked) == 1
    for _ in range(3):
        assert passwords.look_at(header("alice", "wrong")) is WRONG
    assert len(checks.asked) == 4
    assert passwords.look_at(header("jörg", "wonder")) is WRONG
    assert passwords.look_at(header("mallory", "wonder")) is WRONG
    assert len(checks.asked) == 6


def test_a_name_that_nobody_has_costs_as_much_as_the_dearest(checks: Checks) -> None:
    dear = bcrypt.hashpw(b"rabbit", bcrypt.gensalt(6)).decode()
    passwords = Passwords({"alice": HASHES["alice"], "bob": dear}, check=checks)
    assert passwords.look_at(header("mallory", "wonder")) is WRONG
    [(password, against)] = checks.asked
    assert password == b"wonder"
    assert against.startswith(b"$2b$06$")
    # It is a hash like any other: nothing is told apart by an error.
    assert TypeAdapter(BcryptHash).validate_python(against.decode())
    assert not bcrypt.checkpw(b"", against)


def test_nobody_comes_in_by_the_hash_that_nobody_has() -> None:
    passwords = Passwords(HASHES, check=lambda _password, _hashed: True)
    assert passwords.look_at(header("mallory", "anything")) is WRONG
    assert passwords.look_at(header("mallory", "anything")) is WRONG


def test_what_is_kept_is_bounded_and_no_password_is_among_it(checks: Checks) -> None:
    passwords = Passwords(HASHES, check=checks, max_kept=3)
    # All of them are right: bcrypt looks at the first 72 bytes only.
    for number in range(10):
        assert passwords.look_at(header("long", "x" * 72 + str(number))) is RIGHT
    assert len(checks.asked) == 10
    assert passwords.look_at(header("long", "x" * 72 + "9")) is RIGHT
    assert len(checks.asked) == 10
    assert passwords.look_at(header("long", "x" * 72 + "0")) is RIGHT
    assert len(checks.asked) == 11
    held = repr([getattr(passwords, name) for name in vars(passwords)])
    assert "xxxx" not in held
    assert re.search(r"\$2b\$04\$", held)


def test_one_password_at_a_time_and_whoever_waits_too_long_is_told() -> None:
    begun, go_on = threading.Event(), threading.Event()

    def slow(_password: bytes, _hashed: bytes) -> bool:
        begun.set()
        assert go_on.wait(20)
        return True

    passwords = Passwords(HASHES, check=slow, wait_s=0.05)
    verdicts: list[Verdict] = []
    first = threading.Thread(
        target=lambda: verdicts.append(passwords.look_at(header("alice", "wonder")))
    )
    first.start()
    assert begun.wait(20)
    assert passwords.look_at(header("alice", "other")) is BUSY
    assert passwords.look_at(None) is WRONG
    go_on.set()
    first.join()
    assert verdicts == [RIGHT]
    # Known by now, so nothing has to be waited for.
    go_on.clear()
    assert passwords.look_at(header("alice", "wonder")) is RIGHT


# ---- over HTTP


@pytest.fixture
def port() -> Iterator[int]:
    protection = Protection(passwords=Passwords(HASHES))
    with serving(Exporter(look, port=0, protect=lambda: protection)) as number:
        yield number


PATHS = ["/", "/metrics", "/-/healthy", "/nothing"]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "BREW"])
def test_without_a_password_nothing_is_told(port: int, path: str, method: str) -> None:
    for headers in ({}, basic("alice", "wrong"), basic("mallory", "wonder")):
        status, answer, body = ask(port, path, method, headers)
        assert status == 401
        assert answer["WWW-Authenticate"] == 'Basic realm="connector exporter", charset="UTF-8"'
        assert answer["Content-Type"] == "text/plain; charset=utf-8"
        assert body == (b"" if method == "HEAD" else b"a name and its password are needed\n")


def test_with_one_everything_is_as_without_passwords(port: int) -> None:
    own = basic("alice", "wonder")
    assert [ask(port, path, headers=own)[0] for path in PATHS] == [200, 200, 200, 404]
    assert ask(port, "/metrics", "POST", own)[0] == 405
    assert ask(port, "/metrics", "BREW", own)[0] == 501


def test_without_a_password_nothing_is_looked_at() -> None:
    counting = Counting()
    protection = Protection(passwords=Passwords(HASHES))
    with serving(Exporter(counting, port=0, protect=lambda: protection)) as port:
        assert ask(port, "/metrics")[0] == 401
        assert ask(port, "/", headers=basic("alice", "wrong"))[0] == 401
        assert counting.looks == 0
        assert ask(port, "/metrics", headers=basic("alice", "wonder"))[0] == 200
        assert counting.looks == 1


def test_where_passwords_are_looked_at_for_too_long_it_says_when_to_come_again() -> None:
    go_on = threading.Event()

    def slow(_password: bytes, _hashed: bytes) -> bool:
        return go_on.wait(20)

    protection = Protection(passwords=Passwords(HASHES, check=slow, wait_s=0.05))
    statuses: list[int] = []
    with serving(Exporter(look, port=0, protect=lambda: protection)) as port:
        both = [
            threading.Thread(
                target=lambda: statuses.append(
                    ask(port, "/metrics", headers=basic("alice", "wonder"))[0]
                )
            )
            for _ in range(2)
        ]
        for thread in both:
            thread.start()
        while not statuses:
            both[0].join(0.02)
        assert statuses == [503]
        go_on.set()
        for thread in both:
            thread.join()
    assert sorted(statuses) == [200, 503]
