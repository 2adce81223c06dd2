"""One shopper signs up, pays and leaves."""

from protocol.messages import (
    Card,
    DeletionReceipt,
    DeletionRequest,
    Holdings,
    Outcome,
    Purchase,
    Purpose,
    Side,
)
from tests.support.device import TestDevice, fresh_phone


def test_a_shopper_signs_up_pays_leaves_and_is_not_recognised_any_more(kiosk: TestDevice, who: str):
    phone = fresh_phone()
    account = kiosk.sign_up(who, phone=phone, sides=(Side.LEFT, Side.RIGHT))
    assert account.name_hint == "Alex D."
    assert account.phone_last4 == phone[-4:]
    assert account.card == Card(brand="visa", last4="4242")
    assert account.palms == [Side.LEFT, Side.RIGHT]

    found = kiosk.identify(who)
    assert found.outcome is Outcome.ACCEPTED
    assert found.customer
    assert (found.customer.name_hint, found.customer.card) == ("Alex D.", account.card)

    sale = kiosk.sale(found.identification_id)
    purchase = kiosk.post("/purchases", sale, Purchase)
    assert (purchase.outcome, purchase.amount, purchase.card) == (
        "approved",
        sale.amount,
        account.card,
    )
    assert kiosk.get(f"/purchases/{sale.reference}", Purchase) == purchase

    leaving = kiosk.recognised(who, Purpose.LEAVE)
    holdings = kiosk.get(f"/identifications/{leaving}/holdings", Holdings)
    assert holdings.name_hint == "Alex D."
    assert holdings.phone_last4 == phone[-4:]
    assert sorted(holdings.palms) == [Side.LEFT, Side.RIGHT]
    assert holdings.cards == [account.card]
    assert holdings.purchases == 1

    receipt = kiosk.post("/deletions", DeletionRequest(identification_id=leaving), DeletionReceipt)
    assert "palm signatures: 2" in receipt.erased
    assert len(receipt.retained) == 1
    assert kiosk.identify(who).outcome is Outcome.ASK_AGAIN
