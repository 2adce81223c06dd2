"""What the merchant's own systems have this kiosk ask the person before it: taken from the service
while nobody uses the kiosk, one at a time."""

import asyncio
from collections.abc import Awaitable, Callable

from kiosk.clock import Clock
from kiosk.service.client import SignatureService
from kiosk.service.errors import Refused, ServiceError
from protocol.asked import AskedPalm, RequestState
from protocol.messages import ProblemType

PAUSE_S = 1.0
"""Seconds between two questions to the service, each of which it answers after some seconds when
there is nothing to tell."""
FAILED_S = 5.0
"""Seconds after one that has failed."""
SELDOM_S = 60.0
"""Seconds until a service is asked again that knows of no requests."""
GIVEN_UP = (RequestState.WAITING, RequestState.EXPIRED, RequestState.CANCELLED)


class Asked:
    """Requests for palms, for one event loop."""

    def __init__(self, service: SignatureService, clock: Clock) -> None:
        self._service = service
        self._clock = clock
        self._again_at = float("-inf")
        """When the service is asked next, on the clock."""

    async def next(self, until_free: Callable[[], Awaitable[None]]) -> AskedPalm:
        """Waits until something is to be asked, and takes it. `until_free` returns when the kiosk
        can ask."""
        await self._service.ready.wait()
        while True:
            if (left := self._again_at - self._clock.now()) > 0:
                await self._clock.sleep(left)
            await until_free()
            asked, pause_s = await self._take()
            self._again_at = self._clock.now() + pause_s
            if asked is not None:
                return asked

    async def until_given_up(self, asked: AskedPalm) -> None:
        """Waits until nobody wants an answer any more. Never returns once an answer was given."""
        while True:
            try:
                told = await self._service.look_at_palm_request(asked.request_id)
            except Refused:
                return
            except ServiceError:
                await self._clock.sleep(FAILED_S)
                continue
            if told.state in GIVEN_UP:
                return
            if told.state is not RequestState.SHOWN:
                await asyncio.Event().wait()
            await self._clock.sleep(PAUSE_S)

    async def _take(self) -> tuple[AskedPalm | None, float]:
        """Returns what is asked from now on, and after how many seconds to ask again."""
        try:
            told = await self._service.take_palm_request()
        except Refused as refused:
            # A service of before knows of none.
            return None, SELDOM_S if refused.type is ProblemType.NOT_FOUND else FAILED_S
        except ServiceError:
            return None, FAILED_S
        return told.request, max(told.again_after_s, PAUSE_S)
