"""Signing in to the portal by mobile number and code."""

import asyncio
import re
import secrets
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from sqlalchemy import select

from cloud.people.tables import OneTimeCode, SignInRow
from cloud.policy import CODE_ATTEMPTS, CODE_LIFE, Limit, Limits
from cloud.settings import Portal as PortalSettings
from cloud.settings import Settings
from cloud.web.tables import Tally
from tests.support.portal import ORIGIN, Overtaken, Portal, before_commits, forms, open_portal

pytestmark = pytest.mark.anyio

PHONE, UNKNOWN = "+14155550123", "+14155550199"


@pytest.fixture
def known_code(monkeypatch: pytest.MonkeyPatch) -> str:
    """The only code that is made."""

    def below(_: int) -> int:
        return 204817

    monkeypatch.setattr(secrets, "randbelow", below)
    return "204817"


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 10**6:06d}"


def told(page: httpx.Response) -> tuple[int, str, str, list[str]]:
    """Returns what a browser learns from an answer, without what is random in it."""
    text = re.sub(r'(name="form" value=")[0-9a-f]+', r"\1", page.text)
    headers = sorted(name for name in page.headers if name != "content-length")
    return page.status_code, page.url.path, text, headers


async def test_whoever_has_the_phone_signs_in_with_the_code_that_is_sent_to_it(portal: Portal):
    await portal.account(PHONE)
    page = await portal.browser().sign_in(PHONE)
    assert page.url.path == "/portal"
    assert "Alex D." in page.text
    assert "/portal/sign-out" in forms(page)


async def test_a_number_is_read_as_people_of_the_merchants_country_write_it(portal: Portal):
    await portal.account(PHONE)
    await portal.browser().ask_for_code("(415) 555-0123")
    assert len(portal.messages_to(PHONE)) == 1


async def test_the_message_says_what_the_code_does(portal: Portal):
    await portal.account(PHONE)
    await portal.browser().ask_for_code(PHONE)
    (message,) = portal.messages_to(PHONE)
    assert message[6:] == (
        " is your code to sign in to the portal of Corner Shop. Nobody will ask you for it."
    )


async def test_a_number_without_an_account_gets_no_message(portal: Portal):
    await portal.browser().ask_for_code(UNKNOWN)
    assert portal.messages_to(UNKNOWN) == []


@pytest.mark.parametrize(
    ("typed", "answer"),
    [
        ("12", "not a complete number"),
        ("", "not a complete number"),
        ("+442079460000", "cannot reach that number"),
        ("<script>", "not a complete number"),
    ],
)
async def test_what_is_no_mobile_number_is_said_to_be_none(portal: Portal, typed: str, answer: str):
    page = await portal.browser().ask_for_code(typed)
    assert page.status_code == 422
    assert answer in page.text
    assert "<script>" not in page.text


async def test_nothing_tells_a_number_with_an_account_from_one_without(
    portal: Portal, known_code: str
):
    assert known_code != "000000"
    await portal.account(PHONE)
    seen: list[list[tuple[int, str, str, list[str]]]] = []
    for phone in (PHONE, UNKNOWN):
        browser = portal.browser()
        page = await browser.ask_for_code(phone)
        answers = [told(page)]
        for _ in range(CODE_ATTEMPTS):
            page = await browser.submit(page, "/portal/code", code="000000")
            answers.append(told(page))
        answers.append(told(await browser.open("/portal/code")))
        while page.status_code != 429:
            page = await browser.ask_for_code(phone)
            answers.append(told(page))
        seen.append(answers)
    assert seen[0] == seen[1]


async def test_as_much_is_written_for_a_number_without_an_account(portal: Portal):
    await portal.account(PHONE)
    for phone in (PHONE, UNKNOWN):
        await portal.browser().ask_for_code(phone)
    async with portal.database.session() as session:
        for table in (SignInRow, OneTimeCode):
            rows = (await session.scalars(select(table))).all()
            assert len(rows) == 2
        tallied = (await session.scalars(select(Tally.kind))).all()
    assert tallied == [Limits.PORTAL_CODES.kind] * 2


