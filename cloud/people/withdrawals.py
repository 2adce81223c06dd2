"""Withdrawals: a person ends the agreement with one merchant, and stays signed up elsewhere.

What is kept for this merchant alone goes: their agreement, their membership, what the merchant's
staff have seen of their age, their access and tickets there, and when they passed its doors. To
what they had agreed stays as its proof. Palm, number and card serve every merchant, and the card is
kept at the operator's account with the payment provider.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime
from hashlib import sha256

from fastapi import APIRouter
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.ages import ages
from cloud.context import Context
from cloud.entry import access, entries, presences, tickets
from cloud.entry.kept_palms import may_be_at_gates
from cloud.keys.persons import OpenPerson
from cloud.loyalty import memberships
from cloud.merchants.merchants import all_sites, find_merchant
from cloud.payments import purchases, refunds
from cloud.people import receipt_lines as lines
from cloud.people import receipts
from cloud.people.agreements import end_agreement
from cloud.people.tables import AgreementRow, ReceiptRow
from cloud.policy import BOOKKEEPING
from cloud.recognition import identifications
from cloud.watch import incidents
from cloud.web import signed_request
from cloud.web.problems import Refusal
from cloud.web.signed_request import Caller
from protocol.messages import DeletionReceipt, ProblemType, Purpose, Retained

router: APIRouter = signed_request.router()


@router.post("/identifications/{identification_id}/withdrawal")
@signed_request.for_deletions()
async def withdraw(call: Caller, identification_id: str) -> DeletionReceipt:
    """Ends the agreement of the person who was recognised with the merchant whose device asks."""
    person = await identifications.accepted_for(call, identification_id, Purpose.LEAVE)
    merchant_id = (await call.device()).merchant_id
    receipt = await end_with(call.context, call.session, person, merchant_id, call.now)
    call.afterwards.append(after_end(call.context, person, merchant_id))
    return receipt


async def end_with(
    context: Context,
    session: AsyncSession,
    person: OpenPerson,
    merchant_id: str,
    now: datetime,
) -> DeletionReceipt:
    """Ends the agreement of a person with a merchant, and returns the receipt. Raises Refusal when
    there is none, and while a payment of theirs is being completed."""
    await refunds.must_be_settled(session, person)
    merchant = await find_merchant(session, merchant_id)
    was_at_gates = await may_be_at_gates(session, person, now, merchant_id)
    member = await memberships.membership_of(session, person, merchant_id)
    erased = None if merchant is None else await erase_there(session, person, merchant.id, now)
    if merchant is None or erased is None:
        raise Refusal(ProblemType.CONFLICT, "the person has not agreed here")
    await context.events.forget(session, person, merchant.id)
    if member is not None:
        await context.events.note_leaving(context, session, merchant.id, member.code)
    sales = await purchases.made_at(session, person, merchant.id)
    returned = await refunds.made_at(session, person, merchant.id)
    retained = [
        Retained(
            what=lines.PROOF % {"merchant": merchant.name},
            why=lines.WHY_PROOF,
            until=now + BOOKKEEPING,
        )
    ]
    if was_at_gates:
        retained.append(receipts.at_gates(now))
    if sales:
        kept = Retained(
            what=lines.PURCHASES_THERE % {"merchant": merchant.name, "count": len(sales)},
            why=lines.WHY_PURCHASES_THERE,
            until=max(sales + returned) + BOOKKEEPING,
        )
        retained.append(kept)
    return await receipts.issue(
        context,
        session,
        person,
        now,
        erased=[lines.WITHDRAWN % {"merchant": merchant.name}, *erased],
        retained=retained,
        merchant_id=merchant.id,
    )


async def erase_there(
    session: AsyncSession, person: OpenPerson, merchant_id: str, now: datetime
) -> list[str] | None:
    """Ends an agreement and erases what is kept for its merchant alone. Returns what that was, in
    the words of receipts; None when there was no agreement."""
    if not await end_agreement(session, person, merchant_id, now):
        return None
    await identifications.ask_consent_again(session, person, merchant_id)
    was_member = await memberships.forget(session, person, merchant_id) is not None
    was_seen = await ages.forget(session, person, merchant_id)
    had_access = await access.forget(session, person, merchant_id)
    has_passed = await entries.forget(session, person, merchant_id)
    await presences.forget(session, person, await _sites_of(session, merchant_id))
    had_tickets = await tickets.forget(session, person, merchant_id)
    await incidents.let_go(session, person, merchant_id)
    return [
        *([lines.MEMBERSHIP_THERE] if was_member else []),
        *([lines.AGE_THERE] if was_seen else []),
        *([lines.ACCESS_THERE] if had_access or has_passed else []),
        *([lines.TICKETS_THERE] if had_tickets else []),
    ]


def after_end(
    context: Context, person: OpenPerson, merchant_id: str
) -> Callable[[], Awaitable[None]]:
    """Returns what is left to do once it is committed that an agreement has ended."""

    async def forget() -> None:
        async with context.database.session() as session:
            sites = await _sites_of(session, merchant_id)
        # In every row of theirs that was erased, the person's id stands before one of these, and in
        # no row that is kept.
        traces = [person.person_id + each for each in (merchant_id, *sites)]
        await context.database.forget_erased(*traces)

    return forget


async def _sites_of(session: AsyncSession, merchant_id: str) -> list[str]:
    return [site.id for site in await all_sites(session) if site.merchant_id == merchant_id]


async def what_remains(session: AsyncSession, row: ReceiptRow) -> AsyncIterator[str]:
    """Yields what is left of an agreement whose end has this receipt. One that was given again
    since is another one."""
    earlier = AgreementRow.merchant_id == row.merchant_id, AgreementRow.at <= row.at
    for person_id in await session.scalars(select(AgreementRow.person_id).where(*earlier)):
        if sha256(person_id.encode()).digest() == row.person_digest:
            yield "the agreement with the merchant"
