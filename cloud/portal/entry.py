"""Pages on which people link the tickets that their palm stands for and remove them, and give up
what sites have given them to pass their doors with.

At kiosks the same rules hold (`cloud.entry.tickets`).
"""

from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Form, Response
from pydantic import ValidationError

from cloud.entry import access, tickets
from cloud.entry.access import Access, all_access
from cloud.entry.doors import merchants_with_tickets
from cloud.entry.tickets import TICKETS, all_tickets, tickets_of
from cloud.merchants.merchants import MerchantRow, find_merchant, place_of
from cloud.people.agreements import agreements_of
from cloud.portal.asking import HOME, Asked, Asker, router
from cloud.web.browsers import redirect
from cloud.web.problems import Refusal
from protocol.entry import Ticket
from protocol.messages import ProblemType

routes: APIRouter = router()


@dataclass(frozen=True, slots=True)
class LinkedTicket:
    """A ticket as its person is shown it. Its whole code lets whoever has it in, so it stands on
    the page of what is stored and on no other."""

    ticket_id: str
    merchant: str
    ending: str
    at: datetime


@dataclass(frozen=True, slots=True)
class GivenAccess:
    """What a site has given a person, as they are shown it."""

    site_id: str
    site: str
    merchant: str
    access: Access
    accepted_at: datetime | None


async def linked_tickets(asked: Asked) -> list[LinkedTicket]:
    """Returns the tickets of who is signed in, the newest first."""
    linked: list[LinkedTicket] = []
    for row, ticket in await all_tickets(asked.session, asked.person):
        merchant = await find_merchant(asked.session, row.merchant_id)
        assert merchant is not None
        linked.append(LinkedTicket(row.id, merchant.name, ticket.code[-4:], row.at))
    return linked


async def given_access(asked: Asked) -> list[GivenAccess]:
    """Returns what sites have given who is signed in."""
    given: list[GivenAccess] = []
    for row, theirs in await all_access(asked.session, asked.person):
        site, merchant = await place_of(asked.session, row.site_id)
        given.append(GivenAccess(site.id, site.name, merchant.name, theirs, row.accepted_at))
    return given


async def venues(asked: Asked) -> list[MerchantRow]:
    """Returns the merchants at which who is signed in can link tickets: those that they agreed to
    and that redeem tickets."""
    redeem = await merchants_with_tickets(asked.session)
    found = [
        await find_merchant(asked.session, agreement.merchant_id)
        for agreement in await agreements_of(asked.session, asked.person)
        if agreement.merchant_id in redeem
    ]
    return [merchant for merchant in found if merchant is not None]


@routes.get("/tickets/new")
async def show_form(asked: Asker) -> Response:
    return await _show_form(asked)


@routes.post("/tickets/new")
async def link(
    asked: Asker,
    merchant: Annotated[str, Form(max_length=64)] = "",
    code: Annotated[str, Form(max_length=400)] = "",
) -> Response:
    """Links a ticket whose code was typed, as it is printed below the QR code."""
    if merchant not in [venue.id for venue in await venues(asked)]:
        raise Refusal(ProblemType.NOT_FOUND)
    try:
        ticket = Ticket(code=code.strip())
    except ValidationError:
        return await _show_form(asked, 422, problem="no_ticket", chosen=merchant)
    try:
        await tickets.add(asked.session, asked.person, merchant, ticket, asked.now)
    except Refusal as refusal:
        return await _show_form(asked, refusal.problem.status, chosen=merchant)
    return redirect(HOME)


@routes.get("/tickets/{ticket_id}/remove")
async def ask_about_ticket(asked: Asker, ticket_id: str) -> Response:
    for ticket in await linked_tickets(asked):
        if ticket.ticket_id == ticket_id:
            return asked.page("ticket_remove.html", ticket=ticket)
    raise Refusal(ProblemType.NOT_FOUND)


@routes.post("/tickets/{ticket_id}/remove")
async def remove_ticket(asked: Asker, ticket_id: str) -> Response:
    if not await tickets.remove(asked.session, asked.person, ticket_id):
        raise Refusal(ProblemType.NOT_FOUND)
    asked.afterwards.append(partial(asked.context.database.forget_erased, ticket_id))
    return redirect(HOME)


@routes.get("/access/{site_id}")
async def ask_about_access(asked: Asker, site_id: str) -> Response:
    for given in await given_access(asked):
        if given.site_id == site_id:
            return asked.page("access.html", given=given)
    raise Refusal(ProblemType.NOT_FOUND)


@routes.post("/access/{site_id}")
async def give_up(asked: Asker, site_id: str) -> Response:
    """Takes what a site has given who is signed in. In which area they are stays known: otherwise
    they could enter it twice."""
    traces = await access.take(asked.session, asked.person.person_id, site_id)
    if not traces:
        raise Refusal(ProblemType.NOT_FOUND)
    asked.afterwards.append(partial(asked.context.database.forget_erased, *traces))
    return redirect(HOME)


async def _show_form(
    asked: Asked, status: int = 200, *, problem: str | None = None, chosen: str = ""
) -> Response:
    open_to: list[MerchantRow] = []
    full: list[MerchantRow] = []
    for venue in await venues(asked):
        held = await tickets_of(asked.session, asked.person, venue.id)
        (full if len(held) >= TICKETS else open_to).append(venue)
    return asked.page(
        "ticket.html",
        status,
        open_to=open_to,
        full=full,
        most=TICKETS,
        chosen=chosen,
        problem=problem,
    )
