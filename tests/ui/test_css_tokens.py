"""The portal's pages have the window's colours and proportions."""

import re

from ui.css_tokens import PALM, STATIC, tokens, written


def test_the_portals_files_agree_with_the_window():
    for path, text in written().items():
        assert path.read_text() == text, f"run python -m ui.css_tokens: {path} is out of date"


def test_every_colour_of_the_pages_is_there_in_both_variants():
    light, dark = tokens((PALM / "Tokens.qml").read_text()).split("@media")
    defined = set(re.findall(r"(--[a-z-]+):", light))
    used = set(re.findall(r"var\((--[a-z-]+)\)", (STATIC / "pages.css").read_text()))
    assert used <= defined
    colours = set(re.findall(r"(--[a-z-]+): #", light))
    assert colours == set(re.findall(r"(--[a-z-]+): #", dark))
    assert {"--ink", "--ground", "--accent"} <= colours


def test_a_changed_token_changes_the_pages():
    qml = (PALM / "Tokens.qml").read_text()
    assert tokens(qml.replace('"#00694e"', '"#123456"')).count("#123456") == 1
