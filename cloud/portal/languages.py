"""The languages of the portal.

The texts of the templates are English and go through gettext. Every other language is a catalogue,
`locales/LANGUAGE/LC_MESSAGES/portal.po`, and is read when the first page is drawn in its language.
"""

import re
from collections.abc import Mapping
from pathlib import Path

from babel import Locale

from cloud.web.language import ENGLISH, SOURCE, Language

LOCALES = Path(__file__).parent / "locales"
CATALOGUE = Path("LC_MESSAGES/portal.po")
"""Where a catalogue lies in the folder of its language."""
_RANGE = re.compile(
    r"\s*([A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*|\*)"
    r"\s*(?:;\s*q\s*=\s*(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)\s*)?",
    re.IGNORECASE,
)


def _find() -> Mapping[str, Language]:
    found = {SOURCE: ENGLISH}
    for path in sorted(LOCALES.glob(f"*/{CATALOGUE}")):
        locale = Locale.parse(path.parents[1].name)
        code = str(locale).replace("_", "-")
        found[code] = Language(code, locale, path)
    return found


LANGUAGES: Mapping[str, Language] = _find()
"""All there are by their codes, English first."""


def choose(chosen: str | None, accepted: str) -> Language:
    """Returns the language that somebody has chosen, if there is such a one; otherwise the best
    for what their browser accepts (Accept-Language, RFC 9110, section 12.5.4; lookup of RFC 4647,
    section 3.4). What cannot be read in either is passed over."""
    if chosen is not None and chosen in LANGUAGES:
        return LANGUAGES[chosen]
    for wanted in _wanted(accepted):
        tag = wanted
        while tag:
            if tag in _BY_LOWER_CODE:
                return _BY_LOWER_CODE[tag]
            tag = tag.rpartition("-")[0]
    return ENGLISH


def _wanted(accepted: str) -> list[str]:
    """Returns the languages that a browser accepts, the dearest first, up to the one that says
    that any would do."""
    ranges: list[tuple[float, str]] = []
    for part in accepted.split(","):
        found = _RANGE.fullmatch(part)
        if found is not None and (quality := float(found[2] or 1)) > 0:
            ranges.append((quality, found[1].lower()))
    ranges.sort(key=lambda each: each[0], reverse=True)
    tags = [tag for _, tag in ranges]
    return tags[: tags.index("*")] if "*" in tags else tags


_BY_LOWER_CODE = {code.lower(): language for code, language in LANGUAGES.items()}
