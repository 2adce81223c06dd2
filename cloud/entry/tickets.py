"""Tickets: a person links what the QR code of their ticket says to their palm.

A merchant's venues are shown those that were linked at the merchant, and no others. Whether one
counts tonight is known to the venue's own system, which is asked at the gate.
"""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from fastapi import APIRouter
from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.db.tables import new_id
from cloud.entry.tables import TicketRow
from cloud.keys.person_keys import MasterKey
from cloud.keys.persons import OpenPerson, each_opened
from cloud.recognition.identifications import accepted_for
from cloud.web import signed_request
from cloud.web.problems import Refusal
from cloud.web.signed_request import Caller
from protocol.entry import Ticket, Tickets
from protocol.messages import ProblemType, Purpose

TICKETS = 8
"""The largest number of tickets of a person at one merchant. Screens say it in words
(`ui/qml/Palm/screens/AtGate.qml`)."""
TICKET_LIFE = timedelta(days=400)
"""How long a ticket is kept: events are sold about a year ahead."""

router: APIRouter = signed_request.router()


@router.get("/identifications/{identification_id}/tickets")
async def tell(call: Caller, identification_id: str) -> Tickets:
    person = await accepted_for(call, identification_id, Purpose.ENTER)
    merchant_id = (await call.device()).merchant_id
    return Tickets(count=len(await tickets_of(call.session, person, merchant_id)))


@router.post("/identifications/{identification_id}/tickets")
async def link(call: Caller, identification_id: str, ticket: Ticket) -> Tickets:
    """Links a ticket at the device's merchant; one that is linked already stays."""
    person = await accepted_for(call, identification_id, Purpose.ENTER)
    merchant_id = (await call.device()).merchant_id
    await add(call.session, person, merchant_id, ticket, call.now)
    return Tickets(count=len(await tickets_of(call.session, person, merchant_id)))


async def add(
    session: AsyncSession, person: OpenPerson, merchant_id: str, ticket: Ticket, now: datetime
) -> None:
    """Links a ticket to a person. Raises Refusal (TOO_MANY_TICKETS) when they have TICKETS."""
    held = await tickets_of(session, person, merchant_id)
    if ticket in [each for _, each in held]:
        return
    if len(held) >= TICKETS:
        raise Refusal(ProblemType.TOO_MANY_TICKETS, f"a person has {TICKETS} tickets at the most")
    ticket_id = new_id()
    session.add(
        TicketRow(
            id=ticket_id,
            person_id=person.person_id,
            merchant_id=merchant_id,
            sealed=person.seal(ticket, _place(ticket_id)),
            at=now,
        )
    )
    await session.flush()


async def tickets_of(
    session: AsyncSession, person: OpenPerson, merchant_id: str
) -> list[tuple[TicketRow, Ticket]]:
    """Returns a person's tickets at a merchant, the newest first."""
    return [
        (row, ticket)
        for row, ticket in await all_tickets(session, person)
        if row.merchant_id == merchant_id
    ]


async def all_tickets(session: AsyncSession, person: OpenPerson) -> list[tuple[TicketRow, Ticket]]:
    """Returns a person's tickets at all merchants, the newest first."""
    rows = await session.scalars(
        select(TicketRow)
        .where(TicketRow.person_id == person.person_id)
        .order_by(TicketRow.at.desc(), TicketRow.id)
    )
    return [(row, person.open(Ticket, row.sealed, _place(row.id))) for row in rows]


async def count_tickets(session: AsyncSession, person: OpenPerson) -> int:
    """Returns how many tickets a person has linked."""
    count = await session.scalar(
        select(func.count()).where(TicketRow.person_id == person.person_id)
    )
    return count or 0


async def count_linked(session: AsyncSession, merchant_id: str) -> tuple[int, int]:
    """Returns how many tickets are linked at a merchant, and to how many people."""
    counts = select(func.count(), func.count(TicketRow.person_id.distinct()))
    linked = counts.where(TicketRow.merchant_id == merchant_id)
    tickets, people = (await session.execute(linked)).one()
    return tickets, people


async def with_code(
    session: AsyncSession, master: MasterKey, merchant_id: str, code: str
) -> list[str]:
    """Returns the ids of the tickets of a merchant whose QR code says this. It opens all of them,
    since nothing else tells."""
    rows = select(TicketRow).where(TicketRow.merchant_id == merchant_id)
    each = each_opened(session, master, rows, TicketRow.person_id, TicketRow.id)
    return [
        row.id
        async for person, row in each
        if person.open(Ticket, row.sealed, _place(row.id)).code == code
    ]


async def take(
    session: AsyncSession, merchant_id: str, ticket_ids: Collection[str]
) -> Sequence[str]:
    """Deletes tickets of a merchant, and returns the ids of those that were there. The database's
    file may still hold these ids (`cloud.context.Database.forget_erased`)."""
    theirs = TicketRow.merchant_id == merchant_id, TicketRow.id.in_(ticket_ids)
    gone = await session.scalars(delete(TicketRow).where(*theirs).returning(TicketRow.id))
    return gone.all()


async def remove(session: AsyncSession, person: OpenPerson, ticket_id: str) -> bool:
    """Deletes a ticket, whose id is the trace of it that the database may still hold
    (`cloud.context.Database.forget_erased`). Returns whether the person had it."""
    theirs = TicketRow.person_id == person.person_id, TicketRow.id == ticket_id
    gone = await session.execute(delete(TicketRow).where(*theirs).returning(TicketRow.id))
    return gone.first() is not None


async def forget(session: AsyncSession, person: OpenPerson, merchant_id: str) -> bool:
    """Deletes a person's tickets at a merchant. Returns whether there was any."""
    theirs = TicketRow.person_id == person.person_id, TicketRow.merchant_id == merchant_id
    gone = await session.execute(delete(TicketRow).where(*theirs).returning(TicketRow.id))
    return gone.first() is not None


async def forget_expired(session: AsyncSession, now: datetime) -> bool:
    """Deletes the tickets that were linked long ago. Returns whether there was any."""
    gone = await session.execute(
        delete(TicketRow).where(TicketRow.at <= now - TICKET_LIFE).returning(TicketRow.id)
    )
    return gone.first() is not None


def _place(ticket_id: str) -> str:
    return f"tickets.sealed/{ticket_id}"
