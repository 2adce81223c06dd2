"""All screens of the kiosk as values: what each shows and how it can be answered.

`await stage.ask(AskConsent(merchant))` shows the screen and returns its answer. The type argument
of `Screen` is the static type of the answer and, at run time, the list of answers that the stage
accepts from the window (`Screen.choices`, `Screen.takes_text`). Words and layout are in the QML
file of the same name (`ui/qml/Palm/screens/`).
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar, Generic, Literal, TypeVar, get_args, get_origin

from hardware.gate import Color
from kiosk.capture.guidance import Guidance, Instruction
from kiosk.service.errors import Cause
from protocol.fleet import Variant
from protocol.messages import Age, Card, ConsentText, Direction, Holdings, Money, Purpose, Side


class Choice(StrEnum):
    """Everything that a shopper or a member of staff can press."""

    BACK = "back"
    HELP = "help"
    DONE = "done"
    SIGN_UP = "sign_up"
    TRY_PURCHASE = "try_purchase"
    CARDS = "cards"
    DELETE = "delete"
    MEMBERSHIP = "membership"
    STAFF = "staff"
    AGREE = "agree"
    BEGUN = "begun"
    RESEND = "resend"
    ADD = "add"
    SKIP = "skip"
    CONFIRM = "confirm"
    CANCEL = "cancel"
    TRY_AGAIN = "try_again"
    ANOTHER_WAY = "another_way"
    CALL_STAFF = "call_staff"
    USE_PALM = "use_palm"
    USE_NUMBER = "use_number"
    USE_FIRST = "use_first"
    STAY = "stay"
    LEAVE = "leave"
    SELF_TEST = "self_test"
    ACTIVATE = "activate"
    CHANGE_PIN = "change_pin"
    SIGN_ON = "sign_on"
    RESTART = "restart"
    ABOUT = "about"
    MAKE_BUNDLE = "make_bundle"
    OVER_18 = "over_18"
    OVER_21 = "over_21"


@dataclass(frozen=True, slots=True)
class Entered:
    """Digits typed on the number pad of the screen."""

    text: str = field(repr=False)


A_co = TypeVar("A_co", covariant=True)


class Screen(Generic[A_co]):
    """The base of all screens; `A_co` is the type of the answer."""

    choices: ClassVar[frozenset[Choice]] = frozenset()
    takes_text: ClassVar[bool] = False

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        for base in getattr(cls, "__orig_bases__", ()):
            origin = get_origin(base)
            if isinstance(origin, type) and issubclass(origin, Screen):
                answers = _flatten(get_args(base)[0])
                cls.choices = frozenset(a for a in answers if isinstance(a, Choice))
                cls.takes_text = Entered in answers


def _flatten(answer: Any) -> list[Any]:
    parts = get_args(answer)
    return [answer] if not parts else [leaf for part in parts for leaf in _flatten(part)]


class Result:
    """A screen that tells how something ended. It closes by itself after a while, and at once when
    the till has the next request (`kiosk.idle`)."""


Back = Literal[Choice.BACK]
Done = Literal[Choice.DONE]


# Before a visit


class Notice(StrEnum):
    """A notice on the welcome screen. With any but CAMERA no visit can be made yet."""

    STARTING = "starting"
    OFFLINE = "offline"
    CAMERA = "camera"
    NOT_ACTIVATED = "not_activated"
    LOCKED = "locked"
    """The operator has locked the kiosk, or it has locked itself. `OutOfService` is shown."""
    CLOSED = "closed"
    """It is outside the opening hours. Sales of a till can still be paid."""


@dataclass(frozen=True)
class Logo:
    """The merchant's logo."""

    source: str
    """The address of its file."""
    ink: Variant | None = None
    """Whether the drawing of a logo with a transparent background is dark or light."""


@dataclass(frozen=True)
class Welcome(
    Screen[
        Literal[
            Choice.SIGN_UP,
            Choice.TRY_PURCHASE,
            Choice.MEMBERSHIP,
            Choice.CARDS,
            Choice.DELETE,
            Choice.HELP,
            Choice.STAFF,
        ]
    ]
):
    """`demo` offers a trial purchase where no till is attached."""

    merchant: str
    demo: bool = False
    notice: Notice | None = None
    memberships: bool = False
    """Whether a membership card can be linked here."""
    logo: Logo | None = None
    """The logo that is shown in place of the merchant's name."""
    attract: tuple[str, ...] = ()
    """The addresses of the pictures that alternate while nobody touches the screen."""


@dataclass(frozen=True)
class OutOfService(Screen[Literal[Choice.STAFF]]):
    """Nobody can do anything here until the kiosk is activated again."""

    merchant: str
    helpline: str = ""
    """Whom to call, in the operator's words; empty when nobody was named."""
    gate: bool = False
    """Whether the kiosk stands at a gate."""


# Sign-up


@dataclass(frozen=True)
class AskConsent(Screen[Literal[Choice.AGREE, Choice.BEGUN] | Back]):
    """Shows a text of the service, unchanged, and asks the shopper to agree. To agree to a release,
    which is signed, they hold the button. BEGUN is for shoppers who have begun on their phone."""

    consent: ConsentText
    begun: bool = False
    """Whether the shopper has begun on their phone, and the text is one that they have not agreed
    to there."""


