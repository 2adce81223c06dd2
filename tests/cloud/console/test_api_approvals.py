"""What needs two is asked for with a key, and approved by a person."""

import asyncio
import json
from datetime import timedelta

import pytest
from sqlalchemy import select

from cloud.app import create_app
from cloud.console import four_eyes
from cloud.console.api.files import FILE_LIFE
from cloud.console.audit import By, Door
from cloud.console.four_eyes import BY_KEY, KEPT, LIFE
from cloud.console.roles import Role
from cloud.integrations.asking import Scope
from cloud.web.merchant_keys import remove_key
from cloud.web.tables import StoredAnswer
from protocol.messages import ProblemType
from tests.support.console import Member, add_kiosk, member_of, sell, site_of, trail
from tests.support.portal import Portal
from tests.support.systems import System, system_of

pytestmark = pytest.mark.anyio

PAGE = "/console/approvals"
CONFLICT, NOT_FOUND = (409, ProblemType.CONFLICT), (404, ProblemType.NOT_FOUND)


async def approve(member: Member, approval_id: str) -> None:
    await member.submit(PAGE, f"{PAGE}/{approval_id}/approve")


async def trail_file(system: System, member: Member) -> str:
    """Returns the name of a file of the trail that a person has approved."""
    asked = (await system.post("/audit-files"))["approval_id"]
    await approve(member, asked)
    return (await system.post(f"/approvals/{asked}/audit-file"))["file_id"]


async def test_a_key_asks_for_the_trail_a_person_approves_it_and_the_key_takes_it_once(
    portal: Portal,
):
    system, owner = await system_of(portal), await member_of(portal, Role.MERCHANT, "first")
    answer = await system.ask("POST", "/audit-files")
    asked = answer.json()
    approval = asked["approval_id"]
    assert (answer.status_code, asked["state"], asked["is_own"]) == (202, "waiting", True)
    assert f"A system with the key {system.name}" in (await owner.open(PAGE)).text
    take = f"/approvals/{approval}/audit-file"
    assert await system.refused("POST", take) == CONFLICT
    await approve(owner, approval)
    told = await system.get(f"/approvals/{approval}")
    assert (told["state"], told["decided_by"]) == ("approved", owner.member.id)
    name = (await system.post(take))["file_id"]
    assert await system.refused("POST", take) == CONFLICT
    files = [await system.ask("GET", f"/audit-files/{name}") for _ in range(2)]
    assert files[0].headers["content-type"] == "application/jsonl"
    assert files[0].content == files[1].content
    rows = [json.loads(line) for line in files[0].text.splitlines()]
    assert {row["merchant"] for row in rows} == {"first"}
    theirs = [row for row in rows if row["subject"] == approval]
    assert [(row["door"], row["who"], row["act"]) for row in theirs] == [
        ("api", system.name, "ask to export the audit trail"),
        ("console", owner.member.id, "approve to export the audit trail"),
        ("api", system.name, "export the audit trail"),
    ]
    assert "Done" in (await owner.open(PAGE)).text


async def test_a_file_is_not_lost_with_an_answer_and_is_stored_nowhere(portal: Portal):
    system, owner = await system_of(portal), await member_of(portal, Role.MERCHANT, "first")
    approval = (await system.post("/audit-files"))["approval_id"]
    await approve(owner, approval)
    take = f"/approvals/{approval}/audit-file"
    # The answer is lost on its way, and the same request is sent again.
    await system.ask("POST", take, once="take-the-trail")
    again = await system.ask("POST", take, once="take-the-trail")
    path = f"/audit-files/{again.json()['file_id']}"
    portal.pass_time(FILE_LIFE - timedelta(seconds=1))
    sent = {"x-api-key": system.key, "idempotency-key": "get-the-trail"}
    file = await system.http.get(f"/v1/merchants/first{path}", headers=sent)
    assert "export the audit trail" in file.text
    async with portal.database.session() as session:
        kept = {row.key: row.body for row in await session.scalars(select(StoredAnswer))}
    assert "get-the-trail" not in kept
    assert max(map(len, kept.values())) < 2048
    portal.pass_time(timedelta(seconds=1))
    assert await system.refused("GET", path) == (410, ProblemType.EXPIRED)


async def test_no_key_approves_anything(portal: Portal):
    paths = create_app(portal.context).openapi()["paths"]
    assert [path for path in paths if "approve" in path or "decline" in path] == []
    operators = await system_of(portal, None, operators=True)
    system, other = await system_of(portal), await system_of(portal)
    approval = (await system.post("/audit-files"))["approval_id"]
    for each in (system, other, operators):
        for verb in ("approve", "decline", ""):
            answer = await each.ask("POST", f"/approvals/{approval}/{verb}")
            assert answer.status_code in (404, 405)
        answer = await each.ask("PUT", f"/approvals/{approval}", {"state": "approved"})
        assert answer.status_code in (404, 405)
    by = By(Door.API, other.name, portal.now)
    async with portal.database.session() as session:
        with pytest.raises(AssertionError):
            await four_eyes.decide(session, by, approval, approves=True)
    assert (await system.get(f"/approvals/{approval}"))["state"] == "waiting"


