"""Draws pages of templates, and says how a browser has to treat them.

Every text of a template goes through gettext, in English (`cloud.portal.languages`).
"""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from fastapi import Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from cloud.people import receipt_lines
from cloud.portal.languages import LANGUAGES, Language, direction_of
from protocol import VERSION
from protocol.messages import Card

_HERE = Path(__file__).parent
TEMPLATES = _HERE / "templates"
STATIC: Mapping[str, str] = {
    "passkeys.js": "text/javascript",
    "portal.css": "text/css",
    "tokens.css": "text/css",
    "hand.svg": "image/svg+xml; charset=utf-8",
    "Inter-Regular.woff": "font/woff",
    "Inter-SemiBold.woff": "font/woff",
}
"""The files that pages name, with their media types."""

HEADERS: Mapping[str, str] = {
    "content-security-policy": (
        "default-src 'none'; style-src 'self'; font-src 'self'; img-src 'self'; "
        "script-src 'self'; connect-src 'self'; require-trusted-types-for 'script'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "x-frame-options": "DENY",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "x-robots-tag": "noindex",
}
"""What every answer of the portal carries."""

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
    response = Response(
        _environment(language).get_template(template).render(values),
        status,
        media_type="text/html",
    )
    response.headers["content-language"] = language.code
    response.headers["vary"] = "accept-language, cookie"
    return response


def read_static(name: str) -> Response:
    """Returns a file that pages name. Raises KeyError."""
    kind = STATIC[name]
    response = Response((_HERE / "static" / name).read_bytes(), media_type=kind)
    response.headers.update(HEADERS)
    # Pages name it with the version, so that a newer one is fetched.
    response.headers["cache-control"] = "public, max-age=86400"
    return response


def brand(name: str) -> str:
    return _BRANDS.get(name, name)


def _apart(text: str) -> Markup:
    """Returns a text that has a direction of its own, such as a name, as a part of a sentence."""
    return Markup("<bdi>{}</bdi>").format(text)


def _read_line(line: str) -> tuple[str, Mapping[str, Markup | str]] | None:
    """Returns the sentence that a receipt's line was made of, with what is filled in."""
    read = receipt_lines.read(line)
    if read is None:
        return None
    sentence, fields = read
    return sentence, {
        name: value if name == "count" else _apart(value) for name, value in fields.items()
    }


def _shown(card: Card) -> str:
    return f"{brand(card.brand)} •••• {card.last4}"


@cache
def _environment(language: Language) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
        lstrip_blocks=True,
    )
    opened: Any = environment
    opened.install_gettext_translations(language.translations, newstyle=True)
    opened.filters |= {
        "amount": language.amount,
        "apart": _apart,
        "brand": brand,
        "card": _shown,
        "day": language.day,
        "direction": direction_of,
        "moment": language.moment,
        "month": language.month,
        "number": language.number,
        "read_line": _read_line,
    }
    opened.globals |= {
        "language": language,
        "languages": LANGUAGES.values(),
        "version": VERSION,
    }
    return environment
