"""The ledger: what was charged and given back for each merchant, in double entry.

A transaction moves an amount from one account to another, so that the accounts always sum to zero.
It is posted in the database transaction that stores the outcome of its purchase or refund: neither
is ever there without the other. The database itself keeps it from being changed, removed or posted
twice (migration 0011). It names nobody, and nothing that the payment provider knows.
"""

from datetime import datetime

from sqlalchemy import delete, exists
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.payments.tables import LedgerRow, PurchaseRow

SALE, REFUND = "sale", "refund"
"""The kinds of transactions."""
RECEIVABLE, SALES, REFUNDS = "cards receivable", "sales", "refunds"
"""The accounts of a merchant: what the provider owes it, what it has sold, and what it has given
back."""
_ACCOUNTS = {SALE: (RECEIVABLE, SALES), REFUND: (REFUNDS, RECEIVABLE)}
"""The account that is debited and the one that is credited, by the kind of a transaction."""


async def post(
    session: AsyncSession,
    kind: str,
    purchase: PurchaseRow,
    *,
    subject: str,
    minor: int,
    at: datetime,
) -> None:
    """Adds the transaction of this kind for `subject`, the id of a purchase or of a refund of it.
    Raises sqlalchemy's IntegrityError when it was posted before."""
    debit, credit = _ACCOUNTS[kind]
    session.add(
        LedgerRow(
            merchant_id=purchase.merchant_id,
            purchase_id=purchase.id,
            kind=kind,
            subject=subject,
            debit=debit,
            credit=credit,
            minor=minor,
            currency=purchase.currency,
            at=at,
        )
    )
    await session.flush()


async def forget_expired(session: AsyncSession, now: datetime) -> bool:
    """Deletes the transactions of purchases that are not kept any more. Returns whether there were
    any."""
    del now  # The purchases expire.
    is_kept = exists().where(PurchaseRow.id == LedgerRow.purchase_id)
    deleted = await session.execute(delete(LedgerRow).where(~is_kept).returning(LedgerRow.id))
    return deleted.first() is not None
