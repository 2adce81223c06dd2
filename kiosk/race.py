"""Waiting for the first of several events, such as an answer, a card or a sale, or for two at
once."""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

T = TypeVar("T")
U = TypeVar("U")


async def first(*contenders: Awaitable[T]) -> T:
    """Returns the result, or raises the exception, of the first awaitable to finish. The others are
    cancelled and have ended before this returns. Of two that finish together the one named first
    wins."""
    tasks = [asyncio.ensure_future(contender) for contender in contenders]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        return next(task for task in tasks if task.done()).result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def both(one: Awaitable[T], other: Awaitable[U]) -> tuple[T, U]:
    """Returns the results of both awaitables, or raises the first exception of either. The other is
    then cancelled and has ended before this raises."""
    tasks = asyncio.ensure_future(one), asyncio.ensure_future(other)
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
