"""Staff see what deletions have left to do, what is kept how long, and what was not delivered."""

import re
from datetime import timedelta
from hashlib import sha256

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DatabaseError

from cloud.console.jobs import KEPT, LISTED, STALLED_AFTER
from cloud.console.roles import Role
from cloud.context import Event
from cloud.db.tables import new_id
from cloud.integrations.tables import DeliveryRow, ReceiverRow
from cloud.jobs import housekeeping
from cloud.merchants.devices import make_activation_code
from cloud.merchants.tables import ActivationCode
from cloud.outbox import queue
from cloud.payments.cards import FORGET_CARD
from cloud.people import receipts
from cloud.policy import ACTIVATION_LIFE, Limits
from cloud.web import limits
from cloud.web.tables import Tally
from tests.support.console import member_of, site_of
from tests.support.portal import Portal

pytestmark = pytest.mark.anyio

PAGE = "/console/jobs"


def plain(page: str) -> str:
    return " ".join(re.sub("<.*?>", " ", page).split())


def test_all_that_is_deleted_by_its_age_is_told():
    modules = {module.__name__ for module in (*housekeeping.EXPIRING, *housekeeping.PROMISED)}
    assert modules == KEPT.keys()


async def test_what_was_deleted_by_its_age_is_counted_and_what_fails_says_so(portal: Portal):
    operator = await member_of(portal)
    assert "No job has been done yet" in (await operator.open(PAGE)).text
    async with portal.database.session() as session:
        site_id = await site_of(portal, "first")
        for _ in range(2):
            await make_activation_code(session, portal.context.master, portal.now, site_id=site_id)
        await session.commit()
    portal.pass_time(2 * ACTIVATION_LIFE)
    await housekeeping.forget_expired(portal.context)
    await housekeeping.end_retention(portal.context)
    await housekeeping.write_seen(portal.context)
    await operator.sign_in()
    text = plain((await operator.open(PAGE)).text)
    assert "Activation codes 2 days 1 December 2026, 12:00 UTC 2, 1 December 2026" in text
    assert "Receipts of deletions 10 years 1 December 2026, 12:00 UTC Nothing yet 0" in text
    portal.pass_time(STALLED_AFTER + timedelta(seconds=1))
    assert "No job has been done since 1 December 2026" in plain((await operator.open(PAGE)).text)
    portal.context.seen.failed("cloud.people.deletion_list.keep_list", "the disk is full")
    await housekeeping.write_seen(portal.context)
    text = plain((await operator.open(PAGE)).text)
    assert "cloud.people.deletion_list.keep_list fails: the disk is full. It failed 1 time" in text
    portal.context.seen.ran("cloud.people.deletion_list.keep_list", removed=1)
    await housekeeping.write_seen(portal.context)
    assert "the disk is full" not in (await operator.open(PAGE)).text


@pytest.mark.sqlite
async def test_what_cannot_be_deleted_is_named_and_keeps_nothing_else(
    portal: Portal, caplog: pytest.LogCaptureFixture
):
    """The table stands for one whose pages are broken."""
    async with portal.database.session() as session:
        await make_activation_code(session, portal.context.master, portal.now)
        await limits.spend(session, Limits.CODES_TO_PHONE, "+14155550123", portal.now)
        refusing = "BEFORE DELETE ON activation_codes BEGIN SELECT RAISE(FAIL, 'broken'); END"
        await session.execute(text(f"CREATE TRIGGER refusing {refusing}"))
        await session.commit()
    portal.pass_time(2 * ACTIVATION_LIFE)
    with pytest.raises(DatabaseError):
        await housekeeping.forget_expired(portal.context)
    assert "what has expired is not deleted of cloud.merchants.devices" in caplog.text
    async with portal.database.reading() as session:
        assert (await session.scalars(select(Tally))).all() == []
        assert (await session.scalars(select(ActivationCode))).all() != []


async def test_what_a_deletion_has_left_to_do_is_told_with_since_when(portal: Portal):
    person = await portal.account("+14155550123")
    operator = await member_of(portal)
    async with portal.database.session() as session:
        await receipts.issue(
            portal.context, session, person, portal.now, erased=["all"], retained=[]
        )
        queue.put(
            session,
            portal.context.master.outbox,
            FORGET_CARD,
            b"card",
            portal.now,
            errand_id="errand",
            person_digest=sha256(person.person_id.encode()).digest(),
        )
        await session.commit()
        await queue.postpone(session, "errand", portal.now)
        await session.commit()
    text = plain((await operator.open(PAGE)).text)
    for words in (
        "Accounts deleted in 30 days 1",
        "Unfinished errands 1",
        "Have the payment provider forget a card Deleted 29 November 2026, 12:00 UTC Tried 1 time",
        "The provider did not accept it",
        "Everything was delivered in the last 30 days",
    ):
        assert words in text


async def test_a_list_that_is_cut_says_so(portal: Portal):
    operator = await member_of(portal)
    for count, words in ((LISTED - 1, False), (1, True)):
        async with portal.database.session() as session:
            for number in range(count):
                name = f"errand-{count}-{number}"
                outbox = portal.context.master.outbox
                queue.put(session, outbox, "send alert", b"", portal.now, errand_id=name)
                await session.flush()
                await queue.postpone(session, name, portal.now)
            await session.commit()
        text = plain((await operator.open(PAGE)).text)
        assert text.count("Send an alert") == min(count + (LISTED - 1 if words else 0), LISTED)
        assert (f"At most {LISTED} of each kind are shown" in text) is words


async def test_a_merchant_is_told_of_their_own_only(portal: Portal):
    other = await portal.merchant("Florist")
    for merchant_id, url in (("first", "https://one.example"), (other, "https://two.example")):
        receiver_id = new_id()
        await portal.add(
            ReceiverRow(
                id=receiver_id,
                merchant_id=merchant_id,
                url=url,
                events=Event.PAID,
                secret=b"",
                made_at=portal.now,
            )
        )
        await portal.add(
            DeliveryRow(
                id=new_id(),
                receiver_id=receiver_id,
                event_id="evt",
                kind=Event.PAID,
                at=portal.now,
                attempts=3,
                due_at=None,
                state="given_up",
                status=500,
            )
        )
    operator = await member_of(portal)
    merchant = await member_of(portal, Role.MERCHANT, "first")
    text = (await operator.open(PAGE)).text
    assert "https://one.example" in text
    assert "https://two.example" in text
    text = plain((await merchant.open(PAGE)).text)
    assert "https://one.example It has answered 500 29 November 2026, 12:00 UTC" in text
    assert "Given up after 3 times" in text
    for hidden in ("two.example", "Accounts deleted", "What is kept", "No job has been done"):
        assert hidden not in text
