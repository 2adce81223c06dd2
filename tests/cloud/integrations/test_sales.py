"""Purchases and refunds, as an integrator sees them."""

import secrets

from protocol.messages import (
    DeletionReceipt,
    DeletionRequest,
    ProblemType,
    Purchase,
    Purpose,
    Refund,
    RefundRequest,
)
from tests.cloud.integrations.conftest import Shop
from tests.support.device import TestDevice


def buy(kiosk: TestDevice, who: str, minor: int = 1250) -> Purchase:
    return kiosk.post("/purchases", kiosk.sale(kiosk.recognised(who), minor), Purchase)


def test_purchases_are_listed_in_pages_the_newest_first(shop: Shop, who: str):
    shop.kiosk.sign_up(who)
    bought = [buy(shop.kiosk, who, minor) for minor in (100, 200, 1250)]
    page = shop.api.get("/purchases?limit=2")
    assert [each["amount"]["minor"] for each in page["purchases"]] == [1250, 200]
    last = shop.api.get(f"/purchases?limit=2&cursor={page['next']}")
    assert [each["purchase_id"] for each in last["purchases"]] == [bought[0].purchase_id]
    assert last["next"] is None
    for cursor in ("x", "////", "eA=="):
        answer = shop.api.ask("GET", f"/purchases?cursor={cursor}")
        assert answer.json()["type"] == ProblemType.MALFORMED
    names_its_buyer_by_the_merchants_own_reference_alone(shop, who, bought[2])


def names_its_buyer_by_the_merchants_own_reference_alone(shop: Shop, who: str, bought: Purchase):
    path = f"/purchases/{bought.purchase_id}"
    assert shop.api.get(path)["person"] is None
    people = "/people?reference=F%20%2F7"
    assert shop.api.get(people) == {"people": []}
    shop.link(who, "F /7")
    told = shop.api.get(path)
    told.pop("at")
    assert told == {
        "purchase_id": bought.purchase_id,
        "reference": bought.reference,
        "device_id": shop.kiosk.id,
        "amount": {"minor": 1250, "currency": "USD"},
        "refunded_minor": 0,
        "outcome": "approved",
        "decline_reason": None,
        "card": {"brand": "visa", "last4": "4242", "expired": False},
        "person": "F /7",
    }
    (found,) = shop.api.get(f"/purchases?reference={bought.reference}")["purchases"]
    assert found["person"] == "F /7"
    (person,) = shop.api.get(people)["people"]
    assert person.keys() == {"reference", "linked_at"}
    leaving = DeletionRequest(identification_id=shop.kiosk.recognised(who, Purpose.LEAVE))
    shop.kiosk.post("/deletions", leaving, DeletionReceipt)
    assert shop.api.get(path)["person"] is None
    assert shop.api.get(people) == {"people": []}


def test_a_refund_is_given_once_and_never_more_than_is_left(shop: Shop, who: str):
    shop.kiosk.sign_up(who)
    bought = buy(shop.kiosk, who)
    path = f"/purchases/{bought.purchase_id}/refunds"
    part = {"reference": "our-refund-1", "amount": {"minor": 500, "currency": "USD"}}
    first = shop.api.post(path, part, once="refund-1")
    assert first["outcome"] == "refunded"
    assert shop.api.post(path, part, once="refund-1") == first
    assert shop.api.post(path, part)["refund_id"] == first["refund_id"], "by its reference"
    assert shop.api.get(f"/purchases/{bought.purchase_id}")["refunded_minor"] == 500
    more = part | {"reference": "our-refund-2", "amount": {"minor": 751, "currency": "USD"}}
    answer = shop.api.ask("POST", path, more)
    assert answer.json()["type"] == ProblemType.NOT_REFUNDABLE
    rest = RefundRequest(reference=secrets.token_urlsafe(12))
    at_kiosk = shop.kiosk.post(f"/purchases/{bought.reference}/refunds", rest, Refund)
    assert at_kiosk.amount.minor == 750
