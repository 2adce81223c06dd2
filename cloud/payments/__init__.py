"""Cards and charges, through a payment provider that alone ever sees a card number.

A terminal delivers a single-use token; the provider turns it into a card on file. In the sandbox
the tokens are those of Stripe's test cards, and no others:

    tok_visa                    Visa ending 4242, pays
    tok_mastercard              Mastercard ending 4444, pays
    tok_chargeCustomerFail      Visa ending 0341, is kept and declines every purchase
    tok_chargeDeclined          Visa ending 0002, is refused at sign-up

A purchase is begun and then finished. Beginning names the payment and moves no money, so its name
can be written down first; finishing it twice charges once.
"""

from dataclasses import dataclass, field
from typing import Protocol

from protocol.messages import Card, Money


class CardRefused(Exception):
    """The provider does not take this card or token."""


class ProviderUnavailable(Exception):
    """No answer, or none of use: what was asked may or may not have been done."""


@dataclass(frozen=True, slots=True)
class CardOnFile:
    """A card as the provider keeps it."""

    card: Card
    customer: str = field(repr=False)
    """Whose it is, to the provider: one for each card, and nothing that names a person."""
    method: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Paid:
    """The money was taken."""


@dataclass(frozen=True, slots=True)
class Declined:
    reason: str
    """The provider's decline code."""


class PaymentProvider(Protocol):
    """Every method raises ProviderUnavailable, and those that use a card CardRefused."""

    async def keep(self, token: str, reference: str) -> CardOnFile:
        """`reference` makes a repeated call the same call."""
        ...

    async def forget(self, customer: str, method: str) -> None:
        """Without effect where it is forgotten already."""
        ...

    async def begin(self, amount: Money, card: CardOnFile, purchase_id: str) -> str:
        """The provider's name for the payment."""
        ...

    async def finish(self, payment: str) -> Paid | Declined:
        """Charges, or says how it came out when it was charged before."""
        ...

    async def abandon(self, payment: str) -> Paid | Declined:
        """Sees to it that nothing is charged any more, unless it was already."""
        ...

    async def close(self) -> None: ...
