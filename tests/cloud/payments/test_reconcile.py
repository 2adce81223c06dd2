"""A day is compared as the provider, the ledger and the tills have it."""

import re
import secrets
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from cloud.__main__ import main
from cloud.payments.reconcile import Line, Why, reconcile
from cloud.payments.tables import PurchaseRow, RefundRow
from cloud.providers import Movement
from cloud.settings import Settings
from protocol.messages import (
    DeletionReceipt,
    DeletionRequest,
    Money,
    ProblemType,
    Purchase,
    Purpose,
    Refund,
    RefundRequest,
)
from tests.support.books import bank_sends_back
from tests.support.databases import words_for
from tests.support.device import TestDevice, refusal
from tests.support.served import PLAIN, Served
from tests.support.stripe_api import listing, refund, stripe_in_place_of_the_sandbox

LUNCH = Money(minor=1250, currency="USD")


def today() -> datetime:
    return datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def lines(served: Served, merchant_id: str | None = None) -> list[Line]:
    context = served.context
    # A test that runs over midnight sees both days.
    work = [
        reconcile(context.database, context.payments, day, merchant_id)
        for day in (today() - timedelta(days=1), today())
    ]
    return [line for each in work for line in served.do(each)]


def line_of(served: Served, reference: str, **how: Any) -> Line:
    (line,) = [line for line in lines(served, **how) if line.reference == reference]
    return line


def buy(kiosk: TestDevice, who: str, told: str | None = "approved", **sale: Any) -> Purchase:
    """Buys something, and reports what the till was told of it."""
    bought = kiosk.post("/purchases", kiosk.sale(kiosk.recognised(who), **sale), Purchase)
    if told is not None:
        assert report(kiosk, bought.reference, told) == 204
    return bought


def report(kiosk: TestDevice, reference: str, result: str) -> int:
    body = f'{{"result": "{result}"}}'.encode()
    return kiosk.send("PUT", f"/purchases/{reference}/told", body).status_code


def give_back(kiosk: TestDevice, bought: Purchase, minor: int) -> Refund:
    amount = Money(minor=minor, currency=bought.amount.currency)
    request = RefundRequest(reference=secrets.token_urlsafe(12), amount=amount)
    return kiosk.post(f"/purchases/{bought.reference}/refunds", request, Refund)


# Agreement


def test_what_all_sides_have_agrees(served: Served, kiosk: TestDevice, who: str):
    kiosk.sign_up(who)
    bought = buy(kiosk, who)
    given = give_back(kiosk, bought, 500)
    sale, back = line_of(served, bought.reference), line_of(served, given.reference)
    assert (sale.ledger, sale.provider, sale.told) == (LUNCH, LUNCH, "approved")
    assert back.ledger == back.provider == given.amount
    assert sale.agrees
    assert back.agrees


def test_amounts_agree_in_currencies_that_the_provider_counts_in_units_of_its_own(
    served: Served, who: str
):
    kiosk = served.kiosk(served.merchant(currency="ISK"))
    kiosk.sign_up(who)
    bought = buy(kiosk, who, minor=500, currency="ISK")
    line = line_of(served, bought.reference)
    assert line.agrees
    assert line.provider == Money(minor=500, currency="ISK")


def test_sales_of_people_who_were_deleted_are_found_by_their_amounts(
    served: Served, kiosk: TestDevice, who: str
):
    kiosk.sign_up(who)
    bought = [buy(kiosk, who, minor=minor) for minor in (7001, 7001, 7002)]
    back = give_back(kiosk, bought[0], 6999)
    request = DeletionRequest(identification_id=kiosk.recognised(who, Purpose.LEAVE))
    kiosk.post("/deletions", request, DeletionReceipt)
    for reference in (*(each.reference for each in bought), back.reference):
        assert line_of(served, reference).agrees


def test_a_merchants_own_lines_are_told_alone(served: Served, kiosk: TestDevice, who: str):
    other = served.kiosk(served.merchant())
    kiosk.sign_up(who)
    other.sign_up(f"{who} elsewhere")
    here, there = buy(kiosk, who), buy(other, f"{who} elsewhere")
    first = {line.reference for line in lines(served, "first")}
    assert here.reference in first
    assert there.reference not in first


# Differences


@pytest.mark.parametrize("told", ["not_paid", "declined", None])
def test_a_till_that_was_not_told_of_a_charge_differs(
    served: Served, kiosk: TestDevice, who: str, told: str | None
):
    kiosk.sign_up(who)
    line = line_of(served, buy(kiosk, who, told).reference)
    assert (line.ledger, line.provider, line.told) == (LUNCH, LUNCH, told)
    assert not line.agrees


def test_a_till_that_let_goods_go_without_a_charge_differs(
    served: Served, kiosk: TestDevice, who: str
):
    kiosk.sign_up(who, token="tok_chargeCustomerFail")
    line = line_of(served, buy(kiosk, who).reference)
    assert (line.ledger, line.provider, line.told) == (None, None, "approved")
    assert not line.agrees


