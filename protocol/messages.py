"""Every message of the service's API, version 1, and the problems it answers with.

All paths lie under `/v1`. Every request but `GET /v1/service` is signed with the device's key
(`protocol.signature`); every POST carries an `Idempotency-Key` header, and repeating a request
with the same key answers what was answered first. Palm captures travel as the raw bytes of a
sealed envelope (`protocol.envelope`) with content type `application/palm-envelope`.

    GET    /service                            -> ServiceInfo
    POST   /devices               Activation   -> Device
    POST   /challenges                         -> Challenge
    POST   /enrolments            EnrolmentRequest -> Enrolment
    POST   /enrolments/{id}/code  CodeEntry    -> PhoneVerified
    POST   /enrolments/{id}/code/resend        -> Enrolment
    POST   /enrolments/{id}/card  CardToken    -> Card
    POST   /enrolments/{id}/palms envelope     -> PalmAccepted
    POST   /enrolments/{id}/completion         -> Account
    DELETE /enrolments/{id}                    -> nothing; all that was given is erased
    POST   /identifications       envelope     -> Identification          (1:N)
    POST   /identifications/{id}/step-up LastFour -> Identification
    GET    /identifications/{id}/holdings      -> Holdings
    POST   /claims                Claim        -> ClaimOpened
    POST   /claims/{id}/palm      envelope     -> Identification          (1:1)
    POST   /claims/{id}/code      CodeEntry    -> Identification
    POST   /purchases             PurchaseRequest -> Purchase
    GET    /purchases/{reference}              -> Purchase
    POST   /deletions             DeletionRequest -> DeletionReceipt
"""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

ENVELOPE_TYPE = "application/palm-envelope"
PROBLEM_TYPE = "application/problem+json"

Identifier = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{8,64}$")]
Phone = Annotated[str, StringConstraints(pattern=r"^\+[1-9][0-9]{6,14}$")]
"""A mobile number in E.164."""
Base64 = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9+/]+={0,2}$", max_length=8192)]
Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
"""ISO 4217."""


class Message(BaseModel):
    """Unknown fields are refused: a message means what its version says, or it is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Side(StrEnum):
    LEFT = "left"
    RIGHT = "right"


class Purpose(StrEnum):
    """What a palm is shown for; bound into its envelope, so a capture serves no other end."""

    ENROL = "enrol"
    PAY = "pay"
    LEAVE = "leave"


class Money(Message):
    """An amount in the currency's minor unit (ISO 4217), above zero."""

    minor: int = Field(gt=0, le=99_999_999)
    currency: Currency


class Card(Message):
    """What may be shown of a card: never its number."""

    brand: str
    last4: Annotated[str, StringConstraints(pattern=r"^[0-9]{4}$")]


# Service and devices


class VaultKey(Message):
    """A public key to seal captures to. `suite` is a `protocol.envelope.Suite` value."""

    key_id: str
    suite: str
    public_key: Base64


class ServiceInfo(Message):
    version: str
    time: AwareDatetime
    vault_keys: list[VaultKey]
    """The first is the one to use; the others still open."""
    consent_version: str
    sandbox: bool
    """Payments and messages are simulated."""
    light_required: bool = False
    """Only palms that were shown a light challenge are accepted."""
    pulse_above: int | None = None
    """A sale of more than this, in the minor unit of the currency, is paid by a palm whose pulse
    was recorded with it (`protocol.capture.Pulse`); None where no amount asks for that."""


class Activation(Message):
    activation_code: Annotated[str, StringConstraints(pattern=r"^[0-9]{8}$")] = Field(repr=False)
    public_key: Base64
    """The device's raw Ed25519 public key, 32 bytes; it also signs this very request."""
    name: Annotated[str, StringConstraints(min_length=1, max_length=64)]
    infrared: bool = False
    """The device has a near-infrared camera: from now on no palm of its is taken without."""


class Device(Message):
    device_id: Identifier
    merchant: str
    country: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]
    currency: Currency


class Challenge(Message):
    """What the light ring is to show while the next palm is captured (`protocol.challenge`): for
    this device, once, and soon."""

    challenge_id: Identifier
    seed: Base64
    expires_at: AwareDatetime


# Sign-up


class Consent(Message):
    """Which wording the shopper agreed to, and when."""

    version: str
    agreed_at: AwareDatetime


class EnrolmentRequest(Message):
    phone: Phone = Field(repr=False)
    consent: Consent


class Enrolment(Message):
    enrolment_id: Identifier
    expires_at: AwareDatetime
    resend_after: int
    """Seconds before another code may be asked for."""


class CodeEntry(Message):
    code: Annotated[str, StringConstraints(pattern=r"^[0-9]{6}$")] = Field(repr=False)


class PhoneVerified(Message):
    known: bool
    """An account with this number exists already."""


class CardToken(Message):
    """A payment provider's single-use token, as the terminal delivered it."""

    token: Annotated[str, StringConstraints(min_length=3, max_length=255)] = Field(repr=False)
    holder: Annotated[str, StringConstraints(max_length=64)] | None = Field(
        default=None, repr=False
    )
    """The name on the card, where the terminal read one."""


class PalmAccepted(Message):
    side: Side
    quality: float = Field(ge=0, le=1)
    palms: list[Side]
    """All palms this enrolment holds now."""


class Account(Message):
    """What the shopper is told at the end of sign-up."""

    name_hint: str = Field(repr=False)
    phone_last4: str = Field(repr=False)
    card: Card
    palms: list[Side]


# Recognition


