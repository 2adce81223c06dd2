"""What people are told of all that is stored about them."""

import json
from typing import Any

import pytest

from cloud.ages.tables import AgeRow
from cloud.db.tables import Table
from cloud.entry.access import Access
from cloud.entry.kept_palms import Answer, KeptPalm
from cloud.entry.tables import AccessRow, KeptPalmRow, PresenceRow, TicketRow
from cloud.law import PLAIN
from cloud.loyalty.tables import MembershipRow
from cloud.people.accounts import MAIL, Mailbox
from cloud.people.consent_texts import texts_for
from cloud.people.passkeys import Passkey
from cloud.people.tables import AccountRow, MailRow, PasskeyRow
from cloud.watch.tables import IncidentRow
from protocol.documents import digest_of
from protocol.entry import Ticket
from protocol.messages import Age, AgeFlag, Membership, Side
from tests.support.portal import Portal

pytestmark = pytest.mark.anyio

PHONE, OTHER = "+14155550123", "+14155550124"

TOLD = {
    "access",
    "accounts",
    "activity",
    "ages",
    "agreements",
    "cards",
    "consents",
    "entries",
    "incidents",
    "mails",
    "kept_palms",
    "memberships",
    "palms",
    "passkeys",
    "presences",
    "purchases",
    "refused_uses",
    "sessions",
    "tickets",
}
GONE_WITHIN_A_DAY = {
    "alerts",
    "answers",
    "candidates",
    "card_pages",
    "claims",
    "codes",
    "enrolments",
    "identifications",
    "number_changes",
    "palm_requests",
    "passkey_challenges",
    "sign_ins",
    "webhook_events",
}
GONE_WITH_THE_ACCOUNT = {"begun"}
"""What is kept of people before they have an account, and no longer."""


def test_every_table_about_people_is_told_or_is_gone_within_a_day():
    about_people = {
        table.name
        for table in Table.metadata.sorted_tables
        if any(key.column.table.name == "persons" for key in table.foreign_keys)
    }
    assert about_people == TOLD | GONE_WITHIN_A_DAY | GONE_WITH_THE_ACCOUNT


