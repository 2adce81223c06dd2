"""What staff see of a gate, and of the venue's system."""

import asyncio
from pathlib import Path

import pytest

from hardware.address import Address
from hardware.gate import SimulatedController
from kiosk.lane import Lane
from kiosk.passages import PassageJournal
from kiosk.screens import Check, Finding, Health, Part
from kiosk.service.client import SignatureService
from kiosk.settings import VenueGateSettings
from kiosk.venue.opening import open_gate
from kiosk.venue.venue import Connection
from kiosk.visits.maintain import lane_checks
from protocol.entry import DoorTold
from protocol.messages import Direction
from protocol.sealed import SealedPath
from tests.support.canned import DEVICE
from tests.support.clocks import HurriedClock, TurnedClock
from tests.support.lanes import ScriptedVenue
from tests.support.log_lines import lines_of
from tests.support.sealed import sealed, state_of

pytestmark = pytest.mark.anyio

DOOR = DoorTold(direction=Direction.EXIT, checks_in=False, redeems=True)


def lane_of(service: SignatureService, *, door: DoorTold | None = DOOR) -> Lane:
    controller = SimulatedController(Address.parse("sim:"))
    journal = PassageJournal(SealedPath(Path("nothing is kept"), bytes(32)))
    lane = Lane(controller, None, None, service, HurriedClock(), journal, None)
    lane.door = door
    return lane


async def test_staff_see_how_the_gate_is(service: SignatureService) -> None:
    lane = lane_of(service)
    told = ("simulated controller", "exit")
    assert lane_checks(lane, DEVICE) == [Check(Part.GATE, Health.GOOD, Finding.AT_DOOR, told)]
    assert isinstance(lane.controller, SimulatedController)
    lane.controller.cut()
    (lost,) = lane_checks(lane, DEVICE)
    assert (lost.health, lost.finding) == (Health.BROKEN, Finding.FAULT)


async def test_a_kiosk_that_stands_at_nothing_tells_how_to_set_it_up(
    service: SignatureService,
) -> None:
    (check,) = lane_checks(lane_of(service, door=None), DEVICE)
    assert check == Check(Part.GATE, Health.BROKEN, Finding.NO_DOOR, (DEVICE.device_id,))


async def test_staff_see_how_the_venues_system_is(service: SignatureService) -> None:
    lane = lane_of(service)
    lane.venue = venue = ScriptedVenue()
    assert lane_checks(lane, DEVICE)[1].finding is Finding.VENUE_ONLINE
    venue.conflicts = 3
    assert lane_checks(lane, DEVICE)[1].values == (3,)
    venue.connection = Connection.AWAY
    assert lane_checks(lane, DEVICE)[1].finding is Finding.VENUE_AWAY
    venue.connection = Connection.NOT_ALLOWED
    assert lane_checks(lane, DEVICE)[1].health is Health.BROKEN


async def test_staff_are_told_to_sign_a_venues_kiosk_on(
    service: SignatureService, tmp_path: Path
) -> None:
    settings, clock = VenueGateSettings(), HurriedClock()
    journal = PassageJournal(sealed(tmp_path / "passages"))
    opening = lambda: open_gate(state_of(tmp_path).files, settings, clock)  # noqa: E731 - as in the assembly
    lane = Lane(None, None, opening, service, clock, journal, None)
    running = asyncio.ensure_future(lane.run())
    await lane.changed.wait()
    running.cancel()
    lane.door = DOOR
    told = Check(Part.VENUE, Health.BROKEN, Finding.VENUE_NOT_SIGNED_ON)
    assert lane_checks(lane, DEVICE)[1:] == [told]


async def test_the_log_is_told_of_each_fault_of_a_line_once_until_it_is_there_again(
    service: SignatureService, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "kiosk.lane")
    lane = lane_of(service)
    controller = lane.controller
    assert isinstance(controller, SimulatedController)
    running = asyncio.ensure_future(lane.run())
    everybody = TurnedClock()
    for act in (controller.cut, controller.cut, controller.mend, controller.cut):
        await everybody.turn(0)
        act()
    await everybody.turn(0)
    running.cancel()
    told = lines_of(caplog, "kiosk.lane")
    lost = "the line to the controller is not there: The simulated controller is not heard."
    assert told[0].startswith(lost)
    assert told[1] == "the line to the controller is there"
    assert told[2].startswith(lost)
    assert len(told) == 3
