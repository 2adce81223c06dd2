"""Staff make a passkey by a link, sign in with it, and are signed out again."""

import re
from datetime import timedelta
from pathlib import Path

import pytest

from cloud.console.members import make_link
from cloud.console.roles import Role
from cloud.console.sign_ins import end_all
from cloud.jobs.housekeeping import forget_expired
from cloud.jobs.replace_master_key import replace_master_key
from cloud.keys.person_keys import MasterKey
from cloud.policy import PASSKEYS, SESSION_IDLE, SESSION_LIFE, STAFF_LINK_LIFE, Limits
from cloud.settings import Settings
from tests.support.console import link_for, make, member_of, use
from tests.support.passkeys import PRESENT, Authenticator
from tests.support.portal import ORIGIN, Portal, forms, open_portal

pytestmark = pytest.mark.anyio


async def test_who_has_made_a_passkey_by_a_link_signs_in_with_it(portal: Portal):
    member = await member_of(portal, name="Robin")
    assert "Robin, operator" in (await member.open("/console")).text
    page = await member.submit("/console", "/console/sign-out")
    assert page.url.path == "/console/sign-in"
    assert (await member.open("/console")).url.path == "/console/sign-in"
    assert (await member.sign_in()).url.path == "/console"


async def test_a_link_works_once_for_a_day_and_until_there_is_a_newer_one(portal: Portal):
    member = await member_of(portal)
    _, used = await link_for(portal, Role.OPERATOR)
    await make(portal.browser(), used, Authenticator())
    _, late = await link_for(portal, Role.OPERATOR)
    portal.pass_time(STAFF_LINK_LIFE)
    await member.sign_in()
    row, older = await link_for(portal, Role.OPERATOR)
    page = await member.submit(f"/console/staff/{row.id}", f"/console/staff/{row.id}/link")
    found = re.search(rf"{ORIGIN}(/console/register/[\w-]+)</code>", page.text)
    assert found
    for link in (used, late, older, f"/console/register/{'A' * 43}"):
        answer = await portal.browser().open(link)
        assert answer.status_code == 404
        assert "This link is not valid" in answer.text
        form = forms(await member.open("/console"))["/console/sign-out"].fields
        assert (await member.browser.post(f"{link}/options", form)).status_code == 403
        assert (await member.browser.post(link, form)).status_code == 403
    assert (await make(portal.browser(), found[1], Authenticator())).url.path == "/console"


async def test_an_account_that_has_all_its_passkeys_says_so_before_another_is_made(portal: Portal):
    row, link = await link_for(portal, Role.OPERATOR)
    for number in range(PASSKEYS):
        assert "data-makes" in (await portal.browser().open(link)).text, number
        await make(portal.browser(), link, Authenticator())
        async with portal.database.session() as session:
            token = await make_link(session, portal.context.master, row, portal.now)
            await session.commit()
        link = f"/console/register/{token}"
    page = await portal.browser().open(link)
    assert "data-makes" not in page.text
    assert "Whoever added you can end the account and add another one" in page.text


async def test_what_is_not_a_passkey_of_staff_signs_nobody_in(portal: Portal):
    await member_of(portal)
    _, link = await link_for(portal, Role.OPERATOR)
    never_kept = Authenticator()
    browser = portal.browser()
    page = await browser.open(link)
    form = forms(page)[link].fields
    asked = await browser.post(f"{link}/options", {"form": form["form"]})
    never_kept.make(asked.text)
    answer = await use(portal.browser(), never_kept)
    assert answer.status_code == 403
    assert "That passkey was not accepted" in answer.text


async def test_a_passkey_that_has_not_verified_its_user_signs_nobody_in(portal: Portal):
    member = await member_of(portal)
    browser = portal.browser()
    answer = await use(browser, member.passkey, flags=PRESENT)
    assert answer.status_code == 403
    assert "That passkey was not accepted" in answer.text
    assert (await browser.open("/console")).url.path == "/console/sign-in"
    _, link = await link_for(portal, Role.OPERATOR)
    assert (await make(browser, link, Authenticator(), flags=PRESENT)).status_code == 403
    assert (await use(browser, member.passkey)).url.path == "/console"


async def test_a_session_ends_without_use_and_in_any_case(portal: Portal):
    member = await member_of(portal)
    step = SESSION_IDLE - timedelta(seconds=1)

    async def works() -> bool:
        return (await member.open("/console/sites")).url.path == "/console/sites"

    portal.pass_time(step)
    assert await works()
    portal.pass_time(SESSION_IDLE)
    assert "your session has ended" in (await member.open("/console")).text
    await forget_expired(portal.context)
    await member.sign_in()
    end = portal.now + SESSION_LIFE
    while portal.now + step < end:
        portal.pass_time(step)
        assert await works()
    portal.pass_time(end - portal.now - timedelta(seconds=1))
    assert await works()
    portal.pass_time(timedelta(seconds=1))
    assert "your session has ended" in (await member.open("/console")).text


async def test_a_session_of_a_clock_that_was_ahead_ends_with_that(portal: Portal):
    member = await member_of(portal)
    portal.pass_time(timedelta(days=30))
    await member.sign_in()
    portal.pass_time(-timedelta(days=30))
    assert (await member.open("/console")).url.path == "/console/sign-in"
    await forget_expired(portal.context)
    async with portal.database.session() as session:
        assert await end_all(session) == 1, "the one in which the passkey was made"


