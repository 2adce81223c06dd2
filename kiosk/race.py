"""Waiting for whichever comes first: an answer, a card, a sale, or nothing at all."""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

T = TypeVar("T")


async def first(*contenders: Awaitable[T]) -> T:
    """The result, or the exception, of the first to finish; the others are cancelled and over
    before it returns. Of two that finish together the one named first wins."""
    tasks = [asyncio.ensure_future(contender) for contender in contenders]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        return next(task for task in tasks if task.done()).result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
