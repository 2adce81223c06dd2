"""Tickets that people link and remove in the portal, and access that they give up."""

from dataclasses import replace
from datetime import date

import pytest

from cloud.entry import access, doors, tickets
from cloud.entry.access import Access, all_access
from cloud.entry.doors import DoorKind
from cloud.entry.tickets import TICKETS, all_tickets
from cloud.keys.persons import OpenPerson
from cloud.merchants.merchants import all_sites, find_site
from cloud.web.devices import register_device
from protocol.entry import Ticket
from tests.support.portal import Browser, Portal, forms
from tests.support.sites import DOOR

pytestmark = pytest.mark.anyio

PHONE, OTHER = "+14155550123", "+14155550124"
NEW = "/portal/tickets/new"
CODE = "nsmgdm2ur5vkj9ahz3e5"
GIVEN = Access(person="E-1001", doors=("North", "Lab"), last_day=date(2027, 12, 31))


async def venue(
    portal: Portal, name: str, agreed_by: OpenPerson | None, kind: DoorKind = DoorKind.VENUE
) -> str:
    """Adds a merchant with a gate, and returns its id."""
    merchant_id = await portal.merchant(name, agreed_by=agreed_by)
    site_id = await site_of(portal, merchant_id)
    async with portal.database.session() as session:
        await register_device(
            session,
            device_id=f"gate-{merchant_id}",
            public_key=b"",
            name="Gate",
            merchant_id=merchant_id,
            site_id=site_id,
            infrared=False,
            now=portal.now,
        )
        assert await doors.set_door(session, f"gate-{merchant_id}", replace(DOOR, kind=kind), "")
        await session.commit()
    return merchant_id


async def site_of(portal: Portal, merchant_id: str) -> str:
    """Returns the id of a merchant's only site."""
    async with portal.database.session() as session:
        (site_id,) = [
            site.id for site in await all_sites(session) if site.merchant_id == merchant_id
        ]
        return site_id


async def linked(portal: Portal, person: OpenPerson) -> list[str]:
    async with portal.database.session() as session:
        return [ticket.code for _, ticket in await all_tickets(session, person)]


async def link(portal: Portal, person: OpenPerson, merchant_id: str, code: str = CODE) -> str:
    """Links a ticket as a kiosk does, and returns its id."""
    async with portal.database.session() as session:
        await tickets.add(session, person, merchant_id, Ticket(code=code), portal.now)
        await session.commit()
        return next(
            row.id for row, ticket in await all_tickets(session, person) if ticket.code == code
        )


async def give(portal: Portal, person: OpenPerson, site_id: str = "first") -> bytes:
    """Gives somebody access at a site, and returns what is kept of it."""
    async with portal.database.session() as session:
        site = await find_site(session, site_id)
        assert site is not None
        await access.give(session, person, site, GIVEN, portal.now)
        await session.commit()
        ((row, _),) = await all_access(session, person)
        return row.sealed


async def signed_in(portal: Portal, phone: str = PHONE) -> Browser:
    browser = portal.browser()
    await browser.sign_in(phone)
    return browser


async def test_a_ticket_is_linked_by_its_code_and_only_its_end_is_shown(portal: Portal):
    person = await portal.account(PHONE)
    await venue(portal, "Arena", person)
    browser = await signed_in(portal)
    page = await browser.open(NEW)
    assert "Arena" in page.text
    page = await browser.submit(page, NEW, code=f" {CODE} ")
    assert page.url.path == "/portal"
    assert await linked(portal, person) == [CODE]
    assert "Arena" in page.text
    assert "<bdi>z3e5</bdi>" in page.text
    assert CODE not in page.text


async def test_where_no_ticket_is_taken_none_is_asked_for(portal: Portal):
    person = await portal.account(PHONE)
    await venue(portal, "Office", person, DoorKind.CONTROLLER)
    arena = await venue(portal, "Arena", None)
    browser = await signed_in(portal)
    page = await browser.open("/portal")
    assert NEW not in page.text
    page = await browser.open(NEW)
    assert "show your palm at a gate first" in page.text
    fields = {**forms(page)["/portal/sign-out"].fields, "merchant": arena, "code": CODE}
    assert (await browser.post(NEW, fields)).status_code == 404
    assert await linked(portal, person) == []


async def test_of_several_venues_the_one_that_was_chosen_has_the_ticket(portal: Portal):
    person = await portal.account(PHONE)
    await venue(portal, "Arena", person)
    stadium = await venue(portal, "Stadium", person)
    browser = await signed_in(portal)
    fields = forms(await browser.open(NEW))[NEW].fields
    page = await browser.post(NEW, {**fields, "merchant": stadium, "code": CODE})
    assert page.url.path == "/portal"
    assert "Stadium" in page.text
    async with portal.database.session() as session:
        assert await tickets.tickets_of(session, person, stadium)


