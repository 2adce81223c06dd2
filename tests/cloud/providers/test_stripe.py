"""What Stripe's answers mean. Only an issuer's refusal is a decline, and every outcome is final."""

import logging
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime

import pytest
import stripe

from cloud.providers import (
    ABANDONED,
    CardOnFile,
    CardRefused,
    Declined,
    NotPaid,
    NotRefunded,
    Paid,
    PaymentRefused,
    ProviderSilent,
    ProviderUnavailable,
    Refunded,
)
from cloud.providers.stripe import StripeProvider
from cloud.providers.stripe_errors import translated_errors
from protocol.messages import AUTHENTICATION_REQUIRED, Card, Money
from tests.support.log_lines import records_here
from tests.support.stripe_api import (
    PAGE,
    PAYMENT,
    Answer,
    StripeApi,
    checkout,
    error,
    intent,
    listing,
    refund,
)

pytestmark = pytest.mark.anyio

CARD = CardOnFile(Card(brand="visa", last4="4242"), "cus_1", "pm_secret")
LUNCH = Money(minor=1250, currency="USD")
TOLD, CONFIRM, CANCEL = (
    f"GET /payment_intents/{PAYMENT}",
    f"POST /payment_intents/{PAYMENT}/confirm",
    f"POST /payment_intents/{PAYMENT}/cancel",
)
DECLINE = error(402, "card_error", code="card_declined", decline_code="insufficient_funds")
LAST_DECLINE = {"type": "card_error", "code": "card_declined", "decline_code": "do_not_honor"}

# What is wrong with the settings, the key or a request, and the code that is told for it.
THE_OPERATORS = {
    "an amount that is too small": (400, "amount_too_small", "amount_too_small"),
    "a currency that is unknown": (400, None, "invalid_request_error"),
    "a key that was revoked": (401, None, "authentication_error"),
    "a key that may not charge": (403, None, "permission_error"),
    "a card that is not there any more": (404, "resource_missing", "resource_missing"),
}


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def api() -> Iterator[StripeApi]:
    with StripeApi() as api:
        yield api


@pytest.fixture
async def provider(api: StripeApi) -> AsyncIterator[StripeProvider]:
    provider = StripeProvider("sk_test_1", api.url)
    yield provider
    await provider.close()


@pytest.fixture(params=THE_OPERATORS.values(), ids=list(THE_OPERATORS))
def the_operators(request: pytest.FixtureRequest) -> tuple[Answer, str]:
    """An error that is the operator's to mend, and the code that is told for it."""
    status, code, told = request.param
    return error(status, "invalid_request_error", code=code, param="amount"), told


# Beginning


async def test_a_payment_is_begun_in_stripes_units(api: StripeApi, provider: StripeProvider):
    api.will("POST /payment_intents", intent("requires_confirmation"))
    assert await provider.begin(Money(minor=5000, currency="UGX"), CARD, "p1") == PAYMENT
    ((_, fields),) = api.asked
    assert (fields["amount"], fields["currency"]) == ("500000", "ugx")


async def test_the_money_of_a_payment_goes_to_the_account_of_its_merchant(
    api: StripeApi, provider: StripeProvider
):
    api.will("POST /payment_intents", intent("requires_confirmation"))
    await provider.begin(LUNCH, CARD, "p1", "acct_shop")
    await provider.begin(LUNCH, CARD, "p2")
    (_, for_merchant), (_, for_operator) = api.asked
    assert for_merchant["on_behalf_of"] == "acct_shop"
    assert for_merchant["transfer_data[destination]"] == "acct_shop"
    assert not {"on_behalf_of", "transfer_data[destination]"} & for_operator.keys()


async def test_the_merchants_account_gives_back_what_it_was_paid(
    api: StripeApi, provider: StripeProvider
):
    made = refund("succeeded", "r1")
    api.will(f"GET /refunds?payment_intent={PAYMENT}&limit=100", listing(url="/refunds"))
    api.will("POST /refunds", made)
    assert await provider.refund(PAYMENT, LUNCH, "r1", "acct_shop") == Refunded()
    assert await provider.refund(PAYMENT, LUNCH, "r1") == Refunded()
    sent = [fields for asked, fields in api.asked if asked == "POST /refunds"]
    assert [fields.get("reverse_transfer") for fields in sent] == ["true", None]


