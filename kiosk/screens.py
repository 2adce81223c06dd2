"""Every screen of the kiosk as a value: what it shows and how it can be answered.

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
    """A screen that tells how something ended. It closes by itself, and at once when the till has
    the next sale (`kiosk.idle`)."""


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
    """The operator has locked the kiosk, or it has locked itself: `OutOfService` is shown."""
    CLOSED = "closed"
    """It is outside of the opening hours: a till's sale is still paid."""


@dataclass(frozen=True)
class Logo:
    """The merchant's logo."""

    source: str
    """The address of its file."""
    ink: Variant | None = None
    """Whether what it draws is dark or light, where its ground is transparent."""


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
    """In the place of the merchant's name."""
    attract: tuple[str, ...] = ()
    """The addresses of pictures that are shown by turns while nobody touches the screen."""


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
    """Shows a text as the service has made it, word by word. A release is signed: to agree, the
    shopper holds the button. BEGUN is for shoppers who have begun on their phone."""

    consent: ConsentText
    begun: bool = False
    """Whether the shopper has, and is asked what they have not agreed to there."""


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
    """What was shown is a code for something else."""
    CASE_OPEN = "case_open"
    """No kiosk is activated while its enclosure is open."""
    OTHER_REGION = "other_region"
    """Palms of the merchant stay in a region of which another service is."""
    LOCKED = "locked"


@dataclass(frozen=True)
class ScanBegun(Screen[Literal[Choice.USE_NUMBER] | Back]):
    """The live view, to which a shopper who has begun on their phone shows the code on it."""

    problem: EntryProblem | None = None


@dataclass(frozen=True)
class EnterBegun(Screen[Entered | Back]):
    """The digits of that code."""

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
    """The terminal gives the answer; the shopper can only go back."""

    problem: CardProblem | None = None
    adding: bool = False
    """Whether the card is added to those of an account, and not a part of signing up."""


@dataclass(frozen=True, slots=True)
class QrCode:
    """A QR code (ISO/IEC 18004), without the quiet zone around it."""

    rows: tuple[str, ...]
    """The modules of each row from the left: `1` is dark."""


@dataclass(frozen=True)
class SaveCardByPhone(Screen[Literal[Choice.TRY_AGAIN] | Back]):
    """The shopper saves a card on their own phone, on a page that the code leads to. The kiosk goes
    on by itself once it is saved. TRY_AGAIN asks for another code, and is offered when this one has
    lapsed."""

    code: QrCode | None
    """None when it has lapsed."""
    adding: bool = False
    """Whether the card is added to those of an account, and not a part of signing up."""


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
    """Whether there is no other one: it cannot be removed then."""


# Palm


@dataclass(frozen=True)
class PalmScreen(Screen[A_co]):
    """The base of the screens before which a palm is held. They are shown again with each new
    guidance."""

    purpose: Purpose
    guidance: Guidance = Guidance(Instruction.SHOW_PALM)
    side: Side | None = None
    """The hand that is asked for, None for either."""
    attempts_left: int | None = None
    """How many attempts are left when the palm is asked for again."""
    lifeless: bool = False
    """Whether the hand shown before was not found to be alive."""
    longer: bool = False
    """Whether the hand is held for some more seconds while its pulse is recorded."""
    unclear: bool = False
    """Whether no palm could be read of what was shown before. That does not count as a try."""

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
    """What the merchant's own systems ask, in their words: the palm answers it, and BACK is no."""
    agrees: bool = False
    """Whether the palm agrees with it; otherwise it tells who is there."""

    @property
    def another_try(self) -> bool:
        # A hand that is held already was held for something else.
        return super().another_try or self.question != ""


class Heard(StrEnum):
    """What the merchant's own systems are told of the answer to their question."""

    AGREED = "agreed"
    IDENTIFIED = "identified"
    DECLINED = "declined"
    NOT_RECOGNISED = "not_recognised"
    """Or it was another person than they have asked for."""


