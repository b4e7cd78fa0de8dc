"""What drbdadm prints, parsed: real output of its three versions, and what must be refused."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.errors import ConnectorError
from connector.model import AfterSplitBrain, ConfiguredResource, ConfiguredVolume
from connector.observe.dump_xml import MAX_XML_CHARACTERS, ResourcesUnknown, parse_dump_xml

FIXTURES = Path(__file__).parents[1] / "fixtures/dump_xml"


def fixture(name: str) -> str:
    return (FIXTURES / name).read_text(encoding="utf-8")


def resource(
    name: str,
    minors: dict[int, int],
    after_sb: AfterSplitBrain | None = None,
    file: str | None = "/etc/drbd.conf",
    peers: str = "",
) -> ConfiguredResource:
    volumes = tuple(ConfiguredVolume(number, minor) for number, minor in minors.items())
    policies = after_sb or AfterSplitBrain()
    return ConfiguredResource(name, volumes, policies, file, tuple(peers.split()))


OVERRIDDEN = AfterSplitBrain("discard-zero-changes", "discard-secondary", "call-pri-lost-after-sb")
INHERITED = AfterSplitBrain("discard-zero-changes", "consensus", "disconnect")
OLD = AfterSplitBrain("discard-younger-primary", "discard-secondary", "disconnect")
PER_CONNECTION = AfterSplitBrain(
    "discard-least-changes or discard-zero-changes",
    "consensus or discard-secondary",
    "call-pri-lost-after-sb or disconnect",
)


@pytest.mark.parametrize(
    ("name", "host", "expected"),
    [
        (
            "8.4-healthy.xml",
            "alpha",
            [resource("mail", {0: 0}, peers="beta"), resource("db", {0: 1, 1: 2}, peers="beta")],
        ),
        ("8.4-healthy.xml", "alph", []),
        ("8.4-healthy.xml", "alpha.example.com", []),
        (
            "8.4-several-names-in-one-host.xml",
            "alpha",
            [
                resource("mail", {0: 0}, OVERRIDDEN, peers="beta"),
                resource("two", {0: 1, 3: 2}, INHERITED, peers="beta"),
            ],
        ),
        (
            "8.4-several-names-in-one-host.xml",
            "gamma",
            [
                resource("mail", {0: 5}, OVERRIDDEN, peers="alpha"),
                resource("elsewhere", {0: 30}, INHERITED, peers="beta"),
            ],
        ),
        ("8.4-floating-same-minors.xml", "alpha", [resource("fl", {0: 20})]),
        (
            "8.4-stacked.xml",
            "alpha",
            [resource("low", {0: 0}, peers="beta"), resource("top", {0: 10}, peers="delta")],
        ),
        ("8.4-stacked.xml", "delta", [resource("top", {0: 11}, peers="alpha")]),
        ("8.4-nothing-configured.xml", "alpha", []),
        ("no-resources-comment.xml", "alpha", []),
        (
            "8.3-no-volume-elements.xml",
            "alpha",
            [
                resource("r0", {0: 1}, OLD, None, "beta"),
                resource("r1", {0: 3}, AfterSplitBrain("discard-younger-primary"), None),
            ],
        ),
        (
            "8.3-stacked.xml",
            "beta",
            [
                resource("low", {0: 1}, file=None, peers="alpha"),
                resource("top", {0: 10}, file=None, peers="delta"),
            ],
        ),
        (
            "9-after-sb-in-common.xml",
            "beta",
            [
                resource(
                    "mail",
                    {0: 0},
                    AfterSplitBrain("discard-zero-changes", "discard-secondary", "disconnect"),
                    peers="alpha",
                )
            ],
        ),
        (
            "9-connections-with-their-own-net.xml",
            "alpha",
            [resource("r", {0: 20}, PER_CONNECTION, peers="b c")],
        ),
    ],
)
def test_resources_of_a_host(name: str, host: str, expected: list[ConfiguredResource]) -> None:
    assert parse_dump_xml(fixture(name), host) == tuple(expected)


def test_what_a_template_file_says_is_taken_for_nothing_harmless() -> None:
    """drbdadm 9.22 does not even close the element; it prints nothing of the file."""
    broken = fixture("9-template-element-not-closed.xml")
    with pytest.raises(ResourcesUnknown, match="is not XML"):
        parse_dump_xml(broken, "alpha")
    closed = re.sub(r'(<template file="[^"]*")>', r"\1/>", broken)
    of_template = parse_dump_xml(closed, "alpha")[1]
    assert of_template.after_sb == AfterSplitBrain(*["set in a template file"] * 3)


def test_a_minor_without_the_attribute_is_told_by_the_name() -> None:
    assert parse_dump_xml(one("<device>/dev/drbd12</device>"), "a") == (
        resource("r", {0: 12}, file=None),
    )


def test_a_section_with_the_hosts_name_counts_before_floating_ones() -> None:
    hosts = '<host name="a"><device minor="1"/></host><host floating="1"><device minor="2"/></host>'
    found = parse_dump_xml(f'<config><resource name="r">{hosts}</resource></config>', "a")
    assert found == (resource("r", {0: 1}, file=None),)


def test_a_colon_in_the_files_name_and_an_option_outside_of_net() -> None:
    text = one("<device minor='1'/>").replace(
        '<resource name="r">',
        '<resource name="r" conf-file-line="/etc/drbd.d/a:b.res:12"><section name="handlers">'
        '<option name="after-sb-0pri" value="discard-local"/></section>',
    )
    assert parse_dump_xml(text, "a") == (resource("r", {0: 1}, file="/etc/drbd.d/a:b.res"),)


def test_one_host_twice_with_the_same_minors() -> None:
    text = '<host name="a"><device minor="1"/></host>' * 2
    found = parse_dump_xml(f'<config><resource name="r">{text}</resource></config>', "a")
    assert found == (resource("r", {0: 1}, file=None),)


def one(device: str, name: str = "r", host: str = "a") -> str:
    """A configuration with a single device."""
    return (
        f'<config><resource name="{name}"><host name="{host}">'
        f'<volume vnr="0">{device}</volume></host></resource></config>'
    )


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "not XML"),
        ("no resources defined!", "not XML"),
        ("<config>", "not XML"),
        ("<config>\0</config>", "not XML"),
        ("<drbd></drbd>", "printed <drbd>, not <config>"),
        ("<config/>" + " " * MAX_XML_CHARACTERS, "more than"),
        (fixture("doctype-with-entities.xml"), "DOCTYPE"),
        (fixture("minor-claimed-twice.xml"), "minor 0 is claimed by both mail and db"),
        (fixture("8.4-floating-different-minors.xml"), "resource fl: which of its host"),
        (fixture("8.4-resource-named-all.xml"), "would mistake the resource name 'all'"),
        (one("<device minor='1'/>", name="--force"), "would mistake"),
        (one("<device minor='1'/>", name="mail/0"), "would mistake"),
        (one("<device minor='1'/>", name="mail:beta"), "would mistake"),
        (one("<device minor='1'/>", name="m\udce4il"), "would mistake"),
        (one("<device minor='1'/>", name=""), "would mistake"),
        (one("<disk>none</disk>"), "a volume without a device"),
        (one("<device minor='x'/>"), "a minor is 'x'"),
        (one("<device minor='-1'/>"), "a minor is '-1'"),
        (one("<device minor='٣'/>"), "a minor is"),
        (one("<device minor=''>/dev/drbd1</device>"), "a minor is ''"),
        (one("<device minor='1048576'/>"), "numbers that DRBD does not have"),
        (one("<device>/dev/drbd01</device>"), "a minor is None"),
        (one("<device>/dev/drbd_r</device>"), "a minor is None"),
        (one("").replace('<volume vnr="0"></volume>', ""), "no volume on this host"),
        (one("<device minor='1'/>").replace("vnr", "v"), "a volume number is None"),
        (one("<device minor='1'/>").replace('vnr="0"', 'vnr="65536"'), "numbers that DRBD"),
        (
            one("<device minor='1'/></volume><volume vnr='0'><device minor='2'/>"),
            "a volume number twice",
        ),
        (
            one("<device minor='1'/></volume><volume vnr='1'><device minor='1'/>"),
            "minor 1 is claimed by both r and r",
        ),
        (
            one("<device minor='1'/>").replace(
                "</config>",
                '<resource name="r"><host name="a"><device minor="2"/></host></resource></config>',
            ),
            "resource r is there twice",
        ),
        (
            one("<device minor='1'/>").replace(
                "<config>",
                '<config><common><section name="net"><option name="after-sb-0pri"/>'
                "</section></common>",
            ),
            "after-sb-0pri has no value",
        ),
    ],
)
def test_refused(text: str, why: str) -> None:
    with pytest.raises(ResourcesUnknown, match=re.escape(why)) as caught:
        parse_dump_xml(text, "a" if '<host name="a"' in text else "alpha")
    assert isinstance(caught.value, ConnectorError)


def test_deep_nesting_is_refused_or_harmless() -> None:
    depth = 200_000
    assert parse_dump_xml(f"<config>{'<a>' * depth}{'</a>' * depth}</config>", "a") == ()


def test_another_encoding_named_in_the_xml_hides_no_doctype() -> None:
    text = '<?xml version="1.0" encoding="utf-16"?>' + one("<device minor='1'/>")
    assert parse_dump_xml(text, "a") == (resource("r", {0: 1}, file=None),)


def answer(text: str) -> tuple[ConfiguredResource, ...] | None:
    try:
        return parse_dump_xml(text, "alpha")
    except ResourcesUnknown:
        return None


@settings(deadline=None)
@given(st.text() | st.text(alphabet="<>/ab\"='&;!-[]\ud800\0"))
def test_no_text_raises_anything_else(text: str) -> None:
    answer(text)
    answer(f"<config>{text}</config>")
    answer(one(f"<device minor='{text}'/>", host="alpha"))


REAL = [
    path.read_text(encoding="utf-8") for path in sorted(FIXTURES.iterdir()) if path.name[0] in "89"
]


@settings(deadline=None)
@given(st.sampled_from(REAL), st.data())
def test_a_cut_is_never_taken_for_the_whole(text: str, data: st.DataObject) -> None:
    whole = text.rstrip()
    end = data.draw(st.integers(min_value=0, max_value=len(whole) - 1))
    assert answer(whole[:end]) is None
