"""Sales that a kiosk has paid with the card itself, as it asks for them: with a token that its
terminal has read, or at the reader that is bound to it."""

import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import select

from cloud.payments.purchases import count_leading_to_the_deleted, settle_purchases
from cloud.payments.tables import LedgerRow
from protocol.messages import (
    AUTHENTICATION_REQUIRED,
    Card,
    CardPurchase,
    CardPurchaseRequest,
    Money,
    ProblemType,
    Purchase,
    ReaderFault,
    Refund,
    RefundRequest,
    Told,
)
from tests.support.books import charged
from tests.support.device import Refused, TestDevice
from tests.support.failing import Failing
from tests.support.served import Served
from tests.support.stripe_api import stripe_in_place_of_the_sandbox
from tests.support.stripe_readers import READER, StripeWithReaders

LUNCH = Money(minor=1250, currency="USD")
VISA = Card(brand="visa", last4="4242")


def with_token(token: str = "tok_visa", **changes: Any) -> CardPurchaseRequest:
    named = {"amount": LUNCH, "reference": f"sale-{secrets.token_hex(8)}", "token": token}
    return CardPurchaseRequest(**{**named, **changes})


def at_reader() -> CardPurchaseRequest:
    return with_token(token=None, reader=READER)  # pyright: ignore[reportArgumentType]


def bought(kiosk: TestDevice, request: CardPurchaseRequest, **how: Any) -> Purchase:
    purchase = kiosk.post("/card-purchases", request, CardPurchase, **how).purchase
    assert purchase is not None
    return purchase


def posted(served: Served, purchase: Purchase) -> list[tuple[str, int]]:
    async def read() -> list[tuple[str, int]]:
        async with served.database.session() as session:
            of_it = LedgerRow.purchase_id == purchase.purchase_id
            rows = await session.scalars(select(LedgerRow).where(of_it).order_by(LedgerRow.id))
            return [(row.kind, row.minor) for row in rows]

    return served.do(read())


# With a token


def test_a_card_that_was_tapped_pays_and_is_told_with_its_brand_and_last_digits(
    served: Served, kiosk: TestDevice
):
    before = charged(served)
    purchase = bought(kiosk, with_token())
    assert (purchase.outcome, purchase.card) == ("approved", VISA)
    assert charged(served) == before + 1
    assert posted(served, purchase) == [("sale", 1250)]
    assert kiosk.get(f"/purchases/{purchase.reference}", Purchase) == purchase


def test_the_same_request_charges_once_and_answers_the_same(served: Served, kiosk: TestDevice):
    before = charged(served)
    request = with_token()
    keys = ["one-and-the-same"] * 3 + ["another-key", "and-another"]
    with ThreadPoolExecutor() as pool:
        answers = set(pool.map(lambda key: bought(kiosk, request, key=key), keys))
    (purchase,) = answers
    assert charged(served) == before + 1
    assert posted(served, purchase) == [("sale", 1250)]


@pytest.mark.parametrize(
    ("token", "reason"),
    [
        ("tok_chargeCustomerFail", "card_declined"),
        ("tok_chargeDeclined", "card_declined"),
        ("tok_threeDSecureRequired", AUTHENTICATION_REQUIRED),
    ],
)
def test_a_card_that_is_declined_charges_nothing(
    served: Served, kiosk: TestDevice, token: str, reason: str
):
    before = charged(served)
    purchase = bought(kiosk, with_token(token))
    assert (purchase.outcome, purchase.decline_reason) == ("declined", reason)
    assert charged(served) == before
    assert posted(served, purchase) == []


