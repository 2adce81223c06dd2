"""Passkeys: added after a sign-in by code, and signed in with afterwards."""

import json
import re
from collections import defaultdict
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select

from cloud.people.tables import PasskeyRow
from cloud.policy import (
    CODES_SUFFICE_AFTER,
    PASSKEY_CHALLENGE_LIFE,
    PASSKEYS,
    SESSION_FRESH,
    Limits,
)
from cloud.portal.asking import CodeRoute, PageRoute, PublicRoute
from cloud.portal.routes import ROUTERS
from cloud.settings import Portal as PortalSettings
from cloud.settings import Settings
from cloud.web.pages import FILES
from cloud.web.tables import PasskeyChallengeRow
from tests.support.passkeys import PRESENT, Authenticator
from tests.support.portal import Browser, Portal, forms, open_portal

pytestmark = pytest.mark.anyio

PHONE, OTHER = "+14155550123", "+14155550124"
ADD = "/portal/passkeys"
USE = "/portal/passkey"
NEEDED = f"{ADD}/needed"


async def add(browser: Browser, device: Authenticator, **changes: Any) -> httpx.Response:
    """Adds a passkey in a browser in which somebody is signed in."""
    page = await browser.open(f"{ADD}/new")
    form = forms(page)[ADD].fields
    asked = await browser.post(f"{ADD}/options", {"form": form["form"]})
    credential = device.make(asked.text, **changes)
    return await browser.submit(page, ADD, credential=credential, name="My phone")


async def ask(browser: Browser) -> str:
    """Returns what a browser in which nobody is signed in is asked to have signed."""
    form = forms(await browser.open("/portal/sign-in"))[USE].fields
    return (await browser.post(f"{USE}/options", {"form": form["form"]})).text


async def use(browser: Browser, credential: str) -> httpx.Response:
    return await browser.submit(await browser.open("/portal/sign-in"), USE, credential=credential)


async def question(browser: Browser, page: httpx.Response) -> tuple[httpx.Response, str]:
    """Returns the page that asks before the first passkey is removed, and what removes it."""
    found = re.search(rf'href="({ADD}/\w+/remove)"', page.text)
    assert found
    return await browser.open(found[1]), found[1]


async def with_passkey(portal: Portal, phone: str = PHONE, *, counts: bool = True) -> Authenticator:
    """Returns the authenticator of somebody who has signed in by code and added a passkey."""
    device, browser = Authenticator(counts=counts), portal.browser()
    await browser.sign_in(phone)
    assert (await add(browser, device)).url.path == "/portal"
    return device


@pytest.mark.parametrize("counts", [True, False], ids=["a counter", "no counter"])
async def test_who_has_added_a_passkey_signs_in_with_it_and_types_nothing(
    portal: Portal, counts: bool
):
    await portal.account(PHONE)
    device = await with_passkey(portal, counts=counts)
    sent = len(portal.messages_to(PHONE))
    for _ in range(2):
        browser = portal.browser()
        page = await use(browser, device.sign(await ask(browser)))
        assert page.url.path == "/portal"
        assert "Alex D." in page.text
    assert len(portal.messages_to(PHONE)) == sent


async def test_a_passkey_is_offered_after_a_sign_in_by_code_until_there_is_one(portal: Portal):
    await portal.account(PHONE)
    browser, offer = portal.browser(), "Next time, sign in without a code"
    assert offer in (await browser.sign_in(PHONE)).text
    assert offer not in (await add(browser, Authenticator())).text


async def test_what_needs_a_passkey_is_hidden_from_browsers_without_script(portal: Portal):
    await portal.account(PHONE)
    browser = portal.browser()
    for page in (
        await browser.open("/portal/sign-in"),
        await browser.sign_in(PHONE),
        await browser.open(f"{ADD}/new"),
    ):
        shown = re.findall(r"<[^>]*data-(?:passkeys|options)\b[^>]*>", page.text)
        assert shown
        assert all(" hidden>" in tag for tag in shown)


async def test_a_passkey_is_listed_with_its_name_and_its_days_and_can_be_removed(portal: Portal):
    await portal.account(PHONE)
    device = await with_passkey(portal)
    portal.pass_time(timedelta(days=1))
    browser = portal.browser()
    page = await use(browser, device.sign(await ask(browser)))
    assert "<strong><bdi>My phone</bdi></strong>" in page.text
    assert "Since <time" in page.text
    assert "Last used" in page.text
    asked, action = await question(browser, page)
    assert "stays on your device or in your password manager" in asked.text
    assert "you then sign in with a code" in asked.text
    page = await browser.submit(asked, action)
    assert "My phone" not in page.text
    another = portal.browser()
    assert (await use(another, device.sign(await ask(another)))).status_code == 403


