"""Pages on which staff sign in and out, make a passkey with a link, or bind their account at the
operator's identity provider."""

import logging
from hmac import compare_digest
from typing import Annotated

from fastapi import APIRouter, Form, Query, Response

from cloud.console import acts, members, oidc, sign_ins
from cloud.console.asking import (
    AWAY,
    HOME,
    SESSION,
    SIGN_IN,
    VISITOR,
    Asked,
    Asker,
    public_router,
)
from cloud.console.audit import By, Door
from cloud.console.oidc import NotSignedIn, Why
from cloud.console.tables import StaffRow
from cloud.policy import STAFF_AWAY_LIFE, Limits
from cloud.settings import Oidc
from cloud.web.authenticators import CREDENTIAL_LENGTH
from cloud.web.browsers import (
    delete_cookie,
    json,
    must_come_from,
    redirect,
    set_cookie,
    token_in,
)
from cloud.web.problems import Refusal
from protocol.messages import ProblemType

log = logging.getLogger(__name__)

routes: APIRouter = public_router()

Credential = Annotated[str, Form(max_length=CREDENTIAL_LENGTH)]
Told = Annotated[str, Query(max_length=4096)]
"""A parameter with which the identity provider sends a browser back."""


@routes.get("/sign-in")
async def show_sign_in(asked: Asker) -> Response:
    if asked.who is not None:
        return redirect(HOME)
    if not asked.has_expired:
        return asked.page("sign_in.html", problem=None)
    response = asked.page("sign_in.html", problem="expired")
    delete_cookie(response, SESSION, with_pages=True)
    return response


@routes.post("/passkey/options")
async def ask_for_passkey(asked: Asker) -> Response:
    asked.strangers_spend(Limits.CONSOLE_PASSKEYS_BY_ADDRESS)
    return json(
        await sign_ins.begin_sign_in(
            asked.context, asked.session, asked.visitor, asked.site, asked.now
        )
    )


@routes.post("/sign-in")
async def use_passkey(asked: Asker, credential: Credential = "") -> Response:
    asked.strangers_spend(Limits.CONSOLE_FAILED_BY_ADDRESS)
    try:
        member, token = await sign_ins.sign_in(
            asked.context, asked.session, asked.visitor, asked.site, credential, now=asked.now
        )
    except Refusal as refusal:
        if refusal.problem.type is not ProblemType.NOT_ACCEPTED:
            raise
        asked.context.noted.note("console", "refused a passkey")
        return asked.page("sign_in.html", refusal.problem.status, problem="passkey")
    asked.strangers_take_back(Limits.CONSOLE_FAILED_BY_ADDRESS)
    return await _signed_in(asked, member, token, "sign in", "signed in with a passkey")


@routes.get("/register/{token}")
async def show_link(asked: Asker, token: str) -> Response:
    asked.strangers_spend(Limits.CONSOLE_PASSKEYS_BY_ADDRESS)
    link_id = members.link_id(asked.context.master, token)
    holder = await members.holder_of(asked.session, link_id, asked.now)
    if holder is None:
        return asked.page("register.html", 404, name=None, token="")
    has_room = await sign_ins.has_room(asked.session, holder)
    return asked.page("register.html", name=holder.name, token=token, has_room=has_room)


@routes.post("/register/{token}/options")
async def ask_for_new(asked: Asker, token: str) -> Response:
    asked.strangers_spend(Limits.CONSOLE_PASSKEYS_BY_ADDRESS)
    return json(
        await sign_ins.begin_making(asked.context, asked.session, token, asked.site, asked.now)
    )


@routes.post("/register/{token}")
async def keep_new(asked: Asker, token: str, credential: Credential = "") -> Response:
    asked.strangers_spend(Limits.CONSOLE_FAILED_BY_ADDRESS)
    member, session_token = await sign_ins.make(
        asked.context, asked.session, token, asked.site, credential, now=asked.now
    )
    asked.strangers_take_back(Limits.CONSOLE_FAILED_BY_ADDRESS)
    return await _signed_in(
        asked, member, session_token, "make a passkey", "signed in with a passkey"
    )


@routes.get("/oidc")
async def leave(asked: Asker) -> Response:
    """Leads to the identity provider, to sign in there."""
    return await _leave(asked, None)


@routes.get("/register/{token}/oidc")
async def leave_to_bind(asked: Asker, token: str) -> Response:
    """Leads to the identity provider, to bind an account there with a link."""
    return await _leave(asked, token)


