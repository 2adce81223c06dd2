"""Staff see how kiosks do, and steer them."""

import re
from datetime import timedelta

import pytest

from cloud.console.roles import Role
from cloud.entry import doors
from cloud.entry.doors import Door, DoorKind
from cloud.fleet import orders
from cloud.fleet.reports import SILENT_AFTER
from cloud.web.devices import DeviceRow
from protocol.fleet import Fault
from protocol.hours import Hours
from protocol.messages import ACTIVATION_MARK, Direction
from tests.cloud.portal.test_beginning import read_qr_code
from tests.support.console import KIOSK, add_kiosk, member_of, report, site_of, trail
from tests.support.portal import Portal

pytestmark = pytest.mark.anyio

PAGE = f"/console/devices/{KIOSK}"
CAMERA = Fault(part="camera", health="bad", finding="no picture")


async def kiosk(portal: Portal) -> DeviceRow:
    async with portal.database.session() as session:
        return await session.get_one(DeviceRow, KIOSK)


async def test_a_kiosk_is_listed_with_how_it_does(portal: Portal):
    await add_kiosk(portal)
    operator = await member_of(portal)
    assert "Every kiosk is well" in (await operator.open("/console")).text
    await report(portal, CAMERA)
    portal.pass_time(timedelta(minutes=3))
    for path in ("/console", f"/console/sites/{await site_of(portal, 'first')}"):
        text = (await operator.open(path)).text
        for words in ("Till 3", "Has a fault", "camera: no picture", "Heard from 3 minutes ago"):
            assert words in text
    text = (await operator.open(PAGE)).text
    for words in ("camera: no picture", "0.1.0", "2 hours", "31, of which 2 ended in trouble"):
        assert words in text
    portal.pass_time(SILENT_AFTER)
    assert "Not heard from" in (await operator.open("/console")).text
    await report(portal)
    assert "Every kiosk is well" in (await operator.open("/console")).text


async def test_a_kiosk_that_never_told_of_itself_is_to_be_looked_at(portal: Portal):
    await add_kiosk(portal)
    operator = await member_of(portal)
    portal.pass_time(SILENT_AFTER + timedelta(seconds=1))
    assert "Has not reported yet" in (await operator.open("/console")).text


async def test_a_kiosk_is_named(portal: Portal):
    await add_kiosk(portal)
    operator = await member_of(portal)
    page = await operator.submit(PAGE, f"{PAGE}/name", name="  Counter \n by the door ")
    assert "<h1>Counter by the door</h1>" in page.text
    for name in ("", " ", "x" * 65):
        answer = await operator.submit(PAGE, f"{PAGE}/name", name=name)
        assert answer.status_code == 422
        assert "A kiosk needs a name" in answer.text
    assert (await kiosk(portal)).name == "Counter by the door"


async def test_a_kiosk_is_started_again_and_locked_by_its_orders(portal: Portal):
    await add_kiosk(portal)
    operator = await member_of(portal)
    await operator.submit(PAGE, f"{PAGE}/restart")
    page = await operator.submit(f"{PAGE}/lock", f"{PAGE}/lock")
    assert "nobody can use it until it is activated again" in page.text
    assert f"{PAGE}/lock" not in page.text
    async with portal.database.session() as session:
        asked = await orders.acts_on(session, KIOSK)
    assert [(each.act, each.who) for each in asked] == [
        ("restart", operator.member.id),
        ("lock", operator.member.id),
    ]


async def test_a_kiosk_is_called_to_maintenance_and_put_back(portal: Portal):
    await add_kiosk(portal)
    await report(portal)
    manager = await member_of(portal, Role.SITE, "first", await site_of(portal, "first"))
    page = await manager.submit(PAGE, f"{PAGE}/maintain")
    assert "only staff can use it" in page.text
    assert "In maintenance" in (await manager.open("/console")).text

    async def is_in_maintenance() -> bool:
        async with portal.database.session() as session:
            asked = await orders.acts_on(session, KIOSK)
        return orders.is_in_maintenance(await kiosk(portal), asked)

    assert await is_in_maintenance()
    page = await manager.submit(PAGE, f"{PAGE}/serve")
    assert "Go back into service" in page.text
    assert not await is_in_maintenance()
    await manager.submit(PAGE, f"{PAGE}/maintain")
    async with portal.database.session() as session:
        row = await session.get_one(DeviceRow, KIOSK)
        row.activated_at = portal.now + timedelta(minutes=1)
        await session.commit()
    assert not await is_in_maintenance(), "it was activated again"


