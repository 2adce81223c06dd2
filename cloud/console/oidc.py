"""Requests to the operator's identity provider, and the checks of its answers: the authorization
code flow of OpenID Connect Core 1.0 with PKCE (RFC 7636), as RFC 9700 recommends.

The provider is asked who somebody is, and for no other data: the scope is `openid` alone, and the
access token is dropped. Its documents are fetched anew for each sign-in, because staff sign in
seldom and keys may be replaced at any time. The provider's own texts are neither shown nor logged,
because they may quote secrets that were sent to it.
"""

import asyncio
import re
import ssl
from base64 import urlsafe_b64encode
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from functools import cache
from hashlib import sha256
from typing import Annotated, Any
from urllib.parse import quote_plus, urlencode

import httpx
from joserfc import jwt
from joserfc.errors import ClaimError, JoseError
from joserfc.jwk import KeySet
from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError

from cloud.keys.person_keys import MasterKey
from cloud.policy import SESSION_FRESH
from cloud.settings import Oidc, is_safe

ALGORITHMS = ("RS256", "PS256", "ES256")
"""The signature algorithms that are accepted. Keyed hashes (HS256 and so on) are not: a provider
must sign with a key that nobody else has."""
ANSWER_S = 10.0
"""The time, in seconds, for all requests to the provider that belong to one step."""
LEEWAY_S = 60
"""By how much the provider's clock may differ, in seconds."""
SUBJECT_LENGTH = 255
"""The largest number of characters of a subject (Core, section 2)."""
_ERROR = re.compile(r"[a-z_]{1,40}")
"""The form of the error codes of RFC 6749 and OpenID Connect. Only such a code is logged, because
anything else comes from outside."""


class Why(StrEnum):
    """Why somebody is not signed in by the provider."""

    CANCELLED = "cancelled"
    AWAY = "away"
    """The provider does not answer, or its answer is not one of OpenID Connect."""
    REFUSED = "refused"
    """The provider refuses, or its ID token is not for the console or not valid now."""


class NotSignedIn(Exception):
    """Signing in by the provider has failed. The message is for the operator's log."""

    def __init__(self, why: Why, cause: str) -> None:
        super().__init__(cause)
        self.why = why


@dataclass(frozen=True, slots=True)
class Trip:
    """The secrets of one browser's way to the provider and back."""

    state: str = field(repr=False)
    """It must come back with the same browser."""
    nonce: str = field(repr=False)
    """It must stand in the ID token, which is thereby valid for this sign-in only."""
    verifier: str = field(repr=False)
    """The code verifier of PKCE, without which the provider gives no ID token for the code."""


@dataclass(frozen=True, slots=True)
class Known:
    """The identity of somebody according to the provider."""

    issuer: str
    subject: str
    asked_at: datetime
    """When the provider last had them prove who they are, but at the earliest SESSION_FRESH ago,
    which is also the value where the provider does not say."""


def trip(master: MasterKey, token: str) -> Trip:
    """Returns the secrets of the browser with a token, from which they are derived."""
    return Trip(*(master.lookup(f"staff {each}", token) for each in ("state", "nonce", "verifier")))


async def address(chosen: Oidc, trip: Trip, callback: str) -> str:
    """Returns the address at which somebody signs in at the provider, which leads back to
    `callback`. Raises NotSignedIn."""
    async with _asking() as http:
        provider = await _discover(http, chosen)
    challenge = urlsafe_b64encode(sha256(trip.verifier.encode()).digest()).decode().rstrip("=")
    asked = {
        "response_type": "code",
        "client_id": chosen.client_id,
        "redirect_uri": callback,
        "scope": "openid",
        "state": trip.state,
        "nonce": trip.nonce,
        "code_challenge": challenge,
        "code_challenge_method": "S256",
        # Whoever has signed in at the provider longer ago signs in there again (Core, 3.1.2.1).
        "max_age": int(SESSION_FRESH.total_seconds()),
    }
    place = provider.authorization_endpoint
    return f"{place}{'&' if '?' in place else '?'}{urlencode(asked)}"


async def known(
    chosen: Oidc, trip: Trip, callback: str, *, code: str, issuer: str | None, now: datetime
) -> Known:
    """Returns the identity of whoever has come back from the provider with a code. `issuer` is the
    parameter `iss` of the callback (RFC 9207), None when it is missing. Raises NotSignedIn."""
    async with _asking() as http:
        provider = await _discover(http, chosen)
        is_told = issuer is not None or provider.authorization_response_iss_parameter_supported
        if is_told and issuer != chosen.issuer:
            raise NotSignedIn(Why.REFUSED, "the answer is another provider's")
        form = {"code": code, "redirect_uri": callback, "code_verifier": trip.verifier}
        token = await _token_for(http, chosen, provider, form)
        keys = await _get(http, provider.jwks_uri)
    return _read(chosen, trip, token, keys, now)


def refused(error: str) -> NotSignedIn:
    """Returns the exception for an error code with which somebody has come back (RFC 6749,
    section 4.1.2.1)."""
    why = Why.CANCELLED if error == "access_denied" else Why.REFUSED
    return NotSignedIn(why, f"it says {error if _ERROR.fullmatch(error) else 'something else'}")


# The provider's own documents


def _safe(url: str) -> str:
    if not is_safe(url):
        raise ValueError("it does not begin with https://")
    return url


