"""Events that are odd or hostile: none stops the others, and none leaves a trace."""

import time
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_hex
from typing import Any

import httpx
import pytest
import stripe
from sqlalchemy import select

from cloud.keys.persons import find_person
from cloud.payments import webhooks
from cloud.payments.cards import ask_to_keep, keep_card
from cloud.payments.tables import WebhookRow
from cloud.providers import CardOnFile
from protocol.messages import Card
from tests.support.shelf import SECRET, Shelf
from tests.support.stripe_api import Answer, StripeApi, error, listing, signed

pytestmark = pytest.mark.anyio

RENEWED = "payment_method.automatically_updated"


async def somebody(books: Shelf, name: str) -> str:
    """Returns a person with a Visa that the provider calls by this name."""
    kept = CardOnFile(Card(brand="visa", last4="4242"), f"cus_{name}", name)
    person_id = await books.person()
    async with books.database.session() as session:
        person = await find_person(session, books.master, person_id)
        await ask_to_keep(session, books.master, name, books.clock())
        await keep_card(session, books.master, person, kept, reference=name, now=books.clock())
        await session.commit()
    return person_id


async def posted(books: Shelf, body: bytes, headers: dict[Any, Any]) -> int:
    transport = httpx.ASGITransport(books.app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
        answer = await client.post("/v1/webhooks/stripe", content=body, headers=headers)
    return answer.status_code


async def hears(books: Shelf, kind: str, about: str) -> None:
    event = {"id": f"evt_{token_hex(8)}", "type": kind, "data": {"object": {"id": about}}}
    assert await posted(books, *signed(event, SECRET)) == 204


def all_of(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in folder.iterdir())


@pytest.mark.parametrize(
    "signature",
    [
        b"",
        b"t=now,v1=00",
        b"v1=00",
        f"t={int(time.time())}".encode(),
        f"t={'9' * 5000},v1=00".encode(),
        f"t={int(time.time())},v1=".encode() + b"\xe9" * 64,
        f"t={int(time.time())},v1=\N{SNOWMAN}".encode(),
    ],
    ids=["none", "no time", "no t", "no v1", "an enormous time", "not ASCII", "UTF-8"],
)
async def test_whatever_stands_in_place_of_a_signature_is_refused_as_a_bad_one(
    books: Shelf, signature: bytes
):
    assert await posted(books, b"{}", {b"stripe-signature": signature}) == 400


@pytest.mark.parametrize("body", ["[" * 60_000, "{", "[]", "null", '{"id": 1}', '{"data": 1}'])
async def test_a_signed_body_that_is_no_event_is_answered_and_not_stored(books: Shelf, body: str):
    header = stripe.WebhookSignature.generate_signature_header(body, SECRET)
    assert await posted(books, body.encode(), {"stripe-signature": header}) == 204
    assert await books.count(WebhookRow) == 0


async def test_a_body_that_is_not_text_is_refused(books: Shelf):
    header = stripe.WebhookSignature.generate_signature_header("\\xff", SECRET)
    assert await posted(books, b"\xff", {"stripe-signature": header}) == 400


async def test_an_event_that_cannot_be_applied_does_not_hold_up_the_others(
    books: Shelf, api: StripeApi
):
    first, other = await somebody(books, "pm_1"), await somebody(books, "pm_2")
    for name, last4 in (("pm_1", "none"), ("pm_2", "4444")):
        card = {"brand": "visa", "last4": last4, "exp_month": 5, "exp_year": 2027}
        body = {"id": name, "object": "payment_method", "card": card}
        api.will(f"GET /payment_methods/{name}", Answer(200, body))
        await hears(books, RENEWED, name)
    await webhooks.apply_webhooks(books.context)
    assert [card.last4 for card in await books.cards(first)] == ["4242"]
    assert [card.last4 for card in await books.cards(other)] == ["4444"]


async def test_a_dispute_that_the_provider_does_not_know_is_asked_for_once(
    books: Shelf, api: StripeApi
):
    api.will("GET /disputes/dp_1", error(404, "invalid_request_error", code="resource_missing"))
    await hears(books, "charge.dispute.created", "dp_1")
    await webhooks.apply_webhooks(books.context)
    await webhooks.apply_webhooks(books.context)
    assert api.requests == ["GET /disputes/dp_1"]


async def test_of_an_applied_event_nothing_is_kept_that_leads_to_a_person(
    books: Shelf, tmp_path: Path
):
    await hears(books, RENEWED, "pm_that_leads_to_somebody")
    await webhooks.apply_webhooks(books.context)
    assert b"pm_that_leads_to_somebody" not in all_of(tmp_path)


async def test_a_key_that_may_not_open_pages_still_has_cards_forgotten(
    books: Shelf, api: StripeApi
):
    since = datetime(2026, 11, 29, tzinfo=UTC)
    made = int(since.timestamp()) - 300
    body = {"id": "cus_1", "object": "customer", "metadata": {"reference": "ours"}}
    customers = listing(Answer(200, body), url="/customers")
    api.will(f"GET /customers?limit=100&created[gte]={made}", customers)
    pages = "GET /checkout/sessions?customer=cus_1&status=open&limit=100"
    api.will(pages, error(403, "invalid_request_error"))
    no_cards = listing(url="/payment_methods")
    api.will("GET /payment_methods?customer=cus_1&type=card", no_cards)
    api.will("DELETE /customers/cus_1", Answer(200, {"id": "cus_1", "deleted": True}))
    await books.payments.forget_kept("ours", since)
    assert api.requests[-1] == "DELETE /customers/cus_1"


async def test_an_event_about_a_page_of_nobody_asks_for_nothing(books: Shelf, api: StripeApi):
    await hears(books, "checkout.session.completed", "cs_test_of_nobody")
    await webhooks.apply_webhooks(books.context)
    async with books.database.session() as session:
        (row,) = (await session.scalars(select(WebhookRow))).all()
    assert (row.applied, row.about) == (True, "")
    assert api.requests == []
