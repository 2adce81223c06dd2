"""Sales that are paid with the card itself, at a reader of Stripe's: charged once or not at all,
whatever is interrupted."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from cloud.payments import ledger, purchases, webhooks
from cloud.payments.reconcile import reconcile
from cloud.payments.settling import AWAITING
from cloud.payments.tables import LedgerRow, PurchaseRow
from cloud.policy import CARD_PATIENCE
from cloud.providers import ProviderSilent, ProviderUnavailable, ReaderTrouble
from protocol.messages import CardPurchaseRequest, Money, Purchase
from tests.support.log_lines import records_here
from tests.support.shelf import NOON, SECRET, Shelf, shelf
from tests.support.stripe_api import Answer, error, signed
from tests.support.stripe_readers import NUMBER, READER, StripeWithReaders

pytestmark = pytest.mark.anyio

LUNCH = Money(minor=1250, currency="USD")
REQUEST = CardPurchaseRequest(amount=LUNCH, reference="sale-no-1", reader=READER)
SALE = ("sale", "cards receivable", "sales", 1250, "USD")


@pytest.fixture
def api() -> Iterator[StripeWithReaders]:
    with StripeWithReaders() as api:
        yield api


@pytest.fixture
async def books(tmp_path: Path, api: StripeWithReaders) -> AsyncIterator[Shelf]:
    async with shelf(tmp_path, api) as books:
        await ring_up(books)
        yield books


async def ring_up(books: Shelf, name: str = "purchase-1", **changes: Any) -> None:
    """Stores a purchase whose card is to be presented, as a request for it does."""
    async with books.database.session() as session:
        values: dict[str, Any] = {
            "id": name,
            "merchant_id": "first",
            "device_id": "device-1234",
            "reference": REQUEST.reference,
            "amount_minor": LUNCH.minor,
            "currency": LUNCH.currency,
            "card_brand": "",
            "card_last4": "",
            "account": None,
            "terminal": READER,
            "outcome": AWAITING,
            "at": books.clock(),
        }
        session.add(PurchaseRow(**values | changes))
        await session.commit()


async def settled(books: Shelf, *, asked: bool = False, ends: bool = False) -> Purchase | None:
    """Asks for the purchase, and returns it once it is finished."""
    async with books.database.session() as session:
        row = await session.get_one(PurchaseRow, "purchase-1")
        await session.commit()
        request = REQUEST if asked else None
        await purchases.settle(books.context, session, row, asked=request, ends=ends)
        await session.commit()
        return None if row.outcome in (AWAITING, "pending") else purchases.told(row)


async def posted(books: Shelf) -> list[tuple[Any, ...]]:
    async with books.database.session() as session:
        rows = await session.scalars(select(LedgerRow))
        return [(row.kind, row.debit, row.credit, row.minor, row.currency) for row in rows]


async def told(books: Shelf, kind: str) -> None:
    """Sends what Stripe sends when a reader has ended something, and applies it."""
    event = {"id": "evt_1", "type": kind, "data": {"object": {"id": READER}}}
    body, headers = signed(event, SECRET)
    transport = httpx.ASGITransport(books.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
        answer = await client.post("/v1/webhooks/stripe", content=body, headers=headers)
    assert answer.status_code == 204
    await webhooks.apply_webhooks(books.context)


# The contract


async def test_a_reader_takes_a_card_and_the_sale_is_charged_and_posted_once(
    books: Shelf, api: StripeWithReaders
):
    assert await settled(books, asked=True) is None
    assert api.waits()
    assert await settled(books) is None
    assert await posted(books) == []
    api.tap()
    assert (api.authorised, api.charged) == ([1250], [])
    # Not a whole millisecond, in which times are stored.
    books.ahead = timedelta(seconds=7, microseconds=777)
    paid = await settled(books)
    assert paid is not None
    assert paid.outcome == "approved"
    assert paid.card is not None
    assert (paid.card.brand, paid.card.last4) == ("visa", "4242")
    assert (api.authorised, api.charged) == ([], [1250])
    assert await settled(books) == paid
    assert await posted(books) == [SALE]


async def test_what_stripe_is_asked_for_a_sale(books: Shelf, api: StripeWithReaders):
    await settled(books, asked=True)
    api.tap()
    await settled(books)
    first, second, *rest = api.asked
    assert first == (
        "POST /payment_intents",
        {
            "amount": "1250",
            "currency": "usd",
            "metadata[purchase]": "purchase-1",
            "payment_method_types[0]": "card_present",
            "capture_method": "manual",
        },
    )
    assert second == (
        f"POST /terminal/readers/{READER}/process_payment_intent",
        {"payment_intent": "pi_1"},
    )
    assert [request for request, _ in rest] == [
        "GET /payment_intents/pi_1?expand[0]=latest_charge",
        "GET /payment_intents/pi_1",
        "POST /payment_intents/pi_1/capture",
    ]


async def test_the_number_of_the_card_is_in_nothing_that_the_service_hears_or_stores(
    books: Shelf, api: StripeWithReaders, tmp_path: Path
):
    await settled(books, asked=True)
    api.tap()
    assert await settled(books)
    assert api.numbers == [NUMBER]
    assert NUMBER not in f"{api.asked}{api.kept}"
    assert NUMBER.encode() not in all_of(tmp_path)


def all_of(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in folder.iterdir())


async def test_the_money_goes_to_the_account_of_the_merchant(books: Shelf, api: StripeWithReaders):
    async with books.database.session() as session:
        (await session.get_one(PurchaseRow, "purchase-1")).account = "acct_shop"
        await session.commit()
    await settled(books, asked=True)
    _, fields = api.asked[0]
    assert fields["on_behalf_of"] == fields["transfer_data[destination]"] == "acct_shop"


async def test_what_the_ledger_and_stripe_have_of_it_agrees(books: Shelf, api: StripeWithReaders):
    await settled(books, asked=True)
    api.tap()
    await settled(books)
    movement = {
        "id": "pi_1",
        "object": "payment_intent",
        "status": "succeeded",
        "amount": 1250,
        "currency": "usd",
        "created": int(NOON.timestamp()),
    }
    api.lists("payment_intents", movement)
    api.lists("refunds")
    midnight = NOON.replace(hour=0)
    (line,) = await reconcile(books.database, books.payments, midnight)
    assert (line.ledger, line.provider) == (LUNCH, LUNCH)


# What happens at the reader


async def test_a_card_that_is_declined_ends_the_sale_with_its_reason_and_nothing_stays_open(
    books: Shelf, api: StripeWithReaders
):
    await settled(books, asked=True)
    api.fail("card_declined")
    declined = await settled(books)
    assert declined is not None
    assert (declined.outcome, declined.decline_reason) == ("declined", "insufficient_funds")
    assert declined.card is not None
    assert (api.authorised, api.charged) == ([], [])
    assert api.kept.payment_intents["pi_1"]["status"] == "canceled"
    assert await posted(books) == []


async def test_a_shopper_who_cancels_at_the_reader_has_paid_nothing(
    books: Shelf, api: StripeWithReaders
):
    await settled(books, asked=True)
    api.fail("customer_canceled")
    ended = await settled(books)
    assert ended is not None
    assert (ended.outcome, ended.card) == ("not_paid", None)
    assert api.kept.payment_intents["pi_1"]["status"] == "canceled"


async def test_a_sale_that_is_ended_while_the_card_is_awaited_charges_nothing(
    books: Shelf, api: StripeWithReaders, caplog: pytest.LogCaptureFixture
):
    await settled(books, asked=True)
    ended = await settled(books, ends=True)
    assert ended is not None
    assert (ended.outcome, ended.decline_reason) == ("not_paid", "no_card")
    assert not api.waits()
    assert records_here(caplog) == [], "a shopper who changes their mind is no news"
    assert api.kept.payment_intents["pi_1"]["status"] == "canceled"
    assert await settled(books, asked=True) == ended, "it is final"
    assert not api.waits()
    assert await posted(books) == []


async def test_a_card_that_was_taken_before_the_sale_is_ended_has_paid(
    books: Shelf, api: StripeWithReaders
):
    await settled(books, asked=True)
    api.tap()
    ended = await settled(books, ends=True)
    assert ended is not None
    assert ended.outcome == "approved"
    assert api.charged == [1250]
    assert await posted(books) == [SALE]


async def test_a_reader_that_cannot_be_reached_when_the_sale_is_ended_charges_nothing_later(
    books: Shelf, api: StripeWithReaders
):
    await settled(books, asked=True)
    api.readers[READER].online = False
    ended = await settled(books, ends=True)
    assert ended is not None
    assert ended.outcome == "not_paid"
    assert api.kept.payment_intents["pi_1"]["status"] == "canceled"


async def test_a_payment_that_cannot_be_closed_stays_open_until_it_is_known(
    books: Shelf, api: StripeWithReaders
):
    await settled(books, asked=True)
    api.will("POST /payment_intents/pi_1/cancel", error(500, "api_error"))
    with pytest.raises(ProviderUnavailable):
        await settled(books, ends=True)
    api.tap_all_the_same("pi_1")
    paid = await settled(books, ends=True)
    assert paid is not None
    assert paid.outcome == "approved"
    assert await posted(books) == [SALE]


async def test_a_card_that_nobody_waits_for_any_more_is_released(
    books: Shelf, api: StripeWithReaders
):
    await settled(books, asked=True)
    books.ahead = CARD_PATIENCE + timedelta(seconds=1)
    await purchases.settle_purchases(books.context)
    assert not api.waits()
    ended = await settled(books)
    assert ended is not None
    assert ended.outcome == "not_paid"
    assert (api.authorised, api.charged) == ([], [])


async def test_a_card_that_was_taken_in_time_is_charged_and_later_it_is_released(
    books: Shelf, api: StripeWithReaders
):
    await settled(books, asked=True)
    api.tap()
    with killing(books, "before the charge"), pytest.raises(Killed):
        await settled(books)
    assert api.authorised == [1250]
    books.ahead = timedelta(hours=1)
    await purchases.settle_purchases(books.context)
    ended = await settled(books)
    assert ended is not None
    assert ended.outcome == "not_paid"
    assert (api.authorised, api.charged) == ([], [])


async def test_a_card_that_is_taken_while_it_is_looked_for_is_charged(
    books: Shelf, api: StripeWithReaders
):
    await settled(books, asked=True)
    # Stripe is asked for the payment, then the card is taken, then Stripe is asked for the reader.
    looked = "GET /payment_intents/pi_1?expand[0]=latest_charge"
    api.will(looked, Answer(200, dict(api.kept.payment_intents["pi_1"])))
    api.tap()
    assert await settled(books) is None
    assert api.authorised == [1250]
    api.will(looked)
    paid = await settled(books)
    assert paid is not None
    assert paid.outcome == "approved"
    assert await posted(books) == [SALE]


@pytest.mark.parametrize("kind", ["succeeded", "failed"])
async def test_what_the_reader_did_is_heard_without_being_asked_for(
    books: Shelf, api: StripeWithReaders, kind: str
):
    await settled(books, asked=True)
    if kind == "succeeded":
        api.tap()
    else:
        api.fail()
    await told(books, f"terminal.reader.action_{kind}")
    assert api.charged == ([1250] if kind == "succeeded" else [])
    asked = len(api.asked)
    ended = await settled(books)
    assert ended is not None
    assert ended.outcome == ("approved" if kind == "succeeded" else "not_paid")
    assert len(api.asked) == asked


async def test_housekeeping_leaves_a_card_that_is_awaited(books: Shelf, api: StripeWithReaders):
    await settled(books, asked=True)
    await purchases.settle_purchases(books.context)
    assert api.waits()
    api.tap()
    await purchases.settle_purchases(books.context)
    assert api.charged == [1250]


async def test_housekeeping_lights_up_no_reader_at_which_nobody_stands(
    books: Shelf, api: StripeWithReaders
):
    await purchases.settle_purchases(books.context)
    assert api.asked == []


@pytest.mark.parametrize(("trouble", "times"), [(ProviderSilent, 1), (ProviderUnavailable, 2)])
async def test_housekeeping_asks_a_silent_provider_for_one_sale_and_leaves_the_rest(
    books: Shelf, monkeypatch: pytest.MonkeyPatch, trouble: type[ProviderUnavailable], times: int
):
    await ring_up(books, "purchase-2", reference="sale-no-2", payment="pi_2")
    await ring_up(books, "purchase-3", reference="sale-no-3", payment="pi_3")
    asked: list[object] = []

    async def look_at_payment(_: str, payment: str) -> None:
        asked.append(payment)
        raise trouble

    monkeypatch.setattr(books.payments.readers, "look_at_payment", look_at_payment)
    await purchases.settle_purchases(books.context)
    assert len(asked) == times


async def test_a_reader_that_takes_no_card_leaves_nothing_charged(
    books: Shelf, api: StripeWithReaders
):
    api.readers[READER].online = False
    with pytest.raises(ReaderTrouble):
        await settled(books, asked=True)
    api.readers[READER].online = True
    assert await settled(books, asked=True) is None
    assert api.waits(), "asked again, it is the same payment"
    assert len(api.kept.payment_intents) == 1


# Interrupted


class Killed(Exception):
    """Ends what is done as a power cut would: what was not committed is gone."""


BEGINNING = (
    "before the payment has a name",
    "after the payment has a name",
    "before the reader is told",
    "after the reader is told",
)
CHARGING = (
    "before the card is looked for",
    "after the card is looked for",
    "before the charge",
    "after the charge",
    "before it is posted",
    "after it is posted",
    "before both are stored",
)
Work = Callable[..., Awaitable[Any]]


class killing:  # noqa: N801 - it reads as a statement
    """Kills whatever comes to this step."""

    def __init__(self, books: Shelf, step: str) -> None:
        self._books = books
        self._step = step
        self._patched = pytest.MonkeyPatch()

    def __enter__(self) -> None:
        readers = self._books.payments.readers
        for at, name, steps in (
            (readers, "begin", BEGINNING[0:2]),
            (readers, "present", BEGINNING[2:4]),
            (readers, "look_at_payment", CHARGING[0:2]),
            (self._books.payments, "finish", CHARGING[2:4]),
            (ledger, "post", CHARGING[4:6]),
        ):
            self._patched.setattr(at, name, self._killed(getattr(at, name), *steps))
        self._patched.setattr(purchases, "turn", self._killed_at_the_end(purchases.turn))

    def __exit__(self, *_: object) -> None:
        self._patched.undo()

    def _killed(self, really: Work, before: str, after: str) -> Work:
        async def work(*arguments: Any, **options: Any) -> Any:
            if self._step == before:
                raise Killed
            answer = await really(*arguments, **options)
            if self._step == after:
                raise Killed
            return answer

        return work

    def _killed_at_the_end(self, really: Any) -> Any:
        @asynccontextmanager
        async def turn(*arguments: Any) -> AsyncIterator[bool]:
            async with really(*arguments) as is_open:
                yield is_open
            if self._step == CHARGING[-1]:
                raise Killed

        return turn


@pytest.mark.parametrize("step", BEGINNING)
async def test_a_sale_that_is_killed_before_the_card_is_taken_is_paid_once_when_asked_again(
    books: Shelf, api: StripeWithReaders, step: str
):
    with killing(books, step), pytest.raises(Killed):
        await settled(books, asked=True)
    assert await settled(books, asked=True) is None
    assert api.waits()
    api.tap()
    paid = await settled(books)
    assert paid is not None
    assert paid.outcome == "approved"
    assert (api.authorised, api.charged) == ([], [1250])
    assert await posted(books) == [SALE]


@pytest.mark.parametrize("step", BEGINNING)
@pytest.mark.parametrize("late", [False, True], ids=["ended", "left alone"])
async def test_a_sale_that_is_killed_before_the_card_is_taken_and_not_asked_again_charges_nothing(
    books: Shelf, api: StripeWithReaders, step: str, late: bool
):
    with killing(books, step), pytest.raises(Killed):
        await settled(books, asked=True)
    if late:
        books.ahead = CARD_PATIENCE + timedelta(seconds=1)
        await purchases.settle_purchases(books.context)
    ended = await settled(books, ends=not late)
    assert ended is not None
    assert ended.outcome == "not_paid"
    assert not api.waits()
    assert (api.authorised, api.charged) == ([], [])
    assert await posted(books) == []


@pytest.mark.parametrize("step", CHARGING)
@pytest.mark.parametrize("then", ["asked for", "ended", "found by housekeeping"])
async def test_a_sale_that_is_killed_once_the_card_is_taken_is_charged_and_posted_once(
    books: Shelf, api: StripeWithReaders, step: str, then: str
):
    await settled(books, asked=True)
    api.tap()
    with killing(books, step), pytest.raises(Killed):
        await settled(books)
    if then == "found by housekeeping":
        await purchases.settle_purchases(books.context)
    paid = await settled(books, ends=then == "ended")
    assert paid is not None
    assert paid.outcome == "approved"
    assert (api.authorised, api.charged) == ([], [1250])
    assert await posted(books) == [SALE]
