"""Systems see with a key what somebody should look at, and do about it what staff do."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from cloud.console.roles import Role
from cloud.integrations.asking import Scope
from cloud.keys.persons import erase_person
from cloud.people.accounts import frozen_since
from cloud.seen import Kind
from cloud.web.devices import DeviceRow
from protocol.messages import ProblemType
from tests.support.console import (
    KIOSK,
    add_kiosk,
    attacks,
    member_of,
    see,
    site_of,
    trail,
)
from tests.support.portal import Portal
from tests.support.systems import System, system_of

pytestmark = pytest.mark.anyio

PAGE = "/console/attacks"
FIRST = "/v1/merchants/first/attacks"
PHONE = "+14155550123"


async def listed(system: System, path: str = FIRST) -> list[dict[str, Any]]:
    return (await system.get(path))["attacks"]


async def test_what_happened_is_told_with_where_how_often_and_what_can_be_done(portal: Portal):
    await add_kiosk(portal)
    system = await system_of(portal)
    assert await listed(system) == []
    await see(portal, Kind.LIFELESS, 5)
    began = portal.now
    portal.pass_time(timedelta(hours=1))
    await see(portal, Kind.LIFELESS, 2)
    (row,) = await attacks(portal)
    (told,) = await listed(system)
    assert told == {
        "attack_id": row.id,
        "kind": "lifeless",
        "serious": True,
        "site_id": await site_of(portal, "first"),
        "device_id": KIOSK,
        "times": 7,
        "first_at": began.isoformat().replace("+00:00", "Z"),
        "last_at": portal.now.isoformat().replace("+00:00", "Z"),
        "remedies": ["lock_kiosk"],
        "looked_at": None,
        "looked_by": None,
        "note": "",
    }
    assert await system.get(f"{FIRST}/{row.id}") == told
    await see(portal, Kind.ALIKE)
    newest = (await listed(system))[0]
    assert (newest["kind"], newest["serious"], newest["remedies"]) == ("alike", False, [])


async def test_what_began_last_is_on_the_first_page(portal: Portal):
    system = await system_of(portal)
    for place, kind in enumerate((Kind.CODES, Kind.TWICE, Kind.ALIKE)):
        await add_kiosk(portal, f"kiosk-{place}", name=f"Till {place}")
        await see(portal, kind, device_id=f"kiosk-{place}")
        if place:
            portal.pass_time(timedelta(minutes=1))
    # What began long ago stays behind what has begun since, however often it happens again.
    await see(portal, Kind.CODES, device_id="kiosk-0")
    found: list[str] = []
    path: str | None = f"{FIRST}?limit=1"
    while path:
        page = await system.get(path)
        found += [each["kind"] for each in page["attacks"]]
        path = page["next"] and f"{FIRST}?limit=1&cursor={page['next']}"
    assert found[0] == "alike"
    assert sorted(found) == ["alike", "codes", "twice"]


async def test_an_attack_is_marked_as_looked_at_once(portal: Portal):
    await add_kiosk(portal)
    system, other = await system_of(portal), await system_of(portal)
    await see(portal, Kind.CODES)
    (row,) = await attacks(portal)
    told = await system.post(f"{FIRST}/{row.id}/looked", {"note": " A broken till "})
    assert (told["note"], told["looked_by"]) == ("A broken till", system.name)
    answer = await other.ask("POST", f"{FIRST}/{row.id}/looked", {"note": "Mine"})
    assert (answer.status_code, answer.json()["type"]) == (409, ProblemType.CONFLICT)
    assert await listed(system) == [told]
    assert await listed(system, f"{FIRST}?looked_at=true") == [told]
    assert await listed(system, f"{FIRST}?looked_at=false") == []
    member = await member_of(portal)
    page = (await member.open(PAGE)).text
    assert "A broken till" in page
    assert f"A system with the key {system.name}" in page
    noted = [row for row in await trail(member) if row["act"] == "look at the incident"]
    assert [(row["door"], row["who"], row["subject"]) for row in noted] == [
        ("api", system.name, told["attack_id"])
    ]
    assert "A broken till" not in str(noted)


async def test_of_several_who_look_at_the_same_at_once_one_has(portal: Portal):
    await add_kiosk(portal)
    systems = [await system_of(portal) for _ in range(3)]
    await see(portal, Kind.CODES)
    (row,) = await attacks(portal)
    answers = await asyncio.gather(
        *(each.ask("POST", f"{FIRST}/{row.id}/looked", {"note": each.name}) for each in systems)
    )
    assert sorted(each.status_code for each in answers) == [200, 409, 409]


async def test_it_is_told_who_of_the_merchants_staff_has_looked_at_it(portal: Portal):
    await add_kiosk(portal)
    theirs = await member_of(portal, Role.MERCHANT, "first")
    operator, system = await member_of(portal), await system_of(portal)
    for member, kind in ((theirs, Kind.CODES), (operator, Kind.TWICE)):
        await see(portal, kind)
        (row,) = await attacks(portal)
        await member.post(f"{PAGE}/{row.id}/looked", note="Seen")
    told = {each["kind"]: each["looked_by"] for each in await listed(system)}
    assert told == {"codes": theirs.member.id, "twice": None}


async def test_the_operators_key_freezes_an_account_without_learning_whose(portal: Portal):
    await add_kiosk(portal)
    person = await portal.account(PHONE)
    operator = await system_of(portal, None)
    await see(portal, Kind.GUESSES, about=person)
    (row,) = await attacks(portal)
    (told,) = await listed(operator)
    assert told["remedies"] == ["freeze_account"]
    frozen = await operator.post(f"{FIRST}/{row.id}/freeze")
    assert (frozen["note"], frozen["looked_by"]) == ("The account was frozen.", operator.name)
    async with portal.database.session() as session:
        assert await frozen_since(session, person) == portal.now
    rows = await trail(await member_of(portal))
    noted = [row for row in rows if row["act"] == "freeze the account of the incident"]
    assert [(row["door"], row["who"]) for row in noted] == [("api", operator.name)]
    for secret in (PHONE, "Alex", person.person_id):
        assert secret not in f"{told} {frozen} {rows}"


async def test_a_merchants_key_neither_freezes_nor_learns_that_it_is_about_somebody(
    portal: Portal,
):
    await add_kiosk(portal)
    person, system = await portal.account(PHONE), await system_of(portal)
    await see(portal, Kind.GUESSES, about=person)
    (row,) = await attacks(portal)
    (about_somebody,) = await listed(system)
    answer = await system.ask("POST", f"{FIRST}/{row.id}/freeze")
    assert (answer.status_code, answer.json()["type"]) == (404, ProblemType.NOT_FOUND)
    never = await system.ask("POST", f"{FIRST}/{'0' * 32}/freeze")
    assert never.json() == answer.json()
    async with portal.database.session() as session:
        assert await frozen_since(session, person) is None
        await erase_person(session, person.person_id)
        await session.commit()
    assert await listed(system) == [about_somebody]


async def test_what_is_about_nobody_freezes_nobody(portal: Portal):
    await add_kiosk(portal)
    operator, person = await system_of(portal, None), await portal.account(PHONE)
    await see(portal, Kind.ALIKE)
    await see(portal, Kind.GUESSES, about=person)
    ids = [row.id for row in await attacks(portal)]
    async with portal.database.session() as session:
        await erase_person(session, person.person_id)
        await session.commit()
    for each in ids:
        answer = await operator.ask("POST", f"{FIRST}/{each}/freeze")
        assert (answer.status_code, answer.json()["type"]) == (409, ProblemType.CONFLICT)
    assert len(await attacks(portal)) == 2


async def test_nothing_is_told_and_done_of_another_merchants(portal: Portal):
    await add_kiosk(portal)
    florist = await portal.merchant("Florist")
    other, operator = await system_of(portal, florist), await system_of(portal, None)
    person = await portal.account(PHONE)
    await see(portal, Kind.GUESSES, about=person)
    (row,) = await attacks(portal)
    for system in (other, operator):
        theirs = f"/v1/merchants/{florist}/attacks"
        assert await listed(system, theirs) == []
        for method, path in (("GET", ""), ("POST", "/looked"), ("POST", "/freeze")):
            body = {} if path == "/looked" else None
            answers = [
                await system.ask(method, f"{theirs}/{name}{path}", body)
                for name in (row.id, "0" * 32, KIOSK, person.person_id)
            ]
            assert {each.status_code for each in answers} == {404}
            assert len({each.text for each in answers}) == 1
    assert (await other.ask("GET", FIRST)).status_code == 404
    assert len(await attacks(portal)) == 1


async def test_a_kiosk_that_is_another_merchants_by_now_is_not_named(portal: Portal):
    await add_kiosk(portal)
    florist, system = await portal.merchant("Florist"), await system_of(portal)
    await see(portal, Kind.LIFELESS, 5)
    elsewhere = await site_of(portal, florist)
    async with portal.database.session() as session:
        device = await session.get_one(DeviceRow, KIOSK)
        device.merchant_id, device.site_id = florist, elsewhere
        await session.commit()
    (told,) = await listed(system)
    assert (told["device_id"], told["remedies"]) == (None, [])


@pytest.mark.parametrize(
    "body", [None, [], {"note": "x" * 201}, {"note": "two\nlines"}, {"note": "\0"}, {"who": "me"}]
)
async def test_a_note_that_is_none_marks_nothing(portal: Portal, body: Any):
    await add_kiosk(portal)
    system = await system_of(portal)
    await see(portal, Kind.CODES)
    (row,) = await attacks(portal)
    answer = await system.ask("POST", f"{FIRST}/{row.id}/looked", body)
    assert (answer.status_code, answer.json()["type"]) == (422, ProblemType.MALFORMED)
    assert len(await attacks(portal)) == 1


async def test_a_cursor_that_no_page_has_told_is_refused(portal: Portal):
    answer = await (await system_of(portal)).ask("GET", f"{FIRST}?cursor=nothing")
    assert (answer.status_code, answer.json()["type"]) == (400, ProblemType.MALFORMED)


async def test_a_key_that_may_only_read_marks_and_freezes_nothing(portal: Portal):
    await add_kiosk(portal)
    await see(portal, Kind.GUESSES, about=await portal.account(PHONE))
    (row,) = await attacks(portal)
    reads = await system_of(portal, None, Scope.ATTACKS_READ)
    for path, body in (("looked", {}), ("freeze", None)):
        answer = await reads.ask("POST", f"{FIRST}/{row.id}/{path}", body)
        assert answer.json()["type"] == ProblemType.INSUFFICIENT_SCOPE
    assert len(await attacks(portal)) == 1
