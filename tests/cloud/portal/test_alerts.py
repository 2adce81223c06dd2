"""Messages about each use of a palm, which people switch on and off in the portal."""

import logging
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest
from sqlalchemy import func, select

from cloud.entry import doors, entries
from cloud.entry.doors import DoorKind
from cloud.jobs import housekeeping
from cloud.jobs.errands import run_errands
from cloud.keys.persons import OpenPerson
from cloud.messages import NoMessenger, NotSent
from cloud.messages.length import fits_one_message
from cloud.messages.sandbox import SandboxMessenger
from cloud.outbox.tables import Errand
from cloud.payments import purchases
from cloud.payments.tables import PurchaseRow
from cloud.people import deletions
from cloud.people.alerts import words
from cloud.people.tables import AlertRow
from cloud.policy import ALERT_PATIENCE, Limits
from cloud.providers import Declined, Paid, Settled
from cloud.recognition.refusals import TOLD, Why
from cloud.web import limits
from protocol.entry import Entry, EntryRequest, Passage
from protocol.messages import Purpose
from tests.cloud.portal.conftest import Do
from tests.cloud.portal.test_refused import freeze, recognises
from tests.support.portal import Portal, forms
from tests.support.sites import DOOR

pytestmark = pytest.mark.anyio

PHONE, MAIL = "+14155550123", "alex.doe@example.com"
FREEZE = "If it was not you, freeze your palms in the portal."
WORDS = f"Corner Shop: your palm paid 12.50 USD, 2026-11-29 12:00 UTC. {FREEZE}"
TOLD_OF_REFUSALS: dict[Why, str] = {
    "wrong_digits": (
        "Corner Shop: your palm was refused for wrong digits of your number, 2026-11-29 12:00 UTC."
    ),
    "too_many": (
        "Corner Shop: your palm was refused for too many purchases in an hour, 2026-11-29 12:00 "
        "UTC."
    ),
}


@dataclass
class Provider:
    """A provider with which each payment ends in the same way."""

    outcome: Settled

    async def finish(self, payment: str, *, asks_holder: bool) -> Settled:
        del payment, asks_holder
        return self.outcome


class Broken:
    """A messenger that reaches nobody."""

    async def send(self, phone: str, text: str) -> None:
        del phone, text
        raise NotSent("away")


async def with_alerts(portal: Portal) -> OpenPerson:
    """Returns somebody who has switched messages on."""
    person, browser = await portal.account(PHONE), portal.browser()
    await browser.submit(await browser.sign_in(PHONE), "/portal/alerts/on")
    return person


async def pay(portal: Portal, person: OpenPerson, outcome: Settled | None = None) -> PurchaseRow:
    """Has a purchase of now finished by the provider."""
    portal.context.payments = cast(Any, Provider(outcome or Paid()))
    bought = await portal.buy(person, outcome="pending", asks_holder=False)
    async with portal.database.session() as session:
        row = await session.get_one(PurchaseRow, bought.id)
        await session.commit()
        await purchases.settle(portal.context, session, row)
        await session.commit()
        return row


async def at_door(device: Do, person: OpenPerson, kind: DoorKind, *, everyone: bool) -> Entry:
    """Returns what becomes of somebody at a door that opens for everyone who is recognised, or for
    nobody."""
    door = replace(DOOR, kind=kind, everyone=everyone)
    await device(lambda call: doors.set_door(call.session, call.device_id, door, ""))
    found = await device(recognises(person, Purpose.ENTER))
    asked = EntryRequest(identification_id=found.identification_id)
    return await device(lambda call: entries.enter(call, asked))


async def sent(portal: Portal) -> list[str]:
    """Returns the messages that are no codes."""
    await run_errands(portal.context)
    return [text for text in portal.messages_to(PHONE) if "is your code" not in text]


async def count(portal: Portal, table: type[Any]) -> int:
    async with portal.database.session() as session:
        return await session.scalar(select(func.count()).select_from(table)) or 0


