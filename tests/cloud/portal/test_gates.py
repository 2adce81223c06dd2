"""People end in the portal that gates recognise their palm without a network."""

import re
from datetime import datetime, timedelta

import pytest

from cloud.entry import kept_palms
from cloud.entry.access import Access
from cloud.entry.kept_palms import LONGEST, Answer, KeptPalm
from cloud.entry.tables import AccessRow
from cloud.keys.persons import OpenPerson
from cloud.people.deletions import what_becomes
from cloud.people.receipt_lines import AT_GATES
from protocol.messages import Side
from tests.support.portal import Portal, forms

pytestmark = pytest.mark.anyio

PHONE = "+14155550123"


async def lets_keep(portal: Portal, side: Side | None) -> OpenPerson:
    """Returns somebody who has let the gates of a site keep a palm; None of one who did not."""
    person = await portal.account(PHONE)
    access = person.seal(Access(person="E-1001"), "access.sealed/first")
    about = {"person_id": person.person_id, "merchant_id": "first", "site_id": "first"}
    await portal.add(AccessRow(**about, sealed=access, at=portal.now, accepted_at=portal.now))
    kept = Answer(palm=None if side is None else KeptPalm(side=side, version=1, template="AAAA"))
    async with portal.database.session() as session:
        await kept_palms.answer(session, person, "first", kept, portal.now)
        await session.commit()
    return person


async def answered(portal: Portal, person: OpenPerson) -> Answer | None:
    async with portal.database.session() as session:
        return await kept_palms.answer_of(session, person, "first")


async def at_gates(portal: Portal, person: OpenPerson, now: datetime) -> bool:
    """Returns whether the receipt of somebody who leaves now tells of gates."""
    async with portal.database.session() as session:
        leaving = await what_becomes(session, person, now)
    return any(each.what == AT_GATES for each in leaving.retained)


async def test_it_is_ended_and_asked_again(portal: Portal):
    person = await lets_keep(portal, Side.LEFT)
    browser = portal.browser()
    page = await browser.sign_in(PHONE)
    assert "also when they have no network" in page.text
    page = await browser.submit(page, "/portal/gates/first/stop")
    assert "only when they have a network" in page.text
    assert await answered(portal, person) == Answer(palm=None)
    page = await browser.submit(page, "/portal/gates/first/again")
    assert await answered(portal, person) is None
    assert "/portal/gates/first/stop" not in forms(page)


@pytest.mark.parametrize(
    "ending",
    [
        ("/portal/gates/first/stop",),
        ("/portal/gates/first/stop", "/portal/gates/first/again"),
        ("/portal/palms/",),
    ],
    ids=["stopped", "to be asked again", "palm deleted"],
)
async def test_a_receipt_tells_of_gates_that_may_have_a_palm_since_it_was_let_go(
    portal: Portal, ending: tuple[str, ...]
):
    """A gate whose network is down since then has heard of nothing, for the hours of its list."""
    person = await lets_keep(portal, Side.LEFT)
    browser = portal.browser()
    page = await browser.sign_in(PHONE)
    for step in ending:
        if step == "/portal/palms/":
            deleted = re.findall(r'href="(/portal/palms/\w+)"', page.text)[0]
            page = await browser.submit(await browser.open(deleted), deleted)
        else:
            page = await browser.submit(page, step)
    assert await at_gates(portal, person, portal.now)
    assert await at_gates(portal, person, portal.now + LONGEST - timedelta(minutes=1))
    assert not await at_gates(portal, person, portal.now + LONGEST)


async def test_of_who_has_let_no_gate_keep_a_palm_no_receipt_says_so(portal: Portal):
    person = await lets_keep(portal, None)
    assert not await at_gates(portal, person, portal.now)


@pytest.mark.parametrize("kept", Side)
async def test_a_palm_that_is_deleted_is_kept_for_no_gate(portal: Portal, kept: Side):
    person = await lets_keep(portal, kept)
    browser = portal.browser()
    page = await browser.sign_in(PHONE)
    deleted = re.findall(r'href="(/portal/palms/\w+)"', page.text)[0]
    asked = await browser.open(deleted)
    assert "Delete your left palm?" in asked.text
    assert ("may let this palm pass for another day" in asked.text) is (kept is Side.LEFT)
    await browser.submit(asked, deleted)
    assert (await answered(portal, person) is None) is (kept is Side.LEFT)
