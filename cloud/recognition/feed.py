"""The feed of palms: how the gallery of a process follows what the others do.

On PostgreSQL any number of processes enrol and erase palms. A trigger of the database names each
palm that was added to an account, changed or erased in the table `palm_changes`
(docs/decisions/0066-feed.md), and the server tells all processes that listen. A process reads the
changes after the last one that it knows, and then the palms that they name: whichever is there is
put into the gallery as it is now, and whichever is not is taken out. So a change may be read twice
and early, and several changes of a palm in any order.

Changes are numbered in the order in which their transactions were committed, because a transaction
holds a lock from the moment it draws a number until it has ended. Whoever has read a number has
therefore read all that are smaller.

On SQLite the table stays empty: the one process puts into its gallery what it does itself.
"""

import logging
from collections.abc import Collection
from contextlib import aclosing
from datetime import datetime, timedelta

from sqlalchemy import BigInteger, cast, delete, func, select, type_coerce
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.context import Context, Gallery
from cloud.db.database import cause_of
from cloud.keys.person_keys import MasterKey
from cloud.matching import Entry
from cloud.recognition import palms
from cloud.recognition.tables import PalmChange

log = logging.getLogger(__name__)

CHANNEL = "palm_changes"
"""What the server tells about changes on."""
AT_ONCE = 64
"""How many changes' palms are read at once. Others have their turn in between."""
KEPT = timedelta(days=1)
"""How long a change is kept for processes that the database did not reach."""


class FellBehind(Exception):
    """Changes were erased that this process has not read: only a start fills its gallery anew."""


async def newest(session: AsyncSession) -> int | None:
    """Returns the last change that was committed; None on SQLite. On PostgreSQL there always is
    one."""
    return await session.scalar(select(func.max(PalmChange.id)))


async def follow(session: AsyncSession, master: MasterKey, gallery: Gallery) -> None:
    """Brings the gallery up to everything that was committed before. Raises FellBehind."""
    # Before it waits: those who have all connections may be waiting for their turn as well.
    await session.connection()
    async with gallery.following:
        while gallery.seen is not None:
            # The one that is known is read again: were it gone, others after it might be too.
            found = await session.execute(
                select(PalmChange.id, PalmChange.palm_id)
                .where(PalmChange.id >= gallery.seen)
                .order_by(PalmChange.id)
                .limit(AT_ONCE + 1)
            )
            rows = found.all()
            if not rows or rows[0].id != gallery.seen:
                raise FellBehind
            changed = {row.palm_id for row in rows[1:]}
            if not changed:
                break
            there = await palms.codes_of(session, master, changed)
            gallery.enrol(there)
            for gone in changed - {code.palm_id for code in there}:
                gallery.remove_palm(gone)
            gallery.seen = rows[-1].id
        gallery.following.notify_all()


async def follow_others(context: Context) -> None:
    """Has the gallery follow what other processes change, as long as the service runs. Raises
    FellBehind."""
    async with aclosing(context.database.told(CHANNEL)) as tellings:
        async for _ in tellings:
            try:
                async with context.database.reading() as session:
                    await follow(session, context.master, context.gallery)
            except SQLAlchemyError as error:
                log.warning("the gallery has to wait for changes: %s", cause_of(error))


async def add_to_gallery(context: Context, added: Collection[Entry]) -> None:
    """Adds palms that were stored, once that is committed, unless they were deleted in between,
    alone or with their people."""
    gallery = context.gallery
    async with context.database.reading() as session:
        if gallery.seen is not None:
            await follow(session, context.master, gallery)
            return
        gallery.enrol([palm.code for palm in added])
        palm_ids = {palm.palm_id for palm in added}
        for gone in palm_ids - await palms.still_enrolled(session, palm_ids):
            gallery.remove_palm(gone)


async def forget_expired(session: AsyncSession, now: datetime) -> None:
    """Deletes changes that were kept for long enough, but for the last of them: whoever knows of
    that one has missed none."""
    del now  # It may be far from that of another process, which has not read them yet.
    if await newest(session) is None:
        return
    # The time at which the transaction began: one that goes on is compared with every row.
    now_ms = cast(func.extract("epoch", func.now()) * 1000, BigInteger)
    old = type_coerce(PalmChange.at, BigInteger) <= now_ms - KEPT // timedelta(milliseconds=1)
    # The highest number would be looked for among all that are not old, backwards.
    latest = select(PalmChange.id).where(old).order_by(PalmChange.at.desc()).limit(1)
    last = latest.scalar_subquery()
    await session.execute(delete(PalmChange).where(PalmChange.id < last))
