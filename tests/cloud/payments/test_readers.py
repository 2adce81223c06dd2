"""Cards that are saved at a reader of Stripe's, which the service drives: the requests it sends,
and what becomes of the card whatever happens at the reader."""

from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from cloud.jobs.errands import run_errands
from cloud.keys.persons import erase_person, find_person
from cloud.payments import card_pages, webhooks
from cloud.payments.card_pages import LAPSED, NOT_READ, OPEN, REFUSED, SAVED
from cloud.policy import CARD_PAGE_LIFE
from cloud.providers import ProviderUnavailable, ReaderTrouble
from protocol.messages import CardReading, ReaderFault
from tests.support.shelf import SECRET, Shelf, shelf
from tests.support.stripe_api import error, signed
from tests.support.stripe_readers import NUMBER, READER, TAP, CardReader, StripeWithReaders

pytestmark = pytest.mark.anyio


@pytest.fixture
def api() -> Iterator[StripeWithReaders]:
    with StripeWithReaders() as api:
        yield api


@pytest.fixture
async def books(tmp_path: Path, api: StripeWithReaders) -> AsyncIterator[Shelf]:
    async with shelf(tmp_path, api) as books:
        yield books


@pytest.fixture
async def person(books: Shelf) -> str:
    return await books.person()


async def begun(
    books: Shelf, person_id: str, reader: str = READER, *, adds: bool = False
) -> CardReading:
    readers = books.payments.readers
    assert readers is not None
    async with books.database.session() as session:
        person = await find_person(session, books.master, person_id)
        reading = await card_pages.read_at(
            books.context, session, person, readers, reader, adds=adds
        )
        await session.commit()
    return reading


async def looked(books: Shelf, reading: CardReading, person_id: str | None = None) -> str:
    async with books.database.session() as session:
        state = await card_pages.look_at(books.context, session, reading.reading_id, person_id)
        await session.commit()
    return state


def all_of(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in folder.iterdir())


async def stopped(books: Shelf, person_id: str) -> None:
    """Does what happens when the shopper goes back."""
    async with books.database.session() as session:
        await card_pages.shut_pages(books.context, session, person_id)
        await session.commit()
    await run_errands(books.context)


