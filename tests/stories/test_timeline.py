"""The picture of a story: what is read out of a recording, and the SVG that is made of it."""

from __future__ import annotations

import itertools
from xml.etree import ElementTree

import pytest

from tests.lab.recording import Event, Source

from .bands import Group, History, Kind, Lane, Look, Span, history
from .timeline import MARKS_PER_LANE, WIDTH_PX, draw

SVG = "{http://www.w3.org/2000/svg}"


def kernel(at_s: float, node: str, text: str) -> Event:
    return Event(at_s, node, Source.KERNEL, text)


def noted(at_s: float, node: str, text: str) -> Event:
    return Event(at_s, node, Source.NODE, text)


def lane(told: History, group: str, name: str) -> tuple[Span, ...]:
    """Return the spans of a lane, () where it is not drawn."""
    return next(
        (
            lane.spans
            for one in told.groups
            for lane in one.lanes
            if (one.name, lane.name) == (group, name)
        ),
        (),
    )


def bands(told: History, group: str, name: str) -> list[tuple[float, float, str, Look]]:
    """Return a lane's bands without their details."""
    return [(span.from_s, span.to_s, span.text, span.look) for span in lane(told, group, name)]


def mark(at_s: float, text: str, look: Look = Look.PLAIN, detail: str = "") -> Span:
    return Span(at_s, at_s, text, look, detail or text)


def band(from_s: float, to_s: float, text: str, look: Look) -> Span:
    return Span(from_s, to_s, text, look, text)


SPLIT = [
    Event(100, "", Source.FAULT, "link cut"),
    kernel(
        101,
        "beta",
        "drbd mail: peer( Secondary -> Unknown ) conn( Connected -> NetworkFailure )"
        " pdsk( UpToDate -> DUnknown ) ",
    ),
    kernel(102, "beta", "drbd mail: conn( NetworkFailure -> WFConnection ) "),
    Event(103, "alpha", Source.STORY, "drbdadm primary mail"),
    kernel(103, "alpha", "block drbd0: role( Secondary -> Primary ) "),
    kernel(104, "alpha", "EXT4-fs (drbd0): mounted filesystem with ordered data mode."),
    noted(105, "alpha", "wrote 0 alpha-00001"),
    Event(106, "", Source.STORY, "link restored"),
    kernel(107, "beta", "block drbd0: Split-Brain detected but unresolved, dropping connection!"),
    kernel(108, "beta", "drbd mail: conn( WFConnection -> StandAlone ) "),
    noted(110, "beta", "pass 735 reconcile --json"),
    noted(111, "beta", "saw 737 0 cs:StandAlone ro:Secondary/Unknown ds:UpToDate/DUnknown r-----"),
    noted(112, "beta", "drbdadm 737 735 connect --discard-my-data mail"),
    kernel(
        113, "beta", "block drbd0: conn( WFReportParams -> SyncTarget ) disk( UpToDate -> Bad )"
    ),
    noted(114, "beta", "ended 735 3 4.000"),
    noted(115, "beta", "decided mail reconnect-standby evidence grace"),
    noted(120, "beta", "decided db healthy"),
]


def test_all_that_happened_is_told() -> None:
    unresolved = "mail: Split-Brain detected but unresolved, dropping connection!"
    alpha = (
        Lane(
            "mail use",
            Kind.BANDS,
            (
                band(0, 3, "Secondary", Look.SECONDARY),
                band(3, 4, "Primary", Look.PRIMARY),
                band(4, 20, "Primary, mounted", Look.MOUNTED),
            ),
        ),
        Lane("mail writes", Kind.TICKS, (mark(5, "alpha-00001 on drbd0"),)),
        Lane("kernel", Kind.MARKS, (mark(4, "drbd0 mounted", Look.QUIET),)),
    )
    between = (
        Lane(
            "story",
            Kind.MARKS,
            (
                mark(0, "link cut", Look.ALARM),
                mark(3, "alpha: drbdadm primary mail"),
                mark(6, "link restored"),
            ),
        ),
        Lane(
            "link",
            Kind.BANDS,
            (band(0, 6, "cut", Look.STANDALONE), band(6, 20, "up", Look.HEALTHY)),
        ),
    )
    command = "drbdadm connect --discard-my-data mail (run by pass 735)"
    beta = (
        Lane(
            "mail connection",
            Kind.BANDS,
            (
                band(0, 1, "Connected", Look.HEALTHY),
                band(1, 2, "NetworkFailure", Look.WAITING),
                band(2, 8, "WFConnection", Look.WAITING),
                band(8, 13, "StandAlone", Look.STANDALONE),
                band(13, 20, "SyncTarget", Look.SYNCING),
            ),
        ),
        Lane("kernel", Kind.MARKS, (mark(7, unresolved, Look.ALARM),)),
        Lane(
            "passes",
            Kind.MARKS,
            (
                Span(
                    10,
                    14,
                    "exit 3, 4.0 s",
                    Look.ALARM,
                    "pass 735 (reconcile --json): exit 3, 4.0 s",
                ),
            ),
        ),
        Lane(
            "drbdadm by a pass",
            Kind.MARKS,
            (mark(12, "connect --discard-my-data mail", detail=command),),
        ),
        Lane(
            "decided",
            Kind.MARKS,
            (
                mark(15, "mail: reconnect-standby, held by evidence, grace"),
                mark(20, "db: healthy", Look.QUIET),
            ),
        ),
    )

    assert history(SPLIT) == History(
        20, (Group("alpha", alpha), Group("between", between), Group("beta", beta))
    )


