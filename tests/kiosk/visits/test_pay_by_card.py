"""Paying with the card itself at the attached terminal, in the same sale, played from a script."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from hardware.address import Address
from hardware.faults import PermanentFault, TemporaryFault
from hardware.terminal import CardUnreadable, SimulatedTerminal, StripeReader, TestCard
from kiosk.idle import Withdrawn
from kiosk.screens import (
    AgeNotSeen,
    Approved,
    CardProblem,
    Choice,
    ChooseTip,
    ConfirmAge,
    ConfirmPurchase,
    Declined,
    EnterPhone,
    EnterPin,
    Help,
    HoldPalm,
    NotCharged,
    NotRecognised,
    PalmReaderLost,
    PayAnotherWay,
    PayWithCard,
    Points,
    ShowDocument,
    TroubleKind,
    Work,
    Working,
)
from kiosk.simulated.till import SimulatedTill
from kiosk.stage import WalkedAway
from kiosk.till.journal import PendingPurchase
from kiosk.till.till import Sale, SaleResult
from kiosk.visits.charge import resolve
from kiosk.visits.pay import pay
from kiosk.visits.pay_by_card import DELAYED
from kiosk.visits.visit import Troubled
from protocol.messages import (
    Age,
    Card,
    CardPurchase,
    CardSale,
    Money,
    Outcome,
    ProblemType,
    Purpose,
    ReaderFault,
    Told,
)
from tests.support.canned import (
    MEMBER,
    VISA,
    CannedService,
    HangUp,
    at_reader,
    ended,
    identification,
    paid_by_card,
    problem,
)
from tests.support.scripted import WAITS, Line, ScriptedVisit, palm, typed

pytestmark = pytest.mark.anyio

At = Callable[..., ScriptedVisit]
SHOP = "Corner Shop"
LUNCH = Money(minor=1250, currency="USD")
SALE = Sale("sale-at-reader", LUNCH, SHOP)
HOLD = HoldPalm(Purpose.PAY, amount=LUNCH, merchant=SHOP)
TAP = PayWithCard(SHOP, LUNCH)
APPROVED = Approved(SHOP, LUNCH, VISA)
DECLINED = Declined(SHOP, LUNCH, VISA)
AT_THE_TILL = PayAnotherWay(SHOP)
UNPLUGGED = TemporaryFault("The camera is unplugged.", "Plug it in.")
READER_LOST = PalmReaderLost(SHOP, LUNCH)
ADULTS = Sale(SALE.reference, LUNCH, SHOP, over=Age.EIGHTEEN)
SHOW = ShowDocument(SHOP, Age.EIGHTEEN, kept=False)
PIN = typed("246810")
TO_DOCUMENT: list[Line] = [(SHOW, Choice.STAFF), (EnterPin(), PIN)]
TO_CARD: list[Line] = [(HOLD, Choice.HELP), (Help(paying=True), Choice.ANOTHER_WAY)]
BEGINS, LOOKS, ENDS = (
    "POST /card-purchases",
    "GET /card-purchases/sale-at-reader",
    "POST /card-purchases/sale-at-reader/end",
)


class CardTill(SimulatedTill):
    """A till that keeps what it is told of the card and the amount."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[tuple[SaleResult, Card | None, Money | None]] = []

    async def answer(
        self,
        reference: str,
        result: SaleResult,
        cause: str | None = None,
        *,
        card: Card | None = None,
        charged: Money | None = None,
    ) -> None:
        self.told.append((result, card, charged))
        await super().answer(reference, result, cause, card=card, charged=charged)


@pytest.fixture
def at(visit: At) -> At:
    """Returns a function that makes a visit for a sale, whose shopper prefers another way."""

    def make(*script: Line, **more: Any) -> ScriptedVisit:
        return visit(*TO_CARD, *script, **{"till": CardTill(), **more})

    return make


@pytest.fixture
def at_stripe(at: At) -> At:
    """The same, with a reader of Stripe's."""
    return lambda *script, **more: at(*script, terminal=StripeReader("tmr_Counter1"), **more)


