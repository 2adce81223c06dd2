"""A shopper begins on their phone, in the portal, and finishes at the kiosk."""

from pathlib import Path

import httpx
import numpy as np

from drawn.card import hold_up
from kiosk.screens import (
    Approved,
    AskConsent,
    ConfirmPurchase,
    EnterCode,
    HoldPalm,
    OfferSecondPalm,
    ScanBegun,
    SignedUp,
    Welcome,
)
from palm.image import Colour
from protocol.messages import BEGUN_MARK
from tests.support.hands import SIZE, Person
from tests.support.phone import Phone, begun_code
from tests.support.shopper import Shopper

NUMBER = "2025550123"


def code_on(page: httpx.Response) -> Colour:
    """Returns what a camera sees of the page with the code."""
    picture = np.full((*SIZE, 3), 118, np.uint8)
    hold_up(picture, BEGUN_MARK + begun_code(page))
    return picture


def test_who_begins_on_the_phone_only_shows_a_code_and_a_palm_and_then_pays(
    shopper: Shopper, ada: Person, tmp_path: Path
) -> None:
    shopper.sees(Welcome)
    shopper.can_press("Sign up")
    phone = Phone(shopper.world.service_url, tmp_path / "service" / "ca.pem")
    begin = "/portal/begin"
    shopper.awaits_message()
    page = phone.sends(phone.opens(begin), begin, phone=NUMBER)
    page = phone.sends(page, f"{begin}/code", code=shopper.reads_code())
    page = phone.sends(page, f"{begin}/consent")
    page = phone.saves_card(phone.sends(page, f"{begin}/card"))
    assert "Visa •••• 4242" in page.text

    shopper.presses("Sign up")
    shopper.sees(AskConsent)
    shopper.presses("I began on my phone")
    shopper.sees(ScanBegun)
    shopper.awaits_message()
    shopper.shows(code_on(page))
    shopper.sees(EnterCode)
    shopper.shows(None)
    shopper.types(shopper.reads_code())
    shopper.sees(HoldPalm)
    shopper.shows(ada.left[0])
    shopper.sees(OfferSecondPalm)
    shopper.shows(None)
    shopper.presses("Skip this")
    shopper.sees(SignedUp)
    shopper.reads("Alex D.")
    shopper.finishes()

    assert "What you began here is over" in phone.opens(f"{begin}/ready").text
    phone.close()
    shopper.holds_palm_to_pay(ada.left[1])
    shopper.sees(ConfirmPurchase)
    shopper.shows(None)
    shopper.presses("Pay $4.50")
    shopper.sees(Approved)