async def test_an_amount_that_stripe_does_not_charge_is_not_begun(
    api: StripeApi, provider: StripeProvider
):
    with pytest.raises(PaymentRefused):
        await provider.begin(Money(minor=30, currency="USD"), CARD, "p1")
    assert not api.asked


async def test_a_request_that_stripe_refuses_is_no_decline_and_the_log_says_why(
    api: StripeApi,
    provider: StripeProvider,
    the_operators: tuple[Answer, str],
    caplog: pytest.LogCaptureFixture,
):
    answer, told = the_operators
    api.will("POST /payment_intents", answer)
    with pytest.raises(PaymentRefused, match=told):
        await provider.begin(LUNCH, CARD, "p1")
    (record,) = records_here(caplog)
    assert record.levelno == logging.ERROR
    assert told in record.message
    assert str(answer.status) in record.message
    assert "req_1" in record.message
    assert "secret" not in record.message


async def test_a_card_that_is_refused_at_the_beginning_is_a_decline(
    api: StripeApi, provider: StripeProvider
):
    api.will("POST /payment_intents", DECLINE)
    with pytest.raises(CardRefused):
        await provider.begin(LUNCH, CARD, "p1")


@pytest.mark.parametrize("status", [409, 429, 500, 503])
async def test_what_passes_by_itself_is_tried_again(
    api: StripeApi, provider: StripeProvider, status: int
):
    api.will("POST /payment_intents", error(status, "api_error"))
    with pytest.raises(ProviderUnavailable):
        await provider.begin(LUNCH, CARD, "p1")


async def test_a_stripe_that_cannot_be_reached_is_silent():
    with pytest.raises(ProviderSilent), translated_errors():
        raise stripe.APIConnectionError("pm_secret")


# Finishing


async def test_a_decline_is_told_with_the_banks_code_and_closed(
    api: StripeApi, provider: StripeProvider
):
    api.will(TOLD, intent("requires_confirmation"))
    api.will(CONFIRM, DECLINE)
    api.will(CANCEL, intent("canceled"))
    assert await provider.finish(PAYMENT) == Declined("insufficient_funds")
    assert api.requests == [TOLD, CONFIRM, CANCEL]


async def test_a_payment_that_stripe_refuses_to_confirm_is_not_paid_and_closed(
    api: StripeApi, provider: StripeProvider, the_operators: tuple[Answer, str]
):
    answer, told = the_operators
    api.will(TOLD, intent("requires_confirmation"))
    api.will(CONFIRM, answer)
    api.will(CANCEL, intent("canceled"))
    assert await provider.finish(PAYMENT) == NotPaid(told)


@pytest.mark.parametrize("status", [409, 429, 500])
async def test_a_payment_is_not_closed_for_what_passes_by_itself(
    api: StripeApi, provider: StripeProvider, status: int
):
    api.will(TOLD, intent("requires_confirmation"))
    api.will(CONFIRM, error(status, "api_error"), intent("succeeded"))
    with pytest.raises(ProviderUnavailable):
        await provider.finish(PAYMENT)
    assert await provider.finish(PAYMENT) == Paid()
    assert CANCEL not in api.requests


async def test_a_payment_that_can_be_neither_confirmed_nor_cancelled_stays_in_doubt(
    api: StripeApi, provider: StripeProvider
):
    revoked = error(401, "invalid_request_error")
    api.will(TOLD, intent("requires_confirmation"))
    api.will(CONFIRM, revoked)
    api.will(CANCEL, revoked)
    with pytest.raises(ProviderUnavailable):
        await provider.finish(PAYMENT)


async def test_a_question_to_the_holder_is_cancelled_before_it_is_told_as_a_decline(
    api: StripeApi, provider: StripeProvider
):
    api.will(TOLD, intent("requires_confirmation"))
    api.will(CONFIRM, intent("requires_action"))
    api.will(CANCEL, intent("canceled"))
    assert await provider.finish(PAYMENT) == Declined(AUTHENTICATION_REQUIRED)
    assert api.requests[-1] == CANCEL


