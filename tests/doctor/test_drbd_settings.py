"""`drbdadm dump-xml` as settings in force."""

from __future__ import annotations

from pathlib import Path

import pytest

from connector.doctor.drbd_settings import HostVolume, parse
from connector.observe.dump_xml import ResourcesUnknown

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures" / "dump_xml"
MAIL = """\
<config file="/etc/drbd.conf">
  <common>
    <section name="net"><option name="protocol" value="C"/><option name="ping-int" value="7"/>
    </section>
    <section name="startup"><option name="wfc-timeout" value="30"/></section>
    <section name="handlers"><option name="split-brain" value="/bin/a &quot;x&quot;"/></section>
  </common>
  <resource name="mail" conf-file-line="/etc/drbd.d/mail.res:2">
    <host name="alpha">
      <volume vnr="0">
        <section name="disk"><option name="fencing" value="resource-only"/></section>
        <device minor="4"></device><disk>/dev/vda</disk><meta-disk>internal</meta-disk>
      </volume>
      <address family="ipv4" port="7788">10.9.0.1</address>
    </host>
    <section name="net"><option name="protocol" value="a"/>
      <option name="allow-two-primaries"/><option name="connect-int" value="1m"/></section>
  </resource>
</config>
"""


def test_a_resource_overrides_common_and_a_volume_counts() -> None:
    (mail,) = parse(MAIL, "alpha")
    assert (mail.name, mail.place) == ("mail", "/etc/drbd.d/mail.res:2")
    assert mail.protocol == "A"
    assert mail.fencing == "resource-only"
    assert mail.flag("net", "allow-two-primaries")
    assert not mail.flag("net", "other")
    assert mail.option("handlers", "split-brain") == '/bin/a "x"'
    assert mail.hosts[0].volumes == (HostVolume("0", "4", "/dev/drbd4", "/dev/vda"),)
    assert mail.hosts[0].addresses == ("ipv4 10.9.0.1:7788",)


def test_numbers_are_those_set_else_the_defaults_and_none_for_what_is_no_number() -> None:
    (mail,) = parse(MAIL, "alpha")
    assert mail.number("startup", "wfc-timeout") == 30
    assert mail.number("startup", "degr-wfc-timeout") == 0
    assert mail.number("net", "ping-int") == 7
    assert mail.number("net", "ping-timeout") == 5
    assert mail.number("net", "connect-int") is None


def test_what_is_not_set_is_the_default() -> None:
    (mail, db) = parse((FIXTURES / "8.4-healthy.xml").read_text(), "alpha")
    assert (mail.protocol, mail.fencing) == ("C", "dont-care")
    assert [volume.minor for host in db.hosts for volume in host.volumes] == ["1", "2", "1", "2"]


def test_8_3_has_the_protocol_as_an_attribute_and_no_volumes() -> None:
    r0, r1 = parse((FIXTURES / "8.3-no-volume-elements.xml").read_text(), "alpha")
    assert (r0.protocol, r1.protocol) == ("C", "B")
    assert [host.volumes[0].minor for host in r0.hosts] == ["1", "9"]
    assert [host.name for host in r1.hosts] == ["", ""]


def test_a_connection_of_9_overrides_the_resource() -> None:
    (found,) = parse((FIXTURES / "9-connections-with-their-own-net.xml").read_text(), "alpha")
    assert found.option("net", "after-sb-2pri") == "call-pri-lost-after-sb"


@pytest.mark.parametrize("text", ["", "<config>", "<!DOCTYPE x><config/>", "\ud800"])
def test_what_is_no_dump_is_refused(text: str) -> None:
    with pytest.raises(ResourcesUnknown):
        parse(text, "alpha")


@pytest.mark.parametrize("path", sorted(FIXTURES.glob("*.xml")), ids=lambda path: path.name)
def test_it_takes_what_a_pass_takes(path: Path) -> None:
    from connector.observe.dump_xml import parse_dump_xml

    text = path.read_text()
    try:
        wanted = [item.name for item in parse_dump_xml(text, "alpha")]
    except ResourcesUnknown:
        with pytest.raises(ResourcesUnknown):
            parse(text, "alpha")
    else:
        assert [item.name for item in parse(text, "alpha")] == wanted
