"""People come to a gate: a store's entrance, and an office's door with a controller of its own."""

from pathlib import Path

import pytest

from cloud.__main__ import main
from hardware.gate import SimulatedRelease
from kiosk.screens import AskAccess, AtGate, GateShut
from kiosk.service.identity import Identity
from palm.image import Colour
from tests.journeys.conftest import Opens
from tests.support.hands import Person
from tests.support.office_door import OfficeDoor
from tests.support.sealed import sealed
from tests.support.shopper import Shopper

PHONE = "2025550123"


def staff(state: Path, *words: str) -> None:
    assert main(["--state", str(state / "service"), "staff", *words]) == 0


def stands_at(state: Path, *door: str) -> None:
    """Has the operator say what the kiosk of a state folder stands at."""
    device = Identity.load_or_make(sealed(state / "identity.json")).device_id
    staff(state, "set-door", device, *door)


def times_opened(shopper: Shopper) -> int:
    assert isinstance(shopper.world.gate, SimulatedRelease)
    return shopper.world.gate.times


def test_a_stores_entrance_opens_for_who_has_signed_up_and_for_nobody_else(
    opens: Opens, tmp_path: Path, ada: Person, ben: Person
) -> None:
    opens().signs_up(ada, PHONE)
    stands_at(tmp_path, "relay", "North", "++everyone", "++area", "Store")

    shopper = opens(gate="sim:release")
    shopper.sees(AtGate)
    shopper.reads("Hold your palm here")
    shopper.shows(ada.left[1])
    shopper.reads("Welcome")
    assert times_opened(shopper) == 1
    shopper.goes_on()
    # The next hand takes the answer away.
    shopper.shows(ben.left[0])
    shopper.reads("Not recognised")
    shopper.goes_on()
    # Nobody enters twice.
    shopper.shows(ada.left[2])
    shopper.reads("Already inside")
    assert times_opened(shopper) == 1
    shopper.goes_on()

    shopper.world.hold_service_down()
    shopper.sees(GateShut)
    shopper.reads("Please use your card or ticket")
    shopper.world.bring_service_up()
    shopper.sees(AtGate)


def test_an_offices_controller_decides_about_the_card_that_a_palm_stands_for(
    opens: Opens, tmp_path: Path, ada: Person, ben: Person, capfd: pytest.CaptureFixture[str]
) -> None:
    opens().signs_up(ada, PHONE)
    stands_at(tmp_path, "controller", "Lab")
    people = tmp_path / "people.csv"

    def may_pass(*lines: str) -> None:
        """Has the site say who may."""
        people.write_text("\n".join(("phone,person,format,facility,number,last_day", *lines, "")))
        staff(tmp_path, "access-list", "--whole", str(people))

    may_pass(f"{PHONE},E-1001,wiegand_26,12,4567,")
    assert capfd.readouterr().out.startswith("Given 1,")

    with OfficeDoor(tmp_path, tmp_path) as door:
        shopper = opens(gate=door.address)
        shopper.sees(AtGate)
        shopper.shows(ada.left[1])
        shopper.sees(AskAccess)
        shopper.reads("a card that ends in 567")
        shopper.shows(None)
        door.does("answer green")
        shopper.presses("Use my palm")
        if shopper.reads_one("Welcome", *LATE) != "Welcome":
            shopper.goes_on()
            is_answered(shopper, ada.left[1], "Welcome")
        shopper.goes_on()
        assert set(door.cards) == {"card: wiegand_26, facility 12, number 4567"}

        # A stranger is presented to nobody.
        so_far = len(door.cards)
        is_answered(shopper, ben.left[0], "Not recognised")
        assert len(door.cards) == so_far

        # The controller's words are on the screen, and its decision.
        door.does("answer red")
        is_answered(shopper, ada.left[2], "No access")
        door.does("text See the guard")
        shopper.reads("See the guard")

        door.does("cut")
        shopper.sees(GateShut)
        shopper.reads("Please use your card or ticket")
        door.does("mend")
        door.does("answer green")
        is_answered(shopper, ada.left[1], "Welcome")

        shopper.world.hold_service_down()
        shopper.sees(GateShut)
        shopper.world.bring_service_up()
        shopper.sees(AtGate)

        # What the site says ends, and then it takes it back: the palm stands for no card.
        so_far = len(door.cards)
        may_pass(f"{PHONE},E-1001,wiegand_26,12,4567,2026-01-31")
        is_answered(shopper, ada.left[2], "Expired")
        may_pass()
        is_answered(shopper, ada.left[1], "No access here")
        assert len(door.cards) == so_far


LATE = ("The gate does not open", "No answer from the door", "Please use your card or ticket")
"""What is said on a busy machine, where a controller takes a reader that is late for lost."""


def is_answered(shopper: Shopper, hand: Colour, words: str) -> None:
    """Shows a hand at the gate until that is answered, and takes it away."""
    said = ""
    while said != words:
        shopper.sees(AtGate)
        shopper.shows(hand)
        said = shopper.reads_one(words, *LATE)
        shopper.goes_on()
