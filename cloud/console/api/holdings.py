"""What people have at a site and at a merchant: access, tickets and memberships.

They are counted, and one is taken by the merchant's own reference for it. Who has it is told to
nobody: how many people it was taken from is all that is answered.
"""

from fastapi import APIRouter
from pydantic import Field

from cloud.console import held
from cloud.console.api.asking import Asked, Asker, AskerOnce, router
from cloud.console.held import AtDoor, Taker
from cloud.console.roles import Right
from cloud.entry import access, tickets
from cloud.entry.doors import DoorKind
from cloud.integrations.asking import Scope
from protocol.entry import Ticket
from protocol.messages import Direction, MembershipCode, Message

reading: APIRouter = router(Right.SEE, Scope.HOLDINGS_READ)
taking: APIRouter = router(Right.TAKE, Scope.HOLDINGS_WRITE)


class KioskAtDoor(Message):
    """A kiosk of a site that stands at a door."""

    device_id: str
    name: str
    """The door's."""
    direction: Direction
    area: str | None
    """What it leads into or out of; null where that is not counted."""
    kind: DoorKind
    everyone: bool
    """Whether it is for everybody who has agreed, and not for people on the list alone."""
    hours: str
    """When it is open, by the clock of the site, such as `mon-fri 07:00-19:00`; empty where it
    always is."""
    list_hours: int
    """For how many hours it lets people pass without a network; 0 for none."""


class InArea(Message):
    area: str
    people: int
    """How many are in it now."""


class AccessThere(Message):
    """The doors of a site, and how many people may pass."""

    given: int
    """How many people have access who have signed up."""
    accepted: int
    """How many of them have agreed that their palm opens."""
    recognised: int
    """How often somebody was recognised at a door within a day."""
    areas: list[InArea]
    doors: list[KioskAtDoor]


class LinkedThere(Message):
    """How much people have linked to their palms at a merchant."""

    tickets: int = Field(
        description=f"A person has {tickets.TICKETS} at most, and each is kept for "
        f"{tickets.TICKET_LIFE.days} days."
    )
    people_with_tickets: int
    memberships: int
    """A person has one at most."""


class WhoseAccess(Message):
    """Somebody, as the site's own system calls them."""

    person: access.Name = Field(repr=False)
    """Their id in the list that the site's own system sends."""


class WhichMembership(Message):
    code: MembershipCode = Field(repr=False)


class TakenFrom(Message):
    """From how many people something was taken."""

    people: int
    """0 where nobody who has signed up has it."""


@reading.get("/sites/{site_id}/access")
async def show_access(asked: Asker, site_id: str) -> AccessThere:
    """Tells the doors of a site, and how many people may pass."""
    here = await held.at_site(asked.session, await asked.site(site_id), asked.now)
    return AccessThere(
        given=here.given,
        accepted=here.accepted,
        recognised=here.lately,
        areas=[InArea(area=area, people=people) for area, people in here.areas.items()],
        doors=[_told(each) for each in here.doors],
    )


@taking.post("/sites/{site_id}/access/take")
async def take_access(asked: AskerOnce, site_id: str, whose: WhoseAccess) -> TakenFrom:
    """Takes somebody's access, at all doors of the site at once. They have it back when the site's
    own list names them the next time that it is sent."""
    site = await asked.site(site_id)
    return TakenFrom(people=await _taker(asked).take_access(site, whose.person))


@reading.get("/holdings")
async def show(asked: Asker) -> LinkedThere:
    """Counts the tickets and memberships that people have linked."""
    linked = await held.at_merchant(asked.session, await asked.merchant())
    return LinkedThere(
        tickets=linked.tickets,
        people_with_tickets=linked.people_with_tickets,
        memberships=linked.memberships,
    )


@taking.post("/tickets/take")
async def take_ticket(asked: AskerOnce, ticket: Ticket) -> TakenFrom:
    """Takes a ticket from whom it is linked to. It counts as before in the venue's own system."""
    merchant = await asked.merchant()
    return TakenFrom(people=await _taker(asked).take_ticket(merchant, ticket.code))


@taking.post("/memberships/take")
async def take_membership(asked: AskerOnce, membership: WhichMembership) -> TakenFrom:
    """Takes a membership from everybody who has linked it. It counts as before in the merchant's
    own system."""
    merchant = await asked.merchant()
    return TakenFrom(people=await _taker(asked).take_membership(merchant, membership.code))


def _taker(asked: Asked) -> Taker:
    return Taker(asked.context, asked.session, asked.by, asked.call.afterwards)


def _told(each: AtDoor) -> KioskAtDoor:
    door = each.door
    return KioskAtDoor(
        device_id=each.device.id,
        name=door.name,
        direction=door.direction,
        area=door.area,
        kind=door.kind,
        everyone=door.everyone,
        hours=each.hours,
        list_hours=door.list_hours,
    )


ROUTERS = (reading, taking)
