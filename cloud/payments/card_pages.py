"""Cards that shoppers save with their own phones, on a page of the payment provider's, or at a card
reader that the provider drives.

Only the provider's page or reader hears the number of the card, and on the page the card's bank
asks its holder. A reader is treated as a page that lies on the counter. What became of a page is
read from the provider: when a kiosk asks for it, and when the provider tells that something has
happened (`cloud.payments.webhooks`). A page that was opened is undone by the errand of
`cloud.payments.cards.ask_to_keep` unless a card was saved on it in time.
"""

import logging
from collections.abc import Awaitable, Callable, Generator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime
from hashlib import sha256
from typing import Literal, TypeVar

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.context import Context
from cloud.db.locks import held
from cloud.db.tables import new_id
from cloud.keys.persons import OpenPerson, find_person
from cloud.payments.cards import ask_to_keep, give_up_keeping, keep_card
from cloud.payments.tables import CardPageRow
from cloud.policy import CARD_PAGE_LIFE, KEEPING_PATIENCE
from cloud.providers import (
    CardNotSaved,
    CardSaved,
    CardSaving,
    HostedPage,
    NoPages,
    PageLapsed,
    PageOpen,
    ProviderUnavailable,
    Readers,
    ReaderTrouble,
    SavingState,
)
from cloud.web.problems import Refusal
from protocol.messages import CardPage, CardReading, ProblemType

log = logging.getLogger(__name__)

OPEN, SAVED, LAPSED = "open", "saved", "lapsed"
NOT_READ, REFUSED = "not_read", "refused"
"""The states in which a reader may have ended, too."""
READING_STATES: Mapping[str, Literal["waiting", "saved", "not_read", "refused", "lapsed"]] = {
    OPEN: "waiting",
    SAVED: "saved",
    LAPSED: "lapsed",
    NOT_READ: "not_read",
    REFUSED: "refused",
}
"""What a kiosk is told of a reader."""

Begun = TypeVar("Begun", bound=CardSaving)


class NoSuchPage(Exception):
    """The page is gone, because its person was erased."""


@contextmanager
def refusing() -> Generator[None]:
    """Raises Refusal, for a device, in place of what the functions of this module raise."""
    try:
        yield
    except NoSuchPage:
        raise Refusal(ProblemType.NOT_FOUND) from None
    except ProviderUnavailable:
        raise Refusal(ProblemType.PROVIDER_UNAVAILABLE, retry_after=5) from None
    except NoPages as none:
        log.error("%s", none)
        raise Refusal(ProblemType.PROVIDER_UNAVAILABLE, str(none)) from None
    except ReaderTrouble as trouble:
        log.warning("%s", trouble)
        raise Refusal(ProblemType.READER_UNAVAILABLE, reader=trouble.fault) from None


async def open_page(
    context: Context,
    session: AsyncSession,
    person: OpenPerson,
    *,
    adds: bool = False,
    back: str | None = None,
) -> CardPage:
    """Opens a page on which a person can save a card, in place of one that is open already. With
    `adds` the card is added to those that the person has. The page leads to the address `back`
    afterwards, or else to the operator's.

    It is called in a transaction, which it ends, and leaves another one open. Raises NoSuchPage
    when the person was erased meanwhile, ProviderUnavailable and NoPages.
    """

    async def begin(reference: str) -> HostedPage:
        return await context.payments.open_page(reference, back)

    row, page = await _open(context, session, person, begin, adds=adds)
    return CardPage(page_id=row.id, url=page.url, expires_at=row.expires_at)


async def read_at(
    context: Context,
    session: AsyncSession,
    person: OpenPerson,
    readers: Readers,
    reader: str,
    *,
    adds: bool = False,
) -> CardReading:
    """Has a reader wait for a card that it saves for a person; otherwise as `open_page`. Raises
    NoSuchPage, ProviderUnavailable and ReaderTrouble."""

    async def begin(reference: str) -> CardSaving:
        return await readers.save_card(reader, reference)

    row, _ = await _open(context, session, person, begin, reader, adds=adds)
    return CardReading(reading_id=row.id, expires_at=row.expires_at)


async def _open(
    context: Context,
    session: AsyncSession,
    person: OpenPerson,
    begin: Callable[[str], Awaitable[Begun]],
    reader: str | None = None,
    *,
    adds: bool = False,
) -> tuple[CardPageRow, Begun]:
    """Stores a page, has the provider begin with it under a reference, and stores its name."""
    await shut_pages(context, session, person.person_id)
    now = context.clock()
    row = CardPageRow(
        id=new_id(),
        person_id=person.person_id,
        name=None,
        reader=reader,
        adds=adds,
        state=OPEN,
        expires_at=now + CARD_PAGE_LIFE,
    )
    session.add(row)
    page_id, reference = row.id, _reference(row.id)
    patience = CARD_PAGE_LIFE + KEEPING_PATIENCE
    await ask_to_keep(session, context.master, reference, now, patience)
    await session.commit()
    try:
        page = await begin(reference)
    except (ProviderUnavailable, NoPages, ReaderTrouble):
        await give_up_keeping(session, reference, context.clock())
        await session.commit()
        raise
    opened = await _find(session, page_id)
    if opened is None or opened.state != OPEN:
        await give_up_keeping(session, reference, context.clock())
        raise NoSuchPage
    opened.name = page.name
    return opened, page