@pytest.mark.parametrize("call", ["begin_with_token", "finish"])
@pytest.mark.parametrize("works", [True, False], ids=["answer lost", "request lost"])
def test_a_repeated_request_charges_once_whatever_was_lost(
    served: Served, kiosk: TestDevice, call: str, works: bool
):
    before = charged(served)
    request = with_token()
    with Failing(served, call, works=works):
        with pytest.raises(Refused) as refused:
            bought(kiosk, request, key="sale-key")
        assert refused.value.problem.type is ProblemType.PROVIDER_UNAVAILABLE
    # Housekeeping has no token, and leaves it to whoever has.
    served.do(settle_purchases(served.context))
    purchase = bought(kiosk, request, key="sale-key")
    assert purchase.outcome == "approved"
    assert charged(served) == before + 1
    assert posted(served, purchase) == [("sale", 1250)]


def test_a_sale_whose_request_does_not_come_again_is_ended_without_a_charge(
    served: Served, kiosk: TestDevice
):
    before = charged(served)
    request = with_token()
    with Failing(served, "begin_with_token", works=False), pytest.raises(Refused):
        bought(kiosk, request)
    with pytest.raises(Refused) as refused:
        kiosk.get(f"/purchases/{request.reference}", Purchase)
    assert refused.value.problem.type is ProblemType.PROVIDER_UNAVAILABLE
    ended = kiosk.post(f"/card-purchases/{request.reference}/end", None, Purchase)
    assert (ended.outcome, ended.decline_reason) == ("not_paid", "abandoned")
    assert bought(kiosk, request) == ended, "it is final"
    assert charged(served) == before


def test_what_a_card_has_paid_is_given_back_and_what_the_till_was_told_is_noted(
    served: Served, kiosk: TestDevice
):
    purchase = bought(kiosk, with_token())
    path = f"/purchases/{purchase.reference}"
    told = Told(result="approved").model_dump_json().encode()
    assert kiosk.send("PUT", f"{path}/told", told).status_code == 204
    part = RefundRequest(reference=f"back-{purchase.purchase_id}", amount=None)
    refund = kiosk.post(f"{path}/refunds", part, Refund)
    assert (refund.outcome, refund.card) == ("refunded", VISA)
    assert posted(served, purchase) == [("sale", 1250), ("refund", 1250)]


def test_a_card_that_was_tapped_belongs_to_nobody_who_could_be_deleted(
    served: Served, kiosk: TestDevice
):
    async def leading() -> int:
        async with served.database.session() as session:
            return await count_leading_to_the_deleted(session)

    before = served.do(leading())
    bought(kiosk, with_token())
    bought(kiosk, with_token("tok_chargeCustomerFail"))
    assert served.do(leading()) == before


@pytest.mark.parametrize(
    "changes",
    [{"amount": Money(minor=1251, currency="USD")}, {"token": None, "reader": READER}],
    ids=["another amount", "at a reader"],
)
def test_a_reference_names_one_sale(served: Served, kiosk: TestDevice, changes: dict[str, Any]):
    served.bind(kiosk, READER)
    request = with_token()
    purchase = bought(kiosk, request)
    with stripe_in_place_of_the_sandbox(served, StripeWithReaders()), pytest.raises(Refused) as no:
        bought(kiosk, CardPurchaseRequest(**{**request.model_dump(), **changes}))
    assert no.value.problem.type is ProblemType.CONFLICT
    assert posted(served, purchase) == [("sale", 1250)]
    served.bind(kiosk, None)


def test_a_palm_and_a_card_do_not_pay_the_same_sale(kiosk: TestDevice, who: str):
    kiosk.sign_up(who)
    by_palm = kiosk.sale(kiosk.recognised(who))
    kiosk.post("/purchases", by_palm, Purchase)
    with pytest.raises(Refused) as refused:
        bought(kiosk, with_token(reference=by_palm.reference, amount=by_palm.amount))
    assert refused.value.problem.type is ProblemType.CONFLICT
    by_card = with_token()
    bought(kiosk, by_card)
    sale = kiosk.sale(kiosk.recognised(who), reference=by_card.reference)
    with pytest.raises(Refused) as refused:
        kiosk.post("/purchases", sale, Purchase)
    assert refused.value.problem.type is ProblemType.CONFLICT


