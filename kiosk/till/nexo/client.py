"""A till's side of the door: what `./run till` and the dock send to a kiosk, and what they hear.

A payment whose answer is lost is sent again, as it was, until the kiosk answers it: the kiosk takes
the same SaleID and ServiceID for the same payment.
"""

import asyncio
import json
import ssl
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from http import HTTPStatus
from pathlib import Path
from typing import Any, Literal, Self
from urllib.parse import parse_qsl

import httpx
from pydantic import ValidationError

from kiosk.screens import Item, Points
from kiosk.till.nexo.envelope import SharedKey, Trailer, Unopened, enclose, unseal
from kiosk.till.nexo.messages import VERSION, Json, number, timestamp
from protocol.messages import Age, Money

CONNECT_S = 3.0
"""How long a till waits for a connection, in seconds."""
WITHIN_S = 10.0
"""How long it waits for an answer that the kiosk gives at once."""
PATIENCE_S = 60.0
"""How long it waits for the answer to a payment before it sends it again."""
AGAIN_S = 1.0
"""Seconds between two tries."""


class Unreachable(Exception):
    """The kiosk has not taken the message. The text says why."""


class Rejected(Exception):
    """The kiosk cannot read the message, or the till its answer. The text says why."""


class _Unanswered(Exception):
    """The kiosk may have taken the message."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The kiosk's answer to a request."""

    condition: str | None
    """Its ErrorCondition, None for a success."""
    words: str
    """What the kiosk adds for the person at the till, in English."""
    body: Json
    """The whole body, such as PaymentResponse."""

    @classmethod
    def of(cls, body: Json) -> Self:
        told = body.get("Response", {})
        condition = None if told.get("Result") == "Success" else told.get("ErrorCondition", "")
        return cls(condition, told.get("AdditionalResponse", ""), body)

    @property
    def refunded(self) -> Decimal | None:
        """How much of the payment was given back by now, wherever that was asked for; None when the
        status does not tell."""
        told = dict(parse_qsl(self.words)).get("refundedAmount")
        return None if told is None else Decimal(told)

    @property
    def transaction(self) -> str | None:
        """The kiosk's name for a payment, by which it is given back."""
        return self.body.get("POIData", {}).get("POITransactionID", {}).get("TransactionID")


