"""The light ring over a hand that is held still: a challenge of the service's, played step by step,
each until a picture has been taken under it."""

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
"""Seconds before its time stamp that a picture may have begun to be exposed: exposure, readout and
transfer of a USB camera at 30 a second. With the wait for the next picture a step takes 40 to 75
milliseconds."""

LONGEST_STEP = WATCHDOG_S / 2
"""Seconds without a picture after which a challenge is given up: well before the ring forgets."""

APART = 1.0
"""Seconds between the beginnings of two challenges, so that no second has more than three flashes
(WCAG 2.2, 2.3.1; see `protocol.challenge`)."""

FRESH = timedelta(seconds=30)
"""What must be left of a challenge's time for the palm to get to the service."""


class Challenger:
    """The ring, the challenges for it, and the camera that sees what answers."""

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
        """Plain white light, and dark again afterwards. Raises DeviceFault."""
        await self._whiten()
        try:
            yield
        finally:
            with suppress(DeviceFault):
                await asyncio.to_thread(self._light.off)

    async def keep_one_ahead(self) -> NoReturn:
        """So that nobody waits for a challenge when the hand is there. Raises ServiceError."""
        while True:
            async with self._changed:
                await self._changed.wait_for(lambda: not self._has_fresh())
            self._ahead = await self._service.challenge()
            async with self._changed:
                self._changed.notify_all()

    async def next(self) -> Challenge:
        """One that nobody has seen yet. Somebody must be keeping one ahead."""
        async with self._changed:
            self._changed.notify_all()
            await self._changed.wait_for(self._has_fresh)
            challenge, self._ahead = self._ahead, None
            self._changed.notify_all()
        assert challenge
        return challenge

    async def play(self, challenge: Challenge, take: Callable[[int, Lease], None]) -> bool:
        """Shows every step until a picture has been taken under it from beginning to end, gives
        that to `take` for as long as the call lasts, and shows white again. False when pictures
        were too long in coming. Raises DeviceFault."""
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
        """Whether a picture with this time stamp was taken in plain white light."""
        return taken - LAG >= self._white_since

    async def _whiten(self) -> None:
        await asyncio.to_thread(self._light.show, WHITE)
        self._white_since = time.monotonic() + self._light.latency

    def _has_fresh(self) -> bool:
        return self._ahead is not None and self._ahead.expires_at - self._service.now() > FRESH


class _Arrivals:
    """Pictures as they arrive, on the running loop."""

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
        """The next picture with a time stamp from then on."""
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            frame = self._mailbox.take()
            if frame is not None and frame.at >= moment:
                return frame
            if frame is not None:
                frame.close()