def test_a_decline_that_the_till_was_told_of_is_no_line(
    served: Served, kiosk: TestDevice, who: str
):
    kiosk.sign_up(who, token="tok_chargeCustomerFail")
    declined = buy(kiosk, who, "declined")
    assert declined.reference not in {line.reference for line in lines(served)}


class Otherwise:
    """A provider that has moved what a test says."""

    def __init__(self, *moved: Movement) -> None:
        self._moved = list(moved)

    async def movements(self, since: datetime, until: datetime) -> list[Movement]:
        return [each for each in self._moved if since <= each.at < until]


def compared(served: Served, *moved: Movement, day: datetime | None = None) -> list[Line]:
    provider: Any = Otherwise(*moved)
    return served.do(reconcile(served.context.database, provider, day or today()))


def test_a_charge_that_nobody_here_knows_of_differs(served: Served):
    # An amount of its own: sales of deleted people, of other tests too, are found by theirs.
    amount = Money(minor=31_337, currency="USD")
    moved = Movement("sale", "pi_unknown", amount, None, datetime.now(UTC))
    (line,) = [
        line
        for line in compared(
            served, moved, day=moved.at.replace(hour=0, minute=0, second=0, microsecond=0)
        )
        if line.reference == "pi_unknown"
    ]
    assert (line.merchant_id, line.ledger, line.provider) == (None, None, amount)
    assert not line.agrees


def test_a_posting_that_the_provider_does_not_have_or_has_otherwise_differs(
    served: Served, kiosk: TestDevice, who: str
):
    kiosk.sign_up(who)
    bought = buy(kiosk, who)

    async def payment() -> str:
        async with served.database.session() as session:
            query = text("SELECT payment FROM purchases WHERE id = :id")
            return (await session.execute(query, {"id": bought.purchase_id})).scalar_one()

    day = bought.at.replace(hour=0, minute=0, second=0, microsecond=0)
    less = Movement("sale", served.do(payment()), Money(minor=1249, currency="USD"), None, day)
    for moved, provider in (((), None), ((less,), less.amount)):
        found = compared(served, *moved, day=day)
        (line,) = [line for line in found if line.reference == bought.reference]
        assert (line.ledger, line.provider) == (LUNCH, provider)
        assert not line.agrees


def test_a_refund_that_the_bank_has_sent_back_is_no_line_unless_the_provider_has_it(
    served: Served, kiosk: TestDevice, who: str
):
    kiosk.sign_up(who)
    back = give_back(kiosk, buy(kiosk, who), 500)

    async def name() -> str | None:
        async with served.database.session() as session:
            return (await session.get_one(RefundRow, back.refund_id)).provider_reference

    returned = served.do(name())
    assert returned is not None
    bank_sends_back(served, back)
    day = back.at.replace(hour=0, minute=0, second=0, microsecond=0)
    references = {each.reference for each in compared(served, day=day)}
    assert {back.reference, returned}.isdisjoint(references)
    has_it = Movement("refund", returned, back.amount, None, back.at)
    (line,) = [
        each for each in compared(served, has_it, day=day) if each.reference == back.reference
    ]
    assert line.why is Why.CHARGED


def test_what_was_begun_before_midnight_and_posted_after_it_agrees(
    served: Served, kiosk: TestDevice, who: str
):
    kiosk.sign_up(who)
    bought = buy(kiosk, who)

    async def move_to_midnight() -> tuple[str, datetime]:
        async with served.database.session() as session:
            query = text("SELECT payment FROM purchases WHERE id = :id")
            name = (await session.execute(query, {"id": bought.purchase_id})).scalar_one()
            query = text("SELECT at FROM ledger WHERE purchase_id = :id")
            at = (await session.execute(query, {"id": bought.purchase_id})).scalar_one()
            return name, datetime.fromtimestamp(at / 1000, UTC)

    name, at = served.do(move_to_midnight())
    begun = Movement("sale", name, LUNCH, None, at - timedelta(minutes=2))
    # The day that begins between the two.
    day = at - timedelta(minutes=1)
    (line,) = [
        each for each in compared(served, begun, day=day) if each.reference == bought.reference
    ]
    assert line.agrees
    earlier = compared(served, begun, day=day - timedelta(days=1))
    assert bought.reference not in {each.reference for each in earlier}
    assert begun.name not in {each.reference for each in earlier}


