"""Pages on which staff make a passkey by a link, sign in with it, and sign out."""

from typing import Annotated

from fastapi import APIRouter, Form, Response

from cloud.console import acts, members, sign_ins
from cloud.console.asking import (
    HOME,
    SESSION,
    SIGN_IN,
    VISITOR,
    Asked,
    Asker,
    door,
)
from cloud.console.audit import By, Door
from cloud.console.tables import StaffRow
from cloud.policy import Limits
from cloud.web.authenticators import CREDENTIAL_LENGTH
from cloud.web.browsers import delete_cookie, json, redirect, set_cookie
from cloud.web.problems import Refusal
from protocol.messages import ProblemType

routes: APIRouter = door()

Credential = Annotated[str, Form(max_length=CREDENTIAL_LENGTH)]


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
    return await _signed_in(asked, member, token, "sign in")


@routes.get("/register/{token}")
async def show_link(asked: Asker, token: str) -> Response:
    asked.strangers_spend(Limits.CONSOLE_PASSKEYS_BY_ADDRESS)
    master = asked.context.master
    holder = await members.holder_of(asked.session, master, token, asked.now)
    if holder is None:
        return asked.page("register.html", 404, name=None, token="")
    return asked.page("register.html", name=holder.name, token=token)


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
    return await _signed_in(asked, member, session_token, "make a passkey")


@routes.post("/sign-out")
async def sign_out(asked: Asker) -> Response:
    if asked.who is not None:
        await sign_ins.end(asked.session, asked.who.session_id)
    response = redirect(SIGN_IN)
    delete_cookie(response, SESSION, with_pages=True)
    return response


async def _signed_in(asked: Asked, member: StaffRow, token: str, how: str) -> Response:
    """Returns the answer to whoever has signed in, with a new session only."""
    asked.context.noted.note("console", "signed in with a passkey")
    await acts.sign_in(asked.session, By(Door.CONSOLE, member.id, asked.now), member, how)
    before = asked.session_token
    if before is not None:
        await sign_ins.end_by_token(asked.context, asked.session, before)
    response = redirect(HOME)
    set_cookie(response, SESSION, token)
    delete_cookie(response, VISITOR)
    return response
