"""Pages on which accounts of staff are added and ended."""

from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, Form, Response

from cloud.console import acts, members
from cloud.console.asking import HOME, Asked, Asker, link_at, router
from cloud.console.places import one_line, sites_in_reach
from cloud.console.roles import GIVES, BadAccount, Reach, Right, Role
from cloud.console.tables import StaffRow
from cloud.merchants.merchants import all_merchants, find_merchant, find_site
from cloud.policy import STAFF_LINK_LIFE
from cloud.web.browsers import redirect
from cloud.web.pages import qr_code
from cloud.web.problems import Refusal
from protocol.messages import ProblemType

NOTHING: Mapping[str, str] = {"name": "", "role": "", "place": ""}
"""The fields of an empty form."""

routes: APIRouter = router(Right.STAFF)


@routes.get("/staff")
async def list_members(asked: Asker) -> Response:
    listed = await members.members_below(asked.session, asked.reach)
    return asked.page("staff.html", members=listed, places=await _places(asked))


@routes.get("/staff/new")
async def ask_for_member(asked: Asker) -> Response:
    return await _form(asked)


@routes.post("/staff/new")
async def add_member(
    asked: Asker,
    name: Annotated[str, Form(max_length=400)] = "",
    role: Annotated[str, Form(max_length=32)] = "",
    place: Annotated[str, Form(max_length=64)] = "",
) -> Response:
    if not asked.signed_in.is_fresh(asked.now):
        return await _form(asked)
    name = one_line(name)
    reach = await _reach(asked, role, place)
    typed = {"name": name, "role": role, "place": place}
    if not 0 < len(name) <= members.NAME_LENGTH:
        return await _form(asked, 422, problem="name", typed=typed)
    try:
        reach.check()
    except BadAccount:
        return await _form(asked, 422, problem="place", typed=typed)
    member, token = await acts.add_member(
        asked.session, asked.context.master, asked.by, name, reach
    )
    return _link_page(asked, member, token)


@routes.get("/staff/{staff_id}")
async def show_member(asked: Asker) -> Response:
    return asked.page(
        "member.html",
        other=_member(asked),
        places=await _places(asked),
        is_fresh=asked.signed_in.is_fresh(asked.now),
        is_oneself=_member(asked).id == asked.signed_in.member.id,
    )


@routes.post("/staff/{staff_id}/link")
async def make_link(asked: Asker) -> Response:
    member = _member(asked)
    if not asked.signed_in.is_fresh(asked.now):
        # That page asks to sign in again.
        return redirect(f"{HOME}/staff/{member.id}")
    token = await acts.make_link(asked.session, asked.context.master, asked.by, member)
    return _link_page(asked, member, token)


@routes.post("/staff/{staff_id}/end")
async def end_member(asked: Asker) -> Response:
    member = _member(asked)
    if member.id == asked.signed_in.member.id:
        # Otherwise nobody might be left who can add accounts in the console.
        raise Refusal(ProblemType.CONFLICT)
    if not asked.signed_in.is_fresh(asked.now):
        return redirect(f"{HOME}/staff/{member.id}")
    await acts.end_member(asked.session, asked.by, member)
    return redirect(f"{HOME}/staff")


async def _form(
    asked: Asked,
    status: int = 200,
    *,
    problem: str | None = None,
    typed: Mapping[str, str] = NOTHING,
) -> Response:
    gives = GIVES[asked.reach.role]
    places = await _places(asked)
    if gives <= {Role.SITE, Role.SHOP}:
        places = {value: name for value, name in places.items() if value.startswith("site ")}
    return asked.page(
        "staff_new.html",
        status,
        roles=[role for role in Role if role in gives],
        places=places,
        name_length=members.NAME_LENGTH,
        is_fresh=asked.signed_in.is_fresh(asked.now),
        problem=problem,
        typed=typed,
    )


async def _places(asked: Asked) -> dict[str, str]:
    """Returns the names of the merchants and sites that an account can be for, by the values of the
    form's field."""
    merchants = {row.id: row.name for row in await all_merchants(asked.session)}
    places = {f"merchant {row}": name for row, name in merchants.items() if asked.reach.covers(row)}
    for site in await sites_in_reach(asked.session, asked.reach):
        places[f"site {site.id}"] = f"{site.name} ({merchants[site.merchant_id]})"
    return places


async def _reach(asked: Asked, role: str, place: str) -> Reach:
    """Returns the reach of an account that is to be added. Raises Refusal when whoever is signed in
    may not give it."""
    kind, _, name = place.partition(" ")
    merchant_id: str | None = None
    site_id: str | None = None
    if kind == "merchant":
        merchant = await find_merchant(asked.session, name)
        if merchant is None:
            raise Refusal(ProblemType.NOT_FOUND)
        merchant_id = merchant.id
    elif kind == "site":
        site = await find_site(asked.session, name)
        if site is None:
            raise Refusal(ProblemType.NOT_FOUND)
        merchant_id, site_id = site.merchant_id, site.id
    if role not in list(Role):
        raise Refusal(ProblemType.MALFORMED)
    reach = Reach(Role(role), merchant_id, site_id)
    if not asked.reach.gives(reach):
        raise Refusal(ProblemType.NOT_FOUND)
    return reach


def _link_page(asked: Asked, member: StaffRow, token: str) -> Response:
    link = link_at(asked.origin, token)
    return asked.page(
        "link.html",
        other=member,
        link=link,
        qr_code=qr_code(link),
        until=asked.now + STAFF_LINK_LIFE,
    )


def _member(asked: Asked) -> StaffRow:
    assert asked.found.member is not None
    return asked.found.member
