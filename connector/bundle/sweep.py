"""Looks for secrets that were found in one text in all the others."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from xml.sax.saxutils import escape

from connector.bundle.redact import REMOVED

ANYWHERE_CHARACTERS = 8
WORD_CHARACTERS = 4


def sweep(text: str, secrets: Iterable[str]) -> tuple[str, int]:
    """The text without secrets that were found elsewhere, however escaped, and how many there were.

    One of 8 characters and more is removed wherever it stands, one of 4 to 7 where it is a word of
    its own, a shorter one only between quotes: it would be in every number.
    """
    count = 0
    for secret in sorted(secrets, key=lambda word: (-len(word), word)):
        for form in sorted(_forms(secret), key=lambda word: (-len(word), word)):
            if form not in text or form in REMOVED:
                continue
            text, number = re.subn(_where(form), REMOVED, text)
            count += number
    return text, count


def _where(form: str) -> str:
    literal = re.escape(form)
    if len(form) >= ANYWHERE_CHARACTERS:
        return literal
    if len(form) >= WORD_CHARACTERS:
        return rf"(?<!\w){literal}(?!\w)"
    return rf"(?<=[\"'`]){literal}(?=[\"'])"


def _forms(secret: str) -> set[str]:
    """As it is, and as JSON, XML, a quoted word of drbd.conf and Python write it."""
    stripped = secret.strip()
    forms = {
        secret,
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        escape(secret),
        escape(secret, {'"': "&quot;"}),
        escape(secret, {'"': "&quot;", "'": "&apos;"}),
        re.sub(r'(["\\])', r"\\\1", secret),
        re.sub(r"\\(.)", r"\1", secret),
        repr(secret)[1:-1],
    }
    return {form for form in forms if form.strip()} | ({stripped} if stripped else set())
