"""Access lists as a site's own system sends them, with a key of its merchant.

`PUT` replaces the whole list of a site. `PATCH` gives and takes person by person. Both may be
repeated. People are named by their mobile number in the body, since addresses stand in logs.
"""

import json
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Any, cast

from fastapi import APIRouter, Request
from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.context import Context
from cloud.entry.access_lists import (
    BadList,
    Listed,
    read_numbers,
    read_people,
    take_from,
    take_list,
)
from cloud.keys.person_keys import MasterKey
from cloud.keys.persons import OpenPerson
from cloud.merchants.merchants import find_site, place_of
from cloud.web.limits import read_body
from cloud.web.merchant_keys import API_KEY, KeyUse, merchant_with
from cloud.web.problems import Refusal
from cloud.web.trying import answering
from protocol.messages import Fault, ProblemType

MAX_LIST = 8 * 1024 * 1024
"""The largest body in bytes."""
LONGEST = 20_000
"""The largest number of people in one request; `staff access-list` takes longer lists."""

MemberWith = Callable[[AsyncSession, MasterKey, str, str], Awaitable[OpenPerson | None]]
"""Returns who has a mobile number, in E.164, and has agreed at a merchant; None when nobody
has."""


class Taken(BaseModel):
    """What came of a request, in people (`cloud.entry.access_lists.Outcome`)."""

    given: int
    unchanged: int
    waiting: int
    taken: int


def make_router(member_with: MemberWith) -> APIRouter:
    router = APIRouter(prefix="/v1/merchants/{merchant_id}/sites/{site_id}")

    @router.put("/access-list")
    async def replace(request: Request, merchant_id: str, site_id: str) -> Taken:
        """Gives everybody in `people` what it says, and takes it from everybody else."""
        return await _change(request, merchant_id, site_id, member_with, whole=True)

    @router.patch("/access-list")
    async def change(request: Request, merchant_id: str, site_id: str) -> Taken:
        """Gives everybody in `people` what it says, and takes it from those whose mobile numbers
        are in `take`."""
        return await _change(request, merchant_id, site_id, member_with, whole=False)

    del replace, change
    return router


async def _change(
    request: Request, merchant_id: str, site_id: str, member_with: MemberWith, *, whole: bool
) -> Taken:
    context: Context = request.app.state.context
    country = await _country_of(request, merchant_id, site_id)
    needed, allowed = (
        {"people"} if whole else set[str](),
        {"people"} if whole else {"people", "take"},
    )
    body = _arrays(await read_body(request, MAX_LIST), needed, allowed)
    people, numbers = _read(body.get("people", []), body.get("take", []), country)

    async def take(_again: bool) -> Taken:
        async with context.database.session() as session:

            async def find_member(phone: str) -> OpenPerson | None:
                return await member_with(session, context.master, phone, merchant_id)

            site, _ = await place_of(session, site_id)
            came = await take_list(session, site, people, find_member, context.clock(), whole=whole)
            taken = await take_from(session, site, numbers, find_member)
            await session.commit()
        return Taken(**asdict(came) | {"taken": came.taken + taken})

    # Two lists that name people in another order wait for each other. What was given before one of
    # them was overtaken is unchanged then.
    return await answering(take, context.database, serves_deletion=False)


def _read(people: list[object], take: list[object], country: str) -> tuple[list[Listed], list[str]]:
    """Returns what the arrays of a body say. Raises Refusal for all faults at once."""
    if len(people) + len(take) > LONGEST:
        raise Refusal(ProblemType.TOO_LARGE, f"there are more than {LONGEST} people in it")
    faults: list[tuple[str, str]] = []
    listed: list[Listed] = []
    numbers: list[str] = []
    try:
        listed = read_people(people, country, "#/people")
    except BadList as bad:
        faults += bad.faults
    try:
        numbers = read_numbers(take, country, "#/take")
    except BadList as bad:
        faults += bad.faults
    given = {each.phone for each in listed}
    faults += [
        (f"#/take/{position}", "the number stands in #/people as well")
        for position, phone in enumerate(numbers)
        if phone in given
    ]
    if faults:
        errors = [Fault(detail=what, pointer=place) for place, what in faults]
        raise Refusal(ProblemType.BAD_LIST, errors=errors)
    return listed, numbers


async def _country_of(request: Request, merchant_id: str, site_id: str) -> str:
    """Returns the country of a site whose merchant's key the request has. Raises Refusal."""
    context: Context = request.app.state.context
    key = request.headers.get(API_KEY, "")
    async with context.database.session() as session:
        known = await merchant_with(session, context.master, KeyUse.ACCESS, key, context.clock())
        if known is None:
            raise Refusal(ProblemType.UNKNOWN_KEY)
        site = await find_site(session, site_id)
        if site is None or not known == merchant_id == site.merchant_id:
            raise Refusal(ProblemType.NOT_FOUND)
        _, merchant = await place_of(session, site_id)
        return merchant.country


def _arrays(body: bytes, needed: set[str], allowed: set[str]) -> dict[str, list[object]]:
    """Returns the arrays of a JSON object. Raises Refusal."""
    try:
        given = json.loads(body)
    except (ValueError, RecursionError):
        raise Refusal(ProblemType.MALFORMED, "the body is not JSON in UTF-8") from None
    if isinstance(given, dict):
        found = cast(dict[str, Any], given)
        if needed <= found.keys() <= allowed and all(
            isinstance(each, list) for each in found.values()
        ):
            return found
    names = " and ".join(sorted(allowed))
    raise Refusal(ProblemType.MALFORMED, f"the body is an object with the arrays {names} alone")
