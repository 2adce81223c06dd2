"""The door of Odoo's point of sale, which speaks with the kiosk as with its own box (`/hw_proxy`).

What Odoo asks becomes a request of Sale to POI, as other tills send it. So one till is served at a
time whichever door it has come through, and what became of a payment stands in the same records.
The protocol knows no key: who may come in is decided by the origin of the page.
"""

import asyncio
import base64
import hashlib
import json
import logging
import secrets
from collections.abc import Sequence
from itertools import count
from typing import Annotated, Any, NoReturn

import uvicorn
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from kiosk.till.listening import Listener
from kiosk.till.nexo.certificate import passphrase
from kiosk.till.nexo.door import CONNECTIONS, LOG_AGAIN_S, WITHIN_S, Answers, read
from kiosk.till.nexo.messages import (
    ErrorCondition,
    Header,
    Json,
    Message,
    Number,
    Unreadable,
    parse,
)
from protocol.sealed import SealedPath
from protocol.seldom import Seldom

log = logging.getLogger(__name__)

SALE_ID = "odoo"
REFUSED_WITHIN_S = 0.2
"""How long a payment may take to be refused because the kiosk cannot take it, in seconds."""
KEPT = 20
"""How many payments are told to Odoo."""


def _text_of_json(given: Any) -> Any:
    return parse(given.encode()) if isinstance(given, str) else given


Name = Annotated[str, Field(min_length=1, max_length=128)]


class _Info(BaseModel):
    """What Odoo tells of a payment."""

    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)

    amount: Number
    currency_iso: Name
    payment_mode: str = "card"
    order_id: Name | None = None
    payment_id: Name | None = None
    """The line of the order; newer clients tell both, and ask for the outcome."""

    @property
    def named(self) -> bool:
        return self.order_id is not None and self.payment_id is not None

    def number(self, attempt: int) -> str:
        """Returns the ServiceID of the payment, always the same for the same attempt."""
        # A page that was loaded again sends 68.32 for what was 68.32000000000001 before.
        amount = f"{round(self.amount, 6).normalize():f}"
        named = (self.order_id, self.payment_id, amount, self.currency_iso, attempt)
        digest = hashlib.sha256(json.dumps(named).encode()).digest()
        return base64.b32encode(digest)[:10].decode()


class _Params(BaseModel):
    payment_info: Annotated[_Info, BeforeValidator(_text_of_json)]


