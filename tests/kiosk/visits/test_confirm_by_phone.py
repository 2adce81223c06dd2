"""A payment that the card's bank wants to be confirmed on the shopper's phone."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from kiosk.idle import Withdrawn
from kiosk.qr_code import qr_code
from kiosk.screens import (
    Approved,
    Choice,
    ConfirmByPhone,
    ConfirmPurchase,
    Declined,
    HoldPalm,
    PayAnotherWay,
    TroubleKind,
    Work,
    Working,
)
from kiosk.stage import WalkedAway
from kiosk.till.till import Sale, SaleResult
from kiosk.visits.charge import resolve
from kiosk.visits.confirm_by_phone import CONFIRMED_WITHIN_S, LOOKS_S
from kiosk.visits.pay import pay
from kiosk.visits.visit import Troubled
from protocol.messages import AUTHENTICATION_REQUIRED, Money, ProblemType, Purchase
from tests.support.canned import (
    VISA,
    Answer,
    CannedService,
    HangUp,
    Reply,
    problem,
    soon,
)
from tests.support.scripted import WAITS, Line, ScriptedVisit, palm

pytestmark = pytest.mark.anyio

At = Callable[..., ScriptedVisit]

AMOUNT = Money(minor=1250, currency="USD")
URL = "https://bank.test/confirm"
ASKED = problem(ProblemType.HOLDER_ASKED, confirm_url=URL)
CODE = ConfirmByPhone("Corner Shop", AMOUNT, VISA, qr_code(URL))
APPROVED = Approved("Corner Shop", AMOUNT, VISA)
TO_CODE: list[Line] = [(HoldPalm, palm), (ConfirmPurchase, Choice.CONFIRM)]


class Bank:
    """Has the service answer as it does while and after the card's holder is asked."""

    def __init__(self, canned: CannedService, visit: ScriptedVisit) -> None:
        self._canned = canned
        self._visit = visit
        self.sale: Sale

    async def asks(
        self,
        looks: int,
        then: Answer | str | None = "approved",
        ended: Answer | str | None = "declined",
    ) -> None:
        """The holder is asked. The kiosk looks so often before it hears `then`; `ended` is what it
        hears when it ends the wait."""
        self._visit.till.ring_up(AMOUNT, "Corner Shop")
        sale = await self._visit.till.next_request()
        assert isinstance(sale, Sale)
        self.sale = sale
        self._canned.will("POST /purchases", ASKED)
        path = f"/purchases/{sale.reference}"
        self._canned.will(f"GET {path}", *[ASKED] * looks, self._told(then))
        self._canned.will(f"POST {path}/end", self._told(ended))

    def _told(self, outcome: Answer | str | None) -> Answer:
        if not isinstance(outcome, str):
            return outcome or ASKED
        why = AUTHENTICATION_REQUIRED if outcome == "declined" else None
        return purchase(self.sale, outcome, why)

    @property
    def looks(self) -> int:
        return len(self._canned.requests(f"GET /purchases/{self.sale.reference}"))

    @property
    def ends(self) -> int:
        return len(self._canned.requests(f"POST /purchases/{self.sale.reference}/end"))

    @property
    def told(self) -> SaleResult | None:
        return self._visit.till.answers.get(self.sale.reference)


def purchase(sale: Sale, outcome: Any, why: str | None = None) -> Purchase:
    return Purchase(
        purchase_id="purchase-1",
        reference=sale.reference,
        amount=sale.amount,
        outcome=outcome,
        decline_reason=why,
        card=VISA,
        at=soon(),
    )


async def play(at: ScriptedVisit, bank: Bank) -> SaleResult | None:
    await pay(at, bank.sale)
    assert at.stage.over
    assert not list(at.journal.pending())
    return bank.told


async def test_the_code_leads_to_the_bank_and_the_kiosk_goes_on_once_it_is_confirmed(
    visit: At, canned: CannedService
) -> None:
    at = visit(*TO_CODE, (CODE, WAITS), (APPROVED, Choice.DONE))
    bank = Bank(canned, at)
    await bank.asks(looks=2)
    assert await play(at, bank) is SaleResult.APPROVED
    assert (bank.looks, bank.ends) == (3, 0)
    (asked,) = canned.requests("POST /purchases")
    assert asked.json["asks_holder"] is True


async def test_what_the_bank_refuses_is_declined(visit: At, canned: CannedService) -> None:
    at = visit(*TO_CODE, (CODE, WAITS), (Declined, Choice.DONE))
    bank = Bank(canned, at)
    await bank.asks(looks=1, then="declined")
    assert await play(at, bank) is SaleResult.DECLINED


