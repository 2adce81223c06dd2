"""Refused uses: that a palm was recognised and not taken, kept so that its person sees it in the
portal.

Of each the merchant and the time are kept, and why, sealed with the person's key. They are erased
with the person, and like their purchases when the books need those no longer.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Literal

from pydantic import BaseModel
from sqlalchemy import Select, delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.context import Context
from cloud.keys.persons import OpenPerson
from cloud.policy import BOOKKEEPING
from cloud.recognition.tables import IdentificationRow, RefusedUseRow

Why = Literal["frozen", "wrong_digits", "too_many"]
"""The palms were frozen; the digits of the number were wrong to the last; or too many purchases
were made within an hour."""


class Reason(BaseModel):
    """Why a palm was not taken, sealed."""

    why: Why


TOLD: Mapping[Why, str] = {
    "frozen": "your palm was refused because it is frozen",
    "wrong_digits": "your palm was refused for wrong digits of your number",
    "too_many": "your palm was refused for too many purchases in an hour",
}
"""What an alert says of each."""


async def note(
    context: Context,
    session: AsyncSession,
    person: OpenPerson,
    row: IdentificationRow,
    why: Why,
    *,
    site_id: str,
    now: datetime,
) -> None:
    """Keeps that a person was recognised at a site by an identification and refused, and has them
    told if they want to be: once, however often it is tried again."""
    if await session.get(RefusedUseRow, row.id) is not None:
        return
    session.add(
        RefusedUseRow(
            id=row.id,
            person_id=person.person_id,
            merchant_id=row.merchant_id,
            site_id=site_id,
            sealed=person.seal(Reason(why=why), _place(row.id)),
            at=now,
        )
    )
    await context.alerts.promise(
        context, session, person, merchant_id=row.merchant_id, what=TOLD[why], at=now
    )


def refused_uses(person: OpenPerson) -> Select[str, datetime, str, str | None, bytes]:
    """Returns the query for the refused uses of a person: `id`, `at`, `merchant_id`, `site_id` and
    `sealed`, which `reason_of` opens."""
    return select(
        RefusedUseRow.id,
        RefusedUseRow.at,
        RefusedUseRow.merchant_id,
        RefusedUseRow.site_id,
        RefusedUseRow.sealed,
    ).where(RefusedUseRow.person_id == person.person_id)


def reason_of(person: OpenPerson, refused_id: str, sealed: bytes) -> Why:
    return person.open(Reason, sealed, _place(refused_id)).why


async def forget_expired(session: AsyncSession, now: datetime) -> bool:
    """Deletes what was kept for as long as purchases are. Returns whether there was any."""
    deleted = await session.execute(
        delete(RefusedUseRow)
        .where(RefusedUseRow.at <= now - BOOKKEEPING)
        .returning(RefusedUseRow.id)
    )
    return deleted.first() is not None


def _place(refused_id: str) -> str:
    return f"refused_uses.sealed/{refused_id}"
