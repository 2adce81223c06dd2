"""Staff see sales, each with its way from the till to the ledger, and give money back."""

import csv
import io
from datetime import timedelta
from typing import Any, cast

import httpx
import pytest
from sqlalchemy import select

from cloud.console.four_eyes import FILES_ALONE
from cloud.console.roles import Role
from cloud.payments import refunds
from cloud.payments.ledger import LedgerRow
from cloud.payments.purchases import PurchaseRow
from cloud.payments.refunds import RefundRow
from cloud.providers import ProviderUnavailable, Refunded
from protocol.messages import Chargeable
from tests.support.console import (
    KIOSK,
    SALE,
    SOLD,
    Member,
    add_kiosk,
    member_of,
    sell,
    site_of,
    trail,
)
from tests.support.portal import Portal, forms

pytestmark = pytest.mark.anyio

PHONE = "+14155550123"
SALES = "/console/sales"
PAGE = f"{SALES}/{SALE}"
WRONG = ("0", "-1", "12.51", "twelve", "NaN", "sNaN", "1e999999", "1e0", "1_0", "1.001", "")
"""What is no amount of what is left of the sale."""


class Bank:
    """A payment provider that gives back, unless it is away."""

    name = "stripe"
    is_away = False

    def __init__(self, portal: Portal) -> None:
        self.given: dict[str, int] = {}
        portal.context.payments = cast(Any, self)

    def chargeable(self, currency: str) -> Chargeable:
        return Chargeable(currency=currency, least=50, most=99_999_999, step=5)

    async def refund(self, _: str, amount: Any, name: str, __: str | None) -> Refunded:
        if self.is_away:
            raise ProviderUnavailable("away")
        self.given[name] = amount.minor
        return Refunded()


@pytest.fixture
def bank(portal: Portal) -> Bank:
    return Bank(portal)


async def clerk(portal: Portal) -> Member:
    return await member_of(portal, Role.SITE, "first", await site_of(portal, "first"))


async def give(member: Member, amount: str) -> tuple[dict[str, str], httpx.Response]:
    """Gives back by the forms, and returns the fields that were sent last and the page after it."""
    form = forms(await member.open(f"{PAGE}/refund"))[f"{PAGE}/refund"].fields
    sent = {**form, "amount": amount, "reason": "goodwill"}
    page = await member.browser.post(f"{PAGE}/refund", sent)
    fields = forms(page)[f"{PAGE}/refund/give"].fields
    return fields, await member.browser.post(f"{PAGE}/refund/give", fields)


async def kept(portal: Portal) -> list[RefundRow]:
    async with portal.database.session() as session:
        return list(await session.scalars(select(RefundRow).order_by(RefundRow.at)))


# Listing


