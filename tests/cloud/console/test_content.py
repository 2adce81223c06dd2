"""What kiosks show is set on a page: colours, hours, pictures and the name."""

import cv2
import numpy as np
import pytest

from cloud.console.roles import Role
from cloud.entry.doors import clock_of
from cloud.fleet import orders
from cloud.fleet.picture_making import MAX_FILE
from cloud.web.limits import MAX_BODY
from protocol.fleet import MAX_ATTRACT
from tests.support.console import Member, add_picture, member_of, site_of, trail
from tests.support.portal import Portal

pytestmark = pytest.mark.anyio

LOOK = {"variant": "dark", "accent_dark": "#FFD166", "volume": "40", "hours": "mon-fri 08:00-18:00"}


@pytest.fixture
async def page(portal: Portal) -> str:
    return f"/console/sites/{await site_of(portal, 'first')}/content"


@pytest.fixture
async def manager(portal: Portal) -> Member:
    return await member_of(portal, Role.SITE, "first", await site_of(portal, "first"))


async def values(portal: Portal) -> dict[str, str]:
    async with portal.database.session() as session:
        return await orders.values_of(session, await site_of(portal, "first"))


async def test_the_look_of_kiosks_is_set_and_noted(portal: Portal, manager: Member, page: str):
    clock = {"zone": "Europe/Berlin", "holidays": "2027-12-25 2026-12-25"}
    shown = await manager.post(page, **LOOK, **clock)
    assert shown.status_code == 200
    assert await values(portal) == LOOK
    async with portal.database.session() as session:
        told = await clock_of(session, await site_of(portal, "first"))
    assert (told.zone.key, len(told.holidays)) == ("Europe/Berlin", 2)
    assert 'value="2026-12-25 2027-12-25"' in shown.text
    # It is drawn in these colours.
    assert 'fill="#FFD166"' in shown.text
    await manager.post(page, **LOOK | {"variant": "light"}, **clock)
    operator = await member_of(portal)
    noted = [row["details"] for row in await trail(operator) if "kiosks show" in str(row["act"])]
    assert noted[-1] == {"what": "variant", "before": "dark", "now": "light"}
    assert len(noted) == len(LOOK) + 1
    trail_page = " ".join((await operator.open("/console/audit")).text.split())
    told = ("what: variant", "before: dark", "now: light")
    assert "".join(f'<span class="soft">{each}</span>' for each in told) in trail_page
    await manager.post(page)
    assert await values(portal) == {}


async def test_what_no_kiosk_could_show_is_refused_in_words(
    portal: Portal, manager: Member, page: str
):
    for field, typed, told in (
        ("accent_light", "#ffd166", "White words on this colour could not be read"),
        ("accent_dark", "#0e1416", "Black words on this colour could not be read"),
        ("accent_light", "green", "A colour is written as #00694e"),
        ("volume", "101", "from 0 to 100"),
        ("hours", "noon", "mon-fri 07:00-19:00"),
        ("helpline", "x" * 81, "80 characters"),
        ("zone", "Moon/Tranquillity", "no such time zone"),
        ("holidays", "Christmas", "written as 2027-12-25"),
    ):
        answer = await manager.post(page, **{"variant": "dark", field: typed})
        assert answer.status_code == 422, field
        assert told in answer.text
        assert "Nothing was changed." in answer.text
    assert await values(portal) == {}


async def test_pictures_are_given_arranged_and_taken_away(
    portal: Portal, manager: Member, page: str
):
    pictures = page.replace("content", "pictures")
    photo = cv2.imencode(".jpg", np.full((30, 20, 3), 90, np.uint8))[1].tobytes()
    assert (await manager.give(pictures, photo, kind="logo")).status_code == 200
    logo = (await values(portal))["logo"]
    trail_page = (await (await member_of(portal)).open("/console/audit")).text
    assert f"now: {logo[:12]}…<" in trail_page
    assert (await manager.open(f"/console/pictures/{logo}")).content.startswith(b"\x89PNG")
    refused = await manager.give(pictures, b"<svg/>", kind="attract")
    assert "It is no PNG, JPEG or WebP that can be read." in refused.text
    shop = await site_of(portal, "first")
    shown = [await add_picture(portal, shop, "attract", shade) for shade in range(MAX_ATTRACT)]
    full = await manager.give(pictures, photo, kind="attract")
    assert "there are 6 pictures already" in full.text.lower()
    for digest, act, after in (
        (shown[1], "up", [shown[1], shown[0], *shown[2:]]),
        (shown[1], "down", shown),
        (shown[0], "remove", shown[1:]),
    ):
        await manager.post(f"{pictures}/arrange", digest=digest, act=act)
        assert (await values(portal))["attract"].split() == after
    await manager.post(f"{pictures}/arrange", digest=logo, act="remove")
    assert "logo" not in await values(portal)
    assert (await manager.open(f"/console/pictures/{logo}")).status_code == 404
    assert (await manager.post(f"{pictures}/arrange", digest=logo, act="up")).status_code == 409


async def test_a_large_file_is_taken_from_who_may_give_one_alone(
    portal: Portal, manager: Member, page: str
):
    pictures = page.replace("content", "pictures")
    large = await manager.give(pictures, bytes(MAX_FILE + 2 * MAX_BODY), kind="logo")
    assert large.status_code == 413
    assert "a picture may have 20 MiB" in large.text
    clerk = await member_of(portal, Role.SHOP, "first", await site_of(portal, "first"))
    assert (await clerk.give(pictures, bytes(2 * MAX_BODY), kind="logo")).status_code == 413
    assert (await clerk.give(pictures, b"", kind="logo")).status_code == 404


async def test_the_operator_changes_the_name_of_a_merchant(portal: Portal):
    florist = await portal.merchant("Florist")
    path = f"/console/merchants/{florist}/name"
    assert (await (await member_of(portal, Role.MERCHANT, florist)).open(path)).status_code == 404
    operator = await member_of(portal)
    assert (await operator.submit(path, path, name=" ")).status_code == 422
    page = await operator.submit(path, path, name="Flowers & Co")
    assert "<h1>Flowers &amp; Co</h1>" in page.text
    assert (await trail(operator))[-2]["details"] == {
        "what": "name",
        "before": "Florist",
        "now": "Flowers & Co",
    }
    first = "/console/merchants/first/name"
    assert "[merchant]" in (await operator.open(first)).text
    assert (await operator.post(first, name="Mine")).status_code == 409
