"""The messages of the service's API, version 1, and the problems that it returns.

All paths lie under `/v1`. Every request except `GET /v1/service` is signed with the device's key
(`protocol.signature`). Every POST has an `Idempotency-Key` header; a repeated request with the same
key gets the first response again. Palm captures are sent as the raw bytes of a sealed envelope
(`protocol.envelope`) with the content type `application/palm-envelope`.

    GET    /service?currency=                  -> ServiceInfo
    GET    /vault-keys                         -> VaultKeySet
    POST   /devices               Activation   -> Device
    POST   /challenges            Commitment   -> Challenge
    POST   /challenges/{id}/answer ChallengeAnswer -> ChallengeAnswered
    GET    /consents                           -> ConsentTexts
    POST   /enrolments            EnrolmentRequest -> Enrolment
    POST   /begun-enrolments      BegunCode    -> BegunEnrolment
    PUT    /enrolments/{id}/agreement Consent  -> nothing
    POST   /enrolments/{id}/code  CodeEntry    -> PhoneVerified
    POST   /enrolments/{id}/code/resend        -> Enrolment
    POST   /enrolments/{id}/card  CardToken    -> Card
    POST   /enrolments/{id}/card/pages         -> CardPage
    GET    /enrolments/{id}/card/pages/{page_id} -> CardPageState
    POST   /enrolments/{id}/card/readings AtReader -> CardReading
    GET    /enrolments/{id}/card/readings/{reading_id} -> CardReadingState
    DELETE /enrolments/{id}/card/readings      -> nothing; the reader stops waiting for a card
    POST   /enrolments/{id}/palms envelope     -> PalmAccepted; the second palm may also come after
                                                  the completion, until the enrolment expires
    POST   /enrolments/{id}/completion         -> Account
    DELETE /enrolments/{id}                    -> nothing; all is erased here at once, and the
                                                  provider forgets the card soon after
    POST   /identifications       envelope     -> Identification          (1:N)
    POST   /identifications/{id}/step-up LastFour -> Identification
    POST   /identifications/{id}/agreement Consent -> Identification
    GET    /identifications/{id}/holdings      -> Holdings
    PUT    /identifications/{id}/membership Membership -> nothing
    DELETE /identifications/{id}/membership    -> nothing
    PUT    /identifications/{id}/age AgeCheck  -> nothing
    GET    /identifications/{id}/age/{over}    -> AgeFlag
    GET    /identifications/{id}/cards         -> Wallet
    POST   /identifications/{id}/cards CardToken -> Wallet
    POST   /identifications/{id}/cards/pages   -> CardPage
    GET    /identifications/{id}/cards/pages/{page_id} -> CardPageState
    POST   /identifications/{id}/cards/readings AtReader -> CardReading
    GET    /identifications/{id}/cards/readings/{reading_id} -> CardReadingState
    DELETE /identifications/{id}/cards/readings -> nothing; the reader stops waiting for a card
    PUT    /identifications/{id}/cards/{card_id}/default -> Wallet
    DELETE /identifications/{id}/cards/{card_id} -> Wallet; the provider forgets the card soon after
    POST   /claims                Claim        -> ClaimOpened
    POST   /claims/{id}/palm      envelope     -> Identification          (1:1)
    POST   /claims/{id}/code      CodeEntry    -> Identification
    POST   /purchases             PurchaseRequest -> Purchase
    POST   /card-purchases        CardPurchaseRequest -> CardPurchase
    GET    /card-purchases/{reference}         -> CardPurchase
    POST   /card-purchases/{reference}/end     -> Purchase; the card is awaited no longer
    GET    /purchases/{reference}              -> Purchase
    POST   /purchases/{reference}/end          -> Purchase; its card's holder is waited for no
                                                  longer
    PUT    /purchases/{reference}/told Told    -> nothing
    POST   /purchases/{reference}/refunds RefundRequest -> Refund
    GET    /purchases/{reference}/refunds/{refund_reference} -> Refund
    GET    /door                               -> DoorTold
    POST   /entries               EntryRequest -> Entry
    POST   /entries/{id}/agreement             -> Entry; the palm is the site's credential from now
                                                  on
    PUT    /entries/{id}/passage  Passage      -> nothing
    GET    /identifications/{id}/tickets       -> Tickets
    POST   /identifications/{id}/tickets Ticket -> Tickets
    POST   /deletions             DeletionRequest -> DeletionReceipt
    GET    /readers/{reader}                   -> Reader
    GET    /till-messages                      -> TillMessages, as soon as there is one
    PUT    /till-messages/{id}    TillAnswer   -> nothing
"""

