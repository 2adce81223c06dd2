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
from tests.cloud.integrations.conftest import Shop, open_shop
from tests.support.device import TestDevice
from tests.support.served import Served


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
        "site_id": shop.site,
        "amount": {"minor": 1250, "currency": "USD"},
        "refunded_minor": 0,
        "outcome": "approved",
        "state": "paid",
        "told": None,
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


def names(shop: Shop, query: str) -> set[str]:
    return {each["purchase_id"] for each in shop.api.get(f"/purchases?{query}")["purchases"]}


def test_purchases_are_found_by_day_place_and_state(served: Served, shop: Shop, who: str):
    shop.kiosk.sign_up(who)
    kept, returned = buy(shop.kiosk, who), buy(shop.kiosk, who, 300)
    part = {"reference": secrets.token_urlsafe(12), "amount": {"minor": 100, "currency": "USD"}}
    shop.api.post(f"/purchases/{returned.purchase_id}/refunds", part)
    both = {kept.purchase_id, returned.purchase_id}
    day = f"{kept.at:%Y-%m-%d}"
    assert names(shop, f"when={day}") == names(shop, f"when={day[:7]}") == both
    for other_time in ("2020-02", "0001-01", "9999-11", "9999-12-30"):
        assert names(shop, f"when={other_time}") == set()
    assert names(shop, f"site_id={shop.site}&device_id={shop.kiosk.id}") == both
    assert names(shop, "state=paid") == both
    assert names(shop, "state=refunded") == {returned.purchase_id}
    other = open_shop(served)
    for foreign in (f"site_id={other.site}", f"device_id={other.kiosk.id}", "site_id=unknown"):
        assert names(shop, foreign) == set()
        assert names(other, foreign) == set()
    assert names(other, f"site_id={shop.site}") == set()
    for wrong in (
        "when=2026-13",
        "when=2026",
        "when=9999-12",
        "site_id=a%00b",
        "state=lost",
        "when=",
    ):
        answer = shop.api.ask("GET", f"/purchases?{wrong}")
        assert (answer.status_code, answer.json()["type"]) == (422, ProblemType.MALFORMED), wrong


def test_a_day_is_added_up_on_its_first_page(shop: Shop, who: str):
    shop.kiosk.sign_up(who)
    bought = [buy(shop.kiosk, who, minor) for minor in (300, 1250)]
    part = {"reference": secrets.token_urlsafe(12), "amount": {"minor": 100, "currency": "USD"}}
    shop.api.post(f"/purchases/{bought[0].purchase_id}/refunds", part)
    month = f"/purchases?when={bought[0].at:%Y-%m}&limit=1"
    first = shop.api.get(month)
    assert first["totals"] == [
        {"currency": "USD", "count": 2, "paid_minor": 1550, "refunded_minor": 100}
    ]
    assert shop.api.get(f"{month}&cursor={first['next']}")["totals"] is None
    assert shop.api.get("/purchases?limit=1")["totals"] is None


def test_a_purchase_has_its_way_from_the_till_to_the_ledger(shop: Shop, who: str):
    shop.kiosk.sign_up(who)
    bought = buy(shop.kiosk, who)
    path = f"/purchases/{bought.purchase_id}"
    part = {"reference": secrets.token_urlsafe(12), "amount": {"minor": 100, "currency": "USD"}}
    shop.api.post(f"{path}/refunds", part | {"reason": "goodwill"})
    steps = {each["stage"]: each for each in shop.api.get(f"{path}/steps")["steps"]}
    assert list(steps) == [
        "asked",
        "recognised",
        "confirmed",
        "paid",
        "not-told",
        "refund-asked",
        "refunded",
    ]
    assert steps["asked"]["told"] == bought.reference
    asked = steps["refund-asked"]
    assert (asked["by"], asked["reason"]) == (shop.api.key.partition(".")[0], "goodwill")
    assert asked["amount"] == steps["refunded"]["amount"] == {"minor": 100, "currency": "USD"}
    assert steps["refunded"]["entry"] > steps["paid"]["entry"]
    assert who not in str(steps)
    assert shop.api.get(path)["state"] == "refunded"
    answer = shop.api.ask("POST", f"{path}/refunds", part | {"reason": "because Alex asked"})
    assert answer.status_code == 422
    assert "Alex" not in answer.text
