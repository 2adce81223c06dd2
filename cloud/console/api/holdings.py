"""Access, tickets and memberships that people have at a site or a merchant.

The API tells how many there are. A system can take one away by the merchant's own reference for it.
The answer tells from how many people it was taken, and not who they are.
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
    """The door's name."""
    direction: Direction
    area: str | None
    """The area that the door leads into or out of; null where people inside are not counted."""
    kind: DoorKind
    everyone: bool
    """Whether everybody who has agreed may pass, and not only people on the list."""
    hours: str
    """When the door is open, in the time zone of the site, such as `mon-fri 07:00-19:00`; empty for
    a door that is always open."""
    list_hours: int
    """For how many hours the door lets people pass without a network."""


class InArea(Message):
    area: str
    people: int
    """How many people are in it now."""


class AccessThere(Message):
    """The doors of a site, and how many people have access."""

    given: int
    """How many people who have signed up have access."""
    accepted: int
    """How many of them have agreed that their palm opens doors."""
    recognised: int
    """How often somebody was recognised at a door within the last day."""
    areas: list[InArea]
    doors: list[KioskAtDoor]


class LinkedThere(Message):
    """How many tickets and memberships of a merchant people have linked to their palms."""

    tickets: int = Field(
        description=f"A person has at most {tickets.TICKETS}, and each is kept for "
        f"{tickets.TICKET_LIFE.days} days."
    )
    people_with_tickets: int
    memberships: int
    """A person has at most one."""


class WhoseAccess(Message):
    """A person, by the id of the site's own system."""

    person: access.Name = Field(repr=False)
    """The id in the list that the site's own system sends."""


class WhichMembership(Message):
    code: MembershipCode = Field(repr=False)


class TakenFrom(Message):
    """From how many people something was taken."""

    people: int
    """0 where nobody who has signed up had it."""


@reading.get("/sites/{site_id}/access")
async def show_access(asked: Asker, site_id: str) -> AccessThere:
    """Returns the doors of a site, and how many people have access."""
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
    """Takes a person's access away, at all doors of the site at once. They get it back if the list
    that the site's own system sends next still names them."""
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
    """Takes a ticket away from the person who has linked it. It stays valid in the venue's own
    system."""
    merchant = await asked.merchant()
    return TakenFrom(people=await _taker(asked).take_ticket(merchant, ticket.code))


@taking.post("/memberships/take")
async def take_membership(asked: AskerOnce, membership: WhichMembership) -> TakenFrom:
    """Takes a membership away from everybody who has linked it. It stays valid in the merchant's
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
