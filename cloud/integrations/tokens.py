"""Access tokens: OAuth 2.0 client credentials (RFC 6749, section 4.4), for whoever does not want to
send a key with each request.

The first part of a key is the client's id, and the rest its secret. A token says for which key it
is, for what and until when, and a keyed hash of that proves it: nothing is stored. It is good for
as long as its key is.
"""

import hmac
from base64 import b64decode, urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime
from urllib.parse import parse_qsl, unquote_plus

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.context import Context
from cloud.keys.person_keys import MasterKey
from cloud.policy import TOKEN_LIFE
from cloud.web.limits import read_body
from cloud.web.merchant_keys import KeyUse, MerchantKeyRow, find_key, key_named

FORM = "application/x-www-form-urlencoded"

Granted = tuple[MerchantKeyRow, frozenset[str]]
"""The key that a token is for, and what it may do."""


class AccessToken(BaseModel):
    """RFC 6749, section 5.1."""

    access_token: str
    token_type: str = "Bearer"  # noqa: S105 - what it is called
    expires_in: int
    """In seconds."""
    scope: str
    """What it is for, between spaces."""


class TokenRefused(BaseModel):
    """RFC 6749, section 5.2."""

    error: str
    error_description: str


class _No(Exception):
    def __init__(self, error: str, why: str, status: int = 400) -> None:
        super().__init__(error)
        self.told = TokenRefused(error=error, error_description=why)
        self.status = status


router = APIRouter(prefix="/v1/oauth")


@router.post(
    "/token",
    response_model=AccessToken,
    responses={400: {"model": TokenRefused}, 401: {"model": TokenRefused}},
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                FORM: {
                    "schema": {
                        "type": "object",
                        "required": ["grant_type"],
                        "properties": {
                            "grant_type": {"const": "client_credentials"},
                            "client_id": {"type": "string"},
                            "client_secret": {"type": "string"},
                            "scope": {"type": "string"},
                        },
                    }
                }
            },
        }
    },
)
async def issue(request: Request) -> JSONResponse:
    """Issues an access token for a key. Its two parts are the client's id and secret, sent with
    HTTP Basic or in the form."""
    context: Context = request.app.state.context
    try:
        form = _form(request, await read_body(request))
        if "grant_type" not in form:
            raise _No("invalid_request", "grant_type is missing")
        if form["grant_type"] != "client_credentials":
            raise _No("unsupported_grant_type", "it is client_credentials")
        key = ".".join(_client(request, form))
        now = context.clock()
        async with context.database.reading() as session:
            row = await find_key(session, context.master, KeyUse.API, key, now)
        if row is None:
            raise _No("invalid_client", "the client is not known, or its secret is wrong", 401)
        allowed = set(row.scopes.split())
        asked = set(form.get("scope", row.scopes).split()) or allowed
        if not asked <= allowed:
            raise _No("invalid_scope", f"the key is for {row.scopes}")
    except _No as no:
        headers = {"www-authenticate": 'Basic realm="palm"'} if no.status == 401 else {}
        return JSONResponse(no.told.model_dump(), no.status, headers)
    token = AccessToken(
        access_token=make(context.master, row.id, asked, now),
        expires_in=int(TOKEN_LIFE.total_seconds()),
        scope=" ".join(sorted(asked)),
    )
    return JSONResponse(token.model_dump())


def make(master: MasterKey, key_id: str, scopes: set[str], now: datetime) -> str:
    until = round((now + TOKEN_LIFE).timestamp())
    said = urlsafe_b64encode("\n".join((key_id, str(until), *sorted(scopes))).encode()).decode()
    return f"{said}.{master.lookup('access token', said)}"


async def read(
    session: AsyncSession, master: MasterKey, token: str, now: datetime
) -> Granted | None:
    """Returns what a token is for; None when it is not ours, has expired, or its key is gone."""
    said, _, proof = token.partition(".")
    if not hmac.compare_digest(proof.encode(), master.lookup("access token", said).encode()):
        return None
    key_id, until, *scopes = urlsafe_b64decode(said).decode().split("\n")
    if datetime.fromtimestamp(int(until), UTC) <= now:
        return None
    row = await key_named(session, KeyUse.API, key_id, now)
    return None if row is None else (row, frozenset(scopes))


def _form(request: Request, body: bytes) -> dict[str, str]:
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM:
        raise _No("invalid_request", f"the body is of type {FORM}")
    try:
        # Empty ones count as left out (RFC 6749, section 3.2).
        given = parse_qsl(body.decode(), errors="strict", max_num_fields=16)
    except ValueError:
        raise _No("invalid_request", "the body is no form") from None
    form = dict(given)
    if len(form) != len(given):
        raise _No("invalid_request", "a parameter stands there twice")
    return form


def _client(request: Request, form: dict[str, str]) -> tuple[str, str]:
    """Returns the id and the secret of a client (RFC 6749, section 2.3.1)."""
    in_form = form.get("client_id"), form.get("client_secret")
    kind, _, basic = request.headers.get("authorization", "").partition(" ")
    if kind.lower() != "basic":
        return in_form[0] or "", in_form[1] or ""
    if in_form[1] is not None:
        raise _No("invalid_request", "the client has proven itself in two ways")
    try:
        client_id, _, secret = b64decode(basic, validate=True).decode().partition(":")
    except ValueError:
        raise _No("invalid_client", "that is not HTTP Basic", 401) from None
    return unquote_plus(client_id), unquote_plus(secret)
