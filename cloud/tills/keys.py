"""Keys with which the tills of a merchant prove themselves to the service."""

import hmac
import secrets
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from cloud.keys.person_keys import MasterKey
from cloud.tills.tables import TillKey

_KIND = "till key"


async def make_till_key(
    session: AsyncSession, master: MasterKey, merchant_id: str, now: datetime
) -> str:
    """Returns a new key for the tills of a merchant, such as `till_9f2c….…`. Only its hash is
    stored."""
    name = f"till_{secrets.token_hex(6)}"
    key = f"{name}.{secrets.token_urlsafe(32)}"
    session.add(
        TillKey(id=name, merchant_id=merchant_id, lookup=master.lookup(_KIND, key), made_at=now)
    )
    await session.flush()
    return key


async def merchant_with(session: AsyncSession, master: MasterKey, key: str) -> str | None:
    """Returns the id of the merchant whose key this is, None when it is nobody's."""
    row = await session.get(TillKey, key.partition(".")[0])
    expected = master.lookup(_KIND, key)
    # Equally long for a name that is not known: names are no secret, and need not be one.
    known = row.lookup if row is not None else ""
    return row.merchant_id if row and hmac.compare_digest(known, expected) else None
