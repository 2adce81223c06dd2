"""Cards on file: what the provider calls them and what may be shown of them.

Before the provider is asked to keep a card, an errand is stored that makes it forget the card
again. The transaction that stores the card withdraws the errand. So a card that the provider keeps
and this service does not know of is forgotten, wherever the service was interrupted.
"""

from datetime import datetime, timedelta
from hashlib import sha256

from pydantic import BaseModel, ConfigDict
from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.context import Context
from cloud.db.tables import new_id
from cloud.keys.person_keys import MasterKey
from cloud.keys.persons import OpenPerson, find_person, open_person, with_wrapped_key
from cloud.outbox import queue
from cloud.payments.tables import CardRow
from cloud.policy import KEEPING_PATIENCE
from cloud.providers import CardOnFile, ProviderUnavailable
from protocol.messages import Card

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
        return CardOnFile(shown, self.customer, self.method, self.last_month)

    @classmethod
    def of(cls, kept: CardOnFile, holder: str | None = None) -> "CardDetail":
        return cls(
            holder=holder,
            customer=kept.customer,
            method=kept.method,
            brand=kept.card.brand,
            last4=kept.card.last4,
            last_month=kept.last_month,
        )


async def cards_of(session: AsyncSession, person: OpenPerson) -> list[CardDetail]:
    rows = await session.scalars(select(CardRow).where(CardRow.person_id == person.person_id))
    return [person.open(CardDetail, row.detail, f"cards.detail/{row.id}") for row in rows]


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

    Unless `replace_card` stores the card within `patience`, the provider is told to forget it.
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


async def replace_card(
    session: AsyncSession,
    master: MasterKey,
    person: OpenPerson,
    kept: CardOnFile,
    *,
    reference: str,
    now: datetime,
    holder: str | None = None,
) -> None:
    """Stores a card that was kept under a reference, in place of those the person had, which the
    provider forgets soon after. Raises ProviderUnavailable when it came too late (`ask_to_keep`).
    """
    if not await queue.withdraw(session, _errand_id(reference), now):
        raise ProviderUnavailable("the card came too late, and is being forgotten")
    # The same token again may be the same customer, who must not be forgotten then.
    await forget_cards_later(session, master, person, now, but=kept.customer)
    await session.execute(delete(CardRow).where(CardRow.person_id == person.person_id))
    card = CardRow(id=new_id(), person_id=person.person_id)
    card.detail = person.seal(CardDetail.of(kept, holder), f"cards.detail/{card.id}")
    card.lookup = master.lookup("card", kept.method)
    session.add(card)


async def renew_card(context: Context, session: AsyncSession, method: str) -> None:
    """Stores how the provider's card of this name is now; does nothing when nobody here has it.

    It is called in a transaction, which it may end, and leaves another one open. Raises
    ProviderUnavailable.
    """
    row = await _find_card(context.master, session, method)
    if row is None:
        return
    person = await find_person(session, context.master, row.person_id)
    card_id, place = row.id, f"cards.detail/{row.id}"
    before = person.open(CardDetail, row.detail, place)
    await session.commit()
    now = await context.payments.look_at_card(before.on_file)
    row = await session.get(CardRow, card_id, populate_existing=True)
    if row is not None and now is not None:
        row.detail = person.seal(CardDetail.of(now, before.holder), place)


async def _find_card(master: MasterKey, session: AsyncSession, method: str) -> CardRow | None:
    earlier = with_wrapped_key(select(CardRow).where(CardRow.lookup.is_(None)), CardRow.person_id)
    for row, wrapped_key in (await session.execute(earlier)).all():
        # Once: each has a lookup afterwards.
        person = open_person(master, row.person_id, wrapped_key)
        detail = person.open(CardDetail, row.detail, f"cards.detail/{row.id}")
        row.lookup = master.lookup("card", detail.method)
    await session.flush()
    wanted = CardRow.lookup == master.lookup("card", method)
    return await session.scalar(select(CardRow).where(wanted))


async def forget_cards_later(
    session: AsyncSession,
    master: MasterKey,
    person: OpenPerson,
    now: datetime,
    person_digest: bytes | None = None,
    *,
    but: str | None = None,
) -> int:
    """Puts an errand into the outbox for each card of a person: the provider is to forget it.

    A card of the customer `but` is left out. Returns the number of cards. `person_digest` is for a
    later check of the person's deletion (`cloud.outbox.queue.put`).
    """
    cards = [card for card in await cards_of(session, person) if card.customer != but]
    for card in cards:
        payload = card.model_dump_json().encode()
        queue.put(session, master.outbox, FORGET_CARD, payload, now, person_digest=person_digest)
    return len(cards)


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