def test_a_role_that_never_changed_is_told_by_the_peer() -> None:
    told = history(
        [
            kernel(
                0, "alpha", "drbd mail: peer( Primary -> Unknown ) conn( Connected -> TearDown )"
            ),
            kernel(2, "beta", "drbd mail: conn( Connected -> NetworkFailure ) "),
            kernel(4, "beta", "block drbd0: disk( UpToDate -> Outdated ) "),
            noted(5, "beta", "saw nothing"),
        ]
    )

    assert bands(told, "beta", "mail use") == [
        (0, 4, "Primary", Look.PRIMARY),
        (4, 5, "Primary, Outdated", Look.PRIMARY),
    ]
    assert bands(told, "alpha", "mail use") == []


def test_minors_of_a_resource_that_differ_are_all_named_and_the_worst_gives_the_colour() -> None:
    told = history(
        [
            kernel(0, "alpha", "drbd db: conn( WFConnection -> WFReportParams ) "),
            kernel(1, "alpha", "block drbd1: conn( WFReportParams -> Connected ) "),
            kernel(2, "alpha", "block drbd2: conn( WFReportParams -> SyncSource ) "),
            kernel(3, "alpha", "block drbd1: role( Secondary -> Primary ) "),
            kernel(4, "alpha", "EXT4-fs (drbd2): mounted filesystem 1234 r/w"),
            kernel(6, "alpha", "EXT4-fs (drbd2): unmounting filesystem."),
            noted(8, "alpha", "saw nothing"),
        ]
    )

    assert bands(told, "alpha", "db connection") == [
        (0, 1, "WFReportParams", Look.WAITING),
        (1, 2, "Connected/WFReportParams", Look.WAITING),
        (2, 8, "Connected/SyncSource", Look.SYNCING),
    ]
    assert bands(told, "alpha", "db use") == [
        (0, 3, "Secondary", Look.SECONDARY),
        (3, 4, "Primary", Look.PRIMARY),
        (4, 6, "Primary, 1 of 2 mounted", Look.MOUNTED),
        (6, 8, "Primary", Look.PRIMARY),
    ]


def test_a_crash_ends_states_and_passes_until_drbd_is_up_again() -> None:
    told = history(
        [
            noted(0, "beta", "pass 700 reconcile --json"),
            kernel(
                1, "beta", "block drbd0: role( Secondary -> Primary ) conn( Connected -> Ahead )"
            ),
            Event(2, "beta", Source.FAULT, "node crashed"),
            Event(2.5, "beta", Source.STORY, "crashed"),
            kernel(2.6, "beta", "drbd mail: conn( Connected -> Late ) "),
            kernel(4, "beta", "Linux version 6.1.0-56-amd64"),
            kernel(6, "beta", "block drbd0: disk( Diskless -> Attaching ) "),
            Event(6.5, "beta", Source.STORY, "booted"),
            kernel(7, "beta", "block drbd0: disk( Attaching -> UpToDate ) "),
            kernel(8, "beta", "drbd mail: conn( StandAlone -> Unconnected ) "),
            noted(9, "beta", "ended 900 0 0.500"),
            noted(10, "beta", "pass 901 reconcile"),
            noted(12, "beta", "saw nothing"),
        ]
    )

    assert bands(told, "beta", "mail connection") == [
        (0, 1, "Connected", Look.HEALTHY),
        (1, 2, "Ahead", Look.SYNCING),
        (2, 4, "off", Look.ABSENT),
        (4, 6, "not up", Look.ABSENT),
        (6, 8, "StandAlone", Look.STANDALONE),
        (8, 12, "Unconnected", Look.WAITING),
    ]
    assert bands(told, "beta", "mail use") == [
        (0, 1, "Secondary", Look.SECONDARY),
        (1, 2, "Primary", Look.PRIMARY),
        (2, 4, "off", Look.ABSENT),
        (4, 6, "not up", Look.ABSENT),
        (6, 7, "Secondary, Attaching", Look.SECONDARY),
        (7, 12, "Secondary", Look.SECONDARY),
    ]
    assert [span.detail for span in lane(told, "beta", "passes")] == [
        "pass 700 (reconcile --json): crashed, 2.0 s",
        "pass 900 (its beginning is not recorded): exit 0, 0.5 s",
        "pass 901 (reconcile): not ended, 2.0 s",
    ]
    assert lane(told, "between", "story") == (
        mark(2, "beta: node crashed", Look.ALARM),
        mark(6.5, "beta: booted"),
    )


