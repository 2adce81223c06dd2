"""Clocks for tests, on which waiting takes no time."""

import asyncio
import heapq
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from kiosk.clock import SystemClock

NOON = datetime(2027, 3, 1, 12, 0, tzinfo=UTC)

_TURNS = 30
"""How many turns of the loop a task needs at the most before it waits for something else."""


class HurriedClock(SystemClock):
    """A clock whose sleeps end at once and move the time on."""

    def __init__(self) -> None:
        self._slept = 0.0

    def now(self) -> float:
        return super().now() + self._slept

    async def sleep(self, seconds: float) -> None:
        self._slept += seconds
        await asyncio.sleep(0)


class SkippingClock(SystemClock):
    """The clock of the machine, which another thread can set ahead.

    It serves one event loop, and another one after a restart. Sleepers whose time has come by a
    skip wake at once.
    """

    def __init__(self) -> None:
        self._ahead = 0.0
        self._skipped = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    def now(self) -> float:
        loop = asyncio.get_running_loop()
        if loop is not self._loop:
            self._loop, self._skipped = loop, asyncio.Event()
        return super().now() + self._ahead

    async def sleep(self, seconds: float) -> None:
        end = self.now() + seconds
        while (left := end - self.now()) > 0:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._skipped.wait(), left)

    def skip(self, seconds: float) -> None:
        """Sets the clock ahead, from any thread."""
        assert self._loop, "the clock was never looked at"
        self._loop.call_soon_threadsafe(self._set_ahead, seconds)

    def _set_ahead(self, seconds: float) -> None:
        self._ahead += seconds
        skipped, self._skipped = self._skipped, asyncio.Event()
        skipped.set()


class TurnedClock:
    """A clock that moves only by `turn`."""

    def __init__(self) -> None:
        self._now = 0.0
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._order = count()
        self.set_off_by = timedelta(0)

    def now(self) -> float:
        return self._now

    def wall(self) -> datetime:
        return NOON + self.set_off_by + timedelta(seconds=self._now)

    async def sleep(self, seconds: float) -> None:
        sleeper: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._now + seconds, next(self._order), sleeper))
        await sleeper

    async def turn(self, seconds: float) -> None:
        """Moves the clock on and wakes every sleeper whose time comes, in order."""
        await _everybody_goes_on()
        end = self._now + seconds
        while self._sleepers and self._sleepers[0][0] <= end:
            self._now, _, sleeper = heapq.heappop(self._sleepers)
            if not sleeper.done():
                sleeper.set_result(None)
                await _everybody_goes_on()
        self._now = end


async def _everybody_goes_on() -> None:
    """Lets every task run until it waits again, and not for another task of this loop: also what
    they say to each other over sockets is heard. Who never waits gets _TURNS turns."""
    loop: Any = asyncio.get_running_loop()
    for _ in range(_TURNS):
        await asyncio.sleep(0)
        if not loop._ready and not loop._selector.select(0):
            return
