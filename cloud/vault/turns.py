"""Turns at things of which there are a few, such as streams to the vaults."""

import asyncio
from collections import deque
from collections.abc import Callable, Collection, Hashable
from typing import Generic, TypeVar

T = TypeVar("T", bound=Hashable)


class NothingThere(Exception):
    """There is nothing to take turns at."""


class Turns(Generic[T]):
    """Gives out things, one to each asker, to those who wait in rotation.

    However many turns somebody asks for, they have one at a time, and everybody else waits for one
    of them at most.
    """

    def __init__(self, load: Callable[[T], int] = lambda _: 0) -> None:
        """Whoever has a turn is given a free thing with the least `load`."""
        self._load = load
        self._there: set[T] = set()
        self._free: list[T] = []
        self._given: set[T] = set()
        self._served: set[str] = set()
        """The askers whose turn lasts."""
        self._waiting: dict[str, deque[asyncio.Future[T]]] = {}
        """The waiting turns by asker. The asker whose turn is next comes first."""

    def offer(self, things: Collection[T]) -> None:
        """Adds things. Those that somebody still has are given again when they have ended."""
        self._free += [thing for thing in things if thing not in self._there | self._given]
        self._there.update(things)
        self._give()

    def withdraw(self, things: Collection[T]) -> None:
        """Gives these to nobody any more. When nothing else is there, whoever waits is told so."""
        self._there.difference_update(things)
        self._free = [thing for thing in self._free if thing in self._there]
        if not self._there:
            for theirs in self._waiting.values():
                for each in theirs:
                    if not each.done():
                        each.set_exception(NothingThere())
            self._waiting.clear()

    async def take(self, asker: str) -> T:
        """Waits for a turn of this asker, and returns what it is at; `end` ends it. Raises
        NothingThere."""
        if not self._there:
            raise NothingThere
        mine: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(asker, deque()).append(mine)
        self._give()
        try:
            return await mine
        except asyncio.CancelledError:
            if not mine.cancelled() and mine.exception() is None:
                # The turn came in the same moment.
                self.end(asker, mine.result())
            raise

    def end(self, asker: str, thing: T) -> None:
        """Ends the turn of an asker, who comes last from now on."""
        self._given.remove(thing)
        if thing in self._there:
            self._free.append(thing)
        self._served.remove(asker)
        if asker in self._waiting:
            self._waiting[asker] = self._waiting.pop(asker)
        self._give()

    def _give(self) -> None:
        """Gives the free things to whoever is next."""
        for asker in [asker for asker in self._waiting if asker not in self._served]:
            theirs = self._waiting[asker]
            while theirs and theirs[0].cancelled():
                theirs.popleft()
            if theirs and self._free:
                thing = min(self._free, key=self._load)
                self._free.remove(thing)
                self._given.add(thing)
                self._served.add(asker)
                theirs.popleft().set_result(thing)
            if not theirs:
                del self._waiting[asker]