class EntryProblem(StrEnum):
    """What was wrong with what was typed, or what the service said about it."""

    NOT_A_NUMBER = "not_a_number"
    NOT_MOBILE = "not_mobile"
    WRONG_CODE = "wrong_code"
    EXPIRED = "expired"
    NOT_SENT = "not_sent"
    WRONG_DIGITS = "wrong_digits"
    WRONG_PIN = "wrong_pin"
    WEAK_PIN = "weak_pin"
    """The chosen PIN is easy to guess."""
    ANOTHER_CODE = "another_code"
    """The code that was shown is for something else."""
    CASE_OPEN = "case_open"
    """The enclosure is open, so the kiosk cannot be activated."""
    OTHER_REGION = "other_region"
    """The palms of the merchant stay in a region, which is that of another service."""
    LOCKED = "locked"


@dataclass(frozen=True)
class ScanBegun(Screen[Literal[Choice.USE_NUMBER] | Back]):
    """The live view, to which a shopper who has begun on their phone shows the code on it."""

    problem: EntryProblem | None = None


@dataclass(frozen=True)
class EnterBegun(Screen[Entered | Back]):
    """Asks for the digits of the code on the shopper's phone."""

    problem: EntryProblem | None = None


@dataclass(frozen=True)
class EnterPhone(Screen[Entered | Back]):
    """`typed` is what the shopper typed before, shown again for correction."""

    country: str
    calling_code: str
    purpose: Purpose
    typed: str = field(default="", repr=False)
    problem: EntryProblem | None = None


@dataclass(frozen=True)
class EnterCode(Screen[Entered | Literal[Choice.RESEND] | Back]):
    phone_last2: str
    resend_after: int
    """Seconds until another code can be sent."""
    problem: EntryProblem | None = None
    attempts_left: int | None = None


class CardProblem(StrEnum):
    REFUSED = "refused"
    NOT_READ = "not_read"
    TERMINAL = "terminal"


@dataclass(frozen=True)
class PresentCard(Screen[Back]):
    """Asks the shopper to present a card to the terminal, which gives the answer. On the screen,
    they can only go back."""

    problem: CardProblem | None = None
    adding: bool = False
    """Whether the card is added to an account; otherwise it is part of signing up."""


@dataclass(frozen=True, slots=True)
class QrCode:
    """A QR code (ISO/IEC 18004), without the quiet zone around it."""

    rows: tuple[str, ...]
    """The modules of each row from the left: `1` is dark."""


@dataclass(frozen=True)
class SaveCardByPhone(Screen[Literal[Choice.TRY_AGAIN] | Back]):
    """Asks the shopper to save a card with their own phone, on a page that the code leads to. The
    kiosk goes on by itself once the card is saved. When the code has expired, TRY_AGAIN asks for
    another one."""

    code: QrCode | None
    """None when it has expired."""
    adding: bool = False
    """Whether the card is added to an account; otherwise it is part of signing up."""


@dataclass(frozen=True)
class OfferSecondPalm(Screen[Literal[Choice.ADD, Choice.SKIP]]):
    first: Side


@dataclass(frozen=True)
class SignedUp(Result, Screen[Done]):
    name_hint: str
    phone_last4: str = field(repr=False)
    card: Card
    palms: tuple[Side, ...]


class Known(StrEnum):
    PALM = "palm"
    PHONE = "phone"


@dataclass(frozen=True)
class AlreadyKnown(Result, Screen[Literal[Choice.DONE, Choice.DELETE]]):
    """The palm or the number already belongs to an account."""

    known: Known


# Cards


@dataclass(frozen=True)
class ShowCards(Screen[Entered | Literal[Choice.ADD, Choice.DONE]]):
    """The shopper's cards, the default first. The answer is the number of a card in figures, from
    1, or ADD for another one."""

    cards: tuple[Card, ...]
    full: bool
    """Whether no further card can be added."""


@dataclass(frozen=True)
class ShowCard(Screen[Literal[Choice.USE_FIRST, Choice.DELETE] | Back]):
    """One of the shopper's cards. It is removed by a button that is held, not tapped."""

    card: Card
    is_first: bool
    is_only: bool
    """Whether it is the shopper's only card, which cannot be removed."""


# Palm


@dataclass(frozen=True)
class PalmScreen(Screen[A_co]):
    """The base of the screens that ask for a palm. They are shown again with each new guidance."""

    purpose: Purpose
    guidance: Guidance = Guidance(Instruction.SHOW_PALM)
    side: Side | None = None
    """The hand that is asked for, None for either."""
    attempts_left: int | None = None
    """How many attempts are left when the palm is asked for again."""
    lifeless: bool = False
    """Whether the hand that was shown before showed no sign of life."""
    longer: bool = False
    """Whether the hand has to be held for some more seconds while its pulse is recorded."""
    unclear: bool = False
    """Whether the palm that was shown before could not be read, which does not count as a try."""

    @property
    def another_try(self) -> bool:
        """Whether a palm shown before was not accepted, and the next one counts as another try."""
        return self.lifeless or self.attempts_left is not None


@dataclass(frozen=True)
class HoldPalm(PalmScreen[Literal[Choice.HELP, Choice.USE_NUMBER] | Back]):
    """The live view with guidance."""

    amount: Money | None = None
    merchant: str = ""
    question: str = ""
    """The question of the merchant's own systems, in their words. Showing a palm answers it, and
    BACK means no."""
    agrees: bool = False
    """Whether showing the palm means yes; otherwise it tells who the shopper is."""

    @property
    def another_try(self) -> bool:
        # A hand that is already held up was not held up for this question.
        return super().another_try or self.question != ""


class Heard(StrEnum):
    """The answer to a question of the merchant's own systems, as they are told it."""

    AGREED = "agreed"
    IDENTIFIED = "identified"
    DECLINED = "declined"
    NOT_RECOGNISED = "not_recognised"
    """The palm was not recognised, or it was another person's than they have asked for."""