@dataclass(frozen=True)
class InvitedToSignUp(Screen[Literal[Choice.SIGN_UP, Choice.CANCEL]]):
    """The merchant's own systems have somebody sign up here, whom they know already."""

    merchant: str
    question: str
    ending: str = field(repr=False)
    """How the number ends by which they are known there."""


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
    """What the shopper waits for. It is asked only while a payment can still be left safely."""

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
    """Why a code or a number is not taken for a membership."""

    PAYMENT_CARD = "payment_card"
    """It is the number of a payment card."""
    UNUSABLE = "unusable"
    """It is too long, or holds characters that tills do not take."""


@dataclass(frozen=True)
class ShowMembership(Screen[Literal[Choice.ADD, Choice.DELETE, Choice.DONE]]):
    """The membership that is linked. ADD links another card in its place, and DELETE takes it
    off."""

    merchant: str
    ending: str = field(repr=False)
    """How the number ends."""


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
    """How the number that is linked ends, None when it was taken off."""


@dataclass(frozen=True, slots=True)
class Points:
    """What the till says about points; None where it does not."""

    collected: int | None = None
    balance: int | None = None
    """How many the shopper has, those collected included."""


@dataclass(frozen=True)
class Collected(Result, Screen[Done]):
    """The till has the shopper's membership. `points` are those that it books."""

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
    """Whether staff cannot go on here, because there is no PIN that could be asked for."""
    kept: bool = True
    """Whether it is stored what staff see. It is not of somebody who is not known here."""


@dataclass(frozen=True)
class ShowHand(Screen[Literal[Choice.STAFF, Choice.HELP, Choice.ANOTHER_WAY]]):
    """Asks the shopper to show staff the hand that pays. Staff go on with STAFF."""

    merchant: str
    amount: Money
    shut: bool = False
    """Whether staff cannot go on here, because there is no PIN that could be asked for."""


@dataclass(frozen=True)
class ConfirmHand(Screen[Literal[Choice.CONFIRM, Choice.CANCEL]]):
    """Asks staff whether they see a bare hand."""

    amount: Money
    name_hint: str = field(repr=False)


@dataclass(frozen=True)
class EnterStaffNumber(Screen[Entered | Back]):
    """The number by which the merchant knows its member of staff."""


@dataclass(frozen=True)
class ConfirmAge(Screen[Literal[Choice.OVER_18, Choice.OVER_21, Choice.CANCEL]]):
    """Asks staff what they have seen: CANCEL for neither age. Whoever was born on one of the days
    or before has reached the age."""

    name_hint: str = field(repr=False)
    """The shopper's name; empty for somebody who is not known here."""
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
    """How much of it, such as `2` or `0.35 kg`; empty when the till does not tell."""
    amount: Money | None = None
    deducted: bool = False
    """Whether the amount is taken off the sale, as a discount is."""


@dataclass(frozen=True, slots=True)
class Bill:
    """What is paid for. It is shown as long as the sale is in progress, whatever the screen."""

    merchant: str
    amount: Money
    items: tuple[Item, ...] = ()
    tip: Money | None = None
    """What of the amount is a tip."""


@dataclass(frozen=True)
class ChooseTip(Screen[Entered | Literal[Choice.SKIP, Choice.CANCEL]]):
    """Asks for a tip. The answer is the number of an option in figures, from 1, or SKIP for
    none."""

    merchant: str
    amount: Money
    tips: tuple[Money, ...]


@dataclass(frozen=True)
class ConfirmPurchase(Screen[Entered | Literal[Choice.CONFIRM, Choice.CANCEL]]):
    """What is paid, and with which card. The answer is CONFIRM, or the number of another card in
    figures, from 1."""

    merchant: str
    amount: Money
    name_hint: str
    card: Card
    points: Points | None = None
    """What the till says about points."""
    over: Age | None = None
    """The age of which the till is told that the shopper has reached it."""
    pays_in: float | None = None
    """The seconds after which it is paid without a touch; None when it has to be confirmed."""
    cards: tuple[Card, ...] = ()
    """The cards to choose from; none when there is only one. One that has expired cannot be
    chosen."""
    chosen: int = 0
    """The place of `card` among them, from 0."""


