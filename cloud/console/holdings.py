"""Pages of access, tickets and memberships (`cloud.console.held`). They tell how many there are.
Staff can take one away by its own reference; they do not learn who has it."""

from typing import Annotated

from fastapi import APIRouter, Form, Response
from pydantic import ValidationError

from cloud.console import held
from cloud.console.asking import Asked, Asker, router
from cloud.console.held import Taker
from cloud.console.places import merchant_of, site_of
from cloud.console.roles import Right
from cloud.entry import tickets
from cloud.merchants.merchants import place_of

routes: APIRouter = router(Right.SEE)
taking: APIRouter = router(Right.TAKE)

Reference = Annotated[str, Form(max_length=400)]


@routes.get("/sites/{site_id}/access")
async def show_access(asked: Asker) -> Response:
    return await _access_page(asked)


@taking.post("/sites/{site_id}/access/take")
async def take_access(asked: Asker, person: Reference = "") -> Response:
    taken = await _taker(asked).take_access(site_of(asked), person.strip())
    return await _access_page(asked, taken=taken)


@routes.get("/merchants/{merchant_id}/holdings")
async def show_holdings(asked: Asker) -> Response:
    return await _holdings_page(asked)


@taking.post("/merchants/{merchant_id}/tickets/take")
async def take_ticket(asked: Asker, ticket: Reference = "") -> Response:
    taken = await _taker(asked).take_ticket(merchant_of(asked), ticket.strip())
    return await _holdings_page(asked, what="ticket", taken=taken)


@taking.post("/merchants/{merchant_id}/memberships/take")
async def take_membership(asked: Asker, membership: Reference = "") -> Response:
    try:
        taken = await _taker(asked).take_membership(merchant_of(asked), membership.strip())
    except ValidationError:
        # Nobody can have linked a text that is no code of a card.
        taken = 0
    return await _holdings_page(asked, what="membership", taken=taken)


def _taker(asked: Asked) -> Taker:
    return Taker(asked.context, asked.session, asked.by, asked.afterwards)


async def _access_page(asked: Asked, *, taken: int | None = None) -> Response:
    site, merchant = await place_of(asked.session, site_of(asked).id)
    return asked.page(
        "access.html",
        422 if taken == 0 else 200,
        site=site,
        merchant=merchant,
        here=await held.at_site(asked.session, site, asked.now),
        taken=taken,
    )


async def _holdings_page(
    asked: Asked, *, what: str | None = None, taken: int | None = None
) -> Response:
    merchant = merchant_of(asked)
    return asked.page(
        "holdings.html",
        422 if taken == 0 else 200,
        merchant=merchant,
        linked=await held.at_merchant(asked.session, merchant),
        most=tickets.TICKETS,
        kept=tickets.TICKET_LIFE.days,
        what=what,
        taken=taken,
    )
