"""The life of the kiosk: shoppers who leave, faults, and how it continues."""

import errno
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn, cast

import pytest
from typing_extensions import override

from hardware.camera.feed import Recovering, Streaming
from hardware.faults import TemporaryFault
from hardware.terminal import SimulatedTerminal, StripeReader
from kiosk import screens
from kiosk.idle import DECLINES_S
from kiosk.screens import (
    About,
    AgeNotSeen,
    AgreementEnded,
    AlreadyKnown,
    Approved,
    AskAccess,
    AskConsent,
    AskMerchantConsent,
    AskToKeep,
    AtGate,
    Choice,
    ChooseDeletion,
    ChooseList,
    ChooseProof,
    ChooseTip,
    Collected,
    ConfirmAge,
    ConfirmByPhone,
    ConfirmDelete,
    ConfirmHand,
    ConfirmPurchase,
    Declined,
    Deleted,
    EnterActivationCode,
    EnterBegun,
    EnterCode,
    EnterMembership,
    EnterPhone,
    EnterPin,
    EnterStaffNumber,
    Finding,
    Frozen,
    GateShut,
    Help,
    HoldPalm,
    InvitedToSignUp,
    Loss,
    Maintenance,
    MembershipChanged,
    NoKeys,
    NoMembership,
    NotCharged,
    Notice,
    NotRecognised,
    OfferSecondPalm,
    OutOfService,
    PalmReaderLost,
    Part,
    PayAnotherWay,
    PayWithCard,
    PresentCard,
    QuestionAnswered,
    Recognised,
    SaveCardByPhone,
    ScanActivationCode,
    ScanBegun,
    ScanDevice,
    ScanMembership,
    ScanTicket,
    Screen,
    ShowCard,
    ShowCards,
    ShowDocument,
    ShowHand,
    ShowMembership,
    SignedUp,
    StaffCalled,
    StaffShut,
    StepUp,
    StillThere,
    TillDigits,
    TillMenu,
    TillMessage,
    TillQuestion,
    Trouble,
    TroubleKind,
    Welcome,
    Working,
)
from kiosk.service.client import SignatureService
from kiosk.service.errors import ServiceUnavailable
from kiosk.settings import Patience, Settings
from kiosk.simulated.till import SimulatedTill
from kiosk.till.journal import PendingPurchase, PurchaseJournal
from kiosk.till.till import Acquisition, Collection, Dialogue, Request, Sale, SaleResult, Talk
from kiosk.visits.leave import LOOKS_S
from protocol.asked import AskedEnd, AskedPalm, AskedPalms, Asks, RequestState
from protocol.messages import (
    Age,
    Chargeable,
    Money,
    Outcome,
    ProblemType,
    Purchase,
    PurchaseRequest,
    Reader,
    ReaderFault,
    ServiceInfo,
    Told,
)
from tests.support.canned import (
    DEVICE,
    MEMBER,
    USED_AT_TWO_SHOPS,
    VAULT,
    VISA,
    Answer,
    Asked,
    CannedService,
    HangUp,
    Reply,
    bought,
    identification,
    problem,
    service_info,
    soon,
)
from tests.support.kinds import kinds_of_screens
from tests.support.scripted import WAITS, Line, palm, typed
from tests.support.sealed import sealed
from tests.support.stand import MakeStand, Stand

pytestmark = pytest.mark.anyio

PIN = typed("246810")
NUMBER = typed("2025550123")
CODE = typed("123456")
AMOUNT = Money(minor=1250, currency="USD")
HOME: Line = (Welcome, WAITS)
READER = "tmr_Counter1"
UNPLUGGED = TemporaryFault("Unplugged.", "Plug it in.")


# Walking away


@dataclass
class Way:
    """How to reach a screen, what the service answers on the way, and what the till has asked."""

    lines: list[Line]
    answers: dict[str, Answer] = field(default_factory=dict)
    asked: Request | None = None

    async def begins(self, stand: MakeStand, canned: CannedService, *then: Line) -> Stand:
        """Returns a stand with this way as its script, and what comes then. Where staff are asked
        for a PIN on the way, it is chosen already."""
        for request, answer in self.answers.items():
            (canned.always if request.startswith("GET") else canned.will)(request, answer)
        here = stand(*self.lines, *then)
        if self.asked is not None:
            here.till.ask(self.asked)
        if (ShowDocument, Choice.STAFF) in self.lines or (ShowHand, Choice.STAFF) in self.lines:
            await here.kiosk.pin.choose(PIN.text)
        return here


TO_PALM: list[Line] = [
    (Welcome, Choice.SIGN_UP),
    (AskConsent, Choice.AGREE),
    (EnterPhone, NUMBER),
    (EnterCode, CODE),
    (PresentCard, WAITS),
    (HoldPalm, palm),
]
TO_BEGUN: list[Line] = [
    (Welcome, Choice.SIGN_UP),
    (AskConsent, Choice.BEGUN),
    (ScanBegun, Choice.USE_NUMBER),
    (EnterBegun, typed("482109375518")),
]
TO_PAY: list[Line] = [(Welcome, Choice.TRY_PURCHASE), (HoldPalm, palm)]
TO_CHARGE: list[Line] = [*TO_PAY, (ConfirmPurchase, Choice.CONFIRM)]
TO_LEAVE: list[Line] = [
    (Welcome, Choice.DELETE),
    (ChooseProof, Choice.USE_PALM),
    (HoldPalm, palm),
]
TO_CARDS: list[Line] = [(Welcome, Choice.CARDS), (HoldPalm, palm)]
ASKED: list[Line] = [(Welcome, WAITS)]
WORDS = "Corner Shop", ("Do you need a bag?",)
TIPPED = Sale("sale-00000001", AMOUNT, "Corner Shop", tips=(5, 10, 20))
OVER_18 = Sale("sale-00000001", AMOUNT, "Corner Shop", over=Age.EIGHTEEN)
MEMBERS_ONLY = Sale("sale-00000001", AMOUNT, "Corner Shop", members_only=True)
TO_AGE: list[Line] = [*ASKED, (HoldPalm, palm)]
TO_DOCUMENT: list[Line] = [
    *TO_AGE,
    (ShowDocument, Choice.STAFF),
    (EnterPin, PIN),
    (EnterStaffNumber, typed("17")),
]
TO_OFFICE: list[Line] = [(Welcome, Choice.STAFF), (EnterPin, PIN), (EnterPin, PIN)]
TO_TYPE: list[Line] = [
    *TO_OFFICE,
    (Maintenance, Choice.ACTIVATE),
    (ScanActivationCode, Choice.USE_NUMBER),
]
STEP_UP: dict[str, Answer] = {"POST /identifications": identification(Outcome.STEP_UP)}
REFUSED: dict[str, Answer] = {"POST /identifications": identification(Outcome.REFUSED)}
FROZEN: dict[str, Answer] = {"POST /identifications": identification(Outcome.FROZEN)}
DECLINED: dict[str, Answer] = {"POST /purchases": lambda asked: bought(asked, "declined")}


ASKS_CONSENT: dict[str, Answer] = {"POST /identifications": identification(Outcome.ASK_CONSENT)}
NOT_PAID: dict[str, Answer] = {"POST /purchases": lambda asked: bought(asked, "not_paid")}
MEMBERS: dict[str, Answer] = {"POST /identifications": identification(membership=MEMBER)}
TO_MEMBERSHIP: list[Line] = [(Welcome, Choice.MEMBERSHIP), (HoldPalm, palm)]
TWO_SHOPS: dict[str, Answer] = {"GET /identifications/identification-1/holdings": USED_AT_TWO_SHOPS}
KNOWN: dict[str, Answer] = {"POST /enrolments/enrolment-1/palms": problem(ProblemType.PALM_KNOWN)}

