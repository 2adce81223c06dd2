"""Payments that the bank wants the card's holder to confirm, at Stripe."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from cloud.providers import Declined, HolderAsked, NotPaid, Paid, ProviderUnavailable
from cloud.providers.stripe import StripeProvider
from protocol.messages import AUTHENTICATION_REQUIRED
from tests.support.stripe_api import PAYMENT, Answer, StripeApi, error, intent

pytestmark = pytest.mark.anyio

URL, BACK = "https://hooks.test/redirect/authenticate/src_1", "https://shop.test/saved"
TOLD, CONFIRM, CANCEL = (
    f"GET /payment_intents/{PAYMENT}",
    f"POST /payment_intents/{PAYMENT}/confirm",
    f"POST /payment_intents/{PAYMENT}/cancel",
)
NOT_THERE = error(402, "card_error", code=AUTHENTICATION_REQUIRED)
"""What Stripe answers when the holder would have to be there."""
REFUSED: dict[str, Any] = {
    "type": "card_error",
    "code": AUTHENTICATION_REQUIRED,
    "payment_method": {"id": "pm_1", "object": "payment_method"},
}
WAITS = intent("requires_confirmation")
WAS_REFUSED = intent("requires_payment_method", last_payment_error=REFUSED)
ASKS = intent(
    "requires_action",
    next_action={"type": "redirect_to_url", "redirect_to_url": {"url": URL, "return_url": BACK}},
)
FAILED = {"type": "invalid_request_error", "code": "payment_intent_authentication_failure"}


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def api() -> Iterator[StripeApi]:
    with StripeApi() as api:
        api.will(CANCEL, intent("canceled"))
        yield api


@pytest.fixture
async def provider(api: StripeApi) -> AsyncIterator[StripeProvider]:
    provider = StripeProvider("sk_test_1", api.url, return_url=BACK)
    yield provider
    await provider.close()


async def test_what_the_bank_refuses_without_its_holder_is_asked_of_them(
    api: StripeApi, provider: StripeProvider
):
    api.will(TOLD, WAITS, WAS_REFUSED)
    api.will(CONFIRM, NOT_THERE, ASKS)
    assert await provider.finish(PAYMENT, asks_holder=True) == HolderAsked(URL)
    first, second = [fields for request, fields in api.asked if request == CONFIRM]
    assert first == {"off_session": "true"}
    assert second == {"payment_method": "pm_1", "return_url": BACK}
    assert CANCEL not in api.requests


async def test_who_is_asked_is_told_the_same_page_again(api: StripeApi, provider: StripeProvider):
    api.will(TOLD, ASKS)
    for _ in range(2):
        assert await provider.finish(PAYMENT, asks_holder=True) == HolderAsked(URL)
    assert api.requests == [TOLD, TOLD]


async def test_a_service_that_was_killed_before_it_asked_asks_then(
    api: StripeApi, provider: StripeProvider
):
    api.will(TOLD, WAS_REFUSED)
    api.will(CONFIRM, ASKS)
    assert await provider.finish(PAYMENT, asks_holder=True) == HolderAsked(URL)


@pytest.mark.parametrize(
    ("found", "outcome"),
    [
        (intent("succeeded"), Paid()),
        (
            intent("requires_payment_method", last_payment_error=FAILED),
            Declined("payment_intent_authentication_failure"),
        ),
    ],
    ids=["confirmed", "refused"],
)
async def test_what_the_holder_has_answered_is_the_outcome(
    api: StripeApi, provider: StripeProvider, found: Answer, outcome: object
):
    api.will(TOLD, found)
    assert await provider.finish(PAYMENT, asks_holder=True) == outcome
    assert CONFIRM not in api.requests


@pytest.mark.parametrize("found", [ASKS, WAS_REFUSED], ids=["asked", "not asked yet"])
async def test_what_nobody_waits_for_is_cancelled_and_declined(
    api: StripeApi, provider: StripeProvider, found: Answer
):
    api.will(TOLD, found)
    assert await provider.finish(PAYMENT) == Declined(AUTHENTICATION_REQUIRED)
    assert api.requests[-1] == CANCEL


async def test_without_a_page_to_return_to_nobody_is_asked(api: StripeApi):
    provider = StripeProvider("sk_test_1", api.url)
    api.will(TOLD, WAITS, WAS_REFUSED)
    api.will(CONFIRM, NOT_THERE)
    outcome = await provider.finish(PAYMENT, asks_holder=True)
    assert outcome == Declined(AUTHENTICATION_REQUIRED)
    assert api.requests[-1] == CANCEL
    await provider.close()


async def test_a_question_that_has_no_page_is_cancelled(api: StripeApi, provider: StripeProvider):
    api.will(TOLD, intent("requires_action", next_action={"type": "use_stripe_sdk"}))
    outcome = await provider.finish(PAYMENT, asks_holder=True)
    assert outcome == Declined(AUTHENTICATION_REQUIRED)
    assert api.requests[-1] == CANCEL


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (error(402, "card_error", decline_code="lost_card"), Declined("lost_card")),
        (NOT_THERE, Declined(AUTHENTICATION_REQUIRED)),
        (error(403, "invalid_request_error"), NotPaid("permission_error")),
    ],
    ids=["declined", "declined for the same reason", "not allowed"],
)
async def test_a_question_that_cannot_be_asked_is_cancelled(
    api: StripeApi, provider: StripeProvider, answer: Answer, outcome: object
):
    api.will(TOLD, WAITS, WAS_REFUSED)
    api.will(CONFIRM, NOT_THERE, answer)
    assert await provider.finish(PAYMENT, asks_holder=True) == outcome
    assert api.requests[-1] == CANCEL


async def test_a_question_whose_answer_is_lost_leaves_the_payment_open(
    api: StripeApi, provider: StripeProvider
):
    api.will(TOLD, WAITS, WAS_REFUSED)
    api.will(CONFIRM, NOT_THERE, error(500, "api_error"))
    with pytest.raises(ProviderUnavailable):
        await provider.finish(PAYMENT, asks_holder=True)
    assert CANCEL not in api.requests


async def test_another_decline_is_no_question(api: StripeApi, provider: StripeProvider):
    api.will(TOLD, WAITS)
    api.will(CONFIRM, error(402, "card_error", decline_code="insufficient_funds"))
    outcome = await provider.finish(PAYMENT, asks_holder=True)
    assert outcome == Declined("insufficient_funds")
    assert api.requests.count(CONFIRM) == 1
