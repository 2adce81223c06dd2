"""Accounts of staff.

A key is all the proof that there is of who asks, where the console wants a passkey of the last
minutes. So with a key accounts are given and ended of those alone who approve nothing and give no
accounts (`cloud.console.roles.GIVES_BY_KEY`).
"""

from typing import Annotated

from fastapi import APIRouter, Request
from pydantic import AwareDatetime, Field

from cloud.console import acts, members
from cloud.console.api.asking import (
    Asked,
    Asker,
    AskerOnce,
    OperatorAsker,
    one_line,
    operators_router,
    router,
)
from cloud.console.asking import link_at
from cloud.console.members import NAME_LENGTH
from cloud.console.roles import Reach, Right, Role
from cloud.console.tables import StaffRow
from cloud.integrations import paging
from cloud.integrations.asking import Scope
from cloud.policy import STAFF_LINK_LIFE
from cloud.web.browsers import origin_at
from cloud.web.problems import Refusal
from protocol.messages import Message, ProblemType

listing: APIRouter = operators_router(Right.STAFF, Scope.STAFF_READ)
reading: APIRouter = router(Right.STAFF, Scope.STAFF_READ)
changing: APIRouter = router(Right.STAFF, Scope.STAFF_WRITE)


class Member(Message):
    """An account of somebody of the staff."""

    staff_id: str
    name: str
    """What their colleagues call them."""
    role: Role
    merchant_id: str | None
    """The only merchant that they see; null for all."""
    site_id: str | None
    """The only site that they see; null for all of the merchant."""
    since: AwareDatetime


class Members(Message):
    staff: list[Member]
    next: str | None
    """The `cursor` of the next page; null on the last one."""


class NewMember(Message):
    name: Annotated[str, one_line(NAME_LENGTH)]
    role: Role
    """`shop-staff` or `site-manager`: a key adds no others."""
    site_id: Annotated[str, Field(min_length=1, max_length=64)]
    """The only site that they see."""


class PasskeyLink(Message):
    """A link by which somebody makes a passkey in the console, once. Nothing tells it again but the
    same request, sent again with its `Idempotency-Key`."""

    url: str
    """For them alone: whoever opens it first has the account."""
    expires_at: AwareDatetime


class AddedMember(Member):
    link: PasskeyLink


@listing.get("/staff")
async def show_everybody(
    asked: OperatorAsker, cursor: paging.Cursor = None, limit: paging.Size = 50
) -> Members:
    """Lists every account, the newest first. It needs a key of the operator's."""
    return await _page(asked, cursor, limit)


@reading.get("/staff")
async def show_all(asked: Asker, cursor: paging.Cursor = None, limit: paging.Size = 50) -> Members:
    """Lists the accounts of a merchant's sites, the newest first. With a key of the operator's
    those of the merchant itself are among them."""
    return await _page(asked, cursor, limit)


@reading.get("/staff/{staff_id}")
async def show(asked: Asker, staff_id: str) -> Member:
    return _told(await asked.member(staff_id))


@changing.post("/staff")
async def add(asked: AskerOnce, new: NewMember, request: Request) -> AddedMember:
    """Adds an account for a site, with a link for whose it is."""
    origin, site = _origin(asked, request), await asked.site(new.site_id)
    reach = Reach(new.role, site.merchant_id, site.id)
    member, token = await acts.add_member(
        asked.session, asked.context.master, asked.by, new.name, reach
    )
    return AddedMember(**dict(_told(member)), link=_told_once(asked, origin, token))


@changing.post("/staff/{staff_id}/links")
async def make_link(asked: AskerOnce, staff_id: str, request: Request) -> PasskeyLink:
    """Makes another link, in place of the one before. Passkeys stay."""
    origin, member = _origin(asked, request), await asked.member(staff_id)
    token = await acts.make_link(asked.session, asked.context.master, asked.by, member)
    return _told_once(asked, origin, token)


@changing.delete("/staff/{staff_id}", status_code=204)
async def end(asked: Asker, staff_id: str) -> None:
    """Ends an account at once, wherever it is signed in, and forgets the name."""
    await acts.end_member(asked.session, asked.by, await asked.member(staff_id))


async def _page(asked: Asked, cursor: str | None, limit: int) -> Members:
    after = paging.place_of(cursor)
    everybody = await members.members_below(asked.session, asked.reach)
    left = [each for each in reversed(everybody) if after is None or _place(each) < after]
    page = left[:limit]
    return Members(
        staff=[_told(each) for each in page],
        next=paging.cursor_of(_place(page[-1])) if len(left) > limit else None,
    )


def _place(member: StaffRow) -> paging.Place:
    return member.since, member.id


def _origin(asked: Asked, request: Request) -> str:
    """Returns the console's origin. Raises Refusal where there is no console."""
    url = asked.context.settings.console.url
    if url is not None:
        return str(url).rstrip("/")
    if not asked.context.sandbox:
        detail = "no console takes a link: console.url is not set in the service's settings"
        raise Refusal(ProblemType.CONFLICT, detail)
    return origin_at(asked.context, request, url)


def _told_once(asked: Asked, origin: str, token: str) -> PasskeyLink:
    return PasskeyLink(url=link_at(origin, token), expires_at=asked.now + STAFF_LINK_LIFE)


def _told(member: StaffRow) -> Member:
    return Member(
        staff_id=member.id,
        name=member.name,
        role=Role(member.role),
        merchant_id=member.merchant_id,
        site_id=member.site_id,
        since=member.since,
    )


ROUTERS = (listing, reading, changing)
