"""Payment providers: only they ever see a card number.

A terminal delivers a single-use token, and the provider turns it into a card on file. In the
sandbox, these test tokens of Stripe's are the only ones:

    tok_visa                    Visa ending 4242, pays
    tok_mastercard              Mastercard ending 4444, pays
    tok_chargeCustomerFail      Visa ending 0341, is kept and declines every purchase
    tok_chargeDeclined          Visa ending 0002, is refused at sign-up

A payment is begun and then finished. Beginning it names it and moves no money, so the name can be
stored first; finishing it twice charges once.
"""

from dataclasses import dataclass, field
from typing import Protocol

from protocol.messages import Card, Money

ABANDONED = "abandoned"
"""The decline reason of a payment that was begun and then abandoned."""


class CardRefused(Exception):
    """The provider does not take this card or token."""


class ProviderUnavailable(Exception):
    """The provider gave no usable answer: what it was asked may or may not have been done."""


@dataclass(frozen=True, slots=True)
class CardOnFile:
    """A card as the provider keeps it."""

    card: Card
    customer: str = field(repr=False)
    """The provider's name for the holder. There is one for each card, and it names no person."""
    method: str = field(repr=False)
    """The provider's name for the card."""


@dataclass(frozen=True, slots=True)
class Paid:
    """The money was taken."""


@dataclass(frozen=True, slots=True)
class Declined:
    reason: str
    """The provider's decline code."""


class PaymentProvider(Protocol):
    """Keeps cards and charges them. Every method raises ProviderUnavailable, and those that use a
    card raise CardRefused."""

    async def keep(self, token: str, reference: str) -> CardOnFile:
        """Turns a token into a card on file. A call that is repeated with the same `reference` has
        one effect."""
        ...

    async def forget(self, customer: str, method: str) -> None:
        """Removes a card on file; does nothing when it is removed already."""
        ...

    async def begin(self, amount: Money, card: CardOnFile, purchase_id: str) -> str:
        """Begins a payment and returns the provider's name for it. A repeated call with the same
        purchase id has one effect."""
        ...

    async def finish(self, payment: str) -> Paid | Declined:
        """Charges, and returns the outcome. A repeated call returns the outcome of the first."""
        ...

    async def abandon(self, payment: str) -> Paid | Declined:
        """Cancels a payment that was not charged yet, and returns its outcome."""
        ...

    async def close(self) -> None: ...
