"""The routes of the console."""

from fastapi import APIRouter, Response

from cloud.console import (
    consents,
    content,
    devices,
    four_eyes_pages,
    fraud,
    holdings,
    jobs,
    overview,
    places,
    policies,
    recognition,
    reconciliation,
    sales,
    sales_refunds,
    signing_in,
    staff_pages,
    trail,
)
from cloud.console.asking import HOME, public_router
from cloud.web.browsers import redirect
from cloud.web.pages import file_routes
from cloud.web.problems import Refusal
from protocol.messages import ProblemType

_rest: APIRouter = public_router()


@_rest.get("/")
async def lead_home() -> Response:
    return redirect(HOME)


@_rest.api_route("/{rest:path}", methods=["GET", "POST"])
async def refuse(rest: str) -> Response:
    """Answers requests for pages that do not exist."""
    del rest
    raise Refusal(ProblemType.NOT_FOUND)


ROUTERS = (
    file_routes(HOME),
    signing_in.routes,
    overview.routes,
    places.routes,
    places.adding,
    places.activating,
    content.routes,
    content.changing,
    content.giving,
    content.renaming,
    policies.routes,
    policies.changing,
    consents.routes,
    holdings.routes,
    holdings.taking,
    devices.routes,
    devices.restarting,
    devices.naming,
    devices.locking,
    devices.replacing,
    devices.moving,
    devices.revoking,
    sales.routes,
    sales.exporting,
    sales_refunds.routes,
    reconciliation.routes,
    fraud.routes,
    fraud.looking,
    fraud.freezing,
    recognition.routes,
    jobs.routes,
    staff_pages.routes,
    four_eyes_pages.routes,
    four_eyes_pages.revoking,
    trail.routes,
    _rest,
)
"""Every route, in the order in which they are tried."""