from datetime import datetime
from enum import IntEnum, StrEnum
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    StrictInt,
    StringConstraints,
    model_validator,
)

from protocol.card_number import holds_payment_card, may_hold_number
from protocol.storage import StorageFault

ENVELOPE_TYPE = "application/palm-envelope"
PROBLEM_TYPE = "application/problem+json"

Identifier = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{8,64}$")]
Phone = Annotated[str, StringConstraints(pattern=r"^\+[1-9][0-9]{6,14}$")]
"""A mobile number in E.164."""
Base64 = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9+/]+={0,2}$", max_length=8192)]
Digest = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9+/]{43}=$")]
"""32 bytes in base64."""
Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
"""A currency code of ISO 4217."""


def _written(value: object) -> object:
    if isinstance(value, datetime) or (isinstance(value, str) and value[4:5] == "-"):
        return value
    raise ValueError("a time is written as in RFC 3339")


Moment = Annotated[AwareDatetime, BeforeValidator(_written)]
"""A time that somebody else tells: a number, which could be read as seconds since 1970, is none."""


class Message(BaseModel):
    """The base of all messages. Unknown fields are refused, so that nothing is silently ignored."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Side(StrEnum):
    LEFT = "left"
    RIGHT = "right"


class Purpose(StrEnum):
    """The purpose for which a palm is shown. It is bound into the envelope, so that a capture
    serves no other purpose."""

    ENROL = "enrol"
    PAY = "pay"
    LEAVE = "leave"
    IDENTIFY = "identify"
    """The palm only tells who somebody is: nothing can be charged with it, and nothing deleted."""
    CARDS = "cards"
    """The shopper adds cards to those that pay for them, and removes them."""
    ENTER = "enter"
    """Somebody goes through a gate or checks in: nothing can be charged with it."""
    KEEP = "keep"
    """A template is made for the gates of one site, which recognise its holder without a network.
    It serves nothing else, and no other capture makes one."""


class Direction(StrEnum):
    """Which way people go through a gate."""

    ENTRY = "entry"
    EXIT = "exit"


MOST_MINOR = 999_999_999_999
"""The largest amount in a minor unit."""


class Money(Message):
    """An amount in the currency's minor unit (ISO 4217), above zero. Which amounts can be charged
    depends on the currency, see `Chargeable`."""

    minor: StrictInt = Field(gt=0, le=MOST_MINOR)
    currency: Currency


class Chargeable(Message):
    """The amounts of one currency that the payment provider charges, in the minor unit: the
    multiples of `step` from `least` to `most`."""

    currency: Currency
    least: int = Field(gt=0)
    most: int = Field(gt=0)
    step: int = Field(gt=0)

    def at_least(self, minor: int) -> int:
        """Returns the smallest chargeable amount that is at least `minor`."""
        return -(-max(minor, self.least) // self.step) * self.step

    def refusal(self, amount: Money) -> str | None:
        """Returns why an amount cannot be charged, as the operator is told; None when it can."""
        currency = self.currency
        if amount.currency != currency:
            return f"sales here are in {currency}, and this one is in {amount.currency}"
        if amount.minor < self.least:
            return f"it is below the provider's minimum of {self.least} minor units of {currency}"
        if amount.minor > self.most:
            return f"it is above the provider's maximum of {self.most} minor units of {currency}"
        if amount.minor % self.step:
            return f"the provider charges multiples of {self.step} minor units of {currency} only"
        return None


class Card(Message):
    """The part of a card that may be shown; never its number."""

    brand: str
    last4: Annotated[str, StringConstraints(pattern=r"^[0-9]{4}$")]
    expired: bool = False
    """Whether its last month is over. Its bank may have renewed it without a word, so it may pay
    all the same when the shopper wants it to."""


# Service and devices


class VaultKey(Message):
    """A public key for sealing captures. `suite` is a `protocol.envelope.Suite` value."""

    key_id: str
    suite: str
    public_key: Base64


class DatedKey(VaultKey):
    not_before: AwareDatetime
    """From when on captures may be sealed to it."""
    expires_at: AwareDatetime | None
    """When the vault destroys it; None for the newest."""


class VaultKeySet(Message):
    """The keys of a vault: one document that the vault signs (`protocol.documents`). It has a
    revision, so that no set of before takes its place. Whoever seals captures asks for another set
    in time.
    """

    kind: Literal["keys of a vault"] = "keys of a vault"
    """Nothing else that is signed has this member."""
    revision: Annotated[int, Field(ge=1, lt=2**53)]
    """Rises with every new key."""
    made_at: AwareDatetime
    expires_at: AwareDatetime
    """When nothing may be sealed to these keys any more without asking again."""
    keys: Annotated[list[DatedKey], Field(min_length=1, max_length=16)]
    """The newest first. It is used for sealing; the others still open envelopes."""
    key_id: str
    public_key: Base64
    signature: Base64 | Literal[""] = ""


class ServiceInfo(Message):
    version: str
    time: AwareDatetime
    vault_keys: list[VaultKey]
    """The keys of the vault. The first is used for sealing; the others still open envelopes. They
    are not signed: `VaultKeySet` is for who can check it."""
    sandbox: bool
    """Whether payments and messages are simulated."""
    light_required: bool = False
    """Whether only palms with a light challenge are accepted."""
    chargeable: Chargeable | None = None
    """The amounts that can be charged in the currency that was asked for, by default in that of the
    service's first merchant. None means that the service does not tell them."""
    pulse_above: int | None = None
    """The amount, in the minor unit of that currency, above which a sale needs a palm with its
    pulse (`protocol.capture.Pulse`). None means that no amount needs it."""
    staff_above: int | None = None
    """The amount, in the same unit, above which staff have to see the hand that pays. None means
    that they never have to."""
    storage: StorageFault | None = None
    """What is wrong with the service's disk when it stores nothing but what serves deletions."""


