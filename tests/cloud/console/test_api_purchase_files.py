"""Purchases are taken as a file with a key, as far as one alone takes them in the console; what is
more, a person approves."""

import asyncio
from typing import Any

import pytest

from cloud.console.four_eyes import FILES_ALONE
from cloud.console.roles import Role
from protocol.messages import ProblemType
from tests.support.console import KIOSK, SOLD, add_kiosk, member_of, sell, site_of, trail
from tests.support.portal import Portal
from tests.support.systems import System, system_of

pytestmark = pytest.mark.anyio

FILES = "/purchase-files"
NOT_FOUND = (404, ProblemType.NOT_FOUND)


async def fetched(system: System, file_id: str) -> str:
    answer = await system.ask("GET", f"{FILES}/{file_id}")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/csv")
    return answer.text


@pytest.fixture
async def site(portal: Portal) -> str:
    await add_kiosk(portal)
    await sell(portal)
    return await site_of(portal, "first")


async def test_few_are_taken_alone_as_they_are_in_the_console(portal: Portal, site: str):
    system, owner = await system_of(portal), await member_of(portal, Role.MERCHANT, "first")
    wanted: dict[str, tuple[dict[str, Any], str]] = {
        "a month of a site": (
            {"site_id": site, "when": "2026-11"},
            f"where=site+{site}&when=2026-11",
        ),
        "a day of a kiosk": (
            {"device_id": KIOSK, "when": "2026-11-29", "state": "paid"},
            f"where=device+{KIOSK}&when=2026-11-29&state=paid",
        ),
        "a reference": ({"reference": SOLD}, f"reference={SOLD}"),
    }
    for name, (body, query) in wanted.items():
        told = await system.post(FILES, body)
        assert told["approval_id"] is None
        page = await owner.post(f"/console/sales.csv?{query}")
        assert await fetched(system, told["file_id"]) == page.text, name
        assert SOLD in page.text
    # What was typed as a reference may be a shopper's name.
    await system.post(FILES, {"reference": "Alex_Doe"})
    noted = [row for row in await trail(owner) if row["act"] == "export sales"]
    assert [row["details"] for row in noted if row["who"] == system.name] == [
        {"site": site, "when": "2026-11"},
        {"kiosk": KIOSK, "when": "2026-11-29", "state": "paid"},
        {"reference": SOLD},
        {"reference": "unknown"},
    ]


async def test_more_is_asked_for_approved_by_a_person_and_taken_once(portal: Portal, site: str):
    system, owner = await system_of(portal), await member_of(portal, Role.MERCHANT, "first")
    for body in ({}, {"when": "2026-11"}, {"site_id": site}, {"state": "paid"}):
        answer = await system.ask("POST", FILES, body)
        assert (answer.status_code, answer.json()["file_id"]) == (202, None), body
    approval = (await system.post(FILES, {"when": "2026-11", "state": "paid"}))["approval_id"]
    page = "/console/approvals"
    assert "Corner Shop: those of November 2026, only “Paid”" in (await owner.open(page)).text
    take = f"/approvals/{approval}/purchase-file"
    assert (await system.ask("POST", take)).status_code == 409
    await owner.submit(page, f"{page}/{approval}/approve")
    for other in (await system_of(portal), await system_of(portal, "first", operators=True)):
        assert await other.refused("POST", take) == NOT_FOUND
    name = (await system.post(take))["file_id"]
    assert (await system.ask("POST", take)).status_code == 409
    assert SOLD in await fetched(system, name)
    assert SOLD in await fetched(system, name)
    other = await system_of(portal)
    assert await other.refused("GET", f"{FILES}/{name}") == NOT_FOUND


async def test_no_more_files_are_taken_alone_by_taking_them_at_once(portal: Portal, site: str):
    system, other = await system_of(portal), await system_of(portal)
    body = {"site_id": site, "when": "2026-11"}
    answers = await asyncio.gather(
        *(system.ask("POST", FILES, body) for _ in range(FILES_ALONE + 2))
    )
    assert [answer.status_code for answer in answers].count(200) == FILES_ALONE
    assert [answer.status_code for answer in answers].count(202) == 2
    assert (await other.ask("POST", FILES, body)).status_code == 200


async def test_what_is_not_the_merchants_is_no_file(portal: Portal, site: str):
    rival = await portal.merchant("Florist")
    theirs = await site_of(portal, rival)
    await add_kiosk(portal, "roses", rival)
    for system in (await system_of(portal), await system_of(portal, "first", operators=True)):
        for body in ({"site_id": theirs}, {"device_id": "roses"}, {"site_id": KIOSK}):
            wanted = body | {"when": "2026-11"}
            assert await system.refused("POST", FILES, wanted) == NOT_FOUND
    stranger = await system_of(portal, rival)
    told = await stranger.post(FILES, {"reference": SOLD})
    assert SOLD not in await fetched(stranger, told["file_id"])
    nothing = await stranger.ask("POST", FILES, {"when": "2026-11"})
    assert (nothing.status_code, nothing.json()["type"]) == (409, ProblemType.CONFLICT)


async def test_what_is_no_choice_is_refused_and_nothing_is_asked_for(portal: Portal, site: str):
    system = await system_of(portal)
    for body in (
        None,
        [],
        {"when": "2026-13"},
        {"when": "9999-12"},
        {"when": "yesterday"},
        {"state": "lost"},
        {"reference": "Alex Doe"},
        {"reference": "a\0b" * 4},
        {"site_id": site, "device_id": KIOSK},
        {"site_id": ""},
        {"site_id": "x" * 65},
        {"merchant_id": "first"},
    ):
        told = await system.refused("POST", FILES, body)
        assert told == (422, ProblemType.MALFORMED), body
    answer = await system.ask("POST", FILES, {"site_id": "a\0b", "when": "2026-11"})
    assert answer.status_code in (404, 422)
    assert (await system.get("/approvals"))["approvals"] == []


async def test_too_many_for_one_file_are_to_be_chosen_from(
    portal: Portal, site: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("cloud.console.sales.MOST", 0)
    system = await system_of(portal)
    for body in ({"site_id": site, "when": "2026-11"}, {"when": "2026-11"}):
        assert await system.refused("POST", FILES, body) == (409, ProblemType.CONFLICT)
    assert (await system.get("/approvals"))["approvals"] == []
