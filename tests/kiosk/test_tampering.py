"""Signs of tampering: the till is told once of each, and a grave one has the kiosk lock itself."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

import pytest

from hardware.address import Address
from hardware.camera.feed import Recovering, Streaming
from hardware.enclosure import SimulatedContact
from hardware.faults import TemporaryFault
from hardware.gate import SimulatedController
from kiosk.lock import Seen
from kiosk.screens import Welcome
from kiosk.simulated.till import SimulatedTill
from kiosk.tampering import LASTS_S, LONGEST_PAUSE_S, LOOKS_S, Sign, Watch
from kiosk.till.till import Tampering
from tests.support.clocks import TurnedClock
from tests.support.scripted import WAITS
from tests.support.stand import MakeStand

pytestmark = pytest.mark.anyio

ENCLOSURE = Tampering.ENCLOSURE
LONG = LASTS_S + 2 * LOOKS_S


class Till(SimulatedTill):
    """A till that hears of nothing at first."""

    def __init__(self, deaf_for: int = 0) -> None:
        super().__init__()
        self.told = 0
        self._deaf_for = deaf_for

    async def tampering(self, sign: Tampering) -> bool:
        self.told += 1
        return await super().tampering(sign) if self.told > self._deaf_for else False


def opened(sees: Callable[[], bool], *, grave: bool = False) -> Sign:
    return Sign(ENCLOSURE, lambda: () if sees() else None, grave)


@asynccontextmanager
async def watched(
    sees: Callable[[], bool], till: SimulatedTill, clock: TurnedClock
) -> AsyncGenerator[None]:
    watching = asyncio.create_task(Watch([opened(sees)], till, clock).run())
    yield
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)


async def test_the_till_is_told_once_and_again_when_it_happens_again() -> None:
    contact, till, clock = SimulatedContact(), Till(), TurnedClock()
    async with watched(contact.was_opened, till, clock):
        await clock.turn(60)
        assert till.told == 0
        contact.open()
        await clock.turn(600)
        assert (till.told, till.tampered) == (1, [ENCLOSURE])
        contact.reset()
        await clock.turn(LONG)
        assert till.tampered == []
        contact.open()
        await clock.turn(LONG)
        assert (till.told, till.tampered) == (2, [ENCLOSURE])


async def test_what_is_seen_for_a_moment_is_no_sign() -> None:
    contact, till, clock = SimulatedContact(), Till(), TurnedClock()
    async with watched(contact.was_opened, till, clock):
        for _ in range(10):
            contact.open()
            await clock.turn(LASTS_S - LOOKS_S)
            contact.reset()
            await clock.turn(LOOKS_S)
    assert till.told == 0


async def test_a_till_that_has_not_heard_is_told_again() -> None:
    contact, till, clock = SimulatedContact(), Till(deaf_for=3), TurnedClock()
    contact.open()
    async with watched(contact.was_opened, till, clock):
        await clock.turn(4 * LONGEST_PAUSE_S)
    assert (till.told, till.tampered) == (4, [ENCLOSURE])


async def test_a_contact_that_cannot_be_read_is_no_sign_and_told_to_the_log_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def sees() -> bool:
        raise TemporaryFault("The contact is gone.", "Correct it.")

    till, clock = Till(), TurnedClock()
    with caplog.at_level(logging.ERROR):
        async with watched(sees, till, clock):
            await clock.turn(60)
    assert till.told == 0
    assert caplog.text.count("The contact is gone.") == 1


async def test_a_camera_that_is_pulled_out_is_told_to_the_till_and_one_that_is_back_is_not(
    stand: MakeStand,
) -> None:
    here = stand((Welcome, WAITS))
    async with here.running():
        await here.camera_is(Streaming)
        await here.clock.turn(LONG)
        assert here.till.tampered == []
        here.camera.unplug()
        await here.camera_is(Recovering)
        await here.clock.turn(LONG)
        assert here.till.tampered == [Tampering.CAMERA]
        here.camera.plug_in()
        await here.camera_is(Streaming)
        await here.clock.turn(LONG)
        assert here.till.tampered == []


async def test_a_camera_that_never_was_there_is_no_sign(stand: MakeStand) -> None:
    here = stand((Welcome, WAITS))
    here.camera.unplug()
    async with here.running():
        await here.camera_is(Recovering)
        await here.clock.turn(LONG)
    assert here.till.tampered == []


async def test_the_access_controller_of_a_door_is_told_as_long_as_it_lasts() -> None:
    contact, till, clock = SimulatedContact(), Till(deaf_for=100), TurnedClock()
    controller = SimulatedController(Address.parse("sim:"))
    watch = Watch([opened(contact.was_opened)], till, clock, controller)
    watching = asyncio.create_task(watch.run())
    contact.open()
    await clock.turn(LONG)
    assert controller.is_told_of_tampering
    contact.reset()
    await clock.turn(600 * LONGEST_PAUSE_S)
    assert not controller.is_told_of_tampering
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)


async def test_a_grave_sign_ends_the_watch_once_the_kiosk_is_activated() -> None:
    contact, till, clock = SimulatedContact(), Till(), TurnedClock()
    activated = False
    controller = SimulatedController(Address.parse("sim:"))
    sign = opened(contact.was_opened, grave=True)
    watch = Watch([sign], till, clock, controller, activated=lambda: activated)
    watching = asyncio.create_task(watch.run())
    # Whoever installs a kiosk has it open.
    contact.open()
    await clock.turn(LONG)
    assert (till.told, watching.done()) == (1, False)
    contact.reset()
    await clock.turn(LONG)
    activated = True
    contact.open()
    await clock.turn(LONG)
    assert watching.result() == Seen(sign=ENCLOSURE)
    assert controller.is_told_of_tampering
    assert till.told == 1, "the kiosk tells the till while it locks itself"
