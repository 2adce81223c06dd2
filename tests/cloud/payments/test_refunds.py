"""A purchase is refunded in full or in part, each refund exactly once, and never more than it."""

import secrets
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from functools import partial

import httpx
import pytest

from cloud.console import acts
from cloud.console.audit import By, Door
from cloud.jobs.housekeeping import run_round
from cloud.payments.refunds import Reason, settle
from cloud.payments.tables import PurchaseRow, RefundRow
from cloud.web.problems import Refusal
from protocol.messages import (
    Card,
    DeletionReceipt,
    DeletionRequest,
    Membership,
    Money,
    ProblemType,
    Purchase,
    Purpose,
    Refund,
    RefundRequest,
    RefundTotal,
)
from tests.support.books import listed
from tests.support.device import Refused, TestDevice
from tests.support.failing import Failing
from tests.support.meanwhile import Meanwhile
from tests.support.served import Served
from tests.support.stripe_api import (
    Answer,
    error,
    listing,
    refund,
    stripe_in_place_of_the_sandbox,
)


def buy(kiosk: TestDevice, who: str, minor: int = 1250, currency: str = "USD") -> Purchase:
    """Signs a person up, who buys something."""
    kiosk.sign_up(who)
    amount = Money(minor=minor, currency=currency)
    return kiosk.post("/purchases", kiosk.sale(kiosk.recognised(who), amount=amount), Purchase)


def asking(minor: int | None = None, currency: str = "USD", **changes: str) -> RefundRequest:
    """A request for a refund: of everything that is left, or of an amount."""
    amount = None if minor is None else Money(minor=minor, currency=currency)
    return RefundRequest(**{"reference": secrets.token_urlsafe(12), **changes}, amount=amount)


def give_back(
    kiosk: TestDevice, bought: Purchase, request: RefundRequest, *, key: str | None = None
) -> Refund:
    return kiosk.post(f"/purchases/{bought.reference}/refunds", request, Refund, key=key)


def tell(kiosk: TestDevice, bought: Purchase, reference: str) -> Refund:
    return kiosk.get(f"/purchases/{bought.reference}/refunds/{reference}", Refund)


def refused(kiosk: TestDevice, bought: Purchase, request: RefundRequest) -> ProblemType:
    with pytest.raises(Refused) as raised:
        give_back(kiosk, bought, request)
    return raised.value.problem.type


def payment_of(served: Served, bought: Purchase) -> str:
    async def read() -> str:
        async with served.database.session() as session:
            row = await session.get_one(PurchaseRow, bought.purchase_id)
            assert row.payment
            return row.payment

    return served.do(read())


async def ask_at_the_console(served: Served, bought: Purchase, *, settles: bool = False) -> str:
    """Asks for 5.00 of a purchase as the console does, and has the refund made if it `settles`.
    Returns the outcome of the refund, or the type of the problem."""
    context = served.context
    async with context.database.session() as session:
        sale = await session.get_one(PurchaseRow, bought.purchase_id)
        by = By(Door.CONSOLE, "somebody of the staff", context.clock())
        can, why = context.payments.chargeable, Reason.RETURNED
        try:
            row = await acts.refund(session, can, by, sale, asking(500), reason=why)
        except Refusal as refusal:
            return refusal.problem.type
        await session.commit()
        if settles:
            await settle(context, session, row)
            await session.commit()
        return row.outcome


def moved(served: Served, bought: Purchase) -> list[int]:
    """Returns the amounts that the provider has refunded of a purchase, in its units."""
    payment = payment_of(served, bought)
    refunds = listed(served, "refunds")
    return [each["amount"] for each in refunds if each["payment_intent"] == payment]


def leave(kiosk: TestDevice, who: str) -> DeletionReceipt:
    request = DeletionRequest(identification_id=kiosk.recognised(who, Purpose.LEAVE))
    return kiosk.post("/deletions", request, DeletionReceipt)


# How much


def test_a_refund_without_an_amount_gives_the_whole_purchase_back(
    served: Served, kiosk: TestDevice, who: str
):
    bought = buy(kiosk, who)
    request = asking()
    given = give_back(kiosk, bought, request)
    assert given == Refund(
        refund_id=given.refund_id,
        reference=request.reference,
        purchase_reference=bought.reference,
        amount=bought.amount,
        outcome="refunded",
        card=Card(brand="visa", last4="4242"),
        at=given.at,
    )
    assert moved(served, bought) == [1250]