async def test_the_right_code_for_a_number_without_an_account_is_wrong(
    portal: Portal, known_code: str
):
    browser = portal.browser()
    page = await browser.ask_for_code(UNKNOWN)
    page = await browser.submit(page, "/portal/code", code=known_code)
    assert page.status_code == 403
    assert "__Host-portal" not in browser.http.cookies


async def test_a_wrong_code_may_be_corrected_as_often_as_the_page_says(portal: Portal):
    await portal.account(PHONE)
    browser = portal.browser()
    page = await browser.ask_for_code(PHONE)
    code = portal.last_code(PHONE)
    page = await browser.submit(page, "/portal/code", code=wrong(code))
    assert page.status_code == 403
    assert "4 more times" in page.text
    page = await browser.submit(page, "/portal/code", code=f" {code[:3]} {code[3:]}")
    assert page.url.path == "/portal"


@pytest.mark.parametrize("typed", ["", "12345", "1234567", "abcdef", "١٢٣٤٥٦"])
async def test_what_is_not_six_digits_counts_as_no_attempt(portal: Portal, typed: str):
    await portal.account(PHONE)
    browser = portal.browser()
    page = await browser.ask_for_code(PHONE)
    for _ in range(CODE_ATTEMPTS + 1):
        page = await browser.submit(page, "/portal/code", code=typed)
        assert page.status_code == 422
    page = await browser.submit(page, "/portal/code", code=portal.last_code(PHONE))
    assert page.url.path == "/portal"


async def test_what_is_wrong_with_a_field_is_tied_to_it(portal: Portal):
    """So a screen reader says it with the field (WCAG 2.2, 1.3.1 and 3.3.1)."""
    await portal.account(PHONE)
    browser, tie = portal.browser(), 'aria-invalid="true" aria-describedby="problem"'
    page = await browser.submit(await browser.open("/portal/sign-in"), "/portal/sign-in", phone="1")
    assert tie in page.text
    page = await browser.ask_for_code(PHONE)
    assert tie not in page.text
    page = await browser.submit(page, "/portal/code", code=wrong(portal.last_code(PHONE)))
    assert tie in page.text
    assert page.text.count('id="problem"') == 1


async def test_after_five_wrong_codes_the_right_one_is_refused(portal: Portal):
    await portal.account(PHONE)
    browser = portal.browser()
    page = await browser.ask_for_code(PHONE)
    form, code = forms(page)["/portal/code"].fields, portal.last_code(PHONE)
    for _ in range(CODE_ATTEMPTS):
        await browser.post("/portal/code", {**form, "code": wrong(code)})
    page = await browser.post("/portal/code", {**form, "code": code})
    assert page.status_code == 403
    assert "not valid any more" in page.text


async def test_guesses_at_the_same_time_are_each_counted(portal: Portal):
    await portal.account(PHONE)
    browser = portal.browser()
    page = await browser.ask_for_code(PHONE)
    form, code = forms(page)["/portal/code"].fields, portal.last_code(PHONE)
    guesses = (browser.post("/portal/code", {**form, "code": wrong(code)}) for _ in range(12))
    answers = [page.text for page in await asyncio.gather(*guesses)]
    assert sum("not right" in text for text in answers) == CODE_ATTEMPTS - 1
    async with portal.database.session() as session:
        row = (await session.scalars(select(OneTimeCode))).one()
    assert row.attempts_left == 0


async def test_guessing_in_many_browsers_ends_for_the_number(portal: Portal):
    await portal.account(PHONE)
    for n in range(2):
        browser = portal.browser(f"192.0.2.{n}")
        page = await browser.ask_for_code(PHONE)
        form, code = forms(page)["/portal/code"].fields, portal.last_code(PHONE)
        for _ in range(CODE_ATTEMPTS):
            await browser.post("/portal/code", {**form, "code": wrong(code)})
    assert Limits.PORTAL_FAILED.count == 2 * CODE_ATTEMPTS
    locked = await portal.browser("192.0.2.9").sign_in(PHONE)
    assert locked.status_code == 429
    assert "60 minutes" in locked.text
    portal.pass_time(Limits.PORTAL_FAILED.window)
    assert (await portal.browser("192.0.2.9").sign_in(PHONE)).url.path == "/portal"


