"""The audit trail: what staff have done, by page, command or key, in rows that are only ever added.

A row tells who did what to what, and when. It names everything by ids, contains nothing about
people who use a palm, and no names of staff. Each row's hash covers the row and the hash of the row
before, so a row that was changed, removed or inserted is found. An attacker who removes rows from
the end, or computes all hashes anew, is found only by comparison with an earlier export, which
should therefore be kept on another machine.
"""

import json
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from hashlib import sha256
from typing import Any

import rfc8785
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.console.tables import AuditRow
from cloud.db.locks import lock

FIRST = bytes(32)
"""The value that takes the place of the earlier hash in the first row."""
_AT_ONCE = 500
"""How many rows are read from the database at once."""


class Door(StrEnum):
    """The way by which an act came in."""

    CONSOLE = "console"
    COMMAND = "command"
    API = "api"
    """A request with a key (`cloud.console.api`)."""


@dataclass(frozen=True, slots=True)
class By:
    """Who does something, and when."""

    door: Door
    who: str
    """`cloud.console.tables.AuditRow.who`."""
    at: datetime


async def append(
    session: AsyncSession,
    by: By,
    act: str,
    subject: str = "",
    *,
    merchant_id: str | None = None,
    **details: str | None,
) -> None:
    """Adds a row. `details` are ids and words of this program, and never about people who use a
    palm."""
    await lock(session, "audit")
    last = await session.scalar(select(AuditRow).order_by(AuditRow.place.desc()).limit(1))
    row = AuditRow(
        place=0 if last is None else last.place + 1,
        # The database keeps milliseconds, and the hash must hold for what it gives back.
        at=datetime.fromtimestamp(round(by.at.timestamp() * 1000) / 1000, UTC),
        door=by.door,
        who=by.who,
        act=act,
        subject=subject,
        merchant_id=merchant_id,
        details=json.dumps(details, sort_keys=True),
    )
    row.hash = _hash(_entry(row, FIRST if last is None else last.hash))
    session.add(row)
    await session.flush()


async def latest(
    session: AsyncSession, merchant_id: str | None, before: int | None, count: int
) -> Sequence[AuditRow]:
    """Returns at most `count` rows of a merchant, or of all, the newest first. With `before`, they
    begin with the newest row whose place is smaller."""
    chosen = select(AuditRow).order_by(AuditRow.place.desc()).limit(count)
    if merchant_id is not None:
        chosen = chosen.where(AuditRow.merchant_id == merchant_id)
    if before is not None:
        chosen = chosen.where(AuditRow.place < before)
    return (await session.scalars(chosen)).all()


async def count(session: AsyncSession, by: By, act: str, since: datetime) -> int:
    """Returns how often somebody has done something since a time. It locks the trail, so that no
    act is added to it before the transaction ends."""
    await lock(session, "audit")
    theirs = AuditRow.who == by.who, AuditRow.door == by.door, AuditRow.act == act
    found = select(func.count()).select_from(AuditRow).where(*theirs, AuditRow.at > since)
    return await session.scalar(found) or 0


async def exported(session: AsyncSession, merchant_id: str | None = None) -> AsyncIterator[str]:
    """Yields rows of a merchant, or of all, as lines of JSON, the oldest first. The places of one
    merchant's rows have gaps, but each row still carries its hash and the one before."""
    before = FIRST
    async for row in _rows(session):
        if merchant_id in (None, row.merchant_id):
            entry = _entry(row, before)
            yield json.dumps(entry | {"hash": row.hash.hex()}, ensure_ascii=False) + "\n"
        before = row.hash


async def faults(session: AsyncSession, earlier: Iterable[str] = ()) -> tuple[int, list[str]]:
    """Returns how many rows there are and what is wrong with them, in sentences. `earlier` are the
    lines of an earlier export, whose rows must all be there unchanged."""
    kept, found = _read(earlier)
    before, count = FIRST, 0
    async for row in _rows(session):
        if row.place != count:
            found.append(f"rows {count} to {row.place - 1} are missing.")
            count = row.place
        entry = _entry(row, before)
        if _hash(entry) != row.hash:
            found.append(f"row {row.place} is not what was written, or the one before it is not.")
        if row.place in kept and kept.pop(row.place) != row.hash.hex():
            found.append(f"row {row.place} differs from the one in the export.")
        before, count = row.hash, count + 1
    found += [f"row {place} of the export is missing." for place in sorted(kept)]
    return count, found


def _read(lines: Iterable[str]) -> tuple[dict[int, str], list[str]]:
    """Returns the hashes of the rows of an export by their places, and what is wrong with it."""
    kept: dict[int, str] = {}
    found: list[str] = []
    for at, line in enumerate(lines, 1):
        try:
            entry = json.loads(line)
            told, place = entry.pop("hash"), int(entry["place"])
            is_right = _hash(entry).hex() == told
        except (ValueError, KeyError, TypeError, AttributeError):
            found.append(f"line {at} of the export cannot be read.")
            continue
        if not is_right:
            found.append(f"line {at} of the export was changed.")
        kept[place] = told
    return kept, found


def _entry(row: AuditRow, before: bytes) -> dict[str, Any]:
    return {
        "place": row.place,
        "at": row.at.isoformat(timespec="milliseconds"),
        "door": row.door,
        "who": row.who,
        "act": row.act,
        "subject": row.subject,
        "merchant": row.merchant_id,
        "details": json.loads(row.details),
        "before": before.hex(),
    }


def _hash(entry: Mapping[str, Any]) -> bytes:
    return sha256(rfc8785.dumps(dict(entry))).digest()


async def _rows(session: AsyncSession) -> AsyncIterator[AuditRow]:
    """Yields all rows, the oldest first, and keeps at most _AT_ONCE of them in memory."""
    after = -1
    while True:
        chosen = select(AuditRow).where(AuditRow.place > after).order_by(AuditRow.place)
        rows = (await session.scalars(chosen.limit(_AT_ONCE))).all()
        for row in rows:
            yield row
            session.expunge(row)
        if len(rows) < _AT_ONCE:
            return
        after = rows[-1].place
