"""Cards that are saved by phone: pages of the provider's, and the events that it sends."""

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from cloud.jobs.errands import run_errands
from cloud.keys.persons import erase_person, find_person
from cloud.outbox.tables import Errand
from cloud.payments import card_pages, webhooks
from cloud.payments.card_pages import LAPSED, OPEN, SAVED, NoSuchPage
from cloud.payments.tables import WebhookRow
from cloud.policy import CARD_PAGE_LIFE, WEBHOOK_MEMORY
from cloud.providers import ProviderUnavailable
from cloud.web.limits import DRAINED
from protocol.messages import CardPage
from tests.support.shelf import SECRET, Shelf, shelf
from tests.support.stripe_api import PAGE, Answer, StripeApi, checkout, error, listing, signed

pytestmark = pytest.mark.anyio

OPENS, LOOKS = (
    "POST /checkout/sessions",
    f"GET /checkout/sessions/{PAGE}?expand[0]=setup_intent.payment_method",
)
METHOD: dict[str, Any] = {
    "id": "pm_1",
    "object": "payment_method",
    "card": {"brand": "visa", "last4": "4242"},
    "billing_details": {"name": "Alex Doe"},
}
COMPLETED = {
    "id": "evt_1",
    "type": "checkout.session.completed",
    "data": {"object": {"id": PAGE, "customer_details": {"email": "alex@example.com"}}},
}


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def api() -> Any:
    with StripeApi() as api:
        made = {"id": "cus_1", "object": "customer", "metadata": {}}
        api.will("POST /customers", Answer(200, made))
        api.will(OPENS, checkout("open", url="https://checkout.test/c/1"))
        api.will(LOOKS, checkout("open"))
        yield api


@pytest.fixture
async def books(tmp_path: Path, api: StripeApi) -> AsyncIterator[Shelf]:
    async with shelf(tmp_path, api) as books:
        yield books


@pytest.fixture
async def person(books: Shelf) -> str:
    return await books.person()


async def opened(books: Shelf, person_id: str) -> CardPage:
    async with books.database.session() as session:
        person = await find_person(session, books.master, person_id)
        page = await card_pages.open_page(books.context, session, person)
        await session.commit()
    return page


async def looked(books: Shelf, page: CardPage, person_id: str | None = None) -> str:
    async with books.database.session() as session:
        state = await card_pages.look_at(books.context, session, page.page_id, person_id)
        await session.commit()
    return state


async def sent(
    books: Shelf, event: dict[str, Any], secret: str = SECRET, age_s: int = 0
) -> httpx.Response:
    body, headers = signed(event, secret, age_s=age_s)
    return await posted(books, body, headers)


