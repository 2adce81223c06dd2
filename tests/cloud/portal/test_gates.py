"""People end in the portal that gates recognise their palm without a network."""

import pytest

from cloud.entry import kept_palms
from cloud.entry.access import Access
from cloud.entry.kept_palms import Answer, KeptPalm
from cloud.entry.tables import AccessRow
from protocol.messages import Side
from tests.support.portal import Portal, forms

pytestmark = pytest.mark.anyio

PHONE = "+14155550123"


async def test_it_is_ended_and_asked_again(portal: Portal):
    person = await portal.account(PHONE)
    access = person.seal(Access(person="E-1001"), "access.sealed/first")
    about = {"person_id": person.person_id, "merchant_id": "first", "site_id": "first"}
    await portal.add(AccessRow(**about, sealed=access, at=portal.now, accepted_at=portal.now))
    kept = Answer(palm=KeptPalm(side=Side.LEFT, version=1, template="AAAA"))

    async def answered() -> Answer | None:
        async with portal.database.session() as session:
            return await kept_palms.answer_of(session, person, "first")

    async with portal.database.session() as session:
        await kept_palms.answer(session, person, "first", kept, portal.now)
        await session.commit()
    browser = portal.browser()
    page = await browser.sign_in(PHONE)
    assert "also when they have no network" in page.text
    page = await browser.submit(page, "/portal/gates/first/stop")
    assert "only when they have a network" in page.text
    assert await answered() == Answer(palm=None)
    page = await browser.submit(page, "/portal/gates/first/again")
    assert await answered() is None
    assert "/portal/gates/first/stop" not in forms(page)
