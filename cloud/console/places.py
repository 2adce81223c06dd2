"""Pages of merchants and their sites."""

from collections import Counter
from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Form, Response
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.console import acts
from cloud.console.asking import HOME, Asked, Asker, router
from cloud.console.kiosks import State, kiosks
from cloud.console.roles import Reach, Right
from cloud.law import foreign
from cloud.merchants.merchants import (
    MerchantRow,
    SiteRow,
    all_merchants,
    all_sites,
    law_of,
    place_of,
)
from cloud.merchants.regions import is_here, service_of
from cloud.policy import ACTIVATION_LIFE
from cloud.web.browsers import redirect
from cloud.web.pages import qr_code
from protocol.messages import ACTIVATION_MARK

NAME_LENGTH = 64
"""The largest number of characters of a site's name."""

routes: APIRouter = router(Right.SEE)
adding: APIRouter = router(Right.ADD_SITE)
activating: APIRouter = router(Right.ACTIVATE)


@routes.get("/sites")
async def list_sites(asked: Asker) -> Response:
    found = await kiosks(asked.session, asked.reach, asked.now)
    standing = [each for each in found if each.state is not State.REVOKED]
    sites = await sites_in_reach(asked.session, asked.reach)
    merchants = {row.id: row for row in await all_merchants(asked.session)}
    theirs = {site.merchant_id: merchants[site.merchant_id] for site in sites}
    # Whoever has a whole merchant in reach also sees it while it has no site.
    theirs |= {row.id: row for row in merchants.values() if asked.reach.covers(row.id)}
    return asked.page(
        "sites.html",
        merchants=sorted(theirs.values(), key=lambda row: row.name),
        sites=sites,
        numbers=Counter(each.device.site_id for each in standing),
        waiting=Counter(each.device.site_id for each in standing if each.needs_somebody),
    )


@routes.get("/merchants/{merchant_id}")
async def show_merchant(asked: Asker) -> Response:
    merchant = merchant_of(asked)
    sites = [
        site
        for site in await sites_in_reach(asked.session, asked.reach)
        if site.merchant_id == merchant.id
    ]
    service = asked.context.settings.service
    return asked.page(
        "merchant.html",
        merchant=merchant,
        sites=sites,
        is_here=is_here(merchant, service),
        service=service_of(merchant, service),
    )


@adding.get("/merchants/{merchant_id}/sites/new")
async def ask_for_site(asked: Asker) -> Response:
    return asked.page(
        "site_new.html", merchant=merchant_of(asked), name_length=NAME_LENGTH, problem=None
    )


@adding.post("/merchants/{merchant_id}/sites/new")
async def add_site(asked: Asker, name: Annotated[str, Form(max_length=400)] = "") -> Response:
    merchant, name = merchant_of(asked), one_line(name)
    problem = None if 0 < len(name) <= NAME_LENGTH else "name"
    if foreign(asked.context.settings.law, merchant.country) is not None:
        problem = "law"
    if problem is not None:
        return asked.page(
            "site_new.html", 422, merchant=merchant, name_length=NAME_LENGTH, problem=problem
        )
    site = await acts.add_site(asked.session, asked.by, merchant, name)
    return redirect(f"{HOME}/sites/{site.id}")


@routes.get("/sites/{site_id}")
async def show_site(asked: Asker) -> Response:
    site, merchant = await place_of(asked.session, site_of(asked).id)
    found = await kiosks(asked.session, asked.reach, asked.now, site.id)
    return asked.page(
        "site.html",
        site=site,
        merchant=merchant,
        law=law_of(site, asked.context.settings),
        kiosks=[each for each in found if each.state is not State.REVOKED],
        revoked=[each for each in found if each.state is State.REVOKED],
    )


@activating.post("/sites/{site_id}/code")
async def show_code(asked: Asker) -> Response:
    """Shows a code that activates a kiosk. It cannot be shown again, because it is not stored."""
    site = site_of(asked)
    code = await acts.show_code(asked.session, asked.context.master, asked.by, site)
    return code_page(asked, code, site, replaced=None)


def code_page(asked: Asked, code: str, site: SiteRow, *, replaced: str | None) -> Response:
    return asked.page(
        "code.html",
        code=f"{code[:4]} {code[4:]}",
        qr_code=qr_code(f"{ACTIVATION_MARK}{code}"),
        site=site,
        replaced=replaced,
        until=asked.now + ACTIVATION_LIFE,
    )


async def sites_in_reach(session: AsyncSession, reach: Reach) -> Sequence[SiteRow]:
    """Returns the sites that somebody sees, sorted by name."""
    sites = await all_sites(session)
    seen = [site for site in sites if reach.covers(site.merchant_id, site.id)]
    return sorted(seen, key=lambda site: site.name)


def merchant_of(asked: Asked) -> MerchantRow:
    assert asked.found.merchant is not None
    return asked.found.merchant


def site_of(asked: Asked) -> SiteRow:
    assert asked.found.site is not None
    return asked.found.site


def one_line(typed: str) -> str:
    """Returns what was typed in one line, with single spaces and none at the ends."""
    return " ".join(typed.split())