@pytest.mark.parametrize(
    ("amount", "kind"),
    [
        (Money(minor=100, currency="EUR"), ProblemType.MALFORMED),
        (Money(minor=30, currency="USD"), ProblemType.NOT_CHARGEABLE),
    ],
    ids=["another currency", "too little"],
)
def test_an_amount_that_cannot_be_charged_is_refused(
    kiosk: TestDevice, amount: Money, kind: ProblemType
):
    with pytest.raises(Refused) as refused:
        bought(kiosk, with_token(amount=amount))
    assert refused.value.problem.type is kind


# At the reader


@pytest.fixture
def api(served: Served, kiosk: TestDevice) -> Iterator[StripeWithReaders]:
    served.bind(kiosk, READER)
    api = StripeWithReaders()
    with stripe_in_place_of_the_sandbox(served, api):
        yield api
    served.bind(kiosk, None)


def test_a_reader_takes_the_card_of_a_sale(
    served: Served, kiosk: TestDevice, api: StripeWithReaders
):
    request = at_reader()
    path = f"/card-purchases/{request.reference}"
    assert kiosk.post("/card-purchases", request, CardPurchase).purchase is None
    assert kiosk.get(path, CardPurchase).purchase is None
    api.tap()
    purchase = kiosk.get(path, CardPurchase).purchase
    assert purchase is not None
    assert (purchase.outcome, purchase.card) == ("approved", VISA)
    assert kiosk.post(f"{path}/end", None, Purchase) == purchase
    assert kiosk.get(f"/purchases/{request.reference}", Purchase) == purchase
    assert posted(served, purchase) == [("sale", 1250)]
    refund = RefundRequest(reference=f"back-{purchase.purchase_id}", amount=None)
    given = kiosk.post(f"/purchases/{request.reference}/refunds", refund, Refund)
    assert given.outcome == "refunded"


def test_a_sale_that_is_ended_before_the_tap_charges_nothing(
    kiosk: TestDevice, api: StripeWithReaders
):
    request = at_reader()
    kiosk.post("/card-purchases", request, CardPurchase)
    ended = kiosk.post(f"/card-purchases/{request.reference}/end", None, Purchase)
    assert (ended.outcome, ended.card) == ("not_paid", None)
    assert (api.waits(), api.charged, api.authorised) == (False, [], [])


def test_a_reader_that_takes_no_card_says_why_and_the_sale_may_be_tried_once_more(
    kiosk: TestDevice, api: StripeWithReaders
):
    request = at_reader()
    api.readers[READER].online = False
    with pytest.raises(Refused) as refused:
        kiosk.post("/card-purchases", request, CardPurchase)
    problem = refused.value.problem
    assert (problem.type, problem.reader) == (ProblemType.READER_UNAVAILABLE, ReaderFault.OFFLINE)
    api.readers[READER].online = True
    assert kiosk.post("/card-purchases", request, CardPurchase).purchase is None
    api.tap()
    assert bought(kiosk, request, key="another-key").outcome == "approved"
    assert api.charged == [1250]


def test_another_device_can_neither_use_the_reader_nor_end_the_sale(
    served: Served, kiosk: TestDevice, api: StripeWithReaders
):
    request, other = at_reader(), served.kiosk()
    kiosk.post("/card-purchases", request, CardPurchase)

    def changes() -> list[str]:
        """Housekeeping looks after a sale that is open, and changes nothing of it."""
        return [asked for asked in api.requests if not asked.startswith("GET ")]

    before = changes()
    path = f"/card-purchases/{request.reference}"
    for ask in (
        lambda: other.post("/card-purchases", at_reader(), CardPurchase),
        lambda: other.get(path, CardPurchase),
        lambda: other.post(f"{path}/end", None, Purchase),
    ):
        with pytest.raises(Refused) as refused:
            ask()
        assert refused.value.problem.type is ProblemType.NOT_FOUND
    assert changes() == before
    kiosk.post(f"{path}/end", None, Purchase)
