"""The page of the audit trail."""

import json
from typing import Annotated

from fastapi import APIRouter, Query, Response

from cloud.console import audit, members
from cloud.console.asking import Asked, Asker, router
from cloud.console.places import sites_in_reach
from cloud.console.roles import Right
from cloud.merchants.merchants import all_merchants
from cloud.web.devices import all_devices

PAGE = 50
"""How many rows are on one page."""

routes: APIRouter = router(Right.AUDIT)


@routes.get("/audit")
async def show_trail(
    asked: Asker, before: Annotated[int | None, Query(ge=0, lt=2**53)] = None
) -> Response:
    rows = await audit.latest(asked.session, asked.reach.merchant_id, before, PAGE + 1)
    everybody = await members.all_members(asked.session)
    # A merchant is not told who works for the operator.
    seen = [each for each in everybody if asked.reach.covers(each.merchant_id, each.site_id)]
    return asked.page(
        "audit.html",
        rows=[(row, json.loads(row.details)) for row in rows[:PAGE]],
        names={each.id: each.name for each in seen},
        things=await _things(asked),
        before=before,
        older=rows[PAGE - 1].place if len(rows) > PAGE else None,
    )


async def _things(asked: Asked) -> dict[str, str]:
    """Returns what is in reach by its id, as it is called today."""
    things = {
        row.id: row.name for row in await all_merchants(asked.session) if asked.reach.covers(row.id)
    }
    things |= {site.id: site.name for site in await sites_in_reach(asked)}
    return things | {
        device.id: device.name
        for device in await all_devices(asked.session)
        if asked.reach.covers(device.merchant_id, device.site_id)
    }