def test_parts_of_a_purchase_are_refunded_until_nothing_is_left(
    served: Served, kiosk: TestDevice, who: str
):
    bought = buy(kiosk, who)
    parts = [give_back(kiosk, bought, asking(minor)).amount.minor for minor in (500, 1, None)]
    assert parts == [500, 1, 749]
    assert sorted(moved(served, bought)) == [1, 500, 749]
    assert refused(kiosk, bought, asking()) is ProblemType.NOT_REFUNDABLE


def test_any_kiosk_of_the_merchant_is_told_how_much_was_given_back_in_all(
    served: Served, kiosk: TestDevice, who: str
):
    bought = buy(kiosk, who)
    other = served.kiosk()

    def total(device: TestDevice) -> RefundTotal:
        return device.get(f"/purchases/{bought.reference}/refunds", RefundTotal)

    assert total(kiosk) == RefundTotal(
        purchase_reference=bought.reference, amount=bought.amount, refunded_minor=0
    )
    give_back(kiosk, bought, asking(500))
    give_back(other, bought, asking(1))
    assert total(kiosk).refunded_minor == total(other).refunded_minor == 501
    leave(kiosk, who)
    assert total(kiosk).refunded_minor == 501, "the books keep what was given back"


def test_more_than_is_left_of_a_purchase_is_refused_and_nothing_is_moved(
    served: Served, kiosk: TestDevice, who: str
):
    bought = buy(kiosk, who)
    assert refused(kiosk, bought, asking(1251)) is ProblemType.NOT_REFUNDABLE
    give_back(kiosk, bought, asking(500))
    with pytest.raises(Refused, match="not-refundable") as raised:
        give_back(kiosk, bought, asking(751))
    assert "750 minor units of USD are left" in raised.value.problem.detail
    assert moved(served, bought) == [500]
    assert give_back(kiosk, bought, asking(750)).outcome == "refunded"


def test_a_refund_in_another_currency_than_the_purchases_is_refused(
    served: Served, kiosk: TestDevice, who: str
):
    bought = buy(kiosk, who)
    assert refused(kiosk, bought, asking(1250, "EUR")) is ProblemType.MALFORMED
    assert moved(served, bought) == []


def test_a_purchase_that_was_declined_cannot_be_refunded(kiosk: TestDevice, who: str):
    kiosk.sign_up(who, token="tok_chargeCustomerFail")
    declined = kiosk.post("/purchases", kiosk.sale(kiosk.recognised(who)), Purchase)
    assert refused(kiosk, declined, asking()) is ProblemType.NOT_REFUNDABLE


@dataclass(frozen=True)
class Foreign:
    """A purchase in another currency, of which a part is refunded and then the rest."""

    currency: str
    whole: int
    part: int
    units: tuple[int, int]
    """What the provider is asked for, in its own units."""


@pytest.mark.parametrize(
    "sold",
    [
        Foreign("JPY", 500, 1, (1, 499)),
        Foreign("KWD", 5120, 10, (10, 5110)),
        # Stripe counts hundredths of a króna, which has none.
        Foreign("ISK", 500, 1, (100, 49_900)),
    ],
    ids=lambda sold: sold.currency,
)
def test_parts_are_refunded_exactly_in_currencies_of_no_and_of_three_decimals(
    served: Served,
    who: str,
    sold: Foreign,
):
    kiosk = served.kiosk(served.merchant(currency=sold.currency))
    bought = buy(kiosk, who, sold.whole, sold.currency)
    assert give_back(kiosk, bought, asking(sold.part, sold.currency)).amount.minor == sold.part
    assert give_back(kiosk, bought, asking()).amount.minor == sold.whole - sold.part
    assert sorted(moved(served, bought)) == sorted(sold.units)


def test_an_amount_that_the_provider_does_not_count_is_refused(served: Served, who: str):
    kiosk = served.kiosk(served.merchant(currency="KWD"))
    bought = buy(kiosk, who, 5120, "KWD")
    # Stripe counts thousandths of a dinar in tens.
    with pytest.raises(Refused) as raised:
        give_back(kiosk, bought, asking(15, "KWD"))
    assert raised.value.problem.type is ProblemType.NOT_REFUNDABLE
    assert "multiples of 10 minor units of KWD" in raised.value.problem.detail
    assert moved(served, bought) == []


# Whose


def test_a_purchase_is_refunded_by_every_device_of_its_merchant(
    served: Served, kiosk: TestDevice, who: str
):
    bought, other = buy(kiosk, who), served.kiosk()
    given = give_back(other, bought, asking(500))
    assert moved(served, bought) == [500]
    assert tell(kiosk, bought, given.reference) == tell(other, bought, given.reference) == given


