"""Enrolled palms as they are stored: each template is sealed with the key of its person."""

from collections.abc import Collection, Iterator, Sequence
from typing import Any

import cbor2
from sqlalchemy import Select, delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.db.tables import new_id
from cloud.keys.person_keys import MasterKey
from cloud.keys.persons import OpenPerson, open_person, with_wrapped_key
from cloud.matching import Code, Entry
from cloud.recognition.tables import PalmRow
from palm.search.protection import ProtectedTemplate
from palm.template.interfaces import Template
from protocol.messages import Side

UNPROTECTED = ""
"""The transform of a palm that was enrolled before templates were protected."""

_STORED: Any = select(
    PalmRow.id,
    PalmRow.person_id,
    PalmRow.side,
    PalmRow.version,
    PalmRow.transform,
    PalmRow.template,
)
"""What is stored of a palm, in rows and not objects, which take three times as long: there may be a
million of them, or 256 for every search."""


def add_palm(
    session: AsyncSession, person: OpenPerson, side: Side, template: ProtectedTemplate
) -> Entry:
    row = PalmRow(id=new_id(), person_id=person.person_id, side=side)
    keep_template(person, row, template)
    session.add(row)
    return Entry(row.id, person.person_id, side, template)


def keep_template(person: OpenPerson, row: PalmRow, template: ProtectedTemplate) -> None:
    """Replaces the template of a palm."""
    raw = cbor2.dumps([template.search_code, template.sealed])
    row.version = template.version
    row.transform = template.transform
    row.template = person.key.seal(raw, _place(row.id))


def entry(person: OpenPerson, row: PalmRow) -> Entry:
    """Opens a stored palm. Raises cryptography's InvalidTag for the palm of another person."""
    raw = person.key.open(row.template, _place(row.id))
    # A palm of version 0.1.0 has its quality as well, which no decision used.
    search_code, sealed, *_ = cbor2.loads(raw)
    template = ProtectedTemplate(row.version, row.transform, search_code, sealed)
    return Entry(row.id, row.person_id, Side(row.side), template)


def open_unprotected(person: OpenPerson, row: PalmRow) -> Template:
    """Opens a palm that was enrolled before templates were protected."""
    version, data, *_ = cbor2.loads(person.key.open(row.template, _place(row.id)))
    return Template(version, data)


async def palms_of(session: AsyncSession, person: OpenPerson) -> list[Entry]:
    theirs = select(PalmRow).where(PalmRow.person_id == person.person_id)
    rows = await session.scalars(theirs.order_by(PalmRow.side, PalmRow.id))
    return [entry(person, row) for row in rows]


async def all_codes(session: AsyncSession, master: MasterKey, people: Select[str]) -> list[Code]:
    """Returns the search code of every palm of the people whose ids a query selects."""
    # Whoever joined one after the other lies side by side. A list of ids would be sorted first.
    whose = people.subquery()
    return await _codes(session, master, _STORED.join(whose, whose.c[0] == PalmRow.person_id))


async def codes_of(
    session: AsyncSession, master: MasterKey, palm_ids: Collection[str]
) -> list[Code]:
    """Returns the search codes of those of the palms that exist."""
    return await _codes(session, master, _STORED.where(PalmRow.id.in_(palm_ids)))


async def _codes(session: AsyncSession, master: MasterKey, query: Any) -> list[Code]:
    return [
        Code(palm_id, person_id, side, version, transform, cbor2.loads(raw)[0])
        for palm_id, person_id, side, version, transform, raw in await _raw(session, master, query)
    ]


async def sealed_templates(
    session: AsyncSession, master: MasterKey, version: int, palm_ids: Collection[str]
) -> dict[str, bytes]:
    """Returns the sealed templates by palm id. A palm that does not exist, or exists in another
    version, is left out."""
    query = _STORED.where(PalmRow.id.in_(palm_ids), PalmRow.version == version)
    found = await _raw(session, master, query)
    return {palm_id: cbor2.loads(raw)[1] for palm_id, *_, raw in found}


async def _raw(
    session: AsyncSession, master: MasterKey, query: Any
) -> Iterator[tuple[str, str, Side, int, str, bytes]]:
    """Returns what a query of `_STORED` finds, each template opened with its person's key."""
    rows: Any = await session.execute(with_wrapped_key(query, PalmRow.person_id))
    return (
        (palm_id, whose, side, version, transform, key.open(template, _place(palm_id)))
        for palm_id, whose, side, version, transform, template, wrapped in rows
        for key in (master.unwrap(wrapped, whose),)
    )


async def still_enrolled(session: AsyncSession, palm_ids: Collection[str]) -> set[str]:
    """Returns the ids of those palms that have not been deleted."""
    return set(await session.scalars(select(PalmRow.id).where(PalmRow.id.in_(palm_ids))))


async def erase_palm(session: AsyncSession, person: OpenPerson, palm_id: str) -> bool:
    """Deletes one palm of a person. Returns whether they had it. The caller removes it from the
    gallery once that is committed."""
    deleted = await session.execute(
        delete(PalmRow)
        .where(PalmRow.id == palm_id, PalmRow.person_id == person.person_id)
        .returning(PalmRow.id)
    )
    return deleted.first() is not None


async def count(session: AsyncSession) -> int:
    """Returns how many palms are enrolled."""
    return await session.scalar(select(func.count()).select_from(PalmRow)) or 0


async def count_stale(session: AsyncSession, transform: str) -> int:
    """Returns how many palms have a search code of another transform."""
    stale = select(func.count()).where(PalmRow.transform != transform)
    return await session.scalar(stale) or 0


async def transforms(session: AsyncSession) -> set[str]:
    """Returns the names of all transforms that palms have search codes of."""
    return set(await session.scalars(select(PalmRow.transform).distinct()))


async def stale_palms(
    session: AsyncSession, master: MasterKey, transform: str, limit: int
) -> Sequence[tuple[OpenPerson, PalmRow]]:
    """Returns palms with a search code of another transform, ordered by template version."""
    query = (
        select(PalmRow).where(PalmRow.transform != transform).order_by(PalmRow.version).limit(limit)
    )
    return await _opened(session, master, query)


async def _opened(
    session: AsyncSession, master: MasterKey, query: Select[PalmRow]
) -> list[tuple[OpenPerson, PalmRow]]:
    rows = await session.execute(with_wrapped_key(query, PalmRow.person_id))
    return [(open_person(master, row.person_id, wrapped), row) for row, wrapped in rows]


def _place(palm_id: str) -> str:
    return f"palms.template/{palm_id}"
