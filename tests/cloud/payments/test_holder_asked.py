"""Purchases that the card's bank wants its holder to confirm: charged once or not at all, whatever
is interrupted."""

from datetime import timedelta

import httpx
import pytest

from cloud.payments import purchases
from cloud.payments.tables import PurchaseRow
from cloud.policy import PURCHASE_PATIENCE
from cloud.web.devices import revoke_device
from protocol.messages import (
    AUTHENTICATION_REQUIRED,
    DeletionRequest,
    ProblemType,
    Purchase,
    PurchaseRequest,
    Purpose,
    Refund,
    RefundRequest,
)
from tests.cloud.payments.test_ledger import SALE, STEPS, Killed, posted, settle_and_die
from tests.support.books import charged, listed
from tests.support.device import Refused, TestDevice
from tests.support.failing import Failing
from tests.support.served import Served


@pytest.fixture(autouse=True)
def nothing_is_finished_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    """Has housekeeping do nothing by itself."""
    monkeypatch.setattr("cloud.jobs.housekeeping.ROUND", ())


@pytest.fixture
def sale(kiosk: TestDevice, who: str) -> PurchaseRequest:
    """A sale to somebody whose bank asks about every payment."""
    kiosk.sign_up(who, token="tok_threeDSecureRequired")
    return kiosk.sale(kiosk.recognised(who), asks_holder=True)


def asked(kiosk: TestDevice, sale: PurchaseRequest, *, again: bool = False) -> str:
    """Buys, or asks about the purchase, and returns where the holder confirms it."""
    ask = told if again else bought
    with pytest.raises(Refused) as refused:
        ask(kiosk, sale)
    problem = refused.value.problem
    assert problem.type is ProblemType.HOLDER_ASKED
    assert problem.confirm_url
    return problem.confirm_url


def answers(url: str, bank: str = "yes") -> int:
    """Answers the bank on the phone, and returns the status of the page."""
    return httpx.post(url, data={"bank": bank}, trust_env=False, verify=False).status_code


def bought(kiosk: TestDevice, sale: PurchaseRequest) -> Purchase:
    return kiosk.post("/purchases", sale, Purchase)


def told(kiosk: TestDevice, sale: PurchaseRequest) -> Purchase:
    return kiosk.get(f"/purchases/{sale.reference}", Purchase)


def ended(kiosk: TestDevice, sale: PurchaseRequest) -> Purchase:
    return kiosk.post(f"/purchases/{sale.reference}/end", None, Purchase)


def test_a_payment_that_its_holder_confirms_is_charged_and_posted_once(
    served: Served, kiosk: TestDevice, sale: PurchaseRequest
):
    before = charged(served)
    url = asked(kiosk, sale)
    assert charged(served) == before
    assert asked(kiosk, sale, again=True) == url
    assert answers(url) == 303
    paid = told(kiosk, sale)
    assert paid.outcome == "approved"
    assert paid.card is not None
    assert paid.card.last4 == "3184"
    assert bought(kiosk, sale) == paid
    assert charged(served) == before + 1
    assert posted(served, paid) == [SALE]


def test_a_payment_that_its_holder_refuses_is_declined(
    served: Served, kiosk: TestDevice, sale: PurchaseRequest
):
    before = charged(served)
    answers(asked(kiosk, sale), "no")
    declined = told(kiosk, sale)
    assert declined.outcome == "declined"
    assert charged(served) == before
    assert posted(served, declined) == []


def test_nobody_is_asked_where_the_device_does_not_wait(kiosk: TestDevice, sale: PurchaseRequest):
    alone = sale.model_copy(update={"asks_holder": False})
    declined = bought(kiosk, alone)
    assert (declined.outcome, declined.decline_reason) == ("declined", AUTHENTICATION_REQUIRED)


def test_after_the_wait_has_ended_nothing_is_charged_any_more(
    served: Served, kiosk: TestDevice, sale: PurchaseRequest
):
    before = charged(served)
    url = asked(kiosk, sale)
    declined = ended(kiosk, sale)
    assert (declined.outcome, declined.decline_reason) == ("declined", AUTHENTICATION_REQUIRED)
    assert answers(url) == 404
    assert told(kiosk, sale) == ended(kiosk, sale) == declined
    assert charged(served) == before


def test_what_was_confirmed_before_the_wait_ended_is_paid(
    served: Served, kiosk: TestDevice, sale: PurchaseRequest
):
    answers(asked(kiosk, sale))
    paid = ended(kiosk, sale)
    assert paid.outcome == "approved"
    assert posted(served, paid) == [SALE]


def test_an_end_that_the_provider_does_not_hear_is_no_end_and_comes_later(
    served: Served, kiosk: TestDevice, sale: PurchaseRequest
):
    before = charged(served)
    url = asked(kiosk, sale)
    with Failing(served, "finish", works=False), pytest.raises(Refused) as refused:
        ended(kiosk, sale)
    assert refused.value.problem.type is ProblemType.PROVIDER_UNAVAILABLE
    served.do(purchases.settle_purchases(served.context))
    assert answers(url) == 404
    assert told(kiosk, sale).outcome == "declined"
    assert charged(served) == before


