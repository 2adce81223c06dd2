"""The main use of the kiosk: sign up, pay by palm, and delete everything."""

from cloud.policy import ATTEMPTS
from hardware.terminal import TestCard
from kiosk.screens import (
    Approved,
    ChooseProof,
    ConfirmDelete,
    ConfirmPurchase,
    Deleted,
    HoldPalm,
    NotRecognised,
    PayWithCard,
)
from tests.support.hands import Person
from tests.support.shopper import Shopper

NUMBER = "2025550123"


def test_a_person_signs_up_pays_is_named_deletes_everything_and_is_not_known_any_more(
    shopper: Shopper, ada: Person, ben: Person
) -> None:
    shopper.signs_up(ada, NUMBER)
    is_not_recognised(shopper, ben)

    shopper.holds_palm_to_pay(ada.left[1])
    shopper.sees(ConfirmPurchase)
    shopper.reads("Alex D.")
    shopper.reads("4242")
    shopper.presses("Pay $4.50")
    shopper.sees(Approved)
    shopper.shows(None)
    shopper.finishes()

    shopper.presses("Delete my data")
    shopper.sees(ChooseProof)
    shopper.presses("Use my palm")
    shopper.sees(HoldPalm)
    shopper.shows(ada.left[1])
    shopper.sees(ConfirmDelete)
    shopper.shows(None)
    shopper.holds("Hold to delete", until=Deleted)
    shopper.finishes()

    is_not_recognised(shopper, ada)


def is_not_recognised(shopper: Shopper, person: Person) -> None:
    shopper.holds_palm_to_pay(person.left[0])
    shopper.shows_the_palm_again(person.left[0], times=ATTEMPTS - 1)
    shopper.sees(NotRecognised)
    shopper.shows(None)
    shopper.presses("Pay another way")
    shopper.sees(PayWithCard)
    shopper.taps(TestCard.MASTERCARD)
    shopper.sees(Approved)
    shopper.reads("Mastercard ending in 4444")
    shopper.finishes()
