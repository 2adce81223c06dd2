"""Systems see how kiosks do, and steer them, with a key."""

import asyncio
import re
from datetime import timedelta
from typing import Any

import pytest

from cloud.console.four_eyes import ALONE
from cloud.console.roles import Role
from cloud.entry import doors
from cloud.entry.doors import Door, DoorKind
from cloud.fleet.reports import SILENT_AFTER
from cloud.integrations.asking import Scope
from cloud.web.devices import DeviceRow
from protocol.fleet import Fault
from protocol.hours import Hours
from protocol.messages import Direction, ProblemType
from tests.cloud.integrations.conftest import open_shop
from tests.support.console import KIOSK, add_kiosk, member_of, report, site_of, trail
from tests.support.portal import Portal
from tests.support.served import Served
from tests.support.systems import System, system_of

pytestmark = pytest.mark.anyio

PATH = f"/devices/{KIOSK}"
PAGE = f"/console{PATH}"
CAMERA = Fault(part="camera", health="bad", finding="no picture")
NOT_FOUND = 404, ProblemType.NOT_FOUND
CONFLICT = 409, ProblemType.CONFLICT
MALFORMED = 422, ProblemType.MALFORMED


async def kiosk(portal: Portal, device_id: str = KIOSK) -> DeviceRow:
    async with portal.database.session() as session:
        return await session.get_one(DeviceRow, device_id)


async def listed(system: System, query: str = "") -> list[str]:
    return [each["name"] for each in (await system.get(f"/devices{query}"))["kiosks"]]


async def acts(portal: Portal) -> list[tuple[object, ...]]:
    """Returns what the trail says that systems have done, the oldest first."""
    rows = await trail(await member_of(portal))
    return [(row["who"], row["act"], row["subject"]) for row in rows if row["door"] == "api"]


async def test_a_kiosk_is_told_with_how_it_does(portal: Portal):
    await add_kiosk(portal)
    system = await system_of(portal)
    new = (await system.get("/devices"))["kiosks"]
    assert new == [
        {
            "device_id": KIOSK,
            "name": "Till 3",
            "merchant_id": "first",
            "site_id": await site_of(portal, "first"),
            "state": "new",
            "needs_somebody": False,
            "is_locked": False,
            "is_in_maintenance": False,
            "reader": None,
            "activated_at": "2026-11-29T12:00:00Z",
            "revoked_at": None,
            "report": None,
        }
    ]
    await report(portal, CAMERA)
    told = await system.get(PATH)
    assert (told["state"], told["needs_somebody"], told["requests"]) == ("faulty", True, [])
    assert told["report"] == {
        "at": "2026-11-29T12:00:00Z",
        "version": "0.1.0",
        "running_s": 7300,
        "visits": 31,
        "troubles": 2,
        "disk_free_mb": 900,
        "memory_mb": 700,
        "faults": [{"part": "camera", "health": "bad", "finding": "no picture"}],
        "tampering": None,
    }
    await report(portal)
    assert (await system.get(PATH))["state"] == "well"
    portal.pass_time(SILENT_AFTER + timedelta(seconds=1))
    assert (await system.get(PATH))["state"] == "silent"


async def test_kiosks_are_listed_in_pages_by_site_and_by_whether_they_need_somebody(
    portal: Portal,
):
    system, shop = await system_of(portal), await site_of(portal, "first")
    harbour = (await system.post("/sites", {"name": "Harbour"}))["site_id"]
    for name, site in (("One", shop), ("Two", harbour), ("Three", shop)):
        await add_kiosk(portal, name.lower(), site_id=site, name=name)
        portal.pass_time(timedelta(seconds=1))
    assert await listed(system) == ["Three", "Two", "One"]
    assert await listed(system, f"?site_id={harbour}") == ["Two"]
    assert await listed(system, "?needs_somebody=true") == []
    await system.post("/devices/one/lock")
    await system.post("/devices/two/maintain")
    assert await listed(system, "?needs_somebody=true") == ["Two", "One"]
    assert await listed(system, f"?needs_somebody=true&site_id={harbour}") == ["Two"]
    page = await system.get("/devices?limit=2")
    assert [each["name"] for each in page["kiosks"]] == ["Three", "Two"]
    last = await system.get(f"/devices?limit=2&cursor={page['next']}")
    assert [each["name"] for each in last["kiosks"]] == ["One"]
    assert last["next"] is None
    for query in ("cursor=x", "cursor=eA==", "cursor=%F0%9F%98%80"):
        assert (await system.ask("GET", f"/devices?{query}")).status_code == 400
    for query in ("limit=0", "limit=101", f"site_id={'x' * 65}", "needs_somebody=perhaps"):
        assert await system.refused("GET", f"/devices?{query}") == MALFORMED


async def test_an_operators_system_sees_the_kiosks_of_every_merchant(portal: Portal):
    other = await portal.merchant("Florist")
    await add_kiosk(portal)
    await add_kiosk(portal, "roses", merchant_id=other, name="Roses")
    assert await listed(await system_of(portal, None, operators=True)) == ["Roses", "Till 3"]
    assert await listed(await system_of(portal, other, operators=True)) == ["Roses"]
    theirs = await system_of(portal, other)
    assert await listed(theirs) == ["Roses"]
    shop = await site_of(portal, "first")
    assert await theirs.refused("GET", f"/devices?site_id={shop}") == NOT_FOUND


