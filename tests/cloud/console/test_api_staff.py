"""Systems add and end accounts of staff with a key, and by that nobody approves anything."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from cloud.console.roles import GIVES_BY_KEY, Role
from cloud.settings import Settings
from protocol.messages import ProblemType
from tests.support.console import Member, add_kiosk, link_for, make, member_of, site_of, trail
from tests.support.portal import ORIGIN, Portal, open_portal
from tests.support.systems import System, system_of

pytestmark = pytest.mark.anyio

NOT_FOUND = 404, ProblemType.NOT_FOUND
CONFLICT = 409, ProblemType.CONFLICT
MALFORMED = 422, ProblemType.MALFORMED


async def add(system: System, portal: Portal, name: str = "Ann", **given: str) -> Any:
    assert system.merchant_id
    site = await site_of(portal, system.merchant_id)
    return await system.post(
        "/staff", {"name": name, "role": "site-manager", "site_id": site} | given
    )


async def names(system: System, query: str = "") -> list[str]:
    return [each["name"] for each in (await system.get(f"/staff{query}"))["staff"]]


async def signed_in(portal: Portal, added: Any) -> Member:
    """Returns whose account was added, signed in by the link."""
    row, _ = await link_for(portal, Role.OPERATOR)
    member = Member(row, portal.browser())
    path = added["link"]["url"].removeprefix(ORIGIN)
    page = await make(member.browser, path, member.passkey)
    assert page.url.path == "/console"
    return member


async def test_a_key_adds_somebody_who_makes_a_passkey_by_a_link(portal: Portal):
    system, operator = await system_of(portal), await member_of(portal)
    added = await add(system, portal)
    assert added == {
        "staff_id": added["staff_id"],
        "name": "Ann",
        "role": "site-manager",
        "merchant_id": "first",
        "site_id": await site_of(portal, "first"),
        "since": "2026-11-29T12:00:00Z",
        "link": {"url": added["link"]["url"], "expires_at": "2026-11-30T12:00:00Z"},
    }
    ann = await signed_in(portal, added)
    assert "Ann" in (await operator.open("/console/staff")).text
    link = added.pop("link")["url"].removeprefix(ORIGIN)
    assert (await portal.browser().open(link)).status_code == 404, "it was used"
    path = f"/staff/{added['staff_id']}"
    assert await system.get(path) == added
    assert (await system.ask("DELETE", path)).status_code == 204
    assert (await ann.open("/console")).url.path == "/console/sign-in"
    for method, below in (("GET", path), ("DELETE", path), ("POST", f"{path}/links")):
        assert await system.refused(method, below) == NOT_FOUND
    done = [row for row in await trail(operator) if row["door"] == "api"]
    assert [(row["who"], row["act"], row["subject"]) for row in done] == [
        (system.name, act, added["staff_id"]) for act in ("add the account", "end the account")
    ]
    assert "Ann" not in str(done)


async def test_an_account_that_several_end_at_once_ends_once(portal: Portal):
    system, operator = await system_of(portal), await member_of(portal)
    path = f"/staff/{(await add(system, portal))['staff_id']}"
    asked = [system.ask("DELETE", path) for _ in range(3)]
    asked += [system.ask("POST", f"{path}/links") for _ in range(3)]
    for answer in await asyncio.gather(*asked):
        assert answer.status_code in (200, 204, 404)
    assert [row["act"] for row in await trail(operator)].count("end the account") == 1
    assert await names(system) == []


async def test_another_link_takes_the_place_of_the_one_before(portal: Portal):
    system = await system_of(portal)
    added = await add(system, portal)
    path = f"/staff/{added['staff_id']}/links"
    first = await system.ask("POST", path, once="another-link")
    assert (await system.ask("POST", path, once="another-link")).json() == first.json()
    newer = first.json()["url"].removeprefix(ORIGIN)
    older = added["link"]["url"].removeprefix(ORIGIN)
    assert [(await portal.browser().open(each)).status_code for each in (older, newer)] == [
        404,
        200,
    ]
    assert (await system.ask("POST", "/staff", once="another-link")).status_code == 422


@pytest.mark.parametrize("role", sorted(GIVES_BY_KEY))
async def test_whom_a_key_adds_approves_nothing_and_adds_nobody(portal: Portal, role: Role):
    """Who has stolen a key, even the operator's, has one eye with it."""
    await add_kiosk(portal)
    shop = await site_of(portal, "first")
    for operators in (False, True):
        thief = await system_of(portal, operators=operators)
        asked = await thief.post(f"/sites/{shop}/revoke")
        accomplice = await signed_in(portal, await add(thief, portal, role=role))
        request = f"/console/approvals/{asked['approval_id']}"
        for path in (f"{request}/approve", f"{request}/decline", "/console/staff/new"):
            answer = await accomplice.post(path, name="Eve", role=role, place=f"site {shop}")
            assert answer.status_code == 404, path
        for path in ("/console/approvals", "/console/staff"):
            assert (await accomplice.open(path)).status_code == 404
        assert (await thief.get("/devices"))["kiosks"][0]["state"] != "revoked"
        assert await names(thief, "?limit=1") != ["Eve"]