def test_what_was_posted_hours_after_midnight_agrees(served: Served, kiosk: TestDevice, who: str):
    kiosk.sign_up(who)
    bought = buy(kiosk, who)
    back = give_back(kiosk, bought, 500)
    away = timedelta(hours=5)

    async def begin_earlier() -> tuple[str, str, datetime]:
        async with served.database.session() as session:
            row = await session.get_one(PurchaseRow, bought.purchase_id)
            refund_row = await session.get_one(RefundRow, back.refund_id)
            at, row.at, refund_row.at = row.at, row.at - away, refund_row.at - away
            await session.commit()
            assert row.payment is not None
            assert refund_row.provider_reference is not None
            return row.payment, refund_row.provider_reference, at

    payment, returned, at = served.do(begin_earlier())
    moved = (
        Movement("sale", payment, LUNCH, None, at - away),
        Movement("refund", returned, back.amount, None, at - away),
    )
    names = {bought.reference, back.reference, payment, returned}
    # The day that begins between the two, and the one before it.
    day = at - away / 2
    found = [each for each in compared(served, *moved, day=day) if each.reference in names]
    assert {each.reference for each in found} == {bought.reference, back.reference}
    assert all(each.agrees for each in found)
    earlier = compared(served, *moved, day=day - timedelta(days=1))
    assert names.isdisjoint(each.reference for each in earlier)


# What the till was told


def test_only_the_device_that_sold_reports_what_its_till_was_told(
    served: Served, kiosk: TestDevice, who: str
):
    kiosk.sign_up(who)
    bought = buy(kiosk, who, None)
    for device, reference in ((served.kiosk(), bought.reference), (kiosk, "never-happened")):
        answer = device.send("PUT", f"/purchases/{reference}/told", b'{"result": "approved"}')
        assert refusal(answer).type is ProblemType.NOT_FOUND
    assert line_of(served, bought.reference).told is None


def test_what_the_till_was_told_is_kept_without_a_time_once_the_buyer_has_left(
    served: Served, kiosk: TestDevice, who: str
):
    kiosk.sign_up(who)
    bought = buy(kiosk, who, None)
    request = DeletionRequest(identification_id=kiosk.recognised(who, Purpose.LEAVE))
    kiosk.post("/deletions", request, DeletionReceipt)
    assert report(kiosk, bought.reference, "approved") == 204

    async def told() -> tuple[str | None, datetime | None]:
        async with served.database.session() as session:
            row = await session.get_one(PurchaseRow, bought.purchase_id)
            return row.told, row.told_at

    assert served.do(told()) == ("approved", None)


# Stripe's answers


def test_stripes_lists_are_asked_for_the_day_and_failed_refunds_left_out(served: Served):
    day = datetime(2026, 11, 29, tzinfo=UTC)
    noon = int((day + timedelta(hours=12)).timestamp())
    charge = {"object": "payment_intent", "currency": "usd", "amount": 1250, "created": noon}
    with stripe_in_place_of_the_sandbox(served) as api:
        from_to = f"created[gte]={noon - 12 * 3600 - 300}&created[lt]={noon + 12 * 3600 + 300}"
        intents = [
            {"id": "pi_1", "status": "succeeded", "transfer_data": {"destination": "acct_1"}},
            {"id": "pi_2", "status": "canceled", "transfer_data": None},
        ]
        refunds = [
            refund(status, name, created=noon, currency="usd")
            for status, name in (("succeeded", "r1"), ("failed", "r2"), ("pending", None))
        ]
        page = listing(url="/payment_intents")
        page.body["data"] += [charge | each for each in intents]
        api.will(f"GET /payment_intents?limit=100&{from_to}", page)
        api.will(f"GET /refunds?limit=100&{from_to}", listing(*refunds, url="/refunds"))
        moved = served.do(served.context.payments.movements(day, day + timedelta(days=1)))
    assert [(each.kind, each.name, each.account) for each in moved] == [
        ("sale", "pi_1", "acct_1"),
        ("refund", "r1", None),
        ("refund", "re_1", None),
    ]
    assert moved[0].amount == LUNCH


# The command


@pytest.mark.process
def test_the_command_lists_a_day_and_tells_by_its_status_whether_the_sides_differ(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
):
    root = tmp_path / "state"
    with Served(root, Settings(recognition=PLAIN)) as served:
        kiosk = served.kiosk()
        kiosk.sign_up("alex")
        good, untold = buy(kiosk, "alex"), buy(kiosk, "alex", None)
    words = ["--state", str(root), *words_for(root), "--sandbox"]
    words += ["reconcile", "--day", f"{good.at:%Y-%m-%d}"]
    assert main(words) == 1
    listed = capfd.readouterr().out.splitlines()
    (agreed,) = [line for line in listed if good.reference in line]
    (differs,) = [line for line in listed if untold.reference in line]
    assert re.search(r"^ \t.*\tsale\tfirst\t.*ledger 12.50 USD\tprovider 12.50 USD\t", agreed)
    assert agreed.endswith("till approved")
    assert differs.startswith("!")
    assert differs.endswith("till not reported")
    assert listed[-1] == "2 in all, 1 on which the sides differ."
    assert main([*words, "--merchant", "nobody"]) == 0
