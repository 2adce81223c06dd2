"""npm's @adyen/api-library, unmodified, is the till of a whole kiosk: through its local client,
encrypted, to the real service and its simulated provider.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from hardware.terminal import TestCard
from kiosk.screens import (
    Approved,
    Choice,
    Collected,
    ConfirmAge,
    ConfirmPurchase,
    EnterPin,
    EnterStaffNumber,
    Help,
    HoldPalm,
    NotRecognised,
    PayAnotherWay,
    PayWithCard,
    Points,
    Recognised,
    ScanMembership,
    ShowDocument,
    TillDigits,
    TillMessage,
    Welcome,
)
from kiosk.till.nexo.answers import OTHER_TERMINAL
from kiosk.till.nexo.envelope import SharedKey
from tests.kiosk.test_with_service import Shop
from tests.support.npm_till import DOOR, NpmTill, port_of_its_own
from tests.support.scripted import WAITS, typed
from tests.support.tills import (
    KEY,
    Json,
    abort,
    acquisition,
    display,
    enable,
    input_request,
    loyalty,
    payment,
    print_request,
    request,
    reversal,
    status,
    told,
    write_keys,
)
from tests.support.unhurried import unhurried
from tests.support.warm import warm_starts

pytestmark = [pytest.mark.process, pytest.mark.anyio]


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


class Till:
    """The till's program, as tests on an event loop speak with it."""

    def __init__(self, program: NpmTill) -> None:
        self._program = program

    def sends(self, message: Json, key: SharedKey = KEY) -> asyncio.Future[Json]:
        return asyncio.wrap_future(self._program.sends(message, key))

    async def asks(self, message: Json) -> Any:
        return (await self.sends(message))["answer"]


@pytest.fixture(scope="module")
async def shop(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Shop]:
    state: Path = tmp_path_factory.mktemp("till")
    write_keys(state / "till-keys.toml", KEY)
    with port_of_its_own(), unhurried(), warm_starts():
        # What answers a light is tried elsewhere, and costs more than all that is tried here.
        shop = Shop(state, light="none:", till=DOOR)
        await shop.activated()
        yield shop
        await shop.close()


@pytest.fixture(scope="module")
def till(shop: Shop) -> Iterator[Till]:
    program = NpmTill(shop.kiosk.settings.state / "till-certificate.pem")
    yield Till(program)
    program.close()


async def test_a_kiosk_that_can_serve_says_so(shop: Shop, till: Till):
    await shop.welcome_says(None)
    assert told(await till.asks(request("Diagnosis", {}))) == ("Success", None)


async def test_a_palm_pays_once_however_often_the_till_asks_and_is_given_it_back(
    shop: Shop, till: Till
):
    shop.hand(seed=7)
    await shop.sign_up("2025550131")
    paying = till.sends(payment(4.5))
    await shop.visit(
        None,
        (HoldPalm, WAITS),
        (ConfirmPurchase, lambda: _confirms_while_the_status_is_asked(till)),
        (Approved, Choice.DONE),
    )
    answer = (await paying)["answer"]
    assert told(answer) == ("Success", None)
    body = answer["SaleToPOIResponse"]["PaymentResponse"]
    assert body["PaymentResult"]["AmountsResp"] == {"Currency": "USD", "AuthorizedAmount": 4.5}
    card = body["PaymentResult"]["PaymentInstrumentData"]["CardData"]
    assert card["MaskedPan"].endswith("4242")
    assert await till.asks(payment(4.5)) == answer
    repeated = await till.asks(status("1"))
    found = repeated["SaleToPOIResponse"]["TransactionStatusResponse"]["RepeatedMessageResponse"]
    assert found["RepeatedResponseMessageBody"]["PaymentResponse"] == body
    name = body["POIData"]["POITransactionID"]["TransactionID"]
    assert told(await till.asks(reversal(name, 1.2, "11"))) == ("Success", None)
    assert told(await till.asks(reversal(name, 4.0, "12"))) == ("Failure", "NotAllowed")
    rest = (await till.asks(reversal(name, None, "13")))["SaleToPOIResponse"]
    assert rest["ReversalResponse"]["ReversedAmount"] == 3.3


