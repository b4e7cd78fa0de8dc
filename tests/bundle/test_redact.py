"""What is taken out, and what stays readable."""

from __future__ import annotations

import json
import time

import pytest

from connector.bundle import redact
from connector.bundle.drbd_configuration import drbd_files_text, dump_xml_text
from connector.bundle.sweep import sweep

from .place import FIXTURES

CONF = """\
# made by hand
resource mail {
    protocol C;
    net {
        cram-hmac-alg sha1;
        shared-secret "not for you"; # nor this
        after-sb-0pri discard-zero-changes;
    }
    handlers { split-brain "/usr/lib/drbd/notify-split-brain.sh root"; }
    on alpha { device /dev/drbd0; disk /dev/vg/keys; address 10.9.0.1:7788; }
}
resource keystore { net { timeout 60; } }
"""


def test_drbds_configuration_stays_readable() -> None:
    done = drbd_files_text(CONF)
    assert done.text == CONF.replace("# made by hand", "").replace(" # nor this", " ").replace(
        '"not for you"', "(removed)"
    )
    assert done.removed == {"comment": 2, "shared-secret": 1}
    assert done.secrets == {"not for you"}


REST = "\n(the rest is removed: a quote is not closed)\n"


@pytest.mark.parametrize(
    "line",
    [
        'shared-secret "abc;',
        'fence-peer "abc; shared-secret "d e";',
        'fence-peer "abc; shared-secret "de#f";',
        'fence-peer "abc; shared-secret " de#f";',
        'split-brain "-----BEGIN PRIVATE KEY-----',
    ],
)
def test_a_quote_that_is_not_closed_costs_the_rest_of_the_file(line: str) -> None:
    done = drbd_files_text(f"net {{\n  protocol C; {line}\n timeout 60; }}\n")
    assert done.text == "net {" + REST


def test_a_semicolon_in_a_bare_secret_ends_nothing() -> None:
    done = drbd_files_text("net { shared-secret ab;cd;ef; timeout 60; }")
    assert done.text == "net { shared-secret (removed); timeout 60; }"


def test_a_command_in_the_configuration_keeps_its_words() -> None:
    done = drbd_files_text('split-brain "/bin/sh -c \\"page --token \'a b\' now\\"";')
    assert done.text == 'split-brain "/bin/sh -c \\"page --token (removed) now\\"";'
    assert done.secrets == {"a b"}


def test_dump_xml_keeps_all_but_the_secret() -> None:
    text = (FIXTURES / "dump_xml/8.3-no-volume-elements.xml").read_text(encoding="utf-8")
    done = dump_xml_text(text)
    assert '<option name="shared-secret" value="(removed)" />' in done.text
    assert '<option name="cram-hmac-alg" value="sha1" />' in done.text
    assert done.secrets == {'a<b&c"d>'}
    healthy = (FIXTURES / "dump_xml/8.4-healthy.xml").read_text(encoding="utf-8")
    assert not dump_xml_text(healthy).removed


@pytest.mark.parametrize("text", ["", "<a", "<!DOCTYPE a><a/>", "no XML", "<a>\ud800"])
def test_what_is_no_xml_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"XML|DOCTYPE"):
        dump_xml_text(text)


def test_toml_becomes_lines() -> None:
    done = redact.toml_text(
        '# mine\n[policy]\nmode = "observe"\n[resource.keystore]\nmax_attempts = 5\n'
        '[resource.keystore.more]\nkey = "k"\n[web]\ntokens = ["one", "two"]\n'
    )
    assert done.text == (
        'policy.mode = "observe"\nresource.keystore.max_attempts = 5\n'
        'resource.keystore.more.key = "(removed)"\nweb.tokens = "(removed)"\n'
    )
    assert done.removed == {"comment": 1, "key": 1, "tokens": 1}
    assert done.secrets == {"k", "one", "two"}


@pytest.mark.parametrize("text", ["[[[", "a = " + "[" * 2000, "a = 1\na = 2\n"])
def test_what_is_no_toml_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"deep|line|twice|overwrite|Expected|document"):
        redact.toml_text(text)


def test_connectors_own_sentences_stay() -> None:
    sentences = (
        "mail: demote-and-reconnect: StandAlone and Primary, but nothing uses it here; split brain",
        "3 attempts did not bring the pair together; no more are made",
        "/etc/connector/connector.toml:3: policy.mood: unknown key; known here: mode, managed",
        "another pass holds /run/connector/connector.lock",
        "the last pass: ended 3 s ago",
        "drbdadm connect --discard-my-data mail",
        "block drbd0: self 3875E0FE4D2F3617:4B53891C4B844B20:C99A7F2D5005D7EE:0 bits:9 flags:0",
    )
    for sentence in sentences:
        assert redact.free_text(sentence).text == sentence
    line = "[   10.0] drbd keys: conn( WFConnection -> StandAlone ) "
    assert redact.log_lines(line).text == line


def test_json_keeps_its_form() -> None:
    value = {"resources": [{"name": "mail", "in_use": True, "token": None, "n": 1.5}], "key": "k"}
    done = redact.json_text(json.dumps(value))
    found = json.loads(done.text)
    assert found["resources"] == [{"name": "mail", "in_use": True, "token": "(removed)", "n": 1.5}]
    assert found["key"] == "(removed)"
    lines = redact.json_lines('{"a": 1}\n{"secret": "s"}\ncut off: "pass')
    assert lines.text == '{"a": 1}\n{"secret": "(removed)"}\ncut off: "pass'


def test_a_deep_document_is_taken_as_text() -> None:
    text = "[" * 100 + '"password=abc"' + "]" * 100
    assert "abc" not in redact.json_text(text).text


def test_how_a_secret_is_looked_for_depends_on_its_length() -> None:
    assert sweep("it is not-for-you, xnot-for-youx", {"not-for-you"}) == (
        "it is (removed), x(removed)x",
        2,
    )
    assert sweep("mail, mails, e-mail", {"mail"}) == ("(removed), mails, e-(removed)", 2)
    assert sweep("0: cs:1 'a' a", {"0", "1", "a"}) == ("0: cs:1 '(removed)' a", 1)
    assert sweep('"a\\"b<cdefg" a"b&lt;cdefg', {'a"b<cdefg'}) == ('"(removed)" (removed)', 2)


@pytest.mark.parametrize(
    "piece",
    [
        *("a://", "key", "key ", "key=", '"', "'", "\\", "-----BEGIN PRIVATE KEY-----", "--key"),
        *(
            " -key",
            "$1$",
            "but got '",
            "basic ",
            "password: 'x",
            "authorization: ",
            "-u ",
            "{",
            '"a',
        ),
    ],
)
def test_no_text_takes_long(piece: str) -> None:
    text = piece * (50_000 // len(piece))
    for take_out in (redact.free_text, redact.json_text, redact.log_lines, drbd_files_text):
        began_s = time.monotonic()
        take_out(text)
        # A hundred times of what it takes: the square of the length would be far more.
        assert time.monotonic() - began_s < 30, take_out
