"""What kiosks look like, when they are open and what their merchant is called is set with a key as
on the pages."""

import asyncio
from typing import Any

import pytest

from cloud.console.roles import Role
from cloud.entry.doors import clock_of
from cloud.fleet import orders
from cloud.fleet.orders import LONGEST
from protocol.messages import ProblemType
from tests.support.console import member_of, site_of, trail
from tests.support.portal import Portal
from tests.support.systems import System, system_of

pytestmark = pytest.mark.anyio

NONE: dict[str, Any] = {
    "variant": None,
    "accent_light": None,
    "accent_dark": None,
    "volume": None,
    "hours": None,
    "helpline": None,
}
LOOK: dict[str, Any] = {
    "variant": "dark",
    "accent_light": None,
    "accent_dark": "#FFD166",
    "volume": 0,
    "hours": "mon-fri 08:00-18:00; sat 09:00-13:00",
    "helpline": "Ada, +44 20 7946 0000",
}
UTC: dict[str, Any] = {"zone": "UTC", "holidays": []}


@pytest.fixture
async def shop(portal: Portal) -> str:
    return f"/sites/{await site_of(portal, 'first')}"


@pytest.fixture
async def system(portal: Portal) -> System:
    return await system_of(portal)


async def test_the_look_of_kiosks_is_set_and_noted(portal: Portal, system: System, shop: str):
    assert await system.get(f"{shop}/look") == NONE
    assert await system.put(f"{shop}/look", LOOK) == LOOK == await system.get(f"{shop}/look")
    async with portal.database.session() as session:
        held = await orders.values_of(session, await site_of(portal, "first"))
    set_of_them = {name: str(value) for name, value in LOOK.items() if value is not None}
    assert held == set_of_them
    page = (await (await member_of(portal)).open(f"/console{shop}/content")).text
    # It is drawn in these colours.
    assert 'fill="#FFD166"' in page
    assert f'value="{LOOK["hours"]}"' in page
    assert await system.put(f"{shop}/look", LOOK | {"volume": None}) == LOOK | {"volume": None}
    rows = [row for row in await trail(await member_of(portal)) if "kiosks show" in str(row["act"])]
    assert {(row["door"], row["who"]) for row in rows} == {("api", system.name)}
    assert len(rows) == len(set_of_them) + 1
    assert rows[-1]["details"] == {"what": "volume", "before": "0", "now": "nothing"}
    assert await system.put(f"{shop}/look", NONE) == NONE


async def test_what_no_kiosk_could_show_is_refused_in_words(
    portal: Portal, system: System, shop: str
):
    for field, value, told in (
        ("accent_light", "#ffd166", "white words on this colour could not be read"),
        ("accent_dark", "#0e1416", "black words on this colour could not be read"),
        ("accent_light", "green", "body.accent_light: string_pattern_mismatch"),
        ("volume", 101, "body.volume: less_than_equal"),
        ("volume", "40", "body.volume: int_type"),
        ("volume", True, "body.volume: int_type"),
        ("variant", "pink", "body.variant: literal_error"),
        ("hours", "secret noon", "hours are written as mon-fri 07:00-19:00"),
        ("hours", "mon 08:00-18:00;" * LONGEST, "hours are written as mon-fri 07:00-19:00"),
        ("hours", "mon 08:00\0-18:00", "hours are written as mon-fri 07:00-19:00"),
        ("helpline", "x" * 81, "body.helpline: string_too_long"),
        ("helpline", "Ada\0", "in one line"),
        ("helpline", "Ada\x1b[2J", "in one line"),
        ("logo", "0" * 64, "body.logo: extra_forbidden"),
    ):
        status, kind, detail = await system.problem(
            "PUT", f"{shop}/look", NONE | {"variant": "dark", field: value}
        )
        assert (status, kind) == (422, ProblemType.MALFORMED), field
        assert told in detail
        assert str(value) not in detail
    assert (await system.problem("PUT", f"{shop}/look", {"variant": "dark"}))[0] == 422
    assert (await system.problem("PUT", f"{shop}/look", LOOK | {"hours": "x" * 70_000}))[0] == 413
    assert await system.get(f"{shop}/look") == NONE
    assert "kiosks show" not in str(await trail(await member_of(portal)))


async def test_the_calendar_of_a_site_is_set_and_noted(portal: Portal, system: System, shop: str):
    assert await system.get(f"{shop}/calendar") == UTC
    given = {"zone": "Europe/Berlin", "holidays": ["2027-12-25", "2026-12-25", "2027-12-25"]}
    told = {"zone": "Europe/Berlin", "holidays": ["2026-12-25", "2027-12-25"]}
    assert await system.put(f"{shop}/calendar", given) == told
    assert await system.get(f"{shop}/calendar") == told
    async with portal.database.session() as session:
        clock = await clock_of(session, await site_of(portal, "first"))
    assert (clock.zone.key, len(clock.holidays)) == ("Europe/Berlin", 2)
    member = await member_of(portal)
    page = (await member.open(f"/console{shop}/content")).text
    assert 'value="2026-12-25 2027-12-25"' in page
    rows = [row for row in await trail(member) if row["act"] == "set the calendar"]
    assert [(row["who"], row["details"]) for row in rows] == [
        (system.name, {"what": "zone", "before": "UTC", "now": "Europe/Berlin"}),
        (
            system.name,
            {"what": "holidays", "before": "nothing", "now": "2026-12-25 2027-12-25"},
        ),
    ]


