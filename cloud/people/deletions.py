"""Leaving: the key goes, everything hangs on it goes, and a signed receipt says so."""

import json
import mmap
import re
from collections.abc import AsyncIterator, Iterator
from datetime import datetime
from hashlib import sha256
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from fastapi import APIRouter
from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.db.database import Database
from cloud.jobs import outbox
from cloud.payments.purchases import PENDING
from cloud.people.accounts import OpenPerson, cards_of, new_id, palms_of
from cloud.recognition.identifications import accepted_for
from cloud.recognition.policy import BOOKKEEPING
from cloud.state import State
from cloud.tables import AccountRow, Errand, Person, PurchaseRow, ReceiptRow, Table, Tally
from cloud.web import signed_request
from cloud.web.problems import Refusal
from cloud.web.signed_request import Caller
from protocol.encoding import from_base64, to_base64
from protocol.messages import (
    DeletionReceipt,
    DeletionRequest,
    ProblemType,
    Purpose,
    Retained,
)
from protocol.signature import receipt_bytes

router: APIRouter = signed_request.router()

_PERSON_ID = re.compile(rb"person_[0-9a-f]{32}")
"""As `cloud.people.accounts.make_person` makes them."""


@router.post("/deletions")
async def erase_person(call: Caller, request: DeletionRequest) -> DeletionReceipt:
    session, context = call.session, call.context
    known = await accepted_for(call, request.identification_id, Purpose.LEAVE)
    sales = await session.scalars(
        select(PurchaseRow.outcome).where(PurchaseRow.person_id == known.person_id)
    )
    outcomes = sales.all()
    if PENDING in outcomes:
        detail = "a payment is still being completed"
        raise Refusal(ProblemType.CONFLICT, detail, retry_after=5)
    palms = await palms_of(session, known)
    cards = await cards_of(session, known)
    receipt = _receipt(
        context.receipt_key,
        call.now,
        erased=[
            "your mobile number",
            "your name",
            f"palm signatures: {len(palms)}",
            f"cards: {len(cards)}",
            "your consent and everything else in your account",
        ],
        sales=len(outcomes),
    )
    digest = sha256(known.person_id.encode()).digest()
    for card in cards:
        outbox.forget_card(session, context.master.outbox, card, call.now, digest)
    await _erase_traces(session, known)
    session.add(
        ReceiptRow(id=receipt.receipt_id, person_digest=digest, document=receipt.model_dump_json())
    )

    async def let_be_unknown() -> None:
        context.gallery.remove(known.person_id)

    # The answer speaks of nobody any more: there is no key to seal it with.
    call.person = None
    call.afterwards += [let_be_unknown, context.database.forget_erased, context.wake]
    return receipt


async def _erase_traces(session: AsyncSession, known: OpenPerson) -> None:
    account = await session.get_one(AccountRow, known.person_id)
    subjects = (known.person_id, account.phone_lookup)
    await session.execute(delete(Tally).where(Tally.subject.in_(subjects)))
    # The key and, by their foreign keys, everything that was sealed with it or spoke of them.
    await session.execute(delete(Person).where(Person.id == known.person_id))


def _receipt(
    key: Ed25519PrivateKey, now: datetime, *, erased: list[str], sales: int
) -> DeletionReceipt:
    public = key.public_key().public_bytes_raw()
    retained = Retained(
        what=f"purchases: {sales} (amount, time, kind of card and its last four digits)",
        why="the merchant's books; nothing in them leads to you any more",
        until=now + BOOKKEEPING,
    )
    unsigned = DeletionReceipt(
        receipt_id=new_id(),
        at=now,
        erased=erased,
        retained=[retained] if sales else [],
        key_id=sha256(public).hexdigest()[:16],
        public_key=to_base64(public),
    )
    return unsigned.model_copy(update={"signature": to_base64(key.sign(receipt_bytes(unsigned)))})


# Checking a deletion afterwards


async def remains_of(receipt_id: str, state: State, database: Database) -> list[str]:
    """Everything found that the receipt says is gone, in words for an operator; nothing when it
    holds. Looks into every table and into the bytes of every file of the state directory.

    Raises KeyError when there is no such receipt.
    """
    async with database.session() as session:
        row = await session.get(ReceiptRow, receipt_id)
        if row is None:
            raise KeyError(receipt_id)
        found = [*_forgery(row), *[remains async for remains in _rows(session, row)]]
    await database.forget_erased()
    files = sorted(path for path in state.root.rglob("*") if path.is_file())
    found += [f"a trace in {path}" for path in files if row.person_digest in _named_in(path)]
    return found


def _forgery(row: ReceiptRow) -> Iterator[str]:
    receipt = DeletionReceipt.model_validate(json.loads(row.document))
    try:
        key = Ed25519PublicKey.from_public_bytes(from_base64(receipt.public_key))
        key.verify(from_base64(receipt.signature), receipt_bytes(receipt))
    except (InvalidSignature, ValueError):
        yield "a receipt whose signature does not fit"


async def _rows(session: AsyncSession, row: ReceiptRow) -> AsyncIterator[str]:
    for table in Table.metadata.sorted_tables:
        for column in table.columns:
            if column.name not in ("person_id", "subject") and table.name != "persons":
                continue
            values = await session.scalars(select(column).where(column.is_not(None)).distinct())
            if any(sha256(str(value).encode()).digest() == row.person_digest for value in values):
                yield f"a row in {table.name}"
    waiting = await session.scalar(
        select(func.count()).where(Errand.person_digest == row.person_digest)
    )
    if waiting:
        yield f"{waiting} cards the payment provider has yet to forget"


def _named_in(path: Path) -> set[bytes]:
    if path.stat().st_size == 0:
        return set()
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return {sha256(name).digest() for name in _PERSON_ID.findall(content)}
