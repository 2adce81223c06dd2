"""A shopper makes the palm their membership card, and staff see their age once."""

import json
import ssl
from collections.abc import Iterator
from pathlib import Path

import httpx
import numpy as np
import pytest

from drawn.card import hold_up
from kiosk.screens import (
    Approved,
    Collected,
    ConfirmAge,
    ConfirmPurchase,
    EnterMembership,
    EnterPin,
    EnterStaffNumber,
    HoldPalm,
    Maintenance,
    MembershipChanged,
    Points,
    QuestionAnswered,
    ScanMembership,
    ShowDocument,
    ShowMembership,
    Welcome,
)
from palm.image import Colour
from protocol.messages import Age
from tests.journeys.conftest import Opens
from tests.support.hands import SIZE, Person
from tests.support.integrator import Integrator
from tests.support.listener import Listener
from tests.support.served import PATIENCE_S
from tests.support.shopper import Shopper

PIN = "246810"


@pytest.fixture
def listener() -> Iterator[Listener]:
    with Listener() as listener:
        yield listener


def card(code: str) -> Colour:
    picture = np.full((*SIZE, 3), 118, np.uint8)
    hold_up(picture, code)
    return picture


def identifies(shopper: Shopper, hand: Colour) -> None:
    shopper.sees(HoldPalm)
    shopper.shows(hand)


def integrator(state: Path) -> Integrator:
    """Whoever builds on the kiosk's service, with the key that a sandbox prints."""
    ready = json.loads((state / "service" / "service.json").read_text())["ready"]
    trusted = ssl.create_default_context(cafile=ready["ca"])
    http = httpx.Client(base_url=ready["url"], verify=trusted, trust_env=False)
    return Integrator("first", ready["api_key"], http)


def test_the_palm_becomes_the_membership_card(
    opens: Opens, ada: Person, tmp_path: Path, listener: Listener
) -> None:
    shopper = opens(memberships=True)
    shopper.signs_up(ada, "2025550123")
    api = integrator(tmp_path)
    api.post("/webhooks", {"url": listener.url, "events": ["palm.identified"]})

    def is_told(reference: str | None) -> None:
        _, told = listener.hears(PATIENCE_S)
        assert told["data"]["person"] == (None if reference is None else {"reference": reference})

    shopper.presses("Membership card")
    identifies(shopper, ada.left[1])
    shopper.sees(ScanMembership)
    shopper.shows(card("4242424242424242"))
    shopper.reads("That is a payment card.")
    shopper.shows(card("MEMBER-2345"))
    shopper.sees(MembershipChanged)
    shopper.reads("Number ending in 2345")
    shopper.shows(None)
    shopper.finishes()
    is_told(None)

    shopper.world.collect(Points(12, 1262))
    identifies(shopper, ada.left[2])
    shopper.sees(Collected)
    shopper.reads("12 points")
    shopper.reads("Balance: 1,262")
    shopper.shows(None)
    shopper.finishes()
    is_told("MEMBER-2345")

    shopper.presses("Membership card")
    identifies(shopper, ada.left[1])
    shopper.sees(ShowMembership)
    shopper.shows(None)
    shopper.presses("Use another card")
    shopper.sees(ScanMembership)
    shopper.presses("Type the number")
    shopper.sees(EnterMembership)
    shopper.types("9876")
    shopper.presses("Go on")
    shopper.sees(MembershipChanged)
    shopper.reads("Number ending in 9876")
    shopper.finishes()
    is_told("MEMBER-2345")
    assert api.get("/people?reference=MEMBER-2345") == {"people": []}
    assert len(api.get("/people?reference=9876")["people"]) == 1

    agrees(shopper, api, ada.left[2], "9876")
    api.http.close()


def agrees(shopper: Shopper, api: Integrator, hand: Colour, reference: str) -> None:
    """Answers a question of the merchant's own systems with the palm."""
    shopper.shows(hand)
    question = "Release the rental car?"
    (kiosk,) = api.get("/kiosks")["kiosks"]
    wanted = {"kind": "approve", "question": question, "device_id": kiosk["device_id"]}
    request_id = api.post("/palm-requests", wanted)["request_id"]
    shopper.sees(HoldPalm)
    shopper.reads(question)
    shopper.reads("Take your hand away")
    shopper.shows(None)
    shopper.reads("Hold your palm to agree")
    shopper.shows(hand)
    shopper.sees(QuestionAnswered)
    shopper.shows(None)
    shopper.finishes()
    told = api.get(f"/palm-requests/{request_id}")
    assert (told["state"], told["person"]) == ("approved", reference)


def test_staff_see_an_age_once(opens: Opens, ada: Person) -> None:
    shopper = opens()
    shopper.signs_up(ada, "2025550123")
    choose_pin(shopper)

    shopper.world.ring_up(890, Age.EIGHTEEN)
    identifies(shopper, ada.left[1])
    shopper.sees(ShowDocument)
    shopper.shows(None)
    shopper.presses("Staff: go on")
    shopper.sees(EnterPin)
    shopper.types(PIN)
    shopper.presses("Open staff area")
    shopper.sees(EnterStaffNumber)
    shopper.types("17")
    shopper.presses("Go on")
    shopper.sees(ConfirmAge)
    shopper.presses("Over 18")
    pays(shopper)

    shopper.world.ring_up(890, Age.EIGHTEEN)
    identifies(shopper, ada.left[2])
    pays(shopper)


def pays(shopper: Shopper) -> None:
    shopper.sees(ConfirmPurchase)
    shopper.reads("The till is told that you are over 18")
    shopper.shows(None)
    shopper.presses("Pay $8.90")
    shopper.sees(Approved)
    shopper.finishes()


def choose_pin(shopper: Shopper) -> None:
    shopper.presses("Staff")
    shopper.sees(EnterPin)
    for _ in range(2):
        shopper.types(PIN)
        shopper.presses("Save PIN")
    shopper.sees(Maintenance)
    shopper.presses("Go back")
    shopper.sees(Welcome)
