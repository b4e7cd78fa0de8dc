"""The whole page: well-formed, bounded, and harmless whatever the names are."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from connector.decide.context import Context
from connector.decide.policy import decide
from connector.memory.history import Command, Entry, Told, ToldOutcome
from connector.model import (
    Action,
    ActionKind,
    ConnectionState,
    Decision,
    DecisionName,
    Gate,
    GateName,
    Use,
    UseKind,
)
from connector.report.page.order import MOST_DRAWN, MOST_LISTED
from connector.report.page.page import HEADERS, REFRESH_S, failure, page
from connector.report.page.past import Past
from connector.report.page.samples import INTERVAL_S, MOST_SAMPLES, Samples
from connector.report.page.view import PageView
from connector.report.passes import ResourceReport
from tests import builders
from tests.report.page import example
from tests.report.page.reading import (
    HOSTILE,
    SHOWN,
    elements_as_html,
    elements_as_xml,
    root_of,
    with_class,
    words,
)

C = ConnectionState
ANY_TEXT = st.text(st.characters(exclude_categories=())) | st.sampled_from(
    ["</title>", "</style>", "<!--", "--></svg>", "<![CDATA[", "&lt;", "&#0;", '" onload="x', "]]>"]
)


def saying(text: str) -> PageView:
    """A page with this text in each place that takes text from outside."""
    uses = [Use(UseKind.MOUNT, text)]
    seen = builders.resource(
        text,
        connection=C.STANDALONE,
        volumes=[builders.volume(used_by=uses)],
        evidence=example.resources()[2].evidence,
        doubts=[text],
    )
    action = Action(ActionKind.CONNECT, text, seen.picture)
    decision = Decision(
        text,
        DecisionName.UNKNOWN,
        text.replace("`", ""),  # between backticks is a command, on purpose
        actions=(action,),
        gates=(Gate(GateName.DISK, text, True),),
        needs_operator=True,
    )
    item = builders.resource_report(seen, decision=decision)
    ran = ToldOutcome(text, text, text, text, (Command((text, text), text),))
    samples = Samples()
    samples.note(0.0, [item])
    samples.note(INTERVAL_S, [item])
    return PageView(
        node=text,
        now_wall_s=example.NOW_WALL_S,
        now_boot_s=60.0,
        resources=(item, *[builders.resource_report(builders.resource(text))] * MOST_DRAWN),
        driver=text,
        messages=(text,),
        samples=samples.kept(),
        past=Past((Entry(0.0, resources=(Told(text, text, outcome=ran),)),), text or "x"),
        version=text,
    )


def test_it_is_one_well_formed_document_in_english() -> None:
    text = page(example.view())
    assert text.startswith("<!DOCTYPE html>\n<html")
    root = root_of(text)
    assert (root.tag, root.get("lang")) == ("html", "en")
    metas = [dict(meta.attrib) for meta in root.iter("meta")]
    assert {"charset": "utf-8"} in metas
    assert {"http-equiv": "refresh", "content": str(REFRESH_S)} in metas
    assert {"name": "viewport", "content": "width=device-width, initial-scale=1"} in metas
    assert root.findtext("head/title") == "1 operator needed - alpha - connector"


def test_headings_are_in_order_and_pictures_have_words() -> None:
    root = root_of(page(example.view()))
    levels = [int(element.tag[1]) for element in root.iter() if element.tag in ("h1", "h2", "h3")]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    pictures = [*with_class(root, "pair"), *with_class(root, "sparkline")]
    assert len(pictures) == 8
    for picture in pictures:
        assert picture.get("role") == "img"
        assert len(picture.get("aria-label", "")) > 10


def test_the_four_of_the_example_in_the_order_of_their_urgency() -> None:
    root = root_of(page(example.view()))
    assert [words(heading) for heading in root.iter("h2")] == [
        "Operator needed: 1 resource",
        "Not settled: 2 resources",
        "Healthy: 1 resource",
    ]
    assert [words(heading[0]) for heading in root.iter("h3")] == [
        "projects",
        "mail",
        "backup",
        "home",
    ]
    assert not with_class(root, "crowded")


def test_no_script_no_style_attribute_and_nothing_from_elsewhere() -> None:
    root = root_of(page(example.view()))
    allowed = {"html", "head", "meta", "title", "style", "body", "header", "main", "section"}
    allowed |= {"article", "div", "span", "p", "b", "h1", "h2", "h3", "ul", "ol", "li", "a"}
    allowed |= {"dl", "dt", "dd", "code", "svg", "rect", "line", "path", "circle", "text"}
    assert {element.tag for element in root.iter()} <= allowed
    links = [element.get("href") for element in root.iter() if element.get("href")]
    assert links == ["metrics"]
    for element in root.iter():
        assert not {"style", "src", "srcset", "action", "data"} & element.attrib.keys()
        assert not [name for name in element.attrib if name.startswith("on")]


def test_the_policy_allows_one_style_sheet_and_nothing_else() -> None:
    policy = HEADERS["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy
    assert "http" not in policy


def test_no_resources_and_none_that_could_be_told() -> None:
    nothing = "No DRBD resources are up or configured here."
    view = replace(example.view(), resources=())
    assert nothing in words(root_of(page(view)))
    said = words(root_of(page(replace(view, messages=("the names are not known",)))))
    assert "the names are not known" in said
    assert nothing not in said


def test_hostile_names_come_out_harmless() -> None:
    text = page(saying(HOSTILE))
    assert "<script" not in text
    said = words(root_of(text))
    for place in ("h1", "h3", "title"):
        assert any(SHOWN in words(element) for element in root_of(text).iter(place))
    assert said.count(SHOWN) > 8
    assert not set(text) & set("\x00\x1b\x7f\x85\u202e\ud800\ufffe")
    text.encode()


@settings(max_examples=60, deadline=None)
@given(ANY_TEXT)
def test_any_text_gives_the_same_page_but_for_the_text(text: str) -> None:
    made = page(saying(text))
    # A strict parser and a lenient one see the same elements, and those of a tame name.
    assert elements_as_xml(made) == elements_as_html(made) == _TAME
    made.encode()


_TAME = elements_as_xml(page(saying("x")))


@settings(max_examples=60, deadline=None)
@given(ANY_TEXT, ANY_TEXT)
def test_a_failure_is_one_page_whatever_its_words(sentence: str, node: str) -> None:
    made = failure(sentence, node)
    assert elements_as_xml(made) == elements_as_html(made) == _TAME_FAILURE


_TAME_FAILURE = elements_as_xml(failure("x", "x"))


def test_a_failure_says_why_and_looks_again() -> None:
    root = root_of(failure("there is no DRBD here", "alpha"))
    assert [words(element) for element in root.iter("h1")] == ["alpha"]
    assert [words(element) for element in root.iter("h2")] == ["The look at DRBD failed"]
    assert "there is no DRBD here" in words(root)
    assert root.findtext("head/title") == "look failed - alpha - connector"
    assert any(meta.get("http-equiv") == "refresh" for meta in root.iter("meta"))


def many(number: int, *, needy: int, waiting: int) -> tuple[ResourceReport, ...]:
    """So many resources, the healthy ones first."""
    found = []
    for place in range(number):
        left = number - place
        seen = builders.resource(f"resource-{place:04}")
        if left <= needy:
            seen = replace(example.resources()[2], name=seen.name)
        elif left <= needy + waiting:
            seen = replace(example.resources()[3], name=seen.name)
        found.append(builders.resource_report(seen, decision=decide(seen, Context())))
    return tuple(found)


def crowded(items: tuple[ResourceReport, ...]) -> PageView:
    """A page with all the samples that there can be."""
    samples = Samples()
    for number in range(MOST_SAMPLES):
        samples.note(number * INTERVAL_S, items)
    now_boot_s = MOST_SAMPLES * INTERVAL_S
    return replace(example.view(), resources=items, samples=samples.kept(), now_boot_s=now_boot_s)


def test_a_thousand_resources_are_bounded_and_it_says_so() -> None:
    text = page(crowded(many(1000, needy=30, waiting=100)))
    assert len(text.encode()) < 500_000
    root = root_of(text)
    assert len(list(root.iter("article"))) == MOST_DRAWN
    assert len(list(root.iter("tbody"))) == 2
    rows = [row for body in root.iter("tbody") for row in body]
    assert len(rows) == 1000 - MOST_DRAWN
    assert [words(note) for note in with_class(root, "crowded")] == [
        "50 of 1000 resources are drawn, the most urgent ones; tables have the rest."
    ]
    assert [words(caption) for caption in root.iter("caption")] == [
        "80 resources without a drawing: a page has at most 50 of them",
        "870 resources without a drawing: a page has at most 50 of them",
    ]
    first = [words(heading[0]) for heading in root.iter("h3")][:31]
    assert first == [f"resource-{place:04}" for place in (*range(970, 1000), 870)]


def test_more_than_a_page_can_list_are_counted() -> None:
    items = many(MOST_LISTED + 10, needy=0, waiting=0)
    text = page(replace(example.view(), resources=items))
    assert "10 more are not shown" in text
    assert len(text.encode()) < 1_000_000


def test_the_worst_names_and_volumes_are_bounded_too() -> None:
    name = "\"<&'" * 5000
    uses = [Use(UseKind.MOUNT, name)] * 50
    volumes = [
        builders.volume(builders.device(number), number=number, used_by=uses)
        for number in range(100)
    ]
    gates = tuple(Gate(gate, name, True) for gate in GateName)
    decision = Decision(name, DecisionName.UNKNOWN, name, gates=gates, needs_operator=True)
    item = builders.resource_report(
        builders.resource(name, volumes=volumes), decision=decision, paused=True
    )
    view = replace(saying(name), resources=(item,) * 1000, messages=(name,) * 1000)
    assert len(page(view).encode()) < 3_000_000
