"""Cards on file: what the provider calls them and what may be shown of them.

Before the provider is asked to keep a card, an errand is stored that makes it forget the card
again. The transaction that stores the card withdraws the errand. So a card that the provider keeps
and this service does not know of is forgotten, wherever the service was interrupted.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from hashlib import sha256

from pydantic import BaseModel, ConfigDict
from sqlalchemy import delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.context import Context
from cloud.db.tables import new_id
from cloud.keys.person_keys import MasterKey, trace_of
from cloud.keys.persons import OpenPerson, find_person, open_person, with_wrapped_key
from cloud.outbox import queue
from cloud.payments.tables import CardRow
from cloud.policy import KEEPING_PATIENCE
from cloud.providers import CardOnFile, ProviderUnavailable
from protocol.messages import Card, OwnCard

FORGET_CARD = "forget card"
"""The kind of the errands that `forget_card` runs."""
FORGET_UNLESS_KEPT = "forget unless kept"
"""The kind of the errands that `forget_unless_kept` runs."""


class CardDetail(BaseModel):
    """A card as it is stored, sealed."""

    model_config = ConfigDict(hide_input_in_errors=True)

    customer: str
    method: str
    brand: str
    last4: str
    holder: str | None = None
    """The name on a card that was saved by phone."""
    fingerprint: str | None = None
    """The provider's mark of the card's number, by which the same card is known again; None for
    cards that were stored by an earlier version and not renewed since."""
    last_month: tuple[int, int] | None = None
    """The year and the month at whose end it expires; None when that is not known, as for cards
    that were stored by an earlier version and not renewed since."""

    def shown(self, now: datetime) -> Card:
        """Returns the card as it may be shown."""
        expired = self.last_month is not None and (now.year, now.month) > self.last_month
        return Card(brand=self.brand, last4=self.last4, expired=expired)

    @property
    def on_file(self) -> CardOnFile:
        shown = Card(brand=self.brand, last4=self.last4)
        return CardOnFile(shown, self.customer, self.method, self.last_month, self.fingerprint)

    @classmethod
    def of(cls, kept: CardOnFile, holder: str | None = None) -> "CardDetail":
        return cls(
            holder=holder,
            customer=kept.customer,
            method=kept.method,
            brand=kept.card.brand,
            last4=kept.card.last4,
            last_month=kept.last_month,
            fingerprint=kept.fingerprint,
        )


async def cards_of(session: AsyncSession, person: OpenPerson) -> dict[str, CardDetail]:
    """Returns the cards of a person by their ids, the default first."""
    rows = await session.scalars(
        select(CardRow)
        .where(CardRow.person_id == person.person_id)
        .order_by(CardRow.place, CardRow.id)
    )
    return {row.id: _opened(person, row) for row in rows}


def default_of(cards: Mapping[str, CardDetail], now: datetime) -> str | None:
    """Returns the id of the card that pays unless another one is chosen: the first that has not
    expired, or else the first; None without cards."""
    lasting = (card_id for card_id, card in cards.items() if not card.shown(now).expired)
    return next(lasting, next(iter(cards), None))


def listed(cards: Mapping[str, CardDetail], now: datetime) -> list[OwnCard]:
    """Returns cards as they may be shown to their person."""
    return [OwnCard(card_id=card_id, card=card.shown(now)) for card_id, card in cards.items()]


class Asked(BaseModel):
    """That the provider was asked to keep a card, as it is stored in an errand, sealed."""

    reference: str
    at: datetime


async def ask_to_keep(
    session: AsyncSession,
    master: MasterKey,
    reference: str,
    now: datetime,
    patience: timedelta = KEEPING_PATIENCE,
) -> None:
    """Stores that the provider is about to be asked to keep a card under a reference.

    Unless `keep_card` stores the card within `patience`, the provider is told to forget it.
    Raises ProviderUnavailable while it is being told so for an earlier attempt with this reference.
    """
    errand_id, due_at = _errand_id(reference), now + patience
    match await queue.delay(session, errand_id, now, due_at):
        case None:
            payload = Asked(reference=reference, at=now).model_dump_json().encode()
            key = master.outbox
            queue.put(session, key, FORGET_UNLESS_KEPT, payload, due_at, errand_id=errand_id)
        case False:
            raise ProviderUnavailable("an earlier attempt to keep the card is being undone")
        case True:
            pass


async def give_up_keeping(session: AsyncSession, reference: str, now: datetime) -> None:
    """Makes the provider forget soon what it may have kept under a reference."""
    await queue.hasten(session, _errand_id(reference), now)


async def keep_card(
    session: AsyncSession,
    master: MasterKey,
    person: OpenPerson,
    kept: CardOnFile,
    *,
    reference: str,
    now: datetime,
    holder: str | None = None,
    adds: bool = False,
) -> None:
    """Stores a card that was kept under a reference, in place of those the person had. With `adds`
    it is added to them as the last one, and takes the place only of the same card.

    The provider forgets soon after what was replaced. Raises ProviderUnavailable when the card came
    too late (`ask_to_keep`).
    """
    if not await queue.withdraw(session, _errand_id(reference), now):
        raise ProviderUnavailable("the card came too late, and is being forgotten")
    cards = await cards_of(session, person)
    replaced = [each for each, card in cards.items() if not adds or _is_same(card, kept)]
    place = await session.scalar(select(CardRow.place).where(CardRow.id.in_(replaced)))
    if place is None:
        last = select(func.max(CardRow.place)).where(CardRow.person_id == person.person_id)
        place = (await session.scalar(last) or 0) + 1
    for each in replaced:
        # The same token again may be the same customer, who must not be forgotten then.
        if cards[each].customer != kept.customer:
            _forget_later(session, master, cards[each], now)
    await session.execute(delete(CardRow).where(CardRow.id.in_(replaced)))
    card = CardRow(id=new_id(), person_id=person.person_id, place=place)
    card.detail = person.seal(CardDetail.of(kept, holder), f"cards.detail/{card.id}")
    card.lookup = master.lookup("card", kept.method)
    session.add(card)
    await session.flush()


def _is_same(card: CardDetail, kept: CardOnFile) -> bool:
    same_number = kept.fingerprint is not None and kept.fingerprint == card.fingerprint
    return same_number or kept.method == card.method


async def put_first(session: AsyncSession, person: OpenPerson, card_id: str) -> None:
    """Makes a card of a person the default."""
    theirs = CardRow.person_id == person.person_id
    first = await session.scalar(
        select(func.min(CardRow.place)).where(theirs, CardRow.id != card_id)
    )
    if first is not None:
        changed = update(CardRow).where(theirs, CardRow.id == card_id).values(place=first - 1)
        await session.execute(changed)


async def remove_card(
    session: AsyncSession, master: MasterKey, person: OpenPerson, card_id: str, now: datetime
) -> bytes:
    """Removes a card of a person, which the provider forgets soon after. Returns the trace of it
    that the database may still hold (`cloud.context.Database.forget_erased`)."""
    row = await session.get_one(CardRow, card_id)
    _forget_later(session, master, _opened(person, row), now)
    await session.delete(row)
    return trace_of(row.detail)


async def renew_card(context: Context, session: AsyncSession, method: str) -> None:
    """Stores how the provider's card of this name is now; does nothing when nobody here has it.

    It is called in a transaction, which it may end, and leaves another one open. Raises
    ProviderUnavailable.
    """
    row = await _find_card(context.master, session, method)
    if row is None:
        return
    person = await find_person(session, context.master, row.person_id)
    card_id, before = row.id, _opened(person, row)
    await session.commit()
    now = await context.payments.look_at_card(before.on_file)
    row = await session.get(CardRow, card_id, populate_existing=True)
    if row is not None and now is not None:
        row.detail = person.seal(CardDetail.of(now, before.holder), f"cards.detail/{row.id}")


async def _find_card(master: MasterKey, session: AsyncSession, method: str) -> CardRow | None:
    earlier = with_wrapped_key(select(CardRow).where(CardRow.lookup.is_(None)), CardRow.person_id)
    for row, wrapped_key in (await session.execute(earlier)).all():
        # Once: each has a lookup afterwards.
        person = open_person(master, row.person_id, wrapped_key)
        row.lookup = master.lookup("card", _opened(person, row).method)
    await session.flush()
    wanted = CardRow.lookup == master.lookup("card", method)
    return await session.scalar(select(CardRow).where(wanted))


async def forget_cards_later(
    session: AsyncSession,
    master: MasterKey,
    person: OpenPerson,
    now: datetime,
    person_digest: bytes | None = None,
) -> int:
    """Puts an errand into the outbox for each card of a person: the provider is to forget it.

    Returns the number of cards. `person_digest` is for a later check of the person's deletion
    (`cloud.outbox.queue.put`).
    """
    cards = await cards_of(session, person)
    for card in cards.values():
        _forget_later(session, master, card, now, person_digest)
    return len(cards)


def _forget_later(
    session: AsyncSession,
    master: MasterKey,
    card: CardDetail,
    now: datetime,
    person_digest: bytes | None = None,
) -> None:
    payload = card.model_dump_json().encode()
    queue.put(session, master.outbox, FORGET_CARD, payload, now, person_digest=person_digest)


def _opened(person: OpenPerson, row: CardRow) -> CardDetail:
    return person.open(CardDetail, row.detail, f"cards.detail/{row.id}")


async def forget_card(context: Context, payload: bytes) -> None:
    """Runs an errand: the provider forgets a card. Raises ProviderUnavailable and CardRefused."""
    card = CardDetail.model_validate_json(payload)
    await context.payments.forget(card.customer, card.method)


async def forget_unless_kept(context: Context, payload: bytes) -> None:
    """Runs an errand: the provider forgets whatever it keeps under a reference. Raises
    ProviderUnavailable and CardRefused."""
    asked = Asked.model_validate_json(payload)
    await context.payments.forget_kept(asked.reference, asked.at)


def _errand_id(reference: str) -> str:
    return sha256(f"{FORGET_UNLESS_KEPT} {reference}".encode()).hexdigest()


async def renew_lookups(session: AsyncSession) -> None:
    """Has the keyed hash of each card made anew when a card is looked for next."""
    await session.execute(update(CardRow).values(lookup=None))
