"""Playing the service's light challenge on the ring over a hand that is held still.

The kiosk first commits to its pictures in white light, is then given a challenge, shows each step
until a picture has been taken under it, and answers at once (`protocol.binding`).
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from typing import NoReturn, Protocol

from hardware.camera.feed import Feed, Lease
from hardware.faults import DeviceFault
from hardware.light import WATCHDOG_S, Light
from kiosk.service.errors import Refused, TooSlow
from protocol.challenge import steps
from protocol.encoding import from_base64
from protocol.messages import Challenge, ProblemType, Purpose
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

SEED_WITHIN = 2.5
"""Seconds from the end of the hold in white light within which a challenge must be there. The
pictures under a later one would not be taken for pictures of the same moment
(`protocol.binding`)."""

NEAR = 3.0
"""Seconds between two calls that keep a connection to the service open. Both sides close one that
was idle for five seconds."""


class Challenges(Protocol):
    """Gives light challenges: the service, see `kiosk.service.client.SignatureService`."""

    async def info(self) -> object: ...

    async def challenge(self, commitment: bytes, purpose: Purpose) -> Challenge: ...

    async def answer(self, challenge_id: str, answer: bytes) -> object: ...


class Challenger:
    """Asks for challenges, plays them on the ring, takes the pictures under them and answers."""

    def __init__(self, light: Light, service: Challenges, feed: Feed) -> None:
        self._light = light
        self._service = service
        self._feed = feed
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

    async def keep_near(self) -> NoReturn:
        """Keeps a connection to the service open, so that a hand that is held still need not wait
        for one.

        Raises ServiceError as soon as it is known that the service does not answer.
        """
        while True:
            await self._service.info()
            await asyncio.sleep(NEAR)

    async def challenge(self, commitment: bytes, purpose: Purpose) -> Challenge:
        """Commits to the pictures in white light with this digest, and returns a challenge.

        Raises TooSlow when it comes too late to be shown, and ServiceError.
        """
        held_at = time.monotonic()
        await asyncio.sleep(self._last + APART - held_at)
        challenge = await self._service.challenge(commitment, purpose)
        if time.monotonic() - held_at > SEED_WITHIN:
            raise TooSlow("the service took too long to give a light challenge")
        return challenge

    async def answer(self, challenge: Challenge, answer: bytes) -> None:
        """Tells the digest of the pictures under a challenge.

        Raises TooSlow when it arrives too late at the service, and ServiceError.
        """
        try:
            await self._service.answer(challenge.challenge_id, answer)
        except Refused as refused:
            if refused.type is not ProblemType.CHALLENGE_REFUSED:
                raise
            raise TooSlow("the answer to a light challenge came too late") from None

    async def play(self, challenge: Challenge, take: Callable[[int, Lease], None]) -> bool:
        """Shows every step until a picture was exposed wholly under it, then shows white again.

        Calls `take` with the number of each step and its picture, which is valid during the call.
        Returns False when a picture took too long. Raises DeviceFault.
        """
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
