"""Receipts of purchases for the shopper's phone: at most one of each, and none that is declined."""

from datetime import timedelta
from secrets import token_hex

import pytest
from cryptography.exceptions import InvalidTag
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.jobs.errands import run_errands
from cloud.keys.persons import OpenPerson, find_person, make_person
from cloud.merchants.tables import FIRST, MerchantRow
from cloud.messages import NoMessenger, NotSent
from cloud.messages.length import fits_one_message
from cloud.messages.sandbox import SandboxMessenger
from cloud.outbox import queue
from cloud.outbox.tables import Errand
from cloud.payments import receipts
from cloud.payments.purchases import keep_for_the_books
from cloud.payments.tables import PurchaseRow
from cloud.people.accounts import PROFILE, Accounts, Profile
from cloud.people.tables import AccountRow, AgreementRow
from cloud.policy import RECEIPT_AFTER, RECEIPT_PATIENCE, RECEIPTS_SINCE, Limits
from cloud.settings import Settings
from tests.support.shelf import NOON, Shelf

pytestmark = pytest.mark.anyio

PHONE = "+12025550123"
WORDS = (
    "Corner Shop: paid 12.50 USD by palm, visa ending in 4242, 2026-11-29 12:00 UTC. "
    "Receipt till-7-0042."
)


async def member(
    books: Shelf,
    version: str = RECEIPTS_SINCE,
    agreed_to: str | None = None,
    *,
    agrees: bool = True,
) -> str:
    """Returns somebody who has signed up with a version of the wording, and has agreed to use their
    palm at the first merchant."""
    async with books.database.session() as session:
        (await session.get_one(MerchantRow, FIRST)).name = "Corner Shop"
        person = make_person(session, books.master)
        await session.flush()
        profile = Profile(phone=PHONE, consent_version=version, agreed_at=NOON)
        sealed = person.seal(profile, PROFILE)
        person_id = person.person_id
        account = AccountRow(
            person_id=person_id, phone_lookup=person_id, profile=sealed, since=NOON, joined=1
        )
        session.add(account)
        await session.flush()
        if agrees:
            session.add(
                AgreementRow(person_id=person_id, merchant_id=FIRST, version=agreed_to, at=NOON)
            )
        await session.commit()
    return person_id


async def bought(books: Shelf, person_id: str | None) -> str:
    """Returns the id of a purchase that was approved just now."""
    row = PurchaseRow(
        id=token_hex(16),
        merchant_id=FIRST,
        device_id=token_hex(4),
        reference="till-7-0042",
        person_id=person_id,
        amount_minor=1250,
        currency="USD",
        card_brand="visa",
        card_last4="4242",
        outcome="approved",
        at=books.clock(),
    )
    async with books.database.session() as session:
        session.add(row)
        await session.flush()
        await receipts.promise(books.context, session, row)
        await session.commit()
        return row.id


async def state(books: Shelf, purchase: str) -> str | None:
    async with books.database.session() as session:
        return (await session.get_one(PurchaseRow, purchase)).receipt


async def later(books: Shelf, by: timedelta = RECEIPT_AFTER) -> list[str]:
    """Lets some time pass, and returns what the phone has received since the service started."""
    books.ahead += by
    await run_errands(books.context)
    assert isinstance(books.messenger, SandboxMessenger)
    received = books.messenger.after(0)
    assert {message.to for message in received} <= {PHONE}
    return [message.text for message in received]


async def test_a_receipt_is_sent_once_when_there_was_time_to_decline_it(books: Shelf):
    purchase = await bought(books, await member(books))
    assert await later(books, RECEIPT_AFTER - timedelta(seconds=1)) == []
    assert await later(books, timedelta(seconds=1)) == [WORDS]
    assert await later(books, timedelta(days=1)) == [WORDS]
    assert await state(books, purchase) == receipts.SENT
    assert await books.count(Errand) == 0


async def test_a_receipt_that_is_declined_is_not_sent(books: Shelf):
    purchase = await bought(books, await member(books))
    async with books.database.session() as session:
        row = await session.get_one(PurchaseRow, purchase)
        assert await receipts.decline(session, row)
        assert not await receipts.print_in_place(books.context, session, row, "Total 12.50")
        await session.commit()
    assert await later(books) == []
    assert await state(books, purchase) == receipts.DECLINED
    assert await books.count(Errand) == 0


