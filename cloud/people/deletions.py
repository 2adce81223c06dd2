"""Deletions: destroys a person's key and with it everything about them, and issues a receipt.

Verifies a deletion afterwards as well.
"""

import asyncio
import mmap
import os
import re
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Collection,
    Iterable,
    Iterator,
    Sequence,
)
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from hashlib import sha256
from pathlib import Path

from fastapi import APIRouter
from sqlalchemy import String, select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.ages.ages import count_ages
from cloud.context import Context, Database
from cloud.db.tables import Table, Text
from cloud.entry.access import count_access
from cloud.entry.kept_palms import may_be_at_gates
from cloud.entry.tickets import count_tickets
from cloud.keys.persons import OpenPerson, erase_person
from cloud.loyalty.memberships import count_memberships, memberships_of
from cloud.outbox import queue
from cloud.payments import card_pages, purchases, refunds
from cloud.payments.cards import cards_of, forget_cards_later
from cloud.people import claims, consents, receipts, sign_ins, withdrawals
from cloud.people import receipt_lines as lines
from cloud.people.accounts import mail_of, phone_lookup_of, profile_of
from cloud.people.agreements import count_agreements
from cloud.people.enrolments import erase_unfinished
from cloud.people.tables import ReceiptRow
from cloud.policy import BOOKKEEPING
from cloud.recognition.identifications import accepted_for
from cloud.recognition.palms import palms_of
from cloud.state import State
from cloud.web import limits, signed_request
from cloud.web.signed_request import Caller
from protocol.messages import (
    DeletionReceipt,
    DeletionRequest,
    Purpose,
    Retained,
)

router: APIRouter = signed_request.router()

_PERSON_ID = re.compile(rb"person_[0-9a-f]{32}")
"""A person's id, as `cloud.keys.persons.make_person` makes it."""
_CUT = len("person_") + 32 - 1
"""The most bytes of an id that may stand at the end of a piece without its last."""


Act = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Leaving:
    """What becomes of what is stored about a person when their account is deleted."""

    erased: list[str]
    retained: list[Retained]


@router.post("/deletions")
@signed_request.for_deletions()
async def delete_account(call: Caller, request: DeletionRequest) -> DeletionReceipt:
    person = await accepted_for(call, request.identification_id, Purpose.LEAVE)
    receipt, acts = await erase_account(call.context, call.session, person, call.now)
    # The stored answer is not sealed: the person's key is gone, and the receipt names nobody.
    call.person = None
    call.afterwards += acts
    return receipt


async def erase_account(
    context: Context, session: AsyncSession, person: OpenPerson, now: datetime
) -> tuple[DeletionReceipt, Sequence[Act]]:
    """Erases everything about a person that is not kept for the books. Returns the receipt, and
    what is left to do once the transaction is committed. Raises Refusal while a payment of theirs
    is being completed.
    """
    # Staff give money back without the person, whom a deletion holds.
    await purchases.hold_back_refunds(session, person)
    await refunds.must_be_settled(session, person)
    leaving = await what_becomes(session, person, now)
    for row, membership in await memberships_of(session, person):
        await context.events.note_leaving(context, session, row.merchant_id, membership.code)
    await card_pages.shut_pages(context, session, person.person_id)
    await forget_cards_later(session, context.master, person, now, receipts.digest_of(person))
    await refunds.keep_for_the_books(session, person)
    await purchases.keep_for_the_books(session, person)
    phone_lookup = await phone_lookup_of(session, person)
    await limits.forget_subjects(session, (person.person_id, phone_lookup))
    await claims.forget_number(session, phone_lookup)
    await sign_ins.forget_number(session, phone_lookup)
    unfinished = await erase_unfinished(session, context, phone_lookup)
    await erase_person(session, person.person_id)
    receipt = await receipts.issue(
        context, session, person, now, erased=leaving.erased, retained=leaving.retained
    )

    async def remove_from_gallery() -> None:
        context.gallery.remove(person.person_id)

    forget = partial(context.database.forget_erased, person.person_id, *unfinished)
    return receipt, [remove_from_gallery, forget, context.wake]