async def play(visit: ScriptedVisit, sale: Sale = SALE) -> SaleResult | None:
    visit.till.ask(sale)
    await visit.till.next_request()
    await pay(visit, sale)
    assert visit.stage.over
    return visit.till.answers.get(sale.reference)


async def play_for_adults(visit: ScriptedVisit, over: Age = Age.EIGHTEEN) -> SaleResult | None:
    await visit.pin.choose(PIN.text)
    return await play(visit, replace(ADULTS, over=over))


def told(visit: ScriptedVisit) -> list[tuple[SaleResult, Card | None, Money | None]]:
    assert isinstance(visit.till, CardTill)
    return visit.till.told


def pending(visit: ScriptedVisit) -> list[PendingPurchase]:
    return list(visit.journal.pending())


# Who is handed over


async def test_who_prefers_another_way_pays_with_the_card_in_the_same_sale(
    at: At, canned: CannedService
) -> None:
    visit = at((TAP, WAITS), (APPROVED, Choice.DONE))
    assert await play(visit) is SaleResult.APPROVED
    assert told(visit) == [(SaleResult.APPROVED, VISA, LUNCH)]
    (asked,) = canned.requests(BEGINS)
    assert asked.json == {
        "amount": {"minor": 1250, "currency": "USD"},
        "reference": "sale-at-reader",
        "reader": None,
        "token": "tok_visa",
    }
    assert not canned.requests("POST /purchases")
    assert pending(visit) == []
    assert list(visit.journal.unheard()) == [("sale-at-reader", Told(result="approved"))]


async def test_who_is_not_known_pays_with_the_card_in_the_same_sale(
    visit: At, canned: CannedService
) -> None:
    canned.will("POST /identifications", identification(Outcome.REFUSED))
    at = visit(
        (HOLD, palm),
        (NotRecognised, Choice.ANOTHER_WAY),
        (TAP, WAITS),
        (APPROVED, Choice.DONE),
    )
    assert await play(at) is SaleResult.APPROVED


async def test_who_has_no_card_on_file_pays_with_the_one_in_hand(
    visit: At, canned: CannedService
) -> None:
    known = identification()
    assert known.customer
    cardless = known.customer.model_copy(update={"card": None})
    canned.will("POST /identifications", known.model_copy(update={"customer": cardless}))
    at = visit((HOLD, palm), (TAP, WAITS), (APPROVED, Choice.DONE))
    assert await play(at) is SaleResult.APPROVED


@pytest.mark.parametrize("terminal", [None, StripeReader("tmr_Counter1")], ids=["none", "offline"])
async def test_without_a_terminal_that_takes_cards_the_shopper_pays_at_the_till(
    at: At, canned: CannedService, terminal: StripeReader | None
) -> None:
    fault = ReaderFault.OFFLINE.value
    canned.will(BEGINS, problem(ProblemType.READER_UNAVAILABLE, reader=fault))
    visit = at((AT_THE_TILL, Choice.DONE), terminal=terminal)
    assert await play(visit) is SaleResult.ANOTHER_WAY
    assert told(visit) == [(SaleResult.ANOTHER_WAY, None, None)]
    assert pending(visit) == []


# Whoever taps, when the till asks for an age


@pytest.mark.parametrize("answer", [Choice.OVER_18, Choice.OVER_21])
async def test_a_card_pays_after_staff_have_seen_the_age_and_nothing_of_it_is_stored(
    at: At, canned: CannedService, answer: Choice
) -> None:
    visit = at(*TO_DOCUMENT, (ConfirmAge, answer), (TAP, WAITS), (APPROVED, Choice.DONE))
    assert await play_for_adults(visit) is SaleResult.APPROVED
    assert told(visit) == [(SaleResult.APPROVED, VISA, LUNCH)]
    sent = [f"{each.method} {each.path}" for each in canned.asked]
    assert [each for each in sent if "age" in each or "identifications" in each] == []


