"""Pages on which people begin to sign up, with their number, their consent and a card. They finish
at a kiosk, with their palm and the code that is shown here (`cloud.people.begun`).

No answer, and no time that an answer takes, tells whether a number has an account: its phone is
told.
"""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Form, Response

from cloud.payments import card_pages
from cloud.payments.cards import cards_of
from cloud.people import begun
from cloud.people.begun import Begun, HasAccount
from cloud.policy import BEGUN_LIFE, Limits
from cloud.portal import cards, codes
from cloud.portal.asking import (
    BEGUN,
    HOME,
    VISITOR,
    Asked,
    Asker,
    PublicRoute,
    ReceiptRoute,
    router,
)
from cloud.portal.codes import NO_PROBLEM, NotTaken
from cloud.portal.signing_in import read_number
from cloud.web import limits
from cloud.web.browsers import delete_cookie, redirect, set_cookie
from cloud.web.pages import qr_code
from protocol.documents import digest_of
from protocol.messages import BEGUN_MARK, Card, ConsentText

BEGIN = f"{HOME}/begin"
CODE, CONSENT, CARD, READY = f"{BEGIN}/code", f"{BEGIN}/consent", f"{BEGIN}/card", f"{BEGIN}/ready"

routes: APIRouter = router(PublicRoute)
ending: APIRouter = router(ReceiptRoute)


@routes.get("/begin")
async def show_form(asked: Asker) -> Response:
    if asked.who is not None:
        return redirect(HOME)
    found = await _find(asked)
    if found is not None:
        return redirect(READY if await _card(asked, found) else CARD)
    if asked.begun_token is None:
        return asked.page("begin.html", **NO_PROBLEM)
    response = asked.page("begin.html", 200, **{**NO_PROBLEM, "problem": "begun_over"})
    delete_cookie(response, BEGUN, with_pages=True)
    return response


@routes.post("/begin")
async def ask_for_code(asked: Asker, phone: Annotated[str, Form(max_length=64)] = "") -> Response:
    context = asked.context
    if asked.who is not None:
        return redirect(HOME)
    try:
        number = read_number(phone, context.settings.merchant.country)
        make = partial(begun.ask_for_code, context, asked.session, asked.visitor, number, asked.now)
        await codes.send(asked, make)
    except NotTaken as why:
        return asked.page("begin.html", why.status, **why.told)
    return redirect(CODE)


@routes.get("/begin/code")
async def show_code(asked: Asker) -> Response:
    if not await begun.is_asking(asked.context, asked.session, asked.visitor, asked.now):
        return redirect(BEGIN)
    return asked.page("begin_code.html", **NO_PROBLEM)


@routes.post("/begin/code")
async def enter_code(asked: Asker, code: Annotated[str, Form(max_length=16)] = "") -> Response:
    prove = partial(
        begun.prove,
        asked.context,
        asked.session,
        asked.visitor,
        before=asked.begun_token,
        now=asked.now,
    )
    try:
        token = await codes.use(asked, code, prove)
    except NotTaken as why:
        page = "begin_code.html" if why.can_be_corrected else "begin.html"
        return asked.page(page, why.status, **why.told)
    except HasAccount:
        return asked.page("begin.html", 409, **{**NO_PROBLEM, "problem": "has_account"})
    asked.context.noted.note("portal", "began to sign up with a code")
    response = redirect(CONSENT)
    set_cookie(response, BEGUN, token, BEGUN_LIFE)
    delete_cookie(response, VISITOR)
    return response


@routes.get("/begin/consent")
async def show_consent(asked: Asker) -> Response:
    found = await _find(asked)
    texts = await _to_agree(asked, found) if found else []
    if not texts:
        return redirect(BEGIN)
    return asked.page("begin_consent.html", text=texts[0], digest=digest_of(texts[0]))


@routes.post("/begin/consent")
async def agree(asked: Asker, digest: Annotated[str, Form(max_length=64)] = "") -> Response:
    """Takes the consent to the text that was on the page. What is shown next is the next text, or
    this one as it is now if it has changed."""
    found = await _find(asked)
    if found is not None:
        await begun.agree(asked.context, asked.session, found, digest, asked.now)
    return redirect(BEGIN)


@routes.get("/begin/card")
async def show_card(asked: Asker) -> Response:
    found = await _find(asked)
    if found is None:
        return redirect(BEGIN)
    if await _to_agree(asked, found):
        return redirect(CONSENT)
    return asked.page("begin_card.html", url=None, card=await _card(asked, found), state=None)


@routes.post("/begin/card")
async def open_card_page(asked: Asker) -> Response:
    """Answers with a page that leads to the provider's, as `cloud.portal.cards` does."""
    found = await _find(asked)
    if found is None or await _to_agree(asked, found):
        return redirect(BEGIN)
    await limits.spend(asked.session, Limits.CARD_PAGES, found.begun_id, asked.now)
    url = await cards.open_for(asked, found.person, f"{CARD}/back")
    return asked.page("begin_card.html", url=url, card=None, state=None)


@routes.get("/begin/card/back")
async def tell_state(asked: Asker) -> Response:
    found = await _find(asked)
    state = await cards.look_for(asked, found.person) if found else None
    if state is None:
        return redirect(BEGIN)
    if state == card_pages.SAVED:
        return redirect(READY)
    return asked.page("begin_card.html", url=None, card=None, state=state)


@routes.get("/begin/ready")
async def show_how_to_finish(asked: Asker) -> Response:
    found = await _find(asked)
    if found is None:
        return redirect(BEGIN)
    if await _to_agree(asked, found):
        return redirect(CONSENT)
    code = found.beginning.code
    return asked.page(
        "begin_ready.html",
        code=" ".join(code[at : at + 4] for at in range(0, len(code), 4)),
        qr_code=qr_code(f"{BEGUN_MARK}{code}"),
        card=await _card(asked, found),
        last2=found.beginning.phone[-2:],
        until=found.expires_at,
    )


@ending.get("/begin/stop")
async def ask_whether_to_stop(asked: Asker) -> Response:
    return asked.page("begin_stop.html") if await _find(asked) else redirect(BEGIN)


@ending.post("/begin/stop")
async def stop(asked: Asker) -> Response:
    """Erases everything that was begun in this browser."""
    found, context = await _find(asked), asked.context
    if found is not None:
        await begun.erase(asked.session, context, found.person)
        forget = partial(context.database.forget_erased, found.person.person_id)
        asked.afterwards += [context.wake, forget]
    response = asked.page("begin.html", 200, **{**NO_PROBLEM, "problem": "stopped"})
    delete_cookie(response, BEGUN, with_pages=True)
    return response


async def _find(asked: Asked) -> Begun | None:
    token = asked.begun_token
    return (token and await begun.find(asked.context, asked.session, token, asked.now)) or None


async def _to_agree(asked: Asked, found: Begun) -> list[ConsentText]:
    return await begun.to_agree(asked.context, asked.session, found)


async def _card(asked: Asked, found: Begun) -> Card | None:
    """Returns the card that was saved; None without one."""
    cards = (await cards_of(asked.session, found.person)).values()
    return next((card.shown(asked.now) for card in cards), None)
