"""People as the service stores them: an id, and a key that everything about the person is sealed
with."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel
from sqlalchemy import Select, delete, select
from sqlalchemy.exc import NoResultFound
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from cloud.db.locks import held
from cloud.keys.person_keys import Key, MasterKey
from cloud.keys.tables import MasterMark, Person

AT_ONCE = 500
"""How many rows `each_opened` has in memory."""

Sealed = TypeVar("Sealed", bound=BaseModel)
Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class OpenPerson:
    """A person whose key is unwrapped, so that what is stored of them can be read."""

    person_id: str
    key: Key

    def seal(self, value: BaseModel, place: str) -> bytes:
        return self.key.seal(value.model_dump_json().encode(), f"{place}/{self.person_id}")

    def open(self, kind: type[Sealed], sealed: bytes, place: str) -> Sealed:
        """Raises cryptography's InvalidTag for a value of another person or place."""
        opened = self.key.open(sealed, f"{place}/{self.person_id}")
        return kind.model_validate_json(opened)


def make_person(session: AsyncSession, master: MasterKey) -> OpenPerson:
    """Adds a person with a new key."""
    # Long, random and of a form of its own, so that a trace left anywhere can be searched for.
    person_id = f"person_{secrets.token_hex(16)}"
    key = Key.generate()
    session.add(Person(id=person_id, wrapped_key=master.wrap(key, person_id)))
    return OpenPerson(person_id, key)


async def find_person(session: AsyncSession, master: MasterKey, person_id: str) -> OpenPerson:
    """Returns a person of whom nobody else changes anything before the transaction ends. Raises
    sqlalchemy's NoResultFound when there is no such person."""
    person = await held(session, Person, person_id)
    if person is None:
        raise NoResultFound
    return open_person(master, person_id, person.wrapped_key)


def open_person(master: MasterKey, person_id: str, wrapped_key: bytes) -> OpenPerson:
    return OpenPerson(person_id, master.unwrap(wrapped_key, person_id))


def with_wrapped_key(
    rows: Select[Row], person_id: InstrumentedAttribute[str]
) -> Select[Row, bytes]:
    """Returns the query with the wrapped key of each row's person as a second column.

    It is for queries of many people, which would otherwise need one more query for each. Open the
    key with `open_person`.
    """
    query: Any = rows
    return query.add_columns(Person.wrapped_key).join(Person, Person.id == person_id)


async def still_there(session: AsyncSession, person_ids: Collection[str]) -> set[str]:
    """Returns the ids of those people who have not been deleted. None of them is deleted before the
    transaction ends."""
    # In one order, so that nobody waits for somebody who waits for them.
    there = select(Person.id).where(Person.id.in_(person_ids)).order_by(Person.id)
    return set(await session.scalars(there.with_for_update(key_share=True)))


async def all_ids(session: AsyncSession) -> list[str]:
    """Returns the ids of everybody."""
    return list(await session.scalars(select(Person.id)))


async def must_open(session: AsyncSession, master: MasterKey) -> None:
    """Raises cryptography's InvalidTag when somebody's key was wrapped with another master key."""
    person = await session.scalar(select(Person).limit(1))
    if person is not None:
        open_person(master, person.id, person.wrapped_key)


async def erase_person(session: AsyncSession, person_id: str) -> None:
    """Deletes the person's key and, by their foreign keys, all rows about the person."""
    await session.execute(delete(Person).where(Person.id == person_id))


async def rewrap(session: AsyncSession, old: MasterKey, new: MasterKey) -> int:
    """Wraps the keys of everybody with another master key, and notes which. Returns how many people
    there are."""
    people = (await session.scalars(select(Person))).all()
    for person in people:
        key = old.unwrap(person.wrapped_key, person.id)
        person.wrapped_key = new.wrap(key, person.id)
    await session.merge(MasterMark(id=1, mark=new.mark))
    return len(people)


async def each_opened(
    session: AsyncSession,
    master: MasterKey,
    rows: Select[Row],
    person_id: InstrumentedAttribute[str],
    key: InstrumentedAttribute[str],
) -> AsyncIterator[tuple[OpenPerson, Row]]:
    """Yields the rows of a query, each with its person, by a key that no two of them share. A few
    hundred are in memory at once, and others have their turn in between."""
    after = ""
    while True:
        some = rows.where(key > after).order_by(key).limit(AT_ONCE)
        found = await opened(session, master, some, person_id)
        for person, row in found:
            yield person, row
        if len(found) < AT_ONCE:
            return
        after = str(getattr(found[-1][1], key.key))
        await asyncio.sleep(0)


async def opened(
    session: AsyncSession,
    master: MasterKey,
    rows: Select[Row],
    person_id: InstrumentedAttribute[str],
) -> list[tuple[OpenPerson, Row]]:
    """Returns the rows of a query, each with its person."""
    found = (await session.execute(with_wrapped_key(rows, person_id))).all()
    return [(open_person(master, getattr(row, person_id.key), key), row) for row, key in found]
