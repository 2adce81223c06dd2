"""People come to a gate: a store's entrance, and an office's door with a controller of its own."""

import json
from pathlib import Path

import pytest

from cloud.__main__ import main
from hardware.gate import SimulatedController, SimulatedRelease, Verdict
from kiosk.screens import AskAccess, AtGate, GateShut
from tests.journeys.conftest import Opens
from tests.support.hands import Person
from tests.support.shopper import Shopper

PHONE = "2025550123"


def staff(state: Path, *words: str) -> None:
    assert main(["--state", str(state / "service"), "staff", *words]) == 0


def stands_at(state: Path, *door: str) -> None:
    """Has the operator say what the kiosk of a state folder stands at."""
    device = json.loads((state / "identity.json").read_text())["device"]["device_id"]
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
    opens: Opens, tmp_path: Path, ada: Person, capfd: pytest.CaptureFixture[str]
) -> None:
    opens().signs_up(ada, PHONE)
    stands_at(tmp_path, "controller", "Lab")
    people = tmp_path / "people.csv"
    people.write_text(f"phone,person,format,facility,number\n{PHONE},E-1001,wiegand_26,12,4567\n")
    staff(tmp_path, "access-list", str(people))
    assert capfd.readouterr().out.startswith("Given 1,")

    shopper = opens(gate="sim:")
    shopper.sees(AtGate)
    shopper.shows(ada.left[1])
    shopper.sees(AskAccess)
    shopper.reads("a card that ends in 567")
    shopper.shows(None)
    shopper.presses("Use my palm")
    shopper.reads("Welcome")
    controller = shopper.world.gate
    assert isinstance(controller, SimulatedController)
    assert [each.number for each in controller.credentials] == [4567]

    shopper.goes_on()
    controller.answer(Verdict.DENIED)
    shopper.shows(ada.left[2])
    shopper.reads("No access")
    shopper.goes_on()

    controller.cut()
    shopper.sees(GateShut)
    controller.mend()
    shopper.sees(AtGate)

    # The site takes it back, and the palm opens nothing.
    people.write_text("phone,person\n")
    staff(tmp_path, "access-list", "--whole", str(people))
    shopper.shows(ada.left[1])
    shopper.reads("No access here")
    assert len(controller.credentials) == 2
