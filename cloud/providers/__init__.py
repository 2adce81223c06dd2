"""Payment providers: only they ever see a card number.

A terminal delivers a single-use token, and the provider turns it into a card on file. In the
sandbox, these test tokens of Stripe's are the only ones:

    tok_visa                    Visa ending 4242, pays
    tok_mastercard              Mastercard ending 4444, pays
    tok_chargeCustomerFail      Visa ending 0341, is kept and declines every purchase
    tok_threeDSecureRequired    Visa ending 3184, is kept; its bank asks its holder to confirm
                                every purchase on a page, and it is declined where nobody waits
    tok_chargeDeclined          Visa ending 0002, is refused at sign-up

A payment is begun and then finished. Beginning it names it and moves no money, so the name can be
stored first; finishing it twice charges once. A refund moves money at once, so the service names
it: the provider stores that name with the refund, and a second one of that name is the first.

Cards are kept at the operator's own account with the provider. The money of a payment goes on to
the account of the merchant who sold, where the merchant has one.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol

from protocol.messages import Card, Chargeable, Money, Reader, ReaderFault

ABANDONED = "abandoned"
"""The reason of a payment that was begun and then abandoned."""
NO_CARD = "no_card"
"""The reason of a payment for which no card was presented."""


class CardRefused(Exception):
    """The provider does not take this card or token."""


class PaymentRefused(Exception):
    """The provider does not begin this payment, for a reason that is not the card's: the message is
    the provider's code for it. Nothing is charged, and the operator is told in the log."""


class NoPages(Exception):
    """The provider's pages are not set up: the message tells the operator the remedy."""


class BadSignature(Exception):
    """An event that the provider has not signed, or too long ago."""


class ProviderUnavailable(Exception):
    """The provider gave no usable answer: what it was asked may or may not have been done."""


class ProviderSilent(ProviderUnavailable):
    """The provider cannot be reached, or does not answer in time. Nothing else that it is asked now
    will fare better."""


class ReaderTrouble(Exception):
    """A card reader takes no card now."""

    def __init__(self, fault: ReaderFault) -> None:
        super().__init__(f"the card reader takes no card: {fault}")
        self.fault = fault


@dataclass(frozen=True, slots=True)
class CardOnFile:
    """A card as the provider keeps it."""

    card: Card
    customer: str = field(repr=False)
    """The provider's name for the holder. There is one for each card, and it names no person."""
    method: str = field(repr=False)
    """The provider's name for the card."""
    last_month: tuple[int, int] | None = field(default=None, repr=False)
    """The year and the month at whose end the card expires, None when that is not known."""
    fingerprint: str | None = field(default=None, repr=False)
    """The provider's mark of the card's number: two cards that have the same one are one card. None
    when it is not known."""


@dataclass(frozen=True, slots=True)
class CardSaving:
    """The provider has begun to save a card, which is still to come."""

    name: str
    """The provider's name for it."""


@dataclass(frozen=True, slots=True)
class HostedPage(CardSaving):
    """A page of the provider's on which a card is saved."""

    url: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class PageOpen:
    """No card was saved yet, on the page or at the reader."""


@dataclass(frozen=True, slots=True)
class PageLapsed:
    """No card was saved there, and none can be any more."""


@dataclass(frozen=True, slots=True)
class CardNotSaved:
    """The reader has ended without a card."""

    refused: bool
    """Whether it has read one that cannot be saved."""


@dataclass(frozen=True, slots=True)
class CardSaved:
    """A card was saved there, and its holder has answered what its bank asked."""

    kept: CardOnFile
    holder: str | None = field(repr=False)
    """The name on the card, None when it was not asked for."""


PageState = PageOpen | PageLapsed | CardSaved
SavingState = PageState | CardNotSaved


@dataclass(frozen=True, slots=True)
class Dispute:
    """The holder of a card disputes a payment at their bank."""

    payment: str
    """The provider's name for the payment."""
    status: str
    """The provider's word for how it stands."""