def test_a_purchase_of_another_merchant_and_an_unknown_one_are_not_refunded(
    served: Served, kiosk: TestDevice, who: str
):
    bought = buy(kiosk, who)
    unknown = bought.model_copy(update={"reference": "never-happened"})
    elsewhere = served.kiosk(served.merchant())
    for device, purchase in ((elsewhere, bought), (kiosk, unknown)):
        assert refused(device, purchase, asking()) is ProblemType.NOT_FOUND
    assert moved(served, bought) == []


def test_a_refund_is_told_to_its_merchant_and_with_its_purchase_only(
    served: Served, kiosk: TestDevice, who: str
):
    bought = buy(kiosk, who)
    other = kiosk.post("/purchases", kiosk.sale(kiosk.recognised(who)), Purchase)
    given = give_back(kiosk, bought, asking(500))
    assert tell(kiosk, bought, given.reference) == given
    for device, purchase, reference in (
        (served.kiosk(served.merchant()), bought, given.reference),
        (kiosk, other, given.reference),
        (kiosk, bought, "never-happened"),
    ):
        with pytest.raises(Refused) as raised:
            tell(device, purchase, reference)
        assert raised.value.problem.type is ProblemType.NOT_FOUND


# Once


def test_the_same_refund_sent_again_is_given_once_and_answers_the_same(
    served: Served, kiosk: TestDevice, who: str
):
    bought, request = buy(kiosk, who), asking(500)
    keys = ("one-and-the-same", "one-and-the-same", "another-key")
    first, *others = [give_back(kiosk, bought, request, key=key) for key in keys]
    assert others == [first, first]
    assert moved(served, bought) == [500]


def test_the_same_refund_of_everything_sent_again_is_no_refund_of_what_is_left(
    served: Served, kiosk: TestDevice, who: str
):
    bought, request = buy(kiosk, who), asking()
    give_back(kiosk, bought, asking(500))
    first, second = (give_back(kiosk, bought, request) for _ in range(2))
    assert first == second
    assert sorted(moved(served, bought)) == [500, 750]


def test_a_reference_names_one_refund(served: Served, kiosk: TestDevice, who: str):
    bought, request = buy(kiosk, who), asking(500)
    other = kiosk.post("/purchases", kiosk.sale(kiosk.recognised(who)), Purchase)
    give_back(kiosk, bought, request)
    for purchase, changed in (
        (bought, asking(501, reference=request.reference)),
        (bought, asking(reference=request.reference)),
        (other, request),
    ):
        assert refused(kiosk, purchase, changed) is ProblemType.CONFLICT
    assert (moved(served, bought), moved(served, other)) == ([500], [])


def test_another_device_may_use_the_same_reference(served: Served, who: str):
    bought = {
        device: buy(device, f"{who} {device.id}") for device in (served.kiosk(), served.kiosk())
    }
    for device, purchase in bought.items():
        request = asking(reference="refund-no-1")
        assert give_back(device, purchase, request).outcome == "refunded"


# At once


def test_the_same_refund_sent_many_times_at_once_is_given_once(
    served: Served, kiosk: TestDevice, who: str
):
    bought, request = buy(kiosk, who), asking(500)
    keys = ["one-and-the-same"] * 3 + ["another-key", "and-another"]
    with ThreadPoolExecutor() as pool:
        ask = partial(give_back, kiosk, bought, request)
        first, *others = pool.map(lambda key: ask(key=key), keys)
    assert others == [first] * 4
    assert moved(served, bought) == [500]


def test_refunds_at_once_do_not_exceed_the_purchase_together(
    served: Served, kiosk: TestDevice, who: str
):
    bought = buy(kiosk, who)

    def ask(minor: int | None) -> str:
        try:
            return give_back(kiosk, bought, asking(minor)).outcome
        except Refused as raised:
            return raised.problem.type

    with ThreadPoolExecutor() as pool:
        outcomes = list(pool.map(ask, [500] * 6))
    assert sorted(outcomes) == sorted(["refunded"] * 2 + [ProblemType.NOT_REFUNDABLE] * 4)
    assert moved(served, bought) == [500, 500]


def test_refunds_from_the_console_and_from_a_till_at_once_do_not_exceed_the_purchase(
    served: Served, kiosk: TestDevice, who: str
):
    bought = buy(kiosk, who)

    def from_the_till() -> str:
        try:
            return give_back(kiosk, bought, asking(500)).outcome
        except Refused as raised:
            return raised.problem.type

    def from_the_console() -> str:
        return served.do(ask_at_the_console(served, bought, settles=True))

    with ThreadPoolExecutor() as pool:
        asked = [pool.submit(each) for each in [from_the_console, from_the_till] * 3]
        outcomes = [each.result() for each in asked]
    assert sorted(outcomes) == sorted(["refunded"] * 2 + [ProblemType.NOT_REFUNDABLE] * 4)
    assert moved(served, bought) == [500, 500]


