"""Pages on which people add cards, remove them, and say which one pays.

A card is saved on a page of the payment provider's, which leads back here. What became of it is
read from the provider then. The address here does not name the page: the provider stores it.
"""

import logging
from functools import partial

from fastapi import APIRouter, Response

from cloud.keys.persons import OpenPerson
from cloud.payments import card_pages, wallet
from cloud.payments.cards import cards_of, listed
from cloud.policy import CARDS
from cloud.portal.asking import HOME, Asked, Asker, router
from cloud.providers import NoPages, ProviderUnavailable
from cloud.web.browsers import redirect
from cloud.web.problems import Refusal
from protocol.messages import ProblemType

log = logging.getLogger(__name__)

BACK = f"{HOME}/cards/back"

routes: APIRouter = router()


@routes.get("/cards/new")
async def show_form(asked: Asker) -> Response:
    cards = await cards_of(asked.session, asked.person)
    return asked.page("card.html", url=None, has_room=len(cards) < CARDS, most=CARDS)


@routes.post("/cards/new")
async def open_page(asked: Asker) -> Response:
    """Answers with a page that leads to the provider's. A redirect would be a form that leads to
    another site, which the pages' policy forbids."""
    await wallet.must_have_room(asked.session, asked.person, asked.now)
    url = await open_for(asked, asked.person, BACK, adds=True)
    return asked.page("card.html", url=url, has_room=True, most=CARDS)


@routes.get("/cards/back")
async def tell_state(asked: Asker) -> Response:
    state = await look_for(asked, asked.person)
    return redirect(HOME) if state is None else asked.page("card_state.html", state=state)


async def open_for(asked: Asked, person: OpenPerson, back: str, *, adds: bool = False) -> str:
    """Opens a page of the provider's on which a person saves a card, which leads back to this path.
    Returns its address. Raises Refusal."""
    try:
        page = await card_pages.open_page(
            asked.context, asked.session, person, adds=adds, back=f"{asked.origin}{back}"
        )
    except card_pages.NoSuchPage:
        raise Refusal(ProblemType.NOT_FOUND) from None
    except (ProviderUnavailable, NoPages) as error:
        log.warning("no page for a card is opened: %s", error)
        raise Refusal(ProblemType.PROVIDER_UNAVAILABLE, retry_after=5) from None
    asked.afterwards.append(asked.context.wake)
    return page.url


async def look_for(asked: Asked, person: OpenPerson) -> str | None:
    """Returns the state of the page that was opened last for a person, None without one. Raises
    Refusal."""
    page_id = await card_pages.newest_of(asked.session, person)
    if page_id is None:
        return None
    try:
        state = await card_pages.look_at(asked.context, asked.session, page_id, person.person_id)
    except card_pages.NoSuchPage:
        return None
    except ProviderUnavailable:
        raise Refusal(ProblemType.PROVIDER_UNAVAILABLE, retry_after=5) from None
    if state != card_pages.OPEN:
        asked.afterwards.append(asked.context.wake)
    return state


@routes.post("/cards/{card_id}/default")
async def make_default(asked: Asker, card_id: str) -> Response:
    await wallet.choose_default(asked.session, asked.person, card_id)
    return redirect(HOME)


@routes.get("/cards/{card_id}/remove")
async def ask_about_card(asked: Asker, card_id: str) -> Response:
    cards = await cards_of(asked.session, asked.person)
    for each in listed(cards, asked.now):
        if each.card_id == card_id:
            return asked.page(
                "card_remove.html", card_id=card_id, card=each.card, is_last=len(cards) == 1
            )
    raise Refusal(ProblemType.NOT_FOUND)


@routes.post("/cards/{card_id}/remove")
async def remove(asked: Asker, card_id: str) -> Response:
    context = asked.context
    trace = await wallet.take_away(context, asked.session, asked.person, card_id, asked.now)
    if trace is None:
        raise Refusal(ProblemType.NOT_FOUND)
    asked.afterwards += [context.wake, partial(context.database.forget_erased, trace)]
    return redirect(HOME)