async def test_a_receipt_that_is_on_its_way_is_not_declined(books: Shelf):
    purchase = await bought(books, await member(books))
    await later(books)
    async with books.database.session() as session:
        row = await session.get_one(PurchaseRow, purchase)
        assert not await receipts.decline(session, row)
        assert not await receipts.print_in_place(books.context, session, row, "Total 12.50")


async def test_a_receipt_that_went_out_meanwhile_is_neither_declined_nor_printed_again(
    books: Shelf,
):
    purchase = await bought(books, await member(books))
    async with books.database.session() as session:
        row = await session.get_one(PurchaseRow, purchase)
        await session.commit()
        assert await later(books) == [WORDS]
        assert row.receipt == receipts.WAITING
        assert not await receipts.decline(session, row)
        await session.commit()
    assert await state(books, purchase) == receipts.SENT
    async with books.database.session() as session:
        row = await session.get_one(PurchaseRow, purchase)
        row.receipt = receipts.WAITING
        await session.commit()
        async with books.database.session() as sending:
            (await sending.get_one(PurchaseRow, purchase)).receipt = receipts.SENT
            await sending.commit()
        assert not await receipts.print_in_place(books.context, session, row, "Total 12.50")
        await session.commit()
    assert await later(books) == [WORDS]


async def test_a_receipt_that_is_declined_as_it_is_written_is_not_sent(
    books: Shelf, monkeypatch: pytest.MonkeyPatch
):
    purchase = await bought(books, await member(books))
    phone = books.accounts.phone

    async def declined_meanwhile(session: AsyncSession, person: OpenPerson) -> str:
        # As another transaction does it, which SQLite would have wait.
        changed = update(PurchaseRow).where(PurchaseRow.id == purchase)
        values = changed.values(receipt=receipts.DECLINED)
        await session.execute(values, execution_options={"synchronize_session": False})
        return await phone(session, person)

    monkeypatch.setattr(books.accounts, "phone", declined_meanwhile)
    assert await later(books) == []
    assert await state(books, purchase) == receipts.DECLINED


async def test_what_the_till_prints_goes_in_place_of_the_services_receipt(books: Shelf):
    purchase = await bought(books, await member(books))
    books.ahead += RECEIPT_AFTER - timedelta(seconds=1)
    async with books.database.session() as session:
        row = await session.get_one(PurchaseRow, purchase)
        printed = "Sourdough 12.50\nTotal\u202e\x07 12.50"
        assert await receipts.print_in_place(books.context, session, row, printed)
        await session.commit()
    assert await later(books, timedelta(seconds=1)) == [], "it can be declined for as long"
    assert await later(books) == ["Corner Shop\nSourdough 12.50\nTotal 12.50"]
    assert await later(books, timedelta(days=1)) == ["Corner Shop\nSourdough 12.50\nTotal 12.50"]


@pytest.mark.parametrize(
    ("version", "agreed_to", "agrees"),
    [("2026-11", None, True), (RECEIPTS_SINCE, "2026-11", True), (RECEIPTS_SINCE, None, False)],
    ids=["signed up before", "agreed here before", "not agreed here"],
)
async def test_nobody_gets_a_receipt_who_has_not_agreed_to_receipts_at_this_merchant(
    books: Shelf, version: str, agreed_to: str | None, *, agrees: bool
):
    purchase = await bought(books, await member(books, version, agreed_to, agrees=agrees))
    assert await later(books) == []
    assert await state(books, purchase) is None


async def test_whoever_has_agreed_here_since_gets_one(books: Shelf):
    await bought(books, await member(books, "2026-11", RECEIPTS_SINCE))
    assert await later(books) == [WORDS]


async def test_without_a_message_provider_none_is_promised(books: Shelf):
    books.messenger = NoMessenger()
    purchase = await bought(books, await member(books))
    assert await state(books, purchase) is None


async def test_one_person_gets_no_more_than_the_limit(books: Shelf):
    person = await member(books)
    for _ in range(Limits.RECEIPTS.count + 3):
        await bought(books, person)
    assert len(await later(books)) == Limits.RECEIPTS.count


class Away(SandboxMessenger):
    """A message provider that answers again after some tries."""

    def __init__(self, failures: int) -> None:
        super().__init__()
        self.tries = 0
        self._failures = failures

    async def send(self, phone: str, text: str) -> None:
        self.tries += 1
        if self.tries <= self._failures:
            raise NotSent("Twilio answered 503")
        await super().send(phone, text)