@dataclass(frozen=True)
class InvitedToSignUp(Screen[Literal[Choice.SIGN_UP, Choice.CANCEL]]):
    """Invites somebody to sign up whom the merchant's own systems know already."""

    merchant: str
    question: str
    ending: str = field(repr=False)
    """The last digits of the phone number that these systems have."""


@dataclass(frozen=True)
class QuestionAnswered(Result, Screen[Done]):
    merchant: str
    heard: Heard


class Work(StrEnum):
    CHECKING_PALM = "checking_palm"
    SENDING_CODE = "sending_code"
    CHECKING_CODE = "checking_code"
    SAVING_CARD = "saving_card"
    OPENING_PAGE = "opening_page"
    """The page on which a card is saved by phone."""
    SAVING_MEMBERSHIP = "saving_membership"
    READYING_READER = "readying_reader"
    """The card reader, until it waits for a card."""
    FINISHING = "finishing"
    PAYING = "paying"
    CANCELLING = "cancelling"
    """The payment that the shopper has not confirmed."""
    DELETING = "deleting"
    CHECKING_SERVICE = "checking_service"
    ASKING_VENUE = "asking_venue"


@dataclass(frozen=True)
class Working(Screen[Literal[Choice.ANOTHER_WAY]]):
    """Tells what the shopper waits for. It can be answered only while a payment can still be
    stopped safely."""

    work: Work
    amount: Money | None = None
    """The amount that is being paid."""
    merchant: str = ""
    slow: bool = False
    """Whether it takes longer than usual."""
    way_out: bool = False
    """Whether the shopper may pay another way, because nothing was sent that could charge them."""


# Memberships


class MembershipProblem(StrEnum):
    """Why a code or a number is not accepted as a membership."""

    PAYMENT_CARD = "payment_card"
    """It is the number of a payment card."""
    UNUSABLE = "unusable"
    """It is too long, or contains characters that tills do not accept."""


@dataclass(frozen=True)
class ShowMembership(Screen[Literal[Choice.ADD, Choice.DELETE, Choice.DONE]]):
    """Shows the membership that is linked. ADD links another card in its place, and DELETE removes
    the membership."""

    merchant: str
    ending: str = field(repr=False)
    """The last characters of its number."""


@dataclass(frozen=True)
class ScanMembership(Screen[Literal[Choice.USE_NUMBER] | Back]):
    """The live view, to which the shopper shows the code of their membership card."""

    merchant: str
    problem: MembershipProblem | None = None


@dataclass(frozen=True)
class EnterMembership(Screen[Entered | Back]):
    merchant: str
    problem: MembershipProblem | None = None


@dataclass(frozen=True)
class MembershipChanged(Result, Screen[Done]):
    merchant: str
    ending: str | None = field(repr=False)
    """The last characters of the number that is linked now, None when it was removed."""


@dataclass(frozen=True, slots=True)
class Points:
    """Points, as the till reports them; None where it does not."""

    collected: int | None = None
    balance: int | None = None
    """How many points the shopper has now, with those that were collected."""


@dataclass(frozen=True)
class Collected(Result, Screen[Done]):
    """The till was told the shopper's membership, and reports these points."""

    merchant: str
    points: Points


@dataclass(frozen=True)
class NoMembership(Result, Screen[Done]):
    """The till requires a membership, and the shopper has linked none here."""

    merchant: str
    paying: bool = True


# Age


@dataclass(frozen=True)
class ShowDocument(Screen[Literal[Choice.STAFF, Choice.HELP, Choice.ANOTHER_WAY]]):
    """Asks the shopper to show staff a document with their age. Staff go on with STAFF."""

    merchant: str
    over: Age
    shut: bool = False
    """Whether staff cannot go on here, because no staff PIN is set."""
    kept: bool = True
    """Whether what staff see is stored. It is not stored for somebody who is not recognised."""


@dataclass(frozen=True)
class ShowHand(Screen[Literal[Choice.STAFF, Choice.HELP, Choice.ANOTHER_WAY]]):
    """Asks the shopper to show staff the hand that pays. Staff go on with STAFF."""

    merchant: str
    amount: Money
    shut: bool = False
    """Whether staff cannot go on here, because no staff PIN is set."""


@dataclass(frozen=True)
class ConfirmHand(Screen[Literal[Choice.CONFIRM, Choice.CANCEL]]):
    """Asks staff whether they see a bare hand."""

    amount: Money
    name_hint: str = field(repr=False)


@dataclass(frozen=True)
class EnterStaffNumber(Screen[Entered | Back]):
    """Asks for the number of the member of staff at the merchant."""


@dataclass(frozen=True)
class ConfirmAge(Screen[Literal[Choice.OVER_18, Choice.OVER_21, Choice.CANCEL]]):
    """Asks staff which age the shopper has reached; CANCEL means neither. Whoever was born on one
    of the two days or before has reached that age."""

    name_hint: str = field(repr=False)
    """The hint of the shopper's name; empty for somebody who is not recognised."""
    born_by_18: datetime
    born_by_21: datetime


@dataclass(frozen=True)
class AgeNotSeen(Result, Screen[Done]):
    """Nothing was charged, because staff have not seen that the shopper has reached an age."""

    merchant: str
    over: Age


# Pay


@dataclass(frozen=True, slots=True)
class Item:
    """A line of a sale, as the till words it."""

    label: str
    quantity: str = ""
    """The quantity, such as `2` or `0.35 kg`; empty when the till does not tell it."""
    amount: Money | None = None
    deducted: bool = False
    """Whether the amount is subtracted from the sale, as a discount is."""


