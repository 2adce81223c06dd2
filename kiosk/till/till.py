"""The till the kiosk takes sales from and gives results to."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from protocol.messages import Money


class SaleResult(StrEnum):
    APPROVED = "approved"
    DECLINED = "declined"
    NOT_PAID = "not_paid"
    """Nothing was charged: cancelled, not recognised, or the kiosk could not."""
    UNKNOWN = "unknown"
    """The answer got lost; APPROVED, DECLINED or NOT_PAID follows for the same reference."""


@dataclass(frozen=True, slots=True)
class Sale:
    """`reference` is the till's own identifier of the sale (`protocol.messages.Identifier`)."""

    reference: str
    amount: Money
    merchant: str


class Till(Protocol):
    async def next_sale(self) -> Sale:
        """Waits for a sale. Cancelling it loses none."""
        ...

    async def withdrawn(self, sale: Sale) -> None:
        """Waits until the till takes back this sale; for ever if it does not, or has its answer."""
        ...

    def awaits(self, reference: str) -> bool:
        """Whether this sale has not been answered at all."""
        ...

    async def answer(self, reference: str, result: SaleResult) -> None:
        """Tells how a sale ended. Telling the same again changes nothing."""
        ...

    async def call_staff(self) -> None:
        """Tells whoever stands at the till that somebody needs them at the kiosk."""
        ...