@dataclass(frozen=True)
class ConfirmByPhone(Screen[Literal[Choice.ANOTHER_WAY]]):
    """The card's bank wants its holder to confirm the payment, on a page that the code leads to.
    The kiosk goes on by itself once they have, and when it has taken too long."""

    merchant: str
    amount: Money
    card: Card
    code: QrCode


@dataclass(frozen=True)
class AskMerchantConsent(Screen[Literal[Choice.AGREE, Choice.ANOTHER_WAY]]):
    """Asks somebody who has signed up elsewhere, before their palm is first used here, and whoever
    has agreed to an earlier text. It shows and is agreed to as `AskConsent`."""

    consent: ConsentText
    merchant: str
    paying: bool = True


@dataclass(frozen=True)
class PalmReaderLost(Screen[Literal[Choice.TRY_AGAIN, Choice.ANOTHER_WAY, Choice.HELP]]):
    """The palm reader has failed in the middle of a sale, and the terminal takes cards:
    ANOTHER_WAY goes on with one."""

    merchant: str
    amount: Money


@dataclass(frozen=True)
class PayWithCard(Screen[Literal[Choice.ANOTHER_WAY, Choice.CANCEL]]):
    """The terminal takes the card; the shopper can pay at the till instead, or not at all."""

    merchant: str
    amount: Money
    problem: Literal[CardProblem.NOT_READ, CardProblem.TERMINAL] | None = None


@dataclass(frozen=True)
class StepUp(Screen[Entered | Back]):
    """The last four digits of the mobile number."""

    problem: EntryProblem | None = None
    attempts_left: int | None = None


@dataclass(frozen=True)
class Approved(Result, Screen[Done | Literal[Choice.SKIP]]):
    """SKIP declines the receipt."""

    merchant: str
    amount: Money
    card: Card | None
    points: Points | None = None
    """What the till says about points."""
    receipt: bool | None = None
    """Whether a receipt goes to the shopper's phone: False once it was declined, None where there
    is none."""


@dataclass(frozen=True)
class Declined(Result, Screen[Literal[Choice.ANOTHER_WAY, Choice.DONE]]):
    """The card's bank declined. With `asks_holder` it asks its holder to confirm the payment, which
    only the card itself can do."""

    merchant: str
    amount: Money
    card: Card | None
    asks_holder: bool = False


@dataclass(frozen=True)
class NotCharged(Result, Screen[Literal[Choice.ANOTHER_WAY, Choice.HELP]]):
    """Nothing was charged, for a reason that is neither the shopper's nor the card's."""

    merchant: str
    amount: Money


@dataclass(frozen=True)
class NotRecognised(Screen[Literal[Choice.TRY_AGAIN, Choice.SIGN_UP, Choice.ANOTHER_WAY]]):
    """With no `attempts_left` it cannot be tried again now."""

    purpose: Purpose
    attempts_left: int


@dataclass(frozen=True)
class Frozen(Screen[Literal[Choice.ANOTHER_WAY]]):
    """The shopper has frozen their palms in the portal, and can thaw them there only."""

    purpose: Purpose


@dataclass(frozen=True)
class PayAnotherWay(Result, Screen[Done]):
    merchant: str


# Asked by the till: the words are its own, and each screen says whose


@dataclass(frozen=True)
class Recognised(Screen[Literal[Choice.CANCEL]]):
    """The till knows who the shopper is, and goes on in a moment."""

    merchant: str
    name_hint: str


@dataclass(frozen=True)
class TillMessage(Result, Screen[Done | Literal[Choice.SKIP]]):
    """What the till has to say, in its own words, with a code that a phone can read. SKIP declines
    that it is sent as a receipt."""

    merchant: str
    lines: tuple[str, ...]
    code: QrCode | None = None
    receipt: bool | None = None
    """Whether it goes to the shopper's phone as a receipt: False once that was declined, None where
    it is none."""


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
    """At how many other merchants the shopper uses their palm."""


@dataclass(frozen=True)
class ConfirmDelete(Screen[Literal[Choice.CONFIRM] | Back]):
    """Asks for confirmation by a button that is held, not tapped."""

    holdings: Holdings


