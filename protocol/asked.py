"""The messages about what a merchant's own systems have a kiosk ask the person before it: to show a
palm, so that something is approved or their systems know who is there.

    PUT    /palm-requests/taken?wait=          -> AskedPalms, as soon as there is one
    GET    /palm-requests/{id}?wait=           -> AskedEnd, as soon as it has ended
    DELETE /palm-requests/{id}/taken           -> nothing; it waits for a kiosk again
    POST   /palm-requests/{id}/palm envelope   -> Identification          (1:1)
    PUT    /palm-requests/{id}/begun           -> AskedEnd; it has time to sign up from then on
    PUT    /palm-requests/{id}/answer PalmAnswer -> AskedEnd
"""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AfterValidator, StringConstraints

from protocol.messages import Identifier, Message

LONGEST_QUESTION = 120
"""Characters of a question."""
LONGEST_WAIT_S = 4
"""How long a kiosk's question to the service waits at the most, in seconds: less than a kiosk's
patience with an answer."""


class Asks(StrEnum):
    """What a palm is asked for."""

    APPROVE = "approve"
    """To agree with something."""
    IDENTIFY = "identify"
    """To tell who is there."""
    ENROL = "enrol"
    """To sign up, and be known to the merchant by its own reference from then on."""


class RequestState(StrEnum):
    """How far a request for a palm is. All but the first three are final."""

    WAITING = "waiting"
    """No kiosk shows it yet, or none any more."""
    SHOWN = "shown"
    BEGUN = "begun"
    """Somebody signs up."""
    APPROVED = "approved"
    IDENTIFIED = "identified"
    ENROLLED = "enrolled"
    REFUSED = "refused"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


OPEN = (RequestState.WAITING, RequestState.SHOWN, RequestState.BEGUN)


def _printable(text: str) -> str:
    # Also signs that nobody sees, which turn what is written round (UTR 36, section 2.5).
    if not text.isprintable():
        raise ValueError("it is one line of printable characters")
    return text


Question = Annotated[
    str,
    StringConstraints(min_length=1, max_length=LONGEST_QUESTION, strip_whitespace=True),
    AfterValidator(_printable),
]
"""What the person reads: plain text in one line."""


class AskedPalm(Message):
    """A request that the calling kiosk shows from now on."""

    request_id: Identifier
    """Also the id of the visit, which palms that are shown for it are sealed with."""
    kind: Asks
    question: str
    named: bool
    """Whether it is for one person: then the palm is compared with theirs
    (`POST /palm-requests/{id}/palm`)."""
    ending: str | None = None
    """How the number ends by which somebody who signs up is known to the merchant."""


class AskedPalms(Message):
    request: AskedPalm | None
    again_after_s: int
    """After how many seconds the kiosk asks again: where nobody asks for palms, seldom."""


class PalmAnswer(Message):
    """What the person has answered: with the palm of an identification, with their sign-up, or
    no."""

    identification_id: Identifier | None = None
    enrolment_id: Identifier | None = None


class AskedEnd(Message):
    state: RequestState
    reason: Literal["declined", "not_recognised"] | None = None
