"""What a visit asks of a venue, and what it may say of the answer. No sentence is made here."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from kiosk.faults import CannotStart
from protocol.entry import Ticket
from protocol.messages import Direction


class Reason(StrEnum):
    """Why a ticket does not open the gate."""

    ALREADY_USED = "already_used"
    UNPAID = "unpaid"
    NOT_APPROVED = "not_approved"
    """The order waits for the organiser's approval."""
    WRONG_LIST = "wrong_list"
    """The ticket is for another product, date or entrance than this gate's list."""
    NOT_YET_VALID = "not_yet_valid"
    EXPIRED = "expired"
    BLOCKED = "blocked"
    REVOKED = "revoked"
    """Its QR code was replaced by another one."""
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"
    QUESTIONS = "questions"
    """Staff have something to ask or to hand out before this ticket is used."""
    RULES = "rules"
    """The organiser's own rules for this list do not let it in, or cannot be evaluated here."""
    UNDECIDED = "undecided"
    """Nobody can tell now: pretix does not answer, and there is no list, or nothing can be
    recorded."""


@dataclass(frozen=True, slots=True)
class Admitted:
    """The gate may open, and the passage is in the books. If it does not open after all, the
    passage is to be annulled."""

    passage: UUID
    product: str | None
    """The name of what was bought, such as "Day ticket"; None if it is not known."""
    offline: bool
    """Whether it was decided by the downloaded list."""
    attention: bool = False
    """Whether the organiser asks staff to look at holders of this ticket."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The gate stays shut."""

    reason: Reason
    at: datetime | None = None
    """When it was used last, when it begins to be valid, or when it ended, as the reason says."""
    gate: str | None = None
    """The name of the gate at which it was used; None if it is not known."""
    offline: bool = False


Admission = Admitted | Refused


class Connection(StrEnum):
    """How the gate stands with pretix."""

    STARTING = "starting"
    ONLINE = "online"
    AWAY = "away"
    """pretix does not answer, or cannot serve."""
    NOT_ALLOWED = "not_allowed"
    """pretix no longer knows this device, or the device may not use this list."""


class Trouble(StrEnum):
    """What was recorded at the gate and pretix does not agree with."""

    CONTRADICTED = "contradicted"
    """Somebody was let through while pretix was away, and pretix would have refused them: `reason`
    says why. The passage stands in pretix all the same, as forced."""
    NOT_UPLOADED = "not_uploaded"
    """A passage that pretix does not take, such as one of a deleted order."""
    NOT_ANNULLED = "not_annulled"
    """A passage that did not happen and that pretix does not take back: the ticket may count as
    used."""


@dataclass(frozen=True, slots=True)
class Conflict:
    """Something that staff should look at in pretix."""

    passage: UUID
    trouble: Trouble
    reason: Reason | None
    position: int | None
    """The id of the order position in pretix; None where it was never known."""
    direction: Direction
    at: datetime


@dataclass(frozen=True, slots=True)
class VenueState:
    """What staff see of the gate."""

    connection: Connection
    tickets: int
    """How many tickets are on the list in memory; 0 without one."""
    waiting: int
    """How many passages pretix has not been told yet."""
    conflicts: int
    recording: bool
    """Whether the last passage could be written to the disk."""


class NotSetUp(CannotStart):
    """The kiosk is no device of the venue yet, or has no check-in list. Everything else of it
    works, and staff set it up at the maintenance screen."""

    def __init__(self, cause: str, remedy: str, *, signed_on: bool) -> None:
        super().__init__(cause, remedy)
        self.signed_on = signed_on


class Venue(Protocol):
    @property
    def state(self) -> VenueState:
        """How the gate stands with the venue's system now."""
        ...

    async def admit(self, ticket: Ticket, direction: Direction) -> Admission:
        """Decides within seconds whether somebody may pass, and records that they do. Whoever is
        cancelled meanwhile has not passed: what was recorded is taken back."""
        ...

    async def annul(self, passage: UUID) -> None:
        """Takes back a passage for which the gate did not open. Raises nothing: what cannot be
        taken back now is taken back later, or told to staff."""
        ...
