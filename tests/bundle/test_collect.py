"""What goes into a bundle, and what is said of the rest."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from connector.bundle.archive import name_of, packed, readme
from connector.bundle.collect import collect
from connector.bundle.parts import MAX_BYTES, MAX_PART_BYTES, Collected, Missing, Part
from connector.bundle.sources import ConnectorToml
from connector.world import World
from tests.captures_9 import world_of

from .place import FAILED, Place, texts

pytestmark = pytest.mark.slow


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_all_that_is_there_is_in_it(place: Place, tmp_path: Path) -> None:
    place.write("connector.toml", '[policy]\nmode = "observe"\n')
    place.write("etc/os-release", 'ID=debian\nVERSION_ID="12"\nHOME_URL="https://x"\n')
    place.write("root/proc/sys/kernel/osrelease", "6.1.0-18-amd64\n")
    place.write("root/sys/module/drbd/version", "8.4.11\n")
    place.write_json("state/incidents.json", {"by_resource": {}})
    place.write_json("state/pauses.json", {"pauses": {}})
    place.write_json("state/counters.json", {})
    place.write_json("state/last-pass.json", {})
    place.write_json("state/handlers.jsonl", {"event": "split-brain"}, {"event": "split-brain"})
    place.write_json("state/journal.jsonl", {"at": "2026-11-25T08:00:00Z"})
    place.write_json("state/journal.jsonl.1", {"at": "2026-11-24T08:00:00Z"})
    place.write_json("state/given-up/20261125T080000Z-mail.json", {"resource": "mail"})
    place.environment = {"CONNECTOR_POLICY_MODE": "observe", "HOME": "/root"}
    files = place.files()
    etc = f"drbd/files{tmp_path}/etc"
    assert sorted(files) == sorted(
        [
            "README.txt",
            *("connector/connector.toml", "connector/counters.json", "connector/environment.json"),
            "connector/given-up/20261125T080000Z-mail.json",
            *("connector/handlers.jsonl", "connector/incidents.json", "connector/journal.jsonl"),
            *("connector/journal.jsonl.1", "connector/last-pass.json", "connector/pauses.json"),
            *("connector/status.json", "drbd/dump-xml.xml"),
            *(f"{etc}/drbd.conf", f"{etc}/drbd.d/mail.res"),
            *("kernel-log.txt", "mounts.json", "proc-drbd.txt", "processes.json", "versions.json"),
        ]
    )
    assert files["connector/connector.toml"] == 'policy.mode = "observe"\n'
    assert json.loads(files["connector/environment.json"]) == {"CONNECTOR_POLICY_MODE": "observe"}
    status = json.loads(files["connector/status.json"])
    assert [item["name"] for item in status["resources"]] == ["mail", "db"]
    versions = json.loads(files["versions.json"])
    assert versions["kernel"] == "6.1.0-18-amd64"
    assert versions["drbd_module"] == versions["drbd_proc"] == "8.4.11"
    assert versions["drbd_utils"] == {"DRBDADM_VERSION": "9.22.0"}
    assert versions["operating_system"] == {"ID": "debian", "VERSION_ID": "12"}
    assert "Split-Brain detected but unresolved" in files["kernel-log.txt"]
    assert files["proc-drbd.txt"].startswith("version: 8.4.11")


def test_only_drbds_lines_of_the_kernel_log_are_in_it(place: Place) -> None:
    place.write(
        "root/dev/kmsg",
        "6,1,1000000,-;drbd mail: conn( WFConnection -> StandAlone ) \n"
        "6,2,2000000,-;usb 1-1: a keyboard\n"
        "12,3,3000000,-;drbd mail: a program wrote this\n"
        "6,4,4000000,-;block drbd0: role( Secondary -> Primary ) \n"
        "6,5,5000000,-;drbd: initialized. Version: 8.4.11 (api:1/proto:86-101)\n",
    )
    lines = place.files()["kernel-log.txt"].splitlines()
    assert [line.partition("] ")[2].split()[0] for line in lines] == ["drbd", "block", "drbd:"]


def test_what_is_missing_is_told_with_the_reason(tmp_path: Path) -> None:
    place = Place(tmp_path, parse_error=FAILED.format(word="open sesame"))
    (tmp_path / "root/proc/drbd").unlink()
    (tmp_path / "root/dev/kmsg").unlink()
    (tmp_path / "etc/drbd.d/mail.res").unlink()
    (tmp_path / "etc/drbd.d/mail.res").mkdir()
    place.write("connector.toml", "password = never told\n")
    (tmp_path / "state/incidents.json").mkdir(parents=True)
    told = {item.name: item.reason for item in place.collected("x: unknown key").missing}
    assert told["the settings"] == "x: unknown key"
    assert told["drbd/dump-xml.xml"] == "drbdadm dump-xml: exit status 10, at drbd.d/mail.res:4"
    assert told["drbd/files"].startswith("a file that ")
    assert told["connector/connector.toml"] == "not valid TOML (at line 1, column 12)"
    assert told["kernel-log.txt"] == "there is no kernel log, or it is empty"
    assert told["connector/status.json"].startswith("no DRBD here: ")
    assert "proc/drbd" in told["proc-drbd.txt"]
    assert told["connector/incidents.json"].endswith("Is a directory")
    assert told["connector/pauses.json"].endswith("state/pauses.json is not there")
    page = place.files("x: unknown key")["README.txt"]
    for name, reason in told.items():
        assert f"  {name}: {reason}\n" in page
    assert "sesame" not in page


def test_nothing_is_there_at_all(tmp_path: Path) -> None:
    place = Place(tmp_path)
    world = World(tmp_path / "no", place.world().run, place.world().clock, "x", tmp_path / "no")
    collected = collect(world, place.settings, ConnectorToml(tmp_path / "no"), {})
    assert {part.name for part in collected.parts} == {
        *("connector/environment.json", "drbd/dump-xml.xml", "mounts.json", "versions.json")
    }
    assert len(collected.missing) == 15


def test_on_drbd_9_the_states_come_from_drbdsetup(tmp_path: Path) -> None:
    world = world_of(tmp_path / "node", "2n-split-brain-both-standalone", "beta")
    place = Place(tmp_path)
    collected = collect(world, place.settings, ConnectorToml(tmp_path / "no"), {})
    parts = {part.name: part.data.decode() for part in collected.parts}
    assert '"StandAlone"' in parts["drbd/drbdsetup-status.json"]


def test_the_same_node_gives_the_same_bytes(place: Place) -> None:
    collected = place.collected()
    assert packed(collected) == packed(place.collected())
    assert name_of(collected) == "connector-bundle-beta-20261128T080000Z"
    assert name_of(Collected("../a b", 0.0, (), ())) == "connector-bundle-.._a_b-19700101T000000Z"


def test_a_large_part_keeps_its_end(place: Place) -> None:
    lines = MAX_PART_BYTES // 100 + 100
    place.write("state/handlers.jsonl", "".join(f'{{"n": "{n:091}"}}\n' for n in range(lines)))
    part = next(p for p in place.collected().parts if p.name == "connector/handlers.jsonl")
    assert MAX_PART_BYTES - 200 < len(part.data) <= MAX_PART_BYTES
    assert part.data.startswith(b'{"n": "')
    assert json.loads(part.data.splitlines()[-1])["n"].endswith(str(lines - 1))
    assert part.note == f"only the last {len(part.data)} bytes"


def test_the_whole_has_a_limit(place: Place) -> None:
    text = '{"a": "' + "x" * (MAX_PART_BYTES - 100) + '"}\n'
    for number in range(MAX_BYTES // MAX_PART_BYTES + 1):
        place.write(f"state/given-up/{number}.json", text)
    collected = place.collected()
    assert collected.size_bytes <= MAX_BYTES
    told = [item for item in collected.missing if "would be larger than" in item.reason]
    assert told
    assert all(f"  {item.name}: " in readme(collected) for item in told)


def test_the_readme_says_what_was_removed() -> None:
    part = Part("a", b"abc", removed=Counter({"shared-secret": 1, "comment": 2}))
    page = readme(Collected("beta", 0.0, (part,), (Missing("b", "it is on fire"),)))
    assert "  a: 3 bytes; removed: 2 x comment, 1 x shared-secret\n" in page
    assert "  b: it is on fire\n" in page
    assert "web configuration" in page
    assert texts(packed(Collected("beta", 0.0, (part,), ()))).keys() == {"README.txt", "a"}
