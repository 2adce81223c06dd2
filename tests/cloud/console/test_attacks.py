"""Staff see what a person should look at, the worst first, and do something about it."""

from datetime import timedelta

import pytest

from cloud.console.roles import Role
from cloud.jobs import housekeeping
from cloud.keys.persons import erase_person
from cloud.people.accounts import frozen_since
from cloud.people.withdrawals import erase_there
from cloud.policy import INCIDENTS_KEPT
from cloud.seen import Kind
from cloud.watch.incidents import TOGETHER
from tests.support.console import KIOSK, add_kiosk, attacks, member_of, see, site_of, trail
from tests.support.portal import Portal, forms

pytestmark = pytest.mark.anyio

PAGE = "/console/attacks"
PHONE = "+14155550123"


async def test_what_happened_is_shown_with_where_how_often_and_what_to_do(portal: Portal):
    await add_kiosk(portal)
    operator = await member_of(portal)
    assert "Nothing needs to be looked at" in (await operator.open(PAGE)).text
    await see(portal, Kind.ALIKE)
    await see(portal, Kind.LIFELESS, 5)
    await see(portal, Kind.TAMPERING)
    portal.pass_time(timedelta(hours=1))
    await see(portal, Kind.LIFELESS, 2)
    await operator.sign_in()
    text = (await operator.open(PAGE)).text
    for words in (
        "Till 3",
        "7 times, from",
        "29 November 2026, 12:00 UTC",
        "29 November 2026, 13:00 UTC",
        "does not answer to light as skin does",
        "Ask at the site who stood there",
        f'href="/console/devices/{KIOSK}/lock"',
        "What you have found",
    ):
        assert words in text
    places = [
        text.index(what) for what in ("has tampered", "is no living hand", "A palm resembles")
    ]
    assert places == sorted(places)
    assert text.count(">Serious<") == 2
    first = (await operator.open("/console")).text
    assert "Serious attacks</a></dt><dd>2</dd>" in first


async def test_a_kiosk_is_offered_to_be_locked_where_the_advice_says_so(portal: Portal):
    await add_kiosk(portal)
    operator = await member_of(portal)
    lock = f'href="/console/devices/{KIOSK}/lock"'
    for kind, words in ((Kind.ALIKE, "palm resembles"), (Kind.GUESSES, "about one account")):
        await see(portal, kind)
        text = (await operator.open(PAGE)).text
        assert words in text
        assert lock not in text
    await see(portal, Kind.CHALLENGES)
    assert (await operator.open(PAGE)).text.count(lock) == 1


async def test_the_same_within_a_day_is_one_until_somebody_has_looked_at_it(portal: Portal):
    await add_kiosk(portal)
    await add_kiosk(portal, "other", name="Till 4")
    operator = await member_of(portal)
    await see(portal, Kind.CODES, 3)
    await see(portal, Kind.CODES, 2)
    await see(portal, Kind.CODES, 1, device_id="other")
    await see(portal, Kind.CODES, 1, device_id="till_of_a_merchant")
    first, second = sorted(await attacks(portal), key=lambda row: -row.times)
    assert (first.device_id, first.times) == (KIOSK, 5)
    assert (second.device_id, second.times) == ("other", 1)
    await operator.submit(PAGE, f"{PAGE}/{first.id}/looked", note=" A broken \n till ")
    await see(portal, Kind.CODES)
    portal.pass_time(TOGETHER)
    await see(portal, Kind.CODES)
    of_the_kiosk = [row.times for row in await attacks(portal) if row.device_id == KIOSK]
    assert of_the_kiosk == [1, 1]
    await operator.sign_in()
    text = (await operator.open(PAGE)).text
    assert "A broken till" in text
    assert "Sam" in text