ASKS_PALM: dict[str, Answer] = {
    "PUT /palm-requests/taken": AskedPalms(
        request=AskedPalm(request_id="request-1", kind=Asks.APPROVE, question="Yes?", named=False),
        again_after_s=60,
    ),
    "GET /palm-requests/request-1": AskedEnd(state=RequestState.SHOWN),
    "PUT /palm-requests/request-1/answer": AskedEnd(state=RequestState.APPROVED),
}
STAFF_LOOK: dict[str, Answer] = {"GET /service": lambda _: service_info(staff_above=0)}

WAYS: dict[type[Screen[Any]], Way] = {
    AskConsent: Way(TO_PALM[:1]),
    ScanBegun: Way(TO_BEGUN[:2]),
    EnterBegun: Way(TO_BEGUN[:3]),
    EnterPhone: Way(TO_PALM[:2]),
    EnterCode: Way(TO_PALM[:3]),
    PresentCard: Way(TO_PALM[:4]),
    HoldPalm: Way(TO_PAY[:1]),
    OfferSecondPalm: Way(TO_PALM),
    SignedUp: Way([*TO_PALM, (OfferSecondPalm, Choice.SKIP)]),
    AlreadyKnown: Way(TO_PALM, KNOWN),
    ConfirmPurchase: Way(TO_PAY),
    ChooseTip: Way([*ASKED, (HoldPalm, palm)], asked=TIPPED),
    AskMerchantConsent: Way(TO_PAY, ASKS_CONSENT),
    StepUp: Way(TO_PAY, STEP_UP),
    NotRecognised: Way(TO_PAY, REFUSED),
    Frozen: Way(TO_PAY, FROZEN),
    PayWithCard: Way([*TO_PAY, (NotRecognised, Choice.ANOTHER_WAY)], REFUSED),
    PalmReaderLost: Way([TO_PAY[0], (HoldPalm, UNPLUGGED)]),
    PayAnotherWay: Way([*TO_CHARGE, (Declined, Choice.ANOTHER_WAY)], DECLINED),
    Approved: Way(TO_CHARGE),
    Declined: Way(TO_CHARGE, DECLINED),
    NotCharged: Way(TO_CHARGE, NOT_PAID),
    ChooseProof: Way(TO_LEAVE[:1]),
    ChooseDeletion: Way(TO_LEAVE, TWO_SHOPS),
    AgreementEnded: Way([*TO_LEAVE, (ChooseDeletion, Choice.LEAVE)], TWO_SHOPS),
    ConfirmDelete: Way(TO_LEAVE),
    Deleted: Way([*TO_LEAVE, (ConfirmDelete, Choice.CONFIRM)]),
    ShowCards: Way(TO_CARDS),
    ShowCard: Way([*TO_CARDS, (ShowCards, typed("1"))]),
    Help: Way([(Welcome, Choice.HELP)]),
    StaffCalled: Way([(Welcome, Choice.HELP), (Help, Choice.CALL_STAFF)]),
    Trouble: Way(TO_CHARGE, {"POST /purchases": problem(ProblemType.CONFLICT)}),
    EnterPin: Way(TO_OFFICE[:1]),
    StaffShut: Way(TO_OFFICE[:1]),
    Maintenance: Way(TO_OFFICE),
    About: Way([*TO_OFFICE, (Maintenance, Choice.ABOUT)]),
    ScanActivationCode: Way([*TO_OFFICE, (Maintenance, Choice.ACTIVATE)]),
    EnterActivationCode: Way(TO_TYPE),
    ShowDocument: Way(TO_AGE, asked=OVER_18),
    EnterStaffNumber: Way(TO_DOCUMENT[:4], asked=OVER_18),
    ConfirmAge: Way(TO_DOCUMENT, asked=OVER_18),
    ShowHand: Way(TO_PAY, STAFF_LOOK),
    ConfirmHand: Way([*TO_PAY, (ShowHand, Choice.STAFF), (EnterPin, PIN)], STAFF_LOOK),
    NoMembership: Way([*ASKED, (HoldPalm, palm)], asked=MEMBERS_ONLY),
    AgeNotSeen: Way([*TO_DOCUMENT, (ConfirmAge, Choice.CANCEL)], asked=OVER_18),
    QuestionAnswered: Way([*ASKED, (HoldPalm, palm)], ASKS_PALM),
    Recognised: Way([*ASKED, (HoldPalm, palm)], asked=Acquisition("asked-0001", "Corner Shop")),
    ShowMembership: Way(TO_MEMBERSHIP, MEMBERS),
    ScanMembership: Way(TO_MEMBERSHIP),
    EnterMembership: Way([*TO_MEMBERSHIP, (ScanMembership, Choice.USE_NUMBER)]),
    MembershipChanged: Way([*TO_MEMBERSHIP, (ShowMembership, Choice.DELETE)], MEMBERS),
    Collected: Way([*ASKED, (HoldPalm, palm)], MEMBERS, Collection("asked-0001", "Corner Shop")),
    TillMessage: Way(ASKED, asked=Talk("asked-0001", TillMessage(*WORDS))),
    TillQuestion: Way(ASKED, asked=Talk("asked-0001", TillQuestion(*WORDS))),
    TillDigits: Way(ASKED, asked=Talk("asked-0001", TillDigits(*WORDS))),
    TillMenu: Way(ASKED, asked=Talk("asked-0001", TillMenu(*WORDS, ("Paper", "Cloth")))),
}


def test_there_is_a_way_to_every_screen_that_a_visit_asks() -> None:
    # What is done on a phone, at a gate and at a locked kiosk has tests of its own
    # (test_card_by_phone, test_confirm_by_phone, test_at_gate, test_sign_on, test_lock).
    elsewhere = {SaveCardByPhone, ConfirmByPhone, AtGate, GateShut, AskAccess, ScanTicket}
    # Without its keys there is no kiosk (tests/ui/test_no_keys.py), and what the merchant's own
    # systems ask waits for somebody (test_asked).
    elsewhere |= {InvitedToSignUp, ScanDevice, ChooseList, AskToKeep, OutOfService, NoKeys}
    assert set(WAYS) == kinds_of_screens() - {Welcome, Working, StillThere} - elsewhere


PATIENCE = Patience()
RESULTS: dict[type[Screen[Any]], float] = {
    SignedUp: PATIENCE.result_s,
    Approved: PATIENCE.result_s,
    Declined: PATIENCE.result_s,
    NotCharged: PATIENCE.result_s,
    PayAnotherWay: PATIENCE.result_s,
    Deleted: PATIENCE.result_s,
    AgreementEnded: PATIENCE.result_s,
    StaffCalled: PATIENCE.result_s,
    MembershipChanged: PATIENCE.result_s,
    Collected: PATIENCE.result_s,
    AgeNotSeen: PATIENCE.result_s,
    NoMembership: PATIENCE.result_s,
    QuestionAnswered: PATIENCE.result_s,
    AlreadyKnown: PATIENCE.idle_s,
    TillMessage: PATIENCE.idle_s,
}
"""Screens that close by themselves, and how many seconds they are shown."""
QUESTIONS = {screen: way for screen, way in WAYS.items() if screen not in RESULTS}


