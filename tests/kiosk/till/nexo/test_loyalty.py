"""Memberships and points at the till's door."""

import sqlite3

import pytest

from kiosk.screens import Points
from kiosk.till.nexo.answers import NO_MEMBERSHIP
from kiosk.till.nexo.till import ANSWERS_WHOLE
from kiosk.till.till import Acquisition, Collection, Sale, SaleResult
from protocol.messages import Customer, Membership
from tests.support.shop import VISA, Shop
from tests.support.tills import Json, abort, acquisition, enable, loyalty, payment, status, told

pytestmark = pytest.mark.anyio

CARD = Membership(code="2890000012345", scanned=True)
MEMBER = Customer(name_hint="Alex D.", card=VISA, membership=CARD)
STRANGER = Customer(name_hint="Alex D.", card=VISA)
ACCOUNT = {
    "LoyaltyAccountID": {
        "EntryMode": ["File"],
        "IdentificationType": "BarCode",
        "IdentificationSupport": "NoCard",
        "LoyaltyID": "2890000012345",
    },
    "LoyaltyBrand": "Corner Shop",
}
POINTS = {"LoyaltyUnit": "Point", "Value": 12}


def body(answer: Json) -> Json:
    parts = answer["SaleToPOIResponse"]
    return next(part for name, part in parts.items() if name != "MessageHeader")


def with_points(message: Json, value: object = 12, unit: str = "Point", data: str = "") -> Json:
    """Adds what a till says about points to a payment."""
    asked = message["SaleToPOIRequest"]["PaymentRequest"]
    asked["LoyaltyData"] = [{"LoyaltyAmount": {"LoyaltyUnit": unit, "Value": value}}]
    asked["SaleData"]["SaleToPOIData"] = data
    return message


async def pays(
    shop: Shop,
    message: Json,
    customer: Customer = MEMBER,
    result: SaleResult = SaleResult.APPROVED,
) -> tuple[Sale, Json]:
    """Returns the sale and the body of the answer."""
    answer = shop.sends(message)
    sale = await shop.takes()
    shop.till.note_payer(sale.reference, customer)
    assert shop.till.awaits(sale.reference)
    await shop.till.answer(sale.reference, result, card=VISA)
    return sale, body(await answer)


async def collects(
    shop: Shop, message: Json, customer: Customer | None = MEMBER
) -> tuple[Collection, Json]:
    answer = shop.sends(message)
    asked = await shop.takes_request()
    assert isinstance(asked, Collection)
    await shop.till.tell_shopper(asked.reference, customer)
    assert not shop.till.awaits(asked.reference)
    return asked, body(await answer)


async def test_a_payment_tells_the_membership_of_whoever_has_paid(shop: Shop):
    _, answer = await pays(shop, payment())
    assert answer["LoyaltyResult"] == [{"LoyaltyAccount": ACCOUNT}]


async def test_a_number_that_was_typed_is_no_bar_code(shop: Shop):
    typed = CARD.model_copy(update={"scanned": False})
    _, answer = await pays(shop, payment(), MEMBER.model_copy(update={"membership": typed}))
    (result,) = answer["LoyaltyResult"]
    told_as = result["LoyaltyAccount"]["LoyaltyAccountID"]
    assert told_as["IdentificationType"] == "AccountNumber"


async def test_a_shopper_without_a_membership_pays_without_one(shop: Shop):
    _, answer = await pays(shop, payment(), STRANGER)
    assert "LoyaltyResult" not in answer


@pytest.mark.parametrize(
    "result", [SaleResult.DECLINED, SaleResult.NOT_PAID, SaleResult.ANOTHER_WAY]
)
async def test_nothing_is_booked_for_what_was_not_paid(shop: Shop, result: SaleResult):
    _, answer = await pays(shop, with_points(payment()), result=result)
    assert "LoyaltyResult" not in answer


async def test_the_points_that_a_till_sends_are_shown_and_told_again(shop: Shop):
    message = with_points(payment(), data="other=1&loyaltyBalance=1262")
    sale, answer = await pays(shop, message)
    assert sale.points == Points(12, 1262)
    assert answer["LoyaltyResult"] == [{"LoyaltyAccount": ACCOUNT, "LoyaltyAmount": POINTS}]


async def test_a_till_that_says_nothing_about_points_has_none_shown(shop: Shop):
    sale, _ = await pays(shop, payment())
    assert sale.points is None