async def test_two_people_do_not_look_at_the_same_without_knowing(portal: Portal):
    await add_kiosk(portal)
    operator = await member_of(portal)
    await see(portal, Kind.CARD_SALES)
    (row,) = await attacks(portal)
    for status in (200, 409):
        answer = await operator.post(f"{PAGE}/{row.id}/looked", note="Names nobody")
        assert answer.status_code == status
    noted = (await trail(operator))[2]
    assert noted["act"] == "look at the incident"
    assert noted["details"] == {"kind": "card_sales", "kiosk": KIOSK}
    assert await attacks(portal) == []
    answer = await operator.post(f"{PAGE}/{row.id}/looked", note="x" * 201)
    assert answer.status_code == 400


async def test_an_operator_freezes_an_account_without_learning_whose(portal: Portal):
    await add_kiosk(portal)
    person = await portal.account(PHONE)
    operator = await member_of(portal)
    merchant = await member_of(portal, Role.MERCHANT, "first")
    await see(portal, Kind.GUESSES, about=person)
    (row,) = await attacks(portal)
    page = await merchant.open(PAGE)
    assert "ask the operator of the service" in page.text
    assert "/freeze" not in page.text
    page = await operator.open(f"{PAGE}/{row.id}/freeze")
    for secret in (PHONE, "Alex", person.person_id):
        assert secret not in page.text
    page = await operator.submit(f"{PAGE}/{row.id}/freeze", f"{PAGE}/{row.id}/freeze")
    assert "The account was frozen." in page.text
    async with portal.database.session() as session:
        assert await frozen_since(session, person) == portal.now
    assert person.person_id not in str(await trail(operator))
    holder = portal.browser()
    assert "/portal/unfreeze" in forms(await holder.sign_in(PHONE))
    # What is about nobody freezes nobody.
    await see(portal, Kind.ALIKE)
    (row,) = await attacks(portal)
    assert (await operator.open(f"{PAGE}/{row.id}/freeze")).status_code == 409
    assert (await operator.post(f"{PAGE}/{row.id}/freeze")).status_code == 409


async def test_what_leads_to_a_person_is_emptied_when_they_leave(portal: Portal):
    await add_kiosk(portal)
    leaves, withdraws = await portal.account(PHONE), await portal.account("+14155550124")
    await see(portal, Kind.GUESSES, about=leaves)
    await see(portal, Kind.CARDS, about=withdraws)
    assert {row.person_id for row in await attacks(portal)} == {
        leaves.person_id,
        withdraws.person_id,
    }
    async with portal.database.session() as session:
        await erase_person(session, leaves.person_id)
        assert await erase_there(session, withdraws, "first", portal.now) is not None
        await session.commit()
    # What a process had counted before is written down without them.
    await see(portal, Kind.PURCHASES, about=leaves)
    rows = await attacks(portal)
    assert [row.kind for row in rows] == ["guesses", "cards", "purchases"]
    assert {row.person_id for row in rows} == {None}


async def test_it_is_forgotten_after_a_while(portal: Portal):
    await add_kiosk(portal)
    await see(portal, Kind.TWICE)
    portal.pass_time(INCIDENTS_KEPT - timedelta(seconds=1))
    await housekeeping.forget_expired(portal.context)
    assert len(await attacks(portal)) == 1
    portal.pass_time(timedelta(seconds=1))
    await housekeeping.forget_expired(portal.context)
    assert await attacks(portal) == []


async def test_a_site_sees_its_own_only(portal: Portal):
    await add_kiosk(portal)
    shop = await site_of(portal, "first")
    merchant = await member_of(portal, Role.MERCHANT, "first")
    page = await merchant.submit(
        "/console/merchants/first/sites/new", "/console/merchants/first/sites/new", name="Airport"
    )
    await add_kiosk(portal, "gate", site_id=page.url.path.rpartition("/")[2], name="Gate 1")
    await see(portal, Kind.TAMPERING, device_id="gate")
    manager = await member_of(portal, Role.SITE, "first", shop)
    (row,) = await attacks(portal)
    assert "Gate 1" in (await merchant.open(PAGE)).text
    for path in (PAGE, "/console", "/console/recognition"):
        assert "Gate 1" not in (await manager.open(path)).text
        assert "Serious" not in (await manager.open(path)).text
    assert (await manager.post(f"{PAGE}/{row.id}/looked")).status_code == 404
