"""What the service does when nobody asks: the outbox, interrupted purchases, and forgetting."""

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING

from sqlalchemy import delete, select
from sqlalchemy.exc import SQLAlchemyError

from cloud import enrolments, outbox, purchases
from cloud.policy import ANSWER_LIFE, LONGEST_WINDOW
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

if TYPE_CHECKING:
    from cloud.service import Service

log = logging.getLogger(__name__)

EVERY_S = 5.0


async def keep_house(service: "Service") -> None:
    """Until cancelled: at once, whenever the outbox is filled, and every few seconds."""
    while True:
        service.errand.clear()
        try:
            await purchases.settle_all(service)
            await sweep(service)
            await outbox.run_errands(service)
        except SQLAlchemyError as error:
            # A full disk, most likely: everything is still written down, for the next round.
            log.error("housekeeping has to wait: %s", type(error).__name__)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(service.errand.wait(), EVERY_S)


async def sweep(service: "Service") -> None:
    """Forgets what has expired; of an enrolment that was never completed, everything."""
    now = service.clock()
    async with service.database.session() as session:
        expired = await session.scalars(select(EnrolmentRow).where(EnrolmentRow.expires_at <= now))
        abandoned = expired.all()
        for row in abandoned:
            await enrolments.erase(session, service, row)
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
        await service.database.forget_erased()
