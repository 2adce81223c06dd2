"""Playing the service's light challenge on the ring over a hand that is held still.

Each step is shown until a picture has been taken under it.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import NoReturn

from hardware.camera.feed import Feed, Lease
from hardware.faults import DeviceFault
from hardware.light import WATCHDOG_S, Light
from kiosk.service.client import SignatureService
from protocol.challenge import steps
from protocol.encoding import from_base64
from protocol.messages import Challenge
from protocol.ring import WHITE

LAG = 0.04
"""Seconds by which the exposure of a picture may begin before its time stamp: exposure, readout
and transfer of a USB camera at 30 pictures a second. With the wait for the next picture a step
takes 40 to 75 milliseconds."""

LONGEST_STEP = WATCHDOG_S / 2
"""Seconds without a picture after which a challenge is given up, well before the ring's watchdog
turns it white."""

APART = 1.0
"""Seconds from the beginning of one challenge to that of the next, so that there are at most three
flashes in any second (WCAG 2.2, 2.3.1; see `protocol.challenge`)."""

FRESH = timedelta(seconds=30)
"""The time that a challenge must still be valid, so that the palm reaches the service in time."""


class Challenger:
    """Fetches challenges, plays them on the ring and takes the pictures under them."""

    def __init__(self, light: Light, service: SignatureService, feed: Feed) -> None:
        self._light = light
        self._service = service
        self._feed = feed
        self._ahead: Challenge | None = None
        self._changed = asyncio.Condition()
        self._last = float("-inf")
        self._white_since = float("inf")

    @asynccontextmanager
    async def lit(self) -> AsyncGenerator[None]:
        """Turns white light on, and off again afterwards. Raises DeviceFault."""
        await self._whiten()
        try:
            yield
        finally:
            with suppress(DeviceFault):
                await asyncio.to_thread(self._light.off)

    async def keep_one_ahead(self) -> NoReturn:
        """Keeps one challenge fetched, so that nobody waits for it when the hand is there.

        Raises ServiceError.
        """
        while True:
            async with self._changed:
                await self._changed.wait_for(lambda: not self._has_fresh())
            self._ahead = await self._service.challenge()
            async with self._changed:
                self._changed.notify_all()

    async def next(self) -> Challenge:
        """Returns a challenge that was not used yet. `keep_one_ahead` must be running."""
        async with self._changed:
            self._changed.notify_all()
            await self._changed.wait_for(self._has_fresh)
            challenge, self._ahead = self._ahead, None
            self._changed.notify_all()
        assert challenge
        return challenge

    async def play(self, challenge: Challenge, take: Callable[[int, Lease], None]) -> bool:
        """Shows every step until a picture was exposed wholly under it, then shows white again.

        Calls `take` with the number of each step and its picture, which is valid during the call.
        Returns False when a picture took too long. Raises DeviceFault.
        """
        await asyncio.sleep(self._last + APART - time.monotonic())
        self._last = time.monotonic()
        try:
            with _Arrivals(self._feed) as arrivals:
                for number, step in enumerate(steps(from_base64(challenge.seed))):
                    await asyncio.to_thread(self._light.show, step)
                    lit_since = time.monotonic() + self._light.latency
                    async with asyncio.timeout(LONGEST_STEP):
                        with await arrivals.after(lit_since + LAG) as frame:
                            take(number, frame)
        except TimeoutError:
            return False
        finally:
            await self._whiten()
        return True

    def was_white(self, taken: float) -> bool:
        """Returns whether a picture with this time stamp was taken in white light."""
        return taken - LAG >= self._white_since

    async def _whiten(self) -> None:
        await asyncio.to_thread(self._light.show, WHITE)
        self._white_since = time.monotonic() + self._light.latency

    def _has_fresh(self) -> bool:
        return self._ahead is not None and self._ahead.expires_at - self._service.now() > FRESH


class _Arrivals:
    """Waits for pictures on the running loop."""

    def __init__(self, feed: Feed) -> None:
        loop = asyncio.get_running_loop()
        self._arrived = asyncio.Event()

        def arrive() -> None:
            loop.call_soon_threadsafe(self._arrived.set)

        self._mailbox = feed.subscribe(arrive)

    def __enter__(self) -> "_Arrivals":
        return self

    def __exit__(self, *_: object) -> None:
        self._mailbox.close()

    async def after(self, moment: float) -> Lease:
        """Waits for a picture with a time stamp of at least `moment` and returns it."""
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            frame = self._mailbox.take()
            if frame is not None and frame.at >= moment:
                return frame
            if frame is not None:
                frame.close()
