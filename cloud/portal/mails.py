"""Pages on which people say how they hear of each use of their palm, and tell a mail address."""

from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Form, Response

from cloud.messages import NoMailer, Way
from cloud.people import alerts, mails
from cloud.people.accounts import mail_of
from cloud.portal import codes
from cloud.portal.asking import HOME, Asked, Asker, router
from cloud.portal.codes import NO_PROBLEM, NotTaken
from cloud.web.browsers import redirect
from cloud.web.problems import Refusal
from protocol.messages import ProblemType

MAIL = f"{HOME}/mail"

routes: APIRouter = router()


def sends_mails(asked: Asked) -> bool:
    """Returns whether mails can be chosen."""
    return not isinstance(asked.context.mailer, NoMailer)


@routes.post("/alerts/on")
async def send_texts(asked: Asker) -> Response:
    await alerts.switch_on(asked.session, asked.person, Way.TEXT, asked.now)
    return redirect(HOME)


@routes.post("/alerts/mail")
async def send_mails(asked: Asker) -> Response:
    _must_send_mails(asked)
    if await mail_of(asked.session, asked.person) is None:
        return redirect(MAIL)
    await alerts.switch_on(asked.session, asked.person, Way.MAIL, asked.now)
    return redirect(HOME)


@routes.post("/alerts/off")
async def send_nothing(asked: Asker) -> Response:
    tell = await alerts.switch_off(asked.context, asked.session, asked.person, asked.now)
    if tell is not None:
        asked.later(tell)
    return redirect(HOME)


@routes.get("/mail")
async def show_form(asked: Asker) -> Response:
    _must_send_mails(asked)
    if await mail_of(asked.session, asked.person) is not None:
        return redirect(HOME)
    return _show_form(asked, 200, NO_PROBLEM)


@routes.post("/mail")
async def begin(asked: Asker, mail: Annotated[str, Form(max_length=400)] = "") -> Response:
    _must_send_mails(asked)
    try:
        address = mails.read_address(mail)
        work = partial(mails.begin, asked.context, asked.session, asked.person, address, asked.now)
        await codes.send(asked, work)
    except mails.NotAnAddress:
        return _show_form(asked, 422, {**NO_PROBLEM, "problem": "no_address"})
    except NotTaken as why:
        return _show_form(asked, why.status, why.told)
    return redirect(f"{MAIL}/code")


@routes.get("/mail/code")
async def show_code(asked: Asker) -> Response:
    return await _show_code(asked, 200, NO_PROBLEM)


@routes.post("/mail/code")
async def confirm(asked: Asker, code: Annotated[str, Form(max_length=16)] = "") -> Response:
    work = partial(mails.confirm, asked.context, asked.session, asked.person, now=asked.now)
    try:
        asked.later(await codes.use(asked, code, work))
    except NotTaken as why:
        if why.can_be_corrected:
            return await _show_code(asked, why.status, why.told)
        return _show_form(asked, why.status, why.told)
    return redirect(HOME)


@routes.get("/mail/remove")
async def ask_about_mail(asked: Asker) -> Response:
    told = await mail_of(asked.session, asked.person)
    if told is None:
        raise Refusal(ProblemType.NOT_FOUND)
    by_mail = await alerts.way_to(asked.session, asked.person) is Way.MAIL
    return asked.page("mail_remove.html", mail=told.hint, by_mail=by_mail)


@routes.post("/mail/remove")
async def remove(asked: Asker) -> Response:
    trace = await mails.remove(asked.session, asked.person, asked.now)
    if trace is None:
        raise Refusal(ProblemType.NOT_FOUND)
    asked.afterwards.append(partial(asked.context.database.forget_erased, trace))
    return redirect(HOME)


def _must_send_mails(asked: Asked) -> None:
    """Raises Refusal where no mails are sent."""
    if not sends_mails(asked):
        raise Refusal(ProblemType.NOT_FOUND)


def _show_form(asked: Asked, status: int, told: dict[str, Any]) -> Response:
    return asked.page("mail.html", status, **told)


async def _show_code(asked: Asked, status: int, told: dict[str, Any]) -> Response:
    waits = await mails.asked_for(asked.session, asked.person, asked.now)
    if waits is None:
        return redirect(MAIL)
    return asked.page("mail_code.html", status, mail=waits.hint, **told)
