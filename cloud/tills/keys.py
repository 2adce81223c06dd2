"""Keys with which the tills of a merchant prove themselves to the service."""

import hmac
import logging
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.context import Context
from cloud.keys.person_keys import MasterKey
from cloud.policy import TILL_KEY_NOTICE
from cloud.tills.tables import TillKey

log = logging.getLogger(__name__)

_KIND = "till key"


async def make_till_key(
    session: AsyncSession,
    master: MasterKey,
    merchant_id: str,
    now: datetime,
    life: timedelta | None = None,
) -> str:
    """Returns a new key for the tills of a merchant, such as `till_9f2c….…`. Only its hash is
    stored. It expires after its `life`; without one it stays until it is removed."""
    name = f"till_{secrets.token_hex(6)}"
    key = f"{name}.{secrets.token_urlsafe(32)}"
    session.add(
        TillKey(
            id=name,
            merchant_id=merchant_id,
            lookup=master.lookup(_KIND, key),
            made_at=now,
            expires_at=None if life is None else now + life,
        )
    )
    await session.flush()
    return key


async def merchant_with(
    session: AsyncSession, master: MasterKey, key: str, now: datetime
) -> str | None:
    """Returns the id of the merchant whose key this is, None when it is nobody's or has expired."""
    row = await session.get(TillKey, key.partition(".")[0])
    expected = master.lookup(_KIND, key)
    # Equally long for a name that is not known: names are no secret, and need not be one.
    known = row.lookup if row is not None else ""
    if row is None or not hmac.compare_digest(known, expected):
        return None
    return None if row.expires_at is not None and row.expires_at <= now else row.merchant_id


async def all_till_keys(session: AsyncSession) -> Sequence[TillKey]:
    """Returns the keys of all merchants, also those that have expired, the oldest first."""
    return (await session.scalars(select(TillKey).order_by(TillKey.made_at, TillKey.id))).all()


async def remove_till_key(session: AsyncSession, name: str) -> bool:
    """Removes a key: no till is known by it any more. Returns whether there was one."""
    removed = await session.execute(delete(TillKey).where(TillKey.id == name).returning(TillKey.id))
    return removed.first() is not None


async def remind(context: Context) -> None:
    """Logs which keys expire within TILL_KEY_NOTICE or have expired, once a day, until they are
    removed."""
    now = context.clock()
    if context.till_keys_told_on == now.date():
        return
    context.till_keys_told_on = now.date()
    async with context.database.session() as session:
        keys = await all_till_keys(session)
    for key in keys:
        if key.expires_at is not None and key.expires_at <= now + TILL_KEY_NOTICE:
            log.warning(
                "the till key %s of merchant %s %s on %s. Make another one with `staff till-key`, "
                "move the tills to it, and remove this one with `staff remove-till-key`.",
                key.id,
                key.merchant_id,
                "expires" if key.expires_at > now else "has expired",
                key.expires_at.date(),
            )


async def remove_all(session: AsyncSession) -> int:
    """Removes the keys of all tills, and returns how many there were."""
    return len((await session.scalars(delete(TillKey).returning(TillKey.id))).all())