@dataclass(frozen=True)
class Deleted(Result, Screen[Done | Literal[Choice.STAY]]):
    """Tells what was deleted: the numbers are those that the shopper confirmed."""

    receipt_id: str
    palms: int
    cards: int
    purchases: int
    retained_until: datetime | None
    """Until when the merchant keeps the amounts of the purchases, None when there are none."""
    memberships: int = 0
    ages: int = 0
    stays: bool = False
    """Whether the shopper wants the receipt to stay, to write its number down."""


@dataclass(frozen=True)
class AgreementEnded(Result, Screen[Done | Literal[Choice.STAY]]):
    """Tells that the palm is not used at this merchant any more."""

    merchant: str
    receipt_id: str
    stays: bool = False
    """Whether the shopper wants the receipt to stay, to write its number down."""


# At a gate, a door or a desk


class GateNotice(StrEnum):
    """Why nobody can be let pass by their palm now."""

    STARTING = "starting"
    OFFLINE = "offline"
    CAMERA = "camera"
    NOT_ACTIVATED = "not_activated"
    LOCKED = "locked"
    """`OutOfService` is shown."""
    GATE = "gate"
    """The line to the gate is lost."""


class GateAnswer(StrEnum):
    """What a gate answers to a palm or a ticket."""

    PASS = "pass"  # noqa: S105 - no password
    CHECKED_IN = "checked_in"
    TICKET_ADDED = "ticket_added"
    """The ticket is linked to the palm, and does not count here and now."""
    NOT_KNOWN = "not_known"
    NOT_SURE = "not_sure"
    """More than one person could be meant, or the hand does not seem alive."""
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
    # What the service says (protocol.entry.EntryRefusal).
    NOT_SET_UP = "not_set_up"
    NO_ACCESS = "no_access"
    NOT_YET = "not_yet"
    EXPIRED = "expired"
    CLOSED = "closed"
    ALREADY_IN = "already_in"
    NOT_IN = "not_in"
    NO_TICKET = "no_ticket"
    TOO_MANY_TICKETS = "too_many_tickets"
    """There is no room for another ticket of theirs."""
    # What the venue's system says of a ticket (kiosk.venue.venue.Reason).
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
    """What the site's controller has the kiosk show, as it would on any reader: `color` for `on_s`
    seconds and `between` for `off_s`, and so on, steady where both are 0. It is shown at the gate
    as long as the controller wants it, whatever else is said there."""

    color: Color = Color.NONE
    between: Color = Color.NONE
    on_s: float = 0
    off_s: float = 0
    words: str = ""
    """The words of the controller, which are nobody else's: not translated, in rows."""
    output: bool = False
    """Whether the controller has switched the reader's output on."""


@dataclass(frozen=True, slots=True)
class Answered:
    """What the gate has answered to whoever came last, and when and where their ticket was used
    before."""

    answer: GateAnswer
    at: datetime | None = None
    gate: str | None = None
    number: int = 0
    """Counts the answers, so that two that are alike are told apart."""

    @property
    def lets_pass(self) -> bool:
        return self.answer in (GateAnswer.PASS, GateAnswer.CHECKED_IN)


@dataclass(frozen=True)
class AtGate(PalmScreen[Literal[Choice.STAFF]]):
    """The screen of a gate, before which one hand is held after the other. It tells what was
    answered to the hand before until the next one comes."""

    purpose: Purpose = Purpose.ENTER
    merchant: str = ""
    direction: Direction = Direction.ENTRY
    takes_tickets: bool = False
    """Whether the code of a ticket can be shown instead."""
    checks_in: bool = False
    """Whether there is no gate, and people tell that they are there."""
    last: Answered | None = None
    """What was answered to the hand before."""

    @property
    def another_try(self) -> bool:
        """Whether the hand before has to leave first."""
        return self.last is not None


@dataclass(frozen=True)
class GateShut(Screen[Literal[Choice.STAFF]]):
    """Nobody can be let pass by their palm. Cards, tickets and staff are there all the same."""

    merchant: str
    notice: GateNotice