@dataclass(frozen=True, slots=True)
class Event:
    """What the provider tells of by itself. It says what to look at, and not how it is: events
    arrive twice, late and in any order."""

    event_id: str
    kind: str
    """The provider's name for what has happened."""
    about: str
    """The provider's name for what it has happened to."""


@dataclass(frozen=True, slots=True)
class Paid:
    """The money was taken."""


@dataclass(frozen=True, slots=True)
class Declined:
    """The card's issuer declined, and the payment is closed."""

    reason: str
    """The provider's decline code."""


@dataclass(frozen=True, slots=True)
class NotPaid:
    """Nothing was charged for a reason that is not the card's, and the payment is closed."""

    reason: str
    """ABANDONED, or the provider's code for what the operator has to mend."""


Settled = Paid | Declined | NotPaid
"""How a payment ended, for good."""


@dataclass(frozen=True, slots=True)
class CardAwaited:
    """The reader waits for a card, or the card's issuer is being asked."""


@dataclass(frozen=True, slots=True)
class CardTaken:
    """The issuer has agreed to the payment, which is charged when it is finished."""

    card: Card | None
    """None when the provider does not tell."""


@dataclass(frozen=True, slots=True)
class CardNotTaken:
    """The reader does not wait for the payment's card any more. Nothing can be charged."""

    declined: bool
    """Whether a card was presented, and its issuer declined."""
    card: Card | None
    """The card that was declined, where the provider tells it."""


Presented = CardAwaited | CardTaken | CardNotTaken


@dataclass(frozen=True, slots=True)
class HolderAsked:
    """The bank asks the card's holder to confirm the payment, which is open until they do."""

    url: str = field(repr=False)
    """The page on which they confirm it."""


@dataclass(frozen=True, slots=True)
class Refunded:
    """The provider has taken the refund on. It may reach the card days later."""


@dataclass(frozen=True, slots=True)
class NotRefunded:
    """Nothing was refunded, and nothing will be."""

    reason: str
    """The provider's code for it."""


@dataclass(frozen=True, slots=True)
class FailedRefund:
    """A refund that may have been made, and that its card's bank has sent back."""

    reference: str
    """The service's name for it."""
    reason: str
    """The provider's code for it."""


@dataclass(frozen=True, slots=True)
class Movement:
    """Money that the provider has moved."""

    kind: Literal["sale", "refund"]
    name: str
    """The provider's name for the payment, or the service's name for the refund."""
    amount: Money
    account: str | None
    """The merchant's account that a payment goes to; None for the operator's own, and for a
    refund."""
    at: datetime


class Readers(Protocol):
    """Card readers that the provider drives. Whoever presents a card there shows it to the provider
    alone. Every method raises ProviderUnavailable."""

    async def look(self, reader: str) -> Reader:
        """Returns what is known of a reader, with its fault; it need not be there."""
        ...

    async def save_card(self, reader: str, reference: str) -> CardSaving:
        """Has a reader wait for a card that it saves. What it was waiting for before is given up.
        A call that is repeated with the same `reference` has one effect at the provider. Raises
        ReaderTrouble."""
        ...

    async def look_at_saving(self, reader: str, name: str) -> SavingState: ...

    async def begin(self, amount: Money, purchase_id: str, account: str | None = None) -> str:
        """Begins a payment whose card is still to be presented; otherwise as
        `PaymentProvider.begin`. Raises PaymentRefused."""
        ...

    async def present(self, reader: str, payment: str) -> None:
        """Has a reader wait for the card of a payment. What it was waiting for before is given up.
        Raises ReaderTrouble."""
        ...

    async def look_at_payment(self, reader: str, payment: str) -> Presented: ...

    async def stop(self, reader: str, name: str) -> None:
        """Has a reader stop waiting for the card of a payment, where it does and can be reached."""
        ...