def test_a_refund_under_way_counts_before_the_provider_has_heard_of_it(
    served: Served, kiosk: TestDevice, who: str
):
    bought = buy(kiosk, who)

    def meanwhile() -> None:
        assert refused(kiosk, bought, asking(751)) is ProblemType.NOT_REFUNDABLE
        assert give_back(kiosk, bought, asking()).amount.minor == 750

    with Meanwhile(served, "payments", "refund", meanwhile, before=True) as under_way:
        assert give_back(kiosk, bought, asking(500)).outcome == "refunded"
    assert under_way.happened
    assert sorted(moved(served, bought)) == [500, 750]


def test_a_refund_from_the_console_does_not_slip_into_a_deletion(
    served: Served, kiosk: TestDevice, who: str
):
    bought = buy(kiosk, who)
    membership = Membership(code="4006381333931").model_dump_json().encode()
    path = f"/identifications/{kiosk.recognised(who, Purpose.IDENTIFY)}/membership"
    assert kiosk.send("PUT", path, membership).status_code == 204

    asked: list[Future[str]] = []

    def meanwhile() -> None:
        asked.append(served.start(ask_at_the_console(served, bought)))
        # It waits for the deletion; one that does not is done by then.
        wait(asked, timeout=2)

    # The deletion has made sure that no refund is pending, and is not committed.
    with Meanwhile(served, "events", "note_leaving", meanwhile, before=True) as deletion:
        leave(kiosk, who)
    assert deletion.happened
    assert asked[0].result() == ProblemType.CARD_FORGOTTEN


# When the provider stops answering


@pytest.mark.parametrize("works", [True, False], ids=["answer lost", "request lost"])
@pytest.mark.parametrize("again", ["with its key", "with another key", "by asking", "by itself"])
def test_a_refund_is_given_once_whatever_was_lost_and_however_it_is_asked_for_again(
    served: Served, kiosk: TestDevice, who: str, again: str, works: bool
):
    bought, request = buy(kiosk, who), asking(500)
    with Failing(served, "refund", works=works):
        with pytest.raises(Refused) as raised:
            give_back(kiosk, bought, request, key="refund-key")
        assert raised.value.problem.type is ProblemType.PROVIDER_UNAVAILABLE
        assert raised.value.problem.retry_after
    match again:
        case "with its key":
            give_back(kiosk, bought, request, key="refund-key")
        case "with another key":
            give_back(kiosk, bought, request)
        case "by asking":
            tell(kiosk, bought, request.reference)
        case _:
            served.do(run_round(served.context))
    assert moved(served, bought) == [500]
    assert tell(kiosk, bought, request.reference).outcome == "refunded"


def test_a_purchase_whose_own_outcome_is_in_doubt_is_finished_before_it_is_refunded(
    served: Served, kiosk: TestDevice, who: str
):
    kiosk.sign_up(who)
    sale = kiosk.sale(kiosk.recognised(who))
    path = f"/purchases/{sale.reference}/refunds"
    with Failing(served, "finish", works=True), pytest.raises(Refused):
        kiosk.post("/purchases", sale, Purchase)
    assert kiosk.post(path, asking(), Refund).amount == sale.amount


# When the provider refuses


def fails(served: Served, kiosk: TestDevice, bought: Purchase, request: RefundRequest) -> Refund:
    """Asks for a refund that fails at the provider."""
    refunds = f"GET /refunds?payment_intent={payment_of(served, bought)}&limit=100"
    stolen: Answer = refund("failed", failure_reason="lost_or_stolen_card")
    with stripe_in_place_of_the_sandbox(served) as api:
        api.will(refunds, listing(url="/refunds"))
        api.will("POST /refunds", stolen)
        return give_back(kiosk, bought, request)


def test_a_refund_that_failed_is_told_for_good_and_another_may_be_given(
    served: Served, kiosk: TestDevice, who: str
):
    bought, request = buy(kiosk, who), asking()
    failed = fails(served, kiosk, bought, request)
    assert (failed.outcome, failed.failure_reason) == ("failed", "lost_or_stolen_card")
    assert give_back(kiosk, bought, request) == failed
    assert tell(kiosk, bought, request.reference) == failed
    assert moved(served, bought) == []
    assert give_back(kiosk, bought, asking()).amount == bought.amount