async def test_a_kiosk_that_moves_leaves_its_door_and_its_reader(portal: Portal):
    await add_kiosk(portal)
    operator = await member_of(portal)
    page = await operator.submit(
        "/console/merchants/first/sites/new", "/console/merchants/first/sites/new", name="Airport"
    )
    airport = page.url.path.rpartition("/")[2]
    async with portal.database.session() as session:
        (await session.get_one(DeviceRow, KIOSK)).reader = "tmr_1"
        door = Door("North", DoorKind.RELAY, Direction.ENTRY, True, Hours.parse(""), None, 0)
        assert await doors.set_door(session, KIOSK, door, "")
        await session.commit()
    elsewhere = await site_of(portal, await portal.merchant("Florist"))
    assert elsewhere not in (await operator.open(f"{PAGE}/move")).text
    assert (await operator.post(f"{PAGE}/move", site=elsewhere)).status_code == 404
    await operator.post(f"{PAGE}/move", site=airport)
    moved = await kiosk(portal)
    assert (moved.site_id, moved.reader, moved.passes_many) == (airport, None, False)
    async with portal.database.session() as session:
        assert await doors.all_doors(session) == []


async def test_a_kiosk_that_is_revoked_is_steered_no_more(portal: Portal):
    await add_kiosk(portal)
    operator = await member_of(portal)
    page = await operator.submit(f"{PAGE}/revoke", f"{PAGE}/revoke")
    assert "Revoked" in page.text
    assert (await kiosk(portal)).revoked_at == portal.now
    for act in ("restart", "name", "lock", "move", "revoke"):
        assert (await operator.post(f"{PAGE}/{act}", name="x")).status_code == 409


async def test_a_code_activates_a_kiosk_at_the_site_and_is_shown_as_a_qr_code(portal: Portal):
    shop = await site_of(portal, "first")
    manager = await member_of(portal, Role.SITE, "first", shop)
    page = await manager.submit(f"/console/sites/{shop}", f"/console/sites/{shop}/code")
    found = re.search(r"<strong>(\d{4}) (\d{4})</strong>", page.text)
    assert found
    assert read_qr_code(page.text) == f"{ACTIVATION_MARK}{found[1]}{found[2]}"
    await add_kiosk(portal)
    page = await manager.submit(PAGE, f"{PAGE}/replace")
    assert "Replace Till 3" in page.text


async def test_every_act_is_in_the_audit_trail(portal: Portal):
    await add_kiosk(portal)
    operator = await member_of(portal)
    await operator.submit(PAGE, f"{PAGE}/name", name="Till 4")
    await operator.submit(PAGE, f"{PAGE}/replace")
    await operator.submit(PAGE, f"{PAGE}/restart")
    await operator.submit(f"{PAGE}/lock", f"{PAGE}/lock")
    await operator.submit(f"{PAGE}/revoke", f"{PAGE}/revoke")
    rows = await trail(operator)
    assert [row["act"] for row in rows] == [
        "add the account",
        "make a passkey",
        "name the kiosk",
        "show a code that replaces the kiosk",
        "have the kiosk start again",
        "lock the kiosk",
        "revoke the kiosk",
        "export the audit trail",
    ]
    assert rows[2] | {"hash": "", "before": ""} == {
        "place": 2,
        "at": "2026-11-29T12:00:00.000+00:00",
        "door": "console",
        "who": operator.member.id,
        "act": "name the kiosk",
        "subject": KIOSK,
        "merchant": "first",
        "details": {"name": "Till 4"},
        "before": "",
        "hash": "",
    }
    page = (await operator.open("/console/audit")).text
    assert "root, by command" in page
    assert "name: Till 4" in page


async def test_a_name_is_only_words(portal: Portal):
    script = '"><script>alert(1)</script>'
    await add_kiosk(portal, name=script)
    await report(portal, Fault(part=script, health="bad", finding=script))
    operator = await member_of(portal, name=script)
    for path in (
        "/console",
        PAGE,
        "/console/staff",
        f"/console/sites/{await site_of(portal, 'first')}",
    ):
        text = (await operator.open(path)).text
        assert "<script>alert" not in text
        assert "&lt;script&gt;alert(1)" in text