@pytest.mark.parametrize(
    ("message", "condition", "words"),
    [
        (with_points(payment(), unit="Monetary"), "UnavailableService", "only Point"),
        (with_points(payment(), 1.5), "MessageFormat", "whole number"),
        (with_points(payment(), -1), "MessageFormat", "whole number"),
        (with_points(payment(), 10**9), "MessageFormat", "whole number"),
        (with_points(payment(), "12"), "MessageFormat", "LoyaltyData.0.LoyaltyAmount.Value"),
        (with_points(payment(), data="loyaltyBalance=-1"), "MessageFormat", "loyaltyBalance"),
        (with_points(payment(), data="loyaltyBalance=²"), "MessageFormat", "loyaltyBalance"),
        (loyalty(kind="Redemption"), "UnavailableService", "only Award"),
    ],
)
async def test_what_cannot_be_shown_is_refused_before_the_shopper_is_asked(
    shop: Shop, message: Json, condition: str, words: str
):
    answer = body(await shop.asks(message))
    assert answer["Response"]["ErrorCondition"] == condition
    assert words in answer["Response"]["AdditionalResponse"]


async def test_an_acquisition_tells_the_membership_before_the_amount_is_known(shop: Shop):
    answer = shop.sends(acquisition())
    asked = await shop.takes_request()
    await shop.till.tell_shopper(asked.reference, MEMBER)
    assert body(await answer)["LoyaltyAccount"] == [ACCOUNT]
    sale, paid = await pays(shop, with_points(payment(service_id="2", of=asked.reference)))
    assert sale.acquisition == asked.reference
    assert paid["LoyaltyResult"] == [{"LoyaltyAccount": ACCOUNT, "LoyaltyAmount": POINTS}]


# What the till wants about memberships (LoyaltyHandling)


def handling(message: Json, handling: str) -> Json:
    """Adds what a till wants about memberships to a payment or an acquisition."""
    parts = message["SaleToPOIRequest"]
    if "PaymentRequest" in parts:
        conditions = {"LoyaltyHandling": handling}
        parts["PaymentRequest"]["PaymentTransaction"]["TransactionConditions"] = conditions
    else:
        transaction = parts["CardAcquisitionRequest"]["CardAcquisitionTransaction"]
        transaction["LoyaltyHandling"] = handling
    return message


@pytest.mark.parametrize(
    ("wanted", "shown", "is_told"),
    [
        ("Forbidden", None, False),
        ("Processed", Points(12, 1262), False),
        ("Allowed", Points(12, 1262), True),
        ("Proposed", Points(12, 1262), True),
        ("Required", Points(12, 1262), True),
    ],
)
async def test_a_payment_handles_memberships_as_the_till_wants(
    shop: Shop, wanted: str, shown: Points | None, is_told: bool
):
    message = with_points(payment(), data="loyaltyBalance=1262")
    sale, answer = await pays(shop, handling(message, wanted))
    assert sale.points == shown
    assert sale.members_only == (wanted == "Required")
    result = {"LoyaltyAccount": ACCOUNT, "LoyaltyAmount": POINTS}
    assert answer.get("LoyaltyResult") == ([result] if is_told else None)


async def test_a_payment_that_requires_a_membership_tells_that_there_is_none(shop: Shop):
    message = handling(payment(), "Required")
    _, answer = await pays(shop, message, STRANGER, SaleResult.NO_MEMBERSHIP)
    assert answer["Response"]["ErrorCondition"] == "Cancel"
    assert answer["Response"]["AdditionalResponse"].endswith(NO_MEMBERSHIP)
    assert answer["PaymentResult"]["AmountsResp"]["AuthorizedAmount"] == 0


@pytest.mark.parametrize(
    ("wanted", "is_told"),
    [("Forbidden", False), ("Processed", False), ("Allowed", True), ("Required", True)],
)
async def test_an_acquisition_handles_memberships_as_the_till_wants(
    shop: Shop, wanted: str, is_told: bool
):
    answer = shop.sends(handling(acquisition(), wanted))
    asked = await shop.takes_request()
    assert asked == Acquisition(asked.reference, "Corner Shop", members_only=wanted == "Required")
    await shop.till.tell_shopper(asked.reference, MEMBER)
    found = body(await answer)
    assert found["Response"]["Result"] == "Success"
    assert found.get("LoyaltyAccount") == ([ACCOUNT] if is_told else None)


async def test_an_acquisition_that_requires_a_membership_tells_of_nobody_without_one(shop: Shop):
    answer = shop.sends(handling(acquisition(), "Required"))
    asked = await shop.takes_request()
    await shop.till.tell_shopper(asked.reference, STRANGER)
    found = body(await answer)
    assert found["Response"]["ErrorCondition"] == "Cancel"
    assert found["Response"]["AdditionalResponse"].endswith(NO_MEMBERSHIP)
    assert "PaymentInstrumentData" not in found
    gone = await shop.asks(payment(service_id="2", of=asked.reference))
    assert told(gone) == ("Failure", "NotFound")


