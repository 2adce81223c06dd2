"""The API as a FastAPI application."""

from functools import cache
from ipaddress import ip_address
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute

from cloud.ages import ages
from cloud.console.api.routes import ROUTERS as CONSOLE_API
from cloud.console.routes import ROUTERS as CONSOLE
from cloud.context import Context
from cloud.entry import access_api, entries, lists, tickets
from cloud.fleet import bundles, pictures, reports
from cloud.integrations import (
    at_kiosks,
    palm_requests,
    receivers,
    recognition,
    sales,
    statements,
    tokens,
)
from cloud.integrations import people as members
from cloud.loyalty import memberships
from cloud.merchants import devices
from cloud.messages.sandbox import SandboxMessenger, Sent
from cloud.payments import card_purchases, purchases, readers, refunds, wallet, webhooks
from cloud.people import (
    accounts,
    agreements,
    claims,
    consents,
    deletions,
    enrolments,
    picking_up,
    receipt_log,
    withdrawals,
)
from cloud.portal.routes import ROUTERS as PORTAL
from cloud.recognition import challenges, identifications
from cloud.tills import relay
from cloud.tills.relay import Relay
from cloud.web import health, problems
from cloud.web.answers import AnswerHeaders, InPieces, Interrupted
from cloud.web.limits import BodyLimit, Strangers, plain
from cloud.web.problems import Refusal
from protocol import VERSION
from protocol.messages import PROBLEM_TYPE, Problem, ProblemType

RESPONSES: dict[int | str, dict[str, Any]] = {
    "default": {
        "model": Problem,
        "content": {PROBLEM_TYPE: {}},
        "description": "A problem (RFC 9457)",
    }
}

sandbox_router = APIRouter(prefix="/v1/sandbox")


@sandbox_router.get("/messages")
async def read_messages(request: Request, after: int = 0) -> list[Sent]:
    """Returns the messages that the simulated phone received, to clients on this machine."""
    if request.client is None or not ip_address(plain(request.client.host)).is_loopback:
        raise Refusal(ProblemType.NOT_FOUND)
    messenger = request.app.state.context.messenger
    return messenger.after(after) if isinstance(messenger, SandboxMessenger) else []


def name_operation(route: APIRoute) -> str:
    """Returns the operation's name in the OpenAPI document, such as `enrolments.begin`."""
    return f"{route.endpoint.__module__.rpartition('.')[2]}.{route.name}"


@cache
def endpoints() -> tuple[BaseRoute, ...]:
    """Every endpoint but the sandbox's.

    FastAPI reads the types of their parameters at the first request, and
    keeps what it learns with these objects. All applications of a process share them.
    """
    api = APIRouter(generate_unique_id_function=name_operation, responses=RESPONSES)
    for router in (
        health.router,
        devices.info_router,
        devices.router,
        reports.router,
        bundles.router,
        pictures.router,
        consents.router,
        challenges.router,
        enrolments.router,
        identifications.router,
        agreements.router,
        picking_up.router,
        memberships.router,
        ages.router,
        tickets.router,
        entries.router,
        lists.router,
        access_api.make_router(accounts.member_with),
        accounts.router,
        claims.router,
        wallet.router,
        purchases.router,
        card_purchases.router,
        refunds.router,
        readers.router,
        deletions.router,
        withdrawals.router,
        receipt_log.router,
        relay.till_router,
        relay.kiosk_router,
        webhooks.router,
        tokens.router,
        at_kiosks.router,
        statements.router,
        members.router,
        palm_requests.router,
        sales.router,
        recognition.router,
        receivers.router,
        *CONSOLE_API,
        *PORTAL,
        *CONSOLE,
    ):
        api.include_router(router)
    return tuple(api.routes)


def create_app(context: Context) -> FastAPI:
    app = FastAPI(
        title="Palm signature service",
        version=VERSION,
        openapi_url="/v1/openapi.json",
        docs_url=None,
        redoc_url=None,
        # A redirect would repeat the host that the client has sent.
        redirect_slashes=False,
        generate_unique_id_function=name_operation,
        responses=RESPONSES,
        routes=list(endpoints()),
        telemetry={
            # It would tell paths with their ids, and the messages of errors.
            "tracing": False,
            "logs": False,
            "auto_configure": False,
            "metrics": context.telemetry.is_kept,
            "meter_provider": context.telemetry.meters,
        },
    )
    app.state.context = context
    app.state.strangers = Strangers()
    app.state.integrators = Strangers()
    app.state.watch = health.Watch(context)
    app.state.relay = Relay()
    problems.install(app)
    app.add_middleware(BodyLimit)
    app.add_middleware(Interrupted)
    # Browsers would keep it for every service on a machine whose sandbox they have seen.
    settings = context.settings
    has_host_name = settings.portal.url is not None or settings.console.url is not None
    app.add_middleware(AnswerHeaders, has_host_name=has_host_name)
    app.add_middleware(InPieces)
    if context.sandbox:
        app.include_router(sandbox_router)
    return app
