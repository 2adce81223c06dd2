"""What the operator's identity provider is asked, and how its answers are checked: OpenID Connect
Core 1.0, its authorization code flow with PKCE (RFC 7636), as RFC 9700 wants it.

It is asked who somebody is, and for nothing about them: the scope is `openid` alone, and the access
token is dropped. Its documents are fetched anew each time, because staff sign in seldom and keys
are replaced at any time. A provider's own words stand on no page and in no log: they may quote
what was sent.
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
"""By which a provider may sign. Keyed hashes are not among them: there is no secret that both have
and nobody else."""
ANSWER_S = 10.0
"""How long the provider may take for everything that is asked at once."""
LEEWAY_S = 60
"""By how much its clock may differ."""
SUBJECT_LENGTH = 255
"""The largest number of characters of a subject (Core, section 2)."""
_ERROR = re.compile(r"[a-z_]{1,40}")
"""The codes of errors of RFC 6749 and of OpenID Connect; what else comes may be anything."""


class Why(StrEnum):
    """Why somebody is not signed in by the provider."""

    CANCELLED = "cancelled"
    AWAY = "away"
    """The provider does not answer, or not as a provider does."""
    REFUSED = "refused"
    """The provider does not want to, or what it has signed is not for the console, or not now."""


class NotSignedIn(Exception):
    """Nobody is signed in by the provider. The message is for the operator's log."""

    def __init__(self, why: Why, cause: str) -> None:
        super().__init__(cause)
        self.why = why


@dataclass(frozen=True, slots=True)
class Trip:
    """The secrets of a browser's way to the provider and back."""

    state: str = field(repr=False)
    """Comes back with the browser, and with no other."""
    nonce: str = field(repr=False)
    """Stands in what the provider signs, which is for this sign-in alone."""
    verifier: str = field(repr=False)
    """Only who has it gets anything for the code."""


@dataclass(frozen=True, slots=True)
class Known:
    """Who somebody is, as the provider says."""

    issuer: str
    subject: str
    asked_at: datetime
    """When the provider has asked them to show who they are; SESSION_FRESH ago where it does not
    say, or was longer ago."""


def trip(master: MasterKey, token: str) -> Trip:
    """Returns the secrets of the browser with a token."""
    return Trip(*(master.lookup(f"staff {each}", token) for each in ("state", "nonce", "verifier")))


async def address(chosen: Oidc, trip: Trip, callback: str) -> str:
    """Returns where somebody signs in at the provider, which leads back to `callback`. Raises
    NotSignedIn."""
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
        # Whoever has signed in there earlier than that is asked once more (Core, section 3.1.2.1).
        "max_age": int(SESSION_FRESH.total_seconds()),
    }
    place = provider.authorization_endpoint
    return f"{place}{'&' if '?' in place else '?'}{urlencode(asked)}"


async def known(
    chosen: Oidc, trip: Trip, callback: str, *, code: str, issuer: str | None, now: datetime
) -> Known:
    """Returns who has come back from the provider with a code. `issuer` is who says so (RFC 9207),
    None when nobody does. Raises NotSignedIn."""
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
    """Returns what an error means with which somebody has come back (RFC 6749, 4.1.2.1)."""
    why = Why.CANCELLED if error == "access_denied" else Why.REFUSED
    return NotSignedIn(why, f"it says {error if _ERROR.fullmatch(error) else 'something else'}")


# What the provider says of itself


def _safe(url: str) -> str:
    if not is_safe(url):
        raise ValueError("it does not begin with https://")
    return url


_Url = Annotated[str, AfterValidator(_safe)]


class _Provider(BaseModel):
    """What of a provider's discovery document is used (OpenID Connect Discovery 1.0)."""

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
    """Raises NotSignedIn for whatever keeps the provider from answering in time."""
    # Neither a proxy of the environment nor a redirect: secrets go nowhere else.
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


# What it says of somebody


async def _token_for(
    http: httpx.AsyncClient, chosen: Oidc, provider: _Provider, given: Mapping[str, str]
) -> str:
    """Returns the ID token that there is for the code that is `given` with what belongs to it."""
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
    """Checks an ID token (Core, section 3.1.3.7)."""
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
