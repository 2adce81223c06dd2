"""Nobody sees or does in the console what is not theirs: at any page, what another merchant has is
answered as what there is not."""

import re
import secrets
from collections.abc import Iterator

import httpx
import pytest

from cloud.console import four_eyes
from cloud.console.asking import StaffRoute
from cloud.console.roles import RIGHTS, Right, Role
from cloud.console.routes import ROUTERS
from cloud.seen import Kind
from tests.support.console import (
    KIOSK,
    SALE,
    SOLD,
    Member,
    add_kiosk,
    add_picture,
    attacks,
    commanded,
    differ,
    member_of,
    report,
    see,
    sell,
    site_of,
)
from tests.support.portal import Portal, forms

pytestmark = pytest.mark.anyio

OPEN = {
    "/console/sign-in",
    "/console/passkey/options",
    "/console/register/{token}",
    "/console/register/{token}/options",
    "/console/register/{token}/oidc",
    "/console/oidc",
    "/console/oidc/callback",
    "/console/sign-out",
    "/console/",
    "/console/{rest:path}",
    "/console/static/{name}",
}
"""What is for everybody."""


def pages() -> Iterator[tuple[str, str, Right]]:
    """Yields the method, the path and the right of every page that is not for everybody."""
    for router in ROUTERS:
        for route in router.routes:
            if isinstance(route, StaffRoute):
                for method in route.methods or ():
                    yield method, route.path, route.right


PAGES = sorted(pages())


async def ask(member: Member, token: str, method: str, path: str) -> httpx.Response:
    """Asks for a page as who is signed in, with what every form carries."""
    if method == "GET":
        return await member.open(path)
    return await member.browser.post(path, {"form": token})


async def token_of(member: Member) -> str:
    return forms(await member.open("/console"))["/console/sign-out"].fields["form"]


async def asked_by(portal: Portal, merchant_id: str | None) -> str:
    """Returns the id of something dangerous that was asked for."""
    async with portal.database.session() as session:
        by, act = commanded(portal), four_eyes.EXPORT_TRAIL
        row = await four_eyes.ask(session, by, act, four_eyes.Nothing(), merchant_id)
        await session.commit()
    return row.id


def named(path: str, name: str) -> str:
    return re.sub(r"\{\w+\}", name, path)


def test_every_page_is_for_everybody_or_names_its_right():
    paths = {getattr(route, "path", "") for router in ROUTERS for route in router.routes}
    assert paths == OPEN | {path for _, path, _ in PAGES}
    assert len(PAGES) > 20


async def test_what_another_merchant_has_is_answered_as_what_there_is_not(portal: Portal):
    """Every page, by the ids of everything that there is."""
    await add_kiosk(portal)
    await report(portal)
    await see(portal, Kind.TAMPERING)
    operator = await member_of(portal, name="Olga Operator")
    theirs = await member_of(portal, Role.MERCHANT, "first", name="Mia Merchant")
    shop = await site_of(portal, "first")
    clerk = await member_of(portal, Role.SHOP, "first", shop, name="Cleo Clerk")
    await sell(portal)
    await differ(portal)
    there = {
        "merchant_id": ["first"],
        "site_id": [shop],
        "device_id": [KIOSK],
        "sale_id": [SALE],
        "digest": [await add_picture(portal, shop)],
        "staff_id": [operator.member.id, theirs.member.id, clerk.member.id],
        "incident_id": [row.id for row in await attacks(portal)],
        "request_id": [await asked_by(portal, "first"), await asked_by(portal, None)],
    }
    other = await portal.merchant("Florist")
    place = await site_of(portal, other)
    rivals = [
        await member_of(portal, Role.MERCHANT, other),
        await member_of(portal, Role.SITE, other, place),
    ]
    about = [(method, path) for method, path, _ in PAGES if "{" in path]
    for rival in rivals:
        token = await token_of(rival)
        for method, path in about:
            unknown = await ask(rival, token, method, named(path, secrets.token_hex(16)))
            assert unknown.status_code == 404, path
            (kind,) = re.findall(r"\{(\w+)\}", path)
            for name in there[kind]:
                answer = await ask(rival, token, method, named(path, name))
                told = (answer.status_code, answer.text, answer.headers.get("location"))
                assert told == (404, unknown.text, None), (rival.member.role, path)
        for method, path, _ in PAGES:
            if method == "GET" and "{" not in path:
                text = (await rival.open(path)).text
                secret = ("Corner Shop", "Till 3", KIOSK, SALE, SOLD, "Olga", "Mia", "Cleo")
                seen = [
                    word for word in secret if word in text.replace("Console of Corner Shop", "")
                ]
                assert seen == [], (rival.member.role, path)