def name(screen: type[Screen[Any]]) -> str:
    return screen.__name__


@pytest.mark.parametrize("screen", QUESTIONS, ids=name)
async def test_walking_away_leads_back_to_the_welcome_screen_after_a_warning(
    stand: MakeStand,
    canned: CannedService,
    terminal: SimulatedTerminal,
    screen: type[Screen[Any]],
    tmp_path: Path,
) -> None:
    way = WAYS[screen]
    if screen in (PresentCard, PayWithCard):
        terminal.unplug()
    if screen is StaffShut:
        (tmp_path / "staff.json").touch()
    here = await way.begins(stand, canned, (screen, WAITS), HOME)
    async with here.running():
        await here.stage.reached(len(way.lines))
        waits = screen in {EnterCode, ShowDocument, ShowHand, PayWithCard}
        patience = PATIENCE.message_s if waits else PATIENCE.idle_s
        await here.clock.turn(patience - 11)
        assert here.stage.warnings == []
        await here.clock.turn(12)
        await here.stage.reached()
    assert here.stage.warnings == [10, 9, 8, 7, 6, 5, 4, 3, 2, 1, None]


@pytest.mark.parametrize("screen", RESULTS, ids=name)
async def test_a_result_closes_by_itself_and_never_asks_whether_anybody_is_there(
    stand: MakeStand, canned: CannedService, screen: type[Screen[Any]]
) -> None:
    way = WAYS[screen]
    here = await way.begins(stand, canned, (screen, WAITS), HOME)
    async with here.running():
        await here.stage.reached(len(way.lines))
        await here.clock.turn(RESULTS[screen] - 0.2)
        assert not here.stage.over, "it can still be read"
        await here.clock.turn(0.4)
        await here.stage.reached()
    assert here.stage.warnings == []


FINAL_TROUBLE: dict[TroubleKind, Answer] = {
    TroubleKind.LOCKED: problem(ProblemType.TOO_MANY_ATTEMPTS, 429),
    TroubleKind.STORAGE: problem(ProblemType.STORAGE_FULL),
    TroubleKind.PAYMENT_UNKNOWN: Reply(500, b""),
}


@pytest.mark.parametrize("screen", [*RESULTS, *FINAL_TROUBLE], ids=str)
async def test_a_result_gives_way_to_the_next_sale_at_once(
    stand: MakeStand, canned: CannedService, screen: type[Screen[Any]] | TroubleKind
) -> None:
    if isinstance(screen, TroubleKind):
        way = Way(TO_CHARGE, {"POST /purchases": FINAL_TROUBLE[screen]})
        result: Any = Trouble(screen, paying=True)
    else:
        way, result = WAYS[screen], screen
    here = await way.begins(stand, canned, (result, WAITS), HOME, (HoldPalm, WAITS))
    async with here.running():
        await here.stage.reached(len(way.lines))
        here.till.ring_up(AMOUNT, "Corner Shop")
        await here.stage.reached()
        assert here.clock.now() == 0
    assert here.stage.warnings == []


async def test_the_till_says_what_the_shopper_pays_once_it_knows_them(
    stand: MakeStand, canned: CannedService
) -> None:
    sale = Sale("sale-00000001", AMOUNT, "Corner Shop", acquisition="asked-0001")
    here = await WAYS[Recognised].begins(
        stand,
        canned,
        (Recognised("Corner Shop", "Alex D."), WAITS),
        HOME,
        (ConfirmPurchase, Choice.CONFIRM),
        (Approved, Choice.DONE),
        HOME,
    )
    async with here.running():
        await here.stage.reached(2)
        shopper = here.till.shoppers["asked-0001"]
        assert shopper is not None
        assert shopper.name_hint == "Alex D."
        here.till.ask(sale)
        await here.stage.reached()
    assert here.till.answers[sale.reference] is SaleResult.APPROVED
    assert len(canned.requests("POST /identifications")) == 1


async def test_who_waited_for_the_till_and_left_shows_the_palm_again(
    stand: MakeStand, canned: CannedService
) -> None:
    sale = Sale("sale-00000001", AMOUNT, "Corner Shop", acquisition="asked-0001")
    here = await WAYS[Recognised].begins(
        stand, canned, (Recognised, Choice.CANCEL), HOME, (HoldPalm, WAITS)
    )
    async with here.running():
        await here.stage.reached(3)
        assert here.till.shoppers["asked-0001"] is None
        here.till.ask(sale)
        await here.stage.reached()


@pytest.mark.parametrize(
    ("screen", "answer"),
    [
        (TillQuestion(*WORDS), Choice.CONFIRM),
        (TillDigits(*WORDS), typed("1234")),
        (TillMenu(*WORDS, ("Paper", "Cloth")), typed("2")),
        (TillMessage(*WORDS), Choice.DONE),
    ],
)
async def test_the_till_hears_what_the_shopper_answers(
    stand: MakeStand, screen: Screen[Any], answer: Any
) -> None:
    here = stand(*ASKED, (screen, answer), HOME)
    here.till.ask(Talk("asked-0001", cast(Dialogue, screen)))
    await here.play()
    assert here.till.entries["asked-0001"] == answer


async def test_a_question_of_the_till_that_nobody_answers_is_told_as_such(stand: MakeStand) -> None:
    here = stand(*ASKED, (TillQuestion, WAITS), HOME)
    here.till.ask(Talk("asked-0001", TillQuestion(*WORDS)))
    async with here.running():
        await here.stage.reached(1)
        await here.clock.turn(PATIENCE.idle_s + 1)
        await here.stage.reached()
    assert here.till.entries["asked-0001"] is None


async def test_the_till_hears_that_staff_begin_and_end_maintenance(stand: MakeStand) -> None:
    here = stand(*TO_OFFICE, (Maintenance, Choice.BACK), HOME)
    await here.play()
    assert here.till.maintenance == [True, False]


async def test_what_is_paid_for_is_shown_from_the_first_screen_to_the_last(
    stand: MakeStand,
) -> None:
    here = stand(*WAYS[PayAnotherWay].lines[:1], (HoldPalm, Choice.BACK), HOME)
    await here.play()
    (bill, none) = here.stage.bills
    assert bill is not None
    assert bill.merchant == "Corner Shop"
    assert none is None


@pytest.mark.parametrize("result", [Deleted, AgreementEnded])
async def test_a_receipt_stays_for_who_wants_to_write_it_down_until_the_next_sale(
    stand: MakeStand, canned: CannedService, result: type[Screen[Any]]
) -> None:
    for request, answer in WAYS[result].answers.items():
        canned.will(request, answer)
    here = stand(
        *WAYS[result].lines, (result, Choice.STAY), (result, WAITS), HOME, (HoldPalm, WAITS)
    )
    async with here.running():
        await here.stage.reached(len(WAYS[result].lines) + 1)
        await here.clock.turn(PATIENCE.idle_s - 1)
        assert not here.stage.over
        assert here.stage.warnings == []
        here.till.ring_up(AMOUNT, "Corner Shop")
        await here.stage.reached()


async def test_a_receipt_for_the_phone_can_be_declined_for_a_while(
    stand: MakeStand, canned: CannedService
) -> None:
    canned.will("POST /purchases", lambda asked: bought(asked).model_copy(update={"receipt": True}))
    here = stand(*TO_CHARGE, (Approved, WAITS), HOME)
    async with here.running():
        await here.stage.reached(len(TO_CHARGE))
        await here.clock.turn(DECLINES_S - 1)
        assert not here.stage.over
        await here.clock.turn(2)
        await here.stage.reached()
    assert here.stage.warnings == []