class Outcome(StrEnum):
    ACCEPTED = "accepted"
    ASK_AGAIN = "ask_again"
    STEP_UP = "step_up"
    HOLD_LONGER = "hold_longer"
    """The palm is asked for once more, and its pulse with it."""
    REFUSED = "refused"


class Customer(Message):
    name_hint: str = Field(repr=False)
    card: Card | None


class Identification(Message):
    """`customer` is present when the outcome is `accepted`, and only then."""

    identification_id: Identifier
    outcome: Outcome
    customer: Customer | None = None
    attempts_left: int = Field(ge=0)
    expires_at: AwareDatetime
    live: bool = True
    """What was shown answered to the light as a living hand does; if not, nobody was looked for."""


class LastFour(Message):
    phone_last4: Annotated[str, StringConstraints(pattern=r"^[0-9]{4}$")] = Field(repr=False)


class Proof(StrEnum):
    PALM = "palm"
    CODE = "code"


class Claim(Message):
    """Somebody says they are the holder of this number and will prove it so."""

    phone: Phone = Field(repr=False)
    proof: Proof
    purpose: Purpose


class ClaimOpened(Message):
    """Answered alike whether or not anybody has that number."""

    claim_id: Identifier
    expires_at: AwareDatetime


# Purchases


class PurchaseRequest(Message):
    identification_id: Identifier
    amount: Money
    reference: Identifier
    """The sale's own identifier at this device; one purchase ever bears it."""


class Purchase(Message):
    purchase_id: Identifier
    reference: Identifier
    amount: Money
    outcome: Literal["approved", "declined"]
    decline_reason: str | None = None
    """The provider's decline code, such as `insufficient_funds`."""
    card: Card
    at: AwareDatetime


# Leaving


class Holdings(Message):
    """All that is held about a person, as the delete screen lists it."""

    name_hint: str = Field(repr=False)
    phone_last4: str = Field(repr=False)
    palms: list[Side]
    cards: list[Card]
    purchases: int
    member_since: datetime


class DeletionRequest(Message):
    identification_id: Identifier


class Retained(Message):
    """What the law makes a merchant keep, and how it is kept from pointing at a person."""

    what: str
    why: str
    until: AwareDatetime


class DeletionReceipt(Message):
    """Signed by the service: Ed25519 over the canonical JSON (RFC 8785) of all other fields
    (`protocol.signature.receipt_bytes`)."""

    receipt_id: Identifier
    at: AwareDatetime
    erased: list[str]
    retained: list[Retained]
    key_id: str
    public_key: Base64
    signature: Base64 | Literal[""] = ""


# Problems (RFC 9457)


class ProblemType(StrEnum):
    """The `type` of a problem, as a URN."""

    MALFORMED = "urn:palm-kiosk:problem:malformed"
    TOO_LARGE = "urn:palm-kiosk:problem:too-large"
    BAD_SIGNATURE = "urn:palm-kiosk:problem:bad-signature"
    REPLAYED = "urn:palm-kiosk:problem:replayed"
    STALE = "urn:palm-kiosk:problem:stale"
    UNKNOWN_DEVICE = "urn:palm-kiosk:problem:unknown-device"
    WRONG_ACTIVATION_CODE = "urn:palm-kiosk:problem:wrong-activation-code"
    NOT_FOUND = "urn:palm-kiosk:problem:not-found"
    EXPIRED = "urn:palm-kiosk:problem:expired"
    CONFLICT = "urn:palm-kiosk:problem:conflict"
    IDEMPOTENCY_MISMATCH = "urn:palm-kiosk:problem:idempotency-mismatch"
    PHONE_NOT_ACCEPTED = "urn:palm-kiosk:problem:phone-not-accepted"
    WRONG_CODE = "urn:palm-kiosk:problem:wrong-code"
    TOO_MANY_ATTEMPTS = "urn:palm-kiosk:problem:too-many-attempts"
    CARD_REFUSED = "urn:palm-kiosk:problem:card-refused"
    ENVELOPE_UNREADABLE = "urn:palm-kiosk:problem:envelope-unreadable"
    PALM_UNUSABLE = "urn:palm-kiosk:problem:palm-unusable"
    PALM_NOT_LIVE = "urn:palm-kiosk:problem:palm-not-live"
    CHALLENGE_REFUSED = "urn:palm-kiosk:problem:challenge-refused"
    LIGHT_REQUIRED = "urn:palm-kiosk:problem:light-required"
    INFRARED_REQUIRED = "urn:palm-kiosk:problem:infrared-required"
    HOLD_LONGER = "urn:palm-kiosk:problem:hold-longer"
    PALM_KNOWN = "urn:palm-kiosk:problem:palm-known"
    SAME_PALM_TWICE = "urn:palm-kiosk:problem:same-palm-twice"
    NOT_ACCEPTED = "urn:palm-kiosk:problem:not-accepted"
    STEP_UP_FAILED = "urn:palm-kiosk:problem:step-up-failed"
    PROVIDER_UNAVAILABLE = "urn:palm-kiosk:problem:provider-unavailable"
    VAULT_UNAVAILABLE = "urn:palm-kiosk:problem:vault-unavailable"
    STORAGE_FULL = "urn:palm-kiosk:problem:storage-full"
    INTERNAL = "urn:palm-kiosk:problem:internal"


class Problem(BaseModel):
    """RFC 9457 problem details. `detail` never holds what was sent."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    type: ProblemType
    title: str
    status: int
    detail: str
    attempts_left: int | None = None
    retry_after: int | None = None
    """Seconds."""
    time: AwareDatetime | None = None
    """The service's clock, where the device's was the problem (`stale`)."""
