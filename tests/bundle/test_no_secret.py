"""No secret that is planted anywhere, in whatever form, is in the archive."""

from __future__ import annotations

import json
import re
import shlex
import string
import tempfile
from collections.abc import Callable
from pathlib import Path
from xml.sax.saxutils import quoteattr

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from .place import FAILED, Place

pytestmark = pytest.mark.slow

# Every secret has these two in it: neither may be anywhere in the archive.
FIRST, SECOND = "Zq9x7W", "Kp4v8R"
_MARK = re.compile(f"{FIRST}|{SECOND}")

WORD = string.ascii_letters + string.digits
NO_BLANK = "".join(sign for sign in string.printable if not sign.isspace())
ANY = NO_BLANK + " äß€"

Plant = Callable[[Place, str], None]


def secrets(alphabet: str) -> st.SearchStrategy[str]:
    """Secrets with the two marks, and signs before, between and behind, mostly odd ones."""
    odd = "".join(sign for sign in alphabet if sign not in WORD) or alphabet
    piece = st.text(odd, max_size=4) | st.text(alphabet, max_size=8)
    whole = st.tuples(piece, st.just(FIRST), piece, st.just(SECOND), piece)
    return whole.map("".join).filter(lambda text: text == text.strip())


def quoted(secret: str) -> str:
    """As drbd.conf takes it."""
    return '"' + re.sub(r'(["\\])', r"\\\1", secret) + '"'


def conf(form: str, name: str = "mail.res") -> Plant:
    """A form for DRBD's configuration: {} is the secret in quotes, [] as it is."""

    def plant(place: Place, secret: str) -> None:
        text = form.replace("{}", quoted(secret)).replace("[]", secret)
        place.write(f"etc/drbd.d/{name}", f"resource mail {{\n  net {{\n{text}\n  }}\n}}\n")

    return plant


def nested(place: Place, secret: str) -> None:
    place.write("etc/drbd.d/mail.res", 'resource mail { net { include "more/net.inc"; } }\n')
    place.write("etc/drbd.d/more/net.inc", f"shared-secret {quoted(secret)};\n")


def toml(form: str) -> Plant:
    """A form for connector.toml: {} is the secret in quotes, [] as it is."""

    def plant(place: Place, secret: str) -> None:
        text = form.replace("{}", json.dumps(secret)).replace("[]", secret)
        place.write("connector.toml", f'[policy]\nmode = "observe"\n{text}\n')

    return plant


def xml(form: str) -> Plant:
    """A form for `drbdadm dump-xml`, with the secret as an attribute's value."""

    def plant(place: Place, secret: str) -> None:
        text = form.replace("{}", quoteattr(secret)).replace("[]", secret)
        place.dump_xml = (
            f'<config file="/etc/drbd.conf"><resource name="mail">{text}</resource></config>'
        )

    return plant


def said(form: str) -> Plant:
    """A form for sentences and commands: {} is the secret as a shell takes it, [] as it is."""

    def plant(place: Place, secret: str) -> None:
        text = form.replace("{}", shlex.quote(secret)).replace("[]", secret)
        place.write_json("state/journal.jsonl", {"at": "2026-11-25T08:00:00Z", "reason": text})
        place.write_json("state/journal.jsonl.1", {"at": "2026-11-24T08:00:00Z", "list": [text]})
        place.write_json("state/handlers.jsonl", {"event": text})
        place.write_json("state/pauses.json", {"pauses": {"mail": {"reason": text}}})
        place.write_json("state/given-up/20261125T080000Z-mail.json", {"reason": text})
        place.write("connector.toml", f"[policy]\nnote = {json.dumps(text)}\n")
        place.environment = {"CONNECTOR_RUN_NOTE": text}
        handler = f"handlers {{ split-brain {quoted(text)}; }}\n"
        place.write("etc/drbd.d/mail.res", f"resource mail {{ {handler} }}\n")
        option = f"<option name={quoteattr('split-brain')} value={quoteattr(text)}/>"
        place.dump_xml = f'<config><section name="handlers">{option}</section></config>'

    return plant


def in_json(place: Place, secret: str) -> None:
    place.write_json("state/incidents.json", {"password": secret, "more": {"api_token": [secret]}})


def in_broken_json(place: Place, secret: str) -> None:
    place.write("state/incidents.json", f'{{"password": {json.dumps(secret)}, "cut": [1, ')


def quoted_by_drbdadm(place: Place, secret: str) -> None:
    """The word that stops drbdadm is quoted in its message, and so in the status."""
    place.write("etc/drbd.d/mail.res", f"resource mail {{ net {{ shared-secret {quoted(secret)};\n")
    place.parse_error = FAILED.format(word=secret)


def in_the_kernel_log(place: Place, secret: str) -> None:
    place.write("etc/drbd.d/mail.res", f"resource mail {{ net {{ shared-secret {quoted(secret)};\n")
    place.write("root/dev/kmsg", f"6,1,2,-;drbd mail: what nobody would log: {secret} or so\n")


def in_a_variable(place: Place, secret: str) -> None:
    place.environment = {"CONNECTOR_WEB_PASSWORD": secret, "MY_PASSWORD": secret}


