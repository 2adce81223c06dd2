"""What people have bought: shown, filtered and taken along."""

import csv
import io
import json
import re
from datetime import timedelta

import pytest

from cloud.portal.history import PAGE
from cloud.web.language import decimal
from protocol.entry import EntryRefusal
from tests.support.portal import Portal

pytestmark = pytest.mark.anyio

PHONE, OTHER = "+14155550123", "+14155550124"


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))


async def test_every_purchase_and_refund_is_shown_with_what_became_of_it(portal: Portal):
    person = await portal.account(PHONE)
    bought = await portal.buy(person, 123_456)
    for outcome in ("declined", "not_paid", "pending"):
        portal.pass_time(timedelta(minutes=1))
        await portal.buy(person, outcome=outcome)
    for outcome in ("refunded", "failed", "pending"):
        await portal.refund(bought, 250, outcome=outcome)
    browser = portal.browser()
    await browser.sign_in(PHONE)
    page = (await browser.open("/portal/history")).text
    for words in (
        "USD\N{NO-BREAK SPACE}1,234.56",
        "29 November 2026, 12:03 UTC",
        "Visa •••• 4242",
        "Corner Shop",
        ">Paid<",
        "Declined by",
        "Not paid",
        "Being paid",
        "Given back",
        "Could not be given back",
        "Being given back",
    ):
        assert words in page
    assert page.index("12:03 UTC") < page.index("12:00 UTC")


async def test_doors_are_shown_with_their_site_and_what_became_of_whoever_came(portal: Portal):
    person = await portal.account(PHONE)
    await portal.pass_door(person, "North gate", passed=True)
    await portal.pass_door(person, "North gate", passed=False)
    await portal.pass_door(person, "Lab", refusal=EntryRefusal.CLOSED)
    browser = portal.browser()
    await browser.sign_in(PHONE)
    page = (await browser.open("/portal/history")).text
    for words in ("<bdi>Shop</bdi>", "<bdi>North gate</bdi>", ">Passed<", ">Not let pass<"):
        assert words in page
    assert "Refused: not at this hour" in page
    told = json.loads((await browser.open("/portal/history.json")).text)
    assert {(use["kind"], use["site"], use["reference"], use["outcome"]) for use in told} == {
        ("door", "Shop", "North gate", "passed"),
        ("door", "Shop", "North gate", "not_passed"),
        ("door", "Shop", "Lab", "closed"),
    }


async def test_nobody_sees_what_others_have_bought(portal: Portal):
    await portal.account(PHONE)
    other = await portal.account(OTHER)
    await portal.refund(await portal.buy(other, 9900), 700)
    browser = portal.browser()
    await browser.sign_in(PHONE)
    for page in ("history", "history.csv", "history.json"):
        answer = (await browser.open(f"/portal/{page}?merchant=first")).text
        assert "99.00" not in answer
        assert "7.00" not in answer


async def test_purchases_are_filtered_by_merchant_and_month(portal: Portal):
    person = await portal.account(PHONE)
    florist = await portal.merchant("Florist", agreed_by=person)
    await portal.buy(person, 100)
    portal.pass_time(timedelta(seconds=1))
    await portal.buy(person, 200, merchant_id=florist)
    portal.pass_time(timedelta(days=31))
    await portal.buy(person, 300, merchant_id=florist)
    browser = portal.browser()
    await browser.sign_in(PHONE)

    async def amounts(query: str) -> list[str]:
        answer = await browser.open(f"/portal/history.csv?{query}")
        page = await browser.open(f"/portal/history?{query}")
        found = [row["amount"] for row in rows(answer.text)]
        assert re.findall(r"USD\s([0-9.]+)</strong>", page.text) == found
        return found

    assert await amounts("") == ["3.00", "2.00", "1.00"]
    assert await amounts(f"merchant={florist}") == ["3.00", "2.00"]
    assert await amounts("month=2026-11") == ["2.00", "1.00"]
    assert await amounts(f"month=2026-12&merchant={florist}") == ["3.00"]
    assert await amounts("merchant=unknown") == []
    page = (await browser.open("/portal/history?month=2026-11")).text
    assert '<option value="2026-11" selected>November 2026' in page
    assert '<option value="2026-12">December 2026' in page


@pytest.mark.parametrize(
    "query",
    [
        "month=2026-13",
        "month=0000-01",
        "month=9999-12",
        "month=x",
        "month='--",
        "before=x",
        "before=1-2",
        f"before=999999999999999-{'0' * 32}",
    ],
)
async def test_a_filter_that_is_none_is_refused(portal: Portal, query: str):
    await portal.account(PHONE)
    browser = portal.browser()
    await browser.sign_in(PHONE)
    assert (await browser.open(f"/portal/history?{query}")).status_code == 404


async def test_a_long_history_has_pages_and_every_purchase_is_on_one_of_them(portal: Portal):
    person = await portal.account(PHONE)
    count = 2 * PAGE + 7
    # Those of the same moment must be told apart as well.
    for minor in range(1, count + 1):
        await portal.buy(person, minor)
    browser = portal.browser()
    await browser.sign_in(PHONE)
    seen: list[str] = []
    place = "/portal/history?merchant=first"
    for _ in range(3):
        page = (await browser.open(place)).text
        seen += re.findall(r"USD\s([0-9.]+)</strong>", page)
        older = re.search(r'href="([^"]+before[^"]+)">Older', page)
        place = older[1].replace("&amp;", "&") if older else ""
    assert place == ""
    assert sorted(seen) == sorted(decimal(minor, "USD") for minor in range(1, count + 1))
    assert len(rows((await browser.open("/portal/history.csv")).text)) == count


async def test_a_history_is_taken_along_as_a_table_and_as_json(portal: Portal):
    person = await portal.account(PHONE)
    bought = await portal.buy(person, 1250, reference="till-0001")
    browser = portal.browser()
    await browser.sign_in(PHONE)
    table = await browser.open("/portal/history.csv")
    document = await browser.open("/portal/history.json")
    assert table.headers["content-type"] == "text/csv; charset=utf-8"
    assert document.headers["content-type"] == "application/json"
    for answer in (table, document):
        assert answer.headers["content-disposition"].startswith("attachment; ")
        assert answer.headers["cache-control"] == "no-store"
    assert rows(table.text) == json.loads(document.text)
    assert rows(table.text) == [
        {
            "time": bought.at.isoformat(),
            "kind": "purchase",
            "merchant": "Corner Shop",
            "site": "Shop",
            "amount": "12.50",
            "currency": "USD",
            "outcome": "approved",
            "card": "visa",
            "card_last4": "4242",
            "reference": "till-0001",
        }
    ]


async def test_a_merchants_name_is_no_formula_in_a_table(portal: Portal):
    person = await portal.account(PHONE)
    for name in ('=HYPERLINK("//evil.example")', "+1", "-1", "@SUM(A1)", "\t=1"):
        merchant = await portal.merchant(name)
        await portal.buy(person, merchant_id=merchant)
    browser = portal.browser()
    await browser.sign_in(PHONE)
    names = [row["merchant"] for row in rows((await browser.open("/portal/history.csv")).text)]
    assert len(names) == 5
    assert all(name.startswith("'") for name in names)
