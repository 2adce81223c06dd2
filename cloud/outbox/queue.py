"""The queue of errands: stores each until it is done, and tells which are due.

An errand can also be put in before something is asked of somebody else, to undo it in case the
answer never arrives. It is due after a while, and the transaction that stores the answer withdraws
it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, delete, func, not_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.db.due import is_due
from cloud.db.locks import held
from cloud.db.tables import new_id
from cloud.keys.person_keys import Key
from cloud.outbox.tables import Errand
from protocol.backoff import pause_after

FIRST_PAUSE_S = 2.0
LONGEST_PAUSE_S = 3600.0
"""The longest time from now to when an errand is due, however it is put in."""


@dataclass(frozen=True, slots=True)
class DueErrand:
    errand_id: str
    kind: str
    """What is to be done."""
    sealed: bytes = field(repr=False)

    def payload(self, key: Key) -> bytes:
        """Raises cryptography's InvalidTag when it was altered or sealed with another key."""
        return key.open(self.sealed, _place(self.errand_id))


@dataclass(frozen=True, slots=True)
class FailedErrand:
    """One that may have been tried already."""

    kind: str
    attempts: int
    due_at: datetime
    """When it is tried again."""
    is_of_deletion: bool
    """Whether it belongs to the deletion of a person."""


def put(
    session: AsyncSession,
    key: Key,
    kind: str,
    payload: bytes,
    due_at: datetime,
    *,
    errand_id: str | None = None,
    person_digest: bytes | None = None,
) -> None:
    """Adds an errand.

    `key` is `MasterKey.outbox`; `due_at` is at most LONGEST_PAUSE_S from now; without `errand_id`
    the errand gets a new one. `person_digest` is the SHA-256 of a person's id when the errand
    belongs to the deletion of that person.
    """
    errand_id = errand_id or new_id()
    session.add(
        Errand(
            id=errand_id,
            kind=kind,
            payload=key.seal(payload, _place(errand_id)),
            person_digest=person_digest,
            attempts=0,
            due_at=due_at,
        )
    )


async def kinds_due(session: AsyncSession, now: datetime) -> set[str]:
    """Returns the kinds of the errands that are due."""
    return set(await session.scalars(select(Errand.kind).where(_is_due(now)).distinct()))


async def due(session: AsyncSession, kind: str, now: datetime) -> Sequence[str]:
    """Returns the ids of the errands of a kind that are due, the one that was due first before the
    others."""
    rows = select(Errand.id).where(Errand.kind == kind, _is_due(now))
    return (await session.scalars(rows.order_by(Errand.due_at, Errand.id))).all()


async def backlog(session: AsyncSession, now: datetime) -> tuple[int, float]:
    """Returns how many errands are due, and for how many seconds the one has been that waits
    longest."""
    waiting = select(func.count(), func.min(Errand.due_at)).where(_is_due(now))
    count, first = (await session.execute(waiting)).one()
    return count, max(0.0, (now - first).total_seconds()) if count else 0.0


async def find_due(session: AsyncSession, errand_id: str, now: datetime) -> DueErrand | None:
    """Returns an errand; None when it is done, or not due any more."""
    row = await session.scalar(select(Errand).where(Errand.id == errand_id, _is_due(now)))
    return None if row is None else DueErrand(row.id, row.kind, row.payload)


async def failed(session: AsyncSession) -> Sequence[FailedErrand]:
    """Returns the errands that were tried and have to be tried again, the next one first."""
    rows = await session.scalars(
        select(Errand).where(Errand.attempts > 0).order_by(Errand.due_at, Errand.id)
    )
    return [_told(row) for row in rows]


async def of_deletions(session: AsyncSession) -> Sequence[tuple[bytes, FailedErrand]]:
    """Returns what is still to be done for people who were deleted, with the digests of their
    ids."""
    rows = await session.scalars(
        select(Errand).where(Errand.person_digest.is_not(None)).order_by(Errand.due_at, Errand.id)
    )
    return [(row.person_digest, _told(row)) for row in rows if row.person_digest is not None]


async def remove(session: AsyncSession, errand_id: str) -> None:
    await session.execute(delete(Errand).where(Errand.id == errand_id))


async def delay(
    session: AsyncSession, errand_id: str, now: datetime, due_at: datetime
) -> bool | None:
    """Makes an errand due later. Returns False when it is due already, because it may be running,
    and None when there is no such errand."""
    errand = await held(session, Errand, errand_id)
    if errand is None:
        return None
    if await find_due(session, errand_id, now) is not None:
        return False
    errand.due_at = due_at
    return True


async def withdraw(session: AsyncSession, errand_id: str, now: datetime) -> bool:
    """Removes an errand that has become needless. Returns False when it is due or done already."""
    withdrawn = await session.execute(
        delete(Errand).where(Errand.id == errand_id, not_(_is_due(now))).returning(Errand.id)
    )
    return withdrawn.first() is not None


async def hasten(session: AsyncSession, errand_id: str, now: datetime) -> None:
    """Makes an errand due at once."""
    await session.execute(
        update(Errand).where(Errand.id == errand_id, not_(_is_due(now))).values(due_at=now)
    )


async def postpone(session: AsyncSession, errand_id: str, now: datetime) -> None:
    """Makes an errand due again after a pause that doubles with every attempt; does nothing when it
    was removed meanwhile."""
    errand = await held(session, Errand, errand_id)
    if errand is None:
        return
    errand.attempts += 1
    pause_s = pause_after(errand.attempts, FIRST_PAUSE_S, LONGEST_PAUSE_S)
    errand.due_at = now + timedelta(seconds=pause_s)


async def waiting_for(session: AsyncSession, person_digest: bytes) -> int:
    """Returns how many errands of a person's deletion are not done yet."""
    count = await session.scalar(select(func.count()).where(Errand.person_digest == person_digest))
    return count or 0


def _is_due(now: datetime) -> ColumnElement[bool]:
    return is_due(Errand.due_at, now, LONGEST_PAUSE_S)


def _told(row: Errand) -> FailedErrand:
    return FailedErrand(row.kind, row.attempts, row.due_at, row.person_digest is not None)


def _place(errand_id: str) -> str:
    return f"errands.payload/{errand_id}"


async def reseal(session: AsyncSession, old: Key, new: Key) -> None:
    """Seals what all errands are about with another key."""
    for row in await session.scalars(select(Errand)):
        payload = old.open(row.payload, _place(row.id))
        row.payload = new.seal(payload, _place(row.id))
