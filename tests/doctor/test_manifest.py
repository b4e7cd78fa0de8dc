"""The manifest: what is in it, what is not, and what is taken for one."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.doctor.manifest import (
    MAX_BYTES,
    NoManifest,
    parse,
    plain_authkeys,
    plain_ha_cf,
    plain_toml,
)
from tests.doctor.builders import again, manifest


def test_it_comes_back_as_it_was() -> None:
    assert again(manifest()) == manifest()


def test_a_later_version_may_add_keys() -> None:
    more = {**json.loads(manifest().model_dump_json()), "new": [1]}
    assert parse(json.dumps(more).encode()) == manifest()


def changed(**keys: object) -> bytes:
    return json.dumps({**json.loads(manifest().model_dump_json()), **keys}).encode()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "it is empty"),
        (b" \n", "it is empty"),
        (b"ssh: no", "Invalid JSON"),
        (b"[]", "should be an object"),
        (b"[" * 100_000, "Invalid JSON"),
        (b"{}", "connector_version: Field required"),
        (b" " * (MAX_BYTES + 1), "larger than"),
        (changed(schema_version=2), "use the same connector on both nodes"),
        (changed(wall_s="now"), "wall_s: "),
        (changed(wall_s=-1), "wall_s: "),
        (changed(users={"a": "b"}), "users.a: "),
        (changed(files=[{"path": "/x", "sha256": "zz"}]), "files.0.sha256: "),
        (changed(host="x" * 5000), "host: "),
        (changed(users={f"u{n}": n for n in range(2001)}), "users: "),
    ],
)
def test_what_is_none_is_refused_with_the_reason(data: bytes, words: str) -> None:
    with pytest.raises(NoManifest) as caught:
        parse(data)
    assert words in str(caught.value)
    assert len(str(caught.value)) < 300


@given(st.binary(max_size=200))
def test_any_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(NoManifest):
        parse(data)


def test_ha_cf_without_passwords() -> None:
    text = (
        "# a comment\nnode  alpha\nstonith_host * apcmaster 10.0.0.1 apc geheim\n"
        "mail Filesystem::password=geheim::x\nrespawn hacluster /a passwd: geheim\n"
    )
    plain = plain_ha_cf(text)
    assert "geheim" not in plain
    assert plain.startswith("node alpha\nstonith_host <secret>\n")
    assert plain_ha_cf(text.replace("alpha", "gamma")) != plain
    assert plain_ha_cf(f"ucast eth0 10.0.0.2\n{text}") == plain


def test_authkeys_without_keys() -> None:
    assert plain_authkeys("# x\nauth 1\n1 sha1 geheim\n2 crc\nodd geheim line\n") == (
        "auth 1\n1 sha1 <secret>\n2 crc\n<secret>"
    )


def test_connector_toml_is_what_it_says() -> None:
    assert plain_toml("[run]\nsettle = 3 # x\n") == plain_toml("\n[run]\nsettle=3\n")
    assert plain_toml("[run]\nsettle = 3\n") != plain_toml("[run]\nsettle = 4\n")
    assert plain_toml("[run") is None


def test_each_node_may_ask_the_other_one() -> None:
    mine, theirs = (f'[recover]\npeer = "ssh:{name}"\n[run]\nsettle = 3\n' for name in "ab")
    assert plain_toml(mine) == plain_toml(theirs) == plain_toml("[run]\nsettle = 3\n")
