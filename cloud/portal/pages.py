"""Draws the portal's pages of templates.

Every text of a template goes through gettext, in English (`cloud.portal.languages`).
"""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from fastapi import Response
from jinja2 import Environment
from markupsafe import Markup

from cloud.people import receipt_lines
from cloud.portal.languages import LANGUAGES
from cloud.web import pages
from cloud.web.language import Language
from protocol.messages import Card

TEMPLATES = Path(__file__).parent / "templates"

_BRANDS = {
    "visa": "Visa",
    "mastercard": "Mastercard",
    "amex": "American Express",
    "discover": "Discover",
    "diners": "Diners Club",
    "jcb": "JCB",
    "unionpay": "UnionPay",
}
"""The names of cards, as the kiosk writes them (`ui/qml/Palm/CardChip.qml`)."""


def draw(template: str, language: Language, status: int = 200, **values: Any) -> Response:
    """Returns a page in a language as an answer."""
    response = pages.draw(_environment(language), template, status, **values)
    response.headers["content-language"] = language.code
    response.headers["vary"] = "accept-language, cookie"
    return response


def brand(name: str) -> str:
    return _BRANDS.get(name, name)


def _read_line(line: str) -> tuple[str, Mapping[str, Markup | str]] | None:
    """Returns the sentence that a receipt's line was made of, with what is filled in."""
    read = receipt_lines.read(line)
    if read is None:
        return None
    sentence, fields = read
    return sentence, {
        name: value if name == "count" else pages.apart(value) for name, value in fields.items()
    }


def _shown(card: Card) -> str:
    return f"{brand(card.brand)} •••• {card.last4}"


@cache
def _environment(language: Language) -> Environment:
    filters = {"brand": brand, "card": _shown, "read_line": _read_line}
    return pages.environment(TEMPLATES, language, filters, languages=LANGUAGES.values())