async def told(books: Shelf, kind: str, event_id: str = "evt_1") -> None:
    """Sends what Stripe sends when a reader has ended something, and applies it."""
    event = {"id": event_id, "type": kind, "data": {"object": {"id": READER}}}
    body, headers = signed(event, SECRET)
    transport = httpx.ASGITransport(books.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
        answer = await client.post("/v1/webhooks/stripe", content=body, headers=headers)
    assert answer.status_code == 204
    await webhooks.apply_webhooks(books.context)


# The contract


async def test_a_reader_is_told_to_save_a_card_and_asked_how_far_it_is(
    books: Shelf, person: str, api: StripeWithReaders
):
    reading = await begun(books, person)
    assert await looked(books, reading) == OPEN
    api.tap()
    assert await looked(books, reading) == SAVED
    made, setup, process, *asked = api.asked
    assert made[0] == "POST /customers"
    assert made[1].keys() == {"metadata[reference]", "metadata[reader]"}
    assert setup == (
        "POST /setup_intents",
        {
            "customer": "cus_1",
            "payment_method_types[0]": "card_present",
            "usage": "off_session",
        },
    )
    assert process == (
        f"POST /terminal/readers/{READER}/process_setup_intent",
        {"setup_intent": "seti_2", "allow_redisplay": "always"},
    )
    card = "latest_attempt.payment_method_details.card_present.generated_card"
    assert [request for request, _ in asked] == [
        f"GET /setup_intents/seti_2?expand[0]={card}",
        f"GET /terminal/readers/{READER}",
        f"GET /setup_intents/seti_2?expand[0]={card}",
    ]


async def test_the_card_that_is_saved_can_be_charged_later(
    books: Shelf, person: str, api: StripeWithReaders
):
    reading = await begun(books, person)
    api.tap()
    assert await looked(books, reading) == SAVED
    (card,) = await books.cards(person)
    assert (card.brand, card.last4, card.holder) == ("visa", "4242", "Alex Doe")
    assert card.method in api.kept.payment_methods
    assert card.last_month == (2040, 12)
    # It is not forgotten as one that was given up.
    books.ahead = timedelta(hours=1)
    await run_errands(books.context)
    assert card.method in api.kept.payment_methods


async def test_the_number_of_the_card_is_in_nothing_that_the_service_hears_or_stores(
    books: Shelf, person: str, api: StripeWithReaders, tmp_path: Path
):
    reading = await begun(books, person)
    api.tap()
    assert await looked(books, reading) == SAVED
    assert api.numbers == [NUMBER]
    assert NUMBER not in str(api.asked)
    assert NUMBER not in str(api.kept)
    assert NUMBER.encode() not in all_of(tmp_path)


async def test_what_a_bank_writes_into_the_holders_name_is_no_number(
    books: Shelf, person: str, api: StripeWithReaders, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setitem(TAP, "cardholder_name", NUMBER)
    reading = await begun(books, person)
    api.tap()
    assert await looked(books, reading) == SAVED
    (card,) = await books.cards(person)
    assert card.holder is None


# What happens at the reader


@pytest.mark.parametrize(
    ("code", "state"), [("customer_canceled", NOT_READ), ("card_declined", REFUSED)]
)
async def test_a_reader_that_ends_without_a_card_says_why(
    books: Shelf, person: str, api: StripeWithReaders, code: str, state: str
):
    reading = await begun(books, person)
    api.fail(code)
    assert await looked(books, reading) == state
    assert await looked(books, reading) == state
    assert await books.cards(person) == []
    await run_errands(books.context)
    assert api.kept.customers == {}


async def test_a_card_that_cannot_be_charged_later_is_refused(
    books: Shelf, person: str, api: StripeWithReaders
):
    reading = await begun(books, person)
    api.tap(keeps=False)
    assert await looked(books, reading) == REFUSED
    assert await books.cards(person) == []


@pytest.mark.parametrize("kind", ["succeeded", "failed"])
async def test_what_the_reader_did_is_heard_without_being_asked_for(
    books: Shelf, person: str, api: StripeWithReaders, kind: str
):
    reading = await begun(books, person)
    if kind == "succeeded":
        api.tap()
    else:
        api.fail()
    asked = len(api.asked)
    await told(books, f"terminal.reader.action_{kind}")
    heard = len(api.asked)
    assert heard > asked
    assert await looked(books, reading) == (SAVED if kind == "succeeded" else NOT_READ)
    assert len(api.asked) == heard, "it is known already"
    # The same once more, and one about nothing, change nothing.
    await told(books, f"terminal.reader.action_{kind}", "evt_2")
    assert len(await books.cards(person)) == (kind == "succeeded")


async def test_a_card_is_added_to_those_of_an_account_while_the_kiosk_asks(
    books: Shelf, person: str, api: StripeWithReaders
):
    reading = await begun(books, person)
    api.tap()
    assert await looked(books, reading) == SAVED
    added = await begun(books, person, adds=True)
    assert await looked(books, added, person) == OPEN
    api.tap()
    assert await looked(books, added, person) == SAVED
    first, second = await books.cards(person)
    assert first.method != second.method


async def test_a_card_that_is_tapped_after_the_person_has_left_is_not_theirs(
    books: Shelf, person: str, api: StripeWithReaders
):
    await begun(books, person, adds=True)
    # The kiosk was killed, and asks no more. Somebody else taps their card at the reader.
    api.tap()
    await told(books, "terminal.reader.action_succeeded")
    assert await books.cards(person) == []
    books.ahead = timedelta(hours=1)
    await run_errands(books.context)
    assert await books.cards(person) == []
    assert (api.kept.customers, api.kept.payment_methods) == ({}, {})


async def test_a_shopper_who_goes_back_leaves_a_reader_that_does_not_wait(
    books: Shelf, person: str, api: StripeWithReaders
):
    reading = await begun(books, person)
    assert api.waits()
    await stopped(books, person)
    assert not api.waits()
    assert [setup["status"] for setup in api.kept.setup_intents.values()] == ["canceled"]
    assert api.kept.customers == {}
    assert await looked(books, reading) == LAPSED


async def test_a_card_that_was_saved_as_the_shopper_went_back_is_forgotten(
    books: Shelf, person: str, api: StripeWithReaders
):
    await begun(books, person)
    api.tap()
    await stopped(books, person)
    assert (api.kept.customers, api.kept.payment_methods) == ({}, {})
    assert await books.cards(person) == []


async def test_a_reading_that_nobody_ends_is_ended_and_forgotten(
    books: Shelf, person: str, api: StripeWithReaders
):
    reading = await begun(books, person)
    books.ahead = CARD_PAGE_LIFE + timedelta(seconds=1)
    assert await looked(books, reading) == LAPSED
    await run_errands(books.context)
    assert not api.waits()
    assert api.kept.customers == {}


async def test_what_an_erased_person_left_at_the_reader_is_ended(
    books: Shelf, person: str, api: StripeWithReaders
):
    await begun(books, person)
    async with books.database.session() as session:
        await card_pages.shut_pages(books.context, session, person)
        await erase_person(session, person)
        await session.commit()
    await run_errands(books.context)
    assert not api.waits()
    assert api.kept.customers == {}


async def test_a_reader_that_still_waits_for_the_card_before_is_told_anew(
    books: Shelf, person: str, api: StripeWithReaders
):
    before = await begun(books, person)
    again = await begun(books, person)
    await run_errands(books.context)
    assert api.waits(), "ending the first must not end the second"
    api.tap()
    assert await looked(books, before) == LAPSED
    assert await looked(books, again) == SAVED
    assert len(api.kept.customers) == 1


async def test_a_reader_that_another_program_uses_reads_no_card_for_the_one_before(
    books: Shelf, person: str, api: StripeWithReaders
):
    reading = await begun(books, person)
    api.readers[READER].action = None
    assert await looked(books, reading) == LAPSED


# What is wrong with a reader


def wrong(api: StripeWithReaders, fault: ReaderFault) -> None:
    match fault:
        case ReaderFault.OFFLINE:
            api.readers[READER].online = False
        case ReaderFault.BUSY:
            api.readers[READER].busy = True
        case ReaderFault.UNKNOWN:
            api.readers.clear()
        case _:
            api.will(
                f"POST /terminal/readers/{READER}/process_setup_intent",
                error(400, "invalid_request_error", code="terminal_reader_hardware_fault"),
            )


@pytest.mark.parametrize("fault", [f for f in ReaderFault if f is not ReaderFault.SIMULATED])
async def test_a_reader_that_takes_no_card_says_why_and_nothing_is_left_behind(
    books: Shelf, person: str, api: StripeWithReaders, fault: ReaderFault
):
    wrong(api, fault)
    with pytest.raises(ReaderTrouble) as trouble:
        await begun(books, person)
    assert trouble.value.fault is fault
    await run_errands(books.context)
    assert api.kept.customers == {}


async def test_a_reader_that_is_offline_when_the_shopper_goes_back_takes_no_card_later(
    books: Shelf, person: str, api: StripeWithReaders
):
    await begun(books, person)
    api.readers[READER].online = False
    await stopped(books, person)
    (setup,) = api.kept.setup_intents.values()
    assert setup["status"] == "canceled"
    assert api.kept.customers == {}


@pytest.mark.parametrize(
    ("reader", "fault"),
    [
        (CardReader(), None),
        (CardReader(online=False), ReaderFault.OFFLINE),
        (CardReader(action={"type": "x", "status": "in_progress"}), ReaderFault.BUSY),
        (CardReader(action={"type": "x", "status": "succeeded"}), None),
        (None, ReaderFault.UNKNOWN),
    ],
    ids=["works", "offline", "busy", "has ended", "unknown"],
)
async def test_a_reader_is_looked_at(
    books: Shelf, api: StripeWithReaders, reader: CardReader | None, fault: ReaderFault | None
):
    api.readers = {} if reader is None else {READER: reader}
    readers = books.payments.readers
    assert readers is not None
    found = await readers.look(READER)
    assert (found.fault, found.label) == (fault, "" if reader is None else "Counter 1")


async def test_a_reader_that_was_removed_at_stripe_is_unknown(books: Shelf, api: StripeWithReaders):
    removed = CardReader().shown(READER)
    removed.body["deleted"] = True
    api.will(f"GET /terminal/readers/{READER}", removed)
    readers = books.payments.readers
    assert readers is not None
    assert (await readers.look(READER)).fault is ReaderFault.UNKNOWN


async def test_a_key_that_may_not_drive_readers_is_the_operators_to_mend(
    books: Shelf, person: str, api: StripeWithReaders, caplog: pytest.LogCaptureFixture
):
    api.will(
        f"POST /terminal/readers/{READER}/process_setup_intent",
        error(403, "invalid_request_error"),
    )
    with pytest.raises(ProviderUnavailable):
        await begun(books, person)
    assert "stripe_key" in caplog.text
    assert "pm_secret" not in caplog.text
