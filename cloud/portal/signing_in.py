"""Pages on which people sign in, with their mobile number and a code or with a passkey, and sign
out.

No answer, and no time that an answer takes, tells whether a number has an account.
"""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Form, Response

from cloud.people import passkeys, sign_ins
from cloud.policy import Limits
from cloud.portal import codes
from cloud.portal.asking import (
    HOME,
    SESSION,
    SIGN_IN,
    VISITOR,
    Asked,
    Asker,
    CodeRoute,
    PublicRoute,
    router,
)
from cloud.portal.codes import NO_PROBLEM, NotTaken
from cloud.web.authenticators import CREDENTIAL_LENGTH
from cloud.web.browsers import delete_cookie, json, redirect, set_cookie
from cloud.web.problems import Refusal
from protocol.messages import ProblemType
from protocol.mobile import NotANumber, NotMobile, read_mobile

CODE = f"{HOME}/code"

public: APIRouter = router(PublicRoute)
inside: APIRouter = router(CodeRoute)


@public.get("/sign-in")
@public.get("/passkey")
async def show_sign_in(asked: Asker) -> Response:
    if asked.who is not None:
        return redirect(HOME)
    if not asked.has_expired:
        return asked.page("sign_in.html", **NO_PROBLEM)
    response = asked.page("sign_in.html", 200, **{**NO_PROBLEM, "problem": "expired"})
    delete_cookie(response, SESSION, with_pages=True)
    return response


@public.post("/sign-in")
async def ask_for_code(asked: Asker, phone: Annotated[str, Form(max_length=64)] = "") -> Response:
    context = asked.context
    try:
        number = read_number(phone, context.settings.merchant.country)
        make = partial(
            sign_ins.ask_for_code, context, asked.session, asked.visitor, number, asked.now
        )
        await codes.send(asked, make)
    except NotTaken as why:
        return asked.page("sign_in.html", why.status, **why.told)
    return redirect(CODE)


@public.get("/code")
async def show_code(asked: Asker) -> Response:
    if asked.who is not None:
        return redirect(HOME)
    if not await sign_ins.is_asking(asked.context, asked.session, asked.visitor, asked.now):
        return redirect(SIGN_IN)
    return asked.page("code.html", **NO_PROBLEM)


@public.post("/code")
async def enter_code(asked: Asker, code: Annotated[str, Form(max_length=16)] = "") -> Response:
    context, session = asked.context, asked.session
    use_up = partial(
        sign_ins.sign_in, context, session, asked.visitor, browser=asked.browser, now=asked.now
    )
    try:
        token = await codes.use(asked, code, use_up)
    except NotTaken as why:
        page = "code.html" if why.can_be_corrected else "sign_in.html"
        return asked.page(page, why.status, **why.told)
    return await _signed_in(asked, token, "a code")


@public.post("/passkey/options")
async def ask_for_passkey(asked: Asker) -> Response:
    asked.strangers_spend(Limits.PORTAL_PASSKEYS_BY_ADDRESS)
    return json(
        await passkeys.begin_sign_in(
            asked.context, asked.session, asked.visitor, asked.site, asked.now
        )
    )


@public.post("/passkey")
async def use_passkey(
    asked: Asker, credential: Annotated[str, Form(max_length=CREDENTIAL_LENGTH)] = ""
) -> Response:
    try:
        asked.strangers_spend(Limits.PORTAL_FAILED_BY_ADDRESS)
        token = await passkeys.sign_in(
            asked.context,
            asked.session,
            asked.visitor,
            asked.site,
            credential,
            browser=asked.browser,
            now=asked.now,
        )
    except Refusal as refusal:
        if refusal.problem.type is not ProblemType.NOT_ACCEPTED:
            raise
        asked.context.noted.note("portal", "refused a passkey")
        told = {**NO_PROBLEM, "problem": "passkey"}
        return asked.page("sign_in.html", refusal.problem.status, **told)
    asked.strangers_take_back(Limits.PORTAL_FAILED_BY_ADDRESS)
    return await _signed_in(asked, token, "a passkey")


@inside.post("/sign-out")
async def sign_out(asked: Asker) -> Response:
    await sign_ins.end(asked.session, asked.person, asked.signed_in.session_id)
    response = redirect(SIGN_IN)
    delete_cookie(response, SESSION, with_pages=True)
    return response


@inside.post("/sign-out-elsewhere")
async def end_other_sessions(asked: Asker) -> Response:
    await sign_ins.end_others(asked.session, asked.signed_in)
    return redirect(HOME)


@inside.post("/sessions/{session_id}/end")
async def end_session(asked: Asker, session_id: str) -> Response:
    if session_id == asked.signed_in.session_id:
        return await sign_out(asked)
    if not await sign_ins.end(asked.session, asked.person, session_id):
        raise Refusal(ProblemType.NOT_FOUND)
    return redirect(HOME)


async def _signed_in(asked: Asked, token: str, by: str) -> Response:
    """Returns the answer to whoever has signed in, with a new session only."""
    asked.context.noted.note("portal", f"signed in with {by}")
    before = asked.request.cookies.get(SESSION)
    if before is not None:
        await sign_ins.end_by_token(asked.context, asked.session, before)
    response = redirect(HOME)
    set_cookie(response, SESSION, token)
    delete_cookie(response, VISITOR)
    return response


def read_number(typed: str, country: str) -> str:
    """Returns a mobile number in E.164. Raises NotTaken."""
    try:
        return read_mobile(typed, country)
    except NotANumber:
        raise NotTaken("not_a_number", 422) from None
    except NotMobile:
        raise NotTaken("not_mobile", 422) from None