@dataclass(frozen=True, slots=True)
class Bill:
    """What is paid for. It is shown on every screen while the sale is in progress."""

    merchant: str
    amount: Money
    items: tuple[Item, ...] = ()
    tip: Money | None = None
    """The part of the amount that is a tip."""


@dataclass(frozen=True)
class ChooseTip(Screen[Entered | Literal[Choice.SKIP, Choice.CANCEL]]):
    """Asks for a tip. The answer is the number of an option in figures, from 1, or SKIP for
    none."""

    merchant: str
    amount: Money
    tips: tuple[Money, ...]


@dataclass(frozen=True)
class ConfirmPurchase(Screen[Entered | Literal[Choice.CONFIRM, Choice.CANCEL]]):
    """Shows the amount and the card. The answer is CONFIRM, or the number of another card in
    figures, from 1."""

    merchant: str
    amount: Money
    name_hint: str
    card: Card
    points: Points | None = None
    over: Age | None = None
    """The age that the shopper has reached, as the till is told."""
    pays_in: float | None = None
    """The seconds after which the purchase is paid without a touch; None when it has to be
    confirmed."""
    cards: tuple[Card, ...] = ()
    """The cards to choose from; none when there is only one. An expired card cannot be chosen."""
    chosen: int = 0
    """The index of `card` in `cards`, from 0."""


@dataclass(frozen=True)
class ConfirmByPhone(Screen[Literal[Choice.ANOTHER_WAY]]):
    """Asks the shopper to confirm the payment to the card's bank, on a page that the code leads to.
    The kiosk goes on by itself once they have, or when it has taken too long."""

    merchant: str
    amount: Money
    card: Card
    code: QrCode


@dataclass(frozen=True)
class AskMerchantConsent(Screen[Literal[Choice.AGREE, Choice.ANOTHER_WAY]]):
    """Asks for consent before a palm is used here: of somebody who has signed up at another
    merchant, or has agreed to an earlier text. It works like `AskConsent`."""

    consent: ConsentText
    merchant: str
    paying: bool = True


@dataclass(frozen=True)
class PalmReaderLost(Screen[Literal[Choice.TRY_AGAIN, Choice.ANOTHER_WAY, Choice.HELP]]):
    """The palm reader has failed during a sale, and the terminal takes cards. ANOTHER_WAY goes on
    with a card."""

    merchant: str
    amount: Money


@dataclass(frozen=True)
class PayWithCard(Screen[Literal[Choice.ANOTHER_WAY, Choice.CANCEL]]):
    """Asks the shopper to present a card to the terminal. They can also pay at the till, or not at
    all."""

    merchant: str
    amount: Money
    problem: Literal[CardProblem.NOT_READ, CardProblem.TERMINAL] | None = None


@dataclass(frozen=True)
class StepUp(Screen[Entered | Back]):
    """Asks for the last four digits of the mobile number."""

    problem: EntryProblem | None = None
    attempts_left: int | None = None


@dataclass(frozen=True)
class Approved(Result, Screen[Done | Literal[Choice.SKIP]]):
    """SKIP declines the receipt."""

    merchant: str
    amount: Money
    card: Card | None
    points: Points | None = None
    receipt: bool | None = None
    """Whether a receipt is sent to the shopper's phone: False when they have declined it, None
    where no receipt can be sent."""


@dataclass(frozen=True)
class Declined(Result, Screen[Literal[Choice.ANOTHER_WAY, Choice.DONE]]):
    """The card's bank has declined the payment. With `asks_holder`, the bank wants the cardholder
    to confirm it, which is only possible with the card itself."""

    merchant: str
    amount: Money
    card: Card | None
    asks_holder: bool = False


@dataclass(frozen=True)
class NotCharged(Result, Screen[Literal[Choice.ANOTHER_WAY, Choice.HELP]]):
    """Nothing was charged, and neither the shopper nor the card is the reason."""

    merchant: str
    amount: Money


@dataclass(frozen=True)
class NotRecognised(Screen[Literal[Choice.TRY_AGAIN, Choice.SIGN_UP, Choice.ANOTHER_WAY]]):
    """The palm was not recognised. When `attempts_left` is 0, it cannot be tried again now."""

    purpose: Purpose
    attempts_left: int


@dataclass(frozen=True)
class Frozen(Screen[Literal[Choice.ANOTHER_WAY]]):
    """The palms are frozen. Only in the portal, the shopper can end that."""

    purpose: Purpose


@dataclass(frozen=True)
class PayAnotherWay(Result, Screen[Done]):
    merchant: str


# Screens with texts of the till. Each screen names the merchant whose texts they are.


@dataclass(frozen=True)
class Recognised(Screen[Literal[Choice.CANCEL]]):
    """The till knows who the shopper is, and goes on in a moment."""

    merchant: str
    name_hint: str


@dataclass(frozen=True)
class TillMessage(Result, Screen[Done | Literal[Choice.SKIP]]):
    """A message of the till, and possibly a code that a phone can read. SKIP declines the
    receipt."""

    merchant: str
    lines: tuple[str, ...]
    code: QrCode | None = None
    receipt: bool | None = None
    """Whether the message is sent to the shopper's phone as a receipt: False when they have
    declined that, None where it is no receipt."""


@dataclass(frozen=True)
class TillQuestion(Screen[Literal[Choice.CONFIRM, Choice.CANCEL]]):
    """A question that is answered with yes (CONFIRM) or no (CANCEL)."""

    merchant: str
    lines: tuple[str, ...]