async def test_nobody_gets_messages_without_having_asked_for_them(portal: Portal):
    await pay(portal, await portal.account(PHONE))
    assert await sent(portal) == []
    assert await count(portal, AlertRow) == 0


async def test_a_message_names_merchant_amount_and_time_and_no_card(portal: Portal):
    await pay(portal, await with_alerts(portal))
    assert await sent(portal) == [WORDS]


@pytest.mark.parametrize("why", TOLD_OF_REFUSALS)
async def test_a_refused_attempt_is_told_with_its_reason(portal: Portal, why: Why):
    await portal.refuse(await with_alerts(portal), why)
    assert await sent(portal) == [f"{TOLD_OF_REFUSALS[why]} {FREEZE}"]


async def test_whoever_has_frozen_their_palms_is_not_told_to_freeze_them(
    portal: Portal, device: Do
):
    person = await with_alerts(portal)
    await freeze(portal, person)
    await device(recognises(person))
    told = "your palm was refused because it is frozen"
    assert await sent(portal) == [f"Corner Shop: {told}, 2026-11-29 12:00 UTC."]


@pytest.mark.parametrize(
    ("kind", "everyone", "passed", "told"),
    [
        (DoorKind.RELAY, True, True, "your palm passed a door"),
        (DoorKind.RELAY, True, False, None),
        (DoorKind.RELAY, False, None, "your palm was refused at a door"),
        (DoorKind.DESK, True, None, "your palm checked in"),
    ],
)
async def test_what_came_of_a_palm_at_a_door_is_told_once(
    portal: Portal,
    device: Do,
    kind: DoorKind,
    *,
    everyone: bool,
    passed: bool | None,
    told: str | None,
):
    person = await with_alerts(portal)
    entry = await at_door(device, person, kind, everyone=everyone)
    assert passed is None or await sent(portal) == []
    for _ in range(2):
        if passed is not None:
            await device(
                lambda call: entries.tell(call, entry.entry_id, Passage(passed=bool(passed)))
            )
    expected = f"Corner Shop: {told}, 2026-11-29 12:00 UTC. {FREEZE}"
    assert await sent(portal) == ([expected] if told else [])


async def test_nobody_gets_more_messages_an_hour_than_allowed(portal: Portal):
    person = await with_alerts(portal)
    async with portal.database.session() as session:
        for _ in range(Limits.ALERTS.count - 1):
            limits.tally(session, Limits.ALERTS, person.person_id, portal.now)
        await session.commit()
    for _ in range(2):
        await portal.refuse(person, "wrong_digits")
    assert len(await sent(portal)) == 1
    portal.pass_time(Limits.ALERTS.window)
    await portal.refuse(person, "wrong_digits")
    assert len(await sent(portal)) == 2


async def test_who_wants_no_messages_gets_none_about_doors_and_refusals(portal: Portal, device: Do):
    person = await portal.account(PHONE)
    await at_door(device, person, DoorKind.DESK, everyone=True)
    await portal.refuse(person, "wrong_digits")
    assert await sent(portal) == []
    assert await count(portal, AlertRow) == 0


async def test_a_message_is_sent_once(portal: Portal):
    await pay(portal, await with_alerts(portal))
    assert len(await sent(portal)) == 1
    portal.pass_time(timedelta(hours=2))
    assert len(await sent(portal)) == 1
    assert await count(portal, Errand) == 0
    assert await count(portal, AlertRow) == 0


async def test_who_has_switched_messages_off_gets_none(portal: Portal):
    person, browser = await with_alerts(portal), portal.browser()
    page = await browser.sign_in(PHONE)
    assert "/portal/alerts/on" not in forms(page)
    page = await browser.submit(page, "/portal/alerts/off")
    assert "/portal/alerts/on" in forms(page)
    told = portal.messages_to(PHONE)
    await pay(portal, person)
    await run_errands(portal.context)
    assert portal.messages_to(PHONE) == told


