"""Journeys at a kiosk whose light ring every palm has to answer, with a hand and a recording."""

from kiosk.screens import (
    Approved,
    ConfirmDelete,
    ConfirmPurchase,
    HoldPalm,
    NotRecognised,
    OfferSecondPalm,
    PalmReaderLost,
    PayAnotherWay,
    PayWithCard,
    SignedUp,
    Welcome,
)
from tests.support.shopper import Shopper

NUMBER = "2025550123"


def test_a_living_hand_signs_up_and_pays_and_again_when_the_ring_was_pulled_out(
    shopper_at_a_ring: Shopper,
) -> None:
    shopper = shopper_at_a_ring
    signs_up(shopper)

    comes_to_pay(shopper)
    shopper.shows_drawn_hand(present=True)
    shopper.sees(ConfirmPurchase)
    shopper.reads("Alex D.")
    shopper.presses("Pay $4.50")
    shopper.sees(Approved)
    shopper.finishes()

    assert shopper.world.light
    shopper.world.light.unplug()
    shopper.presses("Try a purchase")
    shopper.sees(PalmReaderLost)
    shopper.reads("Nothing was charged.")
    shopper.world.light.plug_in()
    shopper.keeps_pressing("Try again", until=ConfirmPurchase)


def test_a_recording_is_told_what_to_do_and_neither_signs_up_nor_pays(
    shopper_at_a_ring: Shopper,
) -> None:
    shopper = shopper_at_a_ring
    shopper.comes_to_the_palm(NUMBER)
    shopper.shows_drawn_hand(present=True, recording=True)
    shopper.reads("Your bare hand, please")
    shopper.shows_drawn_hand_again(recording=False)
    skips_the_second_palm(shopper)

    comes_to_pay(shopper)
    shopper.shows_drawn_hand(present=True, recording=True)
    shopper.reads("Your bare hand, please")
    shopper.shows_drawn_hand_again()
    shopper.reads("Your bare hand, please")
    shopper.shows_drawn_hand_again()
    shopper.sees(NotRecognised)
    shopper.reads("nothing was charged")
    shopper.presses("Pay another way")
    shopper.sees(PayWithCard)
    shopper.presses("Pay at the till")
    shopper.sees(PayAnotherWay)
    shopper.finishes()

    shopper.shows_drawn_hand(recording=False)
    has_bought_nothing(shopper)


def signs_up(shopper: Shopper) -> None:
    shopper.comes_to_the_palm(NUMBER)
    shopper.shows_drawn_hand(present=True)
    skips_the_second_palm(shopper)


def skips_the_second_palm(shopper: Shopper) -> None:
    shopper.sees(OfferSecondPalm)
    shopper.shows_drawn_hand(present=False)
    shopper.presses("Skip this")
    shopper.sees(SignedUp)
    shopper.finishes()


def comes_to_pay(shopper: Shopper) -> None:
    shopper.presses("Try a purchase")
    shopper.sees(HoldPalm)


def has_bought_nothing(shopper: Shopper) -> None:
    """Checks it on the screen that lists what is stored about a person."""
    shopper.sees(Welcome)
    shopper.presses("Delete my data")
    shopper.presses("Use my palm")
    shopper.sees(ConfirmDelete)
    shopper.reads("Your name on your purchases: 0")