@dataclass(frozen=True)
class TillDigits(Screen[Entered | Literal[Choice.CANCEL]]):
    """Asks for digits."""

    merchant: str
    lines: tuple[str, ...]
    least: int = 1
    most: int = 20
    hidden: bool = False
    """Whether the digits are not shown as they are typed."""


@dataclass(frozen=True)
class TillMenu(Screen[Entered | Literal[Choice.CANCEL]]):
    """Asks for one of several entries. The answer is the entry's number in figures, from 1."""

    merchant: str
    lines: tuple[str, ...]
    entries: tuple[str, ...]


# Delete


@dataclass(frozen=True)
class ChooseProof(Screen[Literal[Choice.USE_PALM, Choice.USE_NUMBER] | Back]):
    """Asks how the shopper wants to prove whose data is deleted. The palm can be chosen only while
    the kiosk reads palms."""

    reads_palms: bool = True


@dataclass(frozen=True)
class ChooseDeletion(Screen[Literal[Choice.DELETE, Choice.LEAVE] | Back]):
    """Asks whether everything is to be deleted (DELETE), or only the agreement with this merchant
    is to end (LEAVE)."""

    merchant: str
    others: int
    """The number of other merchants at which the shopper uses their palm."""


@dataclass(frozen=True)
class ConfirmDelete(Screen[Literal[Choice.CONFIRM] | Back]):
    """Asks for confirmation by a button that is held, not tapped."""

    holdings: Holdings


@dataclass(frozen=True)
class Deleted(Result, Screen[Done | Literal[Choice.STAY]]):
    """Tells what was deleted. The numbers are the ones that the shopper has confirmed."""

    receipt_id: str
    palms: int
    cards: int
    purchases: int
    retained_until: datetime | None
    """The time until which the merchant keeps the amounts of the purchases, None when there are
    none."""
    memberships: int = 0
    ages: int = 0
    stays: bool = False
    """Whether the screen stays because the shopper wants to write down the receipt's number."""


@dataclass(frozen=True)
class AgreementEnded(Result, Screen[Done | Literal[Choice.STAY]]):
    """Tells that the palm is not used at this merchant any more."""

    merchant: str
    receipt_id: str
    stays: bool = False
    """Whether the screen stays because the shopper wants to write down the receipt's number."""


# At a gate, a door or a desk


class GateNotice(StrEnum):
    """Why a gate lets nobody pass by their palm now."""

    STARTING = "starting"
    OFFLINE = "offline"
    CAMERA = "camera"
    NOT_ACTIVATED = "not_activated"
    LOCKED = "locked"
    """`OutOfService` is shown."""
    GATE = "gate"
    """The line to the gate is lost."""


class GateAnswer(StrEnum):
    """The answer of a gate to a palm or a ticket."""

    PASS = "pass"  # noqa: S105 - no password
    CHECKED_IN = "checked_in"
    TICKET_ADDED = "ticket_added"
    """The ticket was linked to the palm, but is not valid here now."""
    NOT_KNOWN = "not_known"
    NOT_SURE = "not_sure"
    """The palm matches more than one person, or shows no sign of life."""
    NOT_AGREED = "not_agreed"
    FROZEN = "frozen"
    AWAY = "away"
    """The service does not answer."""
    GATE_FAULT = "gate_fault"
    """The gate could not be opened."""
    DENIED = "denied"
    """The site's access controller does not let them pass."""
    NO_ANSWER = "no_answer"
    """The site's access controller does not answer."""
    # Answers of the service (protocol.entry.EntryRefusal).
    NOT_SET_UP = "not_set_up"
    NO_ACCESS = "no_access"
    NOT_YET = "not_yet"
    EXPIRED = "expired"
    CLOSED = "closed"
    ALREADY_IN = "already_in"
    NOT_IN = "not_in"
    NO_TICKET = "no_ticket"
    TOO_MANY_TICKETS = "too_many_tickets"
    """The person has linked as many tickets as they can."""
    # Answers of the venue's system about a ticket (kiosk.venue.venue.Reason).
    ALREADY_USED = "already_used"
    UNPAID = "unpaid"
    NOT_APPROVED = "not_approved"
    WRONG_LIST = "wrong_list"
    NOT_YET_VALID = "not_yet_valid"
    BLOCKED = "blocked"
    REVOKED = "revoked"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"
    QUESTIONS = "questions"
    RULES = "rules"
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True)
class Indicated:
    """What the site's controller shows on the kiosk, as on any reader: `color` for `on_s` seconds
    and `between` for `off_s` seconds, alternating; `color` alone where both are 0. The gate shows
    it on every screen, for as long as the controller wants."""

    color: Color = Color.NONE
    between: Color = Color.NONE
    on_s: float = 0
    off_s: float = 0
    words: str = ""
    """The controller's own text, in rows. It is not translated."""
    output: bool = False
    """Whether the controller has switched the reader's output on."""


@dataclass(frozen=True, slots=True)
class Answered:
    """The gate's answer to the person who came last. `at` and `gate` tell when and where their
    ticket was used before."""

    answer: GateAnswer
    at: datetime | None = None
    gate: str | None = None
    number: int = 0
    """The number of the answer, by which two equal answers can be distinguished."""

    @property
    def lets_pass(self) -> bool:
        return self.answer in (GateAnswer.PASS, GateAnswer.CHECKED_IN)


