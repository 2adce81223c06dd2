"""Events: what a merchant's own systems are told of, written down in the transaction in which it
happens.

An event that tells a reference is sealed with its person's key, and goes with them. It is kept for
a day; that somebody has left, which names nobody who is stored here any more, for longer.

This module is the `cloud.context.Events` of the service.
"""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.event import listen
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.context import Context, Event
from cloud.db.tables import new_id
from cloud.integrations.tables import DeliveryRow, EventRow, PalmRequestRow, ReceiverRow
from cloud.keys.person_keys import Key, MasterKey
from cloud.keys.persons import OpenPerson, find_person
from cloud.loyalty.memberships import membership_of
from cloud.policy import DELETION_TOLD, EVENT_LIFE


async def note(
    context: Context,
    session: AsyncSession,
    event: Event,
    *,
    merchant_id: str,
    data: Mapping[str, Any],
    person_id: str | None = None,
) -> None:
    """Has a merchant told of an event (`cloud.context.Events`)."""
    receivers = await _receivers_of(session, merchant_id, event)
    if not receivers:
        return
    person = member = None
    if person_id is not None:
        person = await find_person(session, context.master, person_id)
        member = await membership_of(session, person, merchant_id)
    about = {"person": None if member is None else {"reference": member.code}}
    _put(
        context,
        session,
        event,
        receivers,
        merchant_id=merchant_id,
        data={**data, **about},
        person=person if member is not None else None,
    )


async def note_leaving(
    context: Context, session: AsyncSession, merchant_id: str, code: str
) -> None:
    """Has a merchant told that a membership has lost its palm (`cloud.context.Events`)."""
    receivers = await _receivers_of(session, merchant_id, Event.DELETED)
    if receivers:
        data = {"person": {"reference": code}}
        _put(context, session, Event.DELETED, receivers, merchant_id=merchant_id, data=data)


async def forget(session: AsyncSession, person: OpenPerson, merchant_id: str) -> None:
    """Erases the events that tell a merchant of a person, and what they have answered it
    (`cloud.context.Events`)."""
    theirs = EventRow.person_id == person.person_id, EventRow.merchant_id == merchant_id
    await session.execute(delete(EventRow).where(*theirs))
    answered = PalmRequestRow.person_id == person.person_id
    there = PalmRequestRow.merchant_id == merchant_id
    await session.execute(delete(PalmRequestRow).where(answered, there))


async def put_test(
    context: Context, session: AsyncSession, merchant_id: str, receiver_id: str
) -> str:
    """Has one receiver told of an event that means nothing. Returns its id."""
    return _put(context, session, TEST, [receiver_id], merchant_id=merchant_id, data={})


async def body_of(session: AsyncSession, master: MasterKey, event_id: str) -> bytes | None:
    """Returns the body of an event as it is sent; None when it is not kept any more."""
    row = await session.get(EventRow, event_id)
    if row is None:
        return None
    key = master.outbox
    if row.person_id is not None:
        key = (await find_person(session, master, row.person_id)).key
    return key.open(row.sealed, _place(row.id))


def life_of(kind: str) -> timedelta:
    """Returns how long an event is told."""
    return DELETION_TOLD if kind == Event.DELETED else EVENT_LIFE


async def is_kept(session: AsyncSession, event_id: str) -> bool:
    """Returns whether an event can still be told."""
    return await session.get(EventRow, event_id) is not None


async def forget_expired(session: AsyncSession, now: datetime) -> None:
    """Deletes the events that are not told any more."""
    await session.execute(delete(EventRow).where(EventRow.expires_at <= now))


async def reseal(session: AsyncSession, old: Key, new: Key) -> None:
    """Seals what tells of nobody with another key."""
    for row in await session.scalars(select(EventRow).where(EventRow.person_id.is_(None))):
        row.sealed = new.seal(old.open(row.sealed, _place(row.id)), _place(row.id))


TEST = "test"
"""The kind of an event that means nothing, by which a receiver is tried."""


async def _receivers_of(session: AsyncSession, merchant_id: str, event: Event) -> list[str]:
    rows = await session.scalars(select(ReceiverRow).where(ReceiverRow.merchant_id == merchant_id))
    return [row.id for row in rows if event in row.events.split()]


def _put(
    context: Context,
    session: AsyncSession,
    kind: str,
    receivers: list[str],
    *,
    merchant_id: str,
    data: Mapping[str, Any],
    person: OpenPerson | None = None,
) -> str:
    event_id, now = f"evt_{new_id()}", context.clock()
    body = {"type": kind, "timestamp": now.isoformat(timespec="seconds"), "data": data}
    key = context.master.outbox if person is None else person.key
    session.add(
        EventRow(
            id=event_id,
            person_id=None if person is None else person.person_id,
            merchant_id=merchant_id,
            kind=kind,
            sealed=key.seal(json.dumps(body).encode(), _place(event_id)),
            at=now,
            expires_at=now + life_of(kind),
        )
    )
    session.add_all(
        DeliveryRow(
            id=f"dlv_{new_id()}",
            receiver_id=receiver_id,
            event_id=event_id,
            kind=kind,
            at=now,
            attempts=0,
            due_at=now,
            state="waiting",
        )
        for receiver_id in receivers
    )
    listen(session.sync_session, "after_commit", partial(_wake, context), once=True)
    return event_id


def _wake(context: Context, _: object) -> None:
    context.errand.set()


def _place(event_id: str) -> str:
    return f"webhook_events.sealed/{event_id}"
