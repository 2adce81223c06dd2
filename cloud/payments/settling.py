"""Finishes what was stored as pending before the provider heard of it."""

import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.context import Context
from cloud.db.locks import held
from cloud.db.turns import TurnTaken
from cloud.payments.tables import PurchaseRow, RefundRow
from cloud.providers import ProviderSilent, ProviderUnavailable
from cloud.web.problems import Refusal
from protocol.messages import ProblemType

log = logging.getLogger(__name__)

PENDING = "pending"
"""The outcome of a row that is not finished."""
AWAITING = "awaiting"
"""The outcome of a purchase whose card is awaited at a reader. Nothing can be charged yet."""
OPEN = (PENDING, AWAITING)
"""The outcomes that are none yet."""

Row = TypeVar("Row", PurchaseRow, RefundRow)


@asynccontextmanager
async def turn(
    context: Context, session: AsyncSession, row: PurchaseRow | RefundRow
) -> AsyncGenerator[bool]:
    """Waits until nobody else finishes a row, and yields whether it is still open. No
    transaction is open then, unless it is finished.

    It must be entered outside a transaction. Raises TurnTaken when another process finishes it, and
    Refusal when the row is gone, because it was finished and its person was deleted since.
    """
    async with context.database.turn("settle", row.id):
        if await held(session, type(row), row.id) is None:
            raise Refusal(ProblemType.NOT_FOUND)
        is_open = row.outcome in OPEN
        if is_open:
            await session.commit()
        yield is_open


async def settle_each(
    context: Context,
    table: type[Row],
    settle: Callable[[Context, AsyncSession, Row], Awaitable[object]],
    what: str,
) -> None:
    """Finishes the rows of a table that a crash or an unreachable provider left open. The log calls
    one of them `what`.

    A provider that is silent takes half a minute of each row, and keeps everything else that
    housekeeping does waiting: so the rest is left to the next round then.
    """
    open_rows = select(table.id).where(table.outcome.in_(OPEN))
    async with context.database.reading() as session:
        # In another order each time, should the provider be silent about one of them alone.
        ids = (await session.scalars(open_rows.order_by(func.random()))).all()
    for row_id in ids:
        try:
            async with context.database.session() as session:
                row = await session.get(table, row_id)
                await session.commit()
                if row is not None:
                    await settle(context, session, row)
                    await session.commit()
        except (Refusal, TurnTaken):
            # It was finished meanwhile, and its person was deleted; or another process finishes it.
            pass
        except ProviderSilent as error:
            log.warning("%s stays pending: %s", what, error)
            return
        except ProviderUnavailable as error:
            log.warning("%s stays pending: %s", what, error)
        except Exception as error:
            # The others must not wait for it. The message may quote a card.
            log.error("%s stays pending: %s", what, type(error).__name__)
