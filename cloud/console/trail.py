"""The page of the audit trail."""

import json
from typing import Annotated

from fastapi import APIRouter, Query, Response

from cloud.console import audit
from cloud.console.asking import Asker, router
from cloud.console.names import names_in, staff_in
from cloud.console.roles import Right

PAGE = 50
"""How many rows are on one page."""

routes: APIRouter = router(Right.AUDIT)


@routes.get("/audit")
async def show_trail(
    asked: Asker, before: Annotated[int | None, Query(ge=0, lt=2**53)] = None
) -> Response:
    rows = await audit.latest(asked.session, asked.reach.merchant_id, before, PAGE + 1)
    return asked.page(
        "audit.html",
        rows=[(row, json.loads(row.details)) for row in rows[:PAGE]],
        names=await staff_in(asked.session, asked.reach),
        things=(await names_in(asked.session, asked.reach)).all,
        before=before,
        older=rows[PAGE - 1].place if len(rows) > PAGE else None,
    )
