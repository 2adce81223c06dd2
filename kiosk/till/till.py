"""The protocol of a till, which gives requests to the kiosk and takes their results."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, NoReturn, Protocol

from kiosk.screens import (
    Bill,
    Check,
    Choice,
    Entered,
    Item,
    Notice,
    Points,
    TillDigits,
    TillMenu,
    TillMessage,
    TillQuestion,
)
from protocol.messages import Age, Card, Customer, Money


class SaleResult(StrEnum):
    APPROVED = "approved"
    DECLINED = "declined"
    NOT_PAID = "not_paid"
    """Nothing was charged: cancelled, not recognised, an amount that cannot be charged, or the
    kiosk or the service failed."""
    ANOTHER_WAY = "another_way"
    """Nothing was charged, and the shopper pays at the shop's own terminal or in cash."""
    AGE_NOT_SEEN = "age_not_seen"
    """Nothing was charged, because staff have not seen that the shopper has reached the age that
    the till asks for."""
    NO_MEMBERSHIP = "no_membership"
    """Nothing was charged, because the till requires a membership and the shopper has none."""
    UNKNOWN = "unknown"
    """The outcome is not known; APPROVED, DECLINED or NOT_PAID follows for the same reference."""


class Tampering(StrEnum):
    """A sign that somebody tampers with the kiosk."""

    CAMERA = "camera"
    """The camera was unplugged."""
    INFRARED = "infrared"
    """The near-infrared camera was unplugged."""
    SWAPPED_CAMERA = "swapped_camera"
    """Another camera is in the place of one of them."""
    ENCLOSURE = "enclosure"
    """The enclosure was opened."""
    USB = "usb"
    """A device was plugged in that does not belong to the kiosk."""
    USB_STORAGE = "usb_storage"
    """A memory stick, or something like it, was plugged in."""


class Untold(Exception):
    """The till cannot be told the result now, and has to be told later."""


@dataclass(frozen=True, slots=True)
class Sale:
    """A sale; `reference` is the till's identifier of it (`protocol.messages.Identifier`)."""

    reference: str
    amount: Money
    merchant: str
    items: tuple[Item, ...] = ()
    acquisition: str | None = None
    """The acquisition whose shopper pays; None when the palm is still to be shown."""
    tips: tuple[int, ...] = ()
    """The tips to choose from, in percent; none when no tip is asked for."""
    tip: Money | None = None
    """What of the amount is a tip."""
    points: Points | None = None
    """What the till says about points; None when it says nothing."""
    over: Age | None = None
    """The age that the shopper must have reached; None for any."""
    members_only: bool = False
    """Whether the till wants nothing to be charged to a shopper without a membership."""

    @property
    def bill(self) -> Bill:
        return Bill(self.merchant, self.amount, self.items, self.tip)


@dataclass(frozen=True, slots=True)
class Acquisition:
    """The till asks who the shopper is, before it says what they pay."""

    reference: str
    merchant: str
    over: Age | None = None
    """The age of which the till asks whether the shopper has reached it; None when it does not."""
    members_only: bool = False
    """Whether the till wants to hear of nobody without a membership."""


@dataclass(frozen=True, slots=True)
class Collection:
    """The till asks for the shopper's membership, to book points without a payment."""

    reference: str
    merchant: str
    points: Points | None = None
    acquisition: str | None = None
    """The acquisition whose shopper collects; None when the palm is still to be shown."""


Dialogue = TillMessage | TillQuestion | TillDigits | TillMenu
"""A screen that the till has the kiosk show."""
Entry = Entered | Literal[Choice.DONE, Choice.CONFIRM, Choice.CANCEL]
"""How a shopper answers it."""


@dataclass(frozen=True, slots=True)
class Printed:
    """A receipt that a till prints for the shopper who has just paid."""

    sale: str
    """The reference of the sale."""
    text: str


@dataclass(frozen=True, slots=True)
class Talk:
    """The till says or asks the shopper something."""

    reference: str
    screen: Dialogue
    printed: Printed | None = None
    """The receipt that it is, None for anything else."""


Request = Sale | Acquisition | Collection | Talk
"""What a till asks of the kiosk."""


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

    async def next_request(self) -> Request:
        """Waits for a request and returns it. Cancelling loses none."""
        ...

    async def asks(self) -> None:
        """Waits until a request is there to be taken by `next_request`."""
        ...

    async def withdrawn(self, reference: str) -> None:
        """Waits until the till withdraws this request; for ever if it does not or has the answer,
        but an acquisition can be withdrawn until its shopper has left."""
        ...

    def awaits(self, reference: str) -> bool:
        """Returns whether the request has had no answer at all."""
        ...

    async def answer(
        self,
        reference: str,
        result: SaleResult,
        cause: str | None = None,
        *,
        card: Card | None = None,
        charged: Money | None = None,
    ) -> None:
        """Tells the till how a sale ended: with which card and amount, which may hold a tip; and
        why, for the operator, where the service or the payment provider said so. Telling the same
        again changes nothing. Raises Untold."""
        ...

    def note_payer(self, reference: str, customer: Customer | None) -> None:
        """Notes who pays a sale, None when they are not known: its answer tells the till of their
        membership."""
        ...

    async def tell_shopper(
        self, reference: str, customer: Customer | None, *, of_age: bool = False
    ) -> None:
        """Tells the till who the shopper of an acquisition or a collection is; None when nobody is
        known, or when the shopper has left since. A collection is of no use to a shopper without
        a membership, and neither is an acquisition for members only. `of_age` is whether staff have
        seen that the shopper has reached the age that the acquisition asks for."""
        ...

    async def tell_entry(self, reference: str, entry: Entry | None) -> None:
        """Tells the till how the shopper has answered; None when they did not."""
        ...

    def maintain(self, *, begins: bool) -> None:
        """Tells the till that staff begin or end maintenance."""
        ...

    async def tampering(self, sign: Tampering) -> bool:
        """Tells the till of a sign of tampering. Returns False when a till that wants to hear of it
        has not."""
        ...

    def tampering_ended(self, sign: Tampering) -> None:
        """Takes note that a sign of tampering is gone."""
        ...

    async def call_staff(self) -> bool:
        """Shows the staff at the till that somebody needs them at the kiosk. Returns whether it is
        shown; False when nobody can be told, because the till is not connected for example."""
        ...
