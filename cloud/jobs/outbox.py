"""What must still be done elsewhere, whatever happens here: written down with what caused it, done
afterwards, tried again until it is done."""

import logging
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.context import Context
from cloud.keys.person_keys import Key
from cloud.payments import CardRefused, ProviderUnavailable
from cloud.people.accounts import CardDetail, new_id
from cloud.tables import Errand

log = logging.getLogger(__name__)

FORGET_CARD = "forget card"
FIRST_PAUSE = timedelta(seconds=2)
LONGEST_PAUSE = timedelta(hours=1)


def forget_card(
    session: AsyncSession,
    key: Key,
    card: CardDetail,
    now: datetime,
    person_digest: bytes | None = None,
) -> None:
    """The digest is for whoever checks a deletion later (`cloud.people.deletions`)."""
    errand_id = new_id()
    payload = key.seal(card.model_dump_json().encode(), f"errands.payload/{errand_id}")
    session.add(
        Errand(
            id=errand_id,
            kind=FORGET_CARD,
            payload=payload,
            person_digest=person_digest,
            attempts=0,
            due_at=now,
        )
    )


async def run_errands(context: Context) -> None:
    """Everything that is due, one after the other."""
    async with context.running_errands:
        async with context.database.session() as session:
            due = await session.scalars(select(Errand.id).where(Errand.due_at <= context.clock()))
            ids = due.all()
        for errand_id in ids:
            await _run(context, errand_id)


async def _run(context: Context, errand_id: str) -> None:
    async with context.database.session() as session:
        errand = await session.get_one(Errand, errand_id)
        opened = context.master.outbox.open(errand.payload, f"errands.payload/{errand_id}")
        card = CardDetail.model_validate_json(opened)
        await session.commit()
        try:
            await context.payments.forget(card.customer, card.method)
        except (ProviderUnavailable, CardRefused) as error:
            log.warning("an errand has to wait: %s", error)
            errand.attempts += 1
            pause = min(FIRST_PAUSE * 2 ** min(errand.attempts, 20), LONGEST_PAUSE)
            errand.due_at = context.clock() + pause
        else:
            await session.delete(errand)
        await session.commit()
    await context.database.forget_erased()