async def test_a_role_has_its_rights_and_no_more(portal: Portal):
    """Every page, about what is in reach, with the session of each role that may not do all."""
    await add_kiosk(portal)
    await see(portal, Kind.GUESSES, about=await portal.account("+14155550123"))
    shop = await site_of(portal, "first")
    await sell(portal)
    below = await member_of(portal, Role.SHOP, "first", shop)
    reach = {
        Role.SHOP: ("first", shop),
        Role.SITE: ("first", shop),
        Role.AUDITOR: (None, None),
    }
    names = {"merchant_id": "first", "site_id": shop, "device_id": KIOSK, "sale_id": SALE}
    names |= {"staff_id": below.member.id, "digest": await add_picture(portal, shop)}
    names["incident_id"] = (await attacks(portal))[0].id
    names["request_id"] = await asked_by(portal, "first")
    for role, (merchant_id, site_id) in reach.items():
        member = await member_of(portal, role, merchant_id, site_id)
        token = await token_of(member)
        for method, path, right in PAGES:
            there = re.sub(r"\{(\w+)\}", lambda found: names[found[1]], path)
            # Who sees one site alone sees no page about its whole merchant.
            may = right in RIGHTS[role] and (site_id is None or "merchant_id" not in path)
            if method == "GET":
                assert (await member.open(there)).status_code == (200 if may else 404), (role, path)
            elif not may:
                assert (await ask(member, token, method, there)).status_code == 404, (role, path)


@pytest.mark.parametrize("role", [Role.SHOP, Role.AUDITOR])
async def test_who_has_no_right_to_an_act_is_offered_none(portal: Portal, role: Role):
    await add_kiosk(portal)
    shop = await site_of(portal, "first")
    reach = ("first", shop) if role is Role.SHOP else (None, None)
    member = await member_of(portal, role, *reach)
    page = await member.open(f"/console/devices/{KIOSK}")
    offered = set(forms(page)) - {"/console/sign-out"}
    assert offered == ({f"/console/devices/{KIOSK}/restart"} if role is Role.SHOP else set())
    assert "/revoke" not in page.text
    for more in ("", "/policies", "/content", "/access"):
        page = await member.open(f"/console/sites/{shop}{more}")
        assert forms(page).keys() == {"/console/sign-out"}


async def test_nobody_gives_an_account_that_reaches_farther_than_their_own(portal: Portal):
    other = await portal.merchant("Florist")
    elsewhere = await site_of(portal, other)
    shop = await site_of(portal, "first")
    merchant = await member_of(portal, Role.MERCHANT, "first")
    for role, place in (
        ("operator", ""),
        ("auditor", ""),
        ("merchant", "merchant first"),
        ("site-manager", f"site {elsewhere}"),
        ("shop-staff", f"merchant {other}"),
        ("shop-staff", "site nowhere"),
    ):
        answer = await merchant.post("/console/staff/new", name="Eve", role=role, place=place)
        assert answer.status_code == 404, (role, place)
    given = await merchant.post(
        "/console/staff/new", name="Ann", role="site-manager", place=f"site {shop}"
    )
    assert "A link for Ann" in given.text
    listed = (await merchant.open("/console/staff")).text
    assert "Ann" in listed
    assert "Eve" not in listed


@pytest.mark.parametrize(
    ("role", "place"),
    [("operator", "merchant first"), ("merchant", ""), ("site-manager", "merchant first")],
)
async def test_a_role_goes_with_what_it_is_for(portal: Portal, role: str, place: str):
    operator = await member_of(portal)
    answer = await operator.post("/console/staff/new", name="Ann", role=role, place=place)
    assert answer.status_code == 422
    assert "Nobody was added" in answer.text


async def test_who_sees_one_site_sees_no_other_of_the_same_merchant(portal: Portal):
    merchant = await member_of(portal, Role.MERCHANT, "first")
    shop = await site_of(portal, "first")
    page = await merchant.submit(
        "/console/merchants/first/sites/new", "/console/merchants/first/sites/new", name="Airport"
    )
    airport = page.url.path.rpartition("/")[2]
    await add_kiosk(portal, "other", site_id=airport, name="Gate 1")
    manager = await member_of(portal, Role.SITE, "first", shop)
    for path in (f"/console/sites/{airport}", "/console/devices/other"):
        assert (await merchant.open(path)).status_code == 200
        assert (await manager.open(path)).status_code == 404
    for path in ("/console", "/console/sites"):
        text = (await manager.open(path)).text
        assert "Airport" not in text
        assert "Gate 1" not in text