ACTIVATION_MARK = "PALM-ACTIVATION "
"""What stands before the digits of an activation code where it is a QR code, so that no other code
is taken for it."""


class Activation(Message):
    activation_code: Annotated[str, StringConstraints(pattern=r"^[0-9]{8}$")] = Field(repr=False)
    public_key: Base64
    """The device's raw Ed25519 public key, 32 bytes, which also signs this request."""
    name: Annotated[str, StringConstraints(min_length=1, max_length=64)]
    infrared: StrictBool = False
    """Whether the device has a near-infrared camera. From then on its palms are not accepted
    without near infrared."""


class Device(Message):
    device_id: Identifier
    merchant: str
    country: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]
    currency: Currency
    orders_key: Base64 | None = None
    """The raw Ed25519 key that signs what the operator tells this device (`protocol.fleet.Orders`);
    None for a device that a service of before has activated."""


class Commitment(Message):
    """Asks for a light challenge, and says which pictures were taken in white light before it
    (`protocol.binding.commitment_of`)."""

    commitment: Digest
    purpose: Purpose | None = None
    """What the palm is shown for. On a full disk, challenges are issued only to those who leave,
    and to kiosks that do not tell."""


class Challenge(Message):
    """A light challenge (`protocol.challenge`), for the device that asked and for one capture."""

    challenge_id: Identifier
    seed: Base64
    expires_at: AwareDatetime
    """The time until which it can be answered."""


class ChallengeAnswer(Message):
    """Says which pictures were taken under the challenge (`protocol.binding.answer_of`)."""

    answer: Digest


class ChallengeAnswered(Message):
    expires_at: AwareDatetime
    """The time until which the envelope with the pictures can follow."""


# Sign-up


class ConsentSection(Message):
    heading: str
    text: str


class ConsentText(Message):
    """What somebody is asked to agree to, word by word. It is known by its digest
    (`protocol.documents.digest_of`), so what was agreed to is what was shown."""

    version: str
    """Of the wording. What differs by merchant and settings has the same version and another
    digest."""
    law: str
    """The code of the law whose text it is."""
    language: str
    """A tag of BCP 47."""
    title: str
    sections: list[ConsentSection]
    release: bool = False
    """Whether it is a written release, which the person signs."""


class ConsentTexts(Message):
    """What somebody is asked at this device before their palm is used: each by itself, in this
    order, and all before anything is taken."""

    texts: Annotated[list[ConsentText], Field(min_length=1)]