class OdooDoor:
    def __init__(
        self, host: str, port: int, certificate: SealedPath | None, origins: Sequence[str]
    ) -> None:
        """`certificate` is that of the kiosk's door; without one the door speaks
        plain HTTP. `origins` are those of the pages that may come in."""
        self.listener = Listener(host, port)
        self._certificate = certificate
        self._origins = set(origins)
        self._may_log = Seldom(LOG_AGAIN_S)
        self._paying: dict[str, asyncio.Future[Json | None]] = {}
        """The last payments of this run, by ServiceID."""

    async def serve(self, answers: Answers) -> NoReturn:
        """Serves Odoo until it is cancelled."""
        certificate = self._certificate
        configuration = uvicorn.Config(
            self.application(answers),
            ssl_certfile=certificate and certificate.path,
            ssl_keyfile_password=certificate and passphrase(certificate),
            log_config=None,
            access_log=False,
            lifespan="off",
            server_header=False,
            limit_concurrency=CONNECTIONS,
            timeout_graceful_shutdown=1,
        )
        try:
            await self.listener.serve(configuration)
        finally:
            # The payments go on: their outcome is the visit's.
            for task in self._paying.values():
                task.cancel()

    def application(self, answers: Answers) -> Starlette:
        async def come_in(request: Request) -> Response:
            origin = request.headers.get("origin")
            if origin not in self._origins:
                if self._may_log():
                    log.warning("a page of another origin was refused: see [till.odoo] origins")
                return PlainTextResponse("This page may not ask here.", 403)
            answer = await self._answer(request, answers)
            answer.headers["Access-Control-Allow-Origin"] = origin
            answer.headers["Vary"] = "Origin"
            return answer

        methods = ["GET", "POST", "OPTIONS"]
        return Starlette(routes=[Route("/hw_proxy/{what}", come_in, methods=methods)])

    async def _answer(self, request: Request, answers: Answers) -> Response:
        match request.method, request.path_params["what"]:
            case "OPTIONS", _:
                return Response(status_code=204, headers=_PREFLIGHT)
            case "GET", "hello":
                return PlainTextResponse("ping")
            case "POST", "handshake" | "status_json" | "payment_terminal_transaction_start" as what:
                return await self._call(request, what, answers)
            case _:
                return Response(status_code=404)

    async def _call(self, request: Request, what: str, answers: Answers) -> Response:
        """Answers a call of JSON-RPC."""
        try:
            async with asyncio.timeout(WITHIN_S):
                called = parse(await read(request))
        except (TimeoutError, ClientDisconnect):
            return Response(status_code=408)
        except Unreadable as unreadable:
            return PlainTextResponse(str(unreadable), 400)
        number = called.get("id")
        told: Json = {"jsonrpc": "2.0", "id": number if isinstance(number, int | str) else None}
        match what:
            case "handshake":
                told["result"] = True
            case "status_json":
                told["result"] = {"payment": await self._status(answers)}
            case _:
                try:
                    info = _Params.model_validate(called.get("params")).payment_info
                    told["result"] = await self._start(info, answers)
                except (ValidationError, Unreadable):
                    words = "The payment_info cannot be read."
                    told["error"] = {"code": -32602, "message": words, "data": {"message": words}}
        return Response(json.dumps(told), media_type="application/json")

    async def _start(self, info: _Info, answers: Answers) -> Json | bool:
        """Asks the kiosk for a payment. Returns the payment for a till that asks what became of it,
        else whether the shopper is asked; False when the kiosk does not take it."""
        if info.payment_mode != "card":
            return False
        number = secrets.token_hex(5)
        if info.named:
            number, known = await self._find(info, answers)
            if known is not None:
                return known
        paying = self._paying[number] = asyncio.ensure_future(answers(_payment(info, number)))
        for old in list(self._paying)[:-KEPT]:
            del self._paying[old]
        await asyncio.wait({paying}, timeout=REFUSED_WITHIN_S)
        if paying.done() and _response(paying.result())["Result"] != "Success":
            return False
        known = await self._payment(number, answers)
        return known if info.named and known is not None else True

    async def _find(self, info: _Info, answers: Answers) -> tuple[str, Json | None]:
        """Returns the number for a payment, and what is known of it: the same line of the same
        order is the same payment as long as that has not failed. A cashier sends it again then."""
        for attempt in count():
            number = info.number(attempt)
            known = await self._payment(number, answers)
            if known is None or known["success"] is not False:
                return number, known
        raise AssertionError("it counts without end")

    async def _payment(self, number: str, answers: Answers) -> Json | None:
        """Returns a payment as Odoo is told of it, None when the kiosk knows of none."""
        asked = {"MessageReference": {"MessageCategory": "Payment", "ServiceID": number}}
        status = await answers(_request("TransactionStatus", asked))
        told = _response(status)
        if told["Result"] == "Success":
            return _settled(number, status)
        if told["ErrorCondition"] != ErrorCondition.NOT_FOUND:
            return _transaction(number, None, told)
        if number not in self._paying:
            return None
        # The kiosk has not recorded it: it takes it in this moment, or has refused it.
        paying = self._paying[number]
        if not paying.done():
            return _transaction(number, None, told)
        return _transaction(number, False, _response(paying.result()))

    async def _status(self, answers: Answers) -> Json:
        """Returns what Odoo is told of the kiosk."""
        told = _response(await answers(_request("Diagnosis", {})))
        serves = told["Result"] == "Success"
        payments = {number: await self._payment(number, answers) for number in [*self._paying]}
        last = await answers(_request("TransactionStatus", {}))
        if last is not None and _response(last)["Result"] == "Success":
            # That of an earlier run, perhaps, which a till still asks for.
            body = last["SaleToPOIResponse"]["TransactionStatusResponse"]
            number = body["MessageReference"]["ServiceID"]
            payments[number] = _settled(number, last)
        return {
            "status": "connected" if serves else "disconnected",
            "messages": [] if serves else [told.get("AdditionalResponse", "")],
            "is_terminal": True,
            "transactions": {number: each for number, each in payments.items() if each},
        }


_PREFLIGHT = {
    "Access-Control-Allow-Methods": "GET, POST",
    "Access-Control-Allow-Headers": "Content-Type, X-Debug-Mode, X-Requested-With",
    "Access-Control-Allow-Private-Network": "true",
    "Access-Control-Max-Age": "600",
}


def _request(category: str, body: Json, number: str | None = None) -> Message:
    header = Header(
        MessageClass="Service",
        MessageCategory=category,
        MessageType="Request",
        ServiceID=number or "0",
        SaleID=SALE_ID,
        POIID="palm-kiosk",
    )
    return Message(header=header, body=body)


def _payment(info: _Info, number: str) -> Message:
    # The kiosk only repeats the time, and the same payment has the same body.
    transaction = {"TransactionID": info.order_id or number, "TimeStamp": "1970-01-01T00:00:00Z"}
    body: Json = {
        "SaleData": {"SaleTransactionID": transaction},
        "PaymentTransaction": {
            "AmountsReq": {"Currency": info.currency_iso, "RequestedAmount": info.amount}
        },
    }
    return _request("Payment", body, number)


def _response(answer: Json | None) -> Json:
    """Returns the Response of an answer."""
    assert answer is not None, "only an abort is answered with nothing"
    parts = answer["SaleToPOIResponse"]
    return next(part for name, part in parts.items() if name != "MessageHeader")["Response"]


def _settled(number: str, status: Json | None) -> Json:
    """Returns a payment as Odoo is told of it, of a status that holds its answer."""
    assert status is not None
    found = status["SaleToPOIResponse"]["TransactionStatusResponse"]["RepeatedMessageResponse"]
    payment = found["RepeatedResponseMessageBody"]["PaymentResponse"]
    told = payment["Response"]
    reference = payment["POIData"]["POITransactionID"]["TransactionID"]
    return _transaction(number, told["Result"] == "Success", told) | {"reference": reference}


def _transaction(number: str, success: bool | None, told: Json) -> Json:
    """Returns a payment as Odoo is told of it; `success` is None while it is not known."""
    return {
        "transaction_id": number,
        "success": success,
        "status": told.get("ErrorCondition", "Success"),
        "status_details": told.get("AdditionalResponse", ""),
        "reference": None,
    }
