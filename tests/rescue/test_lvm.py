"""What lvs prints, and the commands that go by it."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.errors import NotKept
from connector.rescue import lvm
from connector.rescue.device import LogicalVolume
from tests.rescue.making import MIB, logical_volume, printed, row

# lvm2 2.03.16, `lvs --reportformat json --units b --nosuffix -o … /dev/mapper/pair-data0`
PLAIN = """\
  {
      "report": [
          {
              "lv": [
                  {"vg_name":"pair", "lv_name":"data0", "lv_size":"67108864", "vg_free":"62914560",\
 "vg_extent_size":"4194304", "segtype":"linear"}
              ]
          }
      ]
  }
"""


def test_a_logical_volume() -> None:
    expected = LogicalVolume("pair", "data0", 64 * MIB, 60 * MIB, 4 * MIB, False)
    assert lvm.parse(PLAIN, "/dev/pair/data0") == expected


@pytest.mark.parametrize("kind", ["thin", "thin-pool", "vdo", "vdo-pool"])
def test_thin_ones(kind: str) -> None:
    assert lvm.parse(printed([row(segtype=kind)]), "it").thin
    assert not lvm.parse(printed([row(segtype="raid1")]), "it").thin


def test_an_enlarged_one_has_a_row_for_each_segment() -> None:
    """With segtype among its columns lvs reports segments (lvmreport(7))."""
    rows = [row(), row(segtype="striped")]
    assert lvm.parse(printed(rows), "it") == logical_volume()
    assert lvm.parse(printed([*rows, row(segtype="thin")]), "it").thin


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "lvs printed something else than expected for it"),
        ("[" * 100_000, "lvs printed something else"),
        ('{"report": []}', "lvs printed something else"),
        ('{"report": {}}', "lvs printed something else"),
        ("[]", "lvs printed something else"),
        ("null", "lvs printed something else"),
        (printed([]), "lvs does not know it"),
        ('{"report": [{"lv": {}}]}', "lvs printed something else"),
        ('{"report": [{"lv": [[]]}]}', "lvs printed something else"),
        (printed([{}]), "KeyError"),
        (printed([row(lv_size="64.00m")]), "64.00m"),
        (printed([row(), row(lv_name="data1")]), "more than one logical volume"),
        (json.dumps({"report": [{"lv": [{**row(), "segtype": []}]}]}), "TypeError"),
        (json.dumps({"report": [{"lv": [{**row(), "vg_free": None}]}]}), "TypeError"),
    ],
)
def test_what_lvs_does_not_print(text: str, why: str) -> None:
    with pytest.raises(NotKept, match=why):
        lvm.parse(text, "it")


@pytest.mark.parametrize(
    ("attributes", "used", "expected"),
    [
        ("swi-a-s---", "25.00", lvm.Snapshot(True, 25.0)),
        ("swi-aos---", "0.05", lvm.Snapshot(True, 0.05)),  # mounted
        ("swi---s---", "", lvm.Snapshot(True, None)),  # not active
        ("swi-I-s---", "100.00", lvm.Snapshot(False, 100.0)),
        ("swi-IOs---", "100.00", lvm.Snapshot(False, 100.0)),
        ("swi-S-s---", "100.00", lvm.Snapshot(False, 100.0)),
        ("", "", lvm.Snapshot(False, None)),
    ],
)
def test_a_snapshot_and_one_that_overflowed(
    attributes: str, used: str, expected: lvm.Snapshot
) -> None:
    told = {"lv_name": "connector-x-0", "lv_attr": attributes, "data_percent": used}
    assert lvm.parse_snapshot(printed([told]), "connector-x-0") == expected


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (printed([]), "lvs does not know connector-x-0"),
        (printed([{"lv_attr": "swi-a-s---"}]), "KeyError"),
        (printed([{"lv_attr": "swi-a-s---", "data_percent": "much"}]), "much"),
    ],
)
def test_a_snapshot_that_is_not_told_of(text: str, why: str) -> None:
    with pytest.raises(NotKept, match=why):
        lvm.parse_snapshot(text, "connector-x-0")


@given(st.recursive(st.none() | st.integers(0, 9) | st.just("x"), lambda inner: st.lists(inner) | (
    st.dictionaries(st.sampled_from(["report", "lv", "lv_size", "vg_name"]), inner)
)))  # fmt: skip
def test_any_json_is_taken_or_refused(value: object) -> None:
    for parse in (lvm.parse, lvm.parse_snapshot):
        with pytest.raises(NotKept):
            parse(json.dumps(value), "it")


def test_the_commands() -> None:
    assert lvm.ask("/dev/mapper/pair-data0") == (
        "lvs", "--reportformat", "json", "--units", "b", "--nosuffix", "-o",
        "vg_name,lv_name,lv_size,vg_free,vg_extent_size,segtype", "/dev/mapper/pair-data0",
    )  # fmt: skip
    assert lvm.ask_snapshot("pair", "s") == (
        "lvs", "--reportformat", "json", "-o", "lv_name,lv_attr,data_percent", "pair/s",
    )  # fmt: skip
    made = lvm.create(logical_volume(), "connector-x-0", 28 * MIB)
    assert made == ("lvcreate", "-y", "-s", "-n", "connector-x-0", "-L", "29360128b", "pair/data0")
    assert lvm.remove("pair", "connector-x-0") == ("lvremove", "-y", "pair/connector-x-0")