async def test_a_kiosk_is_named(portal: Portal):
    await add_kiosk(portal)
    system, operator = await system_of(portal), await member_of(portal)
    told = await system.put(f"{PATH}/name", {"name": "  Counter by the door "})
    assert told["name"] == "Counter by the door"
    assert "<h1>Counter by the door</h1>" in (await operator.open(PAGE)).text
    wrong: list[Any] = [{"name": name} for name in ("", " ", "x" * 65, "a\nb", "a\0b", 7, None)]
    for body in (*wrong, {}, [], None, "Counter", {"name": "Till 4", "site_id": "first"}):
        assert await system.refused("PUT", f"{PATH}/name", body) == MALFORMED, body
    assert (await kiosk(portal)).name == "Counter by the door"
    assert await acts(portal) == [(system.name, "name the kiosk", KIOSK)]


async def test_a_kiosk_is_started_again_locked_and_called_to_maintenance(portal: Portal):
    await add_kiosk(portal)
    await report(portal)
    system, operator = await system_of(portal), await member_of(portal)
    told = await system.post(f"{PATH}/restart")
    assert told["requests"] == [{"act": "restart", "at": "2026-11-29T12:00:00Z"}]
    assert (await system.post(f"{PATH}/maintain"))["state"] == "maintenance"
    assert "In maintenance" in (await operator.open("/console")).text
    assert (await system.post(f"{PATH}/serve"))["state"] == "well"
    told = await system.post(f"{PATH}/lock")
    assert (told["state"], told["is_locked"]) == ("locked", True)
    assert "nobody can use it until it is activated again" in (await operator.open(PAGE)).text
    asked = [each["act"] for each in told["requests"]]
    assert asked == ["lock", "serve", "maintain", "restart"]
    assert await acts(portal) == [
        (system.name, act, KIOSK)
        for act in (
            "have the kiosk start again",
            "call the kiosk to maintenance",
            "put the kiosk back into service",
            "lock the kiosk",
        )
    ]


async def test_the_latest_that_was_asked_of_a_kiosk_is_told_and_what_is_repeated_is_done_once(
    portal: Portal,
):
    await add_kiosk(portal)
    system = await system_of(portal)
    for _ in range(2):
        await system.ask("POST", f"{PATH}/lock", once="lock-it-now")
    assert len((await system.get(PATH))["requests"]) == 1
    other = await system.ask("POST", f"{PATH}/restart", once="lock-it-now")
    assert other.json()["type"] == ProblemType.IDEMPOTENCY_MISMATCH
    for _ in range(5):
        await system.post(f"{PATH}/maintain")
    told = await system.get(PATH)
    assert [each["act"] for each in told["requests"]] == ["maintain"] * 5


async def test_a_kiosk_that_moves_leaves_its_door_and_its_reader(portal: Portal):
    await add_kiosk(portal)
    system = await system_of(portal)
    shop = await site_of(portal, "first")
    harbour = (await system.post("/sites", {"name": "Harbour"}))["site_id"]
    async with portal.database.session() as session:
        (await session.get_one(DeviceRow, KIOSK)).reader = "tmr_1"
        door = Door("North", DoorKind.RELAY, Direction.ENTRY, True, Hours.parse(""), None, 0)
        assert await doors.set_door(session, KIOSK, door, "")
        await session.commit()
    elsewhere = await site_of(portal, await portal.merchant("Florist"))
    operators = await system_of(portal, operators=True)
    for site in (elsewhere, "nowhere", KIOSK):
        for each in (system, operators):
            assert await each.refused("PUT", f"{PATH}/site", {"site_id": site}) == NOT_FOUND
    for body in (None, {}, {"site_id": ""}, {"site_id": "x" * 65}, {"site_id": None}):
        assert await system.refused("PUT", f"{PATH}/site", body) == MALFORMED
    assert (await system.put(f"{PATH}/site", {"site_id": shop}))["reader"] == "tmr_1"
    for _ in range(2):
        told = await system.put(f"{PATH}/site", {"site_id": harbour})
        assert (told["site_id"], told["reader"]) == (harbour, None)
    async with portal.database.session() as session:
        assert await doors.all_doors(session) == []
    moved = [act for act in await acts(portal) if act[1] == "move the kiosk"]
    assert moved == [(system.name, "move the kiosk", KIOSK)]


def test_another_kiosk_is_activated_in_the_place_of_one(served: Served):
    shop = open_shop(served)
    before = shop.api.get(f"/devices/{shop.kiosk.id}")
    code = shop.api.post(f"/devices/{shop.kiosk.id}/replacement-codes")["code"]
    after = served.device()
    after.activate(code)
    told = {each["device_id"]: each for each in shop.api.get("/devices")["kiosks"]}
    assert told[shop.kiosk.id]["state"] == "revoked"
    assert told[after.id]["state"] == "new"
    assert told[after.id]["site_id"] == before["site_id"]