@dataclass(frozen=True)
class AtGate(PalmScreen[Literal[Choice.STAFF]]):
    """The screen of a gate, which reads one hand after the other. It shows the answer to the last
    hand until the next one comes."""

    purpose: Purpose = Purpose.ENTER
    merchant: str = ""
    direction: Direction = Direction.ENTRY
    takes_tickets: bool = False
    """Whether the code of a ticket can be shown instead."""
    checks_in: bool = False
    """Whether there is no gate, and people check in."""
    last: Answered | None = None
    """The answer to the last hand."""

    @property
    def another_try(self) -> bool:
        """Whether the last hand has to leave first."""
        return self.last is not None


@dataclass(frozen=True)
class GateShut(Screen[Literal[Choice.STAFF]]):
    """The gate lets nobody pass by their palm now. People can use a card or a ticket, or ask
    staff."""

    merchant: str
    notice: GateNotice


@dataclass(frozen=True)
class AskAccess(Screen[Literal[Choice.AGREE, Choice.SKIP]]):
    """Asks once whether the palm may be used for the access that the site has given the person."""

    site: str
    ending: str = ""
    """The last digits of the number of their access card; empty when they have none."""


@dataclass(frozen=True)
class AskToKeep(Screen[Literal[Choice.AGREE, Choice.SKIP]]):
    """Asks once whether the site's gates may keep a template in their memory, so that they can
    recognise the palm without a network."""

    site: str


@dataclass(frozen=True)
class ScanTicket(Screen[Literal[Choice.SKIP]]):
    """The live view, to which somebody who has linked no ticket shows the code of one."""


# Help, and what went wrong


@dataclass(frozen=True)
class Help(Screen[Literal[Choice.CALL_STAFF, Choice.ANOTHER_WAY] | Back]):
    paying: bool


@dataclass(frozen=True)
class StaffCalled(Result, Screen[Done]):
    """Tells whether staff were called, and what to do when nobody could be."""

    told: bool = False


class TroubleKind(StrEnum):
    CAMERA = "camera"
    TERMINAL = "terminal"
    OFFLINE = "offline"
    SERVICE = "service"
    PAYMENT_UNKNOWN = "payment_unknown"
    """It is not known whether the purchase was charged. The till is told once it is known."""
    LOCKED = "locked"
    STORAGE = "storage"
    """The kiosk or the service can store nothing."""


FINAL = {TroubleKind.PAYMENT_UNKNOWN, TroubleKind.LOCKED, TroubleKind.STORAGE}
"""The kinds of trouble after which it is useless to try again now."""


@dataclass(frozen=True)
class Trouble(Screen[Literal[Choice.TRY_AGAIN, Choice.HELP, Choice.DONE]]):
    kind: TroubleKind
    paying: bool = False


class Loss(StrEnum):
    """What is lost if the visit is ended now."""

    NOTHING = "nothing"
    ENTRIES = "entries"
    """Everything that was entered for a sign-up."""
    SECOND_PALM = "second_palm"
    """Only the second palm; the account exists."""
    DELETION = "deletion"
    """The deletion; all data is kept."""


@dataclass(frozen=True)
class StillThere(Screen[Literal[Choice.STAY, Choice.LEAVE]]):
    """The warning over a screen before the visit is ended; `seconds` counts down."""

    seconds: int
    of: float = 10
    """The seconds that the warning counts down in all."""
    loss: Loss = Loss.NOTHING
    paying: bool = False
    """Whether a sale is ended, too."""


# Staff


@dataclass(frozen=True)
class EnterPin(Screen[Entered | Back]):
    problem: EntryProblem | None = None
    attempts_left: int | None = None
    locked_for: int = 0
    """Seconds until the lock ends, 0 without one."""
    changing: bool = False
    """Whether the PIN is asked for once more because staff want to change it."""
    choosing: bool = False
    """Whether staff choose a new PIN."""
    repeat: bool = False
    """Whether the chosen PIN is typed a second time."""


class Health(StrEnum):
    GOOD = "good"
    BUSY = "busy"
    WARNING = "warning"
    """It works, but staff should know about something."""
    BROKEN = "broken"


class Part(StrEnum):
    """The subject of a line of the maintenance screen."""

    CAMERA = "camera"
    MOUNTING = "mounting"
    INFRARED = "infrared"
    LIGHT = "light"
    TERMINAL = "terminal"
    TILL = "till"
    GATE = "gate"
    VENUE = "venue"
    SERVICE = "service"
    LIFE_CHECK = "life_check"
    VAULT_KEY = "vault_key"
    CLOCK = "clock"
    ACTIVATION = "activation"
    LOCK = "lock"
    """The lock that the kiosk has put on itself."""
    ENCLOSURE = "enclosure"
    USB = "usb"
    MODELS = "models"
    KEYS = "keys"
    """The protection of the kiosk's keys on its disk."""
    DISK = "disk"
    """The disk of the state folder, and the files in it."""