@pytest.mark.parametrize("code", ["", "x y z w", "4242 4242 4242 4242", "4242424242424242", "ab"])
async def test_what_cannot_be_the_code_of_a_ticket_is_not_taken_and_not_shown(
    portal: Portal, code: str
):
    person = await portal.account(PHONE)
    await venue(portal, "Arena", person)
    browser = await signed_in(portal)
    page = await browser.submit(await browser.open(NEW), NEW, code=code)
    assert page.status_code == 422
    assert "not the code of a ticket" in page.text
    assert not code or f'value="{code}"' not in page.text
    assert await linked(portal, person) == []


async def test_without_room_for_another_ticket_it_is_said_how_many_there_are(portal: Portal):
    person = await portal.account(PHONE)
    arena = await venue(portal, "Arena", person)
    browser = await signed_in(portal)
    form = await browser.open(NEW)
    for number in range(TICKETS):
        await link(portal, person, arena, f"ticket-{number}")
    for page in (await browser.open(NEW), await browser.submit(form, NEW, code=CODE)):
        assert f"You have {TICKETS} tickets at <bdi>Arena</bdi>" in page.text
        assert NEW not in forms(page)
    assert page.status_code == 409
    assert len(await linked(portal, person)) == TICKETS


async def test_a_ticket_is_removed_after_a_question_and_leaves_no_copy(portal: Portal):
    person = await portal.account(PHONE)
    arena = await venue(portal, "Arena", person)
    ticket_id = await link(portal, person, arena)
    await portal.leave_between_rows(ticket_id)
    browser = await signed_in(portal)
    path = f"/portal/tickets/{ticket_id}/remove"
    assert path in (await browser.open("/portal")).text
    page = await browser.submit(await browser.open(path), path)
    assert path not in page.text
    assert await linked(portal, person) == []
    assert not portal.holds(ticket_id)
    assert (await browser.open(path)).status_code == 404


async def test_people_see_what_a_site_has_given_them_and_give_it_up(portal: Portal):
    person = await portal.account(PHONE)
    sealed = await give(portal, person)
    await portal.leave_between_rows(sealed)
    browser = await signed_in(portal)
    page = await browser.open("/portal")
    for words in ("Corner Shop", "North", "Lab", "31 December 2027", "asked at the door"):
        assert words in page.text
    path = "/portal/access/first"
    page = await browser.open(path)
    assert "E-1001" in page.text
    page = await browser.submit(page, path)
    assert path not in page.text
    assert not portal.holds(sealed)
    async with portal.database.session() as session:
        assert await all_access(session, person) == []
    assert (await browser.open(path)).status_code == 404


async def test_access_that_is_given_again_is_asked_about_again(portal: Portal):
    person = await portal.account(PHONE)
    await give(portal, person)
    async with portal.database.session() as session:
        await access.accept(session, person, "first", portal.now)
        await session.commit()
    browser = await signed_in(portal)
    assert "asked at the door" not in (await browser.open("/portal")).text
    path = "/portal/access/first"
    await browser.submit(await browser.open(path), path)
    await give(portal, person)
    assert "asked at the door" in (await browser.open("/portal")).text


@pytest.mark.sqlite
async def test_who_withdraws_from_a_merchant_leaves_no_copy_of_what_opened_its_doors(
    portal: Portal,
):
    person = await portal.account(PHONE)
    arena = await venue(portal, "Arena", person)
    site_id = await site_of(portal, arena)
    browser = await signed_in(portal)
    await give(portal, person, site_id=site_id)
    copy = person.person_id + site_id
    assert portal.holds(copy)
    await portal.leave_between_rows(copy)
    path = f"/portal/merchants/{arena}"
    await browser.submit(await browser.open(path), path)
    assert not portal.holds(copy)


async def test_nobody_reaches_the_tickets_and_doors_of_somebody_else(portal: Portal):
    person = await portal.account(PHONE)
    await portal.account(OTHER)
    arena = await venue(portal, "Arena", person)
    ticket_id = await link(portal, person, arena)
    await give(portal, person)
    attacker = portal.browser()
    form = forms(await attacker.sign_in(OTHER))["/portal/sign-out"].fields
    for path in (f"/portal/tickets/{ticket_id}/remove", "/portal/access/first"):
        assert (await attacker.open(path)).status_code == 404
        assert (await attacker.post(path, form)).status_code == 404
    assert await linked(portal, person) == [CODE]