async def test_the_phone_is_told_when_messages_are_switched_off(portal: Portal):
    await with_alerts(portal)
    browser = portal.browser()
    page = await browser.sign_in(PHONE)
    for _ in range(2):
        await browser.post("/portal/alerts/off", forms(page)["/portal/alerts/off"].fields)
    assert await sent(portal) == [
        "Messages about your palm were switched off in your account at Corner Shop. If it was not "
        "you, switch them on in the portal."
    ]


async def test_who_gets_mails_is_told_by_text_message_that_they_were_switched_off(portal: Portal):
    await with_alerts(portal)
    browser = portal.browser()
    await browser.sign_in(PHONE)
    page = await browser.submit(await browser.open("/portal/mail"), "/portal/mail", mail=MAIL)
    page = await browser.submit(page, "/portal/mail/code", code=portal.last_code(MAIL))
    await browser.submit(page, "/portal/alerts/off")
    assert any("were switched off" in text for text in await sent(portal))
    assert not any("were switched off" in text for text in portal.messages_to(MAIL))


async def test_nothing_is_told_of_what_was_not_paid(portal: Portal):
    await pay(portal, await with_alerts(portal), Declined("card_declined"))
    assert await sent(portal) == []


async def test_a_purchase_is_approved_when_no_message_can_be_sent(
    portal: Portal, caplog: pytest.LogCaptureFixture
):
    person = await with_alerts(portal)
    portal.context.messenger = Broken()
    row = await pay(portal, person)
    assert row.outcome == "approved"
    with caplog.at_level(logging.DEBUG):
        await run_errands(portal.context)
    assert not any(secret in caplog.text for secret in (PHONE, "Corner Shop", "12.50"))
    portal.context.messenger = portal.messenger
    portal.pass_time(timedelta(minutes=1))
    assert await sent(portal) == [WORDS]


async def test_a_service_without_messages_stores_none(portal: Portal):
    person = await with_alerts(portal)
    portal.context.messenger = NoMessenger()
    assert (await pay(portal, person)).outcome == "approved"
    assert await count(portal, AlertRow) == 0


async def test_a_message_that_would_come_too_late_is_not_sent(portal: Portal):
    person = await with_alerts(portal)
    await pay(portal, person)
    portal.pass_time(ALERT_PATIENCE + timedelta(seconds=1))
    assert await sent(portal) == []
    await pay(portal, person)
    portal.pass_time(ALERT_PATIENCE + timedelta(seconds=1))
    await housekeeping.forget_expired(portal.context)
    assert await count(portal, AlertRow) == 0
    assert await sent(portal) == []
    assert await count(portal, Errand) == 0


async def test_a_deletion_takes_what_was_still_to_be_sent(portal: Portal):
    person = await with_alerts(portal)
    await pay(portal, person)
    await leave(portal, person)
    assert await count(portal, AlertRow) == 0
    assert await sent(portal) == []


async def test_a_deletion_while_a_message_is_being_sent_leaves_nothing(
    portal: Portal, caplog: pytest.LogCaptureFixture
):
    person = await with_alerts(portal)
    await pay(portal, person)

    class Meanwhile(SandboxMessenger):
        async def send(self, phone: str, text: str) -> None:
            await leave(portal, person)
            raise NotSent("away")

    portal.context.messenger = Meanwhile()
    await run_errands(portal.context)
    assert await count(portal, AlertRow) == 0
    assert "an errand has to wait: away" in caplog.text
    assert "IntegrityError" not in caplog.text


async def leave(portal: Portal, person: OpenPerson) -> None:
    async with portal.database.session() as session:
        await deletions.erase_account(portal.context, session, person, portal.now)
        await session.commit()


@pytest.mark.parametrize("what", ["your palm paid 9999999999.99 USD", *TOLD.values()])
def test_a_message_is_one_message_whatever_the_merchants_name(what: str):
    at = datetime(2026, 11, 29, tzinfo=UTC)
    for name in ("Corner Shop", "S" * 200, "Ł" * 200):
        assert fits_one_message(words(name, what, at, is_frozen=False))
