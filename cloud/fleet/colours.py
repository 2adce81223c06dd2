"""Which colours a merchant can have on the screens of kiosks, in the place of their green: those on
which words can be read, and which stand out from everything behind them (WCAG 2.2)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from protocol.fleet import Variant

TEXT = 4.5
"""The least contrast of text (success criterion 1.4.3)."""
SHAPE = 3.0
"""The least contrast of controls and graphics (success criterion 1.4.11)."""
_WRITTEN = re.compile(r"#[0-9a-f]{6}")


@dataclass(frozen=True, slots=True)
class Palette:
    """Colours of a kiosk's screens, as `ui/qml/Palm/Tokens.qml` has them."""

    accent: str
    """The kiosk's own."""
    ink_on_accent: str
    """Words on the colour."""
    grounds: Mapping[str, str]
    """What the colour is drawn on, by what staff call it."""
    ink: str


PALETTES: Mapping[Variant, Palette] = {
    "light": Palette(
        accent="#00694e",
        ink_on_accent="#ffffff",
        grounds={"ground": "#fbfaf6", "panel": "#e3efe9", "buttons": "#ffffff"},
        ink="#12211d",
    ),
    "dark": Palette(
        accent="#5fdcb1",
        ink_on_accent="#04231a",
        grounds={"ground": "#0e1416", "panel": "#10241f", "buttons": "#1c2629"},
        ink="#f3f7f5",
    ),
}


def read_accent(text: str, variant: Variant) -> str:
    """Returns a colour such as #00694e in small letters. Raises ValueError, in words for staff, for
    what is no colour and for one that cannot be read or seen on kiosks of a variant."""
    colour = text.lower()
    if not _WRITTEN.fullmatch(colour):
        raise ValueError(f"a colour is written as {PALETTES[variant].accent}")
    palette = PALETTES[variant]
    words = contrast(colour, palette.ink_on_accent)
    if words < TEXT:
        ink = "white" if variant == "light" else "black"
        raise ValueError(
            f"{ink} words on this colour could not be read: their contrast is {words:.1f} to 1, "
            f"and {TEXT} is needed. Choose a {'darker' if variant == 'light' else 'lighter'} colour"
        )
    name, least = min(
        ((name, contrast(colour, ground)) for name, ground in palette.grounds.items()),
        key=lambda each: each[1],
    )
    if least < SHAPE:
        raise ValueError(
            f"this colour would not stand out from the {name} of a {variant} kiosk: the contrast "
            f"is {least:.1f} to 1, and {SHAPE:g} is needed. Choose a "
            f"{'darker' if variant == 'light' else 'lighter'} colour"
        )
    return colour


def contrast(one: str, other: str) -> float:
    """Returns the contrast ratio of two colours such as #00694e, 1 to 21."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    """Returns the relative luminance, 0 to 1."""

    def linear(channel: int) -> float:
        value = channel / 255
        return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4

    red, green, blue = (linear(each) for each in bytes.fromhex(colour[1:]))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
