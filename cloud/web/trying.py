"""A request whose transaction has failed for a reason that is gone is answered again."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from cloud.context import Database
from cloud.db.database import was_overtaken

T = TypeVar("T")

TRIES = 3
"""How often a request is answered at the most. Once more may be too little: housekeeping makes the
reserve again in the moment in which it was let go for this request, or another one overtakes it
twice."""


async def answering(
    work: Callable[[bool], Awaitable[T]], database: Database, *, serves_deletion: bool
) -> T:
    """Returns what `work` does in a transaction of its own; it is told whether it was tried before.

    Somebody who leaves gets the room that is reserved for that (`cloud.db.reserve`). Raises what
    `work` raises.
    """
    tried = 0
    while True:
        tried += 1
        try:
            return await work(tried > 1)
        except Exception as error:
            if tried == TRIES:
                raise
            if not (was_overtaken(error) or (serves_deletion and database.let_go(error))):
                raise