async def test_the_trail_tells_of_each_of_many_at_once_what_was_before(
    portal: Portal, system: System, shop: str
):
    zones = ["Europe/Berlin", "Europe/Paris", "America/Chicago", "Asia/Tokyo"]
    await asyncio.gather(
        *(system.ask("PUT", f"{shop}/calendar", UTC | {"zone": zone}) for zone in zones),
        *(system.ask("PUT", f"{shop}/look", LOOK | {"volume": volume}) for volume in range(4)),
    )
    rows: list[Any] = [row["details"] for row in await trail(await member_of(portal))]
    for what, last in (
        ("zone", (await system.get(f"{shop}/calendar"))["zone"]),
        ("volume", str((await system.get(f"{shop}/look"))["volume"])),
    ):
        changed = [row for row in rows if row.get("what") == what]
        assert len(changed) == 4
        assert [row["before"] for row in changed[1:]] == [row["now"] for row in changed[:-1]]
        assert changed[-1]["now"] == last


async def test_what_is_no_calendar_is_refused(portal: Portal, system: System, shop: str):
    for calendar in (
        UTC | {"zone": "Moon/Tranquillity"},
        UTC | {"zone": "../../etc/localtime"},
        UTC | {"zone": "/etc/localtime"},
        UTC | {"zone": "Europe"},
        UTC | {"zone": "Europe/Berlin\0"},
        UTC | {"zone": ""},
        UTC | {"zone": "x" * 65},
        UTC | {"holidays": ["Christmas"]},
        UTC | {"holidays": ["2027-02-30"]},
        UTC | {"holidays": ["2027-12-25T00:00:00Z"]},
        UTC | {"holidays": [0]},
        UTC | {"holidays": ["1893456000"]},
        UTC | {"holidays": ["2027-12-25"] * 401},
        {"zone": "UTC"},
    ):
        status, kind, _ = await system.problem("PUT", f"{shop}/calendar", calendar)
        assert (status, kind) == (422, ProblemType.MALFORMED), calendar
    assert await system.get(f"{shop}/calendar") == UTC
    assert "calendar" not in str(await trail(await member_of(portal)))


async def test_another_merchants_sites_are_neither_seen_nor_changed(portal: Portal, system: System):
    florist = await portal.merchant("Florist")
    theirs = f"/sites/{await site_of(portal, florist)}"
    for merchant in ("first", florist):
        for what, body in (("look", LOOK), ("calendar", UTC)):
            for method, sent in (("GET", None), ("PUT", body)):
                path = f"{theirs}/{what}"
                status, kind, _ = await system.problem(method, path, sent, merchant=merchant)
                assert (status, kind) == (404, ProblemType.NOT_FOUND)
    assert "kiosks show" not in str(await trail(await member_of(portal)))


async def test_the_operators_key_alone_changes_the_name_of_a_merchant(
    portal: Portal, system: System
):
    florist = await portal.merchant("Florist")
    name = {"name": "  Flowers & Co "}
    own = await system_of(portal, florist)
    assert (await own.problem("PUT", "/name", name, merchant=florist))[0] == 404
    operators = await system_of(portal, operators=True)
    told = await operators.put("/name", name, merchant=florist)
    assert told == await own.get("", merchant=florist)
    assert told["name"] == "Flowers & Co"
    member = await member_of(portal, Role.MERCHANT, florist)
    page = await member.open(f"/console/merchants/{florist}")
    assert "<h1>Flowers &amp; Co</h1>" in page.text
    changed = [row for row in await trail(member) if row["act"] == "change the merchant"]
    assert [(row["who"], row["details"]) for row in changed] == [
        (operators.name, {"what": "name", "before": "Florist", "now": "Flowers & Co"})
    ]
    for wrong in ("", " ", "x" * 65, "two\nlines", "NUL\0", None, 7):
        body = {"name": wrong}
        assert (await operators.problem("PUT", "/name", body, merchant=florist))[0] == 422
    assert (await own.get("", merchant=florist))["name"] == "Flowers & Co"


async def test_the_first_merchants_name_is_the_one_of_the_settings(portal: Portal):
    operators = await system_of(portal, operators=True)
    status, kind, detail = await operators.problem("PUT", "/name", {"name": "Mine"})
    assert (status, kind) == (409, ProblemType.CONFLICT)
    assert "[merchant] in settings.toml" in detail