def test_a_revoked_key_fails_a_refund_and_the_log_says_what_to_check(
    served: Served, kiosk: TestDevice, who: str, caplog: pytest.LogCaptureFixture
):
    bought = buy(kiosk, who)
    refunds = f"GET /refunds?payment_intent={payment_of(served, bought)}&limit=100"
    with stripe_in_place_of_the_sandbox(served) as api:
        api.will(refunds, listing(url="/refunds"))
        api.will("POST /refunds", error(401, "invalid_request_error"))
        failed = give_back(kiosk, bought, asking())
    assert (failed.outcome, failed.failure_reason) == ("failed", "authentication_error")
    assert "stripe_key" in caplog.text
    assert f"the purchase {bought.reference} was not refunded" in caplog.text


def test_a_purchase_that_the_provider_does_not_know_any_more_fails_and_keeps_nobody_from_leaving(
    served: Served, kiosk: TestDevice, who: str
):
    bought = buy(kiosk, who)

    async def exchange() -> None:
        async with served.database.session() as session:
            row = await session.get_one(PurchaseRow, bought.purchase_id)
            row.payment = "pi_of_another_account"
            await session.commit()

    served.do(exchange())
    assert give_back(kiosk, bought, asking()).outcome == "failed"
    leave(kiosk, who)


def test_what_the_operator_refunded_at_the_provider_is_not_refunded_again(
    served: Served, kiosk: TestDevice, who: str
):
    bought = buy(kiosk, who)
    httpx.post(
        f"{served.provider_url}/v1/refunds",
        data={"payment_intent": payment_of(served, bought), "amount": 800},
        auth=("sk_test_sandbox", ""),
        trust_env=False,
        verify=False,
    ).raise_for_status()
    failed = give_back(kiosk, bought, asking())
    assert (failed.outcome, failed.failure_reason) == ("failed", "charge_already_refunded")
    assert give_back(kiosk, bought, asking(450)).outcome == "refunded"
    assert sorted(moved(served, bought)) == [450, 800]


# When the person is deleted


def test_a_purchase_of_somebody_who_was_deleted_is_refunded_in_another_way(
    served: Served, kiosk: TestDevice, who: str
):
    bought = buy(kiosk, who)
    payment = payment_of(served, bought)
    leave(kiosk, who)
    with pytest.raises(Refused) as raised:
        give_back(kiosk, bought, asking())
    assert raised.value.problem.type is ProblemType.CARD_FORGOTTEN
    assert "another way" in raised.value.problem.detail
    assert payment not in [each["payment_intent"] for each in listed(served, "refunds")]


def test_a_refund_asked_for_again_after_the_deletion_is_the_same_and_not_another(
    kiosk: TestDevice, who: str
):
    bought, request = buy(kiosk, who), asking(500)
    given = give_back(kiosk, bought, request, key="refund-key")
    leave(kiosk, who)
    for key in ("refund-key", "another-key"):
        assert give_back(kiosk, bought, request, key=key) == given
    assert tell(kiosk, bought, request.reference) == given


def test_nobody_is_deleted_while_a_refund_of_theirs_is_under_way(
    served: Served, kiosk: TestDevice, who: str
):
    bought, request = buy(kiosk, who), asking()

    def meanwhile() -> None:
        with pytest.raises(Refused) as raised:
            leave(kiosk, who)
        assert raised.value.problem.type is ProblemType.CONFLICT
        assert raised.value.problem.retry_after

    with Meanwhile(served, "payments", "refund", meanwhile, before=False) as under_way:
        assert give_back(kiosk, bought, request).outcome == "refunded"
    assert under_way.happened
    leave(kiosk, who)


def test_a_refund_that_failed_is_gone_if_its_person_is_deleted_before_the_answer(
    served: Served, kiosk: TestDevice, who: str
):
    bought, request = buy(kiosk, who), asking()
    failed = fails(served, kiosk, bought, request)

    async def read() -> RefundRow:
        async with served.database.session() as session:
            return await session.get_one(RefundRow, failed.refund_id)

    async def finish(row: RefundRow) -> None:
        async with served.database.session() as session:
            await settle(served.context, session, row)

    row = served.do(read())
    leave(kiosk, who)
    with pytest.raises(Refusal) as refusal:
        served.do(finish(row))
    assert refusal.value.problem.type is ProblemType.NOT_FOUND
    with pytest.raises(Refused) as raised:
        tell(kiosk, bought, request.reference)
    assert raised.value.problem.type is ProblemType.NOT_FOUND