class Finding(StrEnum):
    """What was found about a part. Each comment names, after the colon, the values that the
    finding's text needs.

    Values that a driver, the service or the loader of models gives for its own fault are texts.
    """

    FAULT = "fault"
    """A device does not work: cause and remedy, in its driver's words."""
    OPENING = "opening"
    """The camera has not delivered a picture yet: its name."""
    DELIVERS = "delivers"
    """The camera delivers pictures: its name."""
    PALM_WANTED = "palm_wanted"
    """Staff have to show a right palm with its fingers up, so that the kiosk finds out how the
    camera is mounted."""
    UPRIGHT = "upright"
    """Hands are seen upright and not mirrored."""
    NO_RING = "no_ring"
    RING_LIT = "ring_lit"
    """The ring was lit and turned off: its name, and the milliseconds that it took."""
    TAKES_CARDS = "takes_cards"
    READER_READY = "reader_ready"
    """A reader that the service drives takes cards: its name."""
    READER_FAULT = "reader_fault"
    """Such a reader takes no cards: the fault (`protocol.messages.ReaderFault`), and its name."""
    READER_NOT_BOUND = "reader_not_bound"
    """The service has bound no reader to this kiosk: the reader's name, and the kiosk's id."""
    READER_UNKNOWN_STATE = "reader_unknown_state"
    """The service does not tell the reader's state: its name."""
    NO_TERMINAL = "no_terminal"
    """Shoppers save their card with their own phone."""
    TAKES_TEST_CARDS = "takes_test_cards"
    """The terminal is simulated."""
    TILL_DOOR = "till_door"
    """Tills reach the kiosk: the port, and the fingerprint of the certificate."""
    TILL_WITHOUT_KEY = "till_without_key"
    """No till can connect to the kiosk, because there is no key: the file of the keys."""
    TILL_SHUT_OUT = "till_shut_out"
    """The kiosk cannot listen on the port for tills: the port, and the cause."""
    NO_DOOR = "no_door"
    """No door is set for this kiosk at the service: the kiosk's id."""
    AT_DOOR = "at_door"
    """The gate can be opened: its name, empty at a desk, and the direction."""
    VENUE_ONLINE = "venue_online"
    """The venue's system answers: the number of tickets on the list, and the number of passages
    that were not reported to it yet."""
    VENUE_AWAY = "venue_away"
    """The venue's system does not answer, so the list decides: the same two numbers."""
    VENUE_NOT_SIGNED_ON = "venue_not_signed_on"
    """The kiosk is not signed on at pretix yet."""
    VENUE_NO_LIST = "venue_no_list"
    """The kiosk is signed on at pretix, but no check-in list is chosen."""
    VENUE_NOT_ALLOWED = "venue_not_allowed"
    """pretix no longer knows this kiosk, or does not let it use the chosen list."""
    VENUE_STORES_NOTHING = "venue_stores_nothing"
    """No passage can be recorded on the kiosk's disk, so no ticket opens the gate."""
    VENUE_CONFLICTS = "venue_conflicts"
    """The venue's system rejects passages: their number."""
    OFFLINE = "offline"
    """The service does not answer: the cause (`kiosk.service.errors.Cause`), the service's address,
    and the date and time of this machine."""
    SERVICE_STOPPED = "service_stopped"
    """The kiosk's own service does not start: cause and remedy, in the service's words."""
    SERVICE_STORES_NOTHING = "service_stores_nothing"
    """The service cannot store anything: the fault (`protocol.storage.StorageFault`)."""
    SERVICE_FAILED = "service_failed"
    """The service answers with an error: its text."""
    ANSWERED = "answered"
    """The service answers: its version, and the milliseconds that its answer took."""
    RING_DEMANDED = "ring_demanded"
    """The service demands a light ring, and the kiosk has none."""
    LIFE_DEMANDED = "life_demanded"
    """The service accepts only palms that have shown signs of life."""
    LIFE_WITH_RING = "life_with_ring"
    """The kiosk's ring is used to look for signs of life, but the service also accepts palms
    without them."""
    LIFE_UNCHECKED = "life_unchecked"
    """The kiosk has no ring, and the service accepts its palms, so nothing looks for signs of
    life."""
    KEY = "key"
    """The vault key is known: its id and its suite."""
    CLOCK_RIGHT = "clock_right"
    """The clock is right: the seconds by which it is off."""
    CLOCK_WRONG = "clock_wrong"
    """The clock is wrong: the seconds by which it is off."""
    NOT_ACTIVATED = "not_activated"
    ACTIVATED = "activated"
    """The kiosk is activated: the merchant and the country."""
    LOCKED_CASE = "locked_case"
    """The kiosk has locked itself because its enclosure was opened: the time."""
    LOCKED_CAMERA = "locked_camera"
    """The kiosk has locked itself because its camera was replaced: the name that the new one
    reports, and the time."""
    LOCKED_USB = "locked_usb"
    """The kiosk has locked itself because a USB device was plugged in: its ids, its kind
    (`hardware.usb.Kind`), and the time."""
    CASE_OPEN = "case_open"
    """The enclosure is open, or was since its contact was reset: the contact's name."""
    CASE_CLOSED = "case_closed"
    USB_PLUGGED = "usb_plugged"
    """USB devices are plugged in that will belong to the kiosk once it is activated: their ids."""
    USB_BELONGS = "usb_belongs"
    """All USB devices that are plugged in belong to the kiosk: their number."""
    USB_STORAGE = "usb_storage"
    """A memory stick is plugged in: its ids."""
    MODELS_MISSING = "models_missing"
    """Models are missing: how to get them, in the words of the loader of models."""
    MODELS_THERE = "models_there"
    """All models are there: their names."""
    ROOM = "room"
    """The disk has enough room: its free megabytes."""
    NO_ROOM = "no_room"
    """The disk has too little room: its free megabytes, and the state folder."""
    STORES_NOTHING = "stores_nothing"
    """The kiosk cannot store anything: the fault (`protocol.storage.StorageFault`), and the state
    folder."""
    ENTRIES_UNREADABLE = "entries_unreadable"
    """Entries of the journal cannot be read: their number, and the folder."""
    KEYS_SEALED = "keys_sealed"
    """The TPM releases the keys only if this machine was started as before: the TPM's name."""
    KEYS_IN_ANY_BOOT_STATE = "keys_in_any_boot_state"
    """The TPM releases the keys however this machine was started: the TPM's name."""
    KEYS_IN_FILE = "keys_in_file"
    """The keys are in a file, so whoever reads the disk has them."""
    KEYS_MAY_BE_SWAPPED = "keys_may_be_swapped"
    """The system may write memory, which contains keys and pictures, to a disk."""
    PIN_UNREADABLE = "pin_unreadable"
    """The staff PIN cannot be read: its file."""


