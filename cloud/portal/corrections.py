"""Pages on which people correct their name and their mobile number."""

from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Form, Response

from cloud.people import corrections
from cloud.people.accounts import profile_of
from cloud.portal import codes
from cloud.portal.asking import HOME, Asked, Asker, router
from cloud.portal.codes import NO_PROBLEM, NotTaken
from cloud.portal.signing_in import read_number
from cloud.web.browsers import redirect

NAME, NUMBER = f"{HOME}/name", f"{HOME}/number"

routes: APIRouter = router()


@routes.get("/name")
async def show_name(asked: Asker) -> Response:
    profile = await profile_of(asked.session, asked.person)
    return asked.page("name.html", name=profile.holder or "", name_length=corrections.NAME_LENGTH)


@routes.post("/name")
async def change_name(asked: Asker, name: Annotated[str, Form(max_length=400)] = "") -> Response:
    await corrections.change_name(asked.session, asked.person, name, asked.now)
    asked.afterwards.append(asked.context.database.forget_erased)
    return redirect(HOME)


@routes.get("/number")
async def show_number(asked: Asker) -> Response:
    return await _show_number(asked, 200, NO_PROBLEM)


@routes.post("/number")
async def begin(asked: Asker, phone: Annotated[str, Form(max_length=64)] = "") -> Response:
    context, session, who = asked.context, asked.session, asked.signed_in
    try:
        number = read_number(phone, context.settings.merchant.country)
        await codes.send(
            asked, partial(corrections.begin, context, session, who, number, asked.now)
        )
    except corrections.SameNumber:
        return await _show_number(asked, 422, {**NO_PROBLEM, "problem": "same"})
    except NotTaken as why:
        return await _show_number(asked, why.status, why.told)
    return redirect(f"{NUMBER}/code")


@routes.get("/number/code")
@routes.get("/number/present")
@routes.get("/number/new")
async def show_code(asked: Asker) -> Response:
    is_allowed = await corrections.is_allowed(asked.session, asked.signed_in, asked.now)
    if is_allowed is None:
        return redirect(NUMBER)
    return asked.page("number_code.html", is_allowed=is_allowed, **NO_PROBLEM)


@routes.post("/number/present")
async def allow(asked: Asker, code: Annotated[str, Form(max_length=16)] = "") -> Response:
    """Takes the code that was sent to the present number."""
    work = partial(corrections.allow, asked.context, asked.session, asked.signed_in, now=asked.now)
    try:
        asked.later(await codes.use(asked, code, work))
    except NotTaken as why:
        return await _show_again(asked, why, is_allowed=False)
    return redirect(f"{NUMBER}/code")


@routes.post("/number/new")
async def change(asked: Asker, code: Annotated[str, Form(max_length=16)] = "") -> Response:
    """Takes the code that was sent to the new number."""
    work = partial(
        corrections.change_number, asked.context, asked.session, asked.signed_in, now=asked.now
    )
    try:
        erased = await codes.use(asked, code, work)
    except NotTaken as why:
        return await _show_again(asked, why, is_allowed=True)
    context = asked.context
    asked.afterwards += [context.wake, partial(context.database.forget_erased, *erased)]
    return redirect(HOME)


async def _show_again(asked: Asked, why: NotTaken, *, is_allowed: bool) -> Response:
    if why.can_be_corrected:
        return asked.page("number_code.html", why.status, is_allowed=is_allowed, **why.told)
    return await _show_number(asked, why.status, why.told)


async def _show_number(asked: Asked, status: int, told: dict[str, Any]) -> Response:
    profile = await profile_of(asked.session, asked.person)
    return asked.page("number.html", status, last4=profile.phone_last4, **told)
