"""The picture of an incident: what is seen in it, and that nothing can break it."""

from __future__ import annotations

import itertools
from dataclasses import replace
from xml.etree import ElementTree

from hypothesis import given, settings
from hypothesis import strategies as st

from connector.memory.history import Command, Entry, Told, ToldOutcome
from connector.report.history_svg import MAX_DRAWN, WIDTH_PX, draw
from connector.report.past_incidents import Ending, Incident, Step

SVG = "{http://www.w3.org/2000/svg}"
START_S = 1_795_593_600.0  # 2026-11-25 08:00:00
HOSTILE = "<script>&\"']]>\x00\x1b\x7f\u202e\ud800"
SHOWN = "<script>&\"']]>" + "\ufffd" * 5


def step(at_s: float, told: Told, *, duration_s: float = 10, by_person: bool = False) -> Step:
    return Step(Entry(START_S + at_s, duration_s, 0, by_person, (told,)), told)


def incident(*steps: Step) -> Incident:
    return Incident("mail", 1, Ending.CONNECTED, steps)


HELD = Told(
    "mail",
    connection="StandAlone",
    role="Primary",
    decision="demote-and-reconnect",
    gates=("mode", "grace"),
    reason="it waits for a person",
    needs_operator=True,
    outcome=ToldOutcome("nothing-done", "", "StandAlone", "Primary", ()),
)
DROPPED = replace(
    HELD,
    gates=(),
    needs_operator=False,
    outcome=ToldOutcome(
        "dropped",
        "the nodes met and parted again",
        "StandAlone",
        "Secondary",
        (Command(("drbdadm", "secondary", "mail"), "done"),),
    ),
)
HEALED = replace(
    DROPPED,
    role="Secondary",
    decision="reconnect-standby",
    outcome=ToldOutcome(
        "reconnected",
        "now Connected",
        "Connected",
        "Secondary",
        (Command(("drbdadm", "connect", "--discard-my-data", "mail"), "done"),),
    ),
)
STORY = incident(step(0, HELD), step(60, HELD), step(120, DROPPED), step(180, HEALED))


def root_of(svg: str) -> ElementTree.Element:
    return ElementTree.fromstring(svg)


def texts(svg: str) -> list[str]:
    """What is seen without a pointer."""
    return [element.text or "" for element in root_of(svg).iter(f"{SVG}text")]


def details(svg: str) -> list[str]:
    """What a pointer is shown."""
    return [group.findtext(f"{SVG}title") or "" for group in root_of(svg).iter(f"{SVG}g")]


def band(svg: str, words: str) -> ElementTree.Element:
    """The rectangle of the only thing whose detail has these words."""
    (found,) = (
        group
        for group in root_of(svg).iter(f"{SVG}g")
        if words in (group.findtext(f"{SVG}title") or "")
    )
    rect = found.find(f"{SVG}rect")
    assert rect is not None
    return rect


def test_it_tells_what_happened() -> None:
    svg = draw(STORY, "beta")
    title = (
        "mail on beta: 2026-11-25 08:00:00 to 2026-11-25 08:03:10 UTC, 4 entries, Connected again"
    )
    assert set(texts(svg)) >= {
        title,
        *("connection", "role", "decision", "operator", "commands"),
        *("StandAlone", "Connected", "Primary", "Secondary"),
        *("demote-and-reconnect", "held by mode, grace"),
        "operator needed",
        "secondary: done; dropped",
        "connect --discard-my-data: done; reconnected",
        *("08:00:00", "08:03:00", "2026-11-25"),
        "All times are UTC; between two passes: as last seen",
    }
    assert set(details(svg)) >= {
        "2026-11-25 08:00:00 to 2026-11-25 08:03:10: StandAlone",
        "2026-11-25 08:00:00 to 2026-11-25 08:02:00: demote-and-reconnect held by mode, grace "
        "it waits for a person",
        "2026-11-25 08:02:00: secondary: done; dropped; the nodes met and parted again",
    }


def test_the_colours_say_the_same() -> None:
    svg = draw(STORY, "beta")
    red, green = "#b3261e", "#a5dcb8"
    assert band(svg, "operator needed").attrib["fill"] == red
    assert band(svg, ": StandAlone").attrib["fill"] == red
    assert band(svg, ": Connected").attrib["fill"] == green
    assert band(svg, "; dropped").attrib["fill"] == red
    assert band(svg, "; reconnected").attrib["fill"] != red
    assert band(svg, "held by").attrib["fill"] == "url(#striped)"


