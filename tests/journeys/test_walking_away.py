"""A shopper who walks away from any screen is warned, and a result closes by itself; then the kiosk
is welcoming again."""

from collections.abc import Callable

from cloud.policy import ATTEMPTS
from hardware.terminal import TestCard
from kiosk.screens import (
    Approved,
    AskConsent,
    ChooseProof,
    ConfirmDelete,
    ConfirmPurchase,
    Declined,
    EnterPhone,
    EnterPin,
    Help,
    HoldPalm,
    NotCharged,
    NotRecognised,
    OfferSecondPalm,
    PayAnotherWay,
    SignedUp,
    StaffCalled,
    Welcome,
)
from tests.support.hands import Person
from tests.support.shopper import PATIENCE, Shopper

NUMBER = "2025550123"


def test_from_every_screen_of_signing_up(shopper: Shopper, ada: Person, ben: Person) -> None:
    def to_consent() -> None:
        shopper.presses("Sign up")
        shopper.sees(AskConsent)

    def to_number() -> None:
        to_consent()
        shopper.agrees()
        shopper.sees(EnterPhone)

    def to_second_palm() -> None:
        shopper.comes_to_the_palm("2025550147")
        shopper.shows(ada.left[0])
        shopper.sees(OfferSecondPalm)
        shopper.shows(None)

    def to_the_end() -> None:
        shopper.comes_to_the_palm("2025550159")
        shopper.shows(ben.left[0])
        shopper.sees(OfferSecondPalm)
        shopper.shows(None)
        shopper.presses("Skip this")
        shopper.sees(SignedUp)

    walks_away_from(shopper, to_consent)
    walks_away_from(shopper, to_number)
    walks_away_from(shopper, lambda: shopper.comes_to_the_code("2025550162"), PATIENCE.message_s)
    walks_away_from(shopper, lambda: shopper.comes_to_the_card("2025550171"))
    walks_away_from(shopper, lambda: shopper.comes_to_the_palm("2025550183"))
    walks_away_from(shopper, to_second_palm)
    shopper.holds_palm_to_pay(ada.left[1])
    shopper.sees(ConfirmPurchase)  # the account stands since the first palm
    shopper.shows(None)
    shopper.presses("Cancel payment")
    waits_at(shopper, to_the_end)


def test_from_every_screen_of_paying_deleting_and_asking(
    shopper: Shopper, ada: Person, ben: Person
) -> None:
    shopper.signs_up(ada, NUMBER, TestCard.VISA)

    def to_confirm() -> None:
        shopper.holds_palm_to_pay(ada.left[1])
        shopper.sees(ConfirmPurchase)
        shopper.shows(None)

    def to_approved() -> None:
        to_confirm()
        shopper.presses("Pay $4.50")
        shopper.sees(Approved, Declined)

    def to_not_recognised() -> None:
        shopper.holds_palm_to_pay(ben.left[0])
        shopper.shows_the_palm_again(ben.left[0], times=ATTEMPTS - 1)
        shopper.sees(NotRecognised)
        shopper.shows(None)

    def to_another_way() -> None:
        shopper.world.ring_up(30)
        shopper.sees(NotCharged)
        shopper.presses("Pay another way")
        shopper.sees(PayAnotherWay)

    def to_proof() -> None:
        shopper.presses("Delete my data")
        shopper.sees(ChooseProof)

    def to_deleting() -> None:
        to_proof()
        shopper.presses("Use my palm")
        shopper.sees(HoldPalm)
        shopper.shows(ada.left[1])
        shopper.sees(ConfirmDelete)
        shopper.shows(None)

    def to_help() -> None:
        shopper.presses("Get help")
        shopper.sees(Help)

    def to_staff() -> None:
        to_help()
        shopper.presses("Call staff")
        shopper.sees(StaffCalled)

    def to_pin() -> None:
        shopper.presses("Staff")
        shopper.sees(EnterPin)

    for way in (to_confirm, to_not_recognised, to_proof, to_deleting, to_help, to_pin):
        walks_away_from(shopper, way)
    for way in (to_approved, to_another_way, to_staff):
        waits_at(shopper, way)


def waits_at(shopper: Shopper, come_to: Callable[[], None]) -> None:
    shopper.sees(Welcome)
    come_to()
    shopper.waits_for_the_result_to_close()


def walks_away_from(
    shopper: Shopper, come_to: Callable[[], None], idle_s: float = PATIENCE.idle_s
) -> None:
    shopper.sees(Welcome)
    come_to()
    shopper.walks_away(idle_s)
