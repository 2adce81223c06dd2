"""The choice of a language, at the foot of every page.

It is kept in the browser alone and is asked for by a form that is read and not sent (GET), so that
the page that says that the disk is full has it, too. A page of another site cannot make it.
"""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Query, Response

from cloud.portal.asking import (
    HOME,
    LANGUAGE,
    Asker,
    ReceiptRoute,
    router,
)
from cloud.portal.languages import LANGUAGES
from cloud.web.browsers import must_come_from, redirect, set_cookie
from cloud.web.problems import Refusal
from protocol.messages import ProblemType

_LIFE = timedelta(days=365)

routes: APIRouter = router(ReceiptRoute)


@routes.get("/language")
async def choose(
    asked: Asker,
    language: Annotated[str, Query(max_length=35)] = "",
    back: Annotated[str, Query(max_length=1024)] = HOME,
) -> Response:
    """Keeps the choice, and leads back to the page on which it was made."""
    must_come_from(asked.origin, asked.request)
    if language not in LANGUAGES:
        raise Refusal(ProblemType.NOT_FOUND)
    response = redirect(back if back.startswith(f"{HOME}/") else HOME)
    set_cookie(response, LANGUAGE, language, _LIFE)
    return response
