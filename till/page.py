"""The till in a browser: one page, served to this machine alone. The page never sees the key."""

import asyncio
from pathlib import Path
from typing import Any

from palm_kiosk_client.models import Sale, SaleOutcome
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from till.register import Register, Unusable

PAGE = Path(__file__).with_name("page.html")
LOOKS_S = 20.0
"""How long a question for changes waits for one, in seconds."""
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
        "connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
    ),
    "Cache-Control": "no-store",
}


OUTCOMES = {
    SaleOutcome.APPROVED: "Paid.",
    SaleOutcome.DECLINED: "The card was declined.",
    SaleOutcome.NOT_PAID: "Nothing was charged.",
    SaleOutcome.OPEN: "In progress.",
}
"""What the cashier reads of a sale that was looked up."""


class _Wish(BaseModel):
    """What was pressed on the page."""

    model_config = ConfigDict(extra="forbid")

    do: str
    place: int = 0
    """The place of an article, or of a line of the basket."""
    label: str = Field(default="", max_length=64)
    amount: str | None = Field(default=None, max_length=16)
    receipt: str | None = Field(default=None, max_length=10)
    points: str = Field(default="", max_length=16)
    balance: str = Field(default="", max_length=16)
    age: str = Field(default="", max_length=2)
    sale: str = Field(default="", max_length=64)
    """A sale that was looked up."""


class Page:
    """The page and what it asks of the register.

    Any page in a browser on this machine can send something here. What this one asks for is a JSON
    body, which a browser sends to no other origin unasked, and the host must be this machine.
    """

    def __init__(self, register: Register) -> None:
        self._register = register
        self.app = Starlette(
            routes=[
                Route("/", self._page),
                Route("/state", self._state),
                Route("/do", self._do, methods=["POST"]),
            ],
            middleware=[
                Middleware(TrustedHostMiddleware, allowed_hosts=["localhost", "127.0.0.1"])
            ],
        )

    async def _page(self, _: Request) -> Response:
        return Response(PAGE.read_bytes(), media_type="text/html", headers=HEADERS)

    async def _state(self, request: Request) -> Response:
        """Answers at once, or after a change with `?after=change`."""
        if request.query_params.get("after") == "change":
            try:
                async with asyncio.timeout(LOOKS_S):
                    await self._register.change()
            except TimeoutError:
                pass
        return JSONResponse(shown(self._register), headers=HEADERS)

    async def _do(self, request: Request) -> Response:
        if request.headers.get("content-type") != "application/json":
            return Response(status_code=415)
        try:
            self._does(_Wish.model_validate_json(await request.body()))
        except ValidationError:
            return Response(status_code=422)
        except Unusable as unusable:
            return JSONResponse({"why": str(unusable)}, 409)
        return JSONResponse(shown(self._register), headers=HEADERS)

    def _does(self, wish: _Wish) -> None:
        """Raises Unusable."""
        register = self._register
        does = {
            "clear": register.clear,
            "abort": register.abort,
            "diagnosis": register.diagnose,
            "look up": register.look_up,
        }
        match wish.do:
            case what if what in does:
                does[what]()
            case "add" if 0 <= wish.place < len(register.articles):
                article = register.articles[wish.place]
                register.add(article.label, article.price)
            case "ring":
                register.add(wish.label or "Other", register.amount_of(wish.amount or ""))
            case "remove":
                register.remove(wish.place)
            case "pay":
                points = register.points_of(wish.points, wish.balance)
                register.send(points, register.age_of(wish.age))
            case "collect":
                register.collect(register.points_of(wish.points, wish.balance))
            case "refund":
                register.give_back(wish.receipt, wish.amount)
            case "status":
                register.ask_status(wish.receipt)
            case "take back":
                register.take_back(wish.sale)
            case _:
                raise Unusable("The till does not know how to do this.")


def shown(register: Register) -> dict[str, Any]:
    """Returns what the page shows."""
    return {
        "articles": [
            {"label": article.label, "price": register.shown(article.price.minor)}
            for article in register.articles
        ],
        "basket": [
            {
                "label": line.article.label,
                "count": line.count,
                "amount": register.shown(line.minor),
            }
            for line in register.basket
        ],
        "total": register.shown(register.total),
        "selling": register.selling,
        "said": register.said,
        "sales": [
            {
                "receipt": sale.receipt,
                "amount": register.shown(sale.amount.minor),
                "outcome": sale.outcome,
                "paid": sale.paid,
                "back": register.shown(sale.given_back) if sale.given_back else None,
                "left": sale.amount.minor > sale.given_back,
            }
            for sale in reversed(register.sales)
        ],
        "looksUp": register.merchant is not None,
        "sold": [_sold(register, sale) for sale in register.sold],
    }


def _sold(register: Register, sale: Sale) -> dict[str, Any]:
    paid, currency = sale.amount.minor, sale.amount.currency
    back = sale.refunded_minor
    return {
        "sale": sale.purchase_id,
        "at": sale.at.astimezone().strftime("%Y-%m-%d %H:%M"),
        "receipt": sale.reference,
        "amount": register.shown(paid, currency),
        "outcome": OUTCOMES[sale.outcome],
        "paid": sale.outcome == SaleOutcome.APPROVED,
        "back": register.shown(back, currency) if back else None,
        "left": paid > back,
    }