async def test_a_right_code_is_not_counted_against_anybody(portal: Portal):
    await portal.account(PHONE)
    await portal.browser().sign_in(PHONE)
    async with portal.database.session() as session:
        kinds = (await session.scalars(select(Tally.kind))).all()
    assert kinds == [Limits.PORTAL_CODES.kind]


async def test_a_phone_gets_six_codes_an_hour_whoever_asks(portal: Portal):
    await portal.account(PHONE)
    for n in range(Limits.PORTAL_CODES.count):
        assert (await portal.browser(f"192.0.2.{n}").ask_for_code(PHONE)).status_code == 200
    page = await portal.browser("192.0.2.99").ask_for_code(PHONE)
    assert page.status_code == 429
    assert len(portal.messages_to(PHONE)) == Limits.PORTAL_CODES.count


@pytest.mark.parametrize(
    "limit", [Limits.PORTAL_CODES_BY_ADDRESS, Limits.PORTAL_FAILED_BY_ADDRESS], ids=lambda x: x.kind
)
async def test_an_address_tries_so_often_an_hour_whatever_the_numbers(portal: Portal, limit: Limit):
    for _ in range(limit.count - 1):
        portal.app.state.strangers.spend(limit, "192.0.2.7", portal.now)
    for phone, status in ((PHONE, 403), (UNKNOWN, 429)):
        browser = portal.browser("192.0.2.7")
        page = await browser.ask_for_code(phone)
        if page.status_code == 200:
            page = await browser.submit(page, "/portal/code", code="000000")
        assert page.status_code == status
    assert (await portal.browser("192.0.2.8").ask_for_code(UNKNOWN)).status_code == 200


@pytest.mark.parametrize(("is_right", "left"), [(True, 0), (False, 1)])
async def test_a_sign_in_that_was_overtaken_and_is_done_again_counts_once(
    portal: Portal, is_right: bool, left: int
):
    await portal.account(PHONE)
    browser = portal.browser("192.0.2.7")
    page = await browser.ask_for_code(PHONE)
    code = portal.last_code(PHONE)
    overtaken = [Overtaken(), Overtaken()]

    def overtake() -> None:
        if overtaken:
            raise overtaken.pop()

    with before_commits(portal, overtake):
        page = await browser.submit(page, "/portal/code", code=code if is_right else wrong(code))
    assert overtaken == []
    assert (page.url.path == "/portal") is is_right
    limit = Limits.PORTAL_FAILED_BY_ADDRESS
    had, _ = portal.app.state.strangers.left(limit, "192.0.2.7", portal.now)
    assert limit.count - had == left


async def test_what_a_sender_says_of_its_address_is_believed_of_the_settings_proxies_only(
    tmp_path: Path,
):
    proxies = PortalSettings.model_validate({"proxies": ["192.0.2.1"]})
    async with open_portal(tmp_path, Settings(portal=proxies)) as portal:
        limit = Limits.PORTAL_CODES_BY_ADDRESS
        for address in ("198.51.100.7", "192.0.2.2"):
            for _ in range(limit.count):
                portal.app.state.strangers.spend(limit, address, portal.now)
        for sender, said, status in (
            ("192.0.2.1", "203.0.113.200, 198.51.100.7", 429),
            ("192.0.2.1", "198.51.100.7, 203.0.113.200", 200),
            ("192.0.2.2", "203.0.113.200", 429),
            ("::ffff:192.0.2.1", "203.0.113.200", 200),
            ("::ffff:192.0.2.1", "::ffff:198.51.100.7", 429),
        ):
            browser = portal.browser(sender)
            browser.http.headers["x-forwarded-for"] = said
            assert (await browser.ask_for_code(PHONE)).status_code == status