class TillClient:
    """A till that one kiosk knows. It lives on one event loop."""

    def __init__(self, host: str, port: int, key: SharedKey, certificate: Path, sale_id: str):
        """`certificate` is a PEM file with the certificate of the kiosk; `sale_id` names the till.
        Raises OSError (ssl.SSLError is one) when the certificate cannot be used."""
        trusted = ssl.create_default_context(cafile=certificate)
        # This certificate alone is trusted, so its holder is the kiosk, under whatever name the
        # network has for it.
        trusted.check_hostname = False
        self.sale_id = sale_id
        self._key = key
        self._url = (
            f"https://[{host}]:{port}/nexo" if ":" in host else f"https://{host}:{port}/nexo"
        )
        self._http = httpx.AsyncClient(verify=trusted, trust_env=False)
        self._last = 0

    async def close(self) -> None:
        await self._http.aclose()

    def next_number(self) -> str:
        """Returns a ServiceID that was not used before, by an earlier run neither: its ten digits
        count tenths of seconds."""
        self._last = max(self._last + 1, time.time_ns() // 10**8)
        return str(self._last % 10**10)

    async def pay(
        self,
        amount: Money,
        items: Sequence[Item],
        service_id: str,
        over: Age | None = None,
        points: Points | None = None,
    ) -> Answer:
        """Returns how a payment ended. `over` is the age that the shopper must have reached, and
        `points` are those that the payment brings. Raises Unreachable when the kiosk has heard
        nothing of it, and Rejected."""
        asked: Json = {
            "AmountsReq": {"Currency": amount.currency, "RequestedAmount": number(amount)},
        }
        if items:
            asked["SaleItem"] = [_line(place, item) for place, item in enumerate(items)]
        body = {
            "SaleData": self._sale(service_id, over, points),
            "PaymentTransaction": asked,
            **_loyalty(points),
        }
        return await self._until_answered("Payment", body, service_id)

    async def collect(self, points: Points, service_id: str) -> Answer:
        """Returns whose membership it is that collects points. Raises Unreachable when the kiosk
        has heard nothing of it, and Rejected."""
        body: Json = {
            "SaleData": self._sale(service_id, points=points),
            "LoyaltyTransaction": {"LoyaltyTransactionType": "Award"},
            **_loyalty(points),
        }
        return await self._until_answered("Loyalty", body, service_id)

    async def give_back(self, transaction: str, amount: Money | None, service_id: str) -> Answer:
        """Returns how the reversal of a payment ended, of a part of it with `amount`. Raises
        Unreachable when the kiosk has heard nothing of it, and Rejected."""
        body: Json = {
            "ReversalReason": "MerchantCancel",
            "OriginalPOITransaction": {
                "POITransactionID": {
                    "TransactionID": transaction,
                    "TimeStamp": timestamp(datetime.now(UTC)),
                }
            },
        }
        if amount is not None:
            body["ReversedAmount"] = number(amount)
        return await self._until_answered("Reversal", body, service_id)

    async def abort(
        self, service_id: str, category: Literal["Payment", "Loyalty"] = "Payment"
    ) -> None:
        """Returns when the request can charge nothing any more, or has its answer. Raises
        Unreachable when that is not known, and Rejected, also when another till has sent it."""
        reference = {
            "MessageCategory": category,
            "SaleID": self.sale_id,
            "ServiceID": service_id,
        }
        body = {"AbortReason": "MerchantAbort", "MessageReference": reference}
        try:
            answer = await self._ask("Abort", body, self.next_number(), PATIENCE_S)
        except _Unanswered:
            raise Unreachable("The kiosk has not answered the abort.") from None
        if answer.condition is not None:
            raise Rejected(answer.words)

    async def status(self, service_id: str | None = None) -> Answer:
        """Returns what became of a payment, or of the last one of this till. Raises Unreachable
        and Rejected."""
        body: Json = {}
        if service_id is not None:
            body["MessageReference"] = {"MessageCategory": "Payment", "ServiceID": service_id}
        return await self._at_once("TransactionStatus", body)

    async def diagnose(self) -> Answer:
        """Returns whether the kiosk can serve. Raises Unreachable and Rejected."""
        return await self._at_once("Diagnosis", {"HostDiagnosisFlag": True})

    def _sale(self, service_id: str, over: Age | None = None, points: Points | None = None) -> Json:
        """Returns the SaleData of a request."""
        told: list[str] = []
        if points is not None and points.balance is not None:
            told.append(f"loyaltyBalance={points.balance}")
        if over is not None:
            told.append(f"ageOver={over}")
        transaction = {
            "TransactionID": f"{self.sale_id}-{service_id}",
            "TimeStamp": timestamp(datetime.now(UTC)),
        }
        sale: Json = {"SaleTransactionID": transaction}
        return sale | ({"SaleToPOIData": "&".join(told)} if told else {})

    async def _at_once(self, category: str, body: Json) -> Answer:
        try:
            return await self._ask(category, body, self.next_number(), WITHIN_S)
        except _Unanswered:
            raise Unreachable("The kiosk does not answer.") from None

    async def _until_answered(self, category: str, body: Json, service_id: str) -> Answer:
        may_have_arrived = False
        while True:
            try:
                return await self._ask(category, body, service_id, PATIENCE_S)
            except Unreachable:
                if not may_have_arrived:
                    raise
            except _Unanswered:
                may_have_arrived = True
            await asyncio.sleep(AGAIN_S)

    async def _ask(self, category: str, body: Json, service_id: str, within_s: float) -> Answer:
        header = {
            "ProtocolVersion": VERSION,
            "MessageClass": "Service",
            "MessageCategory": category,
            "MessageType": "Request",
            "ServiceID": service_id,
            "SaleID": self.sale_id,
            "POIID": "palm-kiosk",
        }
        message = {"SaleToPOIRequest": {"MessageHeader": header, f"{category}Request": body}}
        sealed = enclose(message, self._key)
        patience = httpx.Timeout(within_s, connect=CONNECT_S)
        try:
            answer = await self._http.post(self._url, json=sealed, timeout=patience)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise Unreachable(_why(error)) from None
        except httpx.HTTPError:
            raise _Unanswered from None
        return self._opened(answer, category)

    def _opened(self, answer: httpx.Response, category: str) -> Answer:
        if answer.status_code == HTTPStatus.OK and not answer.content:
            return Answer(None, "", {})
        if answer.status_code not in {HTTPStatus.OK, HTTPStatus.BAD_REQUEST}:
            raise Unreachable(f"The kiosk takes no message now (status {answer.status_code}).")
        try:
            told: Any = answer.json()
            if answer.status_code == HTTPStatus.BAD_REQUEST:
                raise Rejected(told["SaleToPOIRequest"]["EventNotification"]["EventDetails"])
            parts = told["SaleToPOIResponse"]
            trailer = Trailer.model_validate(parts["SecurityTrailer"])
            text, _ = unseal(parts["NexoBlob"], trailer, [self._key])
            return Answer.of(json.loads(text)["SaleToPOIResponse"][f"{category}Response"])
        except (Unopened, ValidationError, ValueError, KeyError, TypeError):
            raise Rejected("The kiosk's answer cannot be read.") from None


def _loyalty(points: Points | None) -> Json:
    """Returns the LoyaltyData of a request, nothing when no points are collected."""
    if points is None or points.collected is None:
        return {}
    return {"LoyaltyData": [{"LoyaltyAmount": {"LoyaltyUnit": "Point", "Value": points.collected}}]}


def _line(place: int, item: Item) -> Json:
    line: Json = {"ItemID": place, "ProductCode": item.label, "ProductLabel": item.label}
    if item.quantity:
        line["Quantity"] = int(item.quantity)
    if item.amount is not None:
        amount = number(item.amount)
        line["ItemAmount"] = -amount if item.deducted else amount
    return line


def _why(error: httpx.TransportError) -> str:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return (
                "Whoever answers there has another certificate than the one that this till trusts: "
                f"{cause.verify_message}."
            )
        cause = cause.__cause__ or cause.__context__
    return "Nobody answers there: is the kiosk open, and are host and port right?"
