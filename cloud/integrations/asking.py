"""Requests with a key of the API: who asks, what they may, and how often.

A request proves itself with the key itself in `X-API-Key`, or with an access token for it in
`Authorization` (`cloud.integrations.tokens`). It names a merchant in its path. A key of the
operator's is for every merchant, and for what is of none. A POST is answered once for its
`Idempotency-Key`, as those of devices are (`cloud.web.signed_request`), and so is every other
request that has one, but a GET.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, ClassVar

from fastapi import APIRouter, Depends, Header, Path, Request, Response, Security
from fastapi.openapi.models import OAuthFlowClientCredentials, OAuthFlows
from fastapi.params import Security as SecurityParameter
from fastapi.security import APIKeyHeader, OAuth2
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.context import Context
from cloud.integrations import tokens
from cloud.keys.person_keys import Key
from cloud.merchants.merchants import FIRST, find_merchant
from cloud.policy import Limits
from cloud.web import limits, signed_request
from cloud.web.answers import MORE
from cloud.web.limits import Strangers
from cloud.web.merchant_keys import API_KEY, KeyUse, find_key, make_key
from cloud.web.problems import Refusal
from cloud.web.signed_request import Call, Handler, SignedRoute
from protocol.messages import ProblemType

SANDBOX_KEY = f"{KeyUse.API}_sandbox"
"""The first part of the key that a sandbox makes at each start. Nothing but a sandbox takes it."""


class Scope(StrEnum):
    """What a key may do."""

    ATTACKS_READ = "attacks:read"
    ATTACKS_WRITE = "attacks:write"
    AUDIT_READ = "audit:read"
    APPROVALS_READ = "approvals:read"
    APPROVALS_WRITE = "approvals:write"
    CONSENTS_READ = "consents:read"
    CONTENT_READ = "content:read"
    CONTENT_WRITE = "content:write"
    HOLDINGS_READ = "holdings:read"
    HOLDINGS_WRITE = "holdings:write"
    JOBS_READ = "jobs:read"
    KIOSKS_WRITE = "kiosks:write"
    LIMITS_READ = "limits:read"
    LIMITS_WRITE = "limits:write"
    PALM_REQUESTS_READ = "palm-requests:read"
    PALM_REQUESTS_WRITE = "palm-requests:write"
    PEOPLE_READ = "people:read"
    PURCHASES_EXPORT = "purchases:export"
    PURCHASES_READ = "purchases:read"
    RECOGNITION_READ = "recognition:read"
    RECONCILIATION_READ = "reconciliation:read"
    RECONCILIATION_WRITE = "reconciliation:write"
    REFUNDS_WRITE = "refunds:write"
    SITES_READ = "sites:read"
    SITES_WRITE = "sites:write"
    STAFF_READ = "staff:read"
    STAFF_WRITE = "staff:write"
    WEBHOOKS_READ = "webhooks:read"
    WEBHOOKS_WRITE = "webhooks:write"


SCOPES = {
    Scope.ATTACKS_READ: "See what was refused as an attack",
    Scope.ATTACKS_WRITE: "Mark attacks as looked at; with a key of the operator's, freeze accounts",
    Scope.AUDIT_READ: "Read what staff have done, and take an approved export",
    Scope.APPROVALS_READ: "See what needs a second person, and what became of it",
    Scope.APPROVALS_WRITE: "Ask for what needs a second person, and take that back",
    Scope.CONSENTS_READ: "Read what people agree to at your sites",
    Scope.CONTENT_READ: "See what your kiosks show",
    Scope.CONTENT_WRITE: "Change what your kiosks show",
    Scope.HOLDINGS_READ: "See access, tickets and memberships that are linked to palms",
    Scope.HOLDINGS_WRITE: "Take access, tickets and memberships",
    Scope.JOBS_READ: "See deletions, jobs and what was not delivered",
    Scope.KIOSKS_WRITE: "Activate, name, move, lock, restart, replace and revoke kiosks",
    Scope.LIMITS_READ: "See the limits of payments",
    Scope.LIMITS_WRITE: "Change the limits of payments",
    Scope.PALM_REQUESTS_READ: "List kiosks, and see what became of requests for palms",
    Scope.PALM_REQUESTS_WRITE: "Have kiosks ask for palms, and cancel that",
    Scope.PEOPLE_READ: "See which of your references are linked to a palm",
    Scope.PURCHASES_EXPORT: "Take purchases as a file",
    Scope.PURCHASES_READ: "List purchases and see what became of each",
    Scope.RECOGNITION_READ: "See what became of palms at your kiosks, in numbers",
    Scope.RECONCILIATION_READ: "See in what days differ from the payment provider's",
    Scope.RECONCILIATION_WRITE: "Compare days with the payment provider",
    Scope.REFUNDS_WRITE: "Give purchases back",
    Scope.SITES_READ: "See merchants, sites and the state of kiosks",
    Scope.SITES_WRITE: "Add sites; with a key of the operator's, name merchants",
    Scope.STAFF_READ: "See accounts of staff",
    Scope.STAFF_WRITE: "Add and end accounts of shop staff and site managers",
    Scope.WEBHOOKS_READ: "List receivers of webhooks and what was told to them",
    Scope.WEBHOOKS_WRITE: "Add, change and remove receivers, renew their secrets and tell again",
}
_TOKEN = OAuth2(
    flows=OAuthFlows(
        clientCredentials=OAuthFlowClientCredentials(
            tokenUrl="/v1/oauth/token",
            scopes={scope.value: told for scope, told in SCOPES.items()},
        )
    ),
    scheme_name="token",
    auto_error=False,
)
_KEY = APIKeyHeader(name="X-API-Key", scheme_name="key", auto_error=False)
"""Both describe themselves in the OpenAPI document. What they find is not used: a request is
refused before it gets to them."""


def needs(scope: Scope) -> list[Any]:
    """Returns the dependencies of an operation for which a key needs a scope."""
    return [Security(_TOKEN, scopes=[scope.value]), Security(_KEY)]


@dataclass(frozen=True, slots=True)
class Grant:
    """What a request has proven."""

    key_id: str
    """The first part of the key."""
    merchant_id: str | None
    """The merchant whose key it is; None for the operator's."""
    scopes: frozenset[str]


