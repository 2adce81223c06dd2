"""What is known of a person, and the key it is sealed with."""

import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

import cbor2
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.keys.person_keys import Key, MasterKey
from cloud.payments import CardOnFile
from cloud.recognition.gallery import Entry
from cloud.tables import AccountRow, CardRow, PalmRow, Person
from palm.search.protection import ProtectedTemplate
from palm.template.interfaces import Template
from protocol.messages import Card, Side

Sealed = TypeVar("Sealed", bound=BaseModel)


class Profile(BaseModel):
    model_config = ConfigDict(hide_input_in_errors=True)

    phone: str = Field(repr=False)
    consent_version: str
    agreed_at: datetime
    holder: str | None = None
    """The name on the card."""

    @property
    def phone_last4(self) -> str:
        return self.phone[-4:]

    @property
    def name_hint(self) -> str:
        """Enough for its owner to know themselves, and for nobody else: "Alex D."."""
        # A card may say "DOE/ALEX".
        last, _, first = (self.holder or "").partition("/")
        names = f"{first} {last}".split()
        if not names:
            return f"number ending {self.phone[-2:]}"
        initial = f" {names[-1][0].upper()}." if len(names) > 1 else ""
        return names[0].capitalize() + initial


class CardDetail(BaseModel):
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


@dataclass(frozen=True, slots=True)
class OpenPerson:
    """Somebody, and the key that opens what is kept of them."""

    person_id: str
    key: Key

    def seal(self, value: BaseModel, place: str) -> bytes:
        return self.key.seal(value.model_dump_json().encode(), f"{place}/{self.person_id}")

    def open(self, kind: type[Sealed], sealed: bytes, place: str) -> Sealed:
        opened = self.key.open(sealed, f"{place}/{self.person_id}")
        return kind.model_validate_json(opened)

    def keep_template(self, row: PalmRow, template: ProtectedTemplate) -> None:
        """In the row of a palm of theirs, in place of what it held."""
        raw = cbor2.dumps([template.search_code, template.sealed, template.quality])
        row.version = template.version
        row.transform = template.transform
        row.template = self.key.seal(raw, f"palms.template/{row.id}")

    def entry(self, row: PalmRow) -> Entry:
        raw = self.key.open(row.template, f"palms.template/{row.id}")
        template = ProtectedTemplate(row.version, row.transform, *cbor2.loads(raw))
        return Entry(row.id, row.person_id, Side(row.side), template)

    def open_unprotected(self, row: PalmRow) -> Template:
        """From before templates were protected."""
        raw = self.key.open(row.template, f"palms.template/{row.id}")
        return Template(*cbor2.loads(raw))

    def card(self, row: CardRow) -> CardDetail:
        return self.open(CardDetail, row.detail, f"cards.detail/{row.id}")


def new_id() -> str:
    """Hexadecimal, since an operator passes ids to commands, where a leading dash is an option."""
    return secrets.token_hex(16)


def make_person(session: AsyncSession, master: MasterKey) -> OpenPerson:
    """Somebody new, with a key of their own."""
    # Long, random and of a form of its own, so that a trace left anywhere can be searched for.
    person_id = f"person_{secrets.token_hex(16)}"
    key = Key.generate()
    session.add(Person(id=person_id, wrapped_key=master.wrap(key, person_id)))
    return OpenPerson(person_id, key)


async def find_person(session: AsyncSession, master: MasterKey, person_id: str) -> OpenPerson:
    person = await session.get_one(Person, person_id)
    return OpenPerson(person_id, master.unwrap(person.wrapped_key, person_id))


async def palms_of(session: AsyncSession, known: OpenPerson) -> list[Entry]:
    rows = await session.scalars(select(PalmRow).where(PalmRow.person_id == known.person_id))
    return [known.entry(row) for row in rows]


async def cards_of(session: AsyncSession, known: OpenPerson) -> list[CardDetail]:
    rows = await session.scalars(select(CardRow).where(CardRow.person_id == known.person_id))
    return [known.card(row) for row in rows]


async def all_palms(session: AsyncSession, master: MasterKey) -> list[Entry]:
    """Every palm of everybody who has an account."""
    query = _PALMS.join(AccountRow, AccountRow.person_id == PalmRow.person_id)
    return await _entries(session, master, query)


async def sealed_templates(
    session: AsyncSession, master: MasterKey, version: int, palm_ids: Collection[str]
) -> dict[str, bytes]:
    """Of the palms with these ids, of those that there are in this version."""
    theirs = _PALMS.where(PalmRow.id.in_(palm_ids), PalmRow.version == version)
    entries = await _entries(session, master, theirs)
    return {entry.palm_id: entry.template.sealed for entry in entries}


_PALMS = select(PalmRow, Person.wrapped_key).join(Person, Person.id == PalmRow.person_id)


async def _entries(
    session: AsyncSession, master: MasterKey, query: Select[PalmRow, bytes]
) -> list[Entry]:
    return [
        OpenPerson(palm.person_id, master.unwrap(wrapped, palm.person_id)).entry(palm)
        for palm, wrapped in await session.execute(query)
    ]