def test_a_kiosk_whose_keys_were_destroyed_ends_the_wait_as_the_device_that_it_is_now(
    served: Served, kiosk: TestDevice, sale: PurchaseRequest
):
    before = charged(served)
    url = asked(kiosk, sale)
    again, stranger = served.kiosk(), served.kiosk(served.merchant())

    async def revoke() -> None:
        async with served.context.database.session() as session:
            await revoke_device(session, kiosk.id, served.context.clock())
            await session.commit()

    served.do(revoke())
    for nobody in (stranger, kiosk):
        with pytest.raises(Refused):
            ended(nobody, sale)
    assert ended(again, sale).outcome == "declined"
    assert answers(url) == 404
    assert charged(served) == before


def test_only_the_device_that_has_sold_ends_the_wait(
    served: Served, kiosk: TestDevice, sale: PurchaseRequest
):
    asked(kiosk, sale)
    with pytest.raises(Refused) as refused:
        ended(served.kiosk(), sale)
    assert refused.value.problem.type is ProblemType.NOT_FOUND
    asked(kiosk, sale, again=True)


def test_a_payment_that_nobody_confirms_is_cancelled_after_a_while(
    served: Served, kiosk: TestDevice, sale: PurchaseRequest
):
    before = charged(served)
    url = asked(kiosk, sale)
    served.do(purchases.settle_purchases(served.context))
    asked(kiosk, sale, again=True)
    served.ahead = kiosk.ahead = PURCHASE_PATIENCE + timedelta(seconds=1)
    served.do(purchases.settle_purchases(served.context))
    assert answers(url) == 404
    assert told(kiosk, sale).decline_reason == AUTHENTICATION_REQUIRED
    assert charged(served) == before


def test_nothing_is_refunded_and_nobody_leaves_while_the_holder_is_asked(
    kiosk: TestDevice, who: str, sale: PurchaseRequest
):
    asked(kiosk, sale)
    path, back = f"/purchases/{sale.reference}/refunds", RefundRequest(reference="back-0001")
    with pytest.raises(Refused) as refused:
        kiosk.post(path, back, Refund)
    assert refused.value.problem.type is ProblemType.PROVIDER_UNAVAILABLE
    request = DeletionRequest(identification_id=kiosk.recognised(who, Purpose.LEAVE))
    with pytest.raises(Refused) as refused:
        kiosk.post("/deletions", request, Purchase)
    assert refused.value.problem.type is ProblemType.CONFLICT


@pytest.mark.parametrize("step", STEPS)
def test_a_service_that_is_killed_after_the_holder_has_confirmed_has_charged_and_posted_once(
    served: Served, kiosk: TestDevice, sale: PurchaseRequest, step: str
):
    before = charged(served)
    answers(asked(kiosk, sale))
    with pytest.raises(Killed):
        served.do(settle_and_die(served, PurchaseRow, sale.reference, step))
    served.do(purchases.settle_purchases(served.context))
    paid = told(kiosk, sale)
    assert paid.outcome == "approved"
    assert charged(served) == before + 1
    assert posted(served, paid) == [SALE]


@pytest.mark.parametrize("step", [*STEPS[:2], *STEPS[4:]])
def test_a_service_that_is_killed_when_it_asks_the_holder_asks_again_and_charges_once(
    served: Served, kiosk: TestDevice, sale: PurchaseRequest, step: str
):
    before = charged(served)
    with Failing(served, "begin", works=False), pytest.raises(Refused):
        bought(kiosk, sale)
    with pytest.raises(Killed):
        served.do(settle_and_die(served, PurchaseRow, sale.reference, step))
    intents = len(listed(served, "payment_intents"))
    answers(asked(kiosk, sale, again=True))
    assert told(kiosk, sale).outcome == "approved"
    assert charged(served) == before + 1
    assert len(listed(served, "payment_intents")) == intents


@pytest.mark.parametrize("step", [*STEPS[:2], *STEPS[4:]])
def test_a_service_that_is_killed_when_the_wait_ends_charges_nothing(
    served: Served, kiosk: TestDevice, sale: PurchaseRequest, step: str
):
    before = charged(served)
    url = asked(kiosk, sale)
    with Failing(served, "finish", works=False), pytest.raises(Refused):
        ended(kiosk, sale)
    with pytest.raises(Killed):
        served.do(settle_and_die(served, PurchaseRow, sale.reference, step))
    # Why a payment was cancelled is not known any more once the answer is lost.
    unpaid = ended(kiosk, sale)
    assert unpaid.outcome in ("declined", "not_paid")
    assert answers(url) == 404
    assert charged(served) == before
    assert posted(served, unpaid) == []
