"""Receipts: what a person is shown of what was erased, signed by the service and logged.

A receipt and its entry in the log are written in the transaction that erases. So a receipt that
anybody has seen is in the log, after a crash as well, and nobody has to put it there later.
"""

import json
from collections.abc import Collection
from datetime import datetime
from hashlib import sha256

from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.context import Context
from cloud.db.tables import new_id
from cloud.entry.kept_palms import LONGEST
from cloud.keys.persons import OpenPerson
from cloud.people import receipt_lines as lines
from cloud.people import receipt_log
from cloud.people.tables import ReceiptRow
from cloud.policy import BOOKKEEPING
from protocol import documents
from protocol.messages import DeletionReceipt, LoggedReceipt, Retained


def digest_of(person: OpenPerson) -> bytes:
    """Returns by what a person who is deleted is known to those who check the deletion."""
    return sha256(person.person_id.encode()).digest()


def at_gates(now: datetime) -> Retained:
    """Returns what a receipt says of copies in the memory of gates."""
    return Retained(what=lines.AT_GATES, why=lines.WHY_AT_GATES, until=now + LONGEST)


async def issue(
    context: Context,
    session: AsyncSession,
    person: OpenPerson,
    now: datetime,
    *,
    erased: list[str],
    retained: list[Retained],
    merchant_id: str | None = None,
) -> DeletionReceipt:
    """Returns a receipt with a new number, which it has stored and logged. `merchant_id` is the
    merchant with whom the agreement has ended, None when everything is erased."""
    receipt = documents.sign(
        context.receipt_key,
        DeletionReceipt,
        receipt_id=new_id(),
        at=now,
        erased=erased,
        retained=retained,
    )
    await enter(session, receipt, digest_of(person), merchant_id)
    return receipt


async def enter(
    session: AsyncSession, receipt: DeletionReceipt, person_digest: bytes, merchant_id: str | None
) -> None:
    """Stores and logs a receipt."""
    session.add(
        ReceiptRow(
            id=receipt.receipt_id,
            person_digest=person_digest,
            merchant_id=merchant_id,
            document=receipt.model_dump_json(),
            at=receipt.at,
        )
    )
    await receipt_log.append(session, documents.entry_of(documents.document_of(receipt)))


async def numbers(session: AsyncSession) -> set[str]:
    """Returns the numbers of all receipts."""
    return set(await session.scalars(select(ReceiptRow.id)))


async def find(session: AsyncSession, receipt_id: str) -> ReceiptRow | None:
    """Returns a receipt of a deletion or of a withdrawal; None when there is none of this id."""
    return await session.get(ReceiptRow, receipt_id)


async def issued(
    session: AsyncSession, since: datetime, merchant_id: str | None = None
) -> tuple[int, int]:
    """Returns how many accounts were deleted since then, and how many agreements with a merchant,
    or with any, have ended."""
    chosen = select(func.count()).where(ReceiptRow.at >= since)
    ended = ReceiptRow.merchant_id.is_not(None)
    if merchant_id is not None:
        ended = ReceiptRow.merchant_id == merchant_id
    deleted = await session.scalar(chosen.where(ReceiptRow.merchant_id.is_(None)))
    return deleted or 0, await session.scalar(chosen.where(ended)) or 0


async def times_of(session: AsyncSession, digests: Collection[bytes]) -> dict[bytes, datetime]:
    """Returns when people were deleted, by the digests of their ids."""
    theirs = ReceiptRow.person_digest.in_(digests), ReceiptRow.merchant_id.is_(None)
    rows = await session.execute(select(ReceiptRow.person_digest, ReceiptRow.at).where(*theirs))
    return {row.person_digest: row.at for row in rows}


async def with_proof(
    context: Context, session: AsyncSession, row: ReceiptRow, now: datetime
) -> LoggedReceipt:
    """Returns a receipt with the proof that it is in the log as it is now."""
    return await receipt_log.prove(context, session, json.loads(row.document), now)


async def faults_of(session: AsyncSession, row: ReceiptRow) -> list[str]:
    """Returns what is wrong with a stored receipt, for an operator."""
    document = json.loads(row.document)
    faults: list[str] = []
    try:
        documents.verify(document)
    except documents.Forged:
        faults.append("a receipt whose signature does not fit")
    if await receipt_log.place_of(session, documents.entry_of(document)) is None:
        faults.append("a receipt that is not in the log")
    return faults


async def forget_expired(session: AsyncSession, now: datetime) -> bool:
    """Deletes the receipts that are too old to be verified. Returns whether there were any. Their
    entries in the log stay: they are hashes, and all later proofs are made of them."""
    deleted = await session.execute(
        delete(ReceiptRow).where(ReceiptRow.at <= now - BOOKKEEPING).returning(ReceiptRow.id)
    )
    return deleted.first() is not None