@dataclass(frozen=True)
class Check:
    """One line of the maintenance screen; `Finding` says which values belong to it."""

    part: Part
    health: Health
    finding: Finding
    values: tuple[str | float, ...] = ()


class Figure(StrEnum):
    """A live figure of the vision pass, in the units of `palm.hand.observation.Observation`."""

    HANDS = "hands"
    VISION_TIME = "vision_time"
    """The duration of the pass, in milliseconds."""
    HAND = "hand"
    """Whether it is a left or a right hand, and which side of it faces the camera."""
    DISTANCE = "distance"
    """The span of the hand in the picture, which is larger for a closer hand."""
    OFFSET = "offset"
    """The horizontal and the vertical offset."""
    TILT = "tilt"
    TURN = "turn"
    OPENNESS = "openness"
    SHARPNESS = "sharpness"
    BRIGHTNESS = "brightness"
    CLIPPED = "clipped"
    MOTION = "motion"


@dataclass(frozen=True)
class Observed:
    """One live figure and its values."""

    figure: Figure
    values: tuple[str | float, ...]


@dataclass(frozen=True)
class Maintenance(
    Screen[
        Literal[
            Choice.SELF_TEST,
            Choice.ACTIVATE,
            Choice.CHANGE_PIN,
            Choice.RESTART,
            Choice.SIGN_ON,
            Choice.ABOUT,
        ]
        | Back
    ]
):
    """The staff area, shown again whenever the observations change."""

    version: str
    device_id: str | None
    service: str
    checks: tuple[Check, ...]
    observations: tuple[Observed, ...] = ()
    pin_changed: bool = False
    """Whether staff have just changed the PIN."""
    venue: bool = False
    """Whether the kiosk stands at a venue, at which it can be signed on."""


@dataclass(frozen=True, slots=True)
class Package:
    """A third-party part with its licence, in the words of its authors; empty where they name
    none."""

    name: str
    version: str
    licence: str


@dataclass(frozen=True, slots=True)
class Bundle:
    """A support bundle that was made, and where it is."""

    kept: str | None
    """The file in the state folder; None when it could not be written."""
    copies: tuple[str, ...] = ()
    """The files on memory sticks."""
    sent: bool = False
    """Whether it was sent to the service."""


@dataclass(frozen=True)
class About(Screen[Literal[Choice.MAKE_BUNDLE] | Back]):
    """Versions and licences, and a support bundle for those who help staff."""

    version: str
    device_id: str | None
    packages: tuple[Package, ...]
    bundle: Bundle | None = None
    """The bundle that was just made."""


class VenueProblem(StrEnum):
    """Why the kiosk was not signed on at pretix, or has no check-in list to choose."""

    NO_CODE_OF_PRETIX = "no_code_of_pretix"
    NOT_SAFE = "not_safe"
    """The server in the code does not use https."""
    NOT_ACCEPTED = "not_accepted"
    """The code was used already, or was withdrawn."""
    NO_ANSWER = "no_answer"
    NOT_ALLOWED = "not_allowed"
    """pretix does not know the device any more, or lets it use no event."""
    NO_LIST = "no_list"
    """The device's events have no check-in list."""
    NOT_KEPT = "not_kept"
    """The sign-on or the choice cannot be stored. The log says why."""
    NO_AUTHORITY = "no_authority"
    """The authority's file that the settings name cannot be read."""


@dataclass(frozen=True)
class ScanDevice(Screen[Literal[Choice.TRY_AGAIN] | Back]):
    """The live view, to which staff show the QR code with which pretix signs on a device. TRY_AGAIN
    reads the same code again."""

    problem: VenueProblem | None = None
    cause: Cause | None = None
    """Why nobody answered, if that is the problem and it is known."""


@dataclass(frozen=True, slots=True)
class CheckInList:
    event: str
    name: str
    chosen: bool = False


@dataclass(frozen=True)
class ChooseList(Screen[Entered | Literal[Choice.TRY_AGAIN, Choice.SIGN_ON] | Back]):
    """Asks for the check-in list of this gate. The answer is the list's number in figures, from 1,
    or SIGN_ON to sign on as another device."""

    device: str
    """The name of this kiosk at pretix."""
    gate: str
    """The name of its gate at pretix; empty without one."""
    lists: tuple[CheckInList, ...] = ()
    problem: VenueProblem | None = None
    cause: Cause | None = None


@dataclass(frozen=True)
class StaffShut(Screen[Back]):
    """Tells why the staff area cannot be opened."""

    check: Check


@dataclass(frozen=True)
class NoKeys(Screen[Literal[Choice.TRY_AGAIN]]):
    """The kiosk's keys cannot be read, so the kiosk cannot start. The screen tells shoppers to ask
    staff, and tells staff why."""

    check: Check


@dataclass(frozen=True)
class ScanActivationCode(Screen[Literal[Choice.USE_NUMBER] | Back]):
    """The live view, to which staff show the QR code that activates the kiosk. `service` is the
    address of the service to which the merchant's region belongs, if that is another one and
    known."""

    problem: EntryProblem | None = None
    service: str = ""


@dataclass(frozen=True)
class EnterActivationCode(Screen[Entered | Back]):
    """Asks for the digits of the activation code. `service` is as in `ScanActivationCode`."""

    problem: EntryProblem | None = None
    service: str = ""
