"""The findings as text and as JSON."""

from __future__ import annotations

from connector.doctor.asked import Refused
from connector.doctor.findings.all_areas import examine
from connector.doctor.reading import Unseen
from connector.doctor.report import AREA_WORDS, exit_status, to_json, to_text
from connector.doctor.schedule import Schedule
from tests.doctor.builders import dumped, resource, surroundings


def test_a_healthy_node_is_one_line_with_what_is_in_order() -> None:
    text = to_text("alpha", examine(surroundings()), color=False)
    first, *_, last = text.split("\n")
    assert first.startswith("in order: kernel module and utils, drbd.conf, ")
    assert last == "OK: alpha: 0 critical, 0 warnings, 0 that could not be looked at"
    assert all(words in text.replace("\n ", "") for words in AREA_WORDS.values())


def test_the_worst_comes_first_and_a_fix_is_on_one_line() -> None:
    seen = surroundings(utils=None, ha_cf=Unseen("x"), schedule=Schedule())
    lines = to_text("alpha", examine(seen), color=False).split("\n")
    heads = [line for line in lines if line.startswith(("CRITICAL  ", "WARNING  "))]
    assert heads == ["CRITICAL  utils-missing", "WARNING  nothing-runs-passes"]
    assert (
        "  fix   apt install drbd-utils, or set `drbdadm` in [run] of connector.toml to its path"
        in (lines)
    )
    assert "not looked at: Heartbeat's time-outs: x" in lines
    assert lines[-1] == ("CRITICAL: alpha: 1 critical, 1 warning, 1 that could not be looked at")


def test_colours_only_where_they_are_asked_for() -> None:
    areas = examine(surroundings(utils=None))
    assert "\x1b[" in to_text("alpha", areas, color=True)
    assert "\x1b" not in to_text("alpha", areas, color=False)


def test_strange_words_do_not_steer_the_terminal_and_are_bounded() -> None:
    seen = surroundings(drbd=Refused("\x1b]0;x\x07\n" + "long " * 1000, None))
    text = to_text("al\x1bpha", examine(seen), color=False)
    assert "\x1b" not in text
    assert "\x07" not in text
    assert len(text) < 4000


def test_many_resources_are_bounded() -> None:
    many = [resource({("net", "rr-conflict"): "violently"}, name=f"r{n}") for n in range(30)]
    seen = surroundings(drbd=dumped(*many))
    assert "CRITICAL  rr-conflict-violently  r0" in to_text("alpha", examine(seen), color=False)


def test_json_says_the_same() -> None:
    areas = examine(surroundings(utils=None, peer=None))
    told = to_json("alpha", areas)
    assert (told["schema_version"], told["host"], told["status"]) == (1, "alpha", "critical")
    assert told["exit_status"] == exit_status(areas) == 2
    (finding,) = told["findings"]
    assert (finding["id"], finding["area"]) == ("utils-missing", "kernel-module")
    wanted: dict[str, str | None] = {str(area): "ok" for area in AREA_WORDS}
    wanted |= {"kernel-module": "critical", "peer": None}
    assert {one["area"]: one["status"] for one in told["areas"]} == wanted
    assert told["not_looked_at"][0]["counts"] is False