@routes.get("/oidc/callback")
async def come_back(
    asked: Asker,
    code: Told = "",
    state: Told = "",
    error: Told = "",
    iss: Annotated[str | None, Query(max_length=4096)] = None,
) -> Response:
    """Signs in, or binds the account of, whoever comes back from the identity provider (RFC 6749,
    section 4.1.2)."""
    chosen = _provider(asked)
    asked.strangers_spend(Limits.CONSOLE_FAILED_BY_ADDRESS)
    token = token_in(asked.request, AWAY)
    if token is None:
        return _not_signed_in(asked, "over")
    trip = oidc.trip(asked.context.master, token)
    # Another website may send somebody here, but does not know the state that belongs to the
    # cookie.
    if not compare_digest(trip.state.encode(), state.encode()):
        return _not_signed_in(asked, "over")
    away = await sign_ins.come_back(asked.context, asked.session, token, asked.now)
    if away is None:
        return _not_signed_in(asked, "over")
    # No transaction is open while the provider is asked.
    await asked.session.commit()
    try:
        if error:
            raise oidc.refused(error)
        known = await oidc.known(
            chosen, trip, _callback(asked), code=code, issuer=iss, now=asked.now
        )
    except NotSignedIn as why:
        return _failed(asked, why)
    try:
        if away.link_id is None:
            found = await sign_ins.sign_in_known(asked.context, asked.session, known, asked.now)
        else:
            found = await sign_ins.bind(
                asked.context, asked.session, away.link_id, known, asked.now
            )
    except sign_ins.NotBound:
        return _not_signed_in(asked, "stranger" if away.link_id is None else "taken")
    asked.strangers_take_back(Limits.CONSOLE_FAILED_BY_ADDRESS)
    how = "sign in" if away.link_id is None else "bind an account at the identity provider"
    response = await _signed_in(asked, *found, how, "signed in by the identity provider")
    delete_cookie(response, AWAY)
    return response


@routes.post("/sign-out")
async def sign_out(asked: Asker) -> Response:
    if asked.who is not None:
        await sign_ins.end(asked.session, asked.who.session_id)
    response = redirect(SIGN_IN)
    delete_cookie(response, SESSION, with_pages=True)
    return response


async def _leave(asked: Asked, link: str | None) -> Response:
    chosen = _provider(asked)
    # Another website must not make somebody sign in here, or bind their account.
    must_come_from(asked.origin, asked.request)
    asked.strangers_spend(Limits.CONSOLE_PASSKEYS_BY_ADDRESS)
    token = await sign_ins.go_away(asked.context, asked.session, asked.now, link=link)
    await asked.session.commit()
    trip = oidc.trip(asked.context.master, token)
    try:
        response = redirect(await oidc.address(chosen, trip, _callback(asked)))
    except NotSignedIn as why:
        return _failed(asked, why)
    # The browser sends this cookie along when the provider leads it back.
    set_cookie(response, AWAY, token, STAFF_AWAY_LIFE)
    return response


def _provider(asked: Asked) -> Oidc:
    """Returns the settings of the identity provider. Raises Refusal when there is none."""
    chosen = asked.context.settings.console.oidc
    if chosen is None:
        raise Refusal(ProblemType.NOT_FOUND)
    return chosen


def _callback(asked: Asked) -> str:
    return f"{asked.origin}{HOME}/oidc/callback"


def _failed(asked: Asked, why: NotSignedIn) -> Response:
    if why.why is not Why.CANCELLED:
        log.warning("the identity provider signs nobody in: %s", why)
    return _not_signed_in(asked, why.why)


def _not_signed_in(asked: Asked, problem: str) -> Response:
    """Returns the page that says why signing in by the identity provider has failed."""
    asked.context.noted.note("console", "refused what came from the identity provider")
    response = asked.page("sign_in.html", 502 if problem == Why.AWAY else 403, problem=problem)
    delete_cookie(response, AWAY)
    return response


async def _signed_in(asked: Asked, member: StaffRow, token: str, how: str, noted: str) -> Response:
    """Returns the answer to whoever has signed in, with the cookie of the new session. A session
    that the browser had before ends."""
    asked.context.noted.note("console", noted)
    await acts.sign_in(asked.session, By(Door.CONSOLE, member.id, asked.now), member, how)
    before = asked.session_token
    if before is not None:
        await sign_ins.end_by_token(asked.context, asked.session, before)
    response = redirect(HOME)
    set_cookie(response, SESSION, token)
    delete_cookie(response, VISITOR)
    return response
