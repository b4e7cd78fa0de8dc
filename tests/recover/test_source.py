"""What `--peer` and `[recover] peer` may name."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.recover.source import ExporterUrl, SshHost, place, shown


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("ssh:alpha", SshHost("alpha")),
        ("ssh:root@alpha.example.net", SshHost("root@alpha.example.net")),
        ("http://alpha", ExporterUrl(False, "alpha")),
        ("https://alpha:19942", ExporterUrl(True, "alpha", 19942)),
        ("https://alpha:19942/", ExporterUrl(True, "alpha", 19942)),
        ("https://alpha:19942/status.json", ExporterUrl(True, "alpha", 19942)),
        ("HTTPS://Alpha.Example.NET:65535", ExporterUrl(True, "alpha.example.net", 65535)),
        ("http://192.0.2.7:80", ExporterUrl(False, "192.0.2.7", 80)),
        ("http://[2001:db8::1]:80/", ExporterUrl(False, "[2001:db8::1]", 80)),
        ("http://[fe80::1%eth0]", ExporterUrl(False, "[fe80::1%eth0]")),
        ("alpha.json", None),
        ("/tmp/http://alpha", None),
        ("-", None),
        ("", None),
        ("httpd.json", None),
        ("ftp://alpha", None),
        ("file:///etc/passwd", None),
    ],
)
def test_what_is_named(source: str, expected: SshHost | ExporterUrl | None) -> None:
    assert place(source) == expected


@pytest.mark.parametrize(
    "source",
    [
        "http:",
        "http:alpha",
        "http:/alpha",
        "http://",
        "http:///status.json",
        "http://:80",
        "http://alpha:",
        "http://alpha:0",
        "http://alpha:65536",
        "http://alpha:port",
        "http://alpha:80:80",
        "http://alpha/metrics",
        "http://alpha/?a=b",
        "http://alpha#a",
        "http://al pha",
        "http://alpha\n",
        "http://alpha\r\nX: y",
        "http://-alpha",
        "http://älpha",
        "http://::1:80",
        "http://[::1",
        "http://[alpha]",
        "https://alpha:٣",
        "http://" + "a" * 300,
    ],
)
def test_what_is_no_address_is_refused(source: str) -> None:
    with pytest.raises(ValueError, match=r"^that is no exporter's address: say http://HOST:PORT"):
        place(source)


@pytest.mark.parametrize(
    "source",
    [
        "https://root:secret@alpha:19942/",
        "https://secret@alpha",
        "https://root:se/@cret@alpha",
        "http:root:secret@alpha",
        "HTTPS://root:secret\n@alpha",
        "https://alpha/@secret",
    ],
)
def test_a_password_in_a_url_is_refused_and_not_quoted(source: str) -> None:
    with pytest.raises(ValueError, match="peer_password_file") as caught:
        place(source)
    assert "secret" not in str(caught.value)


def test_a_message_shows_no_password() -> None:
    assert shown("https://root:se/@cret@alpha:1") == "https://…@alpha:1"
    assert shown("http:root:secret@alpha") == "http:…@alpha"
    assert shown("https://alpha:1/") == "https://alpha:1/"
    assert shown("ssh:root@alpha") == "ssh:root@alpha"


@pytest.mark.parametrize(
    ("source", "private"),
    [
        ("https://alpha", True),
        ("http://alpha", False),
        ("http://127.0.0.1", True),
        ("http://LOCALHOST:1", True),
        ("http://[::1]", True),
        ("http://127.0.0.1.example.net", False),
    ],
)
def test_who_may_read_along(source: str, private: bool) -> None:
    found = place(source)
    assert isinstance(found, ExporterUrl)
    assert found.private is private


@given(st.text(max_size=60).map(lambda text: f"http://{text}"))
def test_any_other_text_is_taken_whole_or_refused(source: str) -> None:
    try:
        found = place(source)
    except ValueError:
        return
    assert isinstance(found, ExporterUrl)
    assert found.name in source.lower()
    assert source.isprintable()
