"""Whatever a page changes stands in the audit trail, under whoever has done it."""

import re
from datetime import datetime
from typing import Any

import cv2
import numpy as np
import pytest
from sqlalchemy import select

from cloud.console import four_eyes
from cloud.console.audit import By, Door
from cloud.console.four_eyes import EXPORT_SALES, EXPORT_TRAIL, Act
from cloud.console.roles import Role
from cloud.console.tables import AuditRow
from cloud.providers import Movement
from cloud.seen import Kind
from tests.cloud.console.test_apart import PAGES
from tests.cloud.console.test_content import LOOK
from tests.cloud.console.test_holdings import give as give_holdings
from tests.cloud.console.test_sales import Bank
from tests.support.console import (
    KIOSK,
    SALE,
    Member,
    add_kiosk,
    attacks,
    commanded,
    member_of,
    see,
    sell,
    site_of,
)
from tests.support.portal import Portal

pytestmark = pytest.mark.anyio

DEVICE = "/console/devices/{device_id}"
MERCHANT = "/console/merchants/{merchant_id}"
SITE = "/console/sites/{site_id}"
SALE_PAGE = "/console/sales/{sale_id}"
ATTACK = "/console/attacks/{incident_id}"
APPROVAL = "/console/approvals/{request_id}"

DOES: dict[str, tuple[dict[str, str], str]] = {
    f"{DEVICE}/restart": ({}, "have the kiosk start again"),
    f"{DEVICE}/name": ({"name": "Till 9"}, "name the kiosk"),
    f"{DEVICE}/lock": ({}, "lock the kiosk"),
    f"{DEVICE}/maintain": ({}, "call the kiosk to maintenance"),
    f"{DEVICE}/serve": ({}, "put the kiosk back into service"),
    f"{DEVICE}/replace": ({}, "show a code that replaces the kiosk"),
    f"{DEVICE}/move": ({"site": "{airport}"}, "move the kiosk"),
    f"{DEVICE}/revoke": ({}, "revoke the kiosk"),
    f"{MERCHANT}/sites/new": ({"name": "Harbour"}, "add the site"),
    f"{MERCHANT}/policies": ({"digits_above": "50"}, "change a limit of payments"),
    f"{MERCHANT}/name": ({"name": "Tulips"}, "change the merchant"),
    f"{MERCHANT}/tickets/take": ({"ticket": "t1cket-0"}, "take a ticket"),
    f"{MERCHANT}/memberships/take": ({"membership": "FAMILY"}, "take a membership"),
    f"{SITE}/code": ({}, "show an activation code"),
    f"{SITE}/content": (LOOK, "change what kiosks show"),
    f"{SITE}/pictures": ({"kind": "logo"}, "change what kiosks show"),
    f"{SITE}/pictures/arrange": ({"digest": "{digest}"}, "change what kiosks show"),
    f"{SITE}/policies": ({"digits_above": "40"}, "change a limit of payments"),
    f"{SITE}/access/take": ({"person": "A-0"}, "take somebody's access"),
    f"{SITE}/revoke": ({}, "ask to revoke kiosks"),
    f"{SALE_PAGE}/refund/give": (
        {"amount": "5.00", "reason": "goodwill", "key": "k" * 32},
        "give money back",
    ),
    f"{ATTACK}/freeze": ({}, "freeze the account of the incident"),
    f"{ATTACK}/looked": ({"note": "A poster"}, "look at the incident"),
    "/console/reconciliation": (
        {"day": "2026-11-29"},
        "compare a day with the payment provider",
    ),
    "/console/staff/new": ({"name": "Ann", "role": "operator"}, "add the account"),
    "/console/staff/{staff_id}/link": ({}, "make a link for the account"),
    "/console/staff/{staff_id}/end": ({}, "end the account"),
    "/console/audit/export": ({}, "ask to export the audit trail"),
    "/console/approvals/rekey": ({}, "ask to replace the gallery's secret"),
    f"{APPROVAL}/approve": ({}, "approve to export the audit trail"),
    f"{APPROVAL}/decline": ({}, "decline to export the audit trail"),
    f"{APPROVAL}/audit.jsonl": ({}, "export the audit trail"),
    f"{APPROVAL}/sales.csv": ({}, "export many sales"),
    "/console/sales.csv": ({}, "export sales"),
    "/console/sales/export": ({}, "ask to export many sales"),
}
"""What is sent to each page that changes something, in this order, and what the trail says then."""