async def test_an_account_that_has_ended_is_signed_in_nowhere(portal: Portal):
    operator, other = await member_of(portal), await member_of(portal, name="Kim")
    path = f"/console/staff/{other.member.id}"
    assert (await operator.submit(path, f"{path}/end")).url.path == "/console/staff"
    assert (await other.open("/console")).url.path == "/console/sign-in"
    assert (await other.sign_in()).status_code == 403
    assert (await operator.open(path)).status_code == 404
    assert "Kim" not in (await operator.open("/console/audit")).text


async def test_nobody_ends_their_own_account(portal: Portal):
    operator = await member_of(portal)
    path = f"/console/staff/{operator.member.id}"
    assert "End the account" not in (await operator.open(path)).text
    assert (await operator.post(f"{path}/end")).status_code == 409


async def test_who_signed_in_long_ago_says_nothing_of_who_signs_in(portal: Portal):
    operator, other = await member_of(portal), await member_of(portal)
    portal.pass_time(timedelta(minutes=11))
    path = f"/console/staff/{other.member.id}"
    for action in (f"{path}/link", f"{path}/end", "/console/staff/new"):
        page = await operator.post(action, name="Eve", role="operator")
        assert "You have been signed in for a while" in page.text
    assert "Eve" not in (await operator.open("/console/staff")).text
    assert (await other.open("/console")).url.path == "/console"


async def test_a_session_is_a_cookie_that_neither_scripts_nor_other_hosts_see(portal: Portal):
    _, link = await link_for(portal, Role.OPERATOR)
    browser = portal.browser()
    page = await browser.open(link)
    form = forms(page)[link].fields
    asked = await browser.post(f"{link}/options", {"form": form["form"]})
    browser.http.follow_redirects = False
    credential = Authenticator().make(asked.text)
    answer = await browser.post(link, {**form, "credential": credential})
    session, gone = answer.headers.get_list("set-cookie")
    assert re.fullmatch(
        r"__Host-console=[\w-]{43}; HttpOnly; Path=/; SameSite=lax; Secure", session
    )
    assert gone.startswith('__Host-console-visitor=""')
    token = browser.http.cookies["__Host-console"].encode()
    for path in portal.context.state.root.rglob("*"):
        assert not path.is_file() or token not in path.read_bytes()


async def test_what_another_site_sends_and_what_has_no_token_changes_nothing(portal: Portal):
    member, other = await member_of(portal), await member_of(portal)
    form = forms(await member.open("/console"))["/console/sign-out"].fields
    foreign = {"sec-fetch-site": "cross-site", "origin": "https://evil.example"}
    theirs = forms(await other.open("/console"))["/console/sign-out"].fields
    for fields, headers in ((form, foreign), (theirs, {}), ({"form": ""}, {})):
        answer = await member.browser.http.post("/console/sign-out", data=fields, headers=headers)
        assert answer.status_code == 403
    assert (await member.open("/console")).url.path == "/console"


async def test_pages_run_the_one_script_and_are_kept_by_nobody(portal: Portal):
    member = await member_of(portal)
    for page in (
        await portal.browser().open("/console/sign-in"),
        await member.open("/console"),
        await member.open("/console/nothing"),
    ):
        assert "default-src 'none'" in page.headers["content-security-policy"]
        assert page.headers["cache-control"] == "no-store"
        assert not re.search(r"<(style|iframe|object)|\bstyle=|\bon\w+=", page.text)
        assert re.findall(r"<script(?! src=./console/static/passkeys\.js)", page.text) == []


async def test_strangers_try_no_more_passkeys_than_allowed(portal: Portal):
    browser = portal.browser()
    form = forms(await browser.open("/console/sign-in"))["/console/sign-in"].fields
    limit = Limits.CONSOLE_FAILED_BY_ADDRESS
    for _ in range(limit.count - 1):
        portal.app.state.strangers.spend(limit, "192.0.2.1", portal.now)
    assert (await browser.post("/console/sign-in", form)).status_code == 403
    assert (await browser.post("/console/sign-in", form)).status_code == 429
    # Whoever guesses here keeps nobody at this address out of the portal.
    assert (await browser.ask_for_code("+14155550123")).status_code == 200


async def test_the_console_is_at_the_address_of_the_settings_only(tmp_path: Path):
    chosen = Settings.model_validate({"console": {"url": "https://staff.example"}})
    async with open_portal(tmp_path, chosen) as portal:
        browser = portal.browser()
        assert (await browser.open("/console/sign-in")).status_code == 404
        at = await browser.http.get("/console/sign-in", headers={"host": "staff.example"})
        assert at.status_code == 200
        assert "max-age" in at.headers["strict-transport-security"]
        portal.context.settings = Settings()
        portal.context.sandbox = False
        assert (await browser.open("/console/sign-in")).status_code == 404


async def test_passkeys_stay_when_the_master_key_is_replaced(portal: Portal):
    member = await member_of(portal)
    _, link = await link_for(portal, Role.OPERATOR)
    new = MasterKey(b"n" * 32)
    await replace_master_key(portal.database, portal.context.master, new)
    portal.context.master = new
    assert (await member.open("/console")).url.path == "/console/sign-in"
    assert (await member.open(link)).status_code == 404
    assert (await member.sign_in()).url.path == "/console"
