"""The cards of an account: their holder shows a palm, adds cards, removes them, and says which one
pays unless they choose another at the till. In the portal the same rules hold
(`cloud.portal.cards`).

Cards belong to the person and not to a merchant: they are kept at the operator's account with the
provider, and a payment passes the money on to the merchant's (`cloud.providers`). So a card that is
added at one merchant pays at all of them.
"""

from datetime import datetime
from functools import partial
from hashlib import sha256

from fastapi import APIRouter
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.context import Context
from cloud.keys.persons import OpenPerson
from cloud.payments import card_pages, readers
from cloud.payments.cards import (
    ask_to_keep,
    cards_of,
    give_up_keeping,
    keep_card,
    listed,
    put_first,
    remove_card,
)
from cloud.payments.purchases import has_pending_purchase
from cloud.policy import CARDS, Limit, Limits
from cloud.providers import CardRefused, ProviderUnavailable
from cloud.recognition.identifications import accepted_for
from cloud.web import limits, signed_request
from cloud.web.problems import Refusal
from cloud.web.signed_request import Call, Caller
from protocol.messages import (
    AtReader,
    CardPage,
    CardPageState,
    CardReading,
    CardReadingState,
    CardToken,
    Identifier,
    ProblemType,
    Purpose,
    Wallet,
)

router: APIRouter = signed_request.router()


@router.get("/identifications/{identification_id}/cards")
async def show(call: Caller, identification_id: str) -> Wallet:
    return await _wallet(call, await _person(call, identification_id))


@router.post("/identifications/{identification_id}/cards")
async def add(call: Caller, identification_id: str, token: CardToken) -> Wallet:
    session, context = call.session, call.context
    await _growing(call, identification_id)
    reference = sha256(f"{identification_id} {token.token}".encode()).hexdigest()
    try:
        await ask_to_keep(session, context.master, reference, context.clock())
        await session.commit()
        kept = await context.payments.keep(token.token, reference)
        person = await _person(call, identification_id)
        await keep_card(
            session,
            context.master,
            person,
            kept,
            reference=reference,
            now=context.clock(),
            adds=True,
        )
    except ProviderUnavailable:
        raise Refusal(ProblemType.PROVIDER_UNAVAILABLE, retry_after=5) from None
    except CardRefused as refused:
        await give_up_keeping(session, reference, context.clock())
        raise Refusal(ProblemType.CARD_REFUSED, str(refused)) from None
    except Refusal:
        # The person was deleted while the provider was asked.
        await give_up_keeping(session, reference, context.clock())
        raise
    call.afterwards.append(context.wake)
    return await _wallet(call, person)


@router.post("/identifications/{identification_id}/cards/pages")
async def open_page(call: Caller, identification_id: str) -> CardPage:
    person = await _growing(call, identification_id)
    with card_pages.refusing():
        page = await card_pages.open_page(call.context, call.session, person, adds=True)
        await _person(call, identification_id)
    call.afterwards.append(call.context.wake)
    return page


@router.get("/identifications/{identification_id}/cards/pages/{page_id}")
async def look_at_page(call: Caller, identification_id: str, page_id: Identifier) -> CardPageState:
    state = await _look_at_saving(call, identification_id, page_id)
    if state == card_pages.OPEN:
        return CardPageState(state="open")
    return CardPageState(state="saved" if state == card_pages.SAVED else "lapsed")


@router.post("/identifications/{identification_id}/cards/readings")
async def read_card(call: Caller, identification_id: str, where: AtReader) -> CardReading:
    session = call.session
    person = await _growing(call, identification_id, Limits.CARD_READINGS)
    drives = await readers.driving(call, where.reader)
    with card_pages.refusing():
        reading = await card_pages.read_at(
            call.context, session, person, drives, where.reader, adds=True
        )
        await _person(call, identification_id)
    call.afterwards.append(call.context.wake)
    return reading


@router.get("/identifications/{identification_id}/cards/readings/{reading_id}")
async def look_at_reading(
    call: Caller, identification_id: str, reading_id: Identifier
) -> CardReadingState:
    state = await _look_at_saving(call, identification_id, reading_id)
    return CardReadingState(state=card_pages.READING_STATES[state])


@router.delete("/identifications/{identification_id}/cards/readings", status_code=204)
async def stop_reading(call: Caller, identification_id: str) -> None:
    person = await _person(call, identification_id)
    await card_pages.shut_pages(call.context, call.session, person.person_id)
    call.afterwards.append(call.context.wake)


@router.put("/identifications/{identification_id}/cards/{card_id}/default")
async def make_default(call: Caller, identification_id: str, card_id: Identifier) -> Wallet:
    person = await _person(call, identification_id)
    await choose_default(call.session, person, card_id)
    return await _wallet(call, person)


@router.delete("/identifications/{identification_id}/cards/{card_id:id}")
async def remove(call: Caller, identification_id: str, card_id: Identifier) -> Wallet:
    """Removes a card, and changes nothing when it is removed already."""
    person = await _person(call, identification_id)
    trace = await take_away(call.context, call.session, person, card_id, call.now)
    if trace is not None:
        forget = partial(call.context.database.forget_erased, trace)
        call.afterwards += [call.context.wake, forget]
    return await _wallet(call, person)


async def must_have_room(
    session: AsyncSession, person: OpenPerson, now: datetime, limit: Limit = Limits.CARDS
) -> None:
    """Counts an attempt to add a card. Raises Refusal when the person may not add one."""
    if len(await cards_of(session, person)) >= CARDS:
        raise Refusal(ProblemType.CONFLICT, f"no more than {CARDS} cards")
    await limits.spend(session, limit, person.person_id, now)


async def choose_default(session: AsyncSession, person: OpenPerson, card_id: str) -> None:
    """Makes a card of a person the default. Raises Refusal."""
    if card_id not in await cards_of(session, person):
        raise Refusal(ProblemType.NOT_FOUND)
    await put_first(session, person, card_id)


async def take_away(
    context: Context, session: AsyncSession, person: OpenPerson, card_id: str, now: datetime
) -> bytes | None:
    """Removes a card of a person. Returns the trace of it that the database may still hold
    (`cloud.context.Database.forget_erased`); None when they do not have it. Raises Refusal when it
    has to stay."""
    cards = await cards_of(session, person)
    if card_id not in cards:
        return None
    if len(cards) == 1:
        raise Refusal(ProblemType.CONFLICT, "the last card stays until its person leaves")
    if await has_pending_purchase(session, person):
        raise Refusal(ProblemType.CONFLICT, "a payment is still being completed", retry_after=5)
    return await remove_card(session, context.master, person, card_id, now)


async def _person(call: Call, identification_id: str) -> OpenPerson:
    """Raises Refusal."""
    return await accepted_for(call, identification_id, Purpose.CARDS)


async def _growing(call: Call, identification_id: str, limit: Limit = Limits.CARDS) -> OpenPerson:
    """Returns the person, who may try to add a card within a limit. Raises Refusal."""
    person = await _person(call, identification_id)
    await must_have_room(call.session, person, call.now, limit)
    return person


async def _look_at_saving(call: Call, identification_id: str, page_id: str) -> str:
    """Returns the state of a page or a reading. Raises Refusal."""
    person = await _person(call, identification_id)
    with card_pages.refusing():
        state = await card_pages.look_at(call.context, call.session, page_id, person.person_id)
    if state != card_pages.OPEN:
        call.afterwards.append(call.context.wake)
    return state


async def _wallet(call: Call, person: OpenPerson) -> Wallet:
    cards = await cards_of(call.session, person)
    return Wallet(cards=listed(cards, call.now), full=len(cards) >= CARDS)