async def test_a_key_revokes_three_kiosks_a_day_and_a_person_approves_more(portal: Portal):
    names = [f"kiosk-{place}" for place in range(ALONE + 2)]
    for name in names:
        await add_kiosk(portal, name)
    system, merchant = await system_of(portal), await member_of(portal, Role.MERCHANT, "first")
    answers = await asyncio.gather(
        *(system.ask("POST", f"/devices/{name}/revoke") for name in names[:-1])
    )
    assert sorted(answer.status_code for answer in answers) == [200] * ALONE + [202]
    (waits,) = [each for each in answers if each.status_code == 202]
    states = [(await system.get(f"/devices/{name}"))["state"] for name in names]
    assert states.count("revoked") == ALONE
    page = await merchant.open("/console/approvals")
    assert f"A system with the key {system.name}" in page.text
    request = waits.json()["approval_id"]
    path = f"/console/approvals/{request}/approve"
    await merchant.submit("/console/approvals", path)
    states = [(await system.get(f"/devices/{name}"))["state"] for name in names]
    assert states.count("revoked") == ALONE + 1
    other = await system_of(portal)
    last = await other.ask("POST", f"/devices/{names[-1]}/revoke")
    assert (last.status_code, last.json()) == (200, {"approval_id": None})


async def test_a_kiosk_that_several_revoke_at_once_is_revoked_once(portal: Portal):
    await add_kiosk(portal)
    system = await system_of(portal)
    answers = await asyncio.gather(
        *(system.ask("POST", f"{PATH}/revoke") for _ in range(ALONE + 2))
    )
    assert {answer.status_code for answer in answers} <= {200, 409}
    assert await acts(portal) == [(system.name, "revoke the kiosk", KIOSK)]


async def test_all_kiosks_of_a_site_are_revoked_when_a_person_approves_it(portal: Portal):
    shop = await site_of(portal, "first")
    system, merchant = await system_of(portal), await member_of(portal, Role.MERCHANT, "first")
    assert await system.refused("POST", f"/sites/{shop}/revoke") == CONFLICT
    for name in ("one", "two"):
        await add_kiosk(portal, name, name=f"Till {name}")
    answer = await system.ask("POST", f"/sites/{shop}/revoke", once="all-of-them")
    again = await system.ask("POST", f"/sites/{shop}/revoke", once="all-of-them")
    assert answer.status_code == 202
    assert (again.status_code, again.json()) == (202, answer.json())
    page = await merchant.open("/console/approvals")
    assert page.text.count("Till one, Till two") == 1
    assert await listed(system, "?needs_somebody=true") == []
    request = answer.json()["approval_id"]
    await merchant.submit("/console/approvals", f"/console/approvals/{request}/approve")
    told = (await system.get("/devices"))["kiosks"]
    assert [each["state"] for each in told] == ["revoked"] * 2
    assert await system.refused("POST", f"/sites/{shop}/revoke") == CONFLICT


async def test_a_key_that_reads_steers_nothing_and_is_told_of_no_accounts(portal: Portal):
    await add_kiosk(portal)
    shop = await site_of(portal, "first")
    system = await system_of(portal, "first", Scope.SITES_READ)
    assert await listed(system) == ["Till 3"]
    kinds = ("restart", "lock", "maintain", "serve", "revoke", "replacement-codes")
    asks: list[tuple[str, str, Any]] = [("POST", f"{PATH}/{kind}", None) for kind in kinds]
    asks += [("PUT", f"{PATH}/name", {"name": "Till 4"}), ("PUT", f"{PATH}/site", {"site_id": "x"})]
    asks += [("POST", f"/sites/{shop}/revoke", None), ("GET", "/staff", None)]
    for method, path, body in asks:
        refused = await system.refused(method, path, body)
        assert refused == (403, ProblemType.INSUFFICIENT_SCOPE), path
    reader = await system_of(portal, "first", Scope.STAFF_READ)
    body = {"name": "Eve", "role": "shop-staff", "site_id": shop}
    asks = [
        ("POST", "/staff", body),
        ("POST", "/staff/x/links", None),
        ("DELETE", "/staff/x", None),
    ]
    for method, path, body in asks:
        refused = await reader.refused(method, path, body)
        assert refused == (403, ProblemType.INSUFFICIENT_SCOPE), path
    assert await acts(portal) == []


async def test_a_kiosk_that_is_revoked_is_steered_no_more(portal: Portal):
    await add_kiosk(portal)
    system = await system_of(portal)
    harbour = (await system.post("/sites", {"name": "Harbour"}))["site_id"]
    await system.post(f"{PATH}/revoke")
    before = await acts(portal)
    for act in ("restart", "lock", "maintain", "serve", "revoke"):
        assert await system.refused("POST", f"{PATH}/{act}") == CONFLICT, act
    assert await system.refused("PUT", f"{PATH}/name", {"name": "Till 4"}) == CONFLICT
    assert await system.refused("PUT", f"{PATH}/site", {"site_id": harbour}) == CONFLICT
    assert await acts(portal) == before
    assert re.fullmatch(r"\d{8}", (await system.post(f"{PATH}/replacement-codes"))["code"])