class Signature(StrEnum):
    """How somebody has signed a release. An electronic signature is a process that is carried out
    with the intent to sign (740 ILCS 14/10)."""

    HELD = "held"
    """They held a button that says so for a while."""
    PRESSED = "pressed"
    """They pressed a button that says so, on a page."""


class Consent(Message):
    """The texts to which the shopper agreed, and the time: at sign-up, before their palm is first
    used at another merchant, and where a text has changed since."""

    texts: Annotated[list[Digest], Field(min_length=1, max_length=8)]
    agreed_at: Moment
    signature: Signature | None = None
    """How they have signed those that are releases; None where none is."""


class EnrolmentRequest(Message):
    phone: Phone = Field(repr=False)
    consent: Consent


class Enrolment(Message):
    enrolment_id: Identifier
    expires_at: AwareDatetime
    resend_after: int
    """The seconds until another code may be requested."""


BEGUN_DIGITS = 12
"""The number of digits of the code with which a sign-up that was begun in the portal is finished at
a kiosk."""
BEGUN_MARK = "PALM-BEGUN "
"""What stands before the digits where the code is a QR code, so that no other code is taken for
it."""


class BegunCode(Message):
    """Picks up a sign-up that was begun in the portal."""

    code: Annotated[str, StringConstraints(pattern=rf"^[0-9]{{{BEGUN_DIGITS}}}$")] = Field(
        repr=False
    )


class BegunEnrolment(Enrolment):
    """The enrolment in which it is finished here. A one-time code was sent to its number, which has
    to be entered first."""

    phone_last2: Annotated[str, StringConstraints(pattern=r"^[0-9]{2}$")] = Field(repr=False)
    agreed: bool
    """Whether the shopper has agreed to the present wording, and at this merchant. Otherwise they
    have to be asked (`POST /enrolments/{id}/agreement`)."""
    has_card: bool
    """Whether there is a card. Otherwise one has to be saved here."""


class CodeEntry(Message):
    code: Annotated[str, StringConstraints(pattern=r"^[0-9]{6}$")] = Field(repr=False)


class PhoneVerified(Message):
    known: bool
    """Whether an account with this number exists already."""


def _without_number(text: str) -> str:
    if may_hold_number(text):
        raise ValueError("this may hold the number of a card, which never passes through here")
    return text


SingleUseToken = Annotated[
    str, StringConstraints(min_length=3, max_length=255), AfterValidator(_without_number)
]
"""A single-use token of the payment provider, as the terminal delivered it. The number of a card is
refused."""


class CardToken(Message):
    token: SingleUseToken = Field(repr=False)
    holder: (
        Annotated[str, StringConstraints(max_length=64), AfterValidator(_without_number)] | None
    ) = Field(default=None, repr=False)
    """The name on the card, if the terminal read one."""


class CardPage(Message):
    """A page of the payment provider's on which a shopper saves a card with their own phone."""

    page_id: Identifier
    url: Annotated[str, StringConstraints(pattern=r"^https?://", max_length=2048)] = Field(
        repr=False
    )
    expires_at: AwareDatetime


class CardPageState(Message):
    """`lapsed` is for good: the page was open for too long, or another one was opened since."""

    state: Literal["open", "saved", "lapsed"]
    card: Card | None = None
    """The card that was saved."""


class AtReader(Message):
    """Where the shopper presents their card: at the reader that is bound to this device."""

    reader: Identifier


class CardReading(Message):
    """The reader waits for a card that it saves for an enrolment."""

    reading_id: Identifier
    expires_at: AwareDatetime


class CardReadingState(Message):
    """Everything but `waiting` is for good. `not_read` means that the reader has read no card, and
    `refused` that a card cannot be saved. `lapsed` means that the reader does not wait any more."""

    state: Literal["waiting", "saved", "not_read", "refused", "lapsed"]
    card: Card | None = None
    """The card that was saved."""


class PalmAccepted(Message):
    side: Side
    palms: list[Side]
    """All palms of this enrolment so far."""


class Account(Message):
    """What the shopper reads at the end of sign-up."""

    name_hint: str = Field(repr=False)
    phone_last4: str = Field(repr=False)
    card: Card
    palms: list[Side]


# Card readers