def test_an_operator_is_needed_from_the_end_of_a_pass_to_the_end_of_another() -> None:
    words = "2026-11-25 08:00:10 to 2026-11-25 08:02:10: operator needed"
    assert words in details(draw(STORY, "beta"))
    unneeded = incident(step(0, DROPPED), step(60, HEALED))
    assert not [text for text in details(draw(unneeded, "beta")) if "operator" in text]


def test_what_the_journal_does_not_say_is_shown_as_not_known() -> None:
    svg = draw(incident(step(0, Told("mail"), duration_s=0)), "beta")
    assert texts(svg).count("not known") == 3 + 1  # and once in the legend
    unheard_of = replace(HELD, connection="Teleporting")
    assert band(draw(incident(step(0, unheard_of)), "b"), "Teleporting").attrib["fill"] != "#ececec"


def test_a_person_is_seen_and_hides_no_state() -> None:
    told = Told("mail", outcome=ToldOutcome("reconnected", commands=HEALED.outcome.commands))
    svg = draw(incident(step(0, HELD), step(60, told, by_person=True)), "beta")
    assert "a person: connect --discard-my-data: done; reconnected" in texts(svg)
    assert "connector recover" in texts(svg)
    # Both go on to the right edge, past what the person did.
    assert {text for text in details(svg) if "to 2026-11-25 08:01:17: " in text} >= {
        "2026-11-25 08:00:00 to 2026-11-25 08:01:17: StandAlone",
        "2026-11-25 08:00:10 to 2026-11-25 08:01:17: operator needed",
    }
    assert not [text for text in details(svg) if "not known" in text]


def test_it_can_be_read_by_who_does_not_see_it() -> None:
    root = root_of(draw(STORY, "beta"))
    title = root.findtext(f"{SVG}title")
    assert root[0].tag == f"{SVG}title"
    assert title is not None
    assert title.startswith("mail on beta: ")
    assert (root.attrib["role"], root.attrib["aria-label"]) == ("img", title)


def test_it_needs_nothing_else() -> None:
    root = root_of(draw(STORY, "beta"))
    assert {element.tag.removeprefix(SVG) for element in root.iter()} == {
        *("svg", "title", "defs", "pattern", "path", "rect", "g", "text"),
    }
    values = [value for element in root.iter() for value in element.attrib.values()]
    assert not [value for value in values if "//" in value]
    assert {value for value in values if "url(" in value} == {"url(#striped)"}
    assert not [name for element in root.iter() for name in element.attrib if name[:2] == "on"]
    assert root.attrib["font-family"] == "sans-serif"
    assert root.attrib["width"] == str(WIDTH_PX)


def test_any_words_may_be_in_the_journal() -> None:
    outcome = ToldOutcome(HOSTILE, HOSTILE, HOSTILE, HOSTILE, (Command((HOSTILE,) * 2, HOSTILE),))
    told = Told(HOSTILE, HOSTILE, HOSTILE, HOSTILE, (HOSTILE,), HOSTILE, outcome=outcome)
    hostile = replace(incident(step(0, told), step(600, told)), resource=HOSTILE)
    svg = draw(hostile, HOSTILE)
    root = root_of(svg)
    assert "<script" not in svg
    assert root.attrib["aria-label"].startswith(f"{SHOWN} on {SHOWN}: ")
    assert f"held by {SHOWN}" in texts(svg)
    assert SHOWN in texts(svg)
    svg.encode()


def many(count: int, at_s: float = 60) -> Incident:
    """Passes of which each says something new and long."""
    states = itertools.cycle(["StandAlone", "WFConnection"])
    return incident(
        *(
            step(number * at_s, replace(HEALED, connection=next(states), reason="why " * 500))
            for number in range(count)
        )
    )


def test_a_long_incident_gives_a_picture_of_the_same_size() -> None:
    short, long = draw(many(MAX_DRAWN), "beta"), draw(many(5000), "beta")
    assert "entries are not drawn" not in short
    assert [text for text in texts(long) if f"; {5000 - MAX_DRAWN} of 5000 entries are not" in text]
    assert len([text for text in details(long) if "; reconnected" in text]) == MAX_DRAWN
    assert root_of(long).attrib["height"] == root_of(draw(STORY, "beta")).attrib["height"]
    assert max(len(draw(many(count), "beta")) for count in (60, 61, 5000)) < 150_000
    assert max(map(len, details(long))) <= 400


