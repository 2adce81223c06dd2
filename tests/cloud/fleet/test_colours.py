"""A merchant's colour is one on which words can be read, and which can be seen on every ground."""

import re

import pytest

from cloud.fleet.colours import PALETTES, contrast, read_accent
from protocol.fleet import Variant
from ui.css_tokens import PALM

NAMES = {"ground": "ground", "panel": "panel", "buttons": "raised"}


def test_the_palettes_are_those_of_the_window():
    qml = (PALM / "Tokens.qml").read_text()
    for place, variant in enumerate(("dark", "light")):
        palette = PALETTES[variant]
        known = {NAMES[name]: colour for name, colour in palette.grounds.items()}
        known |= {
            "accent": palette.accent,
            "inkOnAccent": palette.ink_on_accent,
            "ink": palette.ink,
        }
        for name, colour in known.items():
            (found,) = re.findall(rf'color {name}: .*dark \? "(.*)" : "(.*)"', qml)
            assert found[place] == colour, name


def test_contrast_is_that_of_wcag():
    assert contrast("#000000", "#ffffff") == 21
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize(
    ("colour", "variant", "told"),
    [
        ("#E2001A", "light", None),
        ("#00694e", "light", None),
        ("#5fdcb1", "dark", None),
        ("#ffcc00", "light", "white words on this colour could not be read"),
        ("#e2001a", "dark", "black words on this colour could not be read"),
        ("red", "light", "written as #00694e"),
        ("#12345", "dark", "written as #5fdcb1"),
    ],
)
def test_a_colour_is_taken_or_refused_in_words(colour: str, variant: Variant, told: str | None):
    if told is None:
        assert read_accent(colour, variant) == colour.lower()
    else:
        with pytest.raises(ValueError, match=told):
            read_accent(colour, variant)