LOSSES: dict[str, tuple[Way, type[Screen[Any]], Loss, bool]] = {
    "consent": (WAYS[AskConsent], AskConsent, Loss.NOTHING, False),
    "number": (WAYS[EnterPhone], EnterPhone, Loss.ENTRIES, False),
    "code": (WAYS[EnterCode], EnterCode, Loss.ENTRIES, False),
    "card": (WAYS[PresentCard], PresentCard, Loss.ENTRIES, False),
    "first palm": (Way(TO_PALM[:5]), HoldPalm, Loss.ENTRIES, False),
    "help at the first palm": (
        Way([*TO_PALM[:5], (HoldPalm, Choice.HELP)]),
        Help,
        Loss.ENTRIES,
        False,
    ),
    "begun on a phone": (Way([*TO_BEGUN, (EnterCode, CODE)]), HoldPalm, Loss.NOTHING, False),
    "second palm offered": (WAYS[OfferSecondPalm], OfferSecondPalm, Loss.SECOND_PALM, False),
    "second palm": (
        Way([*TO_PALM, (OfferSecondPalm, Choice.ADD)]),
        HoldPalm,
        Loss.SECOND_PALM,
        False,
    ),
    "paying": (WAYS[HoldPalm], HoldPalm, Loss.NOTHING, True),
    "confirming": (WAYS[ConfirmPurchase], ConfirmPurchase, Loss.NOTHING, True),
    "signing up while paying": (
        Way([*TO_PAY, (NotRecognised, Choice.SIGN_UP), (AskConsent, Choice.AGREE)], REFUSED),
        EnterPhone,
        Loss.ENTRIES,
        True,
    ),
    "proof": (WAYS[ChooseProof], ChooseProof, Loss.NOTHING, False),
    "code for a deletion": (
        Way([*TO_LEAVE[:1], (ChooseProof, Choice.USE_NUMBER), (EnterPhone, NUMBER)]),
        EnterCode,
        Loss.DELETION,
        False,
    ),
    "what to delete": (WAYS[ChooseDeletion], ChooseDeletion, Loss.DELETION, False),
    "deletion": (WAYS[ConfirmDelete], ConfirmDelete, Loss.DELETION, False),
    "staff": (WAYS[Maintenance], Maintenance, Loss.NOTHING, False),
}


@pytest.mark.parametrize("place", LOSSES)
async def test_the_warning_says_what_is_lost_and_of_how_many_seconds(
    stand: MakeStand, canned: CannedService, terminal: SimulatedTerminal, place: str
) -> None:
    way, screen, loss, paying = LOSSES[place]
    if screen is PresentCard:
        terminal.unplug()
    here = await way.begins(stand, canned, (screen, WAITS), HOME)
    here.kiosk.settings = Settings(state=here.kiosk.settings.state, patience=Patience(warning_s=7))
    async with here.running():
        await here.stage.reached(len(way.lines))
        await here.clock.turn(1 + (PATIENCE.message_s if screen is EnterCode else PATIENCE.idle_s))
        await here.stage.reached()
    assert here.stage.overlays[0] == StillThere(7, 7, loss, paying)


async def test_a_failed_sign_up_goes_on_at_the_step_that_failed(
    stand: MakeStand, canned: CannedService
) -> None:
    here = stand(
        *TO_PALM[:5],
        (HoldPalm, TemporaryFault("Unplugged.", "Plug it in.")),
        (Trouble(TroubleKind.CAMERA), Choice.TRY_AGAIN),
        (HoldPalm, palm),
        (OfferSecondPalm, Choice.SKIP),
        (SignedUp, Choice.DONE),
        HOME,
    )
    await here.play()
    assert len(canned.requests("POST /enrolments")) == 1
    assert not canned.requests("DELETE /enrolments/enrolment-1")


async def test_walking_away_from_a_failed_sign_up_leaves_nothing(
    stand: MakeStand, canned: CannedService
) -> None:
    fault = TemporaryFault("Unplugged.", "Plug it in.")
    here = stand(*TO_PALM[:5], (HoldPalm, fault), (Trouble, Choice.DONE), HOME)
    await here.play()
    assert canned.requests("DELETE /enrolments/enrolment-1")


async def test_the_welcome_screen_waits_for_ever(stand: MakeStand) -> None:
    here = stand(HOME)
    async with here.running():
        await here.stage.reached()
        await here.clock.turn(10 * PATIENCE.idle_s)
    assert here.stage.warnings == []


async def test_leaving_by_the_warnings_button_is_walking_away(stand: MakeStand) -> None:
    from kiosk.stage import WalkedAway

    await stand((Welcome, Choice.SIGN_UP), (AskConsent, WalkedAway()), HOME).play()


# From one visit into the other


async def test_whoever_signs_up_and_is_known_can_leave_instead(
    stand: MakeStand, canned: CannedService
) -> None:
    canned.will("POST /enrolments/enrolment-1/palms", problem(ProblemType.PALM_KNOWN))
    here = stand(*TO_PALM, (AlreadyKnown, Choice.DELETE), (ChooseProof, Choice.BACK), HOME)
    await here.play()


async def test_whoever_would_leave_and_is_not_known_can_sign_up_instead(
    stand: MakeStand, canned: CannedService
) -> None:
    canned.will("POST /identifications", identification(Outcome.REFUSED))
    here = stand(*TO_LEAVE, (NotRecognised, Choice.SIGN_UP), (AskConsent, Choice.BACK), HOME)
    await here.play()


# The till


async def test_a_sale_interrupts_the_welcome_screen(stand: MakeStand) -> None:
    here = stand(HOME, (HoldPalm, palm), (ConfirmPurchase, Choice.CANCEL), HOME)
    async with here.running():
        await here.stage.reached(0)
        sale = here.till.ring_up(AMOUNT, "Corner Shop")
        await here.till.answered(sale.reference, SaleResult.NOT_PAID)
        await here.stage.reached()


async def test_the_till_takes_its_sale_back(stand: MakeStand) -> None:
    here = stand((Welcome, Choice.TRY_PURCHASE), (HoldPalm, WAITS), HOME)
    async with here.running():
        await here.stage.reached(1)
        here.till.withdraw()
        await here.stage.reached()
    assert list(here.till.answers.values()) == [SaleResult.NOT_PAID]


async def test_a_sale_taken_back_while_it_is_charged_is_charged_and_told(
    stand: MakeStand, canned: CannedService
) -> None:
    def charge(asked: Any) -> Any:
        here.till.withdraw()
        return bought(asked)

    canned.will("POST /purchases", charge)
    here = stand(*TO_CHARGE, (Approved, Choice.DONE), HOME)
    await here.play()
    assert list(here.till.answers.values()) == [SaleResult.APPROVED]


