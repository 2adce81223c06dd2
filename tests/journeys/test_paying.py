"""Everything that can interrupt a purchase; none is lost or made twice."""

from hardware.terminal import TestCard
from kiosk.screens import (
    Approved,
    ConfirmDelete,
    ConfirmPurchase,
    Declined,
    HoldPalm,
    PalmReaderLost,
    PayAnotherWay,
    Trouble,
    Welcome,
)
from tests.journeys.conftest import Opens
from tests.support.hands import Person
from tests.support.shopper import PATIENCE_S, Shopper

NUMBER = "2025550123"


def test_a_cancelled_purchase_charges_nothing_and_a_declined_card_leads_to_another_way_to_pay(
    shopper: Shopper, ada: Person
) -> None:
    shopper.signs_up(ada, NUMBER, TestCard.DECLINES)

    shopper.holds_palm_to_pay(ada.left[1])
    shopper.sees(ConfirmPurchase)
    shopper.shows(None)
    shopper.presses("Cancel payment")
    has_bought(shopper, ada, 0)
    shopper.shows(None)

    shopper.holds_palm_to_pay(ada.left[1])
    shopper.sees(ConfirmPurchase)
    shopper.shows(None)
    shopper.presses("Pay $4.50")
    shopper.sees(Declined)
    shopper.presses("Pay another way")

    shopper.sees(PayAnotherWay)


def test_a_pulled_camera_and_a_killed_service_are_waited_for_and_the_card_is_charged_exactly_once(
    opens: Opens, ada: Person
) -> None:
    # On a busy machine a service takes longer to start than a shopper should wait.
    shopper = opens(service_patience={"purchase_deadline_s": 2 * PATIENCE_S})
    shopper.signs_up(ada, NUMBER)
    assert shopper.world.camera

    shopper.holds_palm_to_pay(ada.left[1])
    shopper.world.camera.unplug()
    shopper.sees(PalmReaderLost)
    shopper.world.camera.plug_in()
    shopper.keeps_pressing("Try again", until=ConfirmPurchase)
    shopper.reads("Alex D.")
    shopper.shows(None)

    shopper.presses("Pay $4.50")
    shopper.world.kill_service()
    shopper.sees(Approved)
    shopper.finishes()

    has_bought(shopper, ada, 1)


def test_a_network_that_is_gone_when_confirming_charges_nothing(opens: Opens, ada: Person) -> None:
    shopper = opens(service_patience={"purchase_deadline_s": 2, "health_s": 0.5})
    shopper.signs_up(ada, NUMBER)

    shopper.holds_palm_to_pay(ada.left[1])
    shopper.sees(ConfirmPurchase)
    shopper.shows(None)
    shopper.world.cut_network()
    shopper.presses("Pay $4.50")
    shopper.sees(Trouble)
    shopper.reads("Nothing was charged.")
    shopper.presses("Stop here")
    shopper.world.mend_network()

    has_bought(shopper, ada, 0)


def has_bought(shopper: Shopper, person: Person, purchases: int) -> None:
    """Checks the number on the screen that lists what is stored about a person."""
    shopper.sees(Welcome)
    shopper.presses("Delete my data")
    shopper.presses("Use my palm")
    shopper.sees(HoldPalm)
    shopper.shows(person.left[1])
    shopper.sees(ConfirmDelete)
    shopper.reads(f"Your name on your purchases: {purchases}")
    shopper.presses("Keep my data")
    shopper.sees(Welcome)
