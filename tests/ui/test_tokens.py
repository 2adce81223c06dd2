"""WCAG 2.2 AA, computed from the colours of both variants."""

from collections.abc import Iterator

import pytest
from PySide6.QtCore import QObject
from PySide6.QtGui import QColor, QGuiApplication
from PySide6.QtQml import QQmlEngine

from ui.window import QML

TEXT = 4.5
"""The least contrast of text, success criterion 1.4.3."""
SHAPE = 3.0
"""The least contrast of controls and graphics, success criterion 1.4.11."""
PAIRS = [
    ("ink", "ground", TEXT),
    ("ink", "panel", TEXT),
    ("ink", "raised", TEXT),
    ("ink", "pressed", TEXT),
    ("ink", "cautionGround", TEXT),
    ("ground", "ink", TEXT),
    ("inkSoft", "ground", TEXT),
    ("inkSoft", "panel", TEXT),
    ("inkSoft", "raised", TEXT),
    ("inkOnAccent", "accent", TEXT),
    ("inkOnAccent", "accentPressed", TEXT),
    ("inkOnDanger", "danger", TEXT),
    ("danger", "raised", TEXT),
    ("caution", "ground", TEXT),
    ("caution", "cautionGround", TEXT),
    ("accent", "ground", SHAPE),
    ("accent", "panel", SHAPE),
    ("accent", "raised", SHAPE),
    ("line", "ground", SHAPE),
    ("line", "panel", SHAPE),
    ("line", "raised", SHAPE),
    ("danger", "ground", SHAPE),
]


@pytest.fixture(scope="module")
def tokens(qapp: QGuiApplication) -> Iterator[QObject]:
    engine = QQmlEngine()
    engine.addImportPath(str(QML))
    tokens = engine.singletonInstance("Palm", "Tokens")
    assert isinstance(tokens, QObject)
    yield tokens
    engine.deleteLater()


@pytest.mark.parametrize("variant", ["light", "dark"])
@pytest.mark.parametrize(("front", "back", "least"), PAIRS)
def test_colours_stand_out(
    tokens: QObject, variant: str, front: str, back: str, least: float
) -> None:
    tokens.setProperty("variant", variant)
    assert contrast(tokens.property(front), tokens.property(back)) >= least


def test_words_can_be_read_at_arms_length(tokens: QObject) -> None:
    assert min(tokens.property(size) for size in ("small", "body", "button")) >= 28
    assert min(tokens.property(size) for size in ("title", "display", "amount")) >= 56


def test_motion_is_short_and_can_be_stilled(tokens: QObject) -> None:
    lengths = ("quick", "calm", "slow")
    assert all(150 <= tokens.property(length) <= 300 for length in lengths)
    tokens.setProperty("stillness", True)
    assert [tokens.property(length) for length in lengths] == [0, 0, 0]
    tokens.setProperty("stillness", False)


def contrast(one: QColor, other: QColor) -> float:
    """Returns the contrast ratio of WCAG 2.2, 1 to 21."""
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour: QColor) -> float:
    """Returns the relative luminance of WCAG 2.2, 0 to 1."""

    def linear(channel: float) -> float:
        return channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4

    red, green, blue = (linear(c) for c in (colour.redF(), colour.greenF(), colour.blueF()))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
