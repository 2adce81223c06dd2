"""The lines of receipts, which pages find again to tell them in another language."""

import pytest

from cloud.people import receipt_lines as lines

FILLED_IN = {
    "count": "12",
    "day": "2026-11-29",
    "digest": "Az+/" * 10 + "AAA=",
    "merchant": "Bread on 2026-01-01, signed: the text (50 % off)\nLtd.",
    "text": "US-IL 3",
}


@pytest.mark.parametrize("sentence", lines.SENTENCES)
def test_a_line_is_found_again_whatever_was_filled_in(sentence: str):
    filled_in = {name: value for name, value in FILLED_IN.items() if f"%({name})s" in sentence}
    assert lines.read(sentence % filled_in) == (sentence, filled_in)


def test_a_line_that_another_version_has_written_is_not_found():
    for line in ("", "palms", "palm signatures: many", "your name, too"):
        assert lines.read(line) is None