@dataclass(frozen=True)
class AskAccess(Screen[Literal[Choice.AGREE, Choice.SKIP]]):
    """Asks once whether the palm may stand for what the site has given the person."""

    site: str
    ending: str = ""
    """The last digits of their card's number; empty when they have no card."""


@dataclass(frozen=True)
class AskToKeep(Screen[Literal[Choice.AGREE, Choice.SKIP]]):
    """Asks once whether the site's gates may recognise the palm without a network, for which they
    keep a template in their memory."""

    site: str


@dataclass(frozen=True)
class ScanTicket(Screen[Literal[Choice.SKIP]]):
    """The live view, to which somebody without a ticket shows the code of theirs."""


# Help, and what went wrong


@dataclass(frozen=True)
class Help(Screen[Literal[Choice.CALL_STAFF, Choice.ANOTHER_WAY] | Back]):
    paying: bool


@dataclass(frozen=True)
class StaffCalled(Result, Screen[Done]):
    """Tells whether staff were told, and what to do when nobody was."""

    told: bool = False


class TroubleKind(StrEnum):
    CAMERA = "camera"
    TERMINAL = "terminal"
    OFFLINE = "offline"
    SERVICE = "service"
    PAYMENT_UNKNOWN = "payment_unknown"
    """It is not known whether the purchase was made; the till is told once it is."""
    LOCKED = "locked"
    STORAGE = "storage"
    """The kiosk or the service can store nothing."""


FINAL = {TroubleKind.PAYMENT_UNKNOWN, TroubleKind.LOCKED, TroubleKind.STORAGE}
"""Troubles after which it is of no use to try again now."""


@dataclass(frozen=True)
class Trouble(Screen[Literal[Choice.TRY_AGAIN, Choice.HELP, Choice.DONE]]):
    kind: TroubleKind
    paying: bool = False


class Loss(StrEnum):
    """What is lost when the visit is given up now."""

    NOTHING = "nothing"
    ENTRIES = "entries"
    """Everything that was entered for a sign-up."""
    SECOND_PALM = "second_palm"
    """The second palm; the account stands."""
    DELETION = "deletion"
    """The deletion; everything is kept."""


@dataclass(frozen=True)
class StillThere(Screen[Literal[Choice.STAY, Choice.LEAVE]]):
    """The warning over a screen before the visit is given up; `seconds` counts down."""

    seconds: int
    of: float = 10
    """The seconds that the warning counts down in all."""
    loss: Loss = Loss.NOTHING
    paying: bool = False
    """Whether a sale is given up, too."""


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
    """It works as it was set up, and staff should know what that means."""
    BROKEN = "broken"


class Part(StrEnum):
    """What a line of the maintenance screen is about."""

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
    """What keeps the kiosk's keys from whoever takes its disk."""
    DISK = "disk"
    """The disk of the state folder, and the files in it."""


