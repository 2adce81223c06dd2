"""A till asks whether the shopper has reached an age, and hears that alone."""

import pytest

from kiosk.till.till import Acquisition, SaleResult
from protocol.messages import Age, Customer
from tests.support.shop import VISA, Shop
from tests.support.tills import Json, acquisition, payment, status

pytestmark = pytest.mark.anyio

ALEX = Customer(name_hint="Alex D.", card=VISA)


def asking(message: Json, data: str = "ageOver=18") -> Json:
    """Adds what a till tells the kiosk to a payment or an acquisition."""
    parts = message["SaleToPOIRequest"]
    (body,) = (part for name, part in parts.items() if name != "MessageHeader")
    body["SaleData"]["SaleToPOIData"] = data
    return message


def answered(answer: Json) -> Json:
    """Returns the Response of an answer."""
    parts = answer["SaleToPOIResponse"]
    return next(part["Response"] for name, part in parts.items() if name != "MessageHeader")


async def paid(shop: Shop, message: Json, result: SaleResult) -> tuple[Age | None, Json]:
    """Returns the age that the sale asks for, and the Response."""
    answer = shop.sends(message)
    sale = await shop.takes()
    shop.till.note_payer(sale.reference, ALEX)
    await shop.till.answer(sale.reference, result, card=VISA)
    return sale.over, answered(await answer)


async def test_a_payment_tells_that_the_shopper_has_reached_the_age(shop: Shop):
    over, told = await paid(shop, asking(payment()), SaleResult.APPROVED)
    assert over is Age.EIGHTEEN
    assert told == {"Result": "Success", "AdditionalResponse": "ageOver18=true"}


async def test_a_till_that_does_not_ask_hears_nothing_of_an_age(shop: Shop):
    over, told = await paid(shop, asking(payment(), "other=1"), SaleResult.APPROVED)
    assert over is None
    assert told == {"Result": "Success"}


async def test_what_was_not_seen_is_a_restriction_and_nothing_is_paid(shop: Shop):
    message = asking(payment(), "loyaltyBalance=5&ageOver=21")
    over, told = await paid(shop, message, SaleResult.AGE_NOT_SEEN)
    assert over is Age.TWENTY_ONE
    assert told["ErrorCondition"] == "PaymentRestriction"
    assert told["AdditionalResponse"].endswith("Nothing was charged. ageOver21=false")
    assert "useOtherTerminal" not in told["AdditionalResponse"]


@pytest.mark.parametrize("result", [SaleResult.DECLINED, SaleResult.NOT_PAID])
async def test_nothing_of_an_age_is_told_with_what_was_not_paid(shop: Shop, result: SaleResult):
    _, told = await paid(shop, asking(payment()), result)
    assert "ageOver" not in told["AdditionalResponse"]


@pytest.mark.parametrize("of_age", [True, False])
async def test_an_acquisition_tells_whether_the_shopper_has_reached_it(shop: Shop, of_age: bool):
    answer = shop.sends(asking(acquisition()))
    asked = await shop.takes_request()
    assert asked == Acquisition(asked.reference, "Corner Shop", Age.EIGHTEEN)
    await shop.till.tell_shopper(asked.reference, ALEX, of_age=of_age)
    told = answered(await answer)
    assert told["AdditionalResponse"] == f"ageOver18={'true' if of_age else 'false'}"


async def test_it_is_told_again_after_a_restart(shop: Shop):
    _, told = await paid(shop, asking(payment()), SaleResult.APPROVED)
    await shop.reopens()
    body = (await shop.asks(status("1")))["SaleToPOIResponse"]["TransactionStatusResponse"]
    repeated = body["RepeatedMessageResponse"]["RepeatedResponseMessageBody"]
    assert repeated["PaymentResponse"]["Response"] == told


@pytest.mark.parametrize("message", [payment(), acquisition()], ids=["payment", "acquisition"])
@pytest.mark.parametrize("age", ["16", "", "018", "18 ", "²¹", "18=18"])
async def test_another_age_is_refused_before_the_shopper_is_asked(
    shop: Shop, message: Json, age: str
):
    told = answered(await shop.asks(asking(message, f"ageOver={age}")))
    assert told["ErrorCondition"] == "MessageFormat"
    assert told["AdditionalResponse"] == "ageOver is 18 or 21."
