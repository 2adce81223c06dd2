"""Accounts of staff.

The console asks for a recent sign-in before accounts are added, but here a key is the only proof of
who asks. So only accounts that neither approve nor add accounts are added and ended with a key
(`cloud.console.roles.GIVES_BY_KEY`).
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
    """An account of a member of staff."""

    staff_id: str
    name: str
    """The name by which colleagues know them."""
    role: Role
    merchant_id: str | None
    """The only merchant that they see; null for all merchants."""
    site_id: str | None
    """The only site that they see; null for all sites of the merchant."""
    since: AwareDatetime


class Members(Message):
    staff: list[Member]
    next: str | None
    """The `cursor` of the next page; null on the last one."""


class NewMember(Message):
    name: Annotated[str, one_line(NAME_LENGTH)]
    role: Role
    """`shop-staff` or `site-manager`. Other accounts cannot be added with a key."""
    site_id: Annotated[str, Field(min_length=1, max_length=64)]
    """The only site that they see."""


class PasskeyLink(Message):
    """A link with which somebody makes a passkey in the console, once. Only the same request,
    repeated with its `Idempotency-Key`, returns it again."""

    url: str
    """It is for the account's owner only: whoever opens it first gets the account."""
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
    """Lists the accounts of a merchant's sites, the newest first. With a key of the operator's, the
    list also contains the accounts of the merchant itself."""
    return await _page(asked, cursor, limit)


@reading.get("/staff/{staff_id}")
async def show(asked: Asker, staff_id: str) -> Member:
    return _told(await asked.member(staff_id))


@changing.post("/staff")
async def add(asked: AskerOnce, new: NewMember, request: Request) -> AddedMember:
    """Adds an account for a site, and returns it with the link for its owner."""
    origin, site = _origin(asked, request), await asked.site(new.site_id)
    reach = Reach(new.role, site.merchant_id, site.id)
    member, token = await acts.add_member(
        asked.session, asked.context.master, asked.by, new.name, reach
    )
    return AddedMember(**dict(_told(member)), link=_told_once(asked, origin, token))


@changing.post("/staff/{staff_id}/links")
async def make_link(asked: AskerOnce, staff_id: str, request: Request) -> PasskeyLink:
    """Makes a new link for an account. An earlier link is not valid any more; passkeys stay."""
    origin, member = _origin(asked, request), await asked.member(staff_id)
    token = await acts.make_link(asked.session, asked.context.master, asked.by, member)
    return _told_once(asked, origin, token)


@changing.delete("/staff/{staff_id}", status_code=204)
async def end(asked: Asker, staff_id: str) -> None:
    """Ends an account and all its sessions at once, and deletes the name."""
    await acts.end_member(asked.session, asked.by, await asked.member(staff_id))


async def _page(asked: Asked, cursor: str | None, limit: int) -> Members:
    after = paging.place_of(cursor)
    everybody = await members.members_below(asked.session, asked.reach)
    left = [each for each in reversed(everybody) if after is None or _place(each) < after]
    page, following = paging.page_of(left, limit, _place)
    return Members(
        staff=[_told(each) for each in page],
        next=following,
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
