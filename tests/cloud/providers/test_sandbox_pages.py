"""The sandbox's pages: what they tell the service is what Stripe's Checkout tells."""

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime

import httpx
import pytest

from cloud.providers import CardSaved, HolderAsked, HostedPage, PageLapsed, PageOpen
from cloud.providers.sandbox import SandboxProvider
from cloud.providers.sandbox_pages import Pages
from tests.support.stripe_api import PAYMENT, Answer, StripeApi, error, intent, listing

pytestmark = pytest.mark.anyio

VISA, ASKED, DECLINES = "4242 4242 4242 4242", "4000002760003184", "4000000000000002"
NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
METHOD = Answer(200, {"id": "pm_1", "object": "payment_method"})


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def api() -> Iterator[StripeApi]:
    with StripeApi() as api:
        api.will("GET /customers?limit=100", listing(url="/customers"))
        customer = {"id": "cus_1", "object": "customer", "metadata": {"reference": "ours"}}
        api.will("POST /customers", Answer(200, customer))
        api.will("POST /payment_methods", METHOD)
        api.will("POST /payment_methods/pm_1/attach", METHOD)
        api.will("POST /payment_methods/pm_1/detach", METHOD)
        api.will("DELETE /customers/cus_1", Answer(200, customer))
        yield api


@pytest.fixture
async def provider(api: StripeApi) -> AsyncIterator[SandboxProvider]:
    pages = Pages(0, api.url)
    pages.start()
    provider = SandboxProvider(api.url, pages.url)
    yield provider
    await provider.close()
    pages.stop()


async def typed(page: HostedPage, **form: str) -> httpx.Response:
    async with httpx.AsyncClient(trust_env=False, verify=False) as phone:
        return await phone.post(page.url, data=form)


async def test_a_card_that_is_typed_on_the_page_is_saved(provider: SandboxProvider):
    page = await provider.open_page("ours")
    assert await provider.look_at_page(page.name) == PageOpen()
    answer = await typed(page, number=VISA, name="Alex Doe")
    assert answer.status_code == 303
    saved = await provider.look_at_page(page.name)
    assert isinstance(saved, CardSaved)
    assert (saved.kept.card.brand, saved.kept.card.last4) == ("visa", "4242")
    assert (saved.kept.customer, saved.kept.method, saved.holder) == ("cus_1", "pm_1", "Alex Doe")


async def test_the_bank_asks_the_holder_on_the_page(provider: SandboxProvider):
    page = await provider.open_page("ours")
    assert "Your bank asks" in (await typed(page, number=ASKED)).text
    assert await provider.look_at_page(page.name) == PageOpen()
    await typed(page, bank="no")
    assert await provider.look_at_page(page.name) == PageOpen()
    await typed(page, number=ASKED)
    await typed(page, bank="yes")
    assert isinstance(await provider.look_at_page(page.name), CardSaved)


async def test_after_a_card_that_is_declined_another_can_be_typed(
    api: StripeApi, provider: SandboxProvider
):
    page = await provider.open_page("ours")
    api.will("POST /payment_methods/pm_1/attach", error(402, "card_error"), METHOD)
    assert "Declined" in (await typed(page, number=DECLINES)).text
    assert await provider.look_at_page(page.name) == PageOpen()
    await typed(page, number=VISA)
    assert isinstance(await provider.look_at_page(page.name), CardSaved)


@pytest.mark.parametrize("number", ["", "1234", "<script>"])
async def test_only_test_cards_are_taken_and_nothing_typed_is_shown_again(
    provider: SandboxProvider, number: str
):
    page = await provider.open_page("ours")
    answer = await typed(page, number=number)
    assert "Not a test card" in answer.text
    assert "<script>" not in answer.text
    assert await provider.look_at_page(page.name) == PageOpen()


async def test_a_page_that_was_asked_for_twice_is_one(provider: SandboxProvider):
    assert await provider.open_page("ours") == await provider.open_page("ours")


async def test_what_is_forgotten_is_shut_first(api: StripeApi, provider: SandboxProvider):
    page = await provider.open_page("ours")
    customer = Answer(200, {"id": "cus_1", "object": "customer", "metadata": {"reference": "ours"}})
    api.will("GET /customers?limit=100", listing(customer, url="/customers"))
    api.will("GET /payment_methods?customer=cus_1&type=card", listing(url="/payment_methods"))
    await provider.forget_kept("ours", NOW)
    assert await provider.look_at_page(page.name) == PageLapsed()
    assert (await typed(page, number=VISA)).status_code == 404


async def test_a_page_of_before_a_restart_has_lapsed(provider: SandboxProvider):
    assert await provider.look_at_page("cs_test_of_before") == PageLapsed()


# Payments that the bank wants to be confirmed


PAYMENT_TOLD = f"GET /payment_intents/{PAYMENT}"
ANSWERED = f"POST /payment_intents/{PAYMENT}/_authenticate"
ASKS = intent("requires_action", client_secret="a secret")


@pytest.mark.parametrize(("bank", "told"), [("yes", "true"), ("no", "false")])
async def test_the_cards_holder_answers_the_bank_on_a_page(
    api: StripeApi, provider: SandboxProvider, bank: str, told: str
):
    api.will(PAYMENT_TOLD, ASKS)
    api.will(ANSWERED, intent("succeeded"))
    asked = await provider.finish(PAYMENT, asks_holder=True)
    assert isinstance(asked, HolderAsked)
    async with httpx.AsyncClient(trust_env=False, verify=False) as phone:
        page = await phone.get(asked.url)
        assert "Your bank asks" in page.text
        answer = await phone.post(asked.url, data={"bank": bank})
        assert (answer.status_code, answer.headers["location"]) == (303, "/saved")
        assert "Look at the kiosk" in (await phone.post(answer.url.join("/saved"))).text
    (fields,) = [fields for request, fields in api.asked if request == ANSWERED]
    assert fields == {"client_secret": "a secret", "success": told}


@pytest.mark.parametrize("found", [intent("canceled"), error(404, "invalid_request_error")])
async def test_the_page_of_a_payment_that_has_ended_is_closed(
    api: StripeApi, provider: SandboxProvider, found: Answer
):
    api.will(PAYMENT_TOLD, ASKS)
    asked = await provider.finish(PAYMENT, asks_holder=True)
    assert isinstance(asked, HolderAsked)
    api.will(PAYMENT_TOLD, found)
    async with httpx.AsyncClient(trust_env=False, verify=False) as phone:
        for answer in (await phone.get(asked.url), await phone.post(asked.url)):
            assert answer.status_code == 404
    assert ANSWERED not in api.requests