_Url = Annotated[str, AfterValidator(_safe)]


class _Provider(BaseModel):
    """The members of a provider's discovery document that are used (OpenID Connect Discovery
    1.0)."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    issuer: str
    authorization_endpoint: _Url
    token_endpoint: _Url
    jwks_uri: _Url
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)
    authorization_response_iss_parameter_supported: bool = False


@cache
def _trusted() -> ssl.SSLContext:
    return httpx.create_ssl_context()


@asynccontextmanager
async def _asking() -> AsyncGenerator[httpx.AsyncClient]:
    """Yields a client for requests to the provider. Raises NotSignedIn when the provider does not
    answer within ANSWER_S."""
    # Secrets must reach the provider only, so no proxy is used and no redirect followed.
    client = httpx.AsyncClient(
        verify=_trusted(), follow_redirects=False, timeout=ANSWER_S, trust_env=False
    )
    try:
        async with asyncio.timeout(ANSWER_S), client:
            yield client
    except TimeoutError:
        raise NotSignedIn(Why.AWAY, f"no answer within {ANSWER_S:g} seconds") from None
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise NotSignedIn(Why.AWAY, f"no answer: {type(error).__name__}") from None


async def _discover(http: httpx.AsyncClient, chosen: Oidc) -> _Provider:
    told = await _get(http, f"{chosen.issuer.rstrip('/')}/.well-known/openid-configuration")
    try:
        provider = _Provider.model_validate(told)
    except ValidationError as error:
        wrong = ", ".join(str(fault["loc"][0]) for fault in error.errors() if fault["loc"])
        raise NotSignedIn(Why.AWAY, f"its discovery document has no good {wrong}") from None
    if provider.issuer != chosen.issuer:
        # Discovery, section 4.3.
        raise NotSignedIn(Why.AWAY, "its discovery document names another issuer")
    return provider


async def _get(http: httpx.AsyncClient, url: str) -> Any:
    answer = await http.get(url)
    if not answer.is_success:
        raise NotSignedIn(Why.AWAY, f"it answers {answer.status_code}")
    return _json(answer)


def _json(answer: httpx.Response) -> Any:
    try:
        return answer.json()
    except ValueError:
        raise NotSignedIn(Why.AWAY, "it answers something else than JSON") from None


# ID tokens


async def _token_for(
    http: httpx.AsyncClient, chosen: Oidc, provider: _Provider, given: Mapping[str, str]
) -> str:
    """Exchanges a code for an ID token. `given` are the parameters of the token request."""
    form = {"grant_type": "authorization_code", **given}
    try:
        secret = chosen.secret()
    except (OSError, ValueError) as error:
        cause = f"client_secret_file cannot be read: {type(error).__name__}"
        raise NotSignedIn(Why.AWAY, cause) from None
    ways = provider.token_endpoint_auth_methods_supported
    auth = httpx.Auth()
    if "client_secret_basic" not in ways and "client_secret_post" in ways:
        form |= {"client_id": chosen.client_id, "client_secret": secret}
    else:
        # Encoded as in a form (RFC 6749, section 2.3.1).
        auth = httpx.BasicAuth(quote_plus(chosen.client_id), quote_plus(secret))
    answer = await http.post(provider.token_endpoint, data=form, auth=auth)
    told = _json(answer)
    if not answer.is_success:
        error = told.get("error") if isinstance(told, dict) else None
        raise NotSignedIn(Why.REFUSED, f"for the code, {refused(str(error))}")
    token = told.get("id_token") if isinstance(told, dict) else None
    if not isinstance(token, str):
        raise NotSignedIn(Why.REFUSED, "it gives no ID token")
    return token


def _read(chosen: Oidc, trip: Trip, token: str, keys: Any, now: datetime) -> Known:
    """Checks an ID token (Core, section 3.1.3.7) and returns whose it is. Raises NotSignedIn."""
    at = int(now.timestamp())
    wanted = jwt.JWTClaimsRegistry(
        now=at,
        leeway=LEEWAY_S,
        iss={"essential": True, "value": chosen.issuer},
        aud={"essential": True, "value": chosen.client_id},
        sub={"essential": True},
        exp={"essential": True},
        iat={"essential": True},
        nonce={"essential": True, "value": trip.nonce},
    )
    try:
        claims = jwt.decode(token, KeySet.import_key_set(keys), ALGORITHMS).claims
        wanted.validate(claims)
    except ClaimError as error:
        raise NotSignedIn(Why.REFUSED, f"its ID token has no good {error.claim}") from None
    except (JoseError, ValueError, TypeError, KeyError, AttributeError) as error:
        cause = f"its ID token is not to be believed: {type(error).__name__}"
        raise NotSignedIn(Why.REFUSED, cause) from None
    several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
    if claims.get("azp", None if several else chosen.client_id) != chosen.client_id:
        raise NotSignedIn(Why.REFUSED, "its ID token has no good azp")
    subject: str = claims["sub"]
    if len(subject) > SUBJECT_LENGTH:
        raise NotSignedIn(Why.REFUSED, "its ID token has no good sub")
    earliest = at - int(SESSION_FRESH.total_seconds())
    told = claims.get("auth_time")
    asked_at = min(max(told, earliest), at) if type(told) is int else earliest
    return Known(chosen.issuer, subject, datetime.fromtimestamp(asked_at, UTC))
