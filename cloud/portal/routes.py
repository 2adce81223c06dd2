"""The routes of the portal."""

from fastapi import APIRouter, Response

from cloud.portal import (
    beginning,
    cards,
    choosing,
    consents,
    corrections,
    entry,
    history,
    leaving,
    mails,
    overview,
    passkeys,
    personal_data,
    privacy,
    signing_in,
)
from cloud.portal.asking import HOME, PublicRoute, router
from cloud.web.browsers import redirect
from cloud.web.pages import file_routes
from cloud.web.problems import Refusal
from protocol.messages import ProblemType

_root = APIRouter(route_class=PublicRoute, include_in_schema=False)
_rest: APIRouter = router(PublicRoute)


@_root.get("/")
@_root.get(f"{HOME}/")
async def lead_home() -> Response:
    return redirect(HOME)


@_rest.api_route("/{rest:path}", methods=["GET", "POST"])
async def refuse(rest: str) -> Response:
    """Answers whatever no other route of the portal does."""
    del rest
    raise Refusal(ProblemType.NOT_FOUND)


ROUTERS = (
    _root,
    file_routes(HOME),
    signing_in.public,
    signing_in.inside,
    privacy.routes,
    choosing.routes,
    beginning.routes,
    beginning.ending,
    overview.routes,
    overview.freezing,
    consents.routes,
    passkeys.routes,
    passkeys.without,
    corrections.routes,
    mails.routes,
    cards.routes,
    entry.routes,
    history.routes,
    personal_data.routes,
    leaving.routes,
    leaving.receipt_routes,
    _rest,
)
"""Every route, in the order in which they are tried."""