async def what_becomes(session: AsyncSession, person: OpenPerson, now: datetime) -> Leaving:
    """Returns what a deletion would erase, and what it would keep and until when."""
    palms = len(await palms_of(session, person))
    cards = len(await cards_of(session, person))
    merchants = await count_agreements(session, person)
    memberships = await count_memberships(session, person)
    ages = await count_ages(session, person)
    access = await count_access(session, person)
    tickets = await count_tickets(session, person)
    named = (await profile_of(session, person)).holder is not None
    has_mail = await mail_of(session, person) is not None
    sales = await purchases.times_for_the_books(session, person)
    returned = await refunds.times_for_the_books(session, person)
    retained: list[Retained] = []
    if await may_be_at_gates(session, person, now):
        retained.append(receipts.at_gates(now))
    if sales:
        retained.append(
            Retained(
                what=lines.PURCHASES % {"count": len(sales)},
                why=lines.BOOKS_OF_PURCHASES,
                until=max(sales + returned) + BOOKKEEPING,
            )
        )
    if returned:
        retained.append(
            Retained(
                what=lines.REFUNDS % {"count": len(returned)},
                why=lines.BOOKS_OF_REFUNDS,
                until=max(returned) + BOOKKEEPING,
            )
        )
    return Leaving(
        erased=[
            lines.NUMBER,
            *([lines.NAME] if named else []),
            *([lines.MAIL] if has_mail else []),
            lines.PALMS % {"count": palms},
            lines.CARDS % {"count": cards},
            lines.CONSENTS % {"count": merchants},
            *[_told(given) for given in await consents.given_by(session, person)],
            *([lines.MEMBERSHIPS % {"count": memberships}] if memberships else []),
            *([lines.AGES % {"count": ages}] if ages else []),
            *([lines.ACCESS % {"count": access}] if access else []),
            *([lines.TICKETS % {"count": tickets}] if tickets else []),
            lines.REST,
            *([lines.LINKS] if sales else []),
        ],
        retained=retained,
    )


def _told(given: consents.Given) -> str:
    """Returns a consent as a receipt tells of it. The receipt is all that is left of it: it proves
    to whoever kept theirs, and to the merchant, to which text somebody had agreed."""
    return (lines.SIGNED if given.row.signature else lines.AGREED) % {
        "merchant": given.merchant.name,
        "day": f"{given.row.at:%Y-%m-%d}",
        "text": f"{given.text.law} {given.text.version}",
        "digest": given.row.digest,
    }


# Verification


async def remains_of(receipt_id: str, state: State, database: Database) -> list[str]:
    """Verifies a deletion: searches every table and the bytes of every file of the state directory.
    Of a withdrawal, it verifies that the agreement is gone.

    Returns a description, for an operator, of each thing that is left although the receipt says it
    was erased; an empty list when nothing is. Raises KeyError when there is no such receipt.
    """
    async with database.session() as session:
        row = await receipts.find(session, receipt_id)
        if row is None:
            raise KeyError(receipt_id)
        found = await receipts.faults_of(session, row)
        if row.merchant_id is not None:
            return found + [each async for each in withdrawals.what_remains(session, row)]
        found += [each async for each in _rows(session, row)]
    await _forget_deleted(database, {row.person_digest})
    files = sorted(path for path in state.root.rglob("*") if path.is_file())
    for path in files:
        content = database.pieces(_CUT) if path == state.database else _content(path)
        if _named_in(content, {row.person_digest}):
            found.append(f"a trace in {path}")
    return found


async def forget_all_deleted(context: Context) -> None:
    """Removes what a database that was interrupted, or written by an older version, still holds of
    people who were deleted. It reads the whole database: call it once."""
    async with context.database.reading() as session:
        digests = await session.scalars(
            select(ReceiptRow.person_digest).where(ReceiptRow.merchant_id.is_(None))
        )
    await _forget_deleted(context.database, set(digests))


async def _forget_deleted(database: Database, digests: Collection[bytes]) -> None:
    # Once without ids: what is still in the log is looked for as well.
    await database.forget_erased()
    left = await asyncio.to_thread(_named_in, database.pieces(_CUT), digests) if digests else ()
    if left:
        await database.forget_erased(*left)


async def _rows(session: AsyncSession, row: ReceiptRow) -> AsyncIterator[str]:
    for table in Table.metadata.sorted_tables:
        for column in table.columns:
            if not isinstance(column.type, String | Text):
                continue
            values = await session.scalars(select(column).where(column.is_not(None)).distinct())
            if any(sha256(str(value).encode()).digest() == row.person_digest for value in values):
                yield f"a row in {table.name}"
    for what, module in (("purchases", purchases), ("refunds", refunds)):
        leading = await module.count_leading_to_the_deleted(session)
        if leading:
            yield f"{leading} {what} that lead to somebody who was deleted"
    waiting = await queue.waiting_for(session, row.person_digest)
    if waiting:
        yield f"{waiting} cards the payment provider has yet to forget"


def _named_in(content: Iterable[bytes | mmap.mmap], digests: Collection[bytes]) -> set[str]:
    """Returns the ids of people in pieces of a file whose digests are given."""
    named = {found.group() for piece in content for found in _PERSON_ID.finditer(piece)}
    return {name.decode() for name in named if sha256(name).digest() in digests}


def _content(path: Path) -> Iterator[mmap.mmap]:
    """Yields the bytes of a file. One that is not there any more, since it was written under
    another name until it was whole, has none."""
    with suppress(FileNotFoundError), path.open("rb") as file:
        if os.fstat(file.fileno()).st_size > 0:
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
                yield content