FORMS: dict[str, tuple[str, Plant]] = {
    "quoted": (ANY, conf("shared-secret {};")),
    "quoted option": (ANY, conf('"shared-secret" {};')),
    "on the next line": (ANY, conf("shared-secret\n    {}\n  ;")),
    "after a comment": (ANY, conf("shared-secret # it is [] \n # or [] \n {};")),
    "with more behind": (ANY, conf("cram-hmac-alg sha1; shared-secret {}; protocol C;")),
    "two words": (ANY, conf("shared-secret {} {};")),
    "unquoted": (WORD + "._/-", conf("shared-secret [];")),
    "unquoted, strange": (NO_BLANK, conf("shared-secret [];\n")),
    "no semicolon": (ANY, conf("shared-secret {}")),
    "quote not closed": (ANY, conf('shared-secret "[];\n}')),
    "a quote too many before": (ANY, conf('fence-peer "x; shared-secret {};')),
    "over lines": (ANY, conf('shared-secret "[]\n[]";')),
    "comment": (ANY, conf("# shared-secret {};\n# []\ntimeout 60; # or []")),
    "another option": (ANY, conf("tls-key-password {}; psk_token {};")),
    "nested include": (ANY, nested),
    "not included yet": (ANY, conf("shared-secret {};", "zz.res")),
    "attribute": (ANY, xml('<option name="shared-secret" value={}/>')),
    "attributes turned round": (ANY, xml('<option value={} name="shared-secret"/>')),
    "an attribute of its own": (ANY, xml("<net shared-secret={}/>")),
    "element": (WORD, xml("<shared-secret>[]</shared-secret>")),
    "XML comment": (WORD, xml("<!-- [] -->")),
    "XML cut off": (ANY, xml('<option name="shared-secret" value={}')),
    "key": (ANY, toml("password = {}")),
    "dotted key": (ANY, toml("web.auth.api_token.value = {}")),
    "table of that name": (ANY, toml("[token]\nvalue = {}\nall = [{}]")),
    "inline table": (ANY, toml("web = { user = 'a', client_secret = {} }")),
    "array": (ANY, toml("ssh_keys = [\n  {}, # []\n]")),
    "lines": (WORD, toml('secret = """\n[]\n"""')),
    "literal lines": (WORD + '"\\', toml("private_key = '''\n[]\n'''")),
    "TOML comment": (ANY, toml("max_attempts = 3 # the password is []\n# token: []")),
    "of a resource": (ANY, toml("[resource.mail]\npassword = {}")),
    "not TOML": (ANY, toml("password = {}\n[[[")),
    "not TOML, unquoted": (WORD, toml("password = []")),
    "URL": (NO_BLANK, said("see https://me:[]@example.org/path for it")),
    "URL in brackets": (WORD + "/@:", said("(ftp://me:[]@example.org)")),
    "curl": (ANY, said("curl --silent -u me:{} https://example.org")),
    "option of a command": (ANY, said("/usr/bin/page --api-token {} 'it split'")),
    "option with =": (ANY, said("/usr/bin/page --password={} it")),
    "variable of a command": (ANY, said("PAGER_SECRET={} /usr/bin/page")),
    "header": (WORD + "._/+=", said("curl -H 'Authorization: Bearer []' https://example.org")),
    "sentence": (NO_BLANK, said("the password: []")),
    "PEM": (WORD + "+/\n", said("-----BEGIN PRIVATE KEY-----\n[]\n-----END PRIVATE KEY-----")),
    "JSON": (ANY, in_json),
    "broken JSON": (ANY, in_broken_json),
    "drbdadm's message": (ANY, quoted_by_drbdadm),
    "kernel log": (ANY, in_the_kernel_log),
    "variable": (ANY, in_a_variable),
}  # fmt: skip


def found_in(files: dict[str, str]) -> dict[str, str]:
    """The files with a half of the secret in them, or in their names."""
    return {name: text for name, text in files.items() if _MARK.search(name + text)}


def test_what_is_no_secret_would_be_found() -> None:
    with tempfile.TemporaryDirectory() as folder:
        place = Place(Path(folder))
        place.write("etc/drbd.d/mail.res", f"resource {FIRST} {{ }}\n")
        assert list(found_in(place.files())) == [f"drbd/files{folder}/etc/drbd.d/mail.res"]


@pytest.mark.parametrize("form", FORMS)
def test_no_secret_is_in_the_archive(form: str) -> None:
    alphabet, plant = FORMS[form]

    @settings(max_examples=15, deadline=None)
    @given(secrets(alphabet))
    def check(secret: str) -> None:
        with tempfile.TemporaryDirectory() as folder:
            place = Place(Path(folder))
            plant(place, secret)
            files = place.files("policy.password: no such key")
            assert found_in(files) == {}, (secret, found_in(files))
            assert "README.txt" in files

    check()


# Later ones write over earlier ones: a line of the kernel whose secret is in no file any more is
# nothing that could be found.
TOGETHER = sorted(set(FORMS) - {"kernel log"})


@given(st.lists(st.tuples(st.sampled_from(TOGETHER), secrets(WORD)), min_size=2, max_size=5))
@settings(max_examples=30, deadline=None)
def test_no_secret_of_several_is_in_the_archive(planted: list[tuple[str, str]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        place = Place(Path(folder))
        for form, secret in planted:
            FORMS[form][1](place, secret)
        assert found_in(place.files()) == {}
