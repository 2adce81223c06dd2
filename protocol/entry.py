"""The messages about people at gates, doors and desks, and about their tickets."""

from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, Field, StrictBool, StringConstraints

from protocol.credential import Credential
from protocol.messages import Direction, Identifier, Message, of_no_payment_card


class Admission(StrEnum):
    """What a kiosk does for somebody whom it has recognised."""

    OPEN = "open"
    """It opens the gate."""
    PRESENT = "present"
    """It presents their credential to the site's access controller, which decides."""
    REDEEM = "redeem"
    """It redeems one of their tickets at the venue's system, which decides."""
    CHECKED_IN = "checked_in"
    """Nothing: there is no gate, and the site is told that they are there."""
    ASK = "ask"
    """It asks them first whether their palm may stand for what the site has given them
    (`POST /entries/{id}/agreement`)."""
    REFUSED = "refused"


class EntryRefusal(StrEnum):
    """Why somebody who was recognised does not get in."""

    NOT_SET_UP = "not_set_up"
    """The service does not know what this kiosk stands at: its operator has to say so."""
    NO_ACCESS = "no_access"
    """The site has given them no access, or none to this door."""
    NOT_YET = "not_yet"
    EXPIRED = "expired"
    CLOSED = "closed"
    """The door is not open to them at this hour."""
    ALREADY_IN = "already_in"
    NOT_IN = "not_in"
    """They want to go out of where they have not come in."""
    NO_TICKET = "no_ticket"


TicketCode = Annotated[
    str,
    StringConstraints(pattern=r"^[!-~]{4,255}$"),
    AfterValidator(of_no_payment_card),
]
"""What the QR code of a ticket says."""


class Ticket(Message):
    code: TicketCode = Field(repr=False)


class Tickets(Message):
    """The tickets that somebody has linked at the device's merchant."""

    count: int = Field(ge=0)


class DoorTold(Message):
    """What the device stands at."""

    direction: Direction
    checks_in: StrictBool
    """Whether there is no gate, and the site is told who is there."""
    redeems: StrictBool
    """Whether the venue's system decides about tickets."""


class EntryRequest(Message):
    identification_id: Identifier
    """An identification for `Purpose.ENTER`."""


class Entry(Message):
    """What becomes of somebody at the gate that the device stands at."""

    entry_id: Identifier
    admission: Admission
    direction: Direction
    refusal: EntryRefusal | None = None
    credential: Credential | None = Field(default=None, repr=False)
    """What is presented, or asked about."""
    tickets: list[TicketCode] = Field(default=[], repr=False)
    """What may be redeemed, the newest first."""
    site: str
    """The name of the site, for the screen."""


class Passage(Message):
    """What came of an entry: whether somebody could pass."""

    passed: StrictBool


class Untold(Passage):
    """A passage, and of whom."""

    entry_id: Identifier
