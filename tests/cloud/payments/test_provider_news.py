"""What the provider tells of cards and purchases that are here already."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from cloud.keys.persons import find_person
from cloud.merchants.tables import FIRST
from cloud.payments import webhooks
from cloud.payments.cards import CardDetail, ask_to_keep, keep_card
from cloud.payments.tables import CardRow, LedgerRow, PurchaseRow, RefundRow, WebhookRow
from cloud.providers import CardOnFile, ProviderSilent, ProviderUnavailable
from protocol.messages import Card
from tests.support.shelf import SECRET, Shelf
from tests.support.stripe_api import PAYMENT, REFUND, Answer, StripeApi, error, refund, signed

pytestmark = pytest.mark.anyio

KEPT = CardOnFile(Card(brand="visa", last4="4242"), "cus_1", "pm_1")
CARD, DISPUTE = "GET /payment_methods/pm_1", "GET /disputes/dp_1"


def method(brand: str, last4: str) -> Answer:
    card = {"brand": brand, "last4": last4, "exp_month": 5, "exp_year": 2027}
    return Answer(200, {"id": "pm_1", "object": "payment_method", "card": card})


def dispute(status: str, payment: str | None = PAYMENT) -> Answer:
    body = {"id": "dp_1", "object": "dispute", "status": status, "payment_intent": payment}
    return Answer(200, body)


@pytest.fixture
async def person(books: Shelf) -> str:
    """A person with the card KEPT."""
    person_id = await books.person()
    async with books.database.session() as session:
        person = await find_person(session, books.master, person_id)
        await ask_to_keep(session, books.master, "ours", books.clock())
        await keep_card(session, books.master, person, KEPT, reference="ours", now=books.clock())
        await session.commit()
    return person_id


async def hears(books: Shelf, kind: str, about: str, event_id: str = "evt_1") -> None:
    event: dict[str, Any] = {"id": event_id, "type": kind, "data": {"object": {"id": about}}}
    body, headers = signed(event, SECRET)
    transport = httpx.ASGITransport(books.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
        answer = await client.post("/v1/webhooks/stripe", content=body, headers=headers)
    assert answer.status_code == 204
    await webhooks.apply_webhooks(books.context)


async def purchase(books: Shelf, payment: str | None = PAYMENT) -> None:
    row = PurchaseRow(
        id="a-purchase",
        merchant_id=FIRST,
        device_id="a-device",
        reference="till-7-0042",
        amount_minor=1250,
        currency="USD",
        card_brand="visa",
        card_last4="4242",
        payment=payment,
        outcome="approved",
        at=datetime(2026, 11, 29, tzinfo=UTC),
    )
    async with books.database.session() as session:
        session.add(row)
        await session.commit()


async def disputed(books: Shelf) -> str | None:
    async with books.database.session() as session:
        return await session.scalar(select(PurchaseRow.dispute))


# Cards


async def test_a_card_that_its_bank_has_renewed_is_shown_as_it_is_now(
    books: Shelf, api: StripeApi, person: str
):
    api.will(CARD, method("mastercard", "4444"))
    await hears(books, "payment_method.automatically_updated", "pm_1")
    (card,) = await books.cards(person)
    assert (card.brand, card.last4) == ("mastercard", "4444")
    assert (card.customer, card.method) == ("cus_1", "pm_1")
    assert not card.shown(datetime(2027, 5, 31, 23, 59, tzinfo=UTC)).expired
    assert card.shown(datetime(2027, 6, 1, tzinfo=UTC)).expired


async def test_a_card_whose_last_month_is_not_known_is_not_told_to_have_expired(
    books: Shelf, person: str
):
    (card,) = await books.cards(person)
    assert not card.shown(datetime(2099, 1, 1, tzinfo=UTC)).expired


async def test_a_card_of_an_earlier_version_is_found_too(books: Shelf, api: StripeApi, person: str):
    async with books.database.session() as session:
        row = (await session.scalars(select(CardRow))).one()
        row.lookup = None
        await session.commit()
    api.will(CARD, method("visa", "1881"))
    await hears(books, "payment_method.automatically_updated", "pm_1")
    assert [card.last4 for card in await books.cards(person)] == ["1881"]


async def test_a_card_that_nobody_here_has_is_not_asked_for(
    books: Shelf, api: StripeApi, person: str
):
    await hears(books, "payment_method.automatically_updated", "pm_of_another")
    assert api.requests == []
    assert [card.last4 for card in await books.cards(person)] == ["4242"]


async def test_a_card_that_the_provider_has_lost_stays_as_it_was(
    books: Shelf, api: StripeApi, person: str
):
    gone = {"type": "invalid_request_error", "code": "resource_missing"}
    api.will(CARD, Answer(404, {"error": gone}))
    await hears(books, "payment_method.automatically_updated", "pm_1")
    kept = await books.cards(person)
    assert kept == [CardDetail.of(KEPT)]


async def test_the_providers_name_for_a_card_cannot_be_read_in_the_database(
    books: Shelf, person: str
):
    async with books.database.session() as session:
        row = (await session.scalars(select(CardRow))).one()
    assert row.lookup
    assert "pm_1" not in row.lookup


# Disputes


async def test_a_dispute_is_noted_on_the_purchase_and_told_to_the_operator(
    books: Shelf, api: StripeApi, caplog: pytest.LogCaptureFixture
):
    await purchase(books)
    api.will(DISPUTE, dispute("needs_response"))
    await hears(books, "charge.dispute.created", "dp_1")
    assert await disputed(books) == "needs_response"
    assert "till-7-0042" in caplog.text
    assert "dashboard" in caplog.text
    api.will(DISPUTE, dispute("won"))
    await hears(books, "charge.dispute.closed", "dp_1", "evt_2")
    assert await disputed(books) == "won"


async def test_a_dispute_whose_events_change_places_is_noted_as_it_stands(
    books: Shelf, api: StripeApi, caplog: pytest.LogCaptureFixture
):
    await purchase(books)
    api.will(DISPUTE, dispute("lost"))
    await hears(books, "charge.dispute.closed", "dp_1", "evt_2")
    await hears(books, "charge.dispute.created", "dp_1", "evt_1")
    assert await disputed(books) == "lost"
    assert caplog.text.count("till-7-0042") == 1, "the operator is told once"


@pytest.mark.parametrize("payment", [PAYMENT, None])
async def test_a_dispute_of_a_purchase_that_leads_to_nobody_is_told_without_it(
    books: Shelf, api: StripeApi, caplog: pytest.LogCaptureFixture, payment: str | None
):
    await purchase(books, None)
    api.will(DISPUTE, dispute("needs_response", payment))
    await hears(books, "charge.dispute.created", "dp_1")
    assert await disputed(books) is None
    assert ("dp_1" in caplog.text) == (payment is not None)


# Refunds


async def given_back(books: Shelf, outcome: str = "refunded") -> None:
    """A refund of `purchase`, which the provider calls REFUND."""
    await purchase(books)
    row = RefundRow(
        id="a-refund",
        purchase_id="a-purchase",
        merchant_id=FIRST,
        device_id="a-device",
        reference="till-7-0043",
        of_the_rest=False,
        amount_minor=500,
        provider_reference="ours",
        outcome=outcome,
        at=books.clock(),
    )
    async with books.database.session() as session:
        session.add(row)
        await session.commit()


async def refund_stands(books: Shelf) -> tuple[str, str | None, list[tuple[str, str, str, int]]]:
    """Returns the outcome of the refund, why it has failed, and what the ledger has of it."""
    async with books.database.session() as session:
        row = (await session.scalars(select(RefundRow))).one()
        entries = await session.scalars(select(LedgerRow).where(LedgerRow.subject == row.id))
        posted = [(each.kind, each.debit, each.credit, each.minor) for each in entries]
        return row.outcome, row.failure_reason, posted


RETURNED = ("refund-failed", "cards receivable", "refunds", 500)
TOLD = "the refund till-7-0043 of the purchase till-7-0042"


async def test_a_refund_that_fails_after_it_was_made_counts_as_failed_and_is_told_once(
    books: Shelf, api: StripeApi, caplog: pytest.LogCaptureFixture
):
    await given_back(books)
    failed = refund("failed", "ours", failure_reason="expired_or_canceled_card")
    api.will(f"GET /refunds/{REFUND}", refund("succeeded", "ours"), failed)
    await hears(books, "refund.failed", REFUND)
    assert await refund_stands(books) == ("refunded", None, [])
    for event in ("evt_2", "evt_3"):
        await hears(books, "refund.failed", REFUND, event)
        assert await refund_stands(books) == ("failed", "expired_or_canceled_card", [RETURNED])
    assert caplog.text.count(TOLD) == 1


async def test_a_refund_that_failed_at_once_is_not_told_again(
    books: Shelf, api: StripeApi, caplog: pytest.LogCaptureFixture
):
    await given_back(books, "failed")
    api.will(f"GET /refunds/{REFUND}", refund("failed", "ours"))
    await hears(books, "refund.failed", REFUND)
    assert await refund_stands(books) == ("failed", None, [])
    assert TOLD not in caplog.text


async def test_the_operator_is_told_of_a_failed_refund_to_somebody_who_has_left(
    books: Shelf, api: StripeApi, caplog: pytest.LogCaptureFixture
):
    api.will(f"GET /refunds/{REFUND}", refund("failed", "ours"))
    await hears(books, "refund.failed", REFUND)
    assert f"the refund {REFUND} has failed" in caplog.text


async def test_a_failed_refund_that_was_made_elsewhere_is_left_alone(
    books: Shelf, api: StripeApi, caplog: pytest.LogCaptureFixture
):
    api.will(f"GET /refunds/{REFUND}", refund("failed"))
    await hears(books, "refund.failed", REFUND)
    assert REFUND not in caplog.text


# Silence


@pytest.mark.parametrize(("trouble", "times"), [(ProviderSilent, 1), (ProviderUnavailable, 2)])
async def test_a_silent_provider_is_asked_about_one_event_and_the_rest_are_left(
    books: Shelf, monkeypatch: pytest.MonkeyPatch, trouble: type[ProviderUnavailable], times: int
):
    asked: list[str] = []

    async def look_at_dispute(name: str) -> None:
        asked.append(name)
        raise trouble

    monkeypatch.setattr(books.payments, "look_at_dispute", look_at_dispute)
    async with books.database.session() as session:
        for name in ("dp_1", "dp_2"):
            row = WebhookRow(
                id=f"evt_{name}",
                kind="charge.dispute.created",
                about=name,
                received_at=books.clock(),
                applied=False,
                attempts=0,
                due_at=books.clock(),
            )
            session.add(row)
        await session.commit()
    await webhooks.apply_webhooks(books.context)
    assert len(asked) == times
    await webhooks.apply_webhooks(books.context)
    assert sorted(asked) == ["dp_1", "dp_2"], "the one that was silent is not asked about first"


async def test_a_dispute_waits_for_a_provider_that_does_not_answer(books: Shelf, api: StripeApi):
    await purchase(books)
    api.will(DISPUTE, error(500, "api_error"))
    await hears(books, "charge.dispute.created", "dp_1")
    assert await disputed(books) is None
    api.will(DISPUTE, dispute("needs_response"))
    books.ahead = timedelta(seconds=webhooks.FIRST_PAUSE_S)
    await webhooks.apply_webhooks(books.context)
    assert await disputed(books) == "needs_response"


async def test_what_a_clock_that_was_ahead_has_put_off_is_applied_once_it_is_right(
    books: Shelf, api: StripeApi
):
    await purchase(books)
    api.will(DISPUTE, error(500, "api_error"))
    books.ahead = timedelta(days=400)
    await hears(books, "charge.dispute.created", "dp_1")
    books.ahead = timedelta(0)
    api.will(DISPUTE, dispute("needs_response"))
    await webhooks.apply_webhooks(books.context)
    assert await disputed(books) == "needs_response"
