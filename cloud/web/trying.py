"""The work of a request: its transaction, which is tried again when it has failed for a reason that
is gone, and what is left to do after it."""

import logging
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

from cloud.context import Database
from cloud.db.database import cause_of, was_overtaken

log = logging.getLogger(__name__)

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


async def finish(acts: Iterable[Callable[[], Awaitable[None]]]) -> None:
    """Does what is left to do after a transaction. Whatever fails is logged and not raised, because
    what was asked for was carried out and the answer must say so."""
    for act in acts:
        try:
            await act()
        except Exception as error:
            log.error("something remains to be done after a transaction: %s", cause_of(error))