@pytest.mark.parametrize("status", ["requires_action", "requires_payment_method"])
async def test_nothing_is_told_while_an_open_payment_cannot_be_cancelled(
    api: StripeApi, provider: StripeProvider, status: str
):
    api.will(TOLD, intent(status, last_payment_error=LAST_DECLINE))
    api.will(CANCEL, error(500, "api_error"))
    with pytest.raises(ProviderUnavailable):
        await provider.finish(PAYMENT)


async def test_a_payment_that_was_charged_before_it_could_be_cancelled_is_paid(
    api: StripeApi, provider: StripeProvider
):
    api.will(TOLD, intent("requires_action"), intent("succeeded"))
    api.will(CANCEL, error(400, "invalid_request_error", code="payment_intent_unexpected_state"))
    assert await provider.finish(PAYMENT) == Paid()


async def test_a_confirmation_that_came_too_late_tells_what_has_become_of_the_payment(
    api: StripeApi, provider: StripeProvider
):
    moved_on = error(400, "invalid_request_error", code="payment_intent_unexpected_state")
    api.will(TOLD, intent("requires_confirmation"), intent("succeeded"))
    api.will(CONFIRM, moved_on)
    api.will(CANCEL, moved_on)
    assert await provider.finish(PAYMENT) == Paid()


@pytest.mark.parametrize("status", ["processing", "requires_capture"])
async def test_a_payment_that_is_still_open_has_no_outcome_yet(
    api: StripeApi, provider: StripeProvider, status: str
):
    api.will(TOLD, intent(status))
    with pytest.raises(ProviderUnavailable):
        await provider.finish(PAYMENT)


@pytest.mark.parametrize(
    ("found", "outcome"),
    [
        (intent("succeeded"), Paid()),
        (intent("canceled"), NotPaid(ABANDONED)),
        (intent("canceled", last_payment_error=LAST_DECLINE), Declined("do_not_honor")),
        (
            intent("requires_payment_method", last_payment_error=LAST_DECLINE),
            Declined("do_not_honor"),
        ),
        (
            intent(
                "requires_payment_method",
                last_payment_error={"type": "invalid_request_error", "code": "amount_too_small"},
            ),
            NotPaid("amount_too_small"),
        ),
        (intent("requires_payment_method"), NotPaid("no_card")),
    ],
    ids=["charged", "cancelled", "declined and cancelled", "declined", "refused", "card gone"],
)
async def test_a_payment_that_is_finished_again_has_its_first_outcome(
    api: StripeApi, provider: StripeProvider, found: Answer, outcome: object
):
    api.will(TOLD, found)
    api.will(CANCEL, intent("canceled"))
    assert await provider.finish(PAYMENT) == outcome
    assert CONFIRM not in api.requests


# Abandoning


@pytest.mark.parametrize("status", ["requires_confirmation", "requires_capture"])
async def test_an_abandoned_payment_is_cancelled(
    api: StripeApi, provider: StripeProvider, status: str
):
    api.will(TOLD, intent(status))
    api.will(CANCEL, intent("canceled"))
    assert await provider.abandon(PAYMENT) == NotPaid(ABANDONED)


async def test_a_payment_that_was_charged_while_it_was_abandoned_is_paid(
    api: StripeApi, provider: StripeProvider
):
    api.will(TOLD, intent("requires_confirmation"), intent("succeeded"))
    api.will(CANCEL, error(400, "invalid_request_error", code="payment_intent_unexpected_state"))
    assert await provider.abandon(PAYMENT) == Paid()


async def test_an_abandoned_question_to_the_holder_is_closed_as_a_decline(
    api: StripeApi, provider: StripeProvider
):
    api.will(TOLD, intent("requires_action"))
    api.will(CANCEL, intent("canceled"))
    assert await provider.abandon(PAYMENT) == Declined(AUTHENTICATION_REQUIRED)


# Refunding

