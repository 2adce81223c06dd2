"""Turns at something that serves a few at a time."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager


class Turns:
    """Gives out a few turns at a time, one to each asker, to those who wait in rotation.

    However many turns somebody asks for, they have one at a time, and everybody else waits for one
    of them at most.
    """

    def __init__(self, at_once: int) -> None:
        """`at_once` is the number of turns that last at the same time."""
        self._free = at_once
        self._served: set[str] = set()
        """The askers whose turn lasts."""
        self._waiting: dict[str, deque[asyncio.Future[None]]] = {}
        """The waiting turns by asker. The asker whose turn is next comes first."""

    @asynccontextmanager
    async def turn(self, asker: str) -> AsyncGenerator[None]:
        """Waits for a turn of this asker, which lasts as long as the context."""
        mine: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(asker, deque()).append(mine)
        self._give()
        try:
            await mine
        except asyncio.CancelledError:
            if not mine.cancelled():
                # The turn came in the same moment.
                self._end(asker)
            raise
        try:
            yield
        finally:
            self._end(asker)

    def _end(self, asker: str) -> None:
        """Ends the turn of an asker, who comes last from now on."""
        self._free += 1
        self._served.remove(asker)
        if asker in self._waiting:
            self._waiting[asker] = self._waiting.pop(asker)
        self._give()

    def _give(self) -> None:
        """Gives the free turns to whoever is next."""
        for asker in [asker for asker in self._waiting if asker not in self._served]:
            theirs = self._waiting[asker]
            while theirs and theirs[0].cancelled():
                theirs.popleft()
            if theirs and self._free:
                self._free -= 1
                self._served.add(asker)
                theirs.popleft().set_result(None)
            if not theirs:
                del self._waiting[asker]