async def test_sales_are_listed_the_newest_first_without_who_has_bought(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("cloud.console.sales.PAGE", 3)
    await add_kiosk(portal)
    person = await portal.account(PHONE)
    place = {"device_id": KIOSK, "site_id": await site_of(portal, "first")}
    rows: list[PurchaseRow] = []
    for number in range(5):
        portal.pass_time(timedelta(minutes=1))
        rows.append(await portal.buy(person, 100 + number, **place))
    member = await clerk(portal)
    page = (await member.open("/console/sales")).text
    places = [page.find(row.reference) for row in reversed(rows)]
    assert places[:3] == sorted(places[:3])
    assert -1 not in places[:3]
    assert places[3:] == [-1, -1]
    assert PHONE[-7:] not in page
    older = (await member.open(f"/console/sales?before={rows[2].id}")).text
    assert [row.reference in older for row in rows[:4]] == [True, True, False, False]
    assert "Newest" in older
    assert "Older" not in older


async def test_sales_are_found_by_day_place_state_and_reference(portal: Portal):
    await add_kiosk(portal)
    await add_kiosk(portal, "next", name="Till 4")
    shop = await site_of(portal, "first")
    paid = await sell(portal)
    await portal.refund(paid, 250)
    await sell(portal, id="b", reference="declined-one", outcome="declined", device_id="next")
    portal.pass_time(timedelta(days=2))
    await sell(portal, id="c", reference="later-one", dispute="needs_response")
    member = await member_of(portal, Role.MERCHANT, "first")

    async def found(**query: str) -> set[str]:
        page = await member.browser.http.get("/console/sales", params=query)
        assert page.status_code == 200
        return {name for name in (SOLD, "declined-one", "later-one") if name in page.text}

    assert await found() == {SOLD, "declined-one", "later-one"}
    assert await found(when="2026-11-29") == {SOLD, "declined-one"}
    assert await found(when="2026-12") == {"later-one"}
    assert await found(where=f"site {shop}", when="2026-11") == {SOLD, "declined-one"}
    assert await found(where="device next") == {"declined-one"}
    assert await found(state="refunded") == {SOLD}
    assert await found(state="paid") == {SOLD, "later-one"}
    assert await found(state="declined") == {"declined-one"}
    assert await found(state="disputed") == {"later-one"}
    assert await found(state="open") == set()
    assert await found(reference=f" {SOLD} ") - {"declined-one", "later-one"} == {SOLD}
    assert await found(reference="unknown") == set()
    day = (await member.open("/console/sales?when=2026-11-29")).text
    for words in ("Sales paid</dt><dd>1<", "USD\N{NO-BREAK SPACE}12.50", "Given back</dt><dd>USD"):
        assert words in day


async def test_what_is_no_filter_finds_no_page(portal: Portal):
    member = await clerk(portal)
    for query in ("when=2026-13", "when=x", "state=x", "where=x", "where=site+x"):
        assert (await member.open(f"{SALES}?{query}")).status_code == 404
        assert (await member.post(f"{SALES}.csv?{query}")).status_code == 404
    assert (await member.open("/console/sales?before=x")).status_code == 404


async def test_what_is_not_in_reach_is_no_filter(portal: Portal):
    """A merchant's rival, and a site of the same merchant, by every filter and as a file."""
    await add_kiosk(portal)
    await sell(portal)
    shop = await site_of(portal, "first")
    merchant = await member_of(portal, Role.MERCHANT, "first")
    new = await merchant.submit(
        "/console/merchants/first/sites/new", "/console/merchants/first/sites/new", name="Airport"
    )
    airport = new.url.path.rpartition("/")[2]
    other = await portal.merchant("Florist")
    rivals = [
        await member_of(portal, Role.MERCHANT, other),
        await member_of(portal, Role.SITE, "first", airport),
    ]
    for rival in rivals:
        for where in ("merchant first", f"site {shop}", f"device {KIOSK}", "site unknown"):
            query = f"where={where.replace(' ', '+')}"
            assert (await rival.open(f"{SALES}?{query}")).status_code == 404
            for path in (f"{SALES}.csv", f"{SALES}/export"):
                answer = await rival.post(f"{path}?{query}")
                assert answer.status_code == 404, (rival.member.role, path, where)
        assert (await rival.open(f"/console/sales?before={SALE}")).status_code == 404
        for page in (
            await rival.open(SALES),
            await rival.open(f"{SALES}?reference={SOLD}"),
            await rival.post(f"{SALES}.csv?when=2026-11"),
            await rival.post(f"{SALES}.csv?reference={SOLD}"),
        ):
            text = page.text
            assert f'{SALE}"' not in text
            assert "12.50" not in text
        assert (await rival.open(PAGE)).status_code == 404
    assert (await merchant.open(PAGE)).status_code == 200


# One sale


async def test_an_auditor_follows_a_sale_from_the_till_to_the_ledger(portal: Portal, bank: Bank):
    await add_kiosk(portal)
    person = await portal.account(PHONE)
    begun, told = portal.now, portal.now + timedelta(seconds=3)
    row = await portal.buy(
        person,
        id=SALE,
        device_id=KIOSK,
        site_id=await site_of(portal, "first"),
        reference=SOLD,
        payment="pi_lunch",
        recognised_at=begun - timedelta(seconds=4),
        told="approved",
        told_at=told,
    )
    entry = LedgerRow(
        merchant_id="first",
        purchase_id=SALE,
        kind="sale",
        subject=SALE,
        debit="cards receivable",
        credit="sales",
        minor=1250,
        currency="USD",
        at=begun,
    )
    await portal.add(entry)
    portal.pass_time(timedelta(minutes=1))
    await give(await clerk(portal), "5.00")
    auditor = await member_of(portal, Role.AUDITOR)
    page = (await auditor.open(PAGE)).text
    way = page[page.index("From the till to the ledger") :]
    steps = (
        "The till asked for USD\N{NO-BREAK SPACE}12.50",
        SOLD,
        "A palm was recognised",
        "The shopper confirmed the amount",
        "Visa ending in 4242",
        "was captured",
        "Entry 1 of the ledger",
        "pi_lunch",
        "The till was told: paid",
        "Sam asked to give USD\N{NO-BREAK SPACE}5.00 back",
        "Goodwill",
        "USD\N{NO-BREAK SPACE}5.00 was given back to the card",
        "Entry 2 of the ledger",
    )
    places = [way.find(words) for words in steps]
    assert -1 not in places
    assert places == sorted(places)
    assert PHONE[-7:] not in page
    assert row.person_id
    assert row.person_id not in page
    assert "Give money back" not in page


async def test_an_auditor_sees_a_refund_that_came_back_where_it_came_back(portal: Portal):
    await add_kiosk(portal)
    row = await sell(portal)
    given = await portal.refund(row, 500, outcome="failed", failure_reason="lost_or_stolen_card")
    for kind, debit, credit in (
        ("refund", "refunds", "cards receivable"),
        ("refund-failed", "cards receivable", "refunds"),
    ):
        portal.pass_time(timedelta(days=1))
        entry = LedgerRow(
            merchant_id="first",
            purchase_id=SALE,
            kind=kind,
            subject=given.id,
            debit=debit,
            credit=credit,
            minor=500,
            currency="USD",
            at=portal.now,
        )
        await portal.add(entry)
    page = (await (await member_of(portal, Role.AUDITOR)).open(PAGE)).text
    steps = (
        "asked to give USD\N{NO-BREAK SPACE}5.00 back",
        "USD\N{NO-BREAK SPACE}5.00 was given back to the card",
        "USD\N{NO-BREAK SPACE}5.00 did not reach the card and came back to the merchant",
        "lost_or_stolen_card",
    )
    places = [page.find(words) for words in steps]
    assert -1 not in places
    assert places == sorted(places)


async def test_what_was_not_paid_says_so_and_is_not_given_back(portal: Portal):
    await add_kiosk(portal)
    member = await clerk(portal)
    for outcome, words in (
        ("declined", "bank declined"),
        ("not_paid", "Nothing was charged"),
        ("pending", "The payment is not finished"),
    ):
        path = f"/console/sales/{outcome}"
        await sell(portal, id=outcome, reference=outcome, outcome=outcome)
        page = await member.open(path)
        assert words in page.text
        assert "What the till was told is not reported yet" in page.text
        assert "/refund" not in page.text
        assert (await member.open(f"{path}/refund")).status_code == 409


async def test_of_whom_was_deleted_a_sale_says_that_nothing_leads_to_their_card(portal: Portal):
    await add_kiosk(portal)
    await sell(portal, payment=None)
    page = (await (await clerk(portal)).open(PAGE)).text
    assert "nothing leads to their card any more" in page
    assert "name for it was deleted" in page


# Giving back


async def test_money_is_given_back_once_however_often_the_form_is_sent(portal: Portal, bank: Bank):
    await add_kiosk(portal)
    await sell(portal)
    member = await clerk(portal)
    fields, page = await give(member, "5,00")
    assert page.url.path == PAGE
    assert "Given back in part" in page.text
    again = await member.browser.post(f"{PAGE}/refund/give", fields)
    assert again.url.path == PAGE
    assert list(bank.given.values()) == [500]
    other = await member.browser.post(f"{PAGE}/refund/give", {**fields, "amount": "1.00"})
    assert "Something else was given back with this form" in other.text
    (row,) = await kept(portal)
    assert (row.device_id, row.reason, row.outcome) == (member.member.id, "goodwill", "refunded")
    owner = await member_of(portal, Role.MERCHANT, "first")
    noted = [each for each in await trail(owner) if each["act"] == "give money back"]
    assert [(each["who"], each["subject"], each["details"]) for each in noted] == [
        (
            member.member.id,
            SALE,
            {"amount": "5.00 USD", "reason": "goodwill", "refund": row.id},
        )
    ]
    await give(owner, "7.50")
    assert sorted(bank.given.values()) == [500, 750]
    assert (await owner.open(f"{PAGE}/refund")).status_code == 409


async def test_what_cannot_be_given_back_is_told_before_anything_is_done(
    portal: Portal, bank: Bank
):
    await add_kiosk(portal)
    await sell(portal)
    member = await clerk(portal)
    for fields, words in (
        *(({"amount": amount}, "The amount must be above zero") for amount in WRONG),
        ({"reason": ""}, "Choose why"),
        ({"reason": "because Alex has asked for it"}, "Choose why"),
    ):
        sent = {"amount": "5.00", "reason": "returned", "key": "k" * 32} | fields
        page = await member.post(f"{PAGE}/refund", **sent)
        assert page.status_code == 422
        assert words in page.text
        # Nor by the second form alone.
        answer = await member.post(f"{PAGE}/refund/give", **sent)
        assert answer.status_code in (400, 422)
    assert await kept(portal) == []
    _, page = await give(member, "5.01")
    assert page.status_code == 422
    assert "This amount cannot be given back now" in page.text
    assert await kept(portal) == []


async def test_a_refund_waits_for_a_provider_that_is_away(portal: Portal, bank: Bank):
    await add_kiosk(portal)
    await sell(portal)
    member = await clerk(portal)
    bank.is_away = True
    _, page = await give(member, "12.50")
    assert "is being given back" in page.text
    bank.is_away = False
    await refunds.settle_refunds(portal.context)
    assert "was given back to the card" in (await member.open(PAGE)).text


# Files and commands


async def test_sales_are_exported_as_text_that_no_spreadsheet_runs(portal: Portal):
    await add_kiosk(portal, name="=HYPERLINK(1)")
    await sell(portal, told="approved")
    member = await member_of(portal, Role.MERCHANT, "first")
    sold = f"{SALES}?reference={SOLD}"
    answer = await member.submit(sold, sold.replace("sales", "sales.csv"))
    assert answer.headers["content-type"].startswith("text/csv")
    (row,) = csv.DictReader(io.StringIO(answer.text.removeprefix("\N{ZERO WIDTH NO-BREAK SPACE}")))
    assert row == {
        "time": "2026-11-29T12:00:00+00:00",
        "merchant": "Corner Shop",
        "site": "Shop",
        "kiosk": "'=HYPERLINK(1)",
        "reference": SOLD,
        "amount": "12.50",
        "refunded": "0.00",
        "currency": "USD",
        "state": "paid",
        "reason": "",
        "till_was_told": "approved",
        "card": "visa",
        "card_last4": "4242",
        "sale": SALE,
    }
    await member.post(f"{SALES}.csv?reference=Alex+Doe&state=paid")
    noted = [each for each in await trail(member) if each["act"] == "export sales"]
    assert [each["details"] for each in noted] == [
        {"reference": SOLD},
        {"state": "paid", "reference": "unknown"},
    ]


async def test_too_many_sales_for_one_file_are_to_be_chosen_from(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("cloud.console.sales.MOST", 0)
    await add_kiosk(portal)
    await sell(portal)
    answer = await (await clerk(portal)).post(f"{SALES}.csv?when=2026-11")
    assert answer.status_code == 409
    assert "too many for one" in answer.text
    merchant = await member_of(portal, Role.MERCHANT, "first")
    assert "too many for one" in (await merchant.submit(SALES, f"{SALES}/export")).text


async def test_one_alone_takes_the_sales_of_one_site_in_one_month_a_few_times_a_day(portal: Portal):
    await add_kiosk(portal)
    await sell(portal)
    shop = await site_of(portal, "first")
    merchant = await member_of(portal, Role.MERCHANT, "first")
    manager = await clerk(portal)
    file = f"{SALES}.csv"
    here = f"{file}?where=site+{shop}&when=2026-11"
    for member, wide in (
        (merchant, ""),
        (merchant, "?where=merchant+first&when=2026-11"),
        (merchant, f"?where=site+{shop}"),
        (manager, ""),
        (manager, "?state=paid"),
    ):
        answer = await member.post(f"{file}{wide}")
        assert answer.status_code == 409, wide
        assert "one person alone may export only" in answer.text
    assert "Choose a day or a month above" in (await manager.open(SALES)).text
    for member, few in (
        (merchant, here),
        (merchant, f"{file}?where=device+{KIOSK}&when=2026-11-29"),
        (manager, f"{file}?when=2026-11"),
    ):
        assert SOLD in (await member.post(few)).text
    for _ in range(FILES_ALONE - 1):
        assert (await manager.post(here)).status_code == 200
    refused: list[httpx.Response] = []
    for member, then in ((manager, "Try again tomorrow"), (merchant, "Ask below")):
        refused = [await member.post(here) for _ in range(FILES_ALONE)]
        assert refused[-1].status_code == 409
        assert f"you have exported {FILES_ALONE} within a day" in refused[-1].text
        assert then in refused[-1].text
    asking = f"{SALES}/export?where=site+{shop}&when=2026-11"
    asked = await merchant.browser.submit(refused[-1], asking)
    assert "Corner Shop: those of November 2026 at Shop" in asked.text
    portal.pass_time(timedelta(days=1))
    await manager.sign_in()
    assert (await manager.post(here)).status_code == 200
    # A link on another site uses nothing up.
    assert (await manager.open(here)).status_code == 404


async def test_who_sees_one_site_asks_nobody_for_more(portal: Portal):
    await add_kiosk(portal)
    await sell(portal)
    manager = await clerk(portal)
    assert f"{SALES}/export" not in forms(await manager.open(SALES))
    assert (await manager.post(f"{SALES}/export")).status_code == 404
