"""The first page: palms, cards, merchants, tickets, doors and sessions of who is signed in."""

from functools import partial

from fastapi import APIRouter, Response

from cloud.entry import kept_palms
from cloud.merchants.merchants import find_merchant, place_of
from cloud.messages import Way
from cloud.payments.cards import cards_of, default_of, listed
from cloud.people import accounts, alerts, passkeys, sign_ins
from cloud.people.accounts import member_since, profile_of
from cloud.people.agreements import agreements_of
from cloud.people.withdrawals import after_end, end_with
from cloud.policy import CARDS
from cloud.portal.asking import HOME, Asked, Asker, CodeRoute, router
from cloud.portal.entry import given_access, linked_tickets, venues
from cloud.portal.mails import sends_mails
from cloud.recognition.palms import erase_palm, palms_of
from cloud.web.browsers import redirect
from cloud.web.problems import Refusal
from protocol.messages import ProblemType, Side

routes: APIRouter = router()
freezing: APIRouter = router(CodeRoute)


@routes.get("")
async def show_overview(asked: Asker) -> Response:
    session, person = asked.session, asked.person
    profile = await profile_of(session, person)
    agreements = [
        (agreement, await find_merchant(session, agreement.merchant_id))
        for agreement in await agreements_of(session, person)
    ]
    cards = await cards_of(session, person)
    sends, mail = sends_mails(asked), await accounts.mail_of(session, person)
    way = await alerts.way_to(session, person)
    gates = [
        (row.site_id, await place_of(session, row.site_id), given.palm is not None)
        for row, given in await kept_palms.answers_of(session, person)
    ]
    return asked.page(
        "overview.html",
        profile=profile,
        since=await member_since(session, person),
        frozen=await accounts.frozen_since(session, person),
        alerts=await alerts.wanted_since(session, person),
        by_mail=sends and mail is not None and way is Way.MAIL,
        sends_mails=sends,
        mail=mail,
        palms=await palms_of(session, person),
        cards=listed(cards, asked.now),
        default=default_of(cards, asked.now),
        has_room=len(cards) < CARDS,
        tickets=await linked_tickets(asked),
        takes_tickets=bool(await venues(asked)),
        access=await given_access(asked),
        agreements=[(agreement, shop) for agreement, shop in agreements if shop is not None],
        gates=gates,
        passkeys=await passkeys.passkeys_of(session, person),
        said_lost=await sign_ins.codes_suffice_at(session, person) is not None,
        is_fresh=asked.signed_in.is_fresh(asked.now),
        sessions=await sign_ins.sessions_of(session, person, asked.now),
        here=asked.signed_in.session_id,
    )


@routes.get("/palms/{palm_id}")
async def ask_about_palm(asked: Asker, palm_id: str) -> Response:
    side, is_last = await _find_palm(asked, palm_id)
    at_gates = bool(await kept_palms.kept_of(asked.session, asked.person, side))
    return asked.page("palm.html", palm_id=palm_id, side=side, is_last=is_last, at_gates=at_gates)


@routes.post("/palms/{palm_id}")
async def delete_palm(asked: Asker, palm_id: str) -> Response:
    """Deletes a palm, and what gates may keep of it. The last one goes with the account only
    (`cloud.portal.leaving`)."""
    side, is_last = await _find_palm(asked, palm_id)
    if is_last:
        raise Refusal(ProblemType.CONFLICT)
    await erase_palm(asked.session, asked.person, palm_id)
    kept = await kept_palms.forget_palm(asked.session, asked.person, side, asked.now)

    async def remove_from_gallery() -> None:
        asked.context.gallery.remove_palm(palm_id)

    forget = partial(asked.context.database.forget_erased, palm_id, *kept)
    asked.afterwards += [remove_from_gallery, forget]
    return redirect(HOME)


@freezing.post("/freeze")
async def freeze(asked: Asker) -> Response:
    await accounts.freeze(asked.session, asked.person, asked.now)
    return redirect(HOME)


@routes.post("/unfreeze")
async def unfreeze(asked: Asker) -> Response:
    await accounts.unfreeze(asked.session, asked.person)
    return redirect(HOME)


@routes.post("/gates/{site_id}/stop")
async def stop_gates(asked: Asker, site_id: str) -> Response:
    """Ends that gates of a site recognise the palm without a network. They do not ask again."""
    trace = await kept_palms.end(asked.session, asked.person, site_id, asked.now)
    if trace is None:
        raise Refusal(ProblemType.NOT_FOUND)
    asked.afterwards.append(partial(asked.context.database.forget_erased, trace))
    return redirect(HOME)


@routes.post("/gates/{site_id}/again")
async def have_gates_ask_again(asked: Asker, site_id: str) -> Response:
    if await kept_palms.answer_of(asked.session, asked.person, site_id) is None:
        raise Refusal(ProblemType.NOT_FOUND)
    await kept_palms.forget(asked.session, asked.person, site_id, asked.now)
    return redirect(HOME)


@routes.get("/merchants/{merchant_id}")
async def ask_about_merchant(asked: Asker, merchant_id: str) -> Response:
    for agreement in await agreements_of(asked.session, asked.person):
        shop = await find_merchant(asked.session, agreement.merchant_id)
        if shop is not None and shop.id == merchant_id:
            return asked.page("merchant.html", shop=shop)
    raise Refusal(ProblemType.NOT_FOUND)


@routes.post("/merchants/{merchant_id}")
async def withdraw(asked: Asker, merchant_id: str) -> Response:
    """Ends the agreement with a merchant, as at the merchant's own kiosks."""
    context, session = asked.context, asked.session
    receipt = await end_with(context, session, asked.person, merchant_id, asked.now)
    asked.afterwards.append(after_end(context, asked.person, merchant_id))
    return redirect(f"{HOME}/receipts/{receipt.receipt_id}")


async def _find_palm(asked: Asked, palm_id: str) -> tuple[Side, bool]:
    """Returns the hand of a palm of who is signed in, and whether they have no other. Raises
    Refusal."""
    palms = await palms_of(asked.session, asked.person)
    for palm in palms:
        if palm.palm_id == palm_id:
            return palm.side, len(palms) == 1
    raise Refusal(ProblemType.NOT_FOUND)
