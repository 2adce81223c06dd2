"""The ledger has what was charged and given back, exactly, whatever is interrupted."""

from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.jobs.errands import run_errands
from cloud.jobs.housekeeping import end_retention
from cloud.payments import ledger, purchases, refunds
from cloud.payments.tables import LedgerRow, PurchaseRow, RefundRow
from cloud.people.deletions import remains_of
from cloud.policy import BOOKKEEPING
from protocol.messages import (
    DeletionReceipt,
    DeletionRequest,
    Money,
    Purchase,
    Purpose,
    Refund,
    RefundRequest,
    RefundTotal,
)
from tests.support.books import bank_sends_back, charged, listed
from tests.support.device import Refused, TestDevice, fresh_phone
from tests.support.failing import Failing
from tests.support.served import Served

Entry = tuple[str, str, str, int, str]


def buy(kiosk: TestDevice, who: str, **how: Any) -> Purchase:
    return kiosk.post("/purchases", kiosk.sale(kiosk.recognised(who)), Purchase, **how)


def give_back(kiosk: TestDevice, bought: Purchase, minor: int | None = None) -> Refund:
    amount = None if minor is None else Money(minor=minor, currency=bought.amount.currency)
    request = RefundRequest(reference=f"back-{bought.purchase_id}", amount=amount)
    return kiosk.post(f"/purchases/{bought.reference}/refunds", request, Refund)


def posted(served: Served, bought: Purchase) -> list[Entry]:
    """Returns what the ledger has about a purchase."""

    async def read() -> list[Entry]:
        async with served.database.session() as session:
            rows = await session.scalars(
                select(LedgerRow)
                .where(LedgerRow.purchase_id == bought.purchase_id)
                .order_by(LedgerRow.id)
            )
            return [(row.kind, row.debit, row.credit, row.minor, row.currency) for row in rows]

    return served.do(read())


SALE: Entry = ("sale", "cards receivable", "sales", 1250, "USD")


def refund(minor: int) -> Entry:
    return ("refund", "refunds", "cards receivable", minor, "USD")


def sent_back(minor: int) -> Entry:
    return ("refund-failed", "cards receivable", "refunds", minor, "USD")


# What is posted


def test_a_sale_and_its_refund_are_posted_for_their_merchant(
    served: Served, kiosk: TestDevice, who: str
):
    kiosk.sign_up(who)
    bought = buy(kiosk, who)
    assert posted(served, bought) == [SALE]
    give_back(kiosk, bought, 500)
    assert posted(served, bought) == [SALE, refund(500)]


def test_what_was_not_charged_is_not_posted(served: Served, kiosk: TestDevice, who: str):
    kiosk.sign_up(who, token="tok_chargeCustomerFail")
    declined = buy(kiosk, who)
    assert declined.outcome == "declined"
    assert posted(served, declined) == []


def test_a_request_that_is_repeated_is_posted_once(served: Served, kiosk: TestDevice, who: str):
    kiosk.sign_up(who)
    sale = kiosk.sale(kiosk.recognised(who))
    for key in ("first-key", "first-key", "another-key"):
        bought = kiosk.post("/purchases", sale, Purchase, key=key)
    kiosk.get(f"/purchases/{sale.reference}", Purchase)
    assert posted(served, bought) == [SALE]


# What the database refuses


def attempt(served: Served, work: Callable[[AsyncSession], Coroutine[Any, Any, Any]]) -> None:
    async def do() -> None:
        async with served.database.session() as session:
            await work(session)
            await session.commit()

    served.do(do())


@pytest.mark.parametrize("change", ["UPDATE ledger SET minor = 1", "DELETE FROM ledger"])
def test_the_database_lets_nobody_change_or_remove_a_transaction(
    served: Served, kiosk: TestDevice, who: str, change: str
):
    kiosk.sign_up(who)
    bought = buy(kiosk, who)
    with pytest.raises(IntegrityError, match="append-only"):
        attempt(served, lambda session: session.execute(text(change)))
    assert posted(served, bought) == [SALE]


