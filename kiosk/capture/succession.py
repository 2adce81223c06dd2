"""Whether the hand in view may still be that whose palm was read, or another one has come.

Without it, the answer to one person could open the gate to the next, while the service is asked.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import Protocol

from hardware.faults import PermanentFault
from kiosk.capture.eyes import Sight
from kiosk.capture.reader import GONE, GONE_FRAMES
from palm.hand.landmarks import Side
from palm.hand.observation import Observation

SURE = 3
"""The number of frames in a row that show two hands, or a hand of the other side, before that is
believed: one may be misread."""


class Succession:
    """Follows the hands in view from the moment at which a palm was read."""

    def __init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """Begins anew: a palm was read again, or its owner has answered a question by a touch."""
        self.another = False
        """Whether another hand has come."""
        self._gone_at: float | None = None
        self._missed = 0
        self._side: Side | None = None
        self._strange = 0

    def consider(self, seen: Observation) -> None:
        """Takes the newest frame into account.

        A hand that comes after none was there for a moment is another one, and so is one beside the
        first, or one of the other side. A hand that only leaves changes nothing: its owner walks
        on.
        """
        if seen.hands == 0:
            self._gone_at = seen.at if self._gone_at is None else self._gone_at
            self._missed += 1
            self._strange = 0
            return
        if self._gone_at is not None:
            if self._missed >= GONE_FRAMES and seen.at - self._gone_at >= GONE:
                self.another = True
            self._gone_at, self._missed = None, 0
        side = None if seen.hand is None else seen.hand.side
        self._side = self._side or side
        is_strange = seen.hands > 1 or (side is not None and side is not self._side)
        self._strange = self._strange + 1 if is_strange else 0
        if self._strange >= SURE:
            self.another = True


class Watching(Protocol):
    """The part of `kiosk.capture.eyes.Eyes` that is used here."""

    def watch(self) -> AbstractAsyncContextManager[AsyncIterator[Sight]]: ...


@asynccontextmanager
async def succession(eyes: Watching) -> AsyncGenerator[Succession]:
    """Follows the hands in view while the block lasts. Without eyes that work, which the next palm
    needs as well, no other hand is seen."""
    follows = Succession()

    async def look() -> None:
        with suppress(PermanentFault):
            async with eyes.watch() as sights:
                async for sight in sights:
                    follows.consider(sight.observation)

    looking = asyncio.create_task(look())
    try:
        yield follows
    finally:
        looking.cancel()
        with suppress(asyncio.CancelledError):
            await looking
