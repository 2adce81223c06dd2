"""What people see of their account, and what they take back one by one."""

import re
from errno import ENOSPC

import pytest
from sqlalchemy import select

from cloud.db.tables import new_id
from cloud.payments.cards import CardDetail
from cloud.payments.tables import CardRow
from cloud.people.deletions import remains_of
from cloud.recognition.tables import PalmRow
from protocol.messages import Side
from tests.support.portal import Portal, forms

pytestmark = pytest.mark.anyio

PHONE = "+14155550123"


async def test_people_see_their_palms_their_card_and_their_merchants(portal: Portal):
    person = await portal.account(PHONE)
    await portal.merchant("Florist", agreed_by=person)
    page = await portal.browser().sign_in(PHONE)
    for words in (
        "Alex D.",
        "number ending in 0123",
        "Left palm",
        "Right palm",
        "29 November 2026",
        "Visa •••• 4242",
        "Corner Shop",
        "Florist",
    ):
        assert words in page.text
    assert PHONE not in page.text


async def test_people_see_all_their_cards_the_default_first(portal: Portal):
    person = await portal.account(PHONE)
    for place, brand, last4 in ((2, "jcb", "0505"), (-1, "mastercard", "4444")):
        card = CardRow(id=new_id(), person_id=person.person_id, place=place, lookup=None)
        detail = CardDetail(customer="cus", method=f"pm_{brand}", brand=brand, last4=last4)
        card.detail = person.seal(detail, f"cards.detail/{card.id}")
        await portal.add(card)
    page = (await portal.browser().sign_in(PHONE)).text
    cards = re.findall(r"<strong>(\w+ •••• [0-9]{4})</strong>", page)
    assert cards == ["Mastercard •••• 4444", "Visa •••• 4242", "JCB •••• 0505"]


async def test_nobody_sees_an_account_without_signing_in(portal: Portal):
    await portal.account(PHONE)
    page = await portal.browser().open("/portal")
    assert page.url.path == "/portal/sign-in"
    assert "Alex" not in page.text


async def test_one_palm_is_deleted_and_the_other_still_works(portal: Portal):
    person = await portal.account(PHONE)
    browser = portal.browser()
    page = await browser.sign_in(PHONE)
    left = re.findall(r'href="(/portal/palms/\w+)"', page.text)[0]
    palm_id = left.rpartition("/")[2]
    await portal.leave_between_rows(palm_id)
    page = await browser.submit(await browser.open(left), left)
    assert not portal.holds(palm_id)
    assert page.url.path == "/portal"
    (right,) = re.findall(r'href="/portal/palms/(\w+)"', page.text)
    async with portal.database.session() as session:
        rows = (await session.scalars(select(PalmRow))).all()
    assert [(row.id, row.person_id) for row in rows] == [(right, person.person_id)]
    assert len(portal.gallery) == 1
    assert (await browser.open(left)).status_code == 404


async def test_the_last_palm_says_that_it_is_leaving(portal: Portal):
    await portal.account(PHONE, sides=[Side.RIGHT])
    browser = portal.browser()
    first = await browser.sign_in(PHONE)
    (palm,) = re.findall(r'href="(/portal/palms/\w+)"', first.text)
    page = await browser.open(palm)
    assert "only palm" in page.text
    assert 'href="/portal/leave"' in page.text
    assert palm not in forms(page)
    answer = await browser.post(palm, forms(first)["/portal/sign-out"].fields)
    assert answer.status_code == 409
    assert len(portal.gallery) == 1


async def test_a_merchant_is_withdrawn_from(portal: Portal):
    person = await portal.account(PHONE)
    florist = await portal.merchant("Florist", agreed_by=person)
    browser = portal.browser()
    page = await browser.sign_in(PHONE)
    link = f"/portal/merchants/{florist}"
    assert link in page.text
    await portal.leave_between_rows(person.person_id + florist)
    page = await browser.submit(await browser.open(link), link)
    assert not portal.holds(person.person_id + florist)
    assert "You have withdrawn" in page.text
    assert "your consent at <bdi>Florist</bdi>" in page.text
    receipt_id = page.url.path.rpartition("/")[2]
    assert await remains_of(receipt_id, portal.context.state, portal.database) == []
    assert (await browser.open(link)).status_code == 404
    assert "Florist" not in (await browser.open("/portal")).text
    async with portal.database.session() as session:
        accounts = portal.context.accounts
        assert not await accounts.has_agreed(session, person, florist)
        assert await accounts.has_agreed(session, person, "first")


@pytest.mark.sqlite
async def test_a_full_disk_is_said_and_nothing_is_taken_from_the_room_for_deletions(
    portal: Portal,
):
    portal.database.let_go(OSError(ENOSPC, "No space left on device"))
    page = await portal.browser().open("/portal/sign-in")
    assert page.status_code == 507
    assert "delete your data at every kiosk" in page.text


async def test_frozen_palms_are_frozen_until_they_are_not(portal: Portal):
    person = await portal.account(PHONE)
    browser = portal.browser()

    async def is_frozen() -> bool:
        async with portal.database.session() as session:
            return await portal.context.accounts.is_frozen(session, person)

    page = await browser.sign_in(PHONE)
    assert not await is_frozen()
    page = await browser.submit(page, "/portal/freeze")
    assert await is_frozen()
    assert "frozen since" in page.text
    assert "/portal/freeze" not in forms(page)
    page = await browser.submit(page, "/portal/unfreeze")
    assert not await is_frozen()
    assert "/portal/freeze" in forms(page)