async def test_whoever_signed_in_with_a_passkey_is_signed_out_when_it_is_removed(portal: Portal):
    """Whoever has a stolen device stays in otherwise, though its owner has done what they can."""
    await portal.account(PHONE)
    device = await with_passkey(portal)
    thief, owner = portal.browser(), portal.browser()
    await use(thief, device.sign(await ask(thief)))
    asked, action = await question(owner, await use(owner, device.sign(await ask(owner))))
    assert (await owner.submit(asked, action)).url.path == "/portal"
    assert (await thief.open("/portal")).url.path == "/portal/sign-in"


@pytest.mark.parametrize("later", [SESSION_FRESH, -SESSION_FRESH], ids=["later", "clock put back"])
async def test_only_who_has_just_signed_in_removes_a_passkey(portal: Portal, later: timedelta):
    await portal.account(PHONE)
    browser = portal.browser()
    await browser.sign_in(PHONE)
    page = await add(browser, Authenticator())
    asked, action = await question(browser, page)
    portal.pass_time(later)
    page = await browser.submit(asked, action)
    assert "signed in for a while" in page.text
    assert action not in forms(page)
    assert "My phone" in (await browser.open("/portal")).text


async def test_no_file_holds_what_was_kept_of_a_passkey_that_was_removed(portal: Portal):
    await portal.account(PHONE)
    browser = portal.browser()
    await browser.sign_in(PHONE)
    asked, action = await question(browser, await add(browser, Authenticator()))
    passkey_id = action.split("/")[3]
    await portal.leave_between_rows(passkey_id)
    await browser.submit(asked, action)
    assert not portal.holds(passkey_id)


async def test_the_phone_is_told_that_a_passkey_was_added(portal: Portal):
    await portal.account(PHONE)
    await with_passkey(portal)
    assert portal.messages_to(PHONE)[-1] == (
        "A passkey was added to your account at Corner Shop. If it was not you, remove it in the "
        "portal."
    )


REFUSED: Mapping[str, Mapping[str, Any]] = {
    "another origin": {"origin": "https://evil.example"},
    "a sibling's origin": {"origin": "https://x.portal.example"},
    "another port": {"origin": "https://portal.example:8443"},
    "no TLS": {"origin": "http://portal.example"},
    "another relying party": {"rp_id": "evil.example"},
    "its parent as relying party": {"rp_id": "example"},
    "no verified user": {"flags": PRESENT},
    "nobody present": {"flags": 0x04},
    "another challenge": {"challenge": b"c" * 64},
    "an empty challenge": {"challenge": b""},
}


@pytest.mark.parametrize(
    "changes",
    [
        *REFUSED.values(),
        {"kind": "webauthn.create"},
        {"spoils_signature": True},
        {"handle": b""},
        {"handle": b"h" * 32},
        {"steps": 0},
        {"steps": -1},
    ],
    ids=[
        *REFUSED,
        "of the other ceremony",
        "a wrong signature",
        "nobody's handle",
        "a strange handle",
        "a counter that stands still",
        "a counter that goes back",
    ],
)
async def test_a_sign_in_is_refused_with(portal: Portal, changes: Mapping[str, Any]):
    await portal.account(PHONE)
    device = await with_passkey(portal)
    first, browser = portal.browser(), portal.browser()
    await use(first, device.sign(await ask(first)))
    page = await use(browser, device.sign(await ask(browser), **changes))
    assert page.status_code == 403
    assert "That passkey was not taken" in page.text
    assert "__Host-portal" not in browser.http.cookies


@pytest.mark.parametrize(
    "changes",
    [*REFUSED.values(), {"kind": "webauthn.get"}],
    ids=[*REFUSED, "of the other ceremony"],
)
async def test_a_passkey_is_not_added_with(portal: Portal, changes: Mapping[str, Any]):
    await portal.account(PHONE)
    browser = portal.browser()
    await browser.sign_in(PHONE)
    assert (await add(browser, Authenticator(), **changes)).status_code == 403
    assert "There is none" in (await browser.open("/portal")).text


async def test_what_was_signed_serves_once(portal: Portal):
    await portal.account(PHONE)
    device = await with_passkey(portal, counts=False)
    browser = portal.browser()
    credential = device.sign(await ask(browser))
    page = await use(browser, credential)
    await browser.submit(page, "/portal/sign-out")
    assert (await use(browser, credential)).status_code == 403