def test_what_is_left_out_of_the_middle_is_shown_as_such() -> None:
    not_drawn = [text for text in details(draw(many(100), "beta")) if "not drawn" in text]
    # In each lane of states, and none of them goes on as if it had been seen.
    assert len(not_drawn) == 4
    assert {text[:20] for text in not_drawn} == {"2026-11-25 08:29:10 "}
    # Whether an operator is needed is known at the end of the pass that comes next.
    assert {text.partition(" to ")[2] for text in not_drawn} == {
        "2026-11-25 09:10:00: not drawn",
        "2026-11-25 09:10:10: not drawn",
    }


def test_days_of_the_same_are_one_band() -> None:
    days = incident(*(step(number * 60, HELD) for number in range(4320)))
    svg = draw(days, "beta")
    assert [text for text in texts(svg) if "4318 of 4320 entries are not drawn" in text]
    (band_,) = (text for text in details(svg) if "held by" in text)
    assert band_.startswith("2026-11-25 08:00:00 to 2026-11-28")
    assert {"2026-11-25", "2026-11-26", "2026-11-27", "2026-11-28"} <= set(texts(svg))


def test_labels_do_not_cover_each_other() -> None:
    svg = draw(many(40), "beta")
    rows: dict[str, list[tuple[float, float]]] = {}
    for group in root_of(svg).iter(f"{SVG}g"):
        if group.find(f"{SVG}path") is not None:
            label = group.find(f"{SVG}text")
            assert label is not None
            x, width = float(label.attrib["x"]), 6 * len(label.text or "")
            left = x if label.attrib["text-anchor"] == "start" else x - width
            rows.setdefault(label.attrib["y"], []).append((left, left + width))
    assert len(rows) > 1
    for row in map(sorted, rows.values()):
        assert all(end <= start for (_, end), (start, _) in itertools.pairwise(row))
        assert all(start >= 0 and end <= WIDTH_PX for start, end in row)


def test_a_clock_that_was_set_back_is_noted_and_no_band_is_turned_round() -> None:
    svg = draw(incident(step(600, HELD), step(0, DROPPED), step(60, HEALED)), "beta")
    assert [text for text in texts(svg) if text.endswith("; the clock was set back in between")]
    bands = [text.split(": ")[0].split(" to ") for text in details(svg) if " to " in text[:30]]
    assert len(bands) > 5
    assert all(begin <= end for begin, end in bands)
    assert "the clock" not in draw(STORY, "beta")


def test_the_same_incident_gives_the_same_picture() -> None:
    assert draw(many(50), "beta") == draw(many(50), "beta")


def test_the_last_second_that_there_is() -> None:
    last = Step(Entry(253402300799.0, 366 * 86400, resources=(HELD,)), HELD)
    first = Step(Entry(0.0, resources=(HEALED,)), HEALED)
    for steps in ((last,), (first,), (first, last), (last, first)):
        root_of(draw(incident(*steps), "beta"))


WORDS = st.sampled_from(
    ["", "mail", "StandAlone", "Connected", "Primary", HOSTILE, "long " * 99, "\n" * 99]
)
TOLD = st.builds(
    Told,
    name=WORDS,
    connection=st.none() | WORDS,
    role=st.none() | WORDS,
    decision=st.none() | WORDS,
    gates=st.none() | st.lists(WORDS, max_size=3).map(tuple),
    reason=st.none() | WORDS,
    needs_operator=st.none() | st.booleans(),
    outcome=st.builds(
        ToldOutcome,
        kind=st.none() | WORDS,
        connection=st.none() | WORDS,
        role=st.none() | WORDS,
        commands=st.none()
        | st.lists(st.builds(Command, st.lists(WORDS, max_size=4).map(tuple))).map(tuple),
    ),
)
STEPS = st.builds(
    step,
    st.sampled_from([0, 1, 30, 60, 3600, 86400, -86400, -START_S, 2e11]),
    TOLD,
    duration_s=st.sampled_from([0, 0.1, 50, 366 * 86400]),
    by_person=st.booleans(),
)


@settings(deadline=None)
@given(st.lists(STEPS, min_size=1, max_size=5))
def test_whatever_the_journal_says_is_a_picture(steps: list[Step]) -> None:
    root = root_of(draw(incident(*steps), "beta"))
    for element in root.iter(f"{SVG}rect"):
        assert float(element.attrib["width"]) > 0
        assert float(element.attrib["height"]) > 0
        assert float(element.attrib.get("x", 0)) + float(element.attrib["width"]) <= WIDTH_PX
    for element in root.iter(f"{SVG}text"):
        assert float(element.attrib["y"]) < float(root.attrib["height"])