class ReaderFault(StrEnum):
    """Why a card reader takes no card."""

    OFFLINE = "offline"
    """The payment provider does not reach it."""
    BUSY = "busy"
    """It is doing something else."""
    UNKNOWN = "unknown"
    """The payment provider has no reader of this id."""
    NOT_WORKING = "not_working"
    """It reports a fault of its own, or is registered in a way that lets it take no cards."""
    SIMULATED = "simulated"
    """The service simulates payments, and its provider has no readers."""


class Reader(Message):
    """A card reader of the payment provider's, which the service drives."""

    reader: Identifier
    label: str
    """Its name in the payment provider's dashboard."""
    fault: ReaderFault | None = None


# Recognition


class Outcome(StrEnum):
    ACCEPTED = "accepted"
    ASK_AGAIN = "ask_again"
    STEP_UP = "step_up"
    HOLD_LONGER = "hold_longer"
    """The palm is asked for again, this time with its pulse."""
    ASK_CONSENT = "ask_consent"
    """The person is known, and has not agreed yet to use their palm at this merchant. Nothing can
    be charged until they do."""
    FROZEN = "frozen"
    """The person is known, and has frozen their palms in the portal: they only leave with them."""
    REFUSED = "refused"


def of_no_payment_card(text: str) -> str:
    if holds_payment_card(text):
        raise ValueError("this holds the number of a payment card, which never passes through here")
    return text


MembershipCode = Annotated[
    str,
    StringConstraints(pattern=r"^[!-~]([ -~]{0,126}[!-~])?$"),
    AfterValidator(of_no_payment_card),
]
"""What the code of a membership card says, or what is printed on it: up to 128 printable characters
of ASCII."""


class Membership(Message):
    """A person's membership at one merchant, who alone is told of it."""

    code: MembershipCode = Field(repr=False)
    scanned: StrictBool = False
    """Whether the camera has read it, and nobody typed it."""

    @property
    def ending(self) -> str:
        """The last four characters, by which people recognise their card."""
        return self.code[-4:]


class Age(IntEnum):
    """An age in years that somebody has reached."""

    EIGHTEEN = 18
    TWENTY_ONE = 21


class AgeCheck(Message):
    """A member of staff has seen a document by which a person has reached an age. Nothing else of
    the document is told."""

    over: Age
    staff: Annotated[str, StringConstraints(pattern=r"^[0-9]{1,12}$")]
    """The number of the member of staff at the merchant."""


class AgeFlag(Message):
    """Whether staff of the device's merchant have seen that a person has reached an age."""

    over: Age
    seen: bool


class OwnCard(Message):
    """A card of the person who was recognised."""

    card_id: Identifier
    card: Card


class Customer(Message):
    name_hint: str = Field(repr=False)
    card: Card | None
    """The card that pays unless another one is chosen: the first that has not expired, or else the
    first."""
    cards: list[OwnCard] = []
    """All cards, the default first."""
    membership: Membership | None = None
    """The person's membership at the device's merchant."""


class Identification(Message):
    """The result of an identification. `customer` is present only when the outcome is `accepted`
    and the person has agreed to use their palm at the device's merchant."""

    identification_id: Identifier
    outcome: Outcome
    customer: Customer | None = None
    attempts_left: int = Field(ge=0)
    expires_at: AwareDatetime
    live: bool = True
    """Whether the palm responded to the light as a living hand does. If not, nobody was searched
    for."""


class LastFour(Message):
    phone_last4: Annotated[str, StringConstraints(pattern=r"^[0-9]{4}$")] = Field(repr=False)


class Proof(StrEnum):
    PALM = "palm"
    CODE = "code"


class Claim(Message):
    """A person claims to be the holder of this number, and will prove it in this way."""

    phone: Phone = Field(repr=False)
    proof: Proof
    purpose: Purpose


class ClaimOpened(Message):
    """The response is the same whether or not the number is known."""

    claim_id: Identifier
    expires_at: AwareDatetime


# Cards of an account


class Wallet(Message):
    """The cards of a person, the default first. The last one cannot be removed: whoever wants no
    card any more leaves."""

    cards: list[OwnCard]
    full: bool
    """Whether no further card can be added."""


# Purchases

AUTHENTICATION_REQUIRED = "authentication_required"
"""The decline reason of an issuer that asks the holder to confirm the payment. It can be paid with
the card itself."""