REFUNDS, REFUND = f"GET /refunds?payment_intent={PAYMENT}&limit=100", "POST /refunds"
HALF = Money(minor=625, currency="USD")
NONE = listing(url="/refunds")


async def test_a_refund_is_made_in_stripes_units_under_the_services_name(
    api: StripeApi, provider: StripeProvider
):
    api.will(REFUNDS, NONE)
    api.will(REFUND, refund("succeeded", "r1"))
    assert await provider.refund(PAYMENT, Money(minor=7, currency="UGX"), "r1") == Refunded()
    fields = {"payment_intent": PAYMENT, "amount": "700", "metadata[refund]": "r1"}
    assert api.asked == [(REFUNDS, {}), (REFUND, fields)]


async def test_a_refund_that_stripe_has_already_is_not_made_again_wherever_it_is_listed(
    api: StripeApi, provider: StripeProvider
):
    others = refund("succeeded", "r0"), refund("succeeded", None, id="re_9")
    api.will(REFUNDS, listing(*others, url="/refunds", more=True))
    api.will(f"{REFUNDS}&starting_after=re_9", listing(refund("succeeded", "r1"), url="/refunds"))
    assert await provider.refund(PAYMENT, HALF, "r1") == Refunded()
    assert REFUND not in api.requests


async def test_a_refund_that_stripe_has_taken_on_is_given_and_the_log_says_where_to_look(
    api: StripeApi, provider: StripeProvider, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.INFO, "cloud.providers.stripe")
    api.will(REFUNDS, NONE)
    api.will(REFUND, refund("pending", "r1"))
    assert await provider.refund(PAYMENT, HALF, "r1") == Refunded()
    assert "dashboard" in caplog.text


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        (refund("failed", "r1", failure_reason="lost_or_stolen_card"), "lost_or_stolen_card"),
        (refund("failed", "r1"), "failed"),
        (refund("canceled", "r1"), "canceled"),
    ],
    ids=["stolen", "failed", "cancelled"],
)
async def test_a_refund_that_fails_is_told_with_stripes_code(
    api: StripeApi, provider: StripeProvider, found: Answer, reason: str
):
    api.will(REFUNDS, listing(found, url="/refunds"))
    assert await provider.refund(PAYMENT, HALF, "r1") == NotRefunded(reason)


async def test_a_refund_that_asks_the_holder_something_is_cancelled(
    api: StripeApi, provider: StripeProvider
):
    api.will(REFUNDS, NONE)
    api.will(REFUND, refund("requires_action", "r1"))
    api.will(f"{REFUND}/re_1/cancel", refund("canceled", "r1"))
    assert await provider.refund(PAYMENT, HALF, "r1") == NotRefunded("canceled")


async def test_a_refund_that_asks_the_holder_something_stays_in_doubt_until_it_is_cancelled(
    api: StripeApi, provider: StripeProvider
):
    api.will(REFUNDS, listing(refund("requires_action", "r1"), url="/refunds"))
    api.will(f"{REFUND}/re_1/cancel", error(500, "api_error"))
    with pytest.raises(ProviderUnavailable):
        await provider.refund(PAYMENT, HALF, "r1")


async def test_a_refund_that_stripe_refuses_moves_nothing_and_the_log_says_why(
    api: StripeApi,
    provider: StripeProvider,
    the_operators: tuple[Answer, str],
    caplog: pytest.LogCaptureFixture,
):
    answer, told = the_operators
    api.will(REFUNDS, NONE)
    api.will(REFUND, answer)
    assert await provider.refund(PAYMENT, HALF, "r1") == NotRefunded(told)
    assert told in caplog.text
    assert "secret" not in caplog.text


@pytest.mark.parametrize("status", [400, 404])
async def test_a_payment_that_the_account_does_not_know_is_not_refunded_and_the_log_says_why(
    api: StripeApi, provider: StripeProvider, caplog: pytest.LogCaptureFixture, status: int
):
    api.will(REFUNDS, error(status, "invalid_request_error", code="resource_missing"))
    assert await provider.refund(PAYMENT, HALF, "r1") == NotRefunded("resource_missing")
    assert api.requests == [REFUNDS]
    assert "resource_missing" in caplog.text


