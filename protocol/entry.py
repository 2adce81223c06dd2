"""The messages about people at gates, doors and desks, and about their tickets."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AfterValidator, AwareDatetime, Field, StrictBool, StrictInt, StringConstraints

from protocol.credential import Credential
from protocol.messages import (
    Direction,
    Identifier,
    Message,
    Side,
    VaultKey,
    of_no_payment_card,
)


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
    ASK_TO_KEEP = "ask_to_keep"
    """It asks them first whether the site's gates may recognise them without a network
    (`PUT /entries/{id}/palm`, or `DELETE` when they may not)."""
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
    keeps_list: StrictBool = False
    """Whether it may have the site's list, for when there is no network."""


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


class ListRequest(Message):
    key: VaultKey
    """The public half of a key that the kiosk has made for this list alone. The vault seals the
    templates to it."""


Seconds = Annotated[StrictInt, Field(ge=0, le=7 * 24 * 3600)]
"""Since the list was made."""
Mark = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{16,1024}$")]
"""Whom a list names, as the service alone can read it."""


class ListedPerson(Message):
    """Somebody whom a gate may let pass without a network."""

    mark: Mark = Field(repr=False)
    side: Side
    """The hand that they showed."""
    times: list[tuple[Seconds, Seconds]]
    """When they may pass, from and until."""
    credential: Credential | None = Field(default=None, repr=False)
    """What is presented to the site's access controller."""


class ListedPalms(Message):
    """People of a list whose palms are kept in templates of one version."""

    version: int = Field(ge=0)
    """The version of the templates."""
    at_least: float
    """The score from which somebody is recognised."""
    people: list[ListedPerson]
    templates: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9+/]+={0,2}$")] = Field(
        repr=False
    )
    """Their templates in the same order, sealed (`protocol.site_list`)."""


class SiteList(ListedPalms):
    """Whom a gate may let pass without a network, for a while, by its own memory. The list itself
    is of people with templates of the version that the service makes today."""

    made_at: AwareDatetime
    valid_s: Annotated[int, Field(gt=0, le=24 * 3600)]
    """After how many seconds the kiosk erases it."""
    admission: Literal[Admission.OPEN, Admission.PRESENT]
    """What the kiosk does for them."""
    direction: Direction
    once: StrictBool
    """Whether nobody comes in twice."""
    earlier: list[ListedPalms] = Field(default=[])
    """The people whose palms were kept before the service made today's version, and who have not
    been at a gate since. Left out where there are none: a kiosk of before does not know it."""


class OfflinePassage(Message):
    """Somebody has passed while there was no network."""

    mark: Mark = Field(repr=False)
    after_s: Seconds
    """When, since the list was made: the kiosk's own clock may be off."""