CHOSEN = {
    "/console/sales.csv": "?where=site+{site_id}&when=2026-11",
    "/console/sales/export": "?when=2026-11",
}
"""What stands in the address of some."""

SHOWS_ONLY = {f"{SALE_PAGE}/refund"}
"""What is sent here changes nothing."""


class Provider(Bank):
    """A payment provider that gives back, and has moved nothing."""

    async def movements(self, since: datetime, until: datetime) -> list[Movement]:
        return []


async def rows(portal: Portal) -> list[AuditRow]:
    async with portal.database.session() as session:
        return list(await session.scalars(select(AuditRow).order_by(AuditRow.place)))


async def asked_for(portal: Portal, act: Act[Any], member: Member | None) -> str:
    """Returns the id of an export that a command has asked for, or somebody of the staff: theirs is
    approved."""
    async with portal.database.session() as session:
        by = commanded(portal)
        if member is not None:
            by = By(Door.CONSOLE, member.member.id, portal.now)
        row = await four_eyes.ask(session, by, act, act.arguments(), None)
        if member is not None:
            await four_eyes.decide(session, commanded(portal), row.id, approves=True)
        await session.commit()
    return row.id


def test_every_page_to_which_something_is_sent_is_here():
    assert DOES.keys() | SHOWS_ONLY == {path for method, path, _ in PAGES if method != "GET"}


async def test_whatever_a_page_changes_is_in_the_audit_trail(portal: Portal):
    Provider(portal)
    await add_kiosk(portal)
    await give_holdings(portal)
    await sell(portal)
    florist, shop = await portal.merchant("Florist"), await site_of(portal, "first")
    await see(portal, Kind.GUESSES, about=await portal.account("+14155550123"))
    (to_freeze,) = [row.id for row in await attacks(portal)]
    operator, other = await member_of(portal), await member_of(portal)
    new = await operator.post("/console/merchants/first/sites/new", name="Airport")
    picture = cv2.imencode(".png", np.full((30, 20, 3), 90, np.uint8))[1].tobytes()
    names: dict[str, str] = {
        "device_id": KIOSK,
        "site_id": shop,
        "sale_id": SALE,
        "staff_id": other.member.id,
        "airport": new.url.path.rpartition("/")[2],
    }
    for path, (fields, act) in DOES.items():
        names["merchant_id"] = florist if path.endswith("/name") else "first"
        if path == f"{SITE}/revoke":
            await add_kiosk(portal, "another", site_id=shop)
        if path.startswith(ATTACK):
            if path.endswith("/looked"):
                await see(portal, Kind.CODES)
            waiting = [row.id for row in await attacks(portal)]
            names["incident_id"] = to_freeze if path.endswith("/freeze") else waiting[-1]
        if path.startswith(APPROVAL):
            asked = EXPORT_SALES if path.endswith(".csv") else EXPORT_TRAIL
            takes = path.endswith((".csv", ".jsonl"))
            names["request_id"] = await asked_for(portal, asked, operator if takes else None)
        if path.endswith("/arrange"):
            page = (await operator.open(f"/console/sites/{shop}/content")).text
            names["digest"] = re.findall(r"/console/pictures/(\w+)", page)[0]
        before = len(await rows(portal))
        sent: dict[str, Any] = {name: value.format(**names) for name, value in fields.items()}
        place = f"{path}{CHOSEN.get(path, '')}".format(**names)
        if path.endswith("/pictures"):
            answer = await operator.give(place, picture, **sent)
        else:
            answer = await operator.post(place, **sent)
        assert answer.status_code == 200, (path, answer.status_code)
        noted = (await rows(portal))[before:]
        assert act in {row.act for row in noted}, path
        assert {row.who for row in noted} == {operator.member.id}, path


async def test_what_is_sent_to_see_what_would_be_given_back_changes_nothing(portal: Portal):
    Bank(portal)
    await add_kiosk(portal)
    await sell(portal)
    clerk = await member_of(portal, Role.SITE, "first", await site_of(portal, "first"))
    before = [row.act for row in await rows(portal)]
    page = await clerk.post(f"/console/sales/{SALE}/refund", amount="5", reason="goodwill", key="k")
    assert page.status_code == 200
    assert [row.act for row in await rows(portal)] == before
