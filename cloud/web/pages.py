"""What the pages of the portal and of the console have in common: how templates are read, the files
that pages name, and what every answer tells a browser."""

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import segno
from fastapi import APIRouter, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from cloud.web.language import Language, direction_of
from cloud.web.problems import Refusal
from protocol import VERSION
from protocol.messages import ProblemType

FILES = Path(__file__).parent / "static"
STATIC: Mapping[str, str] = {
    "passkeys.js": "text/javascript",
    "pages.css": "text/css",
    "console.css": "text/css",
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
"""What every answer to a browser carries."""


def environment(
    templates: Path,
    language: Language,
    filters: Mapping[str, Callable[..., Any]] = MappingProxyType({}),
    **values: Any,
) -> Environment:
    """Returns what draws the templates of a folder, with what is written in a language, with
    filters of their own, and with values that all of them know."""
    made = Environment(
        loader=FileSystemLoader(templates),
        autoescape=True,
        undefined=StrictUndefined,
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
        lstrip_blocks=True,
    )
    opened: Any = made
    opened.install_gettext_translations(language.translations, newstyle=True)
    opened.filters |= {
        "amount": language.amount,
        "apart": apart,
        "day": language.day,
        "direction": direction_of,
        "moment": language.moment,
        "month": language.month,
        "number": language.number,
        "span": language.span,
    }
    opened.filters |= filters
    opened.globals |= {"language": language, "version": VERSION, **values}
    return made


def draw(drawn_by: Environment, template: str, status: int = 200, **values: Any) -> Response:
    """Returns a page as an answer."""
    page = drawn_by.get_template(template).render(values)
    return Response(page, status, media_type="text/html")


def file_routes(home: str) -> APIRouter:
    """Returns the route below `home` to the files that pages name."""
    routes = APIRouter(prefix=f"{home}/static", include_in_schema=False)

    @routes.get("/{name}")
    async def read_static(name: str) -> Response:
        if name not in STATIC:
            raise Refusal(ProblemType.NOT_FOUND)
        response = Response((FILES / name).read_bytes(), media_type=STATIC[name])
        response.headers.update(HEADERS)
        # Pages name it with the version, so that a newer one is fetched.
        response.headers["cache-control"] = "public, max-age=86400"
        return response

    del read_static
    return routes


def apart(text: str) -> Markup:
    """Returns a text that has a direction of its own, such as a name, as a part of a sentence."""
    return Markup("<bdi>{}</bdi>").format(text)


def qr_code(text: str) -> Markup:
    """Returns a QR code as a part of a page, dark on light however the page is coloured. `text` is
    of the service's own words, and nobody else's."""
    svg = segno.make_qr(text, error="m").svg_inline(omitsize=True, light="white", border=4)
    return Markup(svg)  # noqa: S704 - it holds rectangles
