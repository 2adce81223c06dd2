"""The protocol of a till, which gives sales to the kiosk and takes their results."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import NoReturn, Protocol

from kiosk.screens import Bill, Check, Item, Notice
from protocol.messages import Card, Money


class SaleResult(StrEnum):
    APPROVED = "approved"
    DECLINED = "declined"
    NOT_PAID = "not_paid"
    """Nothing was charged: cancelled, not recognised, an amount that cannot be charged, or the
    kiosk or the service failed."""
    ANOTHER_WAY = "another_way"
    """Nothing was charged, and the shopper pays at the shop's own terminal or in cash."""
    UNKNOWN = "unknown"
    """The outcome is not known; APPROVED, DECLINED or NOT_PAID follows for the same reference."""


class Untold(Exception):
    """The till cannot be told the result now, and has to be told later."""


@dataclass(frozen=True, slots=True)
class Sale:
    """A sale; `reference` is the till's identifier of it (`protocol.messages.Identifier`)."""

    reference: str
    amount: Money
    merchant: str
    items: tuple[Item, ...] = ()

    @property
    def bill(self) -> Bill:
        return Bill(self.merchant, self.amount, self.items)


class Till(Protocol):
    async def keep(
        self, condition: Callable[[], Notice | None], in_doubt: Callable[[str], bool]
    ) -> NoReturn:
        """Speaks with the till as long as the kiosk is open.

        `condition` returns what keeps the kiosk from making visits, None when it can; `in_doubt`
        returns whether it is not known yet what became of a sale of this reference.
        """
        ...

    def check(self) -> Check | None:
        """Returns a line for the maintenance screen, None when there is nothing to tell."""
        ...

    async def next_sale(self) -> Sale:
        """Waits for a sale and returns it. Cancelling loses none."""
        ...

    async def rings_up(self) -> None:
        """Waits until a sale is there to be taken by `next_sale`."""
        ...

    async def withdrawn(self, sale: Sale) -> None:
        """Waits until the till withdraws this sale; for ever if it does not or has the answer."""
        ...

    def awaits(self, reference: str) -> bool:
        """Returns whether the sale has had no answer at all."""
        ...

    async def answer(
        self,
        reference: str,
        result: SaleResult,
        cause: str | None = None,
        card: Card | None = None,
    ) -> None:
        """Tells the till how a sale ended, with which card, and why for the operator, where the
        service or the payment provider said why. Telling the same again changes nothing. Raises
        Untold."""
        ...

    async def call_staff(self) -> bool:
        """Shows the staff at the till that somebody needs them at the kiosk. Returns whether it is
        shown; False when nobody can be told, because the till is not connected for example."""
        ...