@pytest.mark.parametrize(
    ("over", "answer"), [(Age.EIGHTEEN, Choice.CANCEL), (Age.TWENTY_ONE, Choice.OVER_18)]
)
async def test_no_card_is_asked_for_when_staff_have_not_seen_the_age(
    at: At, canned: CannedService, over: Age, answer: Choice
) -> None:
    show = replace(SHOW, over=over)
    visit = at(
        (show, Choice.STAFF),
        *TO_DOCUMENT[1:],
        (ConfirmAge, answer),
        (AgeNotSeen(SHOP, over), Choice.DONE),
    )
    assert await play_for_adults(visit, over) is SaleResult.AGE_NOT_SEEN
    assert not canned.requests(BEGINS)


async def test_staff_see_the_age_before_a_tip_is_asked_for(at: At) -> None:
    visit = at(*TO_DOCUMENT, (ConfirmAge, Choice.OVER_18), (ChooseTip, Choice.CANCEL))
    await visit.pin.choose(PIN.text)
    assert await play(visit, replace(ADULTS, tips=(10,))) is None


async def test_who_does_not_wait_for_staff_with_a_card_pays_at_the_till(
    at: At, canned: CannedService
) -> None:
    visit = at((SHOW, Choice.ANOTHER_WAY), (AT_THE_TILL, Choice.DONE))
    assert await play_for_adults(visit) is SaleResult.ANOTHER_WAY
    assert not canned.requests(BEGINS)


async def test_who_did_not_wait_for_staff_after_the_palm_is_not_asked_again(
    visit: At, canned: CannedService
) -> None:
    kept = replace(SHOW, kept=True)
    at = visit(
        (HOLD, palm),
        (kept, Choice.ANOTHER_WAY),
        (AT_THE_TILL, Choice.DONE),
        till=CardTill(),
    )
    assert await play_for_adults(at) is SaleResult.ANOTHER_WAY
    assert not canned.requests(BEGINS)


async def test_without_a_terminal_nobody_is_asked_for_a_document(at: At) -> None:
    visit = at((AT_THE_TILL, Choice.DONE), terminal=None)
    assert await play_for_adults(visit) is SaleResult.ANOTHER_WAY


# A palm reader that fails in the middle of a sale


async def test_a_card_pays_in_the_same_sale_when_the_palm_reader_fails(
    visit: At, canned: CannedService
) -> None:
    at = visit(
        (HOLD, UNPLUGGED),
        (READER_LOST, Choice.ANOTHER_WAY),
        (TAP, WAITS),
        (APPROVED, Choice.DONE),
        till=CardTill(),
    )
    assert await play(at) is SaleResult.APPROVED
    assert told(at) == [(SaleResult.APPROVED, VISA, LUNCH)]
    assert len(canned.requests(BEGINS)) == 1


async def test_a_card_pays_when_the_palm_reader_fails_after_a_number_was_typed(visit: At) -> None:
    at = visit(
        (HOLD, Choice.USE_NUMBER),
        (EnterPhone, typed("2025550123")),
        (HOLD, UNPLUGGED),
        (READER_LOST, Choice.ANOTHER_WAY),
        (TAP, WAITS),
        (APPROVED, Choice.DONE),
    )
    assert await play(at) is SaleResult.APPROVED


async def test_a_palm_reader_that_is_back_can_be_used_again(visit: At) -> None:
    at = visit(
        (HOLD, UNPLUGGED),
        (READER_LOST, Choice.HELP),
        (Help(paying=True), Choice.BACK),
        (HOLD, UNPLUGGED),
        (READER_LOST, Choice.TRY_AGAIN),
        (HOLD, palm),
        (ConfirmPurchase, Choice.CONFIRM),
        (Approved, Choice.DONE),
    )
    assert await play(at) is SaleResult.APPROVED


async def test_without_a_terminal_the_visit_fails_with_the_palm_reader(visit: At) -> None:
    at = visit((HOLD, UNPLUGGED), terminal=None)
    with pytest.raises(TemporaryFault):
        await play(at)
    assert at.till.answers == {}


async def test_whoever_taps_a_card_is_told_of_no_points(at: At) -> None:
    visit = at((TAP, WAITS), (APPROVED, Choice.DONE))
    await play(visit, Sale(SALE.reference, LUNCH, SHOP, points=Points(12, 1262)))
    assert visit.till.payers[SALE.reference] is None


