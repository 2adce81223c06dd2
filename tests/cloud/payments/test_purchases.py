"""A purchase is charged exactly once."""

import json
import secrets
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from cloud.payments.purchases import settle_purchases
from cloud.policy import PURCHASE_PATIENCE, Limits
from cloud.web import limits
from protocol.messages import (
    AUTHENTICATION_REQUIRED,
    Chargeable,
    Money,
    ProblemType,
    Purchase,
)
from tests.support.books import charged, listed
from tests.support.device import Refused, TestDevice, fresh_phone, refusal
from tests.support.failing import Failing
from tests.support.served import Served
from tests.support.stripe_api import PAYMENT, error, intent, stripe_in_place_of_the_sandbox


def test_the_same_purchase_sent_again_charges_once_and_answers_the_same(
    served: Served, kiosk: TestDevice, who: str
):
    kiosk.sign_up(who)
    sale = kiosk.sale(kiosk.recognised(who))
    before = charged(served)
    answers = [kiosk.post("/purchases", sale, Purchase, key="sale-key") for _ in range(3)]
    assert charged(served) == before + 1
    assert answers[0] == answers[1] == answers[2]


def test_the_same_purchase_sent_many_times_at_once_charges_once(
    served: Served, kiosk: TestDevice, who: str
):
    kiosk.sign_up(who)
    sale = kiosk.sale(kiosk.recognised(who))
    before = charged(served)
    keys = ["one-and-the-same"] * 3 + ["another-key", "and-another"]
    with ThreadPoolExecutor() as pool:
        answers = list(pool.map(lambda k: kiosk.post("/purchases", sale, Purchase, key=k), keys))
    assert charged(served) == before + 1
    assert len(set(answers)) == 1


def test_a_declined_purchase_has_a_reason_and_charges_nothing(
    served: Served, kiosk: TestDevice, who: str
):
    kiosk.sign_up(who, token="tok_chargeCustomerFail")
    before = charged(served)
    purchase = kiosk.post("/purchases", kiosk.sale(kiosk.recognised(who)), Purchase)
    assert (purchase.outcome, purchase.decline_reason) == ("declined", "card_declined")
    assert charged(served) == before


@pytest.mark.parametrize("minor", [0, -1, 10**12], ids=["zero", "negative", "giant"])
def test_an_amount_that_cannot_be_charged_is_refused(kiosk: TestDevice, who: str, minor: int):
    sale = {"identification_id": "12345678", "reference": "12345678"}
    body = json.dumps({**sale, "amount": {"minor": minor, "currency": "USD"}})
    problem = refusal(kiosk.send("POST", "/purchases", body.encode()))
    assert (problem.type, problem.status) == (ProblemType.MALFORMED, 422)
    assert "amount.minor" in problem.detail


@pytest.mark.parametrize("minor", [30, 100_000_000], ids=["thirty cents", "a million dollars"])
def test_an_amount_beyond_the_providers_limits_is_refused_and_nothing_is_begun(
    served: Served, kiosk: TestDevice, who: str, minor: int
):
    kiosk.sign_up(who)
    found = kiosk.recognised(who)
    before = len(listed(served, "payment_intents"))
    with pytest.raises(Refused) as refused:
        kiosk.post("/purchases", kiosk.sale(found, minor), Purchase)
    assert refused.value.problem.type is ProblemType.NOT_CHARGEABLE
    assert "USD" in refused.value.problem.detail
    assert len(listed(served, "payment_intents")) == before
    # The identification still pays another sale.
    assert kiosk.post("/purchases", kiosk.sale(found), Purchase).outcome == "approved"


def test_a_kiosk_is_told_what_can_be_charged(kiosk: TestDevice):
    assert kiosk.info().chargeable == Chargeable(currency="USD", least=50, most=99_999_999, step=1)


def test_a_bank_that_asks_the_holder_to_confirm_declines_and_nothing_stays_open(
    served: Served, kiosk: TestDevice, who: str
):
    before = still_open(served)
    kiosk.sign_up(who, token="tok_threeDSecureRequired")
    purchase = kiosk.post("/purchases", kiosk.sale(kiosk.recognised(who)), Purchase)
    assert (purchase.outcome, purchase.decline_reason) == ("declined", AUTHENTICATION_REQUIRED)
    assert still_open(served) == before


def test_a_declined_purchase_does_not_stay_open(served: Served, kiosk: TestDevice, who: str):
    before = still_open(served)
    kiosk.sign_up(who, token="tok_chargeCustomerFail")
    assert (
        kiosk.post("/purchases", kiosk.sale(kiosk.recognised(who)), Purchase).outcome == "declined"
    )
    assert still_open(served) == before


