"""A kiosk on a scripted stage, whose visits a test plays without hands and windows."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import NoReturn

from hardware.camera import Colour, SimulatedCamera
from hardware.camera.feed import Recovering, Streaming
from kiosk.app import Kiosk
from kiosk.service.client import SignatureService
from kiosk.simulated.till import SimulatedTill
from tests.support.clocks import TurnedClock
from tests.support.scripted import ScriptedStage


class EmptyRoom:
    def draw(self, out: Colour, at: float) -> None:
        out.fill(90)


class ConnectedAlready:
    async def keep(self, service: SignatureService) -> NoReturn:
        while True:
            await asyncio.Event().wait()


@dataclass
class Stand:
    """A kiosk on a scripted stage, and the simulated world around it."""

    kiosk: Kiosk
    stage: ScriptedStage
    clock: TurnedClock
    camera: SimulatedCamera
    till: SimulatedTill

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        async with asyncio.TaskGroup() as group:
            running = group.create_task(self.kiosk.run())
            try:
                yield
            finally:
                running.cancel()

    async def camera_is(self, state: type[Recovering | Streaming]) -> None:
        """Waits for the camera's thread. The clock stands still: a busy machine takes long, and the
        shopper would be taken to have left."""
        while not isinstance(self.kiosk.feed.state, state):
            await self.clock.turn(0)

    async def play(self) -> None:
        """Plays the script to its last line, the welcome screen."""
        async with self.running():
            await self.stage.reached()


MakeStand = Callable[..., Stand]
"""Makes a stand of the lines of a script."""
