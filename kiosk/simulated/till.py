"""A simulated till."""

import asyncio
import secrets
from collections import deque
from collections.abc import Callable
from typing import NoReturn, TypeVar

from typing_extensions import override

from kiosk.screens import Check, Notice, Points
from kiosk.till.till import (
    Acquisition,
    Collection,
    Entry,
    Request,
    Sale,
    SaleResult,
    Talk,
    Tampering,
)
from protocol.messages import Age, Card, Customer, Money

KEPT = 200
"""How many of the latest answers a till knows."""

T = TypeVar("T")


class Latest(dict[str, T]):
    """The latest KEPT answers of a kind, by the reference of what was asked."""

    @override
    def __setitem__(self, reference: str, answer: T) -> None:
        super().__setitem__(reference, answer)
        if len(self) > KEPT:
            del self[next(iter(self))]


class SimulatedTill:
    """A till whose requests come from the dock, from a test, or from a shopper who tries a
    purchase."""

    def __init__(self) -> None:
        self._waiting: deque[Request] = deque()
        self._asked = asyncio.Event()
        self._withdrawals: dict[str, asyncio.Event] = {}
        self.answers = Latest[SaleResult]()
        """The latest result of each answered sale."""
        self.causes = Latest[str]()
        """Why sales were not paid, where that was told."""
        self.staff_calls = 0
        """How often staff have been called."""
        self.show_call: Callable[[], None] | None = None
        """Shows a call for staff to whoever plays the till; None when nobody does."""
        self.shoppers = Latest[Customer | None]()
        """Who the shopper of each answered acquisition and collection is."""
        self.payers = Latest[Customer | None]()
        """Who pays each sale."""
        self.of_age = Latest[bool]()
        """Whether the shopper of each answered acquisition has reached the age that was asked."""
        self.entries = Latest[Entry | None]()
        """How shoppers have answered the till's questions."""
        self.tampered: list[Tampering] = []
        """The signs of tampering that are not gone."""
        self.maintenance: list[bool] = []
        """Each beginning (True) and end of maintenance."""
        self._told = asyncio.Condition()

    def ring_up(self, amount: Money, merchant: str, over: Age | None = None) -> Sale:
        sale = Sale(_new_reference("sale"), amount, merchant, over=over)
        self.ask(sale)
        return sale

    def collect(self, points: Points, merchant: str) -> None:
        self.ask(Collection(_new_reference("points"), merchant, points))

    def ask(self, request: Request) -> None:
        """Asks the kiosk for something."""
        self._withdrawals[request.reference] = asyncio.Event()
        self._waiting.append(request)
        self._asked.set()

    def withdraw(self) -> None:
        """Withdraws every request that has no answer yet."""
        for withdrawal in self._withdrawals.values():
            withdrawal.set()

    async def answered(self, reference: str, result: SaleResult) -> None:
        """Waits until the sale has this result."""
        async with self._told:
            await self._told.wait_for(lambda: self.answers.get(reference) is result)

    async def keep(
        self, condition: Callable[[], Notice | None], in_doubt: Callable[[str], bool]
    ) -> NoReturn:
        del condition, in_doubt
        while True:
            await asyncio.Event().wait()

    def check(self) -> Check | None:
        return None

    async def next_request(self) -> Request:
        while True:
            await self._asked.wait()
            request = self._waiting.popleft()
            if not self._waiting:
                self._asked.clear()
            if not self._withdrawals[request.reference].is_set():
                return request
            match request:
                case Sale():
                    await self.answer(request.reference, SaleResult.NOT_PAID)
                case Acquisition() | Collection():
                    await self.tell_shopper(request.reference, None)
                case Talk():
                    await self.tell_entry(request.reference, None)

    async def asks(self) -> None:
        await self._asked.wait()

    async def withdrawn(self, reference: str) -> None:
        await self._withdrawals.get(reference, asyncio.Event()).wait()

    def awaits(self, reference: str) -> bool:
        return reference in self._withdrawals

    async def answer(
        self,
        reference: str,
        result: SaleResult,
        cause: str | None = None,
        *,
        card: Card | None = None,
        charged: Money | None = None,
    ) -> None:
        del card, charged
        self._withdrawals.pop(reference, None)
        if cause is not None:
            self.causes[reference] = cause
        async with self._told:
            self.answers[reference] = result
            self._told.notify_all()

    def note_payer(self, reference: str, customer: Customer | None) -> None:
        self.payers[reference] = customer

    async def tell_shopper(
        self, reference: str, customer: Customer | None, *, of_age: bool = False
    ) -> None:
        self._withdrawals.pop(reference, None)
        self.of_age[reference] = of_age
        self.shoppers[reference] = customer

    async def tell_entry(self, reference: str, entry: Entry | None) -> None:
        self._withdrawals.pop(reference, None)
        self.entries[reference] = entry

    def maintain(self, *, begins: bool) -> None:
        self.maintenance.append(begins)

    async def tampering(self, sign: Tampering) -> bool:
        self.tampered.append(sign)
        return True

    def tampering_ended(self, sign: Tampering) -> None:
        self.tampered.remove(sign)

    async def call_staff(self) -> bool:
        self.staff_calls += 1
        if self.show_call is None:
            return False
        self.show_call()
        return True


def _new_reference(kind: str) -> str:
    return f"{kind}-{secrets.token_hex(8)}"