def test_a_boot_is_seen_without_its_first_line() -> None:
    told = history(
        [
            kernel(0, "beta", "drbd mail: conn( Connected -> NetworkFailure ) "),
            Event(1, "beta", Source.STORY, "crashed"),
            Event(2, "beta", Source.STORY, "booted"),
            kernel(3, "beta", "drbd mail: conn( StandAlone -> Unconnected ) "),
            noted(4, "beta", "saw nothing"),
        ]
    )

    assert bands(told, "beta", "mail connection") == [
        (0, 1, "NetworkFailure", Look.WAITING),
        (1, 2, "off", Look.ABSENT),
        (2, 3, "not up", Look.ABSENT),
        (3, 4, "Unconnected", Look.WAITING),
    ]


def test_faults_of_the_link_add_up_until_it_is_restored() -> None:
    said = ("loses 20 %", "loses 30 %", "cut one way, from alpha", "cut", "restored", "restored")
    told = history(
        [
            Event(at_s, "", Source.STORY if text == "restored" else Source.FAULT, f"link {text}")
            for at_s, text in enumerate(said, 1)
        ]
    )

    assert bands(told, "between", "link") == [
        (0, 1, "loses 20 %", Look.WAITING),
        (1, 2, "loses 30 %", Look.WAITING),
        (2, 3, "loses 30 %, cut one way, from alpha", Look.WAITING),
        (3, 4, "cut", Look.STANDALONE),
        (4, 5, "up", Look.HEALTHY),
    ]


def test_what_the_link_was_before_it_was_restored_is_not_known() -> None:
    told = history(
        [
            noted(0, "alpha", "saw nothing"),
            Event(3, "", Source.STORY, "link restored"),
            noted(9, "alpha", "saw nothing"),
        ]
    )

    assert bands(told, "between", "link") == [
        (0, 3, "not known", Look.ABSENT),
        (3, 9, "up", Look.HEALTHY),
    ]


def test_a_recording_may_call_other_resources_and_minors_so() -> None:
    told = history([kernel(0, "n", "block drbd7: conn( Connected -> X ) "), SPLIT[0]], {7: "web"})

    assert bands(told, "n", "web connection") == [(0, 100, "X", Look.WAITING)]


# -- the picture ------------------------------------------------------------------------------


def texts(svg: str) -> list[str]:
    """Return the texts that are seen without a pointer."""
    return [element.text or "" for element in ElementTree.fromstring(svg).iter(f"{SVG}text")]


def details(svg: str) -> list[str]:
    """Return what a pointer is shown."""
    return [element.text or "" for element in ElementTree.fromstring(svg).iter(f"{SVG}title")]


def test_the_picture_names_what_happened() -> None:
    svg = draw(SPLIT, title="Both were Primary")

    assert {
        "Both were Primary",
        "alpha",
        "beta",
        "mail connection",
        "WFConnection",
        "StandAlone",
        "Primary, mounted",
        "exit 3, 4.0 s",
        "connect --discard-my-data mail",
        "link restored",
        "alpha: drbdadm primary mail",
        "cut",
        "20 s",
    } <= set(texts(svg))
    assert "5.000 s: alpha-00001 on drbd0" in details(svg)
    assert "8.000 to 13.000 s: StandAlone" in details(svg)


def test_alpha_is_above_the_link_and_the_link_above_beta() -> None:
    tops = {
        element.text: float(element.attrib["y"])
        for element in ElementTree.fromstring(draw(SPLIT, title="")).iter(f"{SVG}text")
    }

    assert tops["alpha"] < tops["link"] < tops["beta"]


