"""The audit trail: rows that are only ever added, each sealed to the one before."""

import json
from collections.abc import Iterable

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from cloud.console import audit
from cloud.console.roles import Role
from tests.support import engine
from tests.support.console import KIOSK, add_kiosk, commanded, member_of, trail
from tests.support.portal import Portal

pytestmark = pytest.mark.anyio


async def write(portal: Portal, *subjects: str) -> None:
    async with portal.database.session() as session:
        for subject in subjects:
            await audit.append(session, commanded(portal), "try", subject, merchant_id="first")
        await session.commit()


async def faults(portal: Portal, earlier: Iterable[str] = ()) -> list[str]:
    async with portal.database.session() as session:
        return (await audit.faults(session, earlier))[1]


async def export(portal: Portal, merchant_id: str | None = None) -> list[str]:
    async with portal.database.session() as session:
        return [line async for line in audit.exported(session, merchant_id)]


async def tamper(portal: Portal, *statements: str) -> None:
    """Does what the database refuses: whoever has it can take its triggers away."""
    if engine.is_server():
        triggers = ["DROP TRIGGER audit_is_kept ON audit"]
    else:
        triggers = ["DROP TRIGGER audit_is_kept", "DROP TRIGGER audit_is_not_changed"]
    async with portal.database.session() as session:
        for statement in (*triggers, *statements):
            await session.execute(text(statement))
        await session.commit()


@pytest.mark.parametrize("statement", ["UPDATE audit SET who = 'x'", "DELETE FROM audit"])
async def test_the_database_changes_and_deletes_no_row(portal: Portal, statement: str):
    await write(portal, "one")
    with pytest.raises(DBAPIError, match="append-only"):
        async with portal.database.session() as session:
            await session.execute(text(statement))


@pytest.mark.parametrize(
    ("statements", "told"),
    [
        (["UPDATE audit SET who = 'x' WHERE place = 1"], "row 1 is not what was written"),
        (['UPDATE audit SET details = \'{"a": "b"}\' WHERE place = 1'], "row 1 is not"),
        (["DELETE FROM audit WHERE place = 1"], "rows 1 to 1 are missing"),
        (
            ["DELETE FROM audit WHERE place = 1", "UPDATE audit SET place = 1 WHERE place = 2"],
            "row 1 is not what was written",
        ),
        (["DELETE FROM audit WHERE place = 2"], "row 2 of the export is missing"),
    ],
)
async def test_what_somebody_has_done_to_a_row_is_found(
    portal: Portal, statements: list[str], told: str
):
    await write(portal, "one", "two", "three")
    earlier = await export(portal)
    assert await faults(portal, earlier) == []
    await tamper(portal, *statements)
    assert any(told in fault for fault in await faults(portal, earlier))


async def test_a_trail_that_was_made_anew_is_found_beside_an_export(portal: Portal):
    await write(portal, "one", "two")
    earlier = await export(portal)
    await tamper(portal, "DELETE FROM audit")
    await write(portal, "one", "another", "three")
    assert await faults(portal) == []
    assert await faults(portal, earlier) == ["row 1 differs from the one in the export."]


async def test_an_export_that_was_changed_says_so(portal: Portal):
    await write(portal, "one", "two")
    first, second = await export(portal)
    changed = json.dumps(json.loads(first) | {"who": "x"})
    assert await faults(portal, [changed, "{", second]) == [
        "line 1 of the export was changed.",
        "line 2 of the export cannot be read.",
    ]


async def test_more_rows_than_are_read_at_once_are_whole(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(audit, "_AT_ONCE", 2)
    await write(portal, "one", "two", "three", "four", "five")
    assert await faults(portal, await export(portal)) == []


async def test_a_merchant_reads_and_exports_their_own_rows_only(portal: Portal):
    operator = await member_of(portal, name="Olga")
    other = await portal.merchant("Florist")
    merchant = await member_of(portal, Role.MERCHANT, "first", name="Mia")
    await member_of(portal, Role.MERCHANT, other, name="Flo")
    await add_kiosk(portal)
    await operator.post(f"/console/devices/{KIOSK}/restart")
    rows = await trail(merchant)
    assert {row["merchant"] for row in rows} == {"first"}
    page = (await merchant.open("/console/audit")).text
    assert "Have the kiosk start again" in page
    assert f"The account {operator.member.id}" in page
    assert "Olga" not in page
    assert await faults(portal, await export(portal, "first")) == []
    assert {row["merchant"] for row in await trail(operator)} == {None, "first", other}


async def test_the_page_tells_those_apart_whose_accounts_have_ended(portal: Portal):
    operator, one, other = [await member_of(portal) for _ in range(3)]
    for each in (one, other):
        account = f"/console/staff/{each.member.id}"
        await operator.submit(account, f"{account}/end")
    page = (await operator.open("/console/audit")).text
    for each in (one, other):
        assert f"The account {each.member.id}" in page


async def test_the_page_shows_some_rows_at_a_time(portal: Portal):
    operator = await member_of(portal)
    await write(portal, *(f"thing-{number:02}" for number in range(60)))
    page = await operator.open("/console/audit")
    assert "thing-59" in page.text
    assert "thing-09" not in page.text
    older = await operator.open("/console/audit?before=12")
    assert "thing-09" in older.text
    assert "Newest" in older.text
    for wrong in ("x", "-1"):
        assert (await operator.open(f"/console/audit?before={wrong}")).status_code == 400