@dataclass
class Keyed:
    """One request with a key. What is said of a session in `Call` holds here as well."""

    call: Call

    @property
    def context(self) -> Context:
        return self.call.context

    @property
    def session(self) -> AsyncSession:
        return self.call.session


@dataclass
class Asked(Keyed):
    """One request of an integrator."""

    merchant_id: str
    """The merchant that the path names."""


MerchantId = Annotated[str, Path(description="A merchant's id.")]
Once = Annotated[
    str,
    Header(
        min_length=8,
        max_length=64,
        description="A name of your own for this request. Sent again within a day, it gets the "
        "first answer again.",
    ),
]


async def _asked(request: Request, merchant_id: MerchantId) -> Asked:
    # FastAPI would call it on a thread if it were not asynchronous.
    return Asked(request.state.call, merchant_id)


async def _asked_once(request: Request, merchant_id: MerchantId, idempotency_key: Once) -> Asked:
    del idempotency_key  # The route has read it (`SignedRoute`).
    return Asked(request.state.call, merchant_id)


Asker = Annotated[Asked, Depends(_asked)]
AskerOnce = Annotated[Asked, Depends(_asked_once)]
"""Whoever sends a POST."""


class KeyedRoute(SignedRoute):
    """A request that proves itself with a key or a token, and not with a signature."""

    largest_body: ClassVar[int] = limits.MAX_BODY
    """How many bytes are read of who has proven what the operation needs."""

    @property
    def _scopes(self) -> set[str]:
        found: Sequence[object] = self.dependencies
        return {
            scope
            for each in found
            if isinstance(each, SecurityParameter)
            for scope in each.scopes or ()
        }

    def key_of_answers(self, context: Context) -> Key | None:
        # An answer may tell a secret.
        return context.master.outbox

    async def _handle(self, request: Request, endpoint: Handler) -> Response:
        context: Context = request.app.state.context
        grant = await _grant(context, request)
        _count(context, request, grant.key_id)
        # Whose merchants there are is nobody's business: another's is answered as one that is not.
        if not await _covers(context, grant, request.path_params.get("merchant_id")):
            raise Refusal(ProblemType.NOT_FOUND)
        request.state.grant = grant
        missing = sorted(self._scopes - grant.scopes)
        if missing:
            _challenge(request, f'Bearer error="insufficient_scope", scope="{" ".join(missing)}"')
            detail = f"it needs the scope {' '.join(missing)}"
            raise Refusal(ProblemType.INSUFFICIENT_SCOPE, detail)
        # Nobody else has a file kept in memory.
        async with signed_request.read_at_most(request, grant.key_id, self.largest_body) as body:
            return await self._accept(context, grant.key_id, body, request, endpoint)


async def make_sandbox_key(context: Context, session: AsyncSession) -> str:
    """Returns a new key of the first merchant for everything, in the place of the one that the
    sandbox made before."""
    return await make_key(
        session,
        context.master,
        KeyUse.API,
        FIRST,
        context.clock(),
        scopes=set(Scope),
        name=SANDBOX_KEY,
    )


def router() -> APIRouter:
    made = signed_request.router(KeyedRoute)
    made.prefix += "/merchants/{merchant_id}"
    return made


async def _grant(context: Context, request: Request) -> Grant:
    """Returns what a request has proven. Raises Refusal."""
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    now = context.clock()
    async with context.database.reading() as session:
        if kind.lower() == "bearer":
            granted = await tokens.read(session, context.master, token.strip(), now)
        else:
            key = request.headers.get(API_KEY, "")
            row = await find_key(session, context.master, KeyUse.API, key, now)
            granted = None if row is None else (row, frozenset(row.scopes.split()))
    if granted is None or (granted[0].id == SANDBOX_KEY and not context.sandbox):
        _challenge(request, 'Bearer realm="palm", error="invalid_token"' if token else "Bearer")
        raise Refusal(ProblemType.UNKNOWN_KEY)
    row, scopes = granted
    return Grant(row.id, row.merchant_id, scopes)


async def _covers(context: Context, grant: Grant, merchant_id: str | None) -> bool:
    """Returns whether a key is for a merchant that there is, or for what is of none."""
    if grant.merchant_id is not None or merchant_id is None:
        return grant.merchant_id == merchant_id
    async with context.database.reading() as session:
        return await find_merchant(session, merchant_id) is not None


def _count(context: Context, request: Request, key_id: str) -> None:
    """Counts a request, and has its answer tell how many are left, in the fields of
    draft-ietf-httpapi-ratelimit-headers-10. Raises Refusal."""
    counted: Strangers = request.app.state.integrators
    limit, now = Limits.API_REQUESTS, context.clock()
    try:
        counted.spend(limit, key_id, now)
    finally:
        left, wait = counted.left(limit, key_id, now)
        window = int(limit.window.total_seconds())
        _add(request, "ratelimit-policy", f'"key";q={limit.count};w={window}')
        _add(request, "ratelimit", f'"key";r={left};t={wait}')


def _challenge(request: Request, value: str) -> None:
    _add(request, "www-authenticate", value)


def _add(request: Request, name: str, value: str) -> None:
    request.scope.setdefault(MORE, {})[name] = value
