"""A refund that is asked for meets a deletion of whoever bought."""

from typing import Any

import pytest

from cloud.keys.persons import find_person
from cloud.payments.purchases import hold_back_refunds
from cloud.payments.refunds import ask
from cloud.payments.tables import PurchaseRow
from cloud.web.problems import Refusal
from protocol.messages import Money, ProblemType, RefundRequest
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


async def test_a_declined_purchase_that_is_gone_with_its_person_is_not_found(books: Shelf):
    await bought(books, outcome="declined")
    request = RefundRequest(reference="refund-no-1", amount=Money(minor=500, currency="USD"))
    can = books.payments.chargeable
    async with books.database.session() as session:
        found = await session.get_one(PurchaseRow, "purchase-1")
        await session.commit()
        async with books.database.session() as leaving:
            await leaving.delete(await leaving.get_one(PurchaseRow, "purchase-1"))
            await leaving.commit()
        with pytest.raises(Refusal) as refusal:
            await ask(session, can, found, request, sender="a-kiosk", now=NOON)
    assert refusal.value.problem.type is ProblemType.NOT_FOUND


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
