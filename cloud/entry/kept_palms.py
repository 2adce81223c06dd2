"""Palms that the gates of a site may recognise without a network, and the agreement to that.

A person is asked once, at a gate of a site that has given them access, and shows their palm again
for it: the vault makes of that capture alone a template that it shares with kiosks
(`cloud.vault.templates.Use`). So nobody's enrolled template leaves the vault. The answer is kept
with their access, and goes with it.
"""

from datetime import datetime, timedelta

from pydantic import BaseModel
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.entry.tables import AccessRow, KeptPalmRow
from cloud.keys.person_keys import MasterKey, trace_of
from cloud.keys.persons import OpenPerson, opened
from protocol.messages import Base64, Side

MOST_HOURS = 24
"""The longest time in hours for which a kiosk may have somebody's template."""
LONGEST = timedelta(hours=MOST_HOURS)


class KeptPalm(BaseModel):
    """A template that the vault shares with gates."""

    side: Side
    version: int
    template: Base64
    """Sealed by the vault."""


class Answer(BaseModel):
    """What a person has answered, sealed."""

    palm: KeptPalm | None
    """None of somebody who does not want it."""


class _Stored(Answer):
    """An answer as it is kept."""

    holds: bool = True
    """False of somebody who is asked again."""
    at_gates_until: datetime | None = None
    """Until when a gate that has no network may have a template that was kept before; None without
    one."""


async def answer(
    session: AsyncSession, person: OpenPerson, site_id: str, given: Answer, now: datetime
) -> None:
    """Notes what a person has answered, in place of an earlier answer. They have access there."""
    await _store(session, person, site_id, _Stored(palm=given.palm), now)


async def end(
    session: AsyncSession, person: OpenPerson, site_id: str, now: datetime
) -> bytes | None:
    """Ends that the gates of a site recognise a person without a network. Returns the trace of the
    template that the database may still hold (`cloud.context.Database.forget_erased`); None of
    somebody who was not asked."""
    row = await session.get(KeptPalmRow, (person.person_id, site_id))
    if row is None:
        return None
    trace = trace_of(row.sealed)
    await answer(session, person, site_id, Answer(palm=None), now)
    return trace


async def answer_of(session: AsyncSession, person: OpenPerson, site_id: str) -> Answer | None:
    """Returns what a person has answered; None when they have not been asked."""
    row = await session.get(KeptPalmRow, (person.person_id, site_id))
    return None if row is None else _answer(_opened(person, row))


async def forget(session: AsyncSession, person: OpenPerson, site_id: str, now: datetime) -> None:
    """Forgets what a person has answered, so that they are asked again."""
    await _store(session, person, site_id, _Stored(palm=None, holds=False), now)


async def forget_palm(
    session: AsyncSession, person: OpenPerson, side: Side, now: datetime
) -> list[bytes]:
    """Forgets the answers with which a palm is kept of this hand, which its person has deleted:
    they are asked again with the other one. Returns the traces of the templates that the database
    may still hold (`cloud.context.Database.forget_erased`)."""
    traces: list[bytes] = []
    for row in await kept_of(session, person, side):
        traces.append(trace_of(row.sealed))
        await forget(session, person, row.site_id, now)
    return traces


async def kept_of(session: AsyncSession, person: OpenPerson, side: Side) -> list[KeptPalmRow]:
    """Returns the answers with which a palm is kept of this hand."""
    answers = await answers_of(session, person)
    return [row for row, given in answers if given.palm and given.palm.side == side]


async def answers_of(session: AsyncSession, person: OpenPerson) -> list[tuple[KeptPalmRow, Answer]]:
    """Returns what a person has answered to all sites."""
    answers = [(row, _answer(stored)) for row, stored in await _stored_of(session, person)]
    return [(row, given) for row, given in answers if given is not None]


async def answers_at(
    session: AsyncSession, master: MasterKey, site_id: str
) -> list[tuple[OpenPerson, Answer]]:
    """Returns what people have answered to a site, the last first."""
    rows = (
        select(KeptPalmRow)
        .where(KeptPalmRow.site_id == site_id)
        .order_by(KeptPalmRow.at.desc(), KeptPalmRow.person_id)
    )
    answers = [
        (person, _answer(_opened(person, row)))
        for person, row in await opened(session, master, rows, KeptPalmRow.person_id)
    ]
    return [(person, given) for person, given in answers if given is not None]


async def may_be_at_gates(
    session: AsyncSession, person: OpenPerson, now: datetime, merchant_id: str | None = None
) -> bool:
    """Returns whether a gate of a merchant, or of any, may have a template of a person in its
    memory."""
    return any(
        (stored.palm is not None or (stored.at_gates_until or now) > now)
        and merchant_id in (None, row.merchant_id)
        for row, stored in await _stored_of(session, person)
    )


async def _store(
    session: AsyncSession, person: OpenPerson, site_id: str, stored: _Stored, now: datetime
) -> None:
    """Stores an answer, and until when gates may have what was kept before."""
    key = person.person_id, site_id
    access = await session.get_one(AccessRow, key)
    row = await session.get(KeptPalmRow, key)
    if row is not None:
        before = _opened(person, row)
        until = before.at_gates_until if before.palm is None else now + LONGEST
        stored = stored.model_copy(update={"at_gates_until": until})
    await session.merge(
        KeptPalmRow(
            person_id=person.person_id,
            merchant_id=access.merchant_id,
            site_id=site_id,
            sealed=person.seal(stored, _place(site_id)),
            at=now,
        )
    )


async def _stored_of(
    session: AsyncSession, person: OpenPerson
) -> list[tuple[KeptPalmRow, _Stored]]:
    rows = await session.scalars(
        select(KeptPalmRow)
        .where(KeptPalmRow.person_id == person.person_id)
        .order_by(KeptPalmRow.site_id)
    )
    return [(row, _opened(person, row)) for row in rows]


def _opened(person: OpenPerson, row: KeptPalmRow) -> _Stored:
    return person.open(_Stored, row.sealed, _place(row.site_id))


def _answer(stored: _Stored) -> Answer | None:
    return Answer(palm=stored.palm) if stored.holds else None


def _place(site_id: str) -> str:
    return f"kept_palms.sealed/{site_id}"