class Finding(StrEnum):
    """What was found about a part, with the values that its words need.

    What a driver, the service or the loader of models says about its own fault is text.
    """

    FAULT = "fault"
    """A device does not work: cause and remedy, as its driver words them."""
    OPENING = "opening"
    """The camera has not delivered a picture yet: its name."""
    DELIVERS = "delivers"
    """The camera delivers pictures: its name."""
    PALM_WANTED = "palm_wanted"
    """A right palm with its fingers up has to be shown to see how the camera is mounted."""
    UPRIGHT = "upright"
    """Hands are seen upright and not mirrored."""
    NO_RING = "no_ring"
    RING_LIT = "ring_lit"
    """The ring was lit and turned off: its name, and how many milliseconds it took."""
    TAKES_CARDS = "takes_cards"
    READER_READY = "reader_ready"
    """A reader that the service drives takes cards: its name."""
    READER_FAULT = "reader_fault"
    """It takes none: the fault (`protocol.messages.ReaderFault`), and its name."""
    READER_NOT_BOUND = "reader_not_bound"
    """The service has bound no such reader to this kiosk: its name, and the kiosk's id."""
    READER_UNKNOWN_STATE = "reader_unknown_state"
    """The service does not tell how it is: its name."""
    NO_TERMINAL = "no_terminal"
    """Shoppers save their card with their own phone."""
    TAKES_TEST_CARDS = "takes_test_cards"
    """The terminal is simulated."""
    TILL_DOOR = "till_door"
    """Tills reach the kiosk: the port, and the fingerprint of the certificate."""
    TILL_WITHOUT_KEY = "till_without_key"
    """No till can speak with the kiosk, because there is no key: the file of the keys."""
    TILL_SHUT_OUT = "till_shut_out"
    """The port for tills cannot be listened on: the port, and the cause."""
    NO_DOOR = "no_door"
    """The service does not know what this kiosk stands at: the kiosk's id."""
    AT_DOOR = "at_door"
    """The gate can be opened: its name, empty at a desk, and the direction."""
    VENUE_ONLINE = "venue_online"
    """The venue's system answers: how many tickets are on the list, and how many passages it has
    not been told yet."""
    VENUE_AWAY = "venue_away"
    """The venue's system does not answer, so the list decides: the same two numbers."""
    VENUE_NOT_SIGNED_ON = "venue_not_signed_on"
    """The kiosk is no device of pretix yet."""
    VENUE_NO_LIST = "venue_no_list"
    """The kiosk is a device of pretix, and no check-in list is chosen."""
    VENUE_NOT_ALLOWED = "venue_not_allowed"
    """pretix no longer knows this kiosk, or does not let it use its list."""
    VENUE_STORES_NOTHING = "venue_stores_nothing"
    """No passage can be recorded on the kiosk's disk, so no ticket opens the gate."""
    VENUE_CONFLICTS = "venue_conflicts"
    """How many passages it does not agree with."""
    OFFLINE = "offline"
    """Nobody answered: the cause (`kiosk.service.errors.Cause`), the service's address, and the
    date and time of this machine."""
    SERVICE_STOPPED = "service_stopped"
    """The kiosk's own service does not start: cause and remedy, as the service words them."""
    SERVICE_STORES_NOTHING = "service_stores_nothing"
    """What is wrong with the service's disk (`protocol.storage.StorageFault`)."""
    SERVICE_FAILED = "service_failed"
    """The service answers with an error: its text."""
    ANSWERED = "answered"
    """The service's version, and how many milliseconds its answer took."""
    RING_DEMANDED = "ring_demanded"
    """The service demands a light ring, and there is none."""
    LIFE_DEMANDED = "life_demanded"
    """The service takes only palms that were found alive."""
    LIFE_WITH_RING = "life_with_ring"
    """The kiosk's ring serves to look for life, and the service also accepts palms without."""
    LIFE_UNCHECKED = "life_unchecked"
    """The kiosk has no ring, and the service accepts its palms: nobody looks for life."""
    KEY = "key"
    """The vault key's id and its suite."""
    CLOCK_RIGHT = "clock_right"
    """How many seconds the clock is off."""
    CLOCK_WRONG = "clock_wrong"
    """How many seconds the clock is off: too many."""
    NOT_ACTIVATED = "not_activated"
    ACTIVATED = "activated"
    """The merchant and the country."""
    LOCKED_CASE = "locked_case"
    """The kiosk has locked itself because its enclosure was opened: when."""
    LOCKED_CAMERA = "locked_camera"
    """Because another camera was put in: what it says that it is, and when."""
    LOCKED_USB = "locked_usb"
    """Because something was plugged in: its ids, its kind (`hardware.usb.Kind`), and when."""
    CASE_OPEN = "case_open"
    """The enclosure is open, or was since its contact was reset: the contact's name."""
    CASE_CLOSED = "case_closed"
    USB_PLUGGED = "usb_plugged"
    """What is plugged in, and will belong to the kiosk once it is activated: the ids."""
    USB_BELONGS = "usb_belongs"
    """How many devices are plugged in; all of them belong to the kiosk."""
    USB_STORAGE = "usb_storage"
    """A memory stick is plugged in: its ids."""
    MODELS_MISSING = "models_missing"
    """How to get them, as the loader of models words it."""
    MODELS_THERE = "models_there"
    """The names of the models."""
    ROOM = "room"
    """Free megabytes on the disk."""
    NO_ROOM = "no_room"
    """Free megabytes on the disk, and the state folder."""
    STORES_NOTHING = "stores_nothing"
    """What is wrong with the kiosk's disk (`protocol.storage.StorageFault`), and the state
    folder."""
    ENTRIES_UNREADABLE = "entries_unreadable"
    """How many entries of the journal cannot be read, and the folder."""
    KEYS_SEALED = "keys_sealed"
    """The TPM gives the keys to this machine if it was started as before: the TPM's name."""
    KEYS_IN_ANY_BOOT_STATE = "keys_in_any_boot_state"
    """The TPM gives them however the machine was started, until that changes: the TPM's name."""
    KEYS_IN_FILE = "keys_in_file"
    """Whoever reads the disk has the keys."""
    KEYS_MAY_BE_SWAPPED = "keys_may_be_swapped"
    """The system may write memory to a disk, which holds keys and pictures."""
    PIN_UNREADABLE = "pin_unreadable"
    """The file with the staff PIN."""