async def test_a_key_takes_back_what_it_has_asked_for_and_nothing_else(portal: Portal):
    system, other = await system_of(portal), await system_of(portal)
    operators = await system_of(portal, None, operators=True)
    owner = await member_of(portal, Role.MERCHANT, "first")
    await owner.submit("/console/audit", "/console/audit/export")
    of_key = (await system.post("/audit-files"))["approval_id"]
    listed = (await system.get("/approvals"))["approvals"]
    (of_person,) = [each["approval_id"] for each in listed if each["approval_id"] != of_key]
    assert await system.refused("POST", f"/approvals/{of_person}/cancel") == CONFLICT
    for each in (other, operators):
        assert await each.refused("POST", f"/approvals/{of_key}/cancel") == CONFLICT
    told = await system.post(f"/approvals/{of_key}/cancel")
    assert (told["state"], told["decided_by"]) == ("declined", system.name)
    assert await system.refused("POST", f"/approvals/{of_key}/cancel") == CONFLICT
    assert (await system.get(f"/approvals/{of_person}"))["state"] == "waiting"
    acts = [row["act"] for row in await trail(owner) if row["subject"] == of_key]
    assert acts == ["ask to export the audit trail", "decline to export the audit trail"]


async def test_nobody_else_takes_what_a_key_has_asked_for(portal: Portal):
    system, other = await system_of(portal), await system_of(portal)
    rival = await system_of(portal, await portal.merchant("Florist"))
    at_merchant = await system_of(portal, "first", operators=True)
    operators = System(at_merchant.http, at_merchant.key, None)
    owner = await member_of(portal, Role.MERCHANT, "first")
    approval = (await system.post("/audit-files"))["approval_id"]
    await approve(owner, approval)
    for each in (other, rival, at_merchant, operators):
        assert await each.refused("POST", f"/approvals/{approval}/audit-file") == NOT_FOUND
    # Nor is it what it is not.
    assert await system.refused("POST", f"/approvals/{approval}/purchase-file") == NOT_FOUND
    name = (await system.post(f"/approvals/{approval}/audit-file"))["file_id"]
    for each in (other, rival, at_merchant, operators):
        assert await each.refused("GET", f"/audit-files/{name}") == NOT_FOUND
    for wrong in (name[:-4], "A" * 80, "x", name[:-5] + ("B" if name[-5] == "A" else "A") + "===="):
        assert await system.refused("GET", f"/audit-files/{wrong}") == NOT_FOUND
    assert await system.refused("GET", f"/purchase-files/{name}") == NOT_FOUND


async def test_the_operators_key_takes_a_merchants_trail_at_the_merchants_path(portal: Portal):
    at_merchant = await system_of(portal, "first", operators=True)
    of_all = System(at_merchant.http, at_merchant.key, None)
    operator = await member_of(portal)
    theirs = (await at_merchant.post("/audit-files"))["approval_id"]
    await approve(operator, theirs)
    assert await of_all.refused("POST", f"/approvals/{theirs}/audit-file") == NOT_FOUND
    name = (await at_merchant.post(f"/approvals/{theirs}/audit-file"))["file_id"]
    assert '"merchant": null' not in (await at_merchant.ask("GET", f"/audit-files/{name}")).text
    assert await of_all.refused("GET", f"/audit-files/{name}") == NOT_FOUND
    name = await trail_file(of_all, operator)
    assert '"merchant": null' in (await of_all.ask("GET", f"/audit-files/{name}")).text


async def test_what_a_stolen_key_has_asked_for_is_not_approved_once_the_key_is_removed(
    portal: Portal,
):
    system, owner = await system_of(portal), await member_of(portal, Role.MERCHANT, "first")
    approval = (await system.post("/audit-files"))["approval_id"]
    async with portal.database.session() as session:
        assert await remove_key(session, system.name)
        await session.commit()
    page = await owner.post(f"{PAGE}/{approval}/approve")
    assert page.status_code == 409
    assert "was removed or has expired" in page.text
    assert "Declined" in (await owner.submit(PAGE, f"{PAGE}/{approval}/decline")).text
    assert await system.refused("GET", "/approvals") == (401, ProblemType.UNKNOWN_KEY)


