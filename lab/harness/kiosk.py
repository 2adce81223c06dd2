"""A camera and a ring as they stand in a kiosk, read by the kiosk's own reader.

The challenge is drawn here, as the service draws it, so that a test needs no service; that what
was seen in white was committed to before is the service's affair (`protocol.binding`), and no part
of this test.
"""

import asyncio
import os
import secrets
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from hardware.camera.feed import Feed
from hardware.faults import DeviceFault
from kiosk.capture.eyes import Eyes
from kiosk.capture.guidance import Instruction
from kiosk.capture.light_challenge import Challenger
from kiosk.capture.reader import PalmReader
from kiosk.devices import attach
from kiosk.screens import Bill, HoldPalm, Indicated, Screen, StillThere
from lab.harness.product import Shown
from protocol.capture import Burst
from protocol.challenge import SEED_BYTES
from protocol.encoding import to_base64
from protocol.fleet import Variant
from protocol.messages import Challenge, Purpose

_SAID = {
    Instruction.SHOW_PALM: "show the palm",
    Instruction.HOLD_STILL: "hold still",
    Instruction.HOLD_LONGER: "hold on, the pulse is being recorded",
    Instruction.TAKE_AWAY: "take the hand away, then show it again",
    Instruction.DONE: "done",
}


class _Challenges:
    """Gives challenges as the service does. Nobody else sees their seeds."""

    def __init__(self) -> None:
        self.seeds: dict[str, bytes] = {}

    async def info(self) -> None:
        """Does nothing: there is no connection to keep."""

    async def challenge(self, commitment: bytes, purpose: Purpose) -> Challenge:
        del commitment, purpose
        seed, name = os.urandom(SEED_BYTES), secrets.token_urlsafe(12)
        self.seeds[name] = seed
        until = datetime.now(UTC) + timedelta(minutes=1)
        return Challenge(challenge_id=name, seed=to_base64(seed), expires_at=until)

    async def answer(self, challenge_id: str, answer: bytes) -> None:
        """Does nothing: the pictures come from this machine."""


class _Terminal:
    """Writes to the terminal what a kiosk shows."""

    def __init__(self) -> None:
        self._said: Instruction | None = None

    async def ask(self, screen: Screen[Any]) -> Any:
        self.show(screen)
        return await asyncio.Event().wait()

    def show(self, screen: Screen[Any]) -> None:
        if isinstance(screen, HoldPalm) and screen.guidance.instruction is not self._said:
            self._said = screen.guidance.instruction
            said = _SAID.get(self._said, self._said.value.replace("_", " "))
            print(f"    {said}")  # noqa: T201 - the output of this command

    def overlay(self, screen: StillThere | None) -> None:
        """Does nothing: nobody is warned here."""

    def bill(self, bill: Bill | None) -> None:
        """Does nothing: nothing is sold here."""

    def indicate(self, shown: Indicated | None) -> None:
        """Does nothing: there is no gate."""

    def dress(self, variant: Variant, accent: str | None = None) -> None:
        """Does nothing: a terminal has its own colours."""

    def last_touch(self) -> float:
        return asyncio.get_running_loop().time()


class KioskSource:
    """Gives what is presented before a camera and a ring."""

    def __init__(self, reader: PalmReader, challenges: _Challenges, feed: Feed) -> None:
        self._reader = reader
        self._challenges = challenges
        self._feed = feed

    async def present(self, *, again: bool, longer: bool) -> Shown | None:
        """Waits for a palm that is held still. Raises DeviceFault."""
        screen = HoldPalm(Purpose.IDENTIFY, attempts_left=1 if again else None, longer=longer)
        try:
            burst = await self._reader.present(_Terminal(), screen)
        finally:
            self._feed.wipe()
        if not isinstance(burst, Burst):
            return None
        return Shown(burst, self._challenges.seeds.get(burst.challenge or ""))


@asynccontextmanager
async def kiosk(camera: str, infrared: str | None, light: str) -> AsyncGenerator[KioskSource]:
    """Yields what is before the devices at these addresses. Raises WrongDevices."""
    devices = attach(camera, infrared, light, "none:")
    feed = Feed(devices.camera, devices.size)
    eyes = Eyes(feed)
    challenges = _Challenges()
    ring = devices.light
    challenger = None if ring is None else Challenger(ring, challenges, feed)
    feeds = [feed, *([] if devices.infrared is None else [devices.infrared])]
    for each in feeds:
        each.start()
    eyes.start()
    try:
        yield KioskSource(PalmReader(eyes, feed, challenger, devices.infrared), challenges, feed)
    finally:
        eyes.stop()
        for each in feeds:
            each.stop()
        if ring is not None:
            with suppress(DeviceFault):
                ring.off()
            ring.close()