async def test_the_membership_of_a_palm_shown_before_is_not_told_with_the_card(
    visit: At, canned: CannedService
) -> None:
    canned.will("POST /identifications", identification(membership=MEMBER))
    canned.will("POST /purchases", problem(ProblemType.EXPIRED, 410))
    at = visit(
        (HOLD, palm),
        (ConfirmPurchase, Choice.CONFIRM),
        *TO_CARD,
        (TAP, WAITS),
        (APPROVED, Choice.DONE),
    )
    assert await play(at) is SaleResult.APPROVED
    assert at.till.payers[SALE.reference] is None


async def test_a_tip_is_asked_for_before_the_card(at: At, canned: CannedService) -> None:
    tipped = Money(minor=1375, currency="USD")
    visit = at(
        (ChooseTip, typed("2")),
        (PayWithCard(SHOP, tipped), WAITS),
        (Approved(SHOP, tipped, VISA), Choice.DONE),
    )
    assert await play(visit, Sale(SALE.reference, LUNCH, SHOP, tips=(5, 10))) is SaleResult.APPROVED
    assert told(visit) == [(SaleResult.APPROVED, VISA, tipped)]


async def test_a_tip_that_was_not_taken_is_no_part_of_what_is_paid_at_the_till(
    at_stripe: At, canned: CannedService
) -> None:
    canned.will(BEGINS, problem(ProblemType.READER_UNAVAILABLE, reader="offline"))
    tipped = Sale(SALE.reference, LUNCH, SHOP, tips=(5, 10))
    visit = at_stripe((ChooseTip, typed("2")), (AT_THE_TILL, Choice.DONE))
    assert await play(visit, tipped) is SaleResult.ANOTHER_WAY
    assert [bill and bill.amount.minor for bill in visit.stage.bills] == [1375, 1250]


async def test_a_service_of_before_that_takes_no_cards_leads_to_the_till(
    at: At, canned: CannedService
) -> None:
    canned.will(BEGINS, problem(ProblemType.NOT_FOUND, 404))
    visit = at((TAP, WAITS), (AT_THE_TILL, Choice.DONE))
    assert await play(visit) is SaleResult.ANOTHER_WAY
    assert pending(visit) == []


# At a terminal of the kiosk's own


LEAVING: list[tuple[list[Line], SaleResult | None]] = [
    ([(TAP, Choice.CANCEL)], None),
    ([(TAP, Choice.ANOTHER_WAY), (AT_THE_TILL, Choice.DONE)], SaleResult.ANOTHER_WAY),
]
"""How a shopper leaves while the card is awaited, and what the till is told."""


@pytest.mark.parametrize(("script", "result"), LEAVING, ids=["cancelled", "at the till"])
async def test_the_shopper_can_leave_while_the_card_is_awaited_and_nothing_is_charged(
    at: At,
    canned: CannedService,
    terminal: SimulatedTerminal,
    script: list[Line],
    result: SaleResult | None,
) -> None:
    terminal.unplug()
    visit = at(*script)
    assert await play(visit) is result
    assert not canned.requests(BEGINS)
    assert pending(visit) == []


@pytest.mark.parametrize("end", [WalkedAway(), Withdrawn()], ids=["walked away", "aborted"])
async def test_a_sale_that_ends_while_the_card_is_awaited_charges_nothing(
    at: At, canned: CannedService, terminal: SimulatedTerminal, end: Exception
) -> None:
    terminal.unplug()
    visit = at((TAP, end))
    with pytest.raises(type(end)):
        await play(visit)
    assert not canned.requests(BEGINS)
    assert pending(visit) == []


@pytest.mark.parametrize("outcome", ["declined", "not_paid"])
async def test_a_card_that_does_not_pay_is_told_to_the_shopper_and_the_till(
    at: At, canned: CannedService, outcome: str
) -> None:
    canned.will(BEGINS, lambda asked: paid_by_card(asked, outcome))
    shown: Line = (DECLINED, Choice.DONE)
    if outcome == "not_paid":
        shown = (NotCharged(SHOP, LUNCH), WalkedAway())
    visit = at((TAP, WAITS), shown)
    if outcome == "not_paid":
        with pytest.raises(WalkedAway):
            await play(visit)
    else:
        await play(visit)
    assert [result for result, _, _ in told(visit)] == [SaleResult(outcome)]