async def posted(
    books: Shelf, body: bytes, headers: dict[str, str], path: str = "/v1/webhooks/stripe"
) -> httpx.Response:
    transport = httpx.ASGITransport(books.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
        return await client.post(path, content=body, headers=headers)


def all_of(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in folder.iterdir())


def forgets(api: StripeApi) -> None:
    """Has Stripe answer what forgets the customer of the page."""
    customer = Answer(200, {"id": "cus_1", "object": "customer", "metadata": {}})
    api.will("DELETE /customers/cus_1", customer)
    api.will(
        "GET /checkout/sessions?customer=cus_1&status=open&limit=100",
        listing(checkout("open"), url="/checkout/sessions"),
    )
    api.will(f"POST /checkout/sessions/{PAGE}/expire", checkout("expired"))
    api.will("GET /payment_methods?customer=cus_1&type=card", listing(url="/payment_methods"))


async def run_due_errands(books: Shelf, api: StripeApi) -> None:
    """Runs the errands; the customer with the reference of the page is listed."""
    fields = dict(next(fields for request, fields in api.asked if request == "POST /customers"))
    reference = fields["metadata[reference]"]
    since = int((books.clock() - books.ahead - timedelta(minutes=5)).timestamp())
    made = Answer(200, {"id": "cus_1", "object": "customer", "metadata": {"reference": reference}})
    api.will(f"GET /customers?limit=100&created[gte]={since}", listing(made, url="/customers"))
    forgets(api)
    await run_errands(books.context)


# Pages


async def test_a_page_is_open_until_a_card_is_saved_on_it(
    books: Shelf, api: StripeApi, person: str
):
    page = await opened(books, person)
    assert page.url == "https://checkout.test/c/1"
    assert page.expires_at == books.clock() + CARD_PAGE_LIFE
    assert await looked(books, page) == OPEN
    api.will(LOOKS, checkout("complete", METHOD))
    assert await looked(books, page) == SAVED
    (card,) = await books.cards(person)
    assert (card.brand, card.last4, card.holder) == ("visa", "4242", "Alex Doe")
    assert (card.customer, card.method) == ("cus_1", "pm_1")
    assert await books.count(Errand) == 0, "the card is kept, and nothing undoes it"


async def test_a_page_only_saves_cards_and_has_the_bank_ask_there(
    books: Shelf, api: StripeApi, person: str
):
    await opened(books, person)
    (fields,) = [fields for request, fields in api.asked if request == OPENS]
    assert fields["mode"] == "setup"
    assert fields["customer"] == "cus_1"
    assert fields["success_url"] == "https://shop.test/saved"
    assert person not in json.dumps(api.asked), "Stripe hears nothing that leads to the person"


async def test_a_page_lapses_and_what_was_made_for_it_is_forgotten(
    books: Shelf, api: StripeApi, person: str
):
    page = await opened(books, person)
    books.ahead = CARD_PAGE_LIFE
    assert await looked(books, page) == LAPSED
    await run_due_errands(books, api)
    asked = api.requests
    assert asked.index(f"POST /checkout/sessions/{PAGE}/expire") < asked.index(
        "DELETE /customers/cus_1"
    )


async def test_a_page_that_the_provider_does_not_know_any_more_lapses(
    books: Shelf, api: StripeApi, person: str
):
    page = await opened(books, person)
    api.will(LOOKS, error(404, "invalid_request_error"))
    api.will(
        LOOKS, Answer(404, {"error": {"type": "invalid_request_error", "code": "resource_missing"}})
    )
    assert await looked(books, page) == LAPSED


async def test_another_page_takes_the_place_of_the_first(books: Shelf, api: StripeApi, person: str):
    first = await opened(books, person)
    second = await opened(books, person)
    api.will(LOOKS, checkout("complete", METHOD))
    assert await looked(books, first) == LAPSED
    assert await looked(books, second) == SAVED


async def test_a_page_of_somebody_else_is_not_told(books: Shelf, person: str):
    page = await opened(books, person)
    with pytest.raises(NoSuchPage):
        await looked(books, page, await books.person())


async def test_a_sign_up_that_is_given_up_leaves_no_customer_at_the_provider(
    books: Shelf, api: StripeApi, person: str
):
    page = await opened(books, person)
    async with books.database.session() as session:
        await card_pages.shut_pages(books.context, session, person)
        await erase_person(session, person)
        await session.commit()
    with pytest.raises(NoSuchPage):
        await looked(books, page)
    await run_due_errands(books, api)
    assert "DELETE /customers/cus_1" in api.requests


async def test_a_provider_that_does_not_answer_leaves_the_page_open(
    books: Shelf, api: StripeApi, person: str
):
    page = await opened(books, person)
    api.will(LOOKS, error(500, "api_error"))
    with pytest.raises(ProviderUnavailable):
        await looked(books, page)
    api.will(LOOKS, checkout("complete", METHOD))
    assert await looked(books, page) == SAVED


async def test_the_number_of_a_card_that_was_typed_as_a_name_is_not_stored(
    books: Shelf, api: StripeApi, person: str
):
    page = await opened(books, person)
    mistyped = {**METHOD, "billing_details": {"name": "4242 4242 4242 4242"}}
    api.will(LOOKS, checkout("complete", mistyped))
    assert await looked(books, page) == SAVED
    (card,) = await books.cards(person)
    assert card.holder is None


# Events


async def test_an_event_has_the_page_looked_at(books: Shelf, api: StripeApi, person: str):
    page = await opened(books, person)
    api.will(LOOKS, checkout("complete", METHOD))
    assert (await sent(books, COMPLETED)).status_code == 204
    assert books.woken == 1
    await webhooks.apply_webhooks(books.context)
    assert len(await books.cards(person)) == 1
    assert await looked(books, page) == SAVED


async def test_an_event_is_stored_once_and_applied_once(books: Shelf, api: StripeApi, person: str):
    await opened(books, person)
    api.will(LOOKS, checkout("complete", METHOD))
    for _ in range(3):
        assert (await sent(books, COMPLETED)).status_code == 204
        await webhooks.apply_webhooks(books.context)
    assert await books.count(WebhookRow) == 1
    assert api.requests.count(LOOKS) == 1


@pytest.mark.parametrize("first", ["completed", "expired"])
async def test_events_are_applied_in_any_order(
    books: Shelf, api: StripeApi, person: str, first: str
):
    page = await opened(books, person)
    api.will(LOOKS, checkout("complete", METHOD))
    second = {"completed": "expired", "expired": "completed"}[first]
    for number, kind in enumerate((first, second)):
        event = {**COMPLETED, "id": f"evt_{number}", "type": f"checkout.session.{kind}"}
        assert (await sent(books, event)).status_code == 204
        await webhooks.apply_webhooks(books.context)
    assert await looked(books, page) == SAVED, "what counts is how the page is now"


@pytest.mark.sqlite
async def test_what_an_event_tells_of_the_shopper_is_not_kept(
    books: Shelf, tmp_path: Path, person: str
):
    await sent(books, COMPLETED)
    await books.database.forget_erased()
    stored = all_of(tmp_path)
    assert b"evt_1" in stored
    assert b"alex@example.com" not in stored


async def test_an_event_waits_for_a_provider_that_does_not_answer(
    books: Shelf, api: StripeApi, person: str
):
    await opened(books, person)
    await sent(books, COMPLETED)
    api.will(LOOKS, error(500, "api_error"))
    await webhooks.apply_webhooks(books.context)
    assert await books.cards(person) == []
    api.will(LOOKS, checkout("complete", METHOD))
    books.ahead = timedelta(seconds=webhooks.FIRST_PAUSE_S)
    await webhooks.apply_webhooks(books.context)
    assert len(await books.cards(person)) == 1


@pytest.mark.parametrize("answer", [error(500, "api_error"), Answer(200, {})], ids=["away", "odd"])
async def test_an_event_that_waits_is_tried_again_after_a_growing_pause(
    books: Shelf, api: StripeApi, person: str, answer: Answer
):
    await opened(books, person)
    await sent(books, COMPLETED)
    tried_at: list[float] = []
    for second in range(130):
        books.ahead = timedelta(seconds=second)
        before = len(api.requests)
        api.will(LOOKS, answer)
        await webhooks.apply_webhooks(books.context)
        tried_at += [second] if len(api.requests) > before else []
    assert tried_at == [0, 2, 6, 14, 30, 62, 126]


@pytest.mark.parametrize(
    "event",
    [
        {**COMPLETED, "type": "customer.created"},
        {"id": "evt_1", "type": "checkout.session.completed"},
        {},
    ],
    ids=["unknown", "about nothing", "empty"],
)
async def test_an_event_that_nobody_needs_is_answered_and_not_stored(
    books: Shelf, event: dict[str, Any]
):
    assert (await sent(books, event)).status_code == 204
    assert await books.count(WebhookRow) == 0


async def test_an_event_about_a_page_that_nobody_knows_is_put_aside(books: Shelf):
    await sent(books, COMPLETED)
    await webhooks.apply_webhooks(books.context)
    assert await books.count(WebhookRow) == 1


@pytest.mark.parametrize(
    ("body", "header"),
    [
        (b"{}", {}),
        (b"{}", {"stripe-signature": ""}),
        (b"{}", {"stripe-signature": "t=now,v1=00"}),
        (b"{}", {"stripe-signature": "t=1,v1=00"}),
        (b"\xff\xfe", {"stripe-signature": "t=1,v1=00"}),
    ],
)
async def test_what_is_not_signed_is_refused_and_not_stored(
    books: Shelf, body: bytes, header: dict[str, str]
):
    answer = await posted(books, body, header)
    assert answer.status_code == 400
    assert answer.json()["type"].endswith("bad-signature")
    assert await books.count(WebhookRow) == 0


async def test_an_event_signed_with_another_secret_or_too_long_ago_is_refused(books: Shelf):
    assert (await sent(books, COMPLETED, "whsec_other")).status_code == 400
    assert (await sent(books, COMPLETED, age_s=301)).status_code == 400
    assert (await sent(books, COMPLETED, age_s=200)).status_code == 204
    assert await books.count(WebhookRow) == 1


async def test_an_event_whose_body_was_changed_is_refused(books: Shelf):
    body, headers = signed(COMPLETED, SECRET)
    changed = body.replace(b"evt_1", b"evt_2")
    assert (await posted(books, changed, headers)).status_code == 400


async def test_an_event_that_is_too_large_is_refused(books: Shelf):
    assert webhooks.MAX_EVENT < DRAINED
    answer = await posted(books, bytes(webhooks.MAX_EVENT + 1), {})
    assert answer.status_code == 413


async def test_events_of_another_provider_are_not_listened_to(books: Shelf):
    body, headers = signed(COMPLETED, SECRET)
    answer = await posted(books, body, headers, "/v1/webhooks/another")
    assert answer.status_code == 404


async def test_an_event_is_forgotten_when_the_provider_repeats_it_no_more(books: Shelf):
    await sent(books, COMPLETED)
    async with books.database.session() as session:
        await webhooks.forget_expired(session, books.clock() + WEBHOOK_MEMORY)
        await session.commit()
    assert await books.count(WebhookRow) == 0
