"""The page of the audit trail."""

import json
import re
from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, Query, Response

from cloud.console import audit
from cloud.console.asking import Asker, router
from cloud.console.names import Names, called, names_in, staff_in
from cloud.console.roles import Right

PAGE = 50
"""How many rows are on one page."""
_DIGEST = re.compile(r"\b([0-9a-f]{12})[0-9a-f]{52}\b")
"""The SHA-256 of a picture, which the page shortens; an export contains all of it."""

routes: APIRouter = router(Right.AUDIT)


@routes.get("/audit")
async def show_trail(
    asked: Asker, before: Annotated[int | None, Query(ge=0, lt=2**53)] = None
) -> Response:
    rows = await audit.latest(asked.session, asked.reach.merchant_id, before, PAGE + 1)
    things = await names_in(asked.session, asked.reach)
    staff = await staff_in(asked.session, asked.reach)
    return asked.page(
        "audit.html",
        rows=[
            (row, called(staff, row.door, row.who), _named(json.loads(row.details), things))
            for row in rows[:PAGE]
        ],
        names=staff,
        things=things.all,
        before=before,
        older=rows[PAGE - 1].place if len(rows) > PAGE else None,
    )


def _named(details: Mapping[str, str | None], things: Names) -> dict[str, str]:
    """Returns the details of a row with names in place of ids. A value may hold several ids."""
    told: dict[str, str] = {}
    for what, value in sorted(details.items(), key=lambda each: each[0] != "what"):
        if value:
            names = things.merchants if what == "merchant" else things.all
            ids = value.split(" ")
            known = all(each in names for each in ids)
            named = ", ".join(names[each] for each in ids) if known else value
            told[what] = _DIGEST.sub(r"\1…", named)
    return told