async def test_what_is_wrong_with_the_terminal_is_shown_while_it_is_waited_for(
    at: At, terminal: SimulatedTerminal
) -> None:
    terminal.fail_next(CardUnreadable())
    visit = at((TAP, WAITS), (APPROVED, Choice.DONE))
    await play(visit)
    assert PayWithCard(SHOP, LUNCH, CardProblem.NOT_READ) in visit.stage.shown
    terminal.fail_next(TemporaryFault("Unplugged.", "Plug it in."))
    visit = at((TAP, WAITS), (APPROVED, Choice.DONE))
    await play(visit)
    assert PayWithCard(SHOP, LUNCH, CardProblem.TERMINAL) in visit.stage.shown


async def test_a_broken_terminal_leads_to_the_till(
    at: At, terminal: SimulatedTerminal, caplog: pytest.LogCaptureFixture
) -> None:
    terminal.fail_next(PermanentFault("Broken.", "Replace it."))
    assert await play(at((TAP, WAITS), (AT_THE_TILL, Choice.DONE))) is SaleResult.ANOTHER_WAY
    assert "Replace it." in caplog.text


async def test_a_lost_answer_is_asked_for_again_with_the_same_key(
    at: At, canned: CannedService
) -> None:
    canned.will(BEGINS, HangUp())
    assert await play(at((TAP, WAITS), (APPROVED, Choice.DONE))) is SaleResult.APPROVED
    first, second = canned.requests(BEGINS)
    assert first.headers["idempotency-key"] == second.headers["idempotency-key"]
    assert first.body == second.body


async def test_a_payment_whose_answer_never_comes_is_in_doubt_and_the_journal_has_no_token(
    at: At, canned: CannedService
) -> None:
    canned.will(BEGINS, *[HangUp()] * 200)
    visit = at((TAP, WAITS))
    with pytest.raises(Troubled) as troubled:
        await play(visit)
    assert troubled.value.kind is TroubleKind.PAYMENT_UNKNOWN
    assert told(visit) == [(SaleResult.UNKNOWN, None, None)]
    (doubt,) = pending(visit)
    assert doubt.request == CardSale(amount=LUNCH, reference="sale-at-reader")
    assert "tok_" not in doubt.model_dump_json()
    canned.will(ENDS, ended("approved"))
    await resolve(visit.service, visit.till, visit.journal, doubt.request.reference)
    assert told(visit)[-1] == (SaleResult.APPROVED, VISA, LUNCH)
    assert pending(visit) == []


async def test_a_sale_that_cannot_be_charged_is_told_with_the_cause(
    at: At, canned: CannedService
) -> None:
    canned.will(BEGINS, problem(ProblemType.NOT_CHARGEABLE, 422))
    visit = at(
        (TAP, WAITS), (NotCharged(SHOP, LUNCH), Choice.ANOTHER_WAY), (AT_THE_TILL, Choice.DONE)
    )
    assert await play(visit) is SaleResult.NOT_PAID
    assert visit.till.causes[SALE.reference] == "Said no."


@pytest.mark.parametrize("card", TestCard)
async def test_no_number_of_a_card_leaves_the_terminal(
    at: At, canned: CannedService, terminal: SimulatedTerminal, card: TestCard
) -> None:
    tapped = SimulatedTerminal(Address.parse(f"sim:?after=0&card={card}"))
    await play(at((TAP, WAITS), (APPROVED, Choice.DONE), terminal=tapped))
    (asked,) = canned.requests(BEGINS)
    assert not any(char.isdigit() for char in asked.json["token"])


# At a reader that the service drives


