"""Keys with which a merchant's own tills and systems, and the operator's systems, prove themselves
to the service."""

import hmac
import logging
import secrets
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.context import Context
from cloud.keys.person_keys import MasterKey
from cloud.policy import KEY_NOTICE
from cloud.web.tables import MerchantKeyRow

log = logging.getLogger(__name__)

_KIND = "till key"
"""Tills were the first to have keys."""

API_KEY = "x-api-key"
"""The header of a request with a key."""


class KeyUse(StrEnum):
    """What a key is for. It serves for nothing else."""

    TILL = "till"
    """Sending the messages of tills to kiosks."""
    ACCESS = "access"
    """Saying who may pass the doors of the merchant's sites."""
    API = "api"
    """What its scopes say, of the API for integrators (`cloud.integrations`)."""


async def make_key(
    session: AsyncSession,
    master: MasterKey,
    use: KeyUse,
    merchant_id: str | None,
    now: datetime,
    *,
    life: timedelta | None = None,
    scopes: Collection[str] = (),
    name: str | None = None,
) -> str:
    """Returns a new key of a merchant, or of the operator, such as `till_9f2c….…`. Only its hash is
    stored. It expires after its `life`; without one it stays until it is removed. `name` is its
    first part, which is drawn otherwise; the key that had it before is unknown from now on."""
    name = name or f"{use}_{secrets.token_hex(6)}"
    key = f"{name}.{secrets.token_urlsafe(32)}"
    await session.merge(
        MerchantKeyRow(
            id=name,
            merchant_id=merchant_id,
            lookup=master.lookup(_KIND, key),
            made_at=now,
            expires_at=None if life is None else now + life,
            scopes=" ".join(sorted(scopes)),
        )
    )
    await session.flush()
    return key


async def merchant_with(
    session: AsyncSession, master: MasterKey, use: KeyUse, key: str, now: datetime
) -> str | None:
    """Returns the id of the merchant whose key this is; None as `find_key` does."""
    row = await find_key(session, master, use, key, now)
    return None if row is None else row.merchant_id


async def find_key(
    session: AsyncSession, master: MasterKey, use: KeyUse, key: str, now: datetime
) -> MerchantKeyRow | None:
    """Returns what is stored of a key, None when it is nobody's, is for another use, or has
    expired."""
    name = key.partition(".")[0]
    # The name is a part of what is hashed, so a key of another use cannot take this one's.
    row = await session.get(MerchantKeyRow, name) if name.startswith(f"{use}_") else None
    expected = master.lookup(_KIND, key)
    # Equally long for a name that is not known: names are no secret, and need not be one.
    known = row.lookup if row is not None else ""
    if row is None or not hmac.compare_digest(known, expected):
        return None
    return row if _is_valid(row, now) else None


async def key_named(
    session: AsyncSession, use: KeyUse, name: str, now: datetime
) -> MerchantKeyRow | None:
    """Returns what is stored of a key that proved itself before, by its first part; None when it
    was removed since or has expired."""
    row = await session.get(MerchantKeyRow, name) if name.startswith(f"{use}_") else None
    return row if row is not None and _is_valid(row, now) else None


async def has_key_for(session: AsyncSession, merchant_id: str, scope: str, now: datetime) -> bool:
    """Returns whether a merchant has a key of the API that is for a scope."""
    rows = await session.scalars(
        select(MerchantKeyRow).where(MerchantKeyRow.merchant_id == merchant_id)
    )
    return any(scope in row.scopes.split() and _is_valid(row, now) for row in rows)


def _is_valid(row: MerchantKeyRow, now: datetime) -> bool:
    return row.expires_at is None or row.expires_at > now


async def all_keys(session: AsyncSession) -> Sequence[MerchantKeyRow]:
    """Returns the keys of all merchants, also those that have expired, the oldest first."""
    rows = select(MerchantKeyRow).order_by(MerchantKeyRow.made_at, MerchantKeyRow.id)
    return (await session.scalars(rows)).all()


async def remove_key(session: AsyncSession, name: str) -> bool:
    """Removes a key: nobody is known by it any more. Returns whether there was one."""
    removed = await session.execute(
        delete(MerchantKeyRow).where(MerchantKeyRow.id == name).returning(MerchantKeyRow.id)
    )
    return removed.first() is not None


async def remind(context: Context) -> None:
    """Logs which keys expire within KEY_NOTICE or have expired, once a day, until they are
    removed."""
    now = context.clock()
    if context.keys_told_on == now.date():
        return
    context.keys_told_on = now.date()
    async with context.database.session() as session:
        keys = await all_keys(session)
    for key in keys:
        if key.expires_at is not None and key.expires_at <= now + KEY_NOTICE:
            use = key.id.partition("_")[0]
            log.warning(
                "the %s key %s of %s %s on %s. Make another one with `staff %s-key`, "
                "move to it what uses this one, and remove this one with `staff remove-key`.",
                use,
                key.id,
                "the operator" if key.merchant_id is None else f"merchant {key.merchant_id}",
                "expires" if key.expires_at > now else "has expired",
                key.expires_at.date(),
                use,
            )


async def remove_all(session: AsyncSession) -> int:
    """Removes all keys, and returns how many there were."""
    return len((await session.scalars(delete(MerchantKeyRow).returning(MerchantKeyRow.id))).all())
