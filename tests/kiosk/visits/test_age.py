"""Staff see the age of a shopper once, played from a script with a canned service."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from kiosk.screens import (
    AgeNotSeen,
    Approved,
    Choice,
    ConfirmAge,
    ConfirmPurchase,
    EnterPin,
    EnterStaffNumber,
    EntryProblem,
    Help,
    HoldPalm,
    PayAnotherWay,
    Recognised,
    ShowDocument,
    StaffCalled,
)
from kiosk.till.till import Acquisition, Sale, SaleResult
from kiosk.visits import age as visit_of_age
from kiosk.visits.acquire import acquire
from kiosk.visits.pay import pay
from protocol.messages import Age, AgeFlag, Money, ProblemType
from tests.support.canned import VISA, CannedService, problem
from tests.support.scripted import WAITS, Line, ScriptedVisit, palm, typed

pytestmark = pytest.mark.anyio

At = Callable[..., ScriptedVisit]
SHOP = "Corner Shop"
AMOUNT = Money(minor=1250, currency="USD")
SALE = Sale("sale-00000001", AMOUNT, SHOP, over=Age.EIGHTEEN)
SHOW = ShowDocument(SHOP, Age.EIGHTEEN)
NOT_SEEN = AgeNotSeen(SHOP, Age.EIGHTEEN)
PIN = typed("246810")
TO_DOCUMENT: list[Line] = [
    (HoldPalm, palm),
    (SHOW, Choice.STAFF),
    (EnterPin(), PIN),
    (EnterStaffNumber(), typed("17")),
]
CONFIRM = ConfirmPurchase(SHOP, AMOUNT, "Alex D.", VISA, over=Age.EIGHTEEN)
PAID: list[Line] = [(CONFIRM, Choice.CONFIRM), (Approved, Choice.DONE)]
ASKED = "GET /identifications/identification-1/age/18"
NOTED = "PUT /identifications/identification-1/age"


async def play(visit: ScriptedVisit, sale: Sale = SALE, *, pin: bool = True) -> SaleResult | None:
    if pin:
        await visit.pin.choose(PIN.text)
    visit.till.ask(sale)
    await visit.till.next_request()
    await pay(visit, sale)
    assert visit.stage.over
    return visit.till.answers.get(sale.reference)


def seen(over: Age = Age.EIGHTEEN) -> AgeFlag:
    return AgeFlag(over=over, seen=True)


async def test_who_was_seen_before_pays_as_ever_and_reads_what_the_till_is_told(
    visit: At, canned: CannedService
) -> None:
    canned.will(ASKED, seen())
    assert await play(visit((HoldPalm, palm), *PAID)) is SaleResult.APPROVED
    assert not canned.requests(NOTED)


async def test_a_till_that_does_not_ask_is_told_nothing_and_nobody_is_asked(
    visit: At, canned: CannedService
) -> None:
    at = visit((HoldPalm, palm), (replace(CONFIRM, over=None), Choice.CONFIRM), PAID[1])
    assert await play(at, replace(SALE, over=None)) is SaleResult.APPROVED
    assert not canned.requests(ASKED)


async def test_staff_see_a_document_once_and_the_payment_goes_on(
    visit: At, canned: CannedService
) -> None:
    at = visit(*TO_DOCUMENT, (ConfirmAge, Choice.OVER_18), *PAID)
    assert await play(at) is SaleResult.APPROVED
    (noted,) = canned.requests(NOTED)
    assert noted.json == {"over": 18, "staff": "17"}


async def test_who_is_over_21_is_over_18(visit: At, canned: CannedService) -> None:
    assert (
        await play(visit(*TO_DOCUMENT, (ConfirmAge, Choice.OVER_21), *PAID)) is SaleResult.APPROVED
    )
    (noted,) = canned.requests(NOTED)
    assert noted.json["over"] == 21


async def test_who_is_not_as_old_as_the_till_asks_pays_nothing(
    visit: At, canned: CannedService
) -> None:
    over_21 = replace(SALE, over=Age.TWENTY_ONE)
    at = visit(
        TO_DOCUMENT[0],
        (ShowDocument(SHOP, Age.TWENTY_ONE), Choice.STAFF),
        *TO_DOCUMENT[2:],
        (ConfirmAge, Choice.OVER_18),
        (AgeNotSeen(SHOP, Age.TWENTY_ONE), Choice.DONE),
    )
    assert await play(at, over_21) is SaleResult.AGE_NOT_SEEN
    assert len(canned.requests(NOTED)) == 1
    assert not canned.requests("POST /purchases")


async def test_nothing_is_kept_of_a_document_that_does_not_say_enough(
    visit: At, canned: CannedService
) -> None:
    at = visit(*TO_DOCUMENT, (ConfirmAge, Choice.CANCEL), (NOT_SEEN, Choice.DONE))
    assert await play(at) is SaleResult.AGE_NOT_SEEN
    assert not canned.requests(NOTED)
    assert not canned.requests("POST /purchases")


async def test_who_does_not_wait_for_staff_pays_another_way(
    visit: At, canned: CannedService
) -> None:
    at = visit((HoldPalm, palm), (SHOW, Choice.ANOTHER_WAY), (PayAnotherWay, Choice.DONE))
    assert await play(at) is SaleResult.ANOTHER_WAY
    assert not canned.requests("POST /purchases")


async def test_a_shopper_can_call_staff_and_wait(visit: At) -> None:
    at = visit(
        (HoldPalm, palm),
        (SHOW, Choice.HELP),
        (Help, Choice.CALL_STAFF),
        (StaffCalled, Choice.DONE),
        *TO_DOCUMENT[1:],
        (ConfirmAge, Choice.OVER_18),
        *PAID,
    )
    assert await play(at) is SaleResult.APPROVED
    assert at.till.staff_calls == 1


async def test_a_shopper_who_does_not_know_the_pin_confirms_nothing(
    visit: At, canned: CannedService
) -> None:
    at = visit(
        (HoldPalm, palm),
        (SHOW, Choice.STAFF),
        (EnterPin(), typed("111222")),
        (EnterPin(EntryProblem.WRONG_PIN, 2), Choice.BACK),
        (SHOW, Choice.ANOTHER_WAY),
        (PayAnotherWay, Choice.DONE),
    )
    await play(at)
    assert not canned.requests(NOTED)


@pytest.mark.parametrize("damaged", [False, True], ids=["none chosen", "damaged"])
async def test_without_a_pin_nobody_chooses_one_to_confirm_an_age(
    visit: At, canned: CannedService, damaged: bool, tmp_path: Path
) -> None:
    shut = ShowDocument(SHOP, Age.EIGHTEEN, shut=True)
    at = visit(
        (HoldPalm, palm),
        (SHOW, Choice.STAFF),
        (shut, Choice.ANOTHER_WAY),
        (PayAnotherWay, Choice.DONE),
    )
    if damaged:
        await at.pin.choose(PIN.text)
        (tmp_path / "staff.json").write_text("damaged")
    assert await play(at, pin=False) is SaleResult.ANOTHER_WAY
    assert not canned.requests(NOTED)


async def test_staff_can_go_back_to_correct_what_they_typed(
    visit: At, canned: CannedService
) -> None:
    at = visit(
        *TO_DOCUMENT[:3],
        (EnterStaffNumber(), Choice.BACK),
        (EnterPin(), PIN),
        (EnterStaffNumber(), typed("18")),
        (ConfirmAge, Choice.OVER_18),
        *PAID,
    )
    await play(at)
    (noted,) = canned.requests(NOTED)
    assert noted.json["staff"] == "18"


@pytest.mark.parametrize("request_", [ASKED, NOTED])
async def test_who_took_too_long_shows_their_palm_again(
    visit: At, canned: CannedService, request_: str
) -> None:
    canned.will(request_, problem(ProblemType.EXPIRED, 410))
    lines: list[Line] = [(HoldPalm, palm)]
    if request_ is NOTED:
        lines = [*TO_DOCUMENT, (ConfirmAge, Choice.OVER_18)]
    at = visit(*lines, *TO_DOCUMENT, (ConfirmAge, Choice.OVER_18), *PAID)
    assert await play(at) is SaleResult.APPROVED


async def test_a_service_that_fails_and_is_given_up_charges_nothing(
    visit: At, canned: CannedService
) -> None:
    canned.will(NOTED, problem(ProblemType.BUSY, 400))

    async def gives_up(error: Exception) -> bool:
        return False

    at = visit(*TO_DOCUMENT, (ConfirmAge, Choice.OVER_18), recovers=gives_up)
    assert await play(at) is None
    assert not canned.requests("POST /purchases")


@pytest.mark.parametrize(
    ("lines", "of_age"),
    [
        ([*TO_DOCUMENT, (ConfirmAge, Choice.OVER_18)], True),
        ([*TO_DOCUMENT, (ConfirmAge, Choice.CANCEL)], False),
        ([(HoldPalm, palm), (SHOW, Choice.ANOTHER_WAY)], False),
    ],
    ids=["seen", "not seen", "not waited"],
)
async def test_a_till_can_ask_before_it_says_what_is_paid(
    visit: At, lines: list[Line], of_age: bool
) -> None:
    asked = Acquisition("asked-0001", SHOP, Age.EIGHTEEN)
    at = visit(*lines, (Recognised, WAITS))
    await at.pin.choose(PIN.text)
    at.till.ask(asked)
    await at.till.next_request()
    going_on = asyncio.create_task(acquire(at, asked))
    await at.stage.reached()
    assert at.till.of_age == {"asked-0001": of_age}
    at.till.ring_up(AMOUNT, SHOP)
    assert await going_on is not None


@pytest.mark.parametrize(
    ("today", "age", "born"),
    [
        (date(2026, 11, 29), Age.EIGHTEEN, date(2008, 11, 29)),
        (date(2026, 11, 29), Age.TWENTY_ONE, date(2005, 11, 29)),
        (date(2028, 2, 29), Age.EIGHTEEN, date(2010, 2, 28)),
        (date(2026, 2, 28), Age.EIGHTEEN, date(2008, 2, 28)),
        (date(2026, 3, 1), Age.EIGHTEEN, date(2008, 3, 1)),
    ],
)
def test_staff_read_the_birthday_from_which_it_is_enough(today: date, age: Age, born: date) -> None:
    assert visit_of_age.born_by(today, age).date() == born


async def test_staff_read_birthdays_of_today(visit: At) -> None:
    at = visit(*TO_DOCUMENT, (ConfirmAge, Choice.CANCEL), (NOT_SEEN, Choice.DONE))
    await play(at)
    (shown,) = [screen for screen in at.stage.shown if isinstance(screen, ConfirmAge)]
    years = datetime.now(UTC).year - shown.born_by_18.year
    assert years == 18
    assert shown.born_by_18.year - shown.born_by_21.year == 3
