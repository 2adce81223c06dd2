"""Sessions of the portal: how they begin, how long they last, and how they are ended."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import select

from cloud.jobs.housekeeping import forget_expired
from cloud.people.tables import SessionRow, SignInRow
from cloud.policy import SESSION_IDLE, SESSION_LIFE
from cloud.web.browsers import new_token
from tests.support.portal import Browser, Portal, forms

pytestmark = pytest.mark.anyio

PHONE, OTHER = "+14155550123", "+14155550124"
ANDROID = "Mozilla/5.0 (Android 16; Mobile; rv:147.0) Gecko/147.0 Firefox/147.0"
MAC = (
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/26.1 Safari/605.1.15"
)


async def is_signed_in(browser: Browser) -> bool:
    return (await browser.open("/portal")).url.path == "/portal"


async def test_a_session_is_a_cookie_that_neither_scripts_nor_other_hosts_see(portal: Portal):
    await portal.account(PHONE)
    browser = portal.browser()
    page = await browser.ask_for_code(PHONE)
    (visitor,) = (await portal.browser().open("/portal/sign-in")).headers.get_list("set-cookie")
    assert re.fullmatch(
        r"__Host-portal-visitor=[\w-]{43}; HttpOnly; Path=/; SameSite=strict; Secure", visitor
    )
    form = forms(page)["/portal/code"].fields
    browser.http.follow_redirects = False
    answer = await browser.post("/portal/code", {**form, "code": portal.last_code(PHONE)})
    session, gone = answer.headers.get_list("set-cookie")
    assert re.fullmatch(r"__Host-portal=[\w-]{43}; HttpOnly; Path=/; SameSite=lax; Secure", session)
    assert gone.startswith('__Host-portal-visitor=""')
    assert "Max-Age=0" in gone


async def test_a_token_is_stored_nowhere(portal: Portal):
    await portal.account(PHONE)
    browser = portal.browser()
    await browser.sign_in(PHONE)
    token = browser.http.cookies["__Host-portal"].encode()
    for path in portal.context.state.root.rglob("*"):
        assert not path.is_file() or token not in path.read_bytes()


async def test_a_token_that_was_planted_before_is_not_the_sessions(portal: Portal):
    await portal.account(PHONE)
    planted = new_token()
    browser, attacker = portal.browser(), portal.browser()
    for name in ("__Host-portal", "__Host-portal-visitor"):
        browser.keep(name, planted)
        attacker.keep(name, planted)
    page = await browser.open("/portal/code")
    await browser.sign_in(PHONE)
    assert page.url.path == "/portal/sign-in"
    assert planted not in browser.http.cookies.values()
    assert not await is_signed_in(attacker)


async def test_signing_in_ends_the_session_that_the_browser_had(portal: Portal):
    await portal.account(PHONE)
    await portal.account(OTHER)
    browser = portal.browser()
    page = await browser.ask_for_code(PHONE)
    form, code = forms(page)["/portal/code"].fields, portal.last_code(PHONE)
    another = portal.browser()
    await another.sign_in(OTHER)
    before = another.http.cookies["__Host-portal"]
    browser.keep("__Host-portal", before)
    # As whoever is signed in, this browser sends a form of before it was.
    assert (await browser.post("/portal/code", {**form, "code": code})).status_code == 403
    portal.pass_time(SESSION_IDLE)
    page = await browser.sign_in(PHONE)
    assert page.url.path == "/portal"
    assert browser.http.cookies["__Host-portal"] != before
    assert not await is_signed_in(another)


async def test_a_session_ends_when_it_is_not_used_for_half_an_hour(portal: Portal):
    await portal.account(PHONE)
    browser = portal.browser()
    await browser.sign_in(PHONE)
    portal.pass_time(SESSION_IDLE - timedelta(seconds=1))
    assert await is_signed_in(browser)
    portal.pass_time(SESSION_IDLE - timedelta(seconds=1))
    assert await is_signed_in(browser)
    portal.pass_time(SESSION_IDLE)
    page = await browser.open("/portal")
    assert page.url.path == "/portal/sign-in"
    assert "your session has ended" in page.text
    assert "__Host-portal" not in browser.http.cookies


async def test_a_session_ends_after_twelve_hours_however_it_is_used(portal: Portal):
    await portal.account(PHONE)
    browser = portal.browser()
    await browser.sign_in(PHONE)
    step = timedelta(minutes=20)
    for _ in range(SESSION_LIFE // step - 1):
        portal.pass_time(step)
        assert await is_signed_in(browser)
    portal.pass_time(step)
    assert not await is_signed_in(browser)


async def test_a_session_of_a_clock_that_was_ahead_ends_with_that(portal: Portal):
    await portal.account(PHONE)
    browser = portal.browser()
    portal.pass_time(timedelta(days=30))
    await browser.sign_in(PHONE)
    portal.pass_time(-timedelta(days=30))
    assert not await is_signed_in(browser)
    await forget_expired(portal.context)
    async with portal.database.session() as session:
        assert (await session.scalars(select(SessionRow))).all() == []


async def test_an_expired_session_changes_nothing(portal: Portal):
    await portal.account(PHONE)
    browser = portal.browser()
    await browser.sign_in(PHONE)
    page = await browser.open("/portal/merchants/first")
    portal.pass_time(SESSION_IDLE)
    page = await browser.submit(page, "/portal/merchants/first")
    assert page.url.path == "/portal/sign-in"
    assert "Corner Shop" in (await browser.sign_in(PHONE)).text.partition("<main")[2]


async def test_expired_sessions_are_erased(portal: Portal):
    await portal.account(PHONE)
    await portal.browser().sign_in(PHONE)
    await portal.browser().ask_for_code(PHONE)
    portal.pass_time(SESSION_IDLE)
    await forget_expired(portal.context)
    async with portal.database.session() as session:
        assert (await session.scalars(select(SessionRow))).all() == []
        assert (await session.scalars(select(SignInRow))).all() == []


async def test_sessions_are_listed_by_the_names_of_their_browsers_and_can_be_ended(portal: Portal):
    await portal.account(PHONE)
    phone, computer = portal.browser(agent=ANDROID), portal.browser(agent=MAC)
    await phone.sign_in(PHONE)
    page = await computer.sign_in(PHONE)
    assert "Firefox on Android" in page.text
    assert "Safari on Mac" in page.text
    ends = {action for action in forms(page) if action.startswith("/portal/sessions/")}
    assert len(ends) == 2
    at_the_phone = await phone.open("/portal")
    (theirs,) = [
        action
        for action in ends
        if at_the_phone.text.partition(action)[2].partition("</button>")[0].count("Sign out")
    ]
    await computer.submit(page, theirs)
    assert not await is_signed_in(phone)
    assert await is_signed_in(computer)


async def test_all_other_sessions_are_ended_at_once_and_nobody_elses(portal: Portal):
    await portal.account(PHONE)
    await portal.account(OTHER, holder="Sam Roe")
    here, *elsewhere, somebody_else = (portal.browser() for _ in range(4))
    for browser in elsewhere:
        await browser.sign_in(PHONE)
    await somebody_else.sign_in(OTHER)
    page = await here.submit(await here.sign_in(PHONE), "/portal/sign-out-elsewhere")
    assert "/portal/sign-out-elsewhere" not in forms(page)
    assert [await is_signed_in(browser) for browser in elsewhere] == [False, False]
    assert await is_signed_in(here)
    assert await is_signed_in(somebody_else)


async def test_a_browser_that_says_nothing_of_use_is_a_browser(portal: Portal):
    await portal.account(PHONE)
    assert "A browser" in (await portal.browser(agent="<b>x").sign_in(PHONE)).text


async def test_signing_out_ends_the_session(portal: Portal):
    await portal.account(PHONE)
    browser = portal.browser()
    page = await browser.sign_in(PHONE)
    token = browser.http.cookies["__Host-portal"]
    answer = await browser.submit(page, "/portal/sign-out")
    assert answer.url.path == "/portal/sign-in"
    assert answer.history[0].headers["clear-site-data"] == '"cache", "storage"'
    assert "__Host-portal" not in browser.http.cookies
    browser.keep("__Host-portal", token)
    assert not await is_signed_in(browser)


async def test_nobody_ends_the_session_of_somebody_else(portal: Portal):
    await portal.account(PHONE)
    await portal.account(OTHER, holder="Sam Roe")
    browser, other = portal.browser(), portal.browser()
    page = await browser.sign_in(PHONE)
    theirs = await other.sign_in(OTHER)
    (end,) = [action for action in forms(theirs) if action.startswith("/portal/sessions/")]
    form = forms(page)["/portal/sign-out"].fields
    assert (await browser.post(end, form)).status_code == 404
    assert await is_signed_in(other)