async def test_a_receipt_waits_for_the_message_provider(
    books: Shelf, caplog: pytest.LogCaptureFixture
):
    books.messenger = Away(2)
    purchase = await bought(books, await member(books))
    assert await later(books) == []
    assert await state(books, purchase) == receipts.WAITING
    for _ in range(3):
        sent = await later(books, timedelta(minutes=1))
    assert sent == [WORDS]
    assert PHONE not in caplog.text


async def test_a_receipt_of_long_ago_is_not_sent(books: Shelf):
    messenger = books.messenger = Away(100)
    purchase = await bought(books, await member(books))
    assert await later(books) == []
    tries = messenger.tries
    assert await later(books, RECEIPT_PATIENCE) == []
    assert (messenger.tries, await state(books, purchase)) == (tries, receipts.UNSENT)
    assert await books.count(Errand) == 0


async def test_the_operator_is_told_of_receipts_that_wait_and_that_were_given_up(books: Shelf):
    books.messenger = Away(100)
    purchase = await bought(books, await member(books))
    await later(books)
    async with books.database.session() as session:
        (waiting,) = await queue.failed(session)
        assert (waiting.kind, waiting.attempts) == (receipts.SEND_RECEIPT, 1)
        assert await receipts.unsent(session, NOON) == []
    await later(books, RECEIPT_PATIENCE)
    async with books.database.session() as session:
        assert await queue.failed(session) == []
        (row,) = await receipts.unsent(session, NOON)
        assert row.id == purchase
        assert await receipts.unsent(session, books.clock()) == []


async def test_a_receipt_whose_number_cannot_be_read_is_given_up_as_well(
    books: Shelf, caplog: pytest.LogCaptureFixture
):
    class Unreadable(Accounts):
        async def phone(self, session: AsyncSession, person: OpenPerson) -> str:
            raise InvalidTag

    person = await member(books)
    purchase = await bought(books, person)
    books.accounts = Unreadable(Settings())
    await later(books)
    async with books.database.session() as session:
        assert [errand.attempts for errand in await queue.failed(session)] == [1]
    await later(books, RECEIPT_PATIENCE)
    assert await state(books, purchase) == receipts.UNSENT
    assert PHONE not in caplog.text


async def test_a_crash_while_a_receipt_is_sent_sends_no_second_one(books: Shelf):
    class Killed(BaseException):
        pass

    class Crashing(SandboxMessenger):
        async def send(self, phone: str, text: str) -> None:
            await super().send(phone, text)
            raise Killed

    messenger = books.messenger = Crashing()
    await bought(books, await member(books))
    books.ahead += RECEIPT_AFTER
    with pytest.raises(Killed):
        await run_errands(books.context)
    books.messenger = SandboxMessenger()
    assert await later(books, timedelta(minutes=1)) == []
    assert len(messenger.after(0)) == 1


async def test_whoever_is_deleted_gets_none_and_nothing_of_it_is_left(books: Shelf):
    person_id = await member(books)
    purchase = await bought(books, person_id)
    async with books.database.session() as session:
        person = await find_person(session, books.master, person_id)
        await keep_for_the_books(session, person)
        await session.commit()
    assert await later(books) == []
    assert await state(books, purchase) is None
    assert await books.count(Errand) == 0


def test_amounts_have_the_decimals_of_their_currency() -> None:
    row = PurchaseRow(
        reference="till-7-0042",
        amount_minor=1250,
        currency="JPY",
        card_brand="visa",
        card_last4="4242",
        at=NOON,
    )
    assert "paid 1250 JPY" in receipts.words(row, "Corner Shop")
    row.currency = "KWD"
    assert "paid 1.250 KWD" in receipts.words(row, "Corner Shop")


def test_a_long_name_is_cut_so_that_the_receipt_stays_one_message() -> None:
    row = PurchaseRow(
        reference="nexo-" + "0" * 24,
        amount_minor=1250,
        currency="USD",
        card_brand="mastercard",
        card_last4="4242",
        at=NOON,
    )
    text = receipts.words(row, "The Corner Shop " * 20)
    assert fits_one_message(text)
    assert text.startswith("The Corner")
