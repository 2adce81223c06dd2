"""A till's payment that is handed over to the card terminal of the kiosk: one request, one answer,
and one charge at most."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from hardware.faults import TemporaryFault
from hardware.terminal import SimulatedTerminal, StripeReader
from kiosk.screens import (
    Approved,
    Choice,
    ConfirmAge,
    EnterPin,
    Help,
    HoldPalm,
    PalmReaderLost,
    PayWithCard,
    ShowDocument,
    Trouble,
    TroubleKind,
    Welcome,
)
from kiosk.service.client import SignatureService
from kiosk.till.journal import PurchaseJournal
from kiosk.visits.pay_by_card import LOOKS_S
from protocol.messages import CardPurchase, CardSale
from tests.support.canned import Asked, CannedService, HangUp, at_reader, ended
from tests.support.scripted import WAITS, Line, typed
from tests.support.sealed import sealed
from tests.support.shop import Shop
from tests.support.stand import MakeStand, Stand
from tests.support.tills import Json, abort, payment, request, status, told

pytestmark = pytest.mark.anyio

HOME: Line = (Welcome, WAITS)
TO_CARD: list[Line] = [
    HOME,
    (HoldPalm, Choice.HELP),
    (Help(paying=True), Choice.ANOTHER_WAY),
    (PayWithCard, WAITS),
]
AWAITED = len(TO_CARD) - 1
PIN = typed("246810")
UNKNOWN = TroubleKind.PAYMENT_UNKNOWN
LUNCH = payment(12.5)


class Here:
    """A kiosk with a till that speaks Sale to POI, and what its service knows of the card."""

    def __init__(self, stand: MakeStand, canned: CannedService, state: Path) -> None:
        self._stand = stand
        self._canned = canned
        self._state = state
        canned.will("POST /card-purchases", self._begin)

    def begins(self, *script: Line, terminal: object = None) -> tuple[Stand, Shop]:
        """Returns a kiosk that is to be run, over the same folder as those before."""
        shop = Shop(self._state)
        here = self._stand(*script)
        here.kiosk.till = shop.till
        here.kiosk.terminal = terminal or StripeReader("tmr_Counter1")  # pyright: ignore
        return here, shop

    def _begin(self, asked: Asked) -> CardPurchase:
        self.reference: str = asked.json["reference"]
        self._canned.will(self.looks, *[CardPurchase()] * 3)
        return CardPurchase()

    @property
    def looks(self) -> str:
        return f"GET /card-purchases/{self.reference}"

    @property
    def ends(self) -> str:
        return f"POST /card-purchases/{self.reference}/end"

    def will_tell(self, asked: str, outcome: str) -> None:
        """Has the service answer this request with an outcome from now on."""
        self._canned.forget(asked)
        known = {"reference": self.reference}
        if asked == self.looks:
            self._canned.will(asked, *[at_reader(outcome, **known)] * 3)
        else:
            self._canned.will(asked, ended(outcome, **known))


@pytest.fixture
def here(stand: MakeStand, canned: CannedService, tmp_path: Path) -> Here:
    (tmp_path / "till").mkdir()
    return Here(stand, canned, tmp_path / "till")


async def answers(shop: Shop, message: Json, stand: Stand) -> Any:
    """Waits until the kiosk can serve, and returns the task that waits for the answer."""
    while told(await shop.asks(request("Diagnosis", {}))) != ("Success", None):
        await stand.clock.turn(0)
    return shop.sends(message)


async def test_a_card_that_is_taken_is_a_success_with_its_brand_and_last_digits(
    here: Here, canned: CannedService
):
    stand, shop = here.begins(*TO_CARD, (Approved, Choice.DONE), HOME)
    async with stand.running():
        paying = await answers(shop, LUNCH, stand)
        await stand.stage.reached(AWAITED)
        here.will_tell(here.looks, "approved")
        await stand.clock.turn(LOOKS_S)
        answer = await paying
        await stand.stage.reached()
        assert told(answer) == ("Success", None)
        result = answer["SaleToPOIResponse"]["PaymentResponse"]["PaymentResult"]
        assert result["AmountsResp"] == {"Currency": "USD", "AuthorizedAmount": 12.5}
        assert result["PaymentInstrumentData"]["CardData"] == {
            "PaymentBrand": "visa",
            "MaskedPan": "************4242",
        }
        # The same message again is the same answer, and so is the question after it.
        assert await shop.asks(LUNCH) == answer
        asked = await shop.asks(status("1"))
        repeated = asked["SaleToPOIResponse"]["TransactionStatusResponse"][
            "RepeatedMessageResponse"
        ]
        assert (
            repeated["RepeatedResponseMessageBody"]["PaymentResponse"]
            == answer["SaleToPOIResponse"]["PaymentResponse"]
        )
    assert len(canned.requests("POST /card-purchases")) == 1
    assert canned.requests(here.ends) == []


async def test_a_card_of_a_simulated_terminal_is_a_success_too(
    here: Here, canned: CannedService, terminal: SimulatedTerminal
):
    canned.forget("POST /card-purchases")
    stand, shop = here.begins(*TO_CARD, (Approved, Choice.DONE), HOME, terminal=terminal)
    async with stand.running():
        answer = await (await answers(shop, LUNCH, stand))
        await stand.stage.reached()
    assert told(answer) == ("Success", None)


async def test_a_card_that_is_taken_after_staff_have_seen_the_age_tells_that_alone(
    here: Here, canned: CannedService, terminal: SimulatedTerminal
):
    canned.forget("POST /card-purchases")
    to_document: list[Line] = [*TO_CARD[:-1], (ShowDocument, Choice.STAFF), (EnterPin, PIN)]
    seen: list[Line] = [(ConfirmAge, Choice.OVER_21), TO_CARD[-1], (Approved, Choice.DONE), HOME]
    stand, shop = here.begins(*to_document, *seen, terminal=terminal)
    await stand.kiosk.pin.choose(PIN.text)
    asked = payment(12.5)
    asked["SaleToPOIRequest"]["PaymentRequest"]["SaleData"]["SaleToPOIData"] = "ageOver=18"
    async with stand.running():
        answer = await (await answers(shop, asked, stand))
        await stand.stage.reached()
    response = answer["SaleToPOIResponse"]["PaymentResponse"]["Response"]
    assert response == {"Result": "Success", "AdditionalResponse": "ageOver18=true"}


async def test_a_sale_whose_palm_reader_fails_goes_on_with_a_card(
    here: Here, canned: CannedService, terminal: SimulatedTerminal
):
    canned.forget("POST /card-purchases")
    lost: list[Line] = [
        HOME,
        (HoldPalm, TemporaryFault("Unplugged.", "Plug it in.")),
        (PalmReaderLost, Choice.ANOTHER_WAY),
        TO_CARD[-1],
    ]
    stand, shop = here.begins(*lost, (Approved, Choice.DONE), HOME, terminal=terminal)
    async with stand.running():
        answer = await (await answers(shop, LUNCH, stand))
        await stand.stage.reached()
    assert told(answer) == ("Success", None)


@pytest.mark.parametrize(
    ("became", "condition"), [("not_paid", "Aborted"), ("approved", None), ("declined", "Refusal")]
)
async def test_an_abort_while_the_card_is_awaited_tells_what_became_of_it(
    here: Here, canned: CannedService, became: str, condition: str | None
):
    stand, shop = here.begins(*TO_CARD, HOME)
    async with stand.running():
        paying = await answers(shop, LUNCH, stand)
        await stand.stage.reached(AWAITED)
        here.will_tell(here.ends, became)
        aborted = shop.sends(abort("1"))
        answer = await paying
        await aborted
        await stand.stage.reached()
        assert told(answer) == ("Failure" if condition else "Success", condition)
        assert await shop.asks(LUNCH) == answer
    assert len(canned.requests(here.ends)) == 1, "the reader waits no longer"
    assert list(stand.kiosk.journal.pending()) == []


async def test_what_became_of_a_card_is_told_once_the_service_is_there_again(
    here: Here, canned: CannedService
):
    stand, shop = here.begins(*TO_CARD, (Trouble(UNKNOWN, paying=True), WAITS), HOME)
    async with stand.running():
        paying = await answers(shop, LUNCH, stand)
        await stand.stage.reached(AWAITED)
        canned.will(here.ends, *[HangUp()] * 300)
        aborted = shop.sends(abort("1"))
        await stand.stage.reached()
        assert told(await shop.asks(status("1"))) == ("Failure", "InProgress")
        assert not paying.done()
        here.will_tell(here.ends, "approved")
        await stand.clock.turn(stand.kiosk.settings.service_patience.health_s)
        assert told(await paying) == ("Success", None)
        await aborted
    assert list(stand.kiosk.journal.pending()) == []


@pytest.mark.parametrize("became", ["not_paid", "approved", "declined"])
async def test_a_kiosk_that_ends_while_the_card_is_awaited_tells_after_its_next_start(
    here: Here, canned: CannedService, service: SignatureService, authority: Path, became: str
):
    stand, shop = here.begins(*TO_CARD)
    async with stand.running():
        paying = await answers(shop, LUNCH, stand)
        await stand.stage.reached(AWAITED)
    paying.cancel()
    (left,) = PurchaseJournal(sealed(stand.kiosk.settings.state / "purchases")).pending()
    assert isinstance(left.request, CardSale)
    assert canned.requests(here.ends) == [], "it was killed before it could say anything"
    here.will_tell(here.ends, became)
    await service.connect(canned.url, authority)
    stand, shop = here.begins(HOME)
    async with stand.running():
        asked = await answers(shop, LUNCH, stand)
        answer = await asyncio.wait_for(asked, 60)
        conditions = {"not_paid": "Cancel", "approved": None, "declined": "Refusal"}
        assert told(answer)[1] == conditions[became]
    assert len(canned.requests("POST /card-purchases")) == 1
    assert list(stand.kiosk.journal.pending()) == []
