"""A simulated till."""

import asyncio
import secrets
from collections import deque
from collections.abc import Callable
from typing import NoReturn

from kiosk.screens import Check, Notice
from kiosk.till.till import Sale, SaleResult
from protocol.messages import Card, Money


class SimulatedTill:
    """A till whose sales are rung up by the dock, by a test, or by a shopper who tries a
    purchase."""

    def __init__(self) -> None:
        self._waiting: deque[Sale] = deque()
        self._rung_up = asyncio.Event()
        self._withdrawals: dict[str, asyncio.Event] = {}
        self.answers: dict[str, SaleResult] = {}
        """The latest result of every answered sale, by reference."""
        self.causes: dict[str, str] = {}
        """Why sales were not paid, by reference, where that was told."""
        self.staff_calls = 0
        """How often staff have been called."""
        self.show_call: Callable[[], None] | None = None
        """Shows a call for staff to whoever plays the till; None when nobody does."""
        self._told = asyncio.Condition()

    def ring_up(self, amount: Money, merchant: str) -> Sale:
        sale = Sale(f"sale-{secrets.token_hex(8)}", amount, merchant)
        self._withdrawals[sale.reference] = asyncio.Event()
        self._waiting.append(sale)
        self._rung_up.set()
        return sale

    def withdraw(self) -> None:
        """Withdraws every sale that has no answer yet."""
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

    async def next_sale(self) -> Sale:
        while True:
            await self._rung_up.wait()
            sale = self._waiting.popleft()
            if not self._waiting:
                self._rung_up.clear()
            if not self._withdrawals[sale.reference].is_set():
                return sale
            await self.answer(sale.reference, SaleResult.NOT_PAID)

    async def rings_up(self) -> None:
        await self._rung_up.wait()

    async def withdrawn(self, sale: Sale) -> None:
        await self._withdrawals.get(sale.reference, asyncio.Event()).wait()

    def awaits(self, reference: str) -> bool:
        return reference in self._withdrawals

    async def answer(
        self,
        reference: str,
        result: SaleResult,
        cause: str | None = None,
        card: Card | None = None,
    ) -> None:
        del card
        self._withdrawals.pop(reference, None)
        if cause is not None:
            self.causes[reference] = cause
        async with self._told:
            self.answers[reference] = result
            self._told.notify_all()

    async def call_staff(self) -> bool:
        self.staff_calls += 1
        if self.show_call is None:
            return False
        self.show_call()
        return True