async def test_a_challenge_is_used_up_by_a_failure_too(portal: Portal):
    await portal.account(PHONE)
    device = await with_passkey(portal, counts=False)
    browser = portal.browser()
    options = await ask(browser)
    assert (await use(browser, device.sign(options, spoils_signature=True))).status_code == 403
    assert (await use(browser, device.sign(options))).status_code == 403


async def test_what_was_signed_for_another_browser_signs_nobody_in(portal: Portal):
    await portal.account(PHONE)
    device = await with_passkey(portal)
    victim, attacker = portal.browser(), portal.browser()
    asked = await ask(attacker)
    await ask(victim)
    assert (await use(victim, device.sign(asked))).status_code == 403
    assert (await use(portal.browser(), device.sign(asked))).status_code == 403


async def test_a_challenge_expires(portal: Portal):
    await portal.account(PHONE)
    device, browser = await with_passkey(portal), portal.browser()
    asked = await ask(browser)
    portal.pass_time(PASSKEY_CHALLENGE_LIFE)
    assert (await use(browser, device.sign(asked))).status_code == 403


async def test_the_credential_of_somebody_else_signs_in_them_and_nobody_else(portal: Portal):
    await portal.account(PHONE)
    await portal.account(OTHER, holder="Sam Roe")
    mine, theirs = await with_passkey(portal), await with_passkey(portal, OTHER)
    browser = portal.browser()
    handle = mine.credentials[-1].handle
    assert (await use(browser, theirs.sign(await ask(browser), handle=handle))).status_code == 403
    assert "Sam R." in (await use(browser, theirs.sign(await ask(browser)))).text


async def test_nobody_removes_the_passkey_of_somebody_else_or_adds_it_as_their_own(portal: Portal):
    await portal.account(PHONE)
    await portal.account(OTHER)
    await with_passkey(portal)
    async with portal.database.session() as session:
        (passkey_id,) = await session.scalars(select(PasskeyRow.id))
    attacker = portal.browser()
    page = await attacker.sign_in(OTHER)
    form = forms(page)["/portal/sign-out"].fields
    assert (await attacker.open(f"{ADD}/{passkey_id}/remove")).status_code == 404
    assert (await attacker.post(f"{ADD}/{passkey_id}/remove", form)).status_code == 404
    async with portal.database.session() as session:
        assert await session.scalar(select(func.count()).select_from(PasskeyRow)) == 1


PAGES = [route for router in ROUTERS for route in router.routes if isinstance(route, PageRoute)]


async def test_a_code_alone_is_not_enough_for_who_has_a_passkey(portal: Portal):
    await portal.account(PHONE)
    await with_passkey(portal)
    browser = portal.browser()
    page = await browser.sign_in(PHONE)
    token = {"form": forms(page)["/portal/sign-out"].fields["form"]}
    assert {
        f"{method} {route.path}"
        for route in PAGES
        if isinstance(route, CodeRoute)
        for method in route.methods or ()
    } == {
        "POST /portal/sign-out",
        "POST /portal/sign-out-elsewhere",
        "POST /portal/sessions/{session_id}/end",
        "POST /portal/freeze",
        "GET /portal/passkeys/needed",
        "POST /portal/passkeys/lost",
        "GET /portal/leave",
        "POST /portal/leave",
        "GET /portal/leave/code",
        "POST /portal/leave/code",
    }
    for route in PAGES:
        if isinstance(route, CodeRoute | PublicRoute):
            continue
        path = route.path.format_map(defaultdict(lambda: "first"))
        page = await (
            browser.post(path, token) if "POST" in (route.methods or ()) else browser.open(path)
        )
        assert page.url.path == NEEDED, path
        assert "Alex" not in page.text
        assert PHONE[-4:] not in page.text


async def test_a_code_alone_freezes_the_palms_and_does_not_use_them_again(portal: Portal):
    await portal.account(PHONE)
    await with_passkey(portal)
    browser = portal.browser()
    page = await browser.submit(await browser.sign_in(PHONE), "/portal/freeze")
    assert "Your palms are frozen" in page.text
    await browser.post("/portal/unfreeze", forms(page)["/portal/sign-out"].fields)
    assert "Your palms are frozen" in (await browser.open("/portal")).text


async def test_a_code_and_the_code_that_deletes_are_enough_to_leave(portal: Portal):
    await portal.account(PHONE)
    await with_passkey(portal)
    browser = portal.browser()
    await browser.sign_in(PHONE)
    page = await browser.submit(await browser.open("/portal/leave"), "/portal/leave")
    page = await browser.submit(page, "/portal/leave/code", code=portal.last_code(PHONE))
    assert "Your data is deleted" in page.text


