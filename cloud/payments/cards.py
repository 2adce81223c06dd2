"""Cards on file: what the provider calls them and what may be shown of them."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict
from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.context import Context
from cloud.db.tables import new_id
from cloud.keys.person_keys import MasterKey
from cloud.keys.persons import OpenPerson
from cloud.outbox import queue
from cloud.payments.tables import CardRow
from cloud.providers import CardOnFile
from protocol.messages import Card

FORGET_CARD = "forget card"
"""The kind of the errands that `forget_card` runs."""


class CardDetail(BaseModel):
    """A card as it is stored, sealed."""

    model_config = ConfigDict(hide_input_in_errors=True)

    customer: str
    method: str
    brand: str
    last4: str

    @property
    def card(self) -> Card:
        return Card(brand=self.brand, last4=self.last4)

    @property
    def on_file(self) -> CardOnFile:
        return CardOnFile(self.card, self.customer, self.method)

    @classmethod
    def of(cls, kept: CardOnFile) -> "CardDetail":
        return cls(
            customer=kept.customer,
            method=kept.method,
            brand=kept.card.brand,
            last4=kept.card.last4,
        )


async def cards_of(session: AsyncSession, person: OpenPerson) -> list[CardDetail]:
    rows = await session.scalars(select(CardRow).where(CardRow.person_id == person.person_id))
    return [person.open(CardDetail, row.detail, f"cards.detail/{row.id}") for row in rows]


async def replace_card(
    session: AsyncSession, master: MasterKey, person: OpenPerson, kept: CardOnFile, now: datetime
) -> None:
    """Stores a card in place of those the person had, which the provider forgets soon after."""
    await forget_cards_later(session, master, person, now)
    await session.execute(delete(CardRow).where(CardRow.person_id == person.person_id))
    card = CardRow(id=new_id(), person_id=person.person_id)
    card.detail = person.seal(CardDetail.of(kept), f"cards.detail/{card.id}")
    session.add(card)


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
    for card in cards:
        payload = card.model_dump_json().encode()
        queue.put(session, master.outbox, FORGET_CARD, payload, now, person_digest=person_digest)
    return len(cards)


async def forget_card(context: Context, payload: bytes) -> None:
    """Runs an errand: the provider forgets a card. Raises ProviderUnavailable and CardRefused."""
    card = CardDetail.model_validate_json(payload)
    await context.payments.forget(card.customer, card.method)
