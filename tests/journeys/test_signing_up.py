"""Everything that can interrupt a sign-up."""

from hardware.terminal import TestCard
from kiosk.screens import (
    AlreadyKnown,
    Deleted,
    EnterCode,
    HoldPalm,
    OfferSecondPalm,
    PresentCard,
    SignedUp,
)
from tests.support.hands import Person
from tests.support.shopper import Shopper

NUMBER = "2025550123"
OTHER_NUMBER = "2025550147"


def test_who_walks_away_leaves_nothing_who_is_warned_can_stay_and_mistakes_can_be_corrected(
    shopper: Shopper, ada: Person
) -> None:
    shopper.comes_to_the_card(NUMBER)
    shopper.walks_away()

    shopper.comes_to_the_code(NUMBER)
    code = shopper.reads_code()
    shopper.types(f"{(int(code) + 1) % 1_000_000:06}")
    shopper.reads("That is not the code.")
    shopper.sees(EnterCode)
    shopper.types(code)

    shopper.sees(PresentCard)
    shopper.hesitates()
    shopper.presses("Stay here")
    shopper.sees(PresentCard)
    shopper.taps(TestCard.REFUSED)
    shopper.reads("That card was not accepted.")
    shopper.sees(PresentCard)
    shopper.taps(TestCard.MASTERCARD)
    shopper.sees(HoldPalm)
    shopper.shows(ada.left[0])
    shopper.sees(OfferSecondPalm)
    shopper.presses("Skip this")

    shopper.sees(SignedUp)
    shopper.reads("Sam R.")


def test_who_is_signed_up_is_told_so_by_palm_and_by_number_and_can_delete_everything(
    shopper: Shopper, ada: Person
) -> None:
    shopper.signs_up(ada, NUMBER)

    shopper.comes_to_the_palm(OTHER_NUMBER)
    shopper.shows(ada.left[1])
    shopper.sees(AlreadyKnown)
    shopper.reads("Your palm is signed up already")
    shopper.shows(None)
    shopper.finishes()

    shopper.comes_to_the_code(NUMBER)
    shopper.types(shopper.reads_code())
    shopper.sees(AlreadyKnown)
    shopper.presses("Delete my data")
    shopper.deletes_by_number(NUMBER)
    shopper.sees(Deleted)