async def test_the_service_has_the_reader_take_the_card_and_the_kiosk_waits(
    at_stripe: At, canned: CannedService
) -> None:
    canned.will(LOOKS, CardPurchase(), CardPurchase(), at_reader())
    visit = at_stripe((TAP, WAITS), (APPROVED, Choice.DONE))
    assert await play(visit) is SaleResult.APPROVED
    assert told(visit) == [(SaleResult.APPROVED, VISA, LUNCH)]
    (asked,) = canned.requests(BEGINS)
    assert (asked.json["reader"], asked.json["token"]) == ("tmr_Counter1", None)
    assert Working(Work.READYING_READER, LUNCH, SHOP) in visit.stage.shown
    assert not canned.requests(ENDS)
    assert pending(visit) == []


async def test_a_card_that_is_declined_at_the_reader_is_told(
    at_stripe: At, canned: CannedService
) -> None:
    canned.will(LOOKS, at_reader("declined", decline_reason="insufficient_funds"))
    visit = at_stripe((TAP, WAITS), (DECLINED, Choice.DONE))
    assert await play(visit) is SaleResult.DECLINED
    assert visit.till.causes[SALE.reference] == "insufficient_funds"


async def test_a_shopper_who_cancels_at_the_reader_pays_at_the_till(
    at_stripe: At, canned: CannedService
) -> None:
    canned.will(LOOKS, at_reader("not_paid"))
    visit = at_stripe((TAP, WAITS), (AT_THE_TILL, Choice.DONE))
    assert await play(visit) is SaleResult.ANOTHER_WAY
    assert pending(visit) == []


@pytest.mark.parametrize(("script", "result"), LEAVING, ids=["cancelled", "at the till"])
async def test_the_reader_waits_no_longer_when_the_shopper_leaves(
    at_stripe: At, canned: CannedService, script: list[Line], result: SaleResult | None
) -> None:
    canned.will(LOOKS, *[CardPurchase()] * 9)
    canned.will(ENDS, ended())
    visit = at_stripe(*script)
    assert await play(visit) is result
    assert len(canned.requests(ENDS)) == 1
    assert pending(visit) == []


@pytest.mark.parametrize("end", [WalkedAway(), Withdrawn()], ids=["walked away", "aborted"])
async def test_the_reader_waits_no_longer_when_the_sale_ends(
    at_stripe: At, canned: CannedService, end: Exception
) -> None:
    canned.will(LOOKS, *[CardPurchase()] * 9)
    canned.will(ENDS, ended())
    visit = at_stripe((TAP, end))
    with pytest.raises(type(end)):
        await play(visit)
    assert len(canned.requests(ENDS)) == 1
    # The kiosk tells the till that nothing was charged (`kiosk.app`).
    assert told(visit) == []
    assert pending(visit) == []


@pytest.mark.parametrize("end", [WalkedAway(), Withdrawn(), Choice.CANCEL, Choice.ANOTHER_WAY])
async def test_a_card_that_was_taken_as_the_sale_ended_has_paid_and_the_till_knows(
    at_stripe: At, canned: CannedService, end: Any
) -> None:
    canned.will(LOOKS, *[CardPurchase()] * 9)
    canned.will(ENDS, ended("approved"))
    if isinstance(end, Exception):
        visit = at_stripe((TAP, end))
        with pytest.raises(type(end)):
            await play(visit)
    else:
        visit = at_stripe((TAP, end), (APPROVED, Choice.DONE))
        await play(visit)
    assert told(visit) == [(SaleResult.APPROVED, VISA, LUNCH)]
    assert pending(visit) == []


async def test_it_is_not_known_what_became_of_a_card_while_the_service_is_away(
    at_stripe: At, canned: CannedService
) -> None:
    canned.will(LOOKS, *[CardPurchase()] * 9)
    canned.will(ENDS, *[HangUp()] * 100)
    visit = at_stripe((TAP, Withdrawn()))
    with pytest.raises(Troubled) as troubled:
        await play(visit)
    assert troubled.value.kind is TroubleKind.PAYMENT_UNKNOWN
    assert told(visit) == [(SaleResult.UNKNOWN, None, None)]
    (doubt,) = pending(visit)
    canned.forget(ENDS)
    canned.will(ENDS, ended())
    await resolve(visit.service, visit.till, visit.journal, doubt.request.reference)
    assert told(visit)[-1][0] is SaleResult.NOT_PAID
    assert pending(visit) == []