@dataclass(frozen=True)
class Check:
    """One line of the maintenance screen; `Finding` says which values belong to it."""

    part: Part
    health: Health
    finding: Finding
    values: tuple[str | float, ...] = ()


class Figure(StrEnum):
    """A live figure of the vision pass; units as in `palm.hand.observation.Observation`."""

    HANDS = "hands"
    VISION_TIME = "vision_time"
    """The duration of the pass in milliseconds."""
    HAND = "hand"
    """Which hand it is, and which side of it faces the camera."""
    DISTANCE = "distance"
    """The span of the hand: larger is closer."""
    OFFSET = "offset"
    """Across and down."""
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
    """A part that others have made, with its licence in the words of whoever made it; empty where
    they name none."""

    name: str
    version: str
    licence: str


@dataclass(frozen=True, slots=True)
class Bundle:
    """What became of a support bundle."""

    kept: str | None
    """The file in the state folder; None when it cannot be written."""
    copies: tuple[str, ...] = ()
    """The files on sticks."""
    sent: bool = False
    """Whether the service has it."""


@dataclass(frozen=True)
class About(Screen[Literal[Choice.MAKE_BUNDLE] | Back]):
    """Versions and licences, and a support bundle for those who help staff."""

    version: str
    device_id: str | None
    packages: tuple[Package, ...]
    bundle: Bundle | None = None
    """What became of the one that was just made."""


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
    """It cannot be stored: the log says why."""
    NO_AUTHORITY = "no_authority"
    """The authority's file that the settings name cannot be read."""


@dataclass(frozen=True)
class ScanDevice(Screen[Literal[Choice.TRY_AGAIN] | Back]):
    """The live view, to which staff show the QR code of a device that pretix shows. TRY_AGAIN has
    the same code read again."""

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
    """Asks for the check-in list of this gate. The answer is its number in figures, from 1, or
    SIGN_ON to become another device."""

    device: str
    """The name that pretix has for this kiosk."""
    gate: str
    """The name of its gate there; empty without one."""
    lists: tuple[CheckInList, ...] = ()
    problem: VenueProblem | None = None
    cause: Cause | None = None


@dataclass(frozen=True)
class StaffShut(Screen[Back]):
    """Tells why the staff area cannot be opened."""

    check: Check


@dataclass(frozen=True)
class NoKeys(Screen[Literal[Choice.TRY_AGAIN]]):
    """The kiosk's keys cannot be had, so there is no kiosk: tells shoppers to ask staff, and staff
    why."""

    check: Check


@dataclass(frozen=True)
class ScanActivationCode(Screen[Literal[Choice.USE_NUMBER] | Back]):
    """The live view, to which staff show the QR code that activates the kiosk. `service` is the
    address of the service of another region, where it is known."""

    problem: EntryProblem | None = None
    service: str = ""


@dataclass(frozen=True)
class EnterActivationCode(Screen[Entered | Back]):
    """The digits of that code, and the service of another region in the same way."""

    problem: EntryProblem | None = None
    service: str = ""