async def test_who_has_lost_their_passkeys_waits_and_is_told(portal: Portal):
    await portal.account(PHONE)
    await with_passkey(portal)
    browser = portal.browser()
    page = await browser.submit(await browser.sign_in(PHONE), f"{ADD}/lost")
    assert "a code is enough" in page.text
    assert portal.messages_to(PHONE)[-1] == (
        "Your passkeys at Corner Shop were said to be lost. In 3 days a code alone opens your "
        "account. If it was not you, sign in with a passkey before."
    )
    sent = len(portal.messages_to(PHONE))
    portal.pass_time(CODES_SUFFICE_AFTER - timedelta(minutes=1))
    page = await portal.browser().sign_in(PHONE)
    assert page.url.path == NEEDED
    # Who says it again neither waits longer nor is told again.
    assert f"{ADD}/lost" not in forms(page)
    assert len(portal.messages_to(PHONE)) == sent + 1
    portal.pass_time(timedelta(minutes=1))
    browser = portal.browser()
    page = await browser.sign_in(PHONE)
    assert "Alex D." in page.text
    assert "Your passkeys were said to be lost" in page.text
    asked, action = await question(browser, page)
    assert "were said to be lost" not in (await browser.submit(asked, action)).text


async def test_whoever_signs_in_with_a_passkey_stops_that(portal: Portal):
    await portal.account(PHONE)
    device, browser = await with_passkey(portal), portal.browser()
    await browser.submit(await browser.sign_in(PHONE), f"{ADD}/lost")
    owner = portal.browser()
    await use(owner, device.sign(await ask(owner)))
    portal.pass_time(CODES_SUFFICE_AFTER)
    page = await portal.browser().sign_in(PHONE)
    assert page.url.path == NEEDED
    assert f"{ADD}/lost" in forms(page)


async def test_a_session_in_which_a_passkey_is_added_stays_and_others_need_it(portal: Portal):
    await portal.account(PHONE)
    other, browser = portal.browser(), portal.browser()
    await other.sign_in(PHONE)
    await browser.sign_in(PHONE)
    assert "Alex D." in (await add(browser, Authenticator())).text
    assert (await other.open("/portal")).url.path == NEEDED


async def test_a_code_is_enough_again_when_the_last_passkey_is_removed(portal: Portal):
    await portal.account(PHONE)
    browser = portal.browser()
    await browser.sign_in(PHONE)
    asked, action = await question(browser, await add(browser, Authenticator()))
    await browser.submit(asked, action)
    assert "Alex D." in (await portal.browser().sign_in(PHONE)).text


async def test_who_has_frozen_their_palms_signs_in_and_uses_them_again(portal: Portal):
    await portal.account(PHONE)
    device, browser = await with_passkey(portal), portal.browser()
    page = await use(browser, device.sign(await ask(browser)))
    page = await browser.submit(page, "/portal/freeze")
    await browser.submit(page, "/portal/sign-out")
    page = await use(browser, device.sign(await ask(browser)))
    assert "/portal/unfreeze" in forms(page)


async def test_nothing_is_left_of_the_passkeys_of_who_has_left(portal: Portal):
    await portal.account(PHONE)
    device, browser = await with_passkey(portal), portal.browser()
    page = await use(browser, device.sign(await ask(browser)))
    form = forms(page)["/portal/sign-out"].fields
    await browser.post(f"{ADD}/options", form)
    await browser.submit(await browser.open("/portal/leave"), "/portal/leave")
    page = await browser.open("/portal/leave/code")
    await browser.submit(page, "/portal/leave/code", code=portal.last_code(PHONE))
    async with portal.database.session() as session:
        for table in (PasskeyRow, PasskeyChallengeRow):
            assert await session.scalar(select(func.count()).select_from(table)) == 0
    another = portal.browser()
    assert (await use(another, device.sign(await ask(another)))).status_code == 403


async def test_a_passkey_deletes_nothing(portal: Portal):
    """What its prompt says is always "sign in", so it never stands for the code that says
    DELETE."""
    await portal.account(PHONE)
    device, browser = await with_passkey(portal), portal.browser()
    await use(browser, device.sign(await ask(browser)))
    page = await browser.open("/portal/leave")
    assert list(forms(page)) == ["/portal/sign-out", "/portal/leave", "/portal/language"]
    assert "send another code to your phone" in page.text


