"""Disputes: the holder of a card asks their bank for the money back.

They are answered in the provider's dashboard. The service notes on the purchase how a dispute
stands, and tells the operator in the log.
"""

import logging

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.context import Context
from cloud.db.locks import held
from cloud.payments.tables import PurchaseRow

log = logging.getLogger(__name__)


async def note_dispute(context: Context, session: AsyncSession, name: str) -> None:
    """Notes how the dispute that the provider calls by this name stands.

    It is called in a transaction, which it ends, and leaves another one open. Raises
    ProviderUnavailable.
    """
    await session.commit()
    found = await context.payments.look_at_dispute(name)
    if found is None:
        return
    disputed = select(PurchaseRow.id).where(PurchaseRow.payment == found.payment)
    purchase_id = await session.scalar(disputed)
    row = None if purchase_id is None else await held(session, PurchaseRow, purchase_id)
    if row is None or row.payment != found.payment:
        # Its person was deleted, or another program charges at the same account.
        log.warning("the dispute %s (%s) is about no purchase known here", name, found.status)
    elif row.dispute != found.status:
        row.dispute = found.status
        log.warning(
            "the purchase %s is disputed by the holder of the card: %s (%s). Answer it in the "
            "payment provider's dashboard.",
            row.reference,
            found.status,
            name,
        )