@pytest.mark.parametrize("sandbox", [True, False])
async def test_a_purchase_can_be_tried_only_where_no_money_moves(
    stand: MakeStand, canned: CannedService, sandbox: bool
) -> None:
    info = ServiceInfo(
        version="1",
        time=datetime.now(UTC),
        vault_keys=[VAULT.public],
        sandbox=sandbox,
    )
    canned.will("GET /service", *[info] * 99)
    tried: list[Line] = [(HoldPalm, Choice.BACK)] if sandbox else []
    here = stand((Welcome, Choice.TRY_PURCHASE), *tried, HOME)
    async with here.running():
        await here.stage.reached()
        while not (here.kiosk.service.known_sandbox or canned.requests("GET /service")):
            await here.clock.turn(1)
        await here.clock.turn(1)
    welcome = here.stage.shown[-1]
    assert isinstance(welcome, Welcome)
    assert welcome.demo is sandbox
    assert len(here.till.answers) == len(tried)


async def test_a_sale_taken_back_before_anybody_saw_it_is_not_shown(stand: MakeStand) -> None:
    here = stand(HOME)
    sale = here.till.ring_up(AMOUNT, "Corner Shop")
    here.till.withdraw()
    async with here.running():
        await here.till.answered(sale.reference, SaleResult.NOT_PAID)


@pytest.mark.parametrize("lines", range(1, len(TO_CHARGE)))
async def test_every_sale_that_comes_to_nothing_is_told_to_the_till(
    stand: MakeStand, lines: int
) -> None:
    screen, _ = TO_CHARGE[lines]
    here = stand(*TO_CHARGE[:lines], (screen, WAITS), HOME)
    async with here.running():
        await here.stage.reached(lines)
        await here.clock.turn(41)
        await here.stage.reached()
    assert list(here.till.answers.values()) == [SaleResult.NOT_PAID]


# What breaks


TRIED_AGAIN: list[Line] = [(ChooseProof, Choice.BACK), HOME]


@pytest.mark.parametrize(
    ("answers", "kind"),
    [
        ([HangUp()] * 999, TroubleKind.OFFLINE),
        ([Reply(500, b"")], TroubleKind.SERVICE),
        ([problem(ProblemType.TOO_MANY_ATTEMPTS, 429)], TroubleKind.LOCKED),
        ([problem(ProblemType.STORAGE_FULL, 409)], TroubleKind.STORAGE),
        ([problem(ProblemType.STORAGE_FULL, 507, storage="read_only")], TroubleKind.STORAGE),
        ([problem(ProblemType.CONFLICT)], TroubleKind.SERVICE),
    ],
    ids=[
        "offline",
        "service down",
        "too many attempts",
        "storage full",
        "storage read-only",
        "refused",
    ],
)
async def test_what_the_service_cannot_is_said_and_the_visit_can_be_tried_again(
    stand: MakeStand, canned: CannedService, answers: list[Answer], kind: TroubleKind
) -> None:
    canned.will("POST /identifications", *answers)
    here = stand(*TO_LEAVE, (Trouble(kind), Choice.TRY_AGAIN), *TRIED_AGAIN)
    await here.play()


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (TemporaryFault("Unplugged.", "Plug it in."), TroubleKind.CAMERA),
        (OSError(errno.ENOSPC, "No space left"), TroubleKind.STORAGE),
        (OSError(errno.EROFS, "Read-only file system"), TroubleKind.STORAGE),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), TroubleKind.STORAGE),
        (OSError(errno.EIO, "Input/output error"), TroubleKind.STORAGE),
        (RuntimeError("somebody's number: 2025550123"), TroubleKind.SERVICE),
    ],
    ids=[
        "camera pulled while holding still",
        "disk full",
        "disk read-only",
        "over quota",
        "disk broken",
        "nobody thought of it",
    ],
)
async def test_what_fails_in_the_kiosk_is_said_and_logged_without_what_was_typed(
    stand: MakeStand, caplog: pytest.LogCaptureFixture, error: Exception, kind: TroubleKind
) -> None:
    here = stand(*TO_PAY[:1], (HoldPalm, error), (Trouble(kind, paying=True), Choice.DONE), HOME)
    here.kiosk.terminal = None
    await here.play()
    assert caplog.records
    assert NUMBER.text not in caplog.text


async def test_help_from_trouble_leads_to_another_way_to_pay(stand: MakeStand) -> None:
    fault = TemporaryFault("Unplugged.", "Plug it in.")
    here = stand(
        *TO_PAY[:1],
        (HoldPalm, fault),
        (Trouble, Choice.HELP),
        (Help(paying=True), Choice.BACK),
        (Trouble, Choice.HELP),
        (Help(paying=True), Choice.ANOTHER_WAY),
        (PayAnotherWay, Choice.DONE),
        HOME,
    )
    here.kiosk.terminal = None
    await here.play()


async def test_a_service_that_does_not_know_the_kiosk_any_more_is_told_on_the_welcome_screen(
    stand: MakeStand, canned: CannedService
) -> None:
    canned.will("POST /identifications", problem(ProblemType.UNKNOWN_DEVICE, 401))
    here = stand(*TO_LEAVE, (Trouble, Choice.DONE), HOME)
    await here.play()
    welcome = here.stage.shown[-1]
    assert isinstance(welcome, Welcome)
    assert welcome.notice is Notice.NOT_ACTIVATED


async def test_a_kiosk_that_is_not_activated_says_so_instead_of_beginning(
    stand: MakeStand,
) -> None:
    here = stand((Welcome, Choice.SIGN_UP), (Trouble(TroubleKind.SERVICE), Choice.DONE), HOME)
    here.kiosk.service.identity.become(None)
    await here.play()