@pytest.mark.parametrize("status", [400, 401, 403, 429, 500])
async def test_a_refund_is_in_doubt_while_nobody_can_see_whether_it_was_made(
    api: StripeApi, provider: StripeProvider, status: int
):
    api.will(REFUNDS, error(status, "invalid_request_error"))
    with pytest.raises(ProviderUnavailable):
        await provider.refund(PAYMENT, HALF, "r1")
    assert api.requests == [REFUNDS]


@pytest.mark.parametrize("status", [409, 429, 500, 503])
async def test_a_refund_whose_answer_says_nothing_is_in_doubt(
    api: StripeApi, provider: StripeProvider, status: int
):
    api.will(REFUNDS, NONE)
    api.will(REFUND, error(status, "api_error"))
    with pytest.raises(ProviderUnavailable):
        await provider.refund(PAYMENT, HALF, "r1")


async def test_an_amount_that_stripe_does_not_count_is_not_refunded(
    api: StripeApi, provider: StripeProvider
):
    odd = Money(minor=1255, currency="KWD")
    assert await provider.refund(PAYMENT, odd, "r1") == NotRefunded("not_chargeable")
    assert not api.asked


# Keeping cards


async def test_a_wrong_key_at_sign_up_is_the_operators_and_not_the_cards(
    api: StripeApi, provider: StripeProvider, caplog: pytest.LogCaptureFixture
):
    api.will("POST /payment_methods", error(401, "invalid_request_error"))
    with pytest.raises(ProviderUnavailable):
        await provider.keep("tok_1", "reference")
    assert "stripe_key" in caplog.text


async def test_a_token_that_stripe_does_not_know_is_a_refused_card(
    api: StripeApi, provider: StripeProvider
):
    unknown = error(400, "invalid_request_error", code="resource_missing", param="card[token]")
    api.will("POST /payment_methods", unknown)
    with pytest.raises(CardRefused):
        await provider.keep("tok_1", "reference")


def customer(name: str, reference: str) -> Answer:
    """A customer, who was made for that reference."""
    return Answer(200, {"id": name, "object": "customer", "metadata": {"reference": reference}})


def method(name: str) -> Answer:
    return Answer(200, {"id": name, "object": "payment_method"})


async def test_all_customers_of_a_reference_are_forgotten_with_their_cards_and_no_others(
    api: StripeApi, provider: StripeProvider
):
    # Those who were made from five minutes before are asked for: the clocks may differ.
    since = datetime(2026, 11, 26, 12, 5, tzinfo=UTC)
    page = "GET /customers?limit=100&created[gte]=1795694400"
    first = customer("cus_1", "ours"), customer("cus_2", "theirs")
    api.will(page, listing(*first, url="/customers", more=True))
    last = listing(customer("cus_3", "ours"), url="/customers")
    api.will(page + "&starting_after=cus_2", last)
    cards, no_cards = (
        listing(method("pm_1"), url="/payment_methods"),
        listing(url="/payment_methods"),
    )
    api.will("GET /payment_methods?customer=cus_1&type=card", cards)
    api.will("GET /payment_methods?customer=cus_3&type=card", no_cards)
    for name in ("cus_1", "cus_3"):
        open_pages = f"GET /checkout/sessions?customer={name}&status=open&limit=100"
        opened = [checkout("open")] if name == "cus_1" else []
        api.will(open_pages, listing(*opened, url="/checkout/sessions"))
    api.will(f"POST /checkout/sessions/{PAGE}/expire", checkout("expired"))
    await provider.forget_kept("ours", since)
    gone = [request for request in api.requests if not request.startswith("GET")]
    assert sorted(gone) == [
        "DELETE /customers/cus_1",
        "DELETE /customers/cus_3",
        f"POST /checkout/sessions/{PAGE}/expire",
        "POST /payment_methods/pm_1/detach",
    ]
    shut = gone.index(f"POST /checkout/sessions/{PAGE}/expire")
    assert shut == 0, "no card may be saved any more when the customer is deleted"
