"""The protocol of a till, which gives sales to the kiosk and takes their results."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from protocol.messages import Money


class SaleResult(StrEnum):
    APPROVED = "approved"
    DECLINED = "declined"
    NOT_PAID = "not_paid"
    """Nothing was charged: cancelled, not recognised, an amount that cannot be charged, or the
    kiosk or the service failed."""
    UNKNOWN = "unknown"
    """The outcome is not known; APPROVED, DECLINED or NOT_PAID follows for the same reference."""


@dataclass(frozen=True, slots=True)
class Sale:
    """A sale; `reference` is the till's identifier of it (`protocol.messages.Identifier`)."""

    reference: str
    amount: Money
    merchant: str


class Till(Protocol):
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

    async def answer(self, reference: str, result: SaleResult, cause: str | None = None) -> None:
        """Tells the till how a sale ended, and why for the operator, where the service or the
        payment provider said why. Telling the same again changes nothing."""
        ...

    async def call_staff(self) -> bool:
        """Shows the staff at the till that somebody needs them at the kiosk. Returns whether it is
        shown; False when nobody can be told, because the till is not connected for example."""
        ...