async def _confirms_while_the_status_is_asked(till: Till) -> Choice:
    assert told(await till.asks(status("1"))) == ("Failure", "InProgress")
    return Choice.CONFIRM


async def test_a_payment_is_aborted_while_the_palm_is_held(shop: Shop, till: Till):
    paying = till.sends(payment(9.9, "2"))
    shop.present(present=False)
    await shop.visit(None, (HoldPalm, lambda: _waits_while_it_is_aborted(till)))
    assert told((await paying)["answer"]) == ("Failure", "Aborted")
    assert told(await till.asks(payment(9.9, "2"))) == ("Failure", "Aborted")
    shop.present(present=True)
    assert (await shop.leave()).purchases == 1


async def _waits_while_it_is_aborted(till: Till) -> Any:
    till.sends(abort("2"))
    return WAITS


async def test_the_till_says_asks_and_hears_who_the_shopper_is_before_they_pay(
    shop: Shop, till: Till
):
    shop.hand(seed=7)
    await shop.sign_up("2025550132")
    saying = till.sends(display("Three for two", "on tomatoes"))
    await shop.visit(None, (TillMessage, Choice.DONE))
    (shown,) = (await saying)["answer"]["SaleToPOIResponse"]["DisplayResponse"]["OutputResult"]
    assert shown["Response"]["Result"] == "Success"

    asking = till.sends(input_request("DigitString", "Member number?", MinLength=4))
    await shop.visit(None, (TillDigits, typed("8675309")))
    entered = (await asking)["answer"]["SaleToPOIResponse"]["InputResponse"]["InputResult"]
    assert entered["Input"]["DigitInput"] == "8675309"

    finding = till.sends(acquisition("21"))
    paying: list[asyncio.Future[Json]] = []

    async def goes_on() -> Any:
        found = (await finding)["answer"]["SaleToPOIResponse"]["CardAcquisitionResponse"]
        card = found["PaymentInstrumentData"]["CardData"]
        assert card["MaskedPan"].endswith("4242")
        name = found["POIData"]["POITransactionID"]["TransactionID"]
        paying.append(till.sends(payment(2.5, "22", of=name)))
        return WAITS

    await shop.visit(
        None,
        (HoldPalm, WAITS),
        (Recognised, goes_on),
        (Welcome, WAITS),
        (ConfirmPurchase, Choice.CONFIRM),
        (Approved, Choice.DONE),
    )
    assert told((await paying[0])["answer"]) == ("Success", None)

    printing = till.sends(print_request("Total 2.50"))
    await shop.visit(None, (TillMessage, Choice.DONE))
    printed = (await printing)["answer"]["SaleToPOIResponse"]["PrintResponse"]
    assert printed["Response"]["Result"] == "Success"
    assert told(await till.asks(enable("AbortTransaction"))) == ("Success", None)
    assert (await shop.leave()).purchases == 1