async def test_who_pays_another_way_is_told_so_once_the_payment_is_cancelled(
    visit: At, canned: CannedService
) -> None:
    at = visit(*TO_CODE, (CODE, Choice.ANOTHER_WAY), (PayAnotherWay("Corner Shop"), Choice.DONE))
    bank = Bank(canned, at)
    await bank.asks(looks=90)
    assert await play(at, bank) is SaleResult.ANOTHER_WAY
    assert bank.ends == 1
    assert Working(Work.CANCELLING) in at.stage.shown


async def test_who_takes_too_long_is_handed_over(visit: At, canned: CannedService) -> None:
    at = visit(*TO_CODE, (CODE, WAITS), (PayAnotherWay, Choice.DONE))
    bank = Bank(canned, at)
    await bank.asks(looks=200)
    assert await play(at, bank) is SaleResult.ANOTHER_WAY
    assert bank.ends == 1
    assert bank.looks <= CONFIRMED_WITHIN_S / LOOKS_S


@pytest.mark.parametrize("interruption", [WalkedAway(), Withdrawn()], ids=["left", "aborted"])
async def test_a_sale_ends_only_once_the_payment_is_cancelled(
    visit: At, canned: CannedService, interruption: Exception
) -> None:
    at = visit(*TO_CODE, (CODE, interruption))
    bank = Bank(canned, at)
    await bank.asks(looks=90)
    with pytest.raises(type(interruption)):
        await pay(at, bank.sale)
    assert bank.ends == 1
    assert not list(at.journal.pending())


@pytest.mark.parametrize(
    "end", [Choice.ANOTHER_WAY, WalkedAway(), Withdrawn()], ids=["another way", "left", "aborted"]
)
async def test_what_was_confirmed_in_the_last_moment_is_paid_and_told_so(
    visit: At, canned: CannedService, end: Any
) -> None:
    at = visit(*TO_CODE, (CODE, end), (APPROVED, Choice.DONE))
    bank = Bank(canned, at)
    await bank.asks(looks=90, ended="approved")
    assert await play(at, bank) is SaleResult.APPROVED


@pytest.mark.parametrize(
    "end", [Choice.ANOTHER_WAY, WalkedAway(), Withdrawn()], ids=["another way", "left", "aborted"]
)
@pytest.mark.parametrize(
    "answer", [Reply(500, b""), HangUp(), problem(ProblemType.CONFLICT)], ids=["500", "cut", "no"]
)
async def test_nothing_is_said_to_be_cancelled_when_that_is_not_certain(
    visit: At, canned: CannedService, end: Any, answer: Answer
) -> None:
    at = visit(*TO_CODE, (CODE, end))
    bank = Bank(canned, at)
    await bank.asks(looks=90, ended=answer)
    canned.will(f"POST /purchases/{bank.sale.reference}/end", *[answer] * 90)
    with pytest.raises(Troubled) as troubled:
        await pay(at, bank.sale)
    assert troubled.value.kind is TroubleKind.PAYMENT_UNKNOWN
    assert bank.told is SaleResult.UNKNOWN
    assert [pending.request.reference for pending in at.journal.pending()] == [bank.sale.reference]


async def test_a_service_that_is_away_for_a_while_is_waited_for(
    visit: At, canned: CannedService
) -> None:
    at = visit(*TO_CODE, (CODE, WAITS), (APPROVED, Choice.DONE))
    bank = Bank(canned, at)
    await bank.asks(looks=1, then=problem(ProblemType.PROVIDER_UNAVAILABLE, 503))
    path = f"GET /purchases/{bank.sale.reference}"
    away = problem(ProblemType.PROVIDER_UNAVAILABLE, 503)
    canned.will(path, *[away] * 20, purchase(bank.sale, "approved"))
    assert await play(at, bank) is SaleResult.APPROVED


@pytest.mark.parametrize("outcome", ["approved", "declined"])
async def test_a_kiosk_that_was_killed_cancels_what_nobody_waits_for(
    visit: At, canned: CannedService, outcome: str
) -> None:
    at = visit(*TO_CODE, (CODE, asyncio.CancelledError()))
    bank = Bank(canned, at)
    await bank.asks(looks=90, ended=outcome)
    with pytest.raises(asyncio.CancelledError):
        await pay(at, bank.sale)
    assert bank.ends == 0
    (pending,) = at.journal.pending()
    assert await resolve(at.service, at.till, at.journal, pending.request.reference)
    assert bank.told is SaleResult(outcome)
    assert not list(at.journal.pending())
