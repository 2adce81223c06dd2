"""Pages of what people have at a site and at a merchant: access, tickets and memberships. They tell
how many there are, and take one by its own reference; who has it is told to nobody."""

from datetime import timedelta
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Form, Response
from pydantic import ValidationError

from cloud.console import acts
from cloud.console.asking import Asked, Asker, router
from cloud.console.places import merchant_of, site_of
from cloud.console.roles import Right
from cloud.entry import access, doors, entries, presences, tickets
from cloud.loyalty import memberships
from cloud.merchants.merchants import place_of
from cloud.web.devices import all_devices

LATELY = timedelta(days=1)
"""How far back people at doors are counted."""

routes: APIRouter = router(Right.SEE)
taking: APIRouter = router(Right.TAKE)

Reference = Annotated[str, Form(max_length=400)]


@routes.get("/sites/{site_id}/access")
async def show_access(asked: Asker) -> Response:
    return await _access_page(asked)


@taking.post("/sites/{site_id}/access/take")
async def take_access(asked: Asker, person: Reference = "") -> Response:
    site, name = site_of(asked), person.strip()
    # Nobody waits for the database while all of it is looked through.
    await asked.session.commit()
    async with asked.context.database.reading() as session:
        people = await access.called_at(session, asked.context.master, site.id, name)
    traces = await acts.take_access(asked.session, asked.by, site, people)
    _forget(asked, *traces)
    return await _access_page(asked, taken=len(people))


@routes.get("/merchants/{merchant_id}/holdings")
async def show_holdings(asked: Asker) -> Response:
    return await _holdings_page(asked)


@taking.post("/merchants/{merchant_id}/tickets/take")
async def take_ticket(asked: Asker, ticket: Reference = "") -> Response:
    merchant = merchant_of(asked)
    await asked.session.commit()
    async with asked.context.database.reading() as session:
        code, master = ticket.strip(), asked.context.master
        found = await tickets.with_code(session, master, merchant.id, code)
    await acts.take_tickets(asked.session, asked.by, merchant, found)
    _forget(asked, *found)
    return await _holdings_page(asked, what="ticket", taken=len(found))


@taking.post("/merchants/{merchant_id}/memberships/take")
async def take_membership(asked: Asker, membership: Reference = "") -> Response:
    merchant, code = merchant_of(asked), membership.strip()
    try:
        traces = await acts.unlink_membership(
            asked.session, asked.context.master, asked.by, merchant, code
        )
    except ValidationError:
        # What no card says nobody has linked.
        traces = []
    _forget(asked, *traces)
    return await _holdings_page(asked, what="membership", taken=len(traces))


def _forget(asked: Asked, *traces: str | bytes) -> None:
    if traces:
        asked.afterwards.append(partial(asked.context.database.forget_erased, *traces))


async def _access_page(asked: Asked, *, taken: int | None = None) -> Response:
    session = asked.session
    site, merchant = await place_of(session, site_of(asked).id)
    here = {
        device.id: device
        for device in await all_devices(session)
        if device.site_id == site.id and device.revoked_at is None
    }
    given, accepted = await access.counts_at(session, site.id)
    return asked.page(
        "access.html",
        422 if taken == 0 else 200,
        site=site,
        merchant=merchant,
        doors=[
            (here[row.device_id], door, row.hours)
            for row, door in await doors.all_doors(session)
            if row.site_id == site.id and row.device_id in here
        ],
        given=given,
        accepted=accepted,
        areas=await presences.counts_at(session, site.id),
        lately=await entries.count_since(session, site.id, asked.now - LATELY),
        taken=taken,
    )


async def _holdings_page(
    asked: Asked, *, what: str | None = None, taken: int | None = None
) -> Response:
    merchant = merchant_of(asked)
    linked, people = await tickets.count_linked(asked.session, merchant.id)
    return asked.page(
        "holdings.html",
        422 if taken == 0 else 200,
        merchant=merchant,
        tickets=linked,
        people=people,
        most=tickets.TICKETS,
        kept=tickets.TICKET_LIFE.days,
        members=await memberships.count_linked(asked.session, merchant.id),
        what=what,
        taken=taken,
    )
