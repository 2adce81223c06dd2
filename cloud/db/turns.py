"""Turns: what nobody else may do meanwhile, for longer than a transaction.

A request that asks the vault or a provider ends its transaction before and begins another one
afterwards. What it does in between is kept from being done twice by a turn.
"""

import asyncio
from weakref import WeakValueDictionary


class TurnTaken(Exception):
    """Another process has this turn. What was asked for is in progress there, and may be asked for
    again soon."""


class Turns:
    """The turns of one process. Whoever enters one waits until nobody else has it."""

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def turn(self, *names: str) -> asyncio.Lock:
        return self._locks.setdefault(joined(names), asyncio.Lock())


def joined(names: tuple[str, ...]) -> str:
    """Returns one name made of several, which no others make."""
    return "\0".join(names)