class PurchaseRequest(Message):
    identification_id: Identifier
    amount: Money
    reference: Identifier
    """The device's own identifier of the sale; only one purchase of the device ever has it. Other
    devices of the merchant find the purchase by it, and can refund it."""
    card_id: Identifier | None = None
    """The card that the shopper has chosen, None for the one that pays unless they choose."""
    asks_holder: StrictBool = False
    """Whether the device shows the shopper a page on which they confirm the payment, should the
    card's bank ask for it. Otherwise such a payment is declined (AUTHENTICATION_REQUIRED)."""
    staff_seen: StrictBool = False
    """Whether staff have said at the device, with their PIN, that they have seen a bare hand."""


class CardSale(Message):
    """A sale that is paid with the card itself, which is presented at the device's terminal."""

    amount: Money
    reference: Identifier
    """As in a PurchaseRequest."""


class CardPurchaseRequest(CardSale):
    """Names what takes the card: the reader that is bound to the device, or else a terminal that
    has read the card already and delivered a token."""

    reader: Identifier | None = None
    token: SingleUseToken | None = Field(default=None, repr=False)

    @model_validator(mode="after")
    def _is_taken_by_one(self) -> "CardPurchaseRequest":
        if (self.reader is None) == (self.token is None):
            raise ValueError("a reader or a token, and not both")
        return self


class Purchase(Message):
    purchase_id: Identifier
    reference: Identifier
    amount: Money
    outcome: Literal["approved", "declined", "not_paid"]
    """Every outcome is final. `declined` means that the card's issuer declined. `not_paid` means
    that nothing was charged for another reason, which is the operator's to mend. Services before
    0.2 answer `declined` to both."""
    decline_reason: str | None = None
    """The provider's code for why nothing was charged: for `declined` the issuer's, such as
    `insufficient_funds`, or AUTHENTICATION_REQUIRED; for `not_paid` such as `amount_too_small`,
    `abandoned` when the purchase was interrupted for too long, or `no_card` when no card was
    presented."""
    card: Card | None = None
    """None when no card was presented. A palm always has one."""
    receipt: bool = False
    """Whether a receipt goes to the shopper's phone, unless it is declined in time
    (`DELETE /v1/purchases/{reference}/receipt`)."""
    at: AwareDatetime


class CardPurchase(Message):
    """How far a purchase with the card itself is."""

    purchase: Purchase | None = None
    """None as long as the reader waits for the card."""


class PrintedReceipt(Message):
    """A till's own receipt of a purchase, which goes to the shopper's phone in place of the
    service's."""

    text: str = Field(repr=False, min_length=1, max_length=900)


Result = Literal["approved", "declined", "not_paid"]


class Told(Message):
    """What the device has told its till about a purchase, so that it can be compared with what was
    charged."""

    result: Result


class RefundRequest(Message):
    reference: Identifier
    """The device's own identifier of the refund; only one refund ever has it."""
    amount: Money | None = None
    """A part of the purchase, in its currency. None means everything that is left of it."""


class Refund(Message):
    refund_id: Identifier
    reference: Identifier
    purchase_reference: Identifier
    amount: Money
    outcome: Literal["refunded", "failed"]
    """Both are final for this reference. `refunded` means that the payment provider has taken the
    refund on: the money may reach the card days later. `failed` means that nothing is refunded;
    another refund of the purchase may succeed."""
    failure_reason: str | None = None
    """The provider's code for why the refund failed, such as `lost_or_stolen_card`."""
    card: Card
    """The card of the purchase, to which the money returns."""
    at: AwareDatetime
    """When the refund was asked for."""


class RefundTotal(Message):
    """How much of a purchase was given back, whoever has asked for it: a till, staff in the console
    or the merchant's own system."""

    purchase_reference: Identifier
    amount: Money
    """What was paid."""
    refunded_minor: StrictInt = Field(ge=0)
    """How much of it was given back or is about to be, in the same unit."""


# Leaving


class Holdings(Message):
    """All data about a person, as the delete screen lists them. A merchant at whom the person has
    not agreed to use their palm is told how much there is, and not what."""

    name_hint: str = Field(repr=False)
    """Empty where it is not told."""
    phone_last4: str = Field(repr=False)
    """Empty where they are not told."""
    palms: list[Side]
    cards: list[Card | None]
    """None is a card that is not told."""
    purchases: int
    merchants: int = 1
    """At how many merchants the person uses their palm."""
    memberships: int = 0
    """At how many merchants a membership is linked to the palm."""
    ages: int = 0
    """At how many merchants staff have seen the person's age."""
    sites: int = 0
    """How many sites have given the person access to their doors."""
    tickets: int = 0
    agreed: bool = False
    """Whether the merchant whose device asks is one of them, and the agreement can be ended there
    alone."""
    member_since: datetime