@pytest.mark.parametrize(
    ("changes", "refused"),
    [
        ({}, "UNIQUE"),
        ({"subject": "another", "minor": 0}, "CHECK"),
        ({"subject": "another", "minor": -5}, "CHECK"),
        ({"subject": "another", "credit": "cards receivable"}, "CHECK"),
        ({"subject": "another", "merchant_id": "nobody"}, "FOREIGN KEY"),
    ],
    ids=["twice", "nothing", "less than nothing", "to the same account", "of nobody"],
)
def test_the_database_takes_no_transaction_that_cannot_be(
    served: Served, kiosk: TestDevice, who: str, changes: dict[str, Any], refused: str
):
    kiosk.sign_up(who)
    bought = buy(kiosk, who)

    async def post(session: AsyncSession) -> None:
        row = (
            await session.scalars(
                select(LedgerRow).where(LedgerRow.purchase_id == bought.purchase_id)
            )
        ).one()
        values = {c.name: getattr(row, c.name) for c in LedgerRow.__table__.columns}
        del values["id"]
        session.add(LedgerRow(**{**values, **changes}))

    with pytest.raises(IntegrityError, match=f"(?i){refused}"):
        attempt(served, post)


# Interrupted


class Killed(Exception):
    """Ends what is done as a power cut would: what was not committed is gone."""


STEPS = (
    "before the provider is asked",
    "after the provider was asked",
    "before it is posted",
    "after it is posted",
    "before both are stored",
    "after both are stored",
)


async def settle_and_die(
    served: Served, table: type[PurchaseRow] | type[RefundRow], reference: str, step: str
) -> None:
    """Finishes the pending row of this reference, and is killed at this step."""
    context, module = served.context, purchases if table is PurchaseRow else refunds
    asked = "finish" if table is PurchaseRow else "refund"
    at_provider, at_ledger = getattr(context.payments, asked), ledger.post

    def killing(really: Callable[..., Any], before: str, after: str) -> Callable[..., Any]:
        async def work(*arguments: Any, **options: Any) -> Any:
            if step == before:
                raise Killed
            answer = await really(*arguments, **options)
            if step == after:
                raise Killed
            return answer

        return work

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(context.payments, asked, killing(at_provider, *STEPS[0:2]))
        patched.setattr(ledger, "post", killing(at_ledger, *STEPS[2:4]))
        async with context.database.session() as session:
            pending = select(table).where(table.reference == reference, table.outcome == "pending")
            row = (await session.scalars(pending)).one()
            await session.commit()
            settle: Any = module.settle
            await settle(context, session, row)
            if step == STEPS[4]:
                raise Killed
            await session.commit()
            raise Killed


@pytest.mark.parametrize("step", STEPS)
def test_a_purchase_that_is_killed_at_any_step_is_charged_and_posted_once(
    served: Served, kiosk: TestDevice, who: str, step: str
):
    kiosk.sign_up(who)
    before = charged(served)
    sale = kiosk.sale(kiosk.recognised(who))
    with Failing(served, "begin", works=False), pytest.raises(Refused):
        kiosk.post("/purchases", sale, Purchase)
    with pytest.raises(Killed):
        served.do(settle_and_die(served, PurchaseRow, sale.reference, step))
    served.do(purchases.settle_purchases(served.context))
    bought = kiosk.get(f"/purchases/{sale.reference}", Purchase)
    assert bought.outcome == "approved"
    assert charged(served) == before + 1
    assert posted(served, bought) == [SALE]


