"""What the service does when nobody asks: the outbox, interrupted purchases, and forgetting."""

import asyncio
import contextlib
import logging

from sqlalchemy import delete, select
from sqlalchemy.exc import SQLAlchemyError

from cloud.context import Context
from cloud.jobs import outbox
from cloud.payments import purchases
from cloud.people import enrolments
from cloud.recognition.policy import ANSWER_LIFE, LONGEST_WINDOW
from cloud.tables import (
    ActivationCode,
    ChallengeRow,
    ClaimRow,
    EnrolmentRow,
    IdentificationRow,
    Nonce,
    OneTimeCode,
    StoredAnswer,
    Tally,
)

log = logging.getLogger(__name__)

EVERY_S = 5.0


async def run_housekeeping(context: Context) -> None:
    """Until cancelled: at once, whenever the outbox is filled, and every few seconds."""
    while True:
        context.errand.clear()
        try:
            await purchases.settle_all(context)
            await sweep(context)
            await outbox.run_errands(context)
        except SQLAlchemyError as error:
            # A full disk, most likely: everything is still written down, for the next round.
            log.error("housekeeping has to wait: %s", type(error).__name__)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(context.errand.wait(), EVERY_S)


async def sweep(context: Context) -> None:
    """Forgets what has expired; of an enrolment that was never completed, everything."""
    now = context.clock()
    async with context.database.session() as session:
        expired = await session.scalars(select(EnrolmentRow).where(EnrolmentRow.expires_at <= now))
        abandoned = expired.all()
        for row in abandoned:
            await enrolments.erase(session, context, row)
        for table in (
            ActivationCode,
            Nonce,
            OneTimeCode,
            ChallengeRow,
            IdentificationRow,
            ClaimRow,
        ):
            await session.execute(delete(table).where(table.expires_at <= now))
        await session.execute(
            delete(StoredAnswer).where(StoredAnswer.answered_at <= now - ANSWER_LIFE)
        )
        await session.execute(delete(Tally).where(Tally.at <= now - LONGEST_WINDOW))
        await session.commit()
    if abandoned:
        await context.database.forget_erased()