class DeletionRequest(Message):
    identification_id: Identifier


class Retained(Message):
    """What the law requires a merchant to keep, and how it is prevented from identifying a
    person."""

    what: str
    why: str
    until: AwareDatetime


class DeletionReceipt(Message):
    """A receipt of a deletion, or of the end of the agreement with one merchant. The service signs
    it (`protocol.documents`)."""

    receipt_id: Identifier
    at: AwareDatetime
    erased: list[str]
    retained: list[Retained]
    key_id: str
    public_key: Base64
    signature: Base64 | Literal[""] = ""


# The log of receipts


LogSize = Annotated[StrictInt, Field(ge=0, lt=2**53)]
"""A number of entries, or the place of one, which counts from 0. JSON's numbers go this far (RFC
7493)."""


class TreeHead(Message):
    """What the log of receipts consists of at a time. The service signs it
    (`protocol.documents`)."""

    kind: Literal["head of the log of receipts"] = "head of the log of receipts"
    """Nothing else that is signed with the same key has this member."""
    size: LogSize
    root: Digest
    """The root of the Merkle tree of all entries (`protocol.merkle`)."""
    at: AwareDatetime
    key_id: str
    public_key: Base64
    signature: Base64 | Literal[""] = ""


class ReceiptLog(Message):
    """The head of the log as it is published, with the proof that the log has only grown."""

    head: TreeHead
    since: LogSize | None = None
    """The size of the earlier log that was asked about; None where none was, or where that is
    larger than this one."""
    consistency: list[Digest] = []
    """The proof that the log begins with the earlier one (RFC 9162, section 2.1.4)."""


class InclusionProof(Message):
    """The proof that an entry is in the log (RFC 9162, section 2.1.3)."""

    place: LogSize
    path: list[Digest]
    head: TreeHead


class LoggedReceipt(Message):
    """A receipt with the proof that it is in the log."""

    receipt: DeletionReceipt
    proof: InclusionProof


# Problems (RFC 9457)


class TillMessage(Message):
    """A message of the Terminal API that a till has sent through the service."""

    id: Identifier
    body: str = Field(repr=False, max_length=65536)


class TillMessages(Message):
    messages: list[TillMessage]


class TillAnswer(Message):
    """The kiosk's answer to a till's message, with the status of HTTP that belongs to it."""

    status: StrictInt = Field(ge=200, le=499)
    body: str = Field(repr=False, max_length=65536)