async def test_the_palm_is_a_membership_card_and_is_paid_with_as_one(shop: Shop, till: Till):
    shop.hand(seed=7)
    await shop.sign_up("2025550133")
    collecting = till.sends(loyalty(12, 1262, "41"))
    await shop.visit(
        None,
        (HoldPalm, WAITS),
        (ScanMembership, shop.hold_card("MEMBER-000007")),
        (Collected("Corner Shop", Points(12, 1262)), Choice.DONE),
    )
    shop.hold_card(None)()
    booked = (await collecting)["answer"]["SaleToPOIResponse"]["LoyaltyResponse"]
    (result,) = booked["LoyaltyResult"]
    assert result["LoyaltyAmount"] == {"LoyaltyUnit": "Point", "Value": 12}
    assert result["LoyaltyAccount"]["LoyaltyAccountID"]["LoyaltyID"] == "MEMBER-000007"

    drinks = payment(8.9, "42")
    drinks["SaleToPOIRequest"]["PaymentRequest"]["SaleData"]["SaleToPOIData"] = "ageOver=18"
    await shop.kiosk.pin.choose("246810")
    paying = till.sends(drinks)
    await shop.visit(
        None,
        (HoldPalm, WAITS),
        (ShowDocument, Choice.STAFF),
        (EnterPin, typed("246810")),
        (EnterStaffNumber, typed("17")),
        (ConfirmAge, Choice.OVER_18),
        (ConfirmPurchase, Choice.CONFIRM),
        (Approved, Choice.DONE),
    )
    paid = (await paying)["answer"]["SaleToPOIResponse"]["PaymentResponse"]
    assert paid["Response"] == {"Result": "Success", "AdditionalResponse": "ageOver18=true"}
    assert paid["LoyaltyResult"] == [{"LoyaltyAccount": result["LoyaltyAccount"]}]
    held = await shop.leave()
    assert (held.purchases, held.memberships, held.ages) == (1, 1, 1)


async def test_a_shopper_who_pays_another_way_is_handed_over(shop: Shop, till: Till):
    shop.hand(seed=8)
    paying = till.sends(payment(1.5, "3"))
    await shop.visit(
        None,
        *[(HoldPalm, WAITS)] * 3,
        (NotRecognised, Choice.ANOTHER_WAY),
        (PayWithCard, Choice.ANOTHER_WAY),
        (PayAnotherWay, Choice.DONE),
    )
    answer = (await paying)["answer"]
    assert told(answer) == ("Failure", "PaymentRestriction")
    body = answer["SaleToPOIResponse"]["PaymentResponse"]["Response"]
    assert OTHER_TERMINAL in body["AdditionalResponse"]


async def test_a_shopper_who_prefers_another_way_taps_a_card_in_the_same_payment(
    shop: Shop, till: Till
):
    paying = till.sends(payment(1.75, "31"))
    await shop.visit(
        None,
        (HoldPalm, Choice.HELP),
        (Help, Choice.ANOTHER_WAY),
        (PayWithCard, shop.tap(TestCard.MASTERCARD)),
        (Approved, Choice.DONE),
    )
    answer = (await paying)["answer"]
    assert told(answer) == ("Success", None)
    result = answer["SaleToPOIResponse"]["PaymentResponse"]["PaymentResult"]
    assert result["PaymentInstrumentData"]["CardData"] == {
        "PaymentBrand": "mastercard",
        "MaskedPan": "************4444",
    }
    assert await till.asks(payment(1.75, "31")) == answer


async def test_an_abort_while_the_card_is_awaited_charges_nothing(shop: Shop, till: Till):
    def aborts() -> object:
        till.sends(abort("32"))
        return WAITS

    paying = till.sends(payment(1.75, "32"))
    await shop.visit(
        None,
        (HoldPalm, Choice.HELP),
        (Help, Choice.ANOTHER_WAY),
        (PayWithCard, aborts),
    )
    assert told((await paying)["answer"]) == ("Failure", "Aborted")


@pytest.mark.parametrize(
    ("key", "words"),
    [
        (KEY.model_copy(update={"version": 2}), "Expected is 'till' version 1"),
        (KEY.model_copy(update={"identifier": "other"}), "Expected is 'till' version 1"),
        (KEY.model_copy(update={"passphrase": "not the one of this till"}), "another passphrase"),
    ],
    ids=["version", "identifier", "passphrase"],
)
async def test_a_wrong_key_is_told_to_the_till(shop: Shop, till: Till, key: SharedKey, words: str):
    answer = await till.sends(payment(), key)
    assert "400" in answer["error"]
    assert words in answer["body"]