async def test_everything_is_taken_along_as_a_file(portal: Portal):
    person = await portal.account(PHONE)
    bought = await portal.buy(person, 1250)
    await portal.refund(bought, 250)
    await portal.refuse(person, "frozen")
    membership = person.seal(Membership(code="M-1234567"), "memberships/first")
    seen = person.seal(AgeFlag(over=Age.EIGHTEEN, seen=True), "ages/first")
    about: dict[str, Any] = {"person_id": person.person_id, "merchant_id": "first"}
    await portal.add(MembershipRow(**about, sealed=membership, at=portal.now))
    await portal.add(AgeRow(**about, sealed=seen, staff="7", device_id="kiosk", at=portal.now))
    passkey = Passkey(name="My phone", credential_id=b"c", public_key=b"k", sign_count=1)
    await portal.add(
        PasskeyRow(
            id="1",
            person_id=person.person_id,
            lookup="l",
            sealed=person.seal(passkey, "passkeys.sealed/1"),
            since=portal.now,
        )
    )
    given = Access(person="E-1001", doors=("North gate",))
    await portal.add(
        AccessRow(
            **about,
            site_id="first",
            sealed=person.seal(given, "access.sealed/first"),
            at=portal.now,
            accepted_at=portal.now,
        )
    )
    kept = KeptPalm(side=Side.LEFT, version=1, template="AAAA")
    sealed = person.seal(Answer(palm=kept), "kept_palms.sealed/first")
    await portal.add(KeptPalmRow(**about, site_id="first", sealed=sealed, at=portal.now))
    ticket = person.seal(Ticket(code="nsmgdm2ur5vkj9ahz3e5"), "tickets.sealed/1")
    await portal.add(TicketRow(**about, id="1", sealed=ticket, at=portal.now))
    await portal.add(
        PresenceRow(person_id=person.person_id, site_id="first", area="Stand", since=portal.now)
    )
    mail = person.seal(Mailbox(address="alex@example.com"), MAIL)
    await portal.add(
        MailRow(person_id=person.person_id, sealed=mail, confirmed_at=portal.now, expires_at=None)
    )
    await portal.pass_door(person, "North gate", passed=True)
    await portal.add(
        IncidentRow(
            id="1",
            kind="guesses",
            person_id=person.person_id,
            merchant_id="first",
            site_id="first",
            device_id="kiosk",
            times=2,
            first_at=portal.now,
            last_at=portal.now,
            note="A child",
        )
    )
    async with portal.database.session() as session:
        (await session.get_one(AccountRow, person.person_id)).codes_suffice_at = portal.now
        await session.commit()
    browser = portal.browser(agent="Mozilla/5.0 (Android 16; Mobile) Firefox/147.0")
    await browser.sign_in(PHONE)
    answer = await browser.open("/portal/data.json")
    assert answer.headers["content-disposition"] == 'attachment; filename="my-data.json"'
    now = portal.now.isoformat(timespec="seconds")
    told = json.loads(answer.text)
    assert {each["kind"] for each in told.pop("uses")} == {
        "purchase",
        "refund",
        "refused",
        "door",
    }
    (text,) = texts_for(PLAIN, "Corner Shop", portal.context.settings)
    assert told == {
        "told_at": now,
        "account": {
            "mobile_number": PHONE,
            "mail_address": "alex@example.com",
            "name": "Alex Doe",
            "corrections": [],
            "since": now,
            "last_used": now,
            "told_of_deletion_at": None,
            "frozen_since": None,
            "alerts_since": None,
            "alerts_by": None,
            "codes_suffice_at": now,
            "consent_version": "2",
            "consented_at": now,
        },
        "palms": [
            {"hand": "left", "since": now, "template_version": 1},
            {"hand": "right", "since": now, "template_version": 1},
        ],
        "cards": [
            {
                "brand": "visa",
                "last4": "4242",
                "expires": None,
                "name_on_card": None,
                "name_at_payment_provider": "pm",
                "customer_at_payment_provider": "cus",
                "mark_of_payment_provider": None,
            }
        ],
        "merchants": [{"merchant": "Corner Shop", "agreed_at": now, "consent_version": "2"}],
        "consents": [
            {
                "merchant": "Corner Shop",
                "site": "Shop",
                "device": "kiosk",
                "at": now,
                "withdrawn_at": None,
                "signature": None,
                "sha256": digest_of(text),
                "text": text.model_dump(mode="json"),
            }
        ],
        "memberships": [{"merchant": "Corner Shop", "linked_at": now, "card": "M-1234567"}],
        "ages_seen": [{"merchant": "Corner Shop", "at": now, "over": 18}],
        "access": [
            {
                "site": "Shop",
                "given_at": now,
                "accepted_at": now,
                "person": "E-1001",
                "credential": None,
                "doors": ["North gate"],
                "hours": "",
                "first_day": None,
                "last_day": None,
            }
        ],
        "recognised_without_a_network": [
            {"site": "Shop", "answered_at": now, "agreed": True, "hand": "left"}
        ],
        "tickets": [{"merchant": "Corner Shop", "linked_at": now, "code": "nsmgdm2ur5vkj9ahz3e5"}],
        "doors": [
            {
                "site": "Shop",
                "at": now,
                "door": "North gate",
                "area": None,
                "direction": "entry",
                "admission": "open",
                "refusal": None,
                "passed": True,
            }
        ],
        "inside": [{"site": "Shop", "area": "Stand", "since": now}],
        "incidents": [
            {
                "what": "guesses",
                "merchant": "Corner Shop",
                "site": "Shop",
                "times": 2,
                "first_at": now,
                "last_at": now,
                "note": "A child",
            }
        ],
        "sessions": [{"browser": "Firefox", "system": "Android", "since": now, "last_used": now}],
        "passkeys": [{"name": "My phone", "since": now, "last_used": None}],
    }


async def test_everything_is_read_on_a_page(portal: Portal):
    person = await portal.account(PHONE, holder=None)
    await portal.buy(person)
    browser = portal.browser()
    await browser.sign_in(PHONE)
    page = (await browser.open("/portal/data")).text
    for words in (PHONE, "Left palm", "Visa •••• 4242", "Corner Shop", "There is one", "Not told"):
        assert words in page


async def test_nothing_is_told_of_others_or_to_others(portal: Portal):
    await portal.account(PHONE)
    await portal.account(OTHER, holder="Sam Roe")
    browser = portal.browser()
    for page in ("/portal/data", "/portal/data.json"):
        assert (await browser.open(page)).url.path == "/portal/sign-in"
    await browser.sign_in(PHONE)
    for page in ("/portal/data", "/portal/data.json"):
        answer = await browser.open(page)
        assert PHONE in answer.text
        assert OTHER not in answer.text
        assert "Roe" not in answer.text
        assert answer.headers["cache-control"] == "no-store"
