"""The pieces that everything on the page is made of."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from connector.report.page.markup import LONGEST_NAME, Markup, joined, name_of, sentence, tag
from tests.report.page.reading import HOSTILE, SHOWN, part, words

ANY_TEXT = st.text(st.characters(exclude_categories=()))


def test_an_element_with_attributes_and_children() -> None:
    made = tag("p", "a ", tag("b", "bold"), class_="small", aria_label="x", title=None, x1=3)
    assert made == '<p class="small" aria-label="x" x1="3">a <b>bold</b></p>'


def test_elements_without_an_end_are_closed_as_xml_wants_it_and_others_never_are() -> None:
    assert tag("meta", charset="utf-8") == '<meta charset="utf-8"/>'
    assert tag("td") == "<td></td>"


def test_what_is_not_markup_is_escaped_wherever_it_stands() -> None:
    made = tag("p", HOSTILE, joined([HOSTILE]), title=HOSTILE)
    paragraph = part(made)[0]
    assert paragraph.get("title") == SHOWN
    assert words(paragraph) == SHOWN * 2
    assert len(paragraph) == 0


def test_markup_is_escaped_only_once() -> None:
    assert joined(tag("b", "<"), Markup("<i>x</i>")) == "<b>&lt;</b><i>x</i>"


@given(ANY_TEXT)
def test_any_text_comes_back_but_for_what_cannot_be_shown(text: str) -> None:
    expected = "".join(c if c.isprintable() else "\ufffd" for c in text)
    assert words(part(tag("p", text))) == expected
    assert part(tag("p", title=text))[0].get("title") == expected


def test_lengths_are_bounded() -> None:
    assert len(name_of("x" * 1000)) == LONGEST_NAME
    assert name_of("x" * LONGEST_NAME) == "x" * LONGEST_NAME
    assert len(sentence("x" * 10_000)) < 1000
