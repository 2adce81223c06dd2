"""Consents, access, tickets and memberships are counted, and one is taken by its own reference."""

import pytest

from cloud.console.roles import Role
from cloud.entry import access, tickets
from cloud.entry.access import Access
from cloud.loyalty import memberships
from cloud.loyalty.tables import MembershipRow
from cloud.merchants.merchants import find_site
from cloud.people.consents import texts_at
from protocol.documents import digest_of
from protocol.entry import Ticket
from protocol.messages import Membership
from tests.support.console import member_of, site_of, trail
from tests.support.portal import Portal

pytestmark = pytest.mark.anyio

HOLDINGS = "/console/merchants/first/holdings"


async def give(portal: Portal) -> None:
    """Gives two people what a merchant and its site have."""
    master = portal.context.master
    for place, phone in enumerate(("+12025550101", "+12025550102")):
        person = await portal.account(phone, consents=place == 0)
        async with portal.database.session() as session:
            site = await find_site(session, await site_of(portal, "first"))
            assert site is not None
            await access.give(session, person, site, Access(person=f"A-{place}"), portal.now)
            await tickets.add(session, person, "first", Ticket(code=f"t1cket-{place}"), portal.now)
            card = Membership(code="FAMILY")
            session.add(
                MembershipRow(
                    person_id=person.person_id,
                    merchant_id="first",
                    sealed=person.seal(card, "memberships/first"),
                    at=portal.now,
                    lookup=master.lookup("membership", f"first {card.code}"),
                )
            )
            await session.commit()


async def test_what_people_are_asked_is_shown_with_who_agrees(portal: Portal):
    await give(portal)
    shop = await site_of(portal, "first")
    clerk = await member_of(portal, Role.SHOP, "first", shop)
    async with portal.database.session() as session:
        (text,) = await texts_at(session, portal.context.settings, shop)
    page = (await clerk.open(f"/console/sites/{shop}/consents")).text
    for words in (digest_of(text), text.title, text.sections[0].heading, "1 of 1", "1 person"):
        assert words in page


async def test_access_is_taken_by_the_sites_own_id(portal: Portal, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("cloud.keys.persons.AT_ONCE", 1)
    await give(portal)
    shop = await site_of(portal, "first")
    path = f"/console/sites/{shop}/access"
    manager = await member_of(portal, Role.SITE, "first", shop)
    unknown = await manager.submit(path, f"{path}/take", person="A-7")
    assert unknown.status_code == 422
    assert "nobody who has signed up has access" in unknown.text
    taken = await manager.submit(path, f"{path}/take", person=" A-1 ")
    assert "Their access was taken" in taken.text
    async with portal.database.session() as session:
        assert await access.counts_at(session, shop) == (1, 0)
        assert len(await access.called_at(session, portal.context.master, shop, "A-0")) == 1
    (row,) = [row for row in await trail(await member_of(portal)) if "access" in str(row["act"])]
    assert (row["subject"], row["details"]) == (shop, {"people": "1"})


async def test_a_ticket_and_a_membership_are_taken_by_their_codes(portal: Portal):
    await give(portal)
    merchant = await member_of(portal, Role.MERCHANT, "first")
    of_merchant = "/console/merchants/first"
    for what, code in (("ticket", "t1cket-9"), ("membership", "OTHER"), ("membership", "\u00e9")):
        page = await merchant.submit(HOLDINGS, f"{of_merchant}/{what}s/take", **{what: code})
        assert page.status_code == 422
        assert f"nobody has linked this {what}" in page.text
    await merchant.submit(HOLDINGS, f"{of_merchant}/tickets/take", ticket="t1cket-0")
    page = await merchant.submit(HOLDINGS, f"{of_merchant}/memberships/take", membership="FAMILY")
    assert "taken from the 2 people" in page.text
    async with portal.database.session() as session:
        assert await tickets.count_linked(session, "first") == (1, 1)
        assert await memberships.count_linked(session, "first") == 0
    assert "FAMILY" not in str(await trail(merchant))
