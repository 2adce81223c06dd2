"""A stadium's gate at a real pretix, from the code that staff show to the tickets that palms stand
for. `./run pretix` installs it in an environment of its own."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from drawn.card import hold_up
from kiosk.screens import (
    AtGate,
    ChooseList,
    EnterPin,
    GateShut,
    Maintenance,
    ScanDevice,
    ScanTicket,
)
from kiosk.settings import GatePatience, VenueGateSettings
from tests.journeys.conftest import Opens
from tests.journeys.test_gate import PHONE, is_answered, stands_at, times_opened
from tests.support.hands import SIZE, Person
from tests.support.shopper import Shopper
from venue.event import EVENT, Festival, festival
from venue.server import Gate, Server, is_installed, running

pytestmark = [
    pytest.mark.process,
    pytest.mark.skipif(not is_installed(), reason="pretix is not there: ./run pretix installs it"),
]

PIN = "246810"
VENUE = VenueGateSettings(patience=GatePatience(answer_s=20))
"""pretix may take long on a busy machine."""


@pytest.fixture
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("pretix"), (Gate("Gate A"),)) as opened:
        yield opened


def shows_code(shopper: Shopper, code: str) -> None:
    picture = np.full((*SIZE, 3), 118, np.uint8)
    hold_up(picture, code)
    shopper.shows(picture)


def shows_ticket(shopper: Shopper, code: str, words: str) -> None:
    """Shows a ticket at the gate until that is answered, and takes it away."""
    shopper.sees(AtGate)
    shows_code(shopper, code)
    shopper.reads(words)
    shopper.goes_on()


def signs_on(shopper: Shopper, server: Server) -> None:
    """Staff make the kiosk the device of the gate."""
    shopper.sees(GateShut)
    shopper.reads("not set up yet")
    shopper.presses("Staff")
    shopper.sees(EnterPin)
    for _ in range(2):
        shopper.types(PIN)
        shopper.presses("Save PIN")
    shopper.sees(Maintenance)
    shopper.reads("The kiosk is no device of pretix yet.")
    shopper.presses("Sign on at pretix")
    shopper.sees(ScanDevice)
    shows_code(shopper, "a ticket of somebody's")
    shopper.reads("This is no code of pretix's for a device.")
    shows_code(shopper, server.code(server.gates[0]))
    shopper.sees(ChooseList)
    shopper.reads("In pretix, this kiosk is Kiosk at Gate A, at Gate A.")
    shopper.shows(None)
    shopper.presses("Palm Festival: Main entrance")


def test_a_stadiums_gate_redeems_the_ticket_that_a_palm_stands_for(
    opens: Opens, tmp_path: Path, server: Server, qtbot: QtBot, two_people: tuple[Person, Person]
) -> None:
    ada, ben = two_people
    event = festival(server)
    opens().signs_up(ada, PHONE)
    stands_at(tmp_path, "venue", "North")
    shopper = opens(gate="sim:release", venue=VENUE)
    signs_on(shopper, server)

    # A stranger's palm is nobody's, and their ticket is as good as ever.
    shopper.sees(AtGate)
    is_answered(shopper, ben.left[0], "Not recognised")
    shopper.reads("Or show the code of your ticket.")
    shows_ticket(shopper, event.tickets["day 2"].secret, "Welcome")

    # The ticket is shown once, and then the palm stands for it.
    shopper.shows(ada.left[1])
    shopper.sees(ScanTicket)
    shows_code(shopper, event.tickets["day 1"].secret)
    shopper.reads("Welcome")
    shopper.goes_on()
    assert times_opened(shopper) == 2
    shopper.shows(ada.left[2])
    shopper.reads("Already used")
    shopper.reads("at Gate A. Please ask a steward.")
    shopper.goes_on()
    assert (passages(server, event, "day 1"), passages(server, event, "day 2")) == (1, 1)

    # While pretix is away, the downloaded list decides, and pretix is told afterwards.
    server.stop()
    shows_ticket(shopper, event.tickets["day 3"].secret, "Welcome")
    shows_ticket(shopper, event.tickets["day 3"].secret, "Already used")
    is_answered(shopper, ada.left[1], "Already used")
    server.start()
    qtbot.waitUntil(lambda: passages(server, event, "day 3") == 1, timeout=100_000)

    order = event.tickets["day 1"].order
    cancelled = server.api.post(
        f"/events/{EVENT}/orders/{order}/mark_canceled/", json={"send_email": False}
    )
    assert cancelled.status_code == 200
    is_answered(shopper, ada.left[2], "Ticket cancelled")
    assert times_opened(shopper) == 3

    shopper.world.hold_service_down()
    shopper.sees(GateShut)
    shopper.reads("Please use your card or ticket")
    shopper.world.bring_service_up()
    shopper.sees(AtGate)


def passages(server: Server, event: Festival, ticket: str) -> int:
    """Returns how often pretix has seen a ticket used."""
    path = f"/events/{EVENT}/checkinlists/{event.main}/positions/{event.tickets[ticket].position}/"
    return len(server.api.get(path).json()["checkins"])