@pytest.mark.parametrize("message", [payment(), acquisition()], ids=["payment", "acquisition"])
async def test_what_the_standard_does_not_know_is_refused(shop: Shop, message: Json):
    answer = body(await shop.asks(handling(message, "Perhaps")))
    assert answer["Response"]["ErrorCondition"] == "MessageFormat"
    assert "LoyaltyHandling" in answer["Response"]["AdditionalResponse"]


# Without a payment


async def test_points_are_collected_without_a_payment(shop: Shop):
    asked, answer = await collects(shop, loyalty(12, balance=1262))
    assert asked == Collection(asked.reference, "Corner Shop", Points(12, 1262))
    assert answer["Response"] == {"Result": "Success"}
    assert answer["POIData"]["POITransactionID"]["TransactionID"] == asked.reference
    assert answer["LoyaltyResult"] == [{"LoyaltyAccount": ACCOUNT, "LoyaltyAmount": POINTS}]


@pytest.mark.parametrize("customer", [None, STRANGER], ids=["nobody", "no membership"])
async def test_who_has_shown_no_membership_is_a_failure(shop: Shop, customer: Customer | None):
    _, answer = await collects(shop, loyalty(), customer)
    assert answer["Response"]["ErrorCondition"] == "Cancel"
    assert "LoyaltyResult" not in answer


async def test_collecting_goes_on_with_the_shopper_of_an_acquisition(shop: Shop):
    answer = shop.sends(acquisition())
    first = await shop.takes_request()
    await shop.till.tell_shopper(first.reference, MEMBER)
    await answer
    asked, told_of = await collects(shop, loyalty(12, of=first.reference, service_id="2"))
    assert asked.acquisition == first.reference
    assert told_of["Response"]["Result"] == "Success"
    gone = await shop.asks(loyalty(12, of=first.reference, service_id="3"))
    assert told(gone) == ("Failure", "NotFound")


async def test_collecting_is_ended_by_an_abort_alone(shop: Shop):
    answer = shop.sends(loyalty())
    asked = await shop.takes_request()
    assert told(await shop.asks(enable("AbortTransaction"))) == ("Failure", "NotAllowed")
    ending = shop.sends(abort("1"))
    await shop.till.withdrawn(asked.reference)
    await shop.till.tell_shopper(asked.reference, None)
    assert told(await answer) == ("Failure", "Aborted")
    await ending


async def test_collecting_that_the_kiosk_has_not_taken_yet_is_ended_at_once(shop: Shop):
    answer = shop.sends(loyalty())
    await shop.till.asks()
    await shop.asks(abort("1"))
    assert told(await answer) == ("Failure", "Aborted")


async def test_after_a_restart_collecting_is_over(shop: Shop):
    asking = shop.sends(loyalty())
    await shop.takes_request()
    asking.cancel()
    await shop.reopens()
    assert told(await shop.asks(loyalty())) == ("Failure", "Aborted")


# What is written down


async def test_a_repeated_request_gets_the_membership_again(shop: Shop):
    _, first = await pays(shop, payment())
    assert body(await shop.asks(payment())) == first
    found = body(await shop.asks(status("1")))["RepeatedMessageResponse"]
    assert found["RepeatedResponseMessageBody"]["PaymentResponse"] == first


async def test_a_membership_is_written_down_nowhere_and_the_rest_is_told_for_ever(shop: Shop):
    _, first = await pays(shop, payment())
    await collects(shop, loyalty(service_id="2"))
    written = shop.written()
    assert b"receipt-27908" in written
    assert CARD.code.encode() not in written
    await shop.reopens()
    again = body(await shop.asks(payment()))
    assert again == {name: part for name, part in first.items() if name != "LoyaltyResult"}


async def test_only_the_last_answers_are_kept_whole(shop: Shop):
    await pays(shop, payment())
    for number in range(2, ANSWERS_WHOLE + 2):
        await collects(shop, loyalty(service_id=str(number)))
    assert "LoyaltyResult" not in body(await shop.asks(payment()))
    assert "LoyaltyResult" in body(await shop.asks(loyalty(service_id="2")))


async def test_a_disk_that_stores_nothing_does_not_keep_the_membership_from_the_till(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
):
    def full(reference: str, answer: Json) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(shop.records, "answer", full)
    _, answer = await collects(shop, loyalty())
    assert "LoyaltyResult" in answer