def test_a_revoked_key_is_the_operators_and_no_decline(
    served: Served, kiosk: TestDevice, who: str, caplog: pytest.LogCaptureFixture
):
    kiosk.sign_up(who)
    sale = kiosk.sale(kiosk.recognised(who))
    with stripe_in_place_of_the_sandbox(served) as api:
        api.will("POST /payment_intents", error(401, "invalid_request_error"))
        purchase = kiosk.post("/purchases", sale, Purchase)
    assert (purchase.outcome, purchase.decline_reason) == ("not_paid", "authentication_error")
    assert "stripe_key" in caplog.text
    # It is final: nothing is charged when the key is right again.
    assert kiosk.get(f"/purchases/{sale.reference}", Purchase) == purchase


def test_a_payment_that_cannot_be_closed_is_not_told_as_declined(
    served: Served, kiosk: TestDevice, who: str
):
    kiosk.sign_up(who)
    sale = kiosk.sale(kiosk.recognised(who))
    with stripe_in_place_of_the_sandbox(served) as api:
        api.will("POST /payment_intents", intent("requires_confirmation"))
        api.will(f"GET /payment_intents/{PAYMENT}", intent("requires_action"))
        api.will(f"POST /payment_intents/{PAYMENT}/cancel", error(500, "api_error"))
        with pytest.raises(Refused) as refused:
            kiosk.post("/purchases", sale, Purchase)
        assert refused.value.problem.type is ProblemType.PROVIDER_UNAVAILABLE
        api.will(f"POST /payment_intents/{PAYMENT}/cancel", intent("canceled"))
        purchase = kiosk.get(f"/purchases/{sale.reference}", Purchase)
    assert (purchase.outcome, purchase.decline_reason) == ("declined", AUTHENTICATION_REQUIRED)


def still_open(served: Served) -> list[str]:
    intents = listed(served, "payment_intents")
    return [i["status"] for i in intents if i["status"] not in ("succeeded", "canceled")]


def test_a_sale_in_another_currency_than_the_merchants_is_refused(kiosk: TestDevice, who: str):
    kiosk.sign_up(who)
    sale = kiosk.sale(kiosk.recognised(who), amount=Money(minor=100, currency="EUR"))
    with pytest.raises(Refused) as refused:
        kiosk.post("/purchases", sale, Purchase)
    assert refused.value.problem.type is ProblemType.MALFORMED


def test_an_identification_pays_one_sale(kiosk: TestDevice, who: str):
    kiosk.sign_up(who)
    found = kiosk.recognised(who)
    kiosk.post("/purchases", kiosk.sale(found), Purchase)
    with pytest.raises(Refused) as refused:
        kiosk.post("/purchases", kiosk.sale(found), Purchase)
    assert refused.value.problem.type is ProblemType.NOT_ACCEPTED


def test_a_reference_names_one_sale(kiosk: TestDevice, who: str):
    kiosk.sign_up(who)
    sale = kiosk.sale(kiosk.recognised(who))
    kiosk.post("/purchases", sale, Purchase)
    other = kiosk.sale(kiosk.recognised(who), reference=sale.reference)
    with pytest.raises(Refused) as refused:
        kiosk.post("/purchases", other, Purchase)
    assert refused.value.problem.type is ProblemType.CONFLICT


def test_a_purchase_needs_an_accepted_identification(kiosk: TestDevice, who: str):
    found = kiosk.identify(who)
    for identification_id, kind in (
        (found.identification_id, ProblemType.NOT_ACCEPTED),
        ("made-up-by-somebody", ProblemType.NOT_FOUND),
    ):
        with pytest.raises(Refused) as refused:
            kiosk.post("/purchases", kiosk.sale(identification_id), Purchase)
        assert refused.value.problem.type is kind


def test_a_purchase_is_found_by_every_device_of_its_merchant(
    served: Served, kiosk: TestDevice, who: str
):
    kiosk.sign_up(who)
    bought = kiosk.post("/purchases", kiosk.sale(kiosk.recognised(who)), Purchase)
    assert served.kiosk().get(f"/purchases/{bought.reference}", Purchase) == bought


def test_of_a_reference_that_two_devices_have_sold_under_each_finds_its_own(
    served: Served, kiosk: TestDevice, who: str
):
    kiosk.sign_up(who)
    other = served.kiosk()
    own, others = (
        each.post("/purchases", each.sale(each.recognised(who), reference="sale-no-1"), Purchase)
        for each in (kiosk, other)
    )
    assert own.purchase_id != others.purchase_id
    assert kiosk.get("/purchases/sale-no-1", Purchase) == own
    assert other.get("/purchases/sale-no-1", Purchase) == others
    with pytest.raises(Refused) as refused:
        served.kiosk().get("/purchases/sale-no-1", Purchase)
    assert refused.value.problem.type is ProblemType.CONFLICT


