"""Takes secrets out of DRBD's configuration: its files (drbd.conf(5)) and `drbdadm dump-xml`."""

from __future__ import annotations

import re
from xml.etree.ElementTree import Element, ParseError, fromstring, tostring

from connector.bundle.redact import SECRET_NAME, Redacted, Taking, free_text

# A comment, a quoted string (drbdadm_scanner.fl DQSTRING), one that is not closed on its line,
# a word, an end of a statement, other punctuation, blanks.
_TOKEN = re.compile(
    r'(?P<comment>#[^\n]*)|(?P<quoted>"(?:[^"\\\n]|\\[^\n])*")|(?P<open>"[^\n]*)'
    r'|(?P<word>[^\s"#;{}]+)|(?P<end>;)|(?P<other>[{}])|(?P<blank>\s+)'
)
# An option's name, and no path of a file that has such a word in it.
_OPTION = re.compile(r"-{0,2}[A-Za-z][\w-]*")
# What comes after these is a name that somebody chose.
_NAMING = frozenset({"resource", "on", "common", "host"})
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


def drbd_files_text(text: str) -> Redacted:
    """A file of drbd.conf's language without comments and without the values of secret options.

    From a secret option on everything goes, up to the semicolon that ends a statement. From a line
    on which a quote is not closed, the rest of the file goes: what is inside of quotes there, and
    what outside, cannot be said.
    """
    taking = Taking()
    kept: list[str] = []
    before = ""
    in_secret = False
    for token in _TOKEN.finditer(text):
        kind, word = token.lastgroup, token[0]
        if kind == "comment":
            taking.removed["comment"] += 1
            taking.secrets.update(free_text(word).secrets)
        elif kind == "open" or (kind == "quoted" and _is_odd(word, text[token.end() :][:1])):
            whole = "".join(kept).rpartition("\n")[0]
            if in_secret:
                taking.secrets.add(_unquoted(word).strip())
            return taking.done(f"{whole}\n(the rest is removed: a quote is not closed)\n")
        elif in_secret:
            in_secret = kind != "end" or not _ends_statement(text, token.end())
            kept.append("" if in_secret else ";")
            taking.secrets.update({_unquoted(word).strip()} - {"", ";"})
        elif kind == "blank":
            kept.append(word)
        else:
            in_secret = kind in ("word", "quoted") and _is_secret(word, before)
            kept.append(_kept(word, kind, taking))
            if in_secret:
                kept.append(f" {taking.take(_unquoted(word)[:40])}")
            before = word
    return taking.done("".join(kept))


def _kept(word: str, kind: str | None, taking: Taking) -> str:
    """A word outside of a secret's statement; what is in quotes may be a command."""
    inner = _unquoted(word)
    freed = taking.free(inner)
    if freed == inner or kind != "quoted":
        return word if freed == inner else freed
    return '"' + re.sub(r'(["\\])', r"\\\1", freed) + '"'


def _is_odd(quoted: str, following: str) -> bool:
    """What stands in quotes here may be outside of them: there is a quote too many before it."""
    return "shared-secret " in quoted or following not in ("", *" \t\r\n;{}#")


def _ends_statement(text: str, position: int) -> bool:
    """A semicolon in the middle of a word may be a part of a secret that lacks its quotes."""
    return position >= len(text) or text[position] in " \t\r\n}"


def _is_secret(word: str, before: str) -> bool:
    name = _unquoted(word)
    if name == "shared-secret":
        return True
    return bool(_OPTION.fullmatch(name) and SECRET_NAME.search(name)) and before not in _NAMING


def _unquoted(word: str) -> str:
    if not word.startswith('"'):
        return word
    return re.sub(r"\\(.)", r"\1", word[1:].removesuffix('"'))


def dump_xml_text(text: str) -> Redacted:
    """What `drbdadm dump-xml` prints, without comments and without the values of secret options.

    Raises:
        ValueError: it is no such XML; then nothing can be said about what is in it.
    """
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise ValueError("it has a DOCTYPE, which drbdadm never prints")
    try:
        root = fromstring(_LONE_SURROGATE.sub("\ufffd", text))  # noqa: S314 no DOCTYPE, no entities
    except (ParseError, ValueError, RecursionError) as error:
        place = getattr(error, "position", None)
        where = f" (line {place[0]})" if place else ""
        raise ValueError(f"it is not XML{where}") from error
    taking = Taking()
    for element in root.iter():
        _without_secrets(element, taking)
    return taking.done(tostring(root, encoding="unicode") + "\n")


def _without_secrets(element: Element, taking: Taking) -> None:
    """<option name="shared-secret" value="…"/>: the value goes, and any text."""
    tag = element.tag if SECRET_NAME.search(element.tag) else ""
    name = element.get("name", "") if element.tag == "option" else ""
    hidden = name if SECRET_NAME.search(name) else tag
    for attribute, value in element.attrib.items():
        secret = hidden if attribute != "name" else ""
        secret = secret or (attribute if SECRET_NAME.search(attribute) else "")
        new = taking.take(secret[:40], value) if secret else taking.free(value)
        element.set(attribute, new)
    if element.text and element.text.strip():
        text = element.text
        element.text = taking.take(hidden[:40], text.strip()) if hidden else taking.free(text)
    if element.tail and element.tail.strip():
        element.tail = taking.free(element.tail)