async def test_a_code_is_of_use_once(portal: Portal):
    await portal.account(PHONE)
    browser = portal.browser()
    page = await browser.ask_for_code(PHONE)
    form, code = forms(page)["/portal/code"].fields, portal.last_code(PHONE)
    visitor = browser.http.cookies["__Host-portal-visitor"]
    assert (await browser.post("/portal/code", {**form, "code": code})).url.path == "/portal"
    again = portal.browser()
    again.keep("__Host-portal-visitor", visitor)
    page = await again.post("/portal/code", {**form, "code": code})
    assert page.status_code == 403
    assert "__Host-portal" not in again.http.cookies


async def test_a_code_is_of_use_in_the_browser_that_asked_for_it_only(portal: Portal):
    await portal.account(PHONE)
    other = portal.browser()
    page = await other.ask_for_code(PHONE)
    await portal.browser().ask_for_code(PHONE)
    page = await other.submit(page, "/portal/code", code=portal.last_code(PHONE))
    assert page.status_code == 403


async def test_a_code_is_valid_for_ten_minutes(portal: Portal):
    await portal.account(PHONE)
    browser = portal.browser()
    page = await browser.ask_for_code(PHONE)
    portal.pass_time(CODE_LIFE)
    page = await browser.submit(page, "/portal/code", code=portal.last_code(PHONE))
    assert page.status_code == 403
    assert "ask for another" in page.text


async def test_an_earlier_code_of_the_same_browser_is_not_valid_any_more(portal: Portal):
    await portal.account(PHONE)
    browser = portal.browser()
    await browser.ask_for_code(PHONE)
    earlier = portal.last_code(PHONE)
    page = await browser.ask_for_code(PHONE)
    if portal.last_code(PHONE) != earlier:
        page = await browser.submit(page, "/portal/code", code=earlier)
        assert page.status_code == 403


async def test_the_portal_is_at_the_address_of_the_settings_only(tmp_path: Path):
    settings = Settings(portal=PortalSettings.model_validate({"url": "https://PALMS.example:443"}))
    async with open_portal(tmp_path, settings) as portal:
        assert (await portal.browser().open("/portal/sign-in")).status_code == 404
        page = await portal.browser().open("https://palms.example/portal/sign-in")
        assert page.status_code == 200
        assert page.headers["strict-transport-security"] == "max-age=31536000; includeSubDomains"


async def test_without_an_address_there_is_a_portal_in_the_sandbox_only(portal: Portal):
    assert (await portal.browser().open(f"{ORIGIN}/portal/sign-in")).status_code == 200
    portal.context.sandbox = False
    assert (await portal.browser().open(f"{ORIGIN}/portal/sign-in")).status_code == 404


async def test_a_number_is_asked_for_before_a_code(portal: Portal):
    page = await portal.browser().open("/portal/code")
    assert page.url.path == "/portal/sign-in"


async def test_strangers_do_not_keep_anybody_from_a_kiosk(portal: Portal):
    """What is tried in the portal is not counted where the kiosks count."""
    person = await portal.account(PHONE)
    browser = portal.browser()
    page = await browser.ask_for_code(PHONE)
    await browser.submit(page, "/portal/code", code=wrong(portal.last_code(PHONE)))
    lookup = portal.context.master.lookup("phone", PHONE)
    async with portal.database.session() as session:
        counted = await session.execute(select(Tally.kind, Tally.subject))
    assert {tuple(row) for row in counted} == {
        (Limits.PORTAL_CODES.kind, lookup),
        (Limits.PORTAL_FAILED.kind, person.person_id),
    }
    assert timedelta(hours=1) == Limits.PORTAL_FAILED.window


@pytest.mark.parametrize("path", ["/", "/portal/", "/portal"])
async def test_the_address_alone_leads_to_the_portal(portal: Portal, path: str):
    assert (await portal.browser().open(path)).url.path == "/portal/sign-in"
