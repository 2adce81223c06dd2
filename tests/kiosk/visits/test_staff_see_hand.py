"""Staff see the hand that pays a large amount, played from a script with a canned service."""

from collections.abc import Callable

import pytest

from kiosk.screens import (
    Approved,
    Choice,
    ConfirmHand,
    ConfirmPurchase,
    EnterPin,
    EntryProblem,
    Help,
    HoldPalm,
    PayAnotherWay,
    PayWithCard,
    ShowHand,
    StaffCalled,
)
from kiosk.till.till import Sale, SaleResult
from kiosk.visits.pay import pay
from protocol.messages import Money, ProblemType
from tests.support.canned import CannedService, problem, service_info
from tests.support.scripted import Line, ScriptedVisit, palm, typed

pytestmark = pytest.mark.anyio

At = Callable[..., ScriptedVisit]
SHOP = "Corner Shop"
AMOUNT = Money(minor=1250, currency="USD")
SALE = Sale("sale-00000001", AMOUNT, SHOP)
SHOW = ShowHand(SHOP, AMOUNT)
LOOK = ConfirmHand(AMOUNT, "Alex D.")
PIN = typed("246810")
TO_LOOK: list[Line] = [(HoldPalm, palm), (SHOW, Choice.STAFF), (EnterPin(), PIN)]
PAID: list[Line] = [(ConfirmPurchase, Choice.CONFIRM), (Approved, Choice.DONE)]
ANOTHER_WAY: list[Line] = [(PayWithCard, Choice.ANOTHER_WAY), (PayAnotherWay, Choice.DONE)]


@pytest.fixture
def canned(canned: CannedService) -> CannedService:
    canned.always("GET /service", lambda _: service_info(staff_above=AMOUNT.minor - 1))
    return canned


async def play(visit: ScriptedVisit, *, pin: bool = True) -> SaleResult | None:
    if pin:
        await visit.pin.choose(PIN.text)
    visit.till.ask(SALE)
    await visit.till.next_request()
    await pay(visit, SALE)
    assert visit.stage.over
    return visit.till.answers.get(SALE.reference)


async def test_a_hand_that_staff_have_seen_pays_and_the_service_is_told(
    visit: At, canned: CannedService
) -> None:
    assert await play(visit(*TO_LOOK, (LOOK, Choice.CONFIRM), *PAID)) is SaleResult.APPROVED
    (bought,) = canned.requests("POST /purchases")
    assert bought.json["staff_seen"] is True


async def test_a_smaller_amount_needs_nobody(visit: At, canned: CannedService) -> None:
    canned.always("GET /service", lambda _: service_info(staff_above=AMOUNT.minor))
    assert await play(visit((HoldPalm, palm), *PAID)) is SaleResult.APPROVED
    (bought,) = canned.requests("POST /purchases")
    assert bought.json["staff_seen"] is False


@pytest.mark.parametrize(
    "lines",
    [
        [*TO_LOOK, (LOOK, Choice.CANCEL), *ANOTHER_WAY],
        [(HoldPalm, palm), (SHOW, Choice.ANOTHER_WAY), *ANOTHER_WAY],
        [(HoldPalm, palm), (SHOW, Choice.HELP), (Help(True), Choice.ANOTHER_WAY), *ANOTHER_WAY],
    ],
    ids=["it is not bare", "nobody waits", "helped"],
)
async def test_a_hand_that_staff_have_not_seen_to_be_bare_pays_nothing(
    visit: At, canned: CannedService, lines: list[Line]
) -> None:
    assert await play(visit(*lines)) is SaleResult.ANOTHER_WAY
    assert not canned.requests("POST /purchases")


async def test_without_the_pin_nobody_gets_on(visit: At, canned: CannedService) -> None:
    wrong = EnterPin(EntryProblem.WRONG_PIN, 2)
    at = visit(
        (HoldPalm, palm),
        (SHOW, Choice.STAFF),
        (EnterPin(), typed("111111")),
        (wrong, Choice.BACK),
        (SHOW, Choice.HELP),
        (Help(True), Choice.CALL_STAFF),
        (StaffCalled, Choice.DONE),
        (SHOW, Choice.ANOTHER_WAY),
        *ANOTHER_WAY,
    )
    assert await play(at) is SaleResult.ANOTHER_WAY
    assert not canned.requests("POST /purchases")


async def test_where_no_pin_was_chosen_the_shopper_reads_that_staff_cannot_go_on(
    visit: At, canned: CannedService
) -> None:
    shut = ShowHand(SHOP, AMOUNT, shut=True)
    at = visit((HoldPalm, palm), (SHOW, Choice.STAFF), (shut, Choice.ANOTHER_WAY), *ANOTHER_WAY)
    assert await play(at, pin=False) is SaleResult.ANOTHER_WAY


async def test_a_limit_that_was_set_meanwhile_asks_staff_before_anything_is_charged(
    visit: At, canned: CannedService
) -> None:
    canned.will("GET /service", service_info())
    canned.will("POST /purchases", problem(ProblemType.STAFF_REQUIRED))
    at = visit((HoldPalm, palm), PAID[0], *TO_LOOK, (LOOK, Choice.CONFIRM), *PAID)
    assert await play(at) is SaleResult.APPROVED
    assert [bought.json["staff_seen"] for bought in canned.requests("POST /purchases")] == [
        False,
        True,
    ]
