"""Draws pages of templates, and says how a browser has to treat them.

Every text of a template goes through gettext. So far there is one language, which is written in the
templates themselves.
"""

from collections.abc import Mapping
from datetime import date, datetime
from gettext import NullTranslations
from pathlib import Path
from typing import Any

from fastapi import Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from protocol import VERSION
from protocol.currency import exponent_of
from protocol.messages import Card

_HERE = Path(__file__).parent
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

LANGUAGE = "en"
_RIGHT_TO_LEFT = {"ar", "fa", "he", "ur"}

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


def direction_of(language: str) -> str:
    """Returns the direction in which a language is written, as HTML's `dir` has it."""
    return "rtl" if language.partition("-")[0] in _RIGHT_TO_LEFT else "ltr"


def draw(template: str, status: int = 200, **values: Any) -> Response:
    """Returns a page as an answer."""
    return Response(
        _environment.get_template(template).render(values), status, media_type="text/html"
    )


def read_static(name: str) -> Response:
    """Returns a file that pages name. Raises KeyError."""
    kind = STATIC[name]
    response = Response((_HERE / "static" / name).read_bytes(), media_type=kind)
    response.headers.update(HEADERS)
    # Pages name it with the version, so that a newer one is fetched.
    response.headers["cache-control"] = "public, max-age=86400"
    return response


def day(at: date) -> str:
    """Returns a day such as `29 November 2026`."""
    return f"{at.day} {at:%B %Y}"


def moment(at: datetime) -> str:
    """Returns a time such as `29 November 2026, 14:05 UTC`. Where the person is, is not known."""
    return f"{day(at)}, {at:%H:%M} UTC"


def month(first: datetime) -> str:
    """Returns a month such as `November 2026`."""
    return f"{first:%B %Y}"


def amount(minor: int, currency: str) -> str:
    """Returns an amount such as `USD 1,250.00`, with as many decimals as the currency's minor unit
    has in ISO 4217. The currency is named by its code: purchases in several may stand together."""
    return f"{currency}\N{NO-BREAK SPACE}{decimal(minor, currency, ',')}"


def decimal(minor: int, currency: str, thousands: str = "") -> str:
    """Returns an amount in the currency's main unit, such as `1250.00`."""
    # A code that the standard gives no exponent has two decimals, as on the kiosk's screen.
    decimals = exponent_of(currency)
    decimals = 2 if decimals is None else decimals
    whole, part = divmod(minor, 10**decimals)
    grouped = f"{whole:,}".replace(",", thousands)
    return f"{grouped}.{part:0{decimals}}" if decimals else grouped


def brand(name: str) -> str:
    return _BRANDS.get(name, name)


def _shown(card: Card) -> str:
    return f"{brand(card.brand)} •••• {card.last4}"


def _make_environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
        lstrip_blocks=True,
    )
    opened: Any = environment
    opened.install_gettext_translations(NullTranslations(), newstyle=True)
    opened.filters |= {
        "amount": amount,
        "brand": brand,
        "card": _shown,
        "day": day,
        "moment": moment,
        "month": month,
    }
    opened.globals |= {
        "language": LANGUAGE,
        "direction": direction_of(LANGUAGE),
        "version": VERSION,
    }
    return environment


_environment = _make_environment()