async def test_a_service_that_is_away_for_a_while_is_asked_again(
    at_stripe: At, canned: CannedService
) -> None:
    away = problem(ProblemType.PROVIDER_UNAVAILABLE, 503)
    canned.will(LOOKS, *[away] * 60, *[HangUp()] * 60, at_reader())
    assert await play(at_stripe((TAP, WAITS), (APPROVED, Choice.DONE))) is SaleResult.APPROVED


async def test_a_request_whose_answer_is_lost_for_good_is_ended_and_charges_nothing(
    at_stripe: At, canned: CannedService
) -> None:
    canned.will(BEGINS, *[HangUp()] * 100)
    canned.will(ENDS, ended())
    visit = at_stripe((AT_THE_TILL, Choice.DONE))
    assert await play(visit) is SaleResult.ANOTHER_WAY
    assert pending(visit) == []


async def test_a_reader_that_may_wait_for_the_card_is_ended_when_the_kiosk_is_turned_away(
    at_stripe: At, canned: CannedService
) -> None:
    canned.will(BEGINS, HangUp(), problem(ProblemType.TOO_MANY_ATTEMPTS, 429))
    canned.will(ENDS, ended("approved"))
    visit = at_stripe((APPROVED, Choice.DONE))
    assert await play(visit) is SaleResult.APPROVED
    assert pending(visit) == []


async def test_a_request_that_may_still_be_on_its_way_is_in_doubt_until_it_cannot_arrive(
    at_stripe: At, canned: CannedService
) -> None:
    canned.will(BEGINS, *[HangUp()] * 100)
    visit = at_stripe()
    before = visit.service.now()
    with pytest.raises(Troubled):
        await play(visit)
    (doubt,) = pending(visit)
    assert doubt.decided_by >= before + DELAYED
    await resolve(visit.service, visit.till, visit.journal, doubt.request.reference)
    assert told(visit) == [(SaleResult.UNKNOWN, None, None)]
    visit.journal.open(doubt.model_copy(update={"decided_by": before}))
    await resolve(visit.service, visit.till, visit.journal, doubt.request.reference)
    assert told(visit)[-1][0] is SaleResult.NOT_PAID
    assert pending(visit) == []


@pytest.mark.parametrize(
    "answer",
    [
        problem(ProblemType.READER_UNAVAILABLE, reader="busy"),
        problem(ProblemType.NOT_FOUND, 404),
    ],
    ids=["busy", "not bound"],
)
async def test_a_reader_that_takes_no_card_leads_to_the_till_and_the_log_says_why(
    at_stripe: At, canned: CannedService, answer: Any, caplog: pytest.LogCaptureFixture
) -> None:
    canned.will(BEGINS, answer)
    visit = at_stripe((AT_THE_TILL, Choice.DONE))
    assert await play(visit) is SaleResult.ANOTHER_WAY
    assert "no card is taken" in caplog.text
    assert pending(visit) == []


async def test_nothing_is_asked_of_the_reader_that_cannot_be_written_down_first(
    at_stripe: At, canned: CannedService, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("protocol.sealed.write_private", full)
    with pytest.raises(OSError, match="No space"):
        await play(at_stripe())
    assert not canned.requests(BEGINS)


async def test_a_sale_that_is_asked_after_again_is_ended_and_no_card_is_asked_for(
    at_stripe: At, canned: CannedService
) -> None:
    canned.will(BEGINS, *[HangUp()] * 100)
    visit = at_stripe((NotCharged(SHOP, LUNCH), Choice.ANOTHER_WAY), (AT_THE_TILL, Choice.DONE))
    with pytest.raises(Troubled):
        await play(visit)
    canned.will(ENDS, ended())
    await pay(visit, SALE)
    assert [result for result, _, _ in told(visit)] == [
        SaleResult.UNKNOWN,
        SaleResult.NOT_PAID,
    ]
