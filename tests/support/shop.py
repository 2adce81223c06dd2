"""A kiosk's side of the door, and the tills that speak with it: messages are handed over without a
network, and the test plays the kiosk."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, NoReturn

from kiosk.screens import Notice
from kiosk.service.errors import Offline
from kiosk.till.nexo.door import Door
from kiosk.till.nexo.events import Events, TillAddress
from kiosk.till.nexo.keys import KeyFile
from kiosk.till.nexo.messages import message_in, parse
from kiosk.till.nexo.records import Records
from kiosk.till.nexo.relayed import Messages, Relayed
from kiosk.till.nexo.till import NexoTill
from kiosk.till.till import Request, Sale, SaleResult
from protocol.messages import (
    Card,
    Money,
    ProblemType,
    Purchase,
    Refund,
    RefundRequest,
    RefundTotal,
)
from tests.support.clocks import TurnedClock
from tests.support.sealed import sealed
from tests.support.tills import KEY, Json, payment, refused

VISA = Card(brand="visa", last4="4242")


class ClosedDoor(Door):
    """A door that nobody comes through: the tests hand over messages themselves."""

    async def serve(self, answers: Callable[..., Awaitable[Json | None]]) -> NoReturn:
        del answers
        while True:
            await asyncio.Event().wait()


class Shop:
    """A kiosk's till, and the tills that speak with it."""

    def __init__(self, state: Path) -> None:
        self._state = state
        self.refunds: list[tuple[str, RefundRequest, str]] = []
        """What the service was asked to refund: the purchase, the request and its key."""
        self.sold_elsewhere: dict[str, Purchase] = {}
        """What other kiosks of the merchant have sold, by reference."""
        self.asked_for_purchase = asyncio.Event()
        self.finding = asyncio.Event()
        """The service tells of a purchase once this is set, as it is at first."""
        self.finding.set()
        self.refunding = asyncio.Event()
        self.answers: list[Refund | Exception | asyncio.Future[Refund]] = []
        """What the service answers to the next requests."""
        self.totals: dict[str, RefundTotal] = {}
        """What the service tells was given back of a payment, by its TransactionID; it is away for
        others."""
        self.asked_for_totals = 0
        self.notice: Notice | None = None
        self.in_doubt: set[str] = set()
        self.listener: TillAddress | None = None
        self.service: Messages | None = None
        """The service through which tills send messages, too."""
        self._keeping: asyncio.Task[Any] | None = None
        self._set_up()

    def _set_up(self) -> None:
        state = self._state
        self.clock = TurnedClock()
        self.records = Records(sealed(state / "till.db"))
        certificate = sealed(state / "none.pem")
        door = ClosedDoor(
            "127.0.0.1",
            0,
            certificate,
            KeyFile(sealed(state / "keys.toml")),
            unencrypted=False,
        )
        events = Events(self.listener, lambda: KEY, "palm-kiosk")
        self.till = NexoTill(
            door,
            events,
            self.records,
            self,
            merchant=lambda: "Corner Shop",
            clock=self.clock,
            relayed=Relayed(self.service, self.clock) if self.service else None,
        )

    async def find_purchase(self, reference: str) -> Purchase:
        if reference not in self.sold_elsewhere:
            raise refused(ProblemType.NOT_FOUND)
        self.asked_for_purchase.set()
        await self.finding.wait()
        return self.sold_elsewhere[reference]

    async def refund(
        self, purchase_reference: str, request: RefundRequest, idempotency_key: str
    ) -> Refund:
        self.refunds.append((purchase_reference, request, idempotency_key))
        self.refunding.set()
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return await answer if isinstance(answer, asyncio.Future) else answer

    async def refunded(self, purchase_reference: str) -> RefundTotal:
        self.asked_for_totals += 1
        if purchase_reference not in self.totals:
            raise Offline("away", may_have_arrived=False)
        return self.totals[purchase_reference]

    def gives_back_elsewhere(self, paid: str, amount: Money, back: int) -> None:
        """Has somebody else give a part of a payment back, staff in the console for example."""
        self.totals[paid] = RefundTotal(purchase_reference=paid, amount=amount, refunded_minor=back)

    async def pays(self, amount: float = 4.5) -> str:
        """Has a payment approved, and returns its TransactionID."""
        answer = self.sends(payment(amount))
        sale = await self.takes()
        await self.till.answer(sale.reference, SaleResult.APPROVED, card=VISA)
        await answer
        return sale.reference

    async def opens(self) -> None:
        keep = self.till.keep(lambda: self.notice, self.in_doubt.__contains__)
        self._keeping = asyncio.create_task(keep)
        await asyncio.sleep(0)

    async def closes(self) -> None:
        assert self._keeping
        self._keeping.cancel()
        await asyncio.gather(self._keeping, return_exceptions=True)

    def written(self) -> bytes:
        """Returns all that the kiosk has written, and what the sealed rows of it say."""
        files = (path.read_bytes() for path in self._state.rglob("*") if path.is_file())
        return b"".join(files) + repr(self.records._all("TRUE")).encode()

    async def reopens(self) -> None:
        """Starts the kiosk anew over the same state folder."""
        await self.closes()
        self._set_up()
        await self.opens()

    async def asks(self, message: Json, key: str | None = None) -> Any:
        """Returns the answer to a message; `key` is the identifier of the key that it was sealed
        with."""
        parsed = parse(json.dumps(message).encode())
        return await self.till.answer_message(message_in(parsed, key))

    def sends(self, message: Json, key: str | None = None) -> "asyncio.Task[Any]":
        return asyncio.create_task(self.asks(message, key))

    async def takes(self) -> Sale:
        request = await self.takes_request()
        assert isinstance(request, Sale)
        return request

    async def takes_request(self) -> Request:
        async with asyncio.timeout(60):
            return await self.till.next_request()
