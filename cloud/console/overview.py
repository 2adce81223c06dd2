"""The first page: what should be looked at, and how many kiosks do well."""

from collections import Counter

from fastapi import APIRouter, Response

from cloud.console.asking import Asker, router
from cloud.console.kiosks import State, kiosks
from cloud.console.places import sites_in_reach
from cloud.console.roles import Right

routes: APIRouter = router(Right.SEE)


@routes.get("")
async def show_overview(asked: Asker) -> Response:
    found = await kiosks(asked.session, asked.reach, asked.now)
    standing = [each for each in found if each.state is not State.REVOKED]
    sites = await sites_in_reach(asked)
    return asked.page(
        "overview.html",
        kiosks=[each for each in standing if each.needs_somebody],
        counts=Counter(str(each.state) for each in standing),
        total=len(standing),
        sites=sites,
        names={site.id: site.name for site in sites},
    )