def test_an_unknown_purchase_and_one_of_another_merchant_are_not_found(
    served: Served, kiosk: TestDevice, who: str
):
    kiosk.sign_up(who)
    sale = kiosk.sale(kiosk.recognised(who))
    kiosk.post("/purchases", sale, Purchase)
    elsewhere = served.kiosk(served.merchant())
    for device, reference in ((kiosk, "never-happened"), (elsewhere, sale.reference)):
        with pytest.raises(Refused) as refused:
            device.get(f"/purchases/{reference}", Purchase)
        assert refused.value.problem.type is ProblemType.NOT_FOUND


def test_the_purchases_of_an_account_are_limited(served: Served, kiosk: TestDevice, who: str):
    phone = fresh_phone()
    kiosk.sign_up(who, phone=phone)
    served.tally(Limits.PURCHASES, served.person_id(phone), Limits.PURCHASES.count - 1)
    kiosk.post("/purchases", kiosk.sale(kiosk.recognised(who)), Purchase)
    with pytest.raises(Refused) as refused:
        kiosk.post("/purchases", kiosk.sale(kiosk.recognised(who)), Purchase)
    assert refused.value.problem.type is ProblemType.TOO_MANY_ATTEMPTS


def test_a_request_that_came_too_often_is_done_when_it_comes_again_later(
    served: Served, kiosk: TestDevice, who: str
):
    async def pass_an_hour() -> None:
        async with served.context.database.session() as session:
            await limits.take_back(session, Limits.PURCHASES, person)
            await session.commit()

    phone, key = fresh_phone(), secrets.token_urlsafe(16)
    kiosk.sign_up(who, phone=phone)
    person = served.person_id(phone)
    served.tally(Limits.PURCHASES, person, Limits.PURCHASES.count)
    sale = kiosk.sale(kiosk.recognised(who))
    with pytest.raises(Refused) as refused:
        kiosk.post("/purchases", sale, Purchase, key=key)
    assert refused.value.problem.type is ProblemType.TOO_MANY_ATTEMPTS
    served.do(pass_an_hour())
    assert kiosk.post("/purchases", sale, Purchase, key=key).reference == sale.reference


# When the provider stops answering


@pytest.mark.parametrize("call", ["begin", "finish"])
@pytest.mark.parametrize("works", [True, False], ids=["answer lost", "request lost"])
def test_a_repeated_purchase_charges_once_whatever_was_lost(
    served: Served, kiosk: TestDevice, who: str, call: str, works: bool
):
    kiosk.sign_up(who)
    sale = kiosk.sale(kiosk.recognised(who))
    before = charged(served)
    with Failing(served, call, works=works):
        with pytest.raises(Refused) as refused:
            kiosk.post("/purchases", sale, Purchase, key="sale-key")
        assert refused.value.problem.type is ProblemType.PROVIDER_UNAVAILABLE
    assert kiosk.post("/purchases", sale, Purchase, key="sale-key").outcome == "approved"
    assert charged(served) == before + 1


def test_asking_for_a_purchase_whose_answer_was_lost_finishes_it(
    served: Served, kiosk: TestDevice, who: str
):
    kiosk.sign_up(who)
    sale = kiosk.sale(kiosk.recognised(who))
    before = charged(served)
    with Failing(served, "finish", works=True), pytest.raises(Refused):
        kiosk.post("/purchases", sale, Purchase)
    assert kiosk.get(f"/purchases/{sale.reference}", Purchase).outcome == "approved"
    assert charged(served) == before + 1


def test_a_purchase_that_was_pending_too_long_is_abandoned_unless_it_was_charged(
    served: Served, kiosk: TestDevice, who: str
):
    kiosk.sign_up(who)
    asked, paid = kiosk.sale(kiosk.recognised(who)), kiosk.sale(kiosk.recognised(who))
    before = charged(served)
    # One after the other, because housekeeping would finish both within seconds.
    for sale, works in ((asked, False), (paid, True)):
        with Failing(served, "finish", works=works):
            with pytest.raises(Refused):
                kiosk.post("/purchases", sale, Purchase)
            served.ahead = kiosk.ahead = PURCHASE_PATIENCE + timedelta(minutes=1)
        served.do(settle_purchases(served.context))
        served.ahead = kiosk.ahead = timedelta(0)
    given_up = kiosk.get(f"/purchases/{asked.reference}", Purchase)
    assert (given_up.outcome, given_up.decline_reason) == ("not_paid", "abandoned")
    assert kiosk.get(f"/purchases/{paid.reference}", Purchase).outcome == "approved"
    assert charged(served) == before + 1