async def test_pictures_are_wiped_after_every_visit(
    stand: MakeStand, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = stand((Welcome, Choice.HELP), (Help, Choice.BACK), HOME)
    wiped: list[int] = []
    monkeypatch.setattr(here.kiosk.feed, "wipe", lambda: wiped.append(1))
    await here.play()
    assert wiped == [1]


# What the welcome screen says


async def welcome_says(here: Stand, notice: Notice | None) -> None:
    while not (isinstance(shown := here.stage.shown[-1], Welcome) and shown.notice is notice):
        await here.clock.turn(1)


async def test_the_welcome_screen_tells_when_the_service_goes_and_comes_back(
    stand: MakeStand, canned: CannedService
) -> None:
    here = stand(HOME)
    async with here.running():
        await here.stage.reached()
        canned.will("GET /service", *[Reply(500, b"")] * 2)
        await welcome_says(here, Notice.OFFLINE)
        await welcome_says(here, None)


async def test_the_welcome_screen_tells_when_the_camera_is_pulled_and_put_back(
    stand: MakeStand,
) -> None:
    here = stand(HOME)
    async with here.running():
        await here.stage.reached()
        here.camera.unplug()
        await welcome_says(here, Notice.CAMERA)
        here.camera.plug_in()
        await welcome_says(here, None)


async def test_a_palm_is_not_offered_as_proof_while_the_camera_is_pulled(stand: MakeStand) -> None:
    here = stand((Welcome, Choice.DELETE), (ChooseProof(), WAITS))
    async with here.running():
        await here.stage.reached()
        here.camera.unplug()
        await here.camera_is(Recovering)
        await here.clock.turn(LOOKS_S)
        assert here.stage.shown[-1] == ChooseProof(reads_palms=False)
        here.camera.plug_in()
        await here.camera_is(Streaming)
        await here.clock.turn(LOOKS_S)
        assert here.stage.shown[-1] == ChooseProof()


async def test_nothing_is_claimed_of_the_service_before_its_first_answer(
    stand: MakeStand, canned: CannedService
) -> None:
    canned.will("GET /service", *[HangUp()] * 3)
    here = stand(HOME)
    async with here.running():
        await here.stage.reached()
        await welcome_says(here, None)
    notices = [shown.notice for shown in here.stage.shown if isinstance(shown, Welcome)]
    assert notices == [Notice.STARTING, None]


async def test_a_service_that_never_answers_is_said_to_be_gone_after_a_while(
    stand: MakeStand, canned: CannedService
) -> None:
    canned.will("GET /service", *[HangUp()] * 9999)
    here = stand(HOME)
    async with here.running():
        await here.stage.reached()
        await welcome_says(here, Notice.OFFLINE)
    assert here.clock.now() >= here.kiosk.settings.service_patience.deadline_s


async def test_a_kiosk_without_the_light_ring_that_is_demanded_reads_no_palms(
    stand: MakeStand, canned: CannedService
) -> None:
    here = stand(HOME)
    here.kiosk.light = None
    info = ServiceInfo(
        version="1",
        time=datetime.now(UTC),
        vault_keys=[VAULT.public],
        sandbox=True,
        light_required=True,
    )
    canned.will("GET /service", *[info] * 10)
    async with here.running():
        await here.stage.reached()
        await welcome_says(here, Notice.CAMERA)


# A purchase in doubt


def in_doubt(journal: PurchaseJournal, reference: str = "sale-12345678") -> PendingPurchase:
    request = PurchaseRequest(
        identification_id="identification-1", amount=AMOUNT, reference=reference
    )
    pending = PendingPurchase(request=request, idempotency_key="key-123456", decided_by=soon())
    journal.open(pending)
    return pending


async def test_after_a_power_cut_the_till_learns_what_became_of_the_purchase(
    stand: MakeStand, canned: CannedService
) -> None:
    here = stand(HOME)
    pending = in_doubt(here.kiosk.journal)
    reference = pending.request.reference
    asked = Asked("POST", "/purchases", {}, pending.request.model_dump_json().encode())
    canned.will(f"GET /purchases/{reference}", bought(asked))
    async with here.running():
        await here.till.answered(reference, SaleResult.APPROVED)
    assert not canned.requests("POST /purchases"), "asked after, never bought again"
    assert not list(here.kiosk.journal.pending())


@pytest.mark.parametrize(
    "answer",
    [Reply(204, b""), problem(ProblemType.NOT_FOUND, 404)],
    ids=["heard", "of a purchase that it has forgotten"],
)
async def test_after_a_power_cut_the_service_hears_what_the_till_was_told(
    stand: MakeStand, canned: CannedService, answer: Reply
) -> None:
    here = stand(HOME)
    reference = in_doubt(here.kiosk.journal).request.reference
    here.kiosk.journal.close(reference, Told(result="declined"))
    request = f"PUT /purchases/{reference}/told"
    canned.will(request, answer)
    async with here.running():
        while list(here.kiosk.journal.unheard()):
            await here.clock.turn(0)
    (asked,) = canned.requests(request)
    assert asked.json == {"result": "declined"}


async def test_what_the_service_refuses_to_hear_now_it_hears_later(
    stand: MakeStand, canned: CannedService
) -> None:
    here = stand(HOME)
    journal = here.kiosk.journal
    first, second = "sale-11111111", "sale-22222222"
    for reference in (first, second):
        in_doubt(journal, reference)
        journal.close(reference, Told(result="approved"))
        canned.always(f"PUT /purchases/{reference}/told", Reply(204, b""))
    canned.will(f"PUT /purchases/{first}/told", problem(ProblemType.UNKNOWN_DEVICE, 401))
    async with here.running():
        while len(list(journal.unheard())) == 2:
            await here.clock.turn(0)
        assert list(journal.unheard()) == [(first, Told(result="approved"))]
        await here.clock.turn(11)
        while list(journal.unheard()):
            await here.clock.turn(0)
    assert len(canned.requests(f"PUT /purchases/{first}/told")) == 2


async def test_a_doubt_is_settled_when_the_service_is_back(
    stand: MakeStand, canned: CannedService
) -> None:
    canned.will("POST /purchases", *[HangUp()] * 999)
    here = stand(*TO_CHARGE, (Trouble(TroubleKind.PAYMENT_UNKNOWN, paying=True), Choice.DONE), HOME)
    async with here.running():
        await here.stage.reached()
        (reference,) = here.till.answers
        assert here.till.answers[reference] is SaleResult.UNKNOWN
        canned.will(f"GET /purchases/{reference}", bought(canned.requests("POST /purchases")[0]))
        await here.clock.turn(11)
        await here.till.answered(reference, SaleResult.APPROVED)


async def test_a_doubt_that_is_answered_wrongly_is_logged_once_and_holds_up_no_other(
    stand: MakeStand, canned: CannedService, caplog: pytest.LogCaptureFixture
) -> None:
    here = stand(HOME)
    first = in_doubt(here.kiosk.journal, "sale-11111111")
    second = in_doubt(here.kiosk.journal, "sale-22222222")
    asked = Asked("POST", "/purchases", {}, second.request.model_dump_json().encode())
    canned.will("GET /purchases/sale-11111111", *[bought(asked)] * 99)
    canned.will("GET /purchases/sale-22222222", bought(asked))
    async with here.running():
        await here.till.answered("sale-22222222", SaleResult.APPROVED)
        await here.clock.turn(30)
    assert here.till.answers["sale-11111111"] is SaleResult.UNKNOWN
    assert list(here.kiosk.journal.pending()) == [first]
    assert caplog.text.count("another purchase") == 1
    assert Notice.OFFLINE not in {s.notice for s in here.stage.shown if isinstance(s, Welcome)}


def test_a_journal_entry_that_cannot_be_read_is_set_aside_and_kept(tmp_path: Path) -> None:
    journal = PurchaseJournal(sealed(tmp_path))
    readable = in_doubt(journal)
    (tmp_path / "sale-87654321.json").write_text("{")
    assert list(journal.pending()) == [readable]
    assert (tmp_path / "sale-87654321.unreadable").exists()


@pytest.mark.parametrize("by_card", [True, False])
async def test_what_became_of_a_sale_whose_entry_is_damaged_the_service_knows(
    stand: MakeStand, canned: CannedService, by_card: bool
) -> None:
    here = stand(HOME)
    reference = in_doubt(here.kiosk.journal).request.reference
    (here.kiosk.settings.state / "purchases" / f"{reference}.json").write_bytes(b"")
    paid = Purchase(
        purchase_id="purchase-1",
        reference=reference,
        amount=AMOUNT,
        outcome="approved",
        card=VISA,
        at=datetime.now(UTC),
    )
    ends = f"POST /card-purchases/{reference}/end"
    canned.will(ends if by_card else f"GET /purchases/{reference}", paid)
    async with here.running():
        await here.till.answered(reference, SaleResult.APPROVED)
        while not canned.requests(f"PUT /purchases/{reference}/told"):
            await here.clock.turn(0)
    assert not here.kiosk.journal.holds(reference)
    assert here.kiosk.journal.unreadable() == 0


async def test_a_sale_whose_entry_is_damaged_and_that_the_service_does_not_know_stays_in_doubt(
    stand: MakeStand, canned: CannedService
) -> None:
    here = stand(HOME)
    first = in_doubt(here.kiosk.journal, "sale-11111111").request.reference
    second = in_doubt(here.kiosk.journal, "sale-22222222").request
    (here.kiosk.settings.state / "purchases" / f"{first}.json").write_bytes(b"")
    asked = Asked("POST", "/purchases", {}, second.model_dump_json().encode())
    canned.will(f"GET /purchases/{second.reference}", bought(asked))
    async with here.running():
        await here.till.answered(second.reference, SaleResult.APPROVED)
        await here.clock.turn(30)
    assert here.kiosk.journal.holds(first)
    assert first not in here.till.answers


class AskingTill(SimulatedTill):
    """A till that asks, as the kiosk opens, which of its sales are in doubt."""

    def __init__(self, *sales: str) -> None:
        super().__init__()
        self._sales = sales
        self.in_doubt: set[str] = set()

    @override
    async def keep(
        self, condition: Callable[[], Notice | None], in_doubt: Callable[[str], bool]
    ) -> NoReturn:
        self.in_doubt = {sale for sale in self._sales if in_doubt(sale)}
        await super().keep(condition, in_doubt)


async def test_a_sale_whose_entry_is_damaged_is_in_doubt(stand: MakeStand) -> None:
    here = stand(HOME)
    in_doubt(here.kiosk.journal, "sale-11111111")
    in_doubt(here.kiosk.journal, "sale-22222222")
    (here.kiosk.settings.state / "purchases" / "sale-22222222.json").write_bytes(b"")
    till = here.kiosk.till = AskingTill("sale-11111111", "sale-22222222", "sale-33333333")
    await here.play()
    assert till.in_doubt == {"sale-11111111", "sale-22222222"}


async def test_a_trial_purchase_is_of_an_amount_that_can_be_charged(
    stand: MakeStand, canned: CannedService
) -> None:
    dear = Chargeable(currency="USD", least=17_500, most=99_999_999, step=1)
    info = ServiceInfo(
        version="1",
        time=datetime.now(UTC),
        vault_keys=[VAULT.public],
        sandbox=True,
        chargeable=dear,
    )
    canned.will("GET /service", *[info] * 10)
    here = stand(*TO_PAY[:1], (HoldPalm, Choice.BACK), HOME)
    await here.kiosk.service.info()
    async with here.running():
        await here.stage.reached()
    shown = next(screen for screen in here.stage.shown if isinstance(screen, HoldPalm))
    assert shown.amount == Money(minor=17_500, currency="USD")


# Behind the PIN


async def test_staff_can_have_the_kiosk_start_anew(stand: MakeStand) -> None:
    here = stand(*TO_OFFICE, (Maintenance, Choice.RESTART))
    await here.kiosk.run()


async def test_maintenance_shows_what_is_attached_and_whether_it_is_well(
    stand: MakeStand, terminal: SimulatedTerminal
) -> None:
    terminal.unplug()
    here = stand(*TO_OFFICE, (Maintenance, Choice.SELF_TEST), (Maintenance, Choice.BACK), HOME)
    async with here.running():
        await here.stage.reached(len(TO_OFFICE) - 1)
        await here.stage.reached()
    first_look = next(s for s in here.stage.shown if isinstance(s, Maintenance))
    broken = {check.part for check in first_look.checks if check.health is screens.Health.BROKEN}
    assert broken == {Part.TERMINAL}
    absent = {Part.INFRARED, Part.TILL, Part.GATE, Part.VENUE}
    absent |= {Part.LOCK, Part.ENCLOSURE, Part.USB}
    assert {check.part for check in first_look.checks} == set(Part) - absent


@pytest.mark.parametrize(
    ("told", "finding", "values"),
    [
        (Reader(reader=READER, label="Counter 1"), Finding.READER_READY, ("Counter 1",)),
        (
            Reader(reader=READER, label="", fault=ReaderFault.UNKNOWN),
            Finding.READER_FAULT,
            ("unknown", READER),
        ),
        (
            problem(ProblemType.NOT_FOUND, 404),
            Finding.READER_NOT_BOUND,
            (READER, DEVICE.device_id),
        ),
        (problem(ProblemType.INTERNAL, 500), Finding.READER_UNKNOWN_STATE, (READER,)),
    ],
    ids=["takes cards", "takes none", "of another kiosk", "not told"],
)
async def test_maintenance_shows_what_is_wrong_with_a_reader(
    stand: MakeStand, canned: CannedService, told: Answer, finding: Finding, values: tuple[str, ...]
) -> None:
    here = stand(*TO_OFFICE, (Maintenance, Choice.BACK), HOME)
    here.kiosk.terminal = StripeReader(READER)
    canned.will(f"GET /readers/{READER}", told)
    async with here.running():
        await here.stage.reached()
    first_look = next(s for s in here.stage.shown if isinstance(s, Maintenance))
    check = next(check for check in first_look.checks if check.part is Part.TERMINAL)
    assert (check.finding, check.values) == (finding, values)
    well = finding is Finding.READER_READY
    assert check.health is (screens.Health.GOOD if well else screens.Health.BROKEN)


@pytest.mark.parametrize("demanded", [False, True])
async def test_a_kiosk_without_a_light_ring_says_so_and_whether_that_will_do(
    stand: MakeStand, canned: CannedService, demanded: bool
) -> None:
    here = stand(*TO_OFFICE, (Maintenance, Choice.BACK), HOME)
    here.kiosk.light = None
    info = ServiceInfo(
        version="1",
        time=datetime.now(UTC),
        vault_keys=[VAULT.public],
        sandbox=True,
        light_required=demanded,
    )
    canned.will("GET /service", *[info] * 10)
    async with here.running():
        await here.stage.reached()
    first_look = next(s for s in here.stage.shown if isinstance(s, Maintenance))
    checks = {check.part: check for check in first_look.checks}
    assert checks[Part.LIGHT].finding is Finding.NO_RING
    assert checks[Part.LIFE_CHECK].finding is (
        Finding.RING_DEMANDED if demanded else Finding.LIFE_UNCHECKED
    )
    assert checks[Part.LIFE_CHECK].health is (
        screens.Health.BROKEN if demanded else screens.Health.WARNING
    )


async def test_staff_activate_the_kiosk_with_a_code(
    stand: MakeStand, canned: CannedService, terminal: SimulatedTerminal
) -> None:
    terminal.unplug()
    elsewhere = "https://eu.palms.example.com"
    canned.will(
        "POST /devices",
        problem(ProblemType.WRONG_ACTIVATION_CODE, 403),
        problem(ProblemType.WRONG_REGION, 403, service=elsewhere),
    )
    here = stand(
        *TO_TYPE,
        (EnterActivationCode(), typed("1234")),
        (EnterActivationCode(screens.EntryProblem.WRONG_CODE), typed("87654321")),
        (EnterActivationCode(screens.EntryProblem.WRONG_CODE), typed("23456789")),
        (
            EnterActivationCode(screens.EntryProblem.OTHER_REGION, elsewhere),
            typed("12345678"),
        ),
        (Maintenance, Choice.BACK),
        HOME,
    )
    here.kiosk.service.identity.become(None)
    await here.play()
    assert here.kiosk.service.identity.device


async def found(stand: MakeStand, at: Finding) -> screens.Check:
    """Returns the line of the staff area's first self-test with this finding."""
    here = stand(*TO_OFFICE, (Maintenance, Choice.BACK), HOME)
    async with here.running():
        await here.stage.reached()
    first_look = next(s for s in here.stage.shown if isinstance(s, Maintenance))
    (check,) = [check for check in first_look.checks if check.finding is at]
    return check


async def test_maintenance_says_why_the_service_does_not_answer_and_this_machines_date(
    stand: MakeStand, canned: CannedService
) -> None:
    canned.will("GET /service", *[HangUp()] * 999)
    check = await found(stand, Finding.OFFLINE)
    assert check.values == ("cut_off", canned.url, "2027-03-01 12:00 UTC")


async def test_maintenance_says_what_is_wrong_with_the_services_disk(
    stand: MakeStand, canned: CannedService, service: SignatureService
) -> None:
    full = problem(ProblemType.STORAGE_FULL, 507, storage="quota")
    canned.will("POST /challenges", full)
    canned.will("PUT /device/report", *[full] * 99)
    with pytest.raises(ServiceUnavailable):
        await service.challenge(bytes(32))
    assert (await found(stand, Finding.SERVICE_STORES_NOTHING)).values == ("quota",)
    await service.connect(canned.url, None)
    await service.challenge(bytes(32))
    assert service.storage_fault is None


@pytest.mark.parametrize(
    ("number", "fault"),
    [(errno.ENOSPC, "full"), (errno.EROFS, "read_only"), (errno.EIO, "broken")],
)
async def test_maintenance_says_what_is_wrong_with_its_own_disk(
    stand: MakeStand, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, number: int, fault: str
) -> None:
    def fail(*_: object) -> None:
        raise OSError(number, "The disk fails")

    monkeypatch.setattr("kiosk.visits.maintain.write_private", fail)
    assert (await found(stand, Finding.STORES_NOTHING)).values == (fault, str(tmp_path))


async def test_maintenance_says_how_many_purchases_cannot_be_read(
    stand: MakeStand, tmp_path: Path
) -> None:
    (tmp_path / "purchases").mkdir()
    (tmp_path / "purchases" / "sale-87654321.unreadable").touch()
    # Nothing can be read from it, as from a bad block of the disk.
    (tmp_path / "purchases" / "sale-12345678.json").mkdir()
    check = await found(stand, Finding.ENTRIES_UNREADABLE)
    assert check.values == (2, str(tmp_path / "purchases"))


async def test_with_a_damaged_pin_the_staff_area_stays_shut_and_says_which_file(
    stand: MakeStand, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "staff.json").write_bytes(b"")
    here = stand((Welcome, Choice.STAFF), (StaffShut, Choice.BACK), HOME)
    await here.play()
    (shut,) = [s for s in here.stage.shown if isinstance(s, StaffShut)]
    assert shut.check.finding is Finding.PIN_UNREADABLE
    assert shut.check.values == (str(tmp_path / "staff.json"),)
    assert str(tmp_path / "staff.json") in caplog.text


async def test_with_a_disk_that_counts_no_guess_the_staff_area_stays_shut_and_says_why(
    stand: MakeStand, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def fail(*_: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    here = stand((Welcome, Choice.STAFF), (EnterPin(), PIN), (StaffShut, Choice.BACK), HOME)
    await here.kiosk.pin.choose(PIN.text)
    monkeypatch.setattr("protocol.sealed.write_private", fail)
    await here.play()
    (shut,) = [s for s in here.stage.shown if isinstance(s, StaffShut)]
    assert shut.check.values == ("read_only", str(tmp_path))


async def test_too_many_wrong_pins_lock_maintenance(stand: MakeStand) -> None:
    wrong = typed("000000")
    here = stand(
        (Welcome, Choice.STAFF),
        (EnterPin(), wrong),
        (EnterPin(screens.EntryProblem.WRONG_PIN, 2), wrong),
        (EnterPin(screens.EntryProblem.WRONG_PIN, 1), wrong),
        (EnterPin(screens.EntryProblem.LOCKED, 0, 30), Choice.BACK),
        HOME,
    )
    await here.kiosk.pin.choose(PIN.text)
    await here.play()


OLD, NEW = EnterPin(changing=True), EnterPin(choosing=True)
AGAIN = EnterPin(choosing=True, repeat=True)
OTHER = typed("739182")


async def test_staff_change_the_pin_by_typing_the_old_one_and_the_new_one_twice(
    stand: MakeStand,
) -> None:
    here = stand(
        *TO_OFFICE,
        (Maintenance, Choice.CHANGE_PIN),
        (OLD, PIN),
        (NEW, OTHER),
        (AGAIN, OTHER),
        (Maintenance, Choice.BACK),
        HOME,
    )
    await here.play()
    assert await here.kiosk.pin.refuses(OTHER.text) is None
    said = [screen.pin_changed for screen in here.stage.shown if isinstance(screen, Maintenance)]
    assert (said[0], said[-1]) == (False, True)


@pytest.mark.parametrize(
    "lines",
    [
        [(OLD, Choice.BACK)],
        [(OLD, PIN), (NEW, Choice.BACK)],
        [(OLD, PIN), (NEW, OTHER), (AGAIN, Choice.BACK), (NEW, Choice.BACK)],
        [
            (OLD, typed("000000")),
            (EnterPin(screens.EntryProblem.WRONG_PIN, 2, changing=True), Choice.BACK),
        ],
    ],
    ids=["at the old one", "at the new one", "at its repetition", "wrong"],
)
async def test_a_change_of_the_pin_that_is_given_up_changes_nothing(
    stand: MakeStand, lines: list[Line]
) -> None:
    here = stand(
        *TO_OFFICE, (Maintenance, Choice.CHANGE_PIN), *lines, (Maintenance, Choice.BACK), HOME
    )
    await here.play()
    assert await here.kiosk.pin.refuses(PIN.text) is None


@pytest.mark.parametrize("easy", ["123456", "111111", "147258"])
async def test_a_pin_that_is_easy_to_guess_is_refused_with_the_reason(
    stand: MakeStand, easy: str
) -> None:
    weak = EnterPin(screens.EntryProblem.WEAK_PIN, choosing=True)
    here = stand(
        (Welcome, Choice.STAFF),
        (NEW, typed(easy)),
        (weak, PIN),
        (AGAIN, Choice.BACK),
        (NEW, Choice.BACK),
        HOME,
    )
    await here.play()
    assert not here.kiosk.pin.chosen


@pytest.mark.parametrize("changes", [True, False])
async def test_whoever_opens_with_an_easy_pin_of_before_is_asked_for_another(
    stand: MakeStand, monkeypatch: pytest.MonkeyPatch, changes: bool
) -> None:
    weak = EnterPin(screens.EntryProblem.WEAK_PIN, choosing=True)
    changed: list[Line] = [(weak, OTHER), (AGAIN, OTHER)]
    here = stand(
        (Welcome, Choice.STAFF),
        (EnterPin(), typed("123456")),
        *(changed if changes else [(weak, Choice.BACK)]),
        (Maintenance, Choice.BACK),
        HOME,
    )
    with monkeypatch.context() as before:
        before.setattr("kiosk.staff.easy_to_guess", lambda _: False)
        await here.kiosk.pin.choose("123456")
    await here.play()
    assert await here.kiosk.pin.refuses(OTHER.text if changes else "123456") is None


async def test_a_pin_is_chosen_by_typing_it_twice(stand: MakeStand) -> None:
    choose, again = EnterPin(choosing=True), EnterPin(choosing=True, repeat=True)
    poor = EnterPin(screens.EntryProblem.WRONG_PIN, choosing=True)
    here = stand(
        (Welcome, Choice.STAFF),
        (choose, typed("12")),
        (poor, PIN),
        (again, typed("135791")),
        (poor, Choice.BACK),
        HOME,
    )
    await here.play()
    assert not here.kiosk.pin.chosen