class ProblemType(StrEnum):
    """The `type` of a problem, as a URN."""

    MALFORMED = "urn:palm-kiosk:problem:malformed"
    TOO_LARGE = "urn:palm-kiosk:problem:too-large"
    BAD_SIGNATURE = "urn:palm-kiosk:problem:bad-signature"
    REPLAYED = "urn:palm-kiosk:problem:replayed"
    STALE = "urn:palm-kiosk:problem:stale"
    UNKNOWN_DEVICE = "urn:palm-kiosk:problem:unknown-device"
    UNKNOWN_TILL = "urn:palm-kiosk:problem:unknown-till"
    UNKNOWN_KEY = "urn:palm-kiosk:problem:unknown-key"
    """The API key is nobody's."""
    INSUFFICIENT_SCOPE = "urn:palm-kiosk:problem:insufficient-scope"
    """The API key or token is known, and not for this."""
    BAD_LIST = "urn:palm-kiosk:problem:bad-list"
    KIOSK_AWAY = "urn:palm-kiosk:problem:kiosk-away"
    """The kiosk has not taken a till's message, or not answered it."""
    WRONG_ACTIVATION_CODE = "urn:palm-kiosk:problem:wrong-activation-code"
    NOT_FOUND = "urn:palm-kiosk:problem:not-found"
    EXPIRED = "urn:palm-kiosk:problem:expired"
    CONFLICT = "urn:palm-kiosk:problem:conflict"
    IDEMPOTENCY_MISMATCH = "urn:palm-kiosk:problem:idempotency-mismatch"
    PHONE_NOT_ACCEPTED = "urn:palm-kiosk:problem:phone-not-accepted"
    WRONG_CODE = "urn:palm-kiosk:problem:wrong-code"
    TOO_MANY_ATTEMPTS = "urn:palm-kiosk:problem:too-many-attempts"
    CARD_REFUSED = "urn:palm-kiosk:problem:card-refused"
    NOT_CHARGEABLE = "urn:palm-kiosk:problem:not-chargeable"
    HOLDER_ASKED = "urn:palm-kiosk:problem:holder-asked"
    """The card's bank wants its holder to confirm the purchase at `Problem.confirm_url`. Nothing is
    charged before they do; how it ends is told by GET /purchases/{reference}."""
    NOT_REFUNDABLE = "urn:palm-kiosk:problem:not-refundable"
    """Nothing was refunded: so much is not left of the purchase, or the provider does not count
    such an amount."""
    CARD_FORGOTTEN = "urn:palm-kiosk:problem:card-forgotten"
    """Nothing was refunded: whoever bought has had their data deleted, and nothing leads to their
    card any more. The merchant gives the money back in another way."""
    ENVELOPE_UNREADABLE = "urn:palm-kiosk:problem:envelope-unreadable"
    PALM_UNUSABLE = "urn:palm-kiosk:problem:palm-unusable"
    PALM_NOT_LIVE = "urn:palm-kiosk:problem:palm-not-live"
    CHALLENGE_REFUSED = "urn:palm-kiosk:problem:challenge-refused"
    LIGHT_REQUIRED = "urn:palm-kiosk:problem:light-required"
    INFRARED_REQUIRED = "urn:palm-kiosk:problem:infrared-required"
    HOLD_LONGER = "urn:palm-kiosk:problem:hold-longer"
    STAFF_REQUIRED = "urn:palm-kiosk:problem:staff-required"
    """Staff have to see the hand that pays this amount: `PurchaseRequest.staff_seen`."""
    WRONG_REGION = "urn:palm-kiosk:problem:wrong-region"
    """The palms of the merchant's people stay in another region: `Problem.service` says who takes
    them, where that is known."""
    PALM_KNOWN = "urn:palm-kiosk:problem:palm-known"
    SAME_PALM_TWICE = "urn:palm-kiosk:problem:same-palm-twice"
    TOO_MANY_TICKETS = "urn:palm-kiosk:problem:too-many-tickets"
    """There is no room for another ticket of the person at the merchant."""
    NOT_ACCEPTED = "urn:palm-kiosk:problem:not-accepted"
    STEP_UP_FAILED = "urn:palm-kiosk:problem:step-up-failed"
    PROVIDER_UNAVAILABLE = "urn:palm-kiosk:problem:provider-unavailable"
    READER_UNAVAILABLE = "urn:palm-kiosk:problem:reader-unavailable"
    """The card reader takes no card now: `Problem.reader` says why."""
    VAULT_UNAVAILABLE = "urn:palm-kiosk:problem:vault-unavailable"
    BUSY = "urn:palm-kiosk:problem:busy"
    STORAGE_FULL = "urn:palm-kiosk:problem:storage-full"
    """The service can store nothing: `Problem.storage` says why."""
    INTERNAL = "urn:palm-kiosk:problem:internal"


class Fault(BaseModel):
    """One thing that is wrong with a request, as in section 3 of RFC 9457."""

    detail: str
    pointer: str
    """Where in the body: a JSON pointer in a URI fragment (RFC 6901, section 6)."""


class Problem(BaseModel):
    """Problem details of RFC 9457. `detail` never quotes the request."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    type: ProblemType
    title: str
    status: int
    detail: str
    attempts_left: int | None = None
    retry_after: int | None = None
    """In seconds."""
    time: AwareDatetime | None = None
    """The service's clock, sent when the device's clock is the problem (`stale`)."""
    storage: StorageFault | None = None
    """What is wrong with the service's disk, sent when it can store nothing (`storage-full`)."""
    reader: ReaderFault | None = None
    """Why the card reader takes no card (`reader-unavailable`)."""
    confirm_url: str | None = Field(default=None, repr=False)
    """Where the card's holder confirms a purchase (`holder-asked`)."""
    errors: list[Fault] | None = None
    """All that is wrong with an access list (`bad-list`)."""
    service: str | None = None
    """The address of the service that takes the merchant's palms (`wrong-region`)."""
