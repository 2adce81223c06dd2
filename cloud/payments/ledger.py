"""The ledger: what was charged and given back for each merchant, in double entry.

A transaction moves an amount from one account to another, so that the accounts always sum to zero.
It is posted in the database transaction that stores the outcome of its purchase or refund: neither
is ever there without the other. The database itself keeps it from being changed, removed or posted
twice (migration 0011). It names nobody, and nothing that the payment provider knows.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.payments.tables import LedgerRow, PurchaseRow

SALE, REFUND, REFUND_FAILED = "sale", "refund", "refund-failed"
"""The kinds of transactions. One of the last takes a refund back that was made and failed later."""
RECEIVABLE, SALES, REFUNDS = "cards receivable", "sales", "refunds"
"""The accounts of a merchant: what the provider owes it, what it has sold, and what it has given
back."""
_ACCOUNTS = {
    SALE: (RECEIVABLE, SALES),
    REFUND: (REFUNDS, RECEIVABLE),
    REFUND_FAILED: (RECEIVABLE, REFUNDS),
}
"""The account that is debited and the one that is credited, by the kind of a transaction."""
AT_ONCE = 1000
"""So many purchases are named in one statement."""


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


async def forget(session: AsyncSession, purchase_ids: Sequence[str]) -> None:
    """Deletes the transactions of purchases that were just deleted, in the same transaction of the
    database. To look for those whose purchase is gone would read the whole ledger."""
    for first in range(0, len(purchase_ids), AT_ONCE):
        some = purchase_ids[first : first + AT_ONCE]
        await session.execute(delete(LedgerRow).where(LedgerRow.purchase_id.in_(some)))