async def test_only_who_has_just_signed_in_adds_a_passkey(portal: Portal):
    await portal.account(PHONE)
    browser = portal.browser()
    page = await browser.sign_in(PHONE)
    form = forms(page)["/portal/sign-out"].fields
    asked = (await browser.post(f"{ADD}/options", form)).text
    portal.pass_time(SESSION_FRESH)
    assert "signed in for a while" in (await browser.open(f"{ADD}/new")).text
    assert (await browser.post(f"{ADD}/options", form)).status_code == 409
    credential = Authenticator().make(asked)
    assert (await browser.post(ADD, {**form, "credential": credential})).status_code == 409


async def test_one_session_does_not_use_the_challenge_of_another(portal: Portal):
    await portal.account(PHONE)
    first, second = portal.browser(), portal.browser()
    form = forms(await first.sign_in(PHONE))["/portal/sign-out"].fields
    asked = (await first.post(f"{ADD}/options", form)).text
    form = forms(await second.sign_in(PHONE))["/portal/sign-out"].fields
    credential = Authenticator().make(asked)
    assert (await second.post(ADD, {**form, "credential": credential})).status_code == 403


async def test_a_person_has_no_more_passkeys_than_can_be_looked_over(portal: Portal):
    await portal.account(PHONE)
    browser = portal.browser()
    page = await browser.sign_in(PHONE)
    for _ in range(PASSKEYS):
        page = await add(browser, Authenticator())
    assert page.text.count("My phone</bdi></strong>") == PASSKEYS
    form = forms(page)["/portal/sign-out"].fields
    assert (await browser.post(f"{ADD}/options", form)).status_code == 409


async def test_an_authenticator_is_told_which_passkeys_there_are_and_whose(portal: Portal):
    await portal.account(PHONE)
    device, browser = await with_passkey(portal), portal.browser()
    page = await use(browser, device.sign(await ask(browser)))
    form = forms(page)["/portal/sign-out"].fields
    asked = json.loads((await browser.post(f"{ADD}/options", form)).text)
    made = json.loads(device.sign(await ask(portal.browser())))
    assert [each["id"] for each in asked["excludeCredentials"]] == [made["id"]]
    assert asked["user"]["name"] == "Alex D."
    assert PHONE[-4:] not in json.dumps(asked["user"])
    assert asked["rp"] == {"id": "portal.example", "name": "Corner Shop"}


@pytest.mark.parametrize(
    "credential",
    ["", "{}", "[]", "null", "x" * 20_000, "[" * 16_000, '{"id": "a", "rawId": "a"}'],
    ids=["nothing", "empty", "a list", "null", "too long", "too deep", "half"],
)
async def test_what_is_no_credential_is_refused(portal: Portal, credential: str):
    await portal.account(PHONE)
    browser = portal.browser()
    await ask(browser)
    assert (await use(browser, credential)).status_code in (400, 403)


async def test_strangers_make_no_more_challenges_and_failures_than_allowed(portal: Portal):
    browser = portal.browser()
    form = forms(await browser.open("/portal/sign-in"))[USE].fields
    for _ in range(Limits.PORTAL_FAILED_BY_ADDRESS.count):
        assert (await browser.post(USE, form)).status_code == 403
    assert (await browser.post(USE, form)).status_code == 429
    for _ in range(Limits.PORTAL_PASSKEYS_BY_ADDRESS.count):
        assert (await browser.post(f"{USE}/options", form)).status_code == 200
    assert (await browser.post(f"{USE}/options", form)).status_code == 429
    async with portal.database.session() as session:
        assert await session.scalar(select(func.count()).select_from(PasskeyChallengeRow)) == 1


async def test_a_portal_at_an_address_without_a_name_offers_none(tmp_path: Path):
    settings = Settings(portal=PortalSettings.model_validate({"url": "https://192.0.2.1:7256"}))
    async with open_portal(tmp_path, settings) as portal:
        browser = portal.browser()
        browser.http.base_url = httpx.URL("https://192.0.2.1:7256")
        page = await browser.open("/portal/sign-in")
        assert USE not in forms(page)
        assert "<script" not in page.text


async def test_the_relying_party_is_the_host_of_the_portal_and_the_origin_has_its_port(
    tmp_path: Path,
):
    origin = "https://palms.example.com:8443"
    settings = Settings(portal=PortalSettings.model_validate({"url": origin}))
    async with open_portal(tmp_path, settings) as portal:
        browser = portal.browser()
        browser.http.base_url = httpx.URL(origin)
        assert json.loads(await ask(browser))["rpId"] == "palms.example.com"


def test_the_script_writes_no_page_and_asks_nobody_else():
    script = (FILES / "passkeys.js").read_text()
    assert not re.search(r"https?://|innerHTML|document\.write|eval|Function\(", script)
