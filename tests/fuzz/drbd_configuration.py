"""drbd.conf and what drbdadm prints of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from connector.model import ConfiguredResource
from connector.observe.configuration_files import MAIN_FILES, fingerprint
from connector.observe.dump_xml import MAX_MINOR, MAX_VOLUME, ResourcesUnknown, parse_dump_xml
from tests.fuzz.entry import Entry, fixtures, is_one_line

HOST = "alpha"
_POLICY_WORDS = re.compile(r"after-sb-[012]pri|template|&")
# An include that would leave the folder of the test: from the root, or by "..".
_LEAVES = re.compile(rb"\.\.|(?<![\w*?\]])/")


def run_dump_xml(data: bytes, _folder: Path) -> None:
    """Parse it for one host; only ResourcesUnknown may come instead of an answer."""
    text = data.decode("utf-8", "replace")
    found, message = _parsed(text)
    if message is not None:
        assert is_one_line(message)
        return
    minors = [item.minor for resource in found for item in resource.volumes]
    assert len(set(minors)) == len(minors)
    assert len({resource.name for resource in found}) == len(found)
    for resource in found:
        _check(resource, text)


def _parsed(text: str) -> tuple[tuple[ConfiguredResource, ...], str | None]:
    try:
        return parse_dump_xml(text, HOST), None
    except ResourcesUnknown as error:
        return (), str(error)


def _check(resource: ConfiguredResource, text: str) -> None:
    name = resource.name
    assert is_one_line(name)
    assert name != "all"
    assert "/" not in name
    assert HOST in text or "floating" in text or "&" in text
    assert resource.volumes
    for item in resource.volumes:
        assert 0 <= item.minor <= MAX_MINOR
        assert 0 <= item.volume <= MAX_VOLUME
    policies = resource.after_sb
    words = (policies.zero_primaries, policies.one_primary, policies.two_primaries)
    assert all(words)
    # No word of a policy is made up, and none is passed over.
    assert set(words) == {"disconnect"} or _POLICY_WORDS.search(text)


def run_drbd_conf(data: bytes, folder: Path) -> None:
    """Follow its includes; nothing may be raised, and what it certainly includes is found."""
    if _LEAVES.search(data.replace(b"\\", b"")):
        return
    included = folder / "drbd.d" / "mail.res"
    included.parent.mkdir(exist_ok=True)
    included.write_bytes(b"resource mail { }\n")
    main = folder / "drbd.conf"
    main.write_bytes(data)
    alone = fingerprint(folder)
    main.write_bytes(b'include "drbd.d/m*.res";\n' + data)
    with_one_more = fingerprint(folder)
    if alone is None or with_one_more is None:
        # A NUL in a pattern, or one that is too deep: then drbdadm is asked each time.
        assert alone is with_one_more
        return
    told = [str(state[0]) for state in with_one_more]
    assert told == sorted({str(state[0]) for state in alone} | {str(included)})
    assert {str(folder / name) for name in MAIN_FILES} <= set(told)


def _drbd_conf_seeds() -> Iterator[bytes]:
    yield b'include "drbd.d/global_common.conf";\ninclude "drbd.d/*.res";\n'
    yield b'include\n # a comment\n\tdrbd.d/mail.res ;template-file "drbd.d/m[^x]il.res";'
    yield b'x { secret "a\\"#b"; } include "drbd.d/ma\\il.res"; # include "none"'
    yield b"resource mail { net { after-sb-0pri discard-zero-changes; } include mail.inc; }\n"


DUMP_XML = Entry(
    "dump_xml",
    run_dump_xml,
    lambda: fixtures("dump_xml/*.xml", "lab/*/alpha/dump_xml"),
    words=(
        *('<config file="', "<common>", "</common>", '<resource name="mail"', "</resource>"),
        *('<host name="alpha">', "</host>", '<volume vnr="0">', "</volume>", "floating="),
        *('<device minor="0">', "/dev/drbd0</device>", '<section name="net">', "</section>"),
        *('<option name="after-sb-0pri" value="discard-zero-changes"/>', "<connection>"),
        *("conf-file-line=", "<template", "<!-- No resources configured -->", "<!DOCTYPE", "&#65;"),
    ),
)
DRBD_CONF = Entry(
    "drbd_conf",
    run_drbd_conf,
    _drbd_conf_seeds,
    words=("include ", "template-file ", '"drbd.d/*.res"', "drbd.d/mail.res", "[^", "\\", "#", ";"),
)
