"""The first page: the kiosks that should be looked at, and how many are well."""

from collections import Counter

from fastapi import APIRouter, Response

from cloud.console.asking import Asker, router
from cloud.console.kiosks import State, kiosks
from cloud.console.places import sites_in_reach
from cloud.console.roles import Right
from cloud.merchants.merchants import all_merchants
from cloud.watch import incidents

FEW = 10
"""The largest number of sites that this page lists; more are listed on the page of sites only."""

routes: APIRouter = router(Right.SEE)


@routes.get("")
async def show_overview(asked: Asker) -> Response:
    found = await kiosks(asked.session, asked.reach, asked.now)
    standing = [each for each in found if each.state is not State.REVOKED]
    attacks = await incidents.waiting(asked.session, asked.reach.merchant_id, asked.reach.site_id)
    sites = await sites_in_reach(asked.session, asked.reach)
    names = {site.id: site.name for site in sites}
    if asked.reach.merchant_id is None:
        merchants = {row.id: row.name for row in await all_merchants(asked.session)}
        names = {site.id: f"{site.name}, {merchants[site.merchant_id]}" for site in sites}
    return asked.page(
        "overview.html",
        kiosks=[each for each in standing if each.needs_somebody],
        counts=Counter(str(each.state) for each in standing),
        total=len(standing),
        attacks=sum(map(incidents.is_serious, attacks)),
        sites=sites if len(sites) <= FEW else [],
        names=names,
    )