class PaymentProvider(Protocol):
    """Keeps cards and charges them. Every method that calls the provider raises
    ProviderUnavailable, and those that use a card raise CardRefused."""

    name: str
    """The last part of the path to which the provider sends its events."""

    @property
    def readers(self) -> Readers | None:
        """The card readers; None where the provider has none."""
        ...

    def chargeable(self, currency: str) -> Chargeable | None:
        """Returns the amounts of a currency that the provider charges; None when it does not carry
        the currency."""
        ...

    async def keep(self, token: str, reference: str) -> CardOnFile:
        """Turns a token into a card on file. A call that is repeated with the same `reference` has
        one effect."""
        ...

    async def open_page(self, reference: str, back: str | None = None) -> HostedPage:
        """Opens a page on which a card is saved; its bank asks the holder there, too. It leads to
        the address `back` afterwards, or else to the operator's. A call that is repeated with the
        same `reference` has one effect. Raises NoPages."""
        ...

    async def look_at_page(self, name: str) -> PageState: ...

    async def look_at_card(self, card: CardOnFile) -> CardOnFile | None:
        """Returns how a card on file is now, None when the provider does not keep it any more. A
        bank that gives out a new card tells the provider."""
        ...

    async def look_at_dispute(self, name: str) -> Dispute | None:
        """Returns how a dispute stands, None when it is about no payment of this service."""
        ...

    async def failed_refund(self, name: str) -> FailedRefund | None:
        """Returns the refund that the provider calls `name`, if it has failed; None if it has not,
        or was made elsewhere."""
        ...

    def read_event(self, body: bytes, headers: Mapping[str, str]) -> Event | None:
        """Returns the event that the provider has sent, None for one that nobody here needs. Raises
        BadSignature."""
        ...

    async def forget(self, customer: str, method: str) -> None:
        """Removes a card on file; does nothing when it is removed already."""
        ...

    async def forget_kept(self, reference: str, since: datetime) -> None:
        """Removes everything that `keep`, `open_page` and `Readers.save_card` have made for a
        reference since that time, even where an answer was lost or they failed half-way. It shuts
        the page and has the reader stop waiting; does nothing when there is nothing."""
        ...

    async def begin(
        self, amount: Money, card: CardOnFile, purchase_id: str, account: str | None = None
    ) -> str:
        """Begins a payment and returns the provider's name for it. A repeated call with the same
        purchase id, which the provider stores with the payment, has one effect. `account` is the
        merchant's account, which gets the money; None means the operator's own. Raises
        PaymentRefused."""
        ...

    async def begin_with_token(
        self, amount: Money, token: str, purchase_id: str, account: str | None = None
    ) -> tuple[str, Card]:
        """Begins a payment with the card of a token, which is not kept; otherwise as `begin`.
        Returns the payment and the card."""
        ...

    async def finish(self, payment: str, *, asks_holder: bool = False) -> Settled | HolderAsked:
        """Charges, and returns the outcome. A repeated call returns the outcome of the first.

        With `asks_holder` a payment that the bank wants to be confirmed by the card's holder stays
        open for them; otherwise it is cancelled and declined.
        """
        ...

    async def abandon(self, payment: str) -> Settled:
        """Cancels a payment that was not charged yet, and returns its outcome."""
        ...

    async def refund(
        self, payment: str, amount: Money, refund_id: str, account: str | None = None
    ) -> Refunded | NotRefunded:
        """Refunds a payment or a part of it, and returns the outcome. A repeated call with the same
        refund id, which the provider stores with the refund, has one effect. `account` is the one
        that got the money, and that gives it back. Never refunds more than was paid."""
        ...

    async def movements(self, since: datetime, until: datetime) -> list[Movement]:
        """Returns the payments that were begun from `since` on and before `until` and were charged,
        and the refunds that were made in that time and have not failed."""
        ...

    async def close(self) -> None: ...