async def test_with_a_key_nobody_gets_or_loses_an_account_that_approves_or_adds(portal: Portal):
    shop = await site_of(portal, "first")
    merchant = await member_of(portal, Role.MERCHANT, "first", name="Mia")
    auditor = await member_of(portal, Role.AUDITOR, "first", name="Aud")
    operator = await member_of(portal, name="Olga")
    theirs = await system_of(portal)
    operators = await system_of(portal, operators=True)
    before = len(await trail(operator))
    for role in set(Role) - GIVES_BY_KEY:
        for system in (theirs, operators):
            body = {"name": "Eve", "role": role, "site_id": shop}
            assert await system.refused("POST", "/staff", body) == CONFLICT, role
    for member in (merchant, auditor, operator):
        path = f"/staff/{member.member.id}"
        seen = NOT_FOUND if member is operator else CONFLICT
        assert await operators.refused("POST", f"{path}/links") == seen
        assert await operators.refused("DELETE", path) == seen
        assert await theirs.refused("GET", path) == NOT_FOUND
        assert await theirs.refused("POST", f"{path}/links") == NOT_FOUND
        assert await theirs.refused("DELETE", path) == NOT_FOUND
        assert (await member.open("/console")).url.path == "/console"
    assert [row["act"] for row in (await trail(operator))[before:]] == ["export the audit trail"]
    assert await names(theirs) == []
    assert sorted(await names(operators)) == ["Aud", "Mia"]
    everybody = replace(operators, merchant_id=None)
    assert sorted(await names(everybody)) == ["Aud", "Mia", "Olga"]


async def test_accounts_are_listed_in_pages_and_never_another_merchants(portal: Portal):
    system = await system_of(portal)
    other = await system_of(portal, await portal.merchant("Florist"))
    for name in ("Ann", "Ben", "Cleo"):
        await add(system, portal, name)
        portal.pass_time(timedelta(seconds=1))
    ann = (await system.get("/staff?limit=100"))["staff"][-1]["staff_id"]
    page = await system.get("/staff?limit=2")
    assert [each["name"] for each in page["staff"]] == ["Cleo", "Ben"]
    last = await system.get(f"/staff?limit=2&cursor={page['next']}")
    assert [each["name"] for each in last["staff"]] == ["Ann"]
    assert last["next"] is None
    assert await names(other) == []
    for method, below in (("GET", ""), ("DELETE", ""), ("POST", "/links")):
        assert await other.refused(method, f"/staff/{ann}{below}") == NOT_FOUND
    site = await site_of(portal, "first")
    body = {"name": "Eve", "role": "shop-staff", "site_id": site}
    assert await other.refused("POST", "/staff", body) == NOT_FOUND
    assert await names(system) == ["Cleo", "Ben", "Ann"]


async def test_what_is_no_account_adds_none(portal: Portal):
    system = await system_of(portal)
    right = {"name": "Eve", "role": "shop-staff", "site_id": await site_of(portal, "first")}
    wrong: list[Any] = [right | {"name": name} for name in ("", " ", "x" * 61, "a\nb", "\0", 7)]
    wrong += [right | {"role": role} for role in ("", "root", None)]
    wrong += [right | {"site_id": site} for site in ("", "x" * 65, None)]
    wrong += [right | {"merchant_id": "first"}, {}, [], None, "Eve"]
    for body in wrong:
        assert await system.refused("POST", "/staff", body) == MALFORMED, body
    for site, refusal in (("nowhere", NOT_FOUND), ("first\0", MALFORMED)):
        assert await system.refused("POST", "/staff", right | {"site_id": site}) == refusal
    enormous = await system.ask("POST", "/staff", right | {"name": "x" * 10**6})
    assert enormous.status_code == 413
    assert await names(system) == []


@pytest.fixture
async def elsewhere(tmp_path: Path, anyio_backend: str) -> AsyncGenerator[Portal]:
    """A service whose console has an address of its own."""
    settings = Settings.model_validate({"console": {"url": "https://staff.example.com"}})
    async with open_portal(tmp_path, settings) as portal:
        yield portal


async def test_a_link_leads_to_the_consoles_own_address(elsewhere: Portal):
    added = await add(await system_of(elsewhere), elsewhere)
    assert added["link"]["url"].startswith("https://staff.example.com/console/register/")


async def test_where_there_is_no_console_nobody_is_added(portal: Portal):
    system = await system_of(portal)
    portal.context.sandbox = False
    shop = await site_of(portal, "first")
    body = {"name": "Ann", "role": "shop-staff", "site_id": shop}
    assert await system.refused("POST", "/staff", body) == CONFLICT
    assert await names(system) == []