def test_what_the_last_event_led_to_is_seen() -> None:
    svg = draw([*SPLIT, Event(121, "", Source.FAULT, "link cut")], title="t")
    (last,) = [
        group.find(f"{SVG}rect")
        for group in ElementTree.fromstring(svg).iter(f"{SVG}g")
        if group.findtext(f"{SVG}title") == "21.000 s: cut"
    ]

    assert last is not None
    assert float(last.attrib["width"]) > 20


def test_the_picture_needs_nothing_else() -> None:
    svg = draw(SPLIT, title="t")
    root = ElementTree.fromstring(svg)

    assert {element.tag.removeprefix(SVG) for element in root.iter()} == {
        *("svg", "defs", "pattern", "path", "rect", "line", "g", "title", "text"),
    }
    values = [value for element in root.iter() for value in element.attrib.values()]
    assert not [value for value in values if "//" in value]
    assert {value for value in values if "url(" in value} == {"url(#waiting)"}


def test_any_text_is_escaped() -> None:
    hostile = "<script>&\"']]>\x00\x1b\x7f\ud800"
    events = [
        Event(0, "<&\x00", Source.STORY, hostile),
        Event(1, "<&\x00", Source.NODE, f"pass 1 {hostile}"),
        Event(2, "<&\x00", Source.NODE, f"drbdadm 2 1 {hostile}"),
    ]
    svg = draw(events, title=hostile)

    assert "<script" not in svg
    assert "<script>&\"']]>\ufffd\ufffd\x7f\ufffd" in texts(svg)
    assert "<&\ufffd" in texts(svg)
    svg.encode()


def many(count: int) -> list[Event]:
    """Return events of every kind, `count` of each."""
    states = itertools.cycle(("Connected", "StandAlone"))
    events = []
    for number in range(count):
        before, after = next(states), next(states)
        if number % 2:
            before, after = after, before
        at_s = number / 10
        events += [
            kernel(at_s, "alpha", f"drbd mail: conn( {before} -> {after} ) "),
            noted(at_s, "alpha", f"pass {number} reconcile"),
            noted(at_s, "alpha", f"drbdadm 1 {number} connect mail"),
            noted(at_s, "alpha", f"wrote 0 alpha-{number:05d}"),
            noted(at_s, "alpha", f"decided mail hold {'gate ' * 400}"),
            noted(at_s + 0.01, "alpha", f"ended {number} 0 0.010"),
            Event(at_s, "", Source.FAULT, "link cut"),
            Event(at_s + 0.05, "", Source.STORY, "link restored"),
        ]
    return events


def test_a_long_recording_gives_a_bounded_picture_that_tells_what_is_left_out() -> None:
    svg = draw(many(10_000), title="long")

    assert len(details(svg)) == 7 * MARKS_PER_LANE  # connection, writes, 3 of passes, story, link
    assert texts(svg).count("+9600 more") == 5
    assert texts(svg).count("+19600 more") == 2
    assert max(map(len, details(svg))) <= 500
    assert len(svg) < 2_000_000
    assert ("0.000 s: alpha-00000 on drbd0" in svg, "alpha-09999 on drbd0" in svg) == (True, True)


def test_labels_of_a_lane_do_not_cover_each_other() -> None:
    svg = draw(many(40), title="crowded")
    rows: dict[float, list[tuple[float, float]]] = {}
    for group in ElementTree.fromstring(svg).iter(f"{SVG}g"):
        for label in group.iter(f"{SVG}text"):
            x, width = float(label.attrib["x"]), 6 * len(label.text or "")
            left = x if label.attrib["text-anchor"] == "start" else x - width
            rows.setdefault(float(label.attrib["y"]), []).append((left, left + width))

    assert rows
    for row in map(sorted, rows.values()):
        assert all(end <= start for (_, end), (start, _) in itertools.pairwise(row))
        assert all(start >= 0 and end <= WIDTH_PX for start, end in row)


def test_the_same_events_give_the_same_picture() -> None:
    assert draw(many(50), title="t") == draw(many(50), title="t")


@pytest.mark.parametrize("text", ["", "pass", "ended 1", "wrote x y", "drbdadm", "decided mail"])
@pytest.mark.parametrize("source", list(Source))
def test_a_line_that_was_cut_short_does_no_harm(source: Source, text: str) -> None:
    ElementTree.fromstring(draw([Event(7, "alpha", source, text)], title="t"))


def test_without_events_the_picture_says_so() -> None:
    assert texts(draw([], title="<empty>")) == ["<empty>", "nothing was recorded"]
