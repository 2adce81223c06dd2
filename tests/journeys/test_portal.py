"""What is done at the kiosk is seen in the portal, and what is said there holds at the kiosk."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from cloud.policy import ATTEMPTS
from kiosk.screens import Approved, ConfirmPurchase, Frozen, NotRecognised
from tests.support.hands import Person
from tests.support.shopper import Shopper
from tests.support.visitor import IS_THERE, PHONE, WHY_NOT, Visitor, chromium

pytestmark = pytest.mark.skipif(not IS_THERE, reason=WHY_NOT)

NUMBER = "2025550123"


@pytest.fixture
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


def test_a_person_is_at_home_in_the_portal_and_at_the_kiosk(
    shopper: Shopper, browser: Browser, ada: Person
) -> None:
    shopper.signs_up(ada, NUMBER)
    phone = Visitor(browser, shopper.portal, PHONE)
    phone.opens("/portal")
    shopper.awaits_message()
    phone.enters("Mobile number", NUMBER)
    phone.enters("Code", shopper.reads_code())
    phone.follows("Purchases")
    phone.reads("There is nothing here")

    shopper.holds_palm_to_pay(ada.left[1])
    shopper.sees(ConfirmPurchase)
    shopper.shows(None)
    shopper.presses("Pay $4.50")
    shopper.sees(Approved)
    shopper.finishes()
    phone.follows("Purchases")
    phone.reads("USD\N{NO-BREAK SPACE}4.50")

    phone.follows("Overview")
    phone.presses("Freeze my palms")
    shopper.holds_palm_to_pay(ada.left[1])
    shopper.sees(Frozen)
    shopper.shows(None)
    shopper.walks_away()
    phone.follows("Purchases")
    phone.reads("Refused: your palms were frozen")

    phone.follows("Overview")
    phone.follows("See what is deleted")
    shopper.awaits_message()
    phone.presses("Send the code")
    phone.enters("Code that deletes", shopper.reads_code())
    phone.reads("Your data is deleted")

    shopper.holds_palm_to_pay(ada.left[1])
    shopper.shows_the_palm_again(ada.left[1], times=ATTEMPTS - 1)
    shopper.sees(NotRecognised)
    shopper.shows(None)
    shopper.walks_away()