async def test_a_stolen_key_does_no_more_than_its_scopes_say(portal: Portal):
    await add_kiosk(portal)
    await sell(portal)
    whole, owner = await system_of(portal), await member_of(portal, Role.MERCHANT, "first")
    stolen = await system_of(portal, "first", Scope.APPROVALS_WRITE, Scope.AUDIT_READ)
    waits = (await whole.post("/purchase-files", {}))["approval_id"]
    await approve(owner, waits)
    for method, path, body in (
        ("GET", "/approvals", None),
        ("POST", "/purchase-files", {}),
        ("POST", f"/approvals/{waits}/purchase-file", None),
        ("POST", "/reconciliation", {"day": "2026-11-29"}),
        ("GET", "/purchases", None),
    ):
        refused = await stolen.refused(method, path, body)
        assert refused == (403, ProblemType.INSUFFICIENT_SCOPE), path
    # What it may do is asked for in its name, and worth nothing before a person agrees.
    asked = (await stolen.post("/audit-files"))["approval_id"]
    assert await stolen.refused("POST", f"/approvals/{asked}/audit-file") == CONFLICT
    assert await stolen.refused("POST", f"/approvals/{waits}/cancel") == CONFLICT
    assert f"A system with the key {stolen.name}" in (await owner.open(PAGE)).text
    assert (await whole.get(f"/approvals/{waits}"))["state"] == "approved"


async def test_what_is_approved_is_taken_once_by_requests_at_once(portal: Portal):
    system, owner = await system_of(portal), await member_of(portal, Role.MERCHANT, "first")
    approval = (await system.post("/audit-files"))["approval_id"]
    await approve(owner, approval)
    take = f"/approvals/{approval}/audit-file"
    answers = await asyncio.gather(*(system.ask("POST", take) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409]


async def test_a_key_buries_nobody_under_what_it_asks_for(portal: Portal):
    system, other = await system_of(portal), await system_of(portal)
    owner = await member_of(portal, Role.MERCHANT, "first")
    asked = await asyncio.gather(*(system.ask("POST", "/audit-files") for _ in range(BY_KEY + 2)))
    assert [answer.status_code for answer in asked].count(202) == BY_KEY
    # Neither does it help to take it back and ask again.
    for answer in asked[:3]:
        if answer.is_success:
            await system.post(f"/approvals/{answer.json()['approval_id']}/cancel")
    refused = await system.ask("POST", "/audit-files")
    assert (refused.status_code, refused.json()["type"]) == (429, ProblemType.TOO_MANY_ATTEMPTS)
    assert 0 < int(refused.headers["retry-after"]) <= LIFE.total_seconds() + 1
    assert (await other.ask("POST", "/audit-files")).status_code == 202
    assert (await owner.submit("/console/audit", "/console/audit/export")).url.path == PAGE
    portal.pass_time(LIFE)
    assert (await system.ask("POST", "/audit-files")).status_code == 202


async def test_what_needs_two_is_listed_with_what_became_of_it(portal: Portal):
    await add_kiosk(portal)
    await sell(portal)
    system, owner = await system_of(portal), await member_of(portal, Role.MERCHANT, "first")
    site = await site_of(portal, "first")
    form = f"/console/sites/{site}/revoke"
    await owner.submit(form, form)
    portal.pass_time(timedelta(minutes=1))
    await system.post("/purchase-files", {"when": "2026-11", "state": "paid"})
    first = await system.get("/approvals?limit=1")
    (sales,) = first["approvals"]
    assert sales["chosen"] == {
        "where": None,
        "when": "2026-11",
        "state": "paid",
        "reference": None,
    }
    second = await system.get(f"/approvals?limit=1&cursor={first['next']}")
    (kiosks,) = second["approvals"]
    assert second["next"] is None
    assert (kiosks["act"], kiosks["device_ids"]) == ("revoke kiosks", ["kiosk-of-the-first"])
    assert (kiosks["door"], kiosks["who"], kiosks["is_own"]) == (
        "console",
        owner.member.id,
        False,
    )
    rival = await system_of(portal, await portal.merchant("Florist"))
    assert (await rival.get("/approvals"))["approvals"] == []
    assert await rival.refused("GET", f"/approvals/{kiosks['approval_id']}") == NOT_FOUND
    operators = await system_of(portal, None, operators=True)
    assert len((await operators.get("/approvals"))["approvals"]) == 2
    portal.pass_time(LIFE)
    states = [each["state"] for each in (await system.get("/approvals"))["approvals"]]
    assert states == ["over", "over"]
    assert KEPT > LIFE


async def test_the_gallerys_secret_is_asked_for_with_the_operators_key_alone(portal: Portal):
    operators = await system_of(portal, None, operators=True)
    theirs = await system_of(portal)
    for merchant in (None, "first"):
        asked = System(theirs.http, theirs.key, merchant)
        assert await asked.refused("POST", "/secret-replacements") == NOT_FOUND
    approval = (await operators.post("/secret-replacements"))["approval_id"]
    assert await theirs.refused("GET", f"/approvals/{approval}") == NOT_FOUND
    assert (await theirs.get("/approvals"))["approvals"] == []
    await approve(await member_of(portal), approval)
    async with portal.database.session() as session:
        assert await four_eyes.approved_rekey(session, portal.now) == approval