async def look_at(
    context: Context, session: AsyncSession, page_id: str, person_id: str | None = None
) -> str:
    """Stores the card that was saved on a page, if there is one. Returns the state of the page.

    With `person_id`, the page has to be that person's. A card that a reader adds to an account is
    stored only with it, which is while the kiosk asks: whoever taps a card after that person has
    left would add it to their account. It is called in a transaction, which it may end, and leaves
    another one open. Raises NoSuchPage and ProviderUnavailable.
    """
    row = await _find(session, page_id)
    if row is None or person_id not in (None, row.person_id):
        raise NoSuchPage
    if row.state != OPEN or row.name is None:
        return row.state
    if row.adds and row.reader is not None and person_id is None:
        return row.state
    name, reader = row.name, row.reader
    await session.commit()
    found = await _found(context, name, reader)
    row = await _find(session, page_id)
    if row is None:
        raise NoSuchPage
    if row.state != OPEN:
        # Somebody else has looked at the same time.
        return row.state
    now = context.clock()
    match found:
        case PageOpen() if row.expires_at > now:
            pass
        case PageOpen() | PageLapsed():
            await _lapse(session, row, now)
        case CardNotSaved(refused):
            await _lapse(session, row, now)
            row.state = REFUSED if refused else NOT_READ
        case CardSaved(kept, holder):
            person = await find_person(session, context.master, row.person_id)
            await keep_card(
                session,
                context.master,
                person,
                kept,
                reference=_reference(page_id),
                now=now,
                holder=holder,
                adds=row.adds,
            )
            row.state = SAVED
    return row.state


async def _found(context: Context, name: str, reader: str | None) -> SavingState:
    """Raises ProviderUnavailable."""
    if reader is None:
        return await context.payments.look_at_page(name)
    readers = context.payments.readers
    if readers is None:
        # The service has another provider than when it was begun.
        return PageLapsed()
    try:
        return await readers.look_at_saving(reader, name)
    except ReaderTrouble as trouble:
        raise ProviderUnavailable(str(trouble)) from None


async def newest_of(session: AsyncSession, person: OpenPerson) -> str | None:
    """Returns the id of the page that was opened last for a person; None when none is known."""
    return await session.scalar(
        select(CardPageRow.id)
        .where(CardPageRow.person_id == person.person_id, CardPageRow.reader.is_(None))
        .order_by(CardPageRow.expires_at.desc())
        .limit(1)
    )


async def shut_pages(context: Context, session: AsyncSession, person_id: str) -> None:
    """Has the open pages of a person shut soon, and what was made for them forgotten."""
    theirs = CardPageRow.person_id == person_id, CardPageRow.state == OPEN
    for row in await session.scalars(select(CardPageRow).where(*theirs)):
        await _lapse(session, row, context.clock())


async def look_at_the_one_named(context: Context, session: AsyncSession, name: str) -> None:
    """Looks at the page that the provider calls by this name; does nothing when there is none.
    Raises ProviderUnavailable."""
    page_id = await session.scalar(select(CardPageRow.id).where(CardPageRow.name == name))
    if page_id is not None:
        with suppress(NoSuchPage):
            await look_at(context, session, page_id)


async def look_at_those_of(context: Context, session: AsyncSession, reader: str) -> None:
    """Looks at what the reader waits for that the provider calls by this name; does nothing when it
    waits for nothing. Raises ProviderUnavailable."""
    waiting = CardPageRow.reader == reader, CardPageRow.state == OPEN
    for page_id in (await session.scalars(select(CardPageRow.id).where(*waiting))).all():
        with suppress(NoSuchPage):
            await look_at(context, session, page_id)


async def forget_expired(session: AsyncSession, now: datetime) -> None:
    """Deletes the pages that nobody asks for any more."""
    await session.execute(
        delete(CardPageRow).where(CardPageRow.expires_at <= now - KEEPING_PATIENCE)
    )


async def _lapse(session: AsyncSession, row: CardPageRow, now: datetime) -> None:
    row.state = LAPSED
    if row.name is not None:
        await give_up_keeping(session, _reference(row.id), now)
    # Otherwise the provider is being asked to open it: `open_page` gives it up afterwards.


async def _find(session: AsyncSession, page_id: str) -> CardPageRow | None:
    return await held(session, CardPageRow, page_id)


def _reference(page_id: str) -> str:
    """Returns the name of a page that the provider stores: not its id, which leads to a person."""
    return sha256(f"card page {page_id}".encode()).hexdigest()
