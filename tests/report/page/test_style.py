"""The style sheet: readable in both palettes, and nothing from elsewhere in it."""

from __future__ import annotations

import base64
import hashlib
import re

import pytest

from connector.report.page.style import CSS, CSS_SOURCE, DARK, LIGHT, STATES

# What is text, and on what it stands.
TEXT = [
    *((ink, ground) for ink in ("ink", "muted") for ground in ("ground", "card")),
    *((state, f"{state}-soft") for state in STATES),
    *((state, "card") for state in STATES),
    ("info", "ground"),
    ("ink", "warn-soft"),
    ("warn", "warn-soft"),
]
# Lines and outlines that carry a meaning; what only decorates (`edge`) need not be told apart.
GRAPHICS = [("strong", "ground"), ("strong", "card"), ("info", "info-soft")]


def luminance(color: str) -> float:
    """Relative luminance of #rrggbb (WCAG 2.2)."""
    parts = [int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, two: str) -> float:
    low, high = sorted((luminance(one), luminance(two)))
    return (high + 0.05) / (low + 0.05)


def test_the_measure_itself() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("palette", [LIGHT, DARK], ids=["light", "dark"])
def test_text_and_pictures_can_be_told_from_their_ground(palette: dict[str, str]) -> None:
    poor = [
        (ink, ground, round(contrast(palette[ink], palette[ground]), 2))
        for pairs, least in ((TEXT, 4.5), (GRAPHICS, 3.0))
        for ink, ground in pairs
        if contrast(palette[ink], palette[ground]) < least
    ]
    assert poor == []


def test_both_palettes_have_the_same_names_and_every_colour_is_one_of_them() -> None:
    assert LIGHT.keys() == DARK.keys()
    assert set(re.findall(r"var\(--([\w-]+)\)", CSS)) <= LIGHT.keys()
    rules = re.sub(r"--[\w-]+:#[0-9a-f]{6};", "", CSS)
    assert not re.search(r"#[0-9a-f]{3,8}\b", rules)


def test_nothing_is_fetched() -> None:
    assert "url(" not in CSS
    assert "@import" not in CSS
    assert "@font-face" not in CSS


def test_the_sheet_means_the_same_in_html_and_in_xml() -> None:
    assert not set("<&") & set(CSS)
    assert CSS.count("{") == CSS.count("}")


def test_the_policy_has_the_hash_of_this_sheet() -> None:
    digest = base64.b64encode(hashlib.sha256(CSS.encode()).digest()).decode()
    assert f"'sha256-{digest}'" == CSS_SOURCE


def test_light_and_dark_are_the_readers_choice() -> None:
    assert CSS.count("@media(prefers-color-scheme:dark)") == 1
    assert (
        CSS.index(DARK["ground"])
        > CSS.index("prefers-color-scheme:dark")
        > CSS.index(LIGHT["ground"])
    )
