"""A refund that is asked for meets a deletion of whoever bought."""

from typing import Any

import pytest

from cloud.keys.persons import find_person
from cloud.payments.purchases import hold_back_refunds
from cloud.payments.tables import PurchaseRow
from tests.support.shelf import NOON, Shelf

pytestmark = pytest.mark.anyio


async def bought(books: Shelf, **changes: Any) -> PurchaseRow:
    """Stores a purchase with a palm."""
    values: dict[str, Any] = {
        "id": "purchase-1",
        "merchant_id": "first",
        "device_id": "device-1234",
        "reference": "sale-no-1",
        "amount_minor": 1250,
        "currency": "USD",
        "card_brand": "visa",
        "card_last4": "4242",
        "payment": "pi_1",
        "recognised_at": NOON,
        "outcome": "approved",
        "at": NOON,
    }
    row = PurchaseRow(**values | changes)
    async with books.database.session() as session:
        session.add(row)
        await session.commit()
    return row


async def test_a_deletion_that_is_refused_takes_nothing_from_the_purchases(books: Shelf):
    person_id = await books.person()
    await bought(books, person_id=person_id)
    async with books.database.session() as session:
        await hold_back_refunds(session, await find_person(session, books.master, person_id))
        # What was done before a refusal is kept.
        await session.commit()
    async with books.database.session() as session:
        row = await session.get_one(PurchaseRow, "purchase-1")
    assert row.recognised_at == NOON
