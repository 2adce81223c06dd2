"""Turns at something that serves one at a time."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager


class Turns:
    """Gives out one turn at a time, to those who wait in rotation.

    However many turns somebody asks for, everybody else waits for one of them at most.
    """

    def __init__(self) -> None:
        self._taken = False
        self._waiting: dict[str, deque[asyncio.Future[None]]] = {}
        """The waiting turns by asker. The asker whose turn is next comes first."""

    @asynccontextmanager
    async def turn(self, asker: str) -> AsyncGenerator[None]:
        """Waits for a turn of this asker, which lasts as long as the context."""
        if self._taken:
            mine: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.setdefault(asker, deque()).append(mine)
            try:
                await mine
            except asyncio.CancelledError:
                if not mine.cancelled():
                    # The turn came in the same moment.
                    self._pass_on(asker)
                raise
        self._taken = True
        try:
            yield
        finally:
            self._pass_on(asker)

    def _pass_on(self, last: str) -> None:
        """Gives the turn after one of `last` to whoever is next."""
        self._taken = False
        if last in self._waiting:
            self._waiting[last] = self._waiting.pop(last)
        while self._waiting and not self._taken:
            asker = next(iter(self._waiting))
            theirs = self._waiting.pop(asker)
            mine = theirs.popleft()
            if theirs:
                self._waiting[asker] = theirs
            if not mine.cancelled():
                self._taken = True
                mine.set_result(None)
