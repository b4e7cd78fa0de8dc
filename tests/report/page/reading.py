"""Reads a page back: strictly as XML, and as a browser's parser does."""

from __future__ import annotations

from html.parser import HTMLParser
from xml.etree import ElementTree

from connector.report.page.markup import Markup

Element = ElementTree.Element
# Control characters, markup, quotes, a bidirectional override, and half of a pair of surrogates.
HOSTILE = "<script>alert(1)</script>&\"'`]]>\x00\x1b\x7f\x85\u202e\ud800\ufffe"
SHOWN = "<script>alert(1)</script>&\"'`]]>" + "\ufffd" * 7


def root_of(text: str) -> Element:
    """The root element; ParseError where it is not well-formed."""
    return ElementTree.fromstring(text)


def part(markup: Markup) -> Element:
    """A piece of a page below an element that is not its own."""
    return root_of(f"<part>{markup}</part>")


def words(element: Element) -> str:
    """All text in it."""
    return "".join(element.itertext())


def with_class(root: Element, name: str) -> list[Element]:
    """Every element of this class."""
    return [element for element in root.iter() if name in element.get("class", "").split()]


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, tuple[str, ...]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, tuple(name for name, _ in attrs)))


def elements_as_html(text: str) -> list[tuple[str, tuple[str, ...]]]:
    """Each element with the names of its attributes, as a lenient parser of HTML sees them."""
    reader = _Reader()
    reader.feed(text)
    reader.close()
    return reader.elements


def elements_as_xml(text: str) -> list[tuple[str, tuple[str, ...]]]:
    """The same as an XML parser sees them; in lower case, as HTML has no other."""
    return [
        (element.tag.lower(), tuple(name.lower() for name in element.attrib))
        for element in root_of(text).iter()
    ]