@pytest.mark.parametrize("step", STEPS)
def test_a_refund_that_is_killed_at_any_step_is_given_and_posted_once(
    served: Served, kiosk: TestDevice, who: str, step: str
):
    kiosk.sign_up(who)
    bought = buy(kiosk, who)
    before = len(listed(served, "refunds"))
    with Failing(served, "refund", works=False), pytest.raises(Refused):
        give_back(kiosk, bought, 500)
    with pytest.raises(Killed):
        served.do(settle_and_die(served, RefundRow, f"back-{bought.purchase_id}", step))
    served.do(refunds.settle_refunds(served.context))
    assert len(listed(served, "refunds")) == before + 1
    assert posted(served, bought) == [SALE, refund(500)]


# What people are promised


def test_after_a_deletion_the_ledger_is_the_same_and_names_nobody(
    served: Served, kiosk: TestDevice, who: str
):
    phone = fresh_phone()
    kiosk.sign_up(who, phone=phone)
    person_id = served.person_id(phone)
    bought = buy(kiosk, who)
    give_back(kiosk, bought, 500)
    leaving = kiosk.recognised(who, Purpose.LEAVE)
    request = DeletionRequest(identification_id=leaving)
    receipt = kiosk.post("/deletions", request, DeletionReceipt)
    assert posted(served, bought) == [SALE, refund(500)]
    served.do(run_errands(served.context))
    remains = remains_of(receipt.receipt_id, served.state, served.database)
    assert served.do(remains) == []
    assert person_id not in str(served.do(everything_in_the_ledger(served)))


async def everything_in_the_ledger(served: Served) -> list[Any]:
    async with served.database.session() as session:
        return list(await session.execute(select(*LedgerRow.__table__.columns)))


def test_a_refund_that_the_bank_sends_back_is_taken_back_and_can_be_asked_for_again(
    served: Served, kiosk: TestDevice, who: str
):
    kiosk.sign_up(who)
    bought = buy(kiosk, who)
    given = give_back(kiosk, bought, 500)
    bank_sends_back(served, given)
    assert posted(served, bought) == [SALE, refund(500), sent_back(500)]
    refunds_of_it = f"/purchases/{bought.reference}/refunds"
    failed = kiosk.get(f"{refunds_of_it}/{given.reference}", Refund)
    assert (failed.outcome, failed.failure_reason) == ("failed", "expired_or_canceled_card")
    assert kiosk.get(refunds_of_it, RefundTotal).refunded_minor == 0
    again = kiosk.post(refunds_of_it, RefundRequest(reference="another-way"), Refund)
    assert again.amount == bought.amount


def test_a_refund_that_the_bank_sent_back_stays_in_the_books_of_the_deleted(
    served: Served, kiosk: TestDevice, who: str
):
    kiosk.sign_up(who)
    bought = buy(kiosk, who)
    bank_sends_back(served, give_back(kiosk, bought, 500))
    request = DeletionRequest(identification_id=kiosk.recognised(who, Purpose.LEAVE))
    receipt = kiosk.post("/deletions", request, DeletionReceipt)
    served.do(run_errands(served.context))
    assert served.do(remains_of(receipt.receipt_id, served.state, served.database)) == []
    assert posted(served, bought) == [SALE, refund(500), sent_back(500)]
    assert served.do(refunds_kept(served, bought)) == [("failed", None)]


async def refunds_kept(served: Served, bought: Purchase) -> list[tuple[str, str | None]]:
    async with served.database.session() as session:
        of_it = RefundRow.purchase_id == bought.purchase_id
        rows = await session.scalars(select(RefundRow).where(of_it))
        return [(row.outcome, row.provider_reference) for row in rows]


def test_the_ledger_is_kept_as_long_as_the_purchase_and_goes_with_it(
    served: Served, kiosk: TestDevice, who: str
):
    kiosk.sign_up(who)
    bought = buy(kiosk, who)
    give_back(kiosk, bought, 500)
    served.do(end_retention(served.context))
    assert len(posted(served, bought)) == 2
    served.ahead = BOOKKEEPING + timedelta(days=1)
    served.do(end_retention(served.context))
    assert posted(served, bought) == []
