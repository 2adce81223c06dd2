"""Names and numbers that people correct in the portal."""

import asyncio
import re
from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select

from cloud.keys.persons import OpenPerson
from cloud.people import deletions
from cloud.people.accounts import PROFILE, Profile, person_id_of, profile_of
from cloud.people.corrections import CORRECTIONS_KEPT, change_name
from cloud.people.tables import (
    AccountRow,
    ClaimRow,
    EnrolmentRow,
    NumberChangeRow,
    OneTimeCode,
    SessionRow,
    SignInRow,
)
from cloud.policy import CODE_ATTEMPTS, CODE_LIFE, Limits
from protocol.messages import Proof, Purpose
from tests.support.portal import Browser, Portal, forms

pytestmark = pytest.mark.anyio

OLD, NEW, OTHER = "+14155550123", "+14155550125", "+14155550124"
NUMBER = "/portal/number"


async def begin(browser: Browser, phone: str = NEW) -> httpx.Response:
    """Asks for another number, and returns the page for the code to the present one."""
    return await browser.submit(await browser.open(NUMBER), NUMBER, phone=phone)


async def allow(portal: Portal, browser: Browser, phone: str = NEW) -> httpx.Response:
    """Enters the code to the present number too, and returns the page for the one to the new."""
    page = await begin(browser, phone)
    return await browser.submit(page, f"{NUMBER}/present", code=portal.last_code(OLD))


async def change(portal: Portal, browser: Browser, phone: str = NEW) -> httpx.Response:
    page = await allow(portal, browser, phone)
    return await browser.submit(page, f"{NUMBER}/new", code=portal.last_code(phone))


async def holder_of(portal: Portal, phone: str) -> str | None:
    async with portal.database.session() as session:
        return await person_id_of(session, portal.context.master.lookup("phone", phone))


async def profile(portal: Portal, person: OpenPerson) -> Profile:
    async with portal.database.session() as session:
        return await profile_of(session, person)


async def count(portal: Portal, *tables: Any) -> list[int]:
    async with portal.database.session() as session:
        return [
            await session.scalar(select(func.count()).select_from(each)) or 0 for each in tables
        ]


def told(page: httpx.Response) -> tuple[int, str, str]:
    """Returns what a browser learns from an answer, without what is random in it."""
    text = re.sub(r'(name="form" value=")[0-9a-f]+', r"\1", page.text)
    return page.status_code, page.url.path, text


# The name


@pytest.mark.parametrize(
    ("typed", "stored", "hint"),
    [
        ("Alexandra Doe", "Alexandra Doe", "Alexandra D."),
        ("  Zoë \t Łęcka ", "Zoë Łęcka", "Zoë Ł."),
        ("", None, "number ending 23"),
        ("\u202e\u0000 ", None, "number ending 23"),
        ("A" * 300, "A" * 80, "A" + "a" * 79),
    ],
)
async def test_a_name_is_corrected(portal: Portal, typed: str, stored: str | None, hint: str):
    person, browser = await portal.account(OLD), portal.browser()
    await browser.sign_in(OLD)
    page = await browser.submit(await browser.open("/portal/name"), "/portal/name", name=typed)
    assert hint in page.text
    kept = await profile(portal, person)
    assert kept.holder == stored
    assert [(each.what, each.at) for each in kept.corrections] == [("name", portal.now)]
    assert kept.phone == OLD


async def test_of_somebodys_corrections_the_last_are_kept(portal: Portal):
    """They are read with each use of a palm, and nothing limits how often a name is corrected."""
    person = await portal.account(OLD)
    at = [portal.now + timedelta(minutes=n) for n in range(CORRECTIONS_KEPT + 2)]
    async with portal.database.session() as session:
        for n, each in enumerate(at):
            await change_name(session, person, f"Name {n}", each)
        await session.commit()
    kept = (await profile(portal, person)).corrections
    assert [each.at for each in kept] == at[2:]


async def test_a_name_that_stays_the_same_is_no_correction(portal: Portal):
    person, browser = await portal.account(OLD), portal.browser()
    await browser.sign_in(OLD)
    page = await browser.open("/portal/name")
    await browser.submit(page, "/portal/name")
    assert (await profile(portal, person)).corrections == []


# The number


async def test_a_number_is_changed_by_codes_to_both(portal: Portal):
    person, browser = await portal.account(OLD), portal.browser()
    await portal.buy(person)
    await browser.sign_in(OLD)
    page = await change(portal, browser)
    assert page.url.path == "/portal"
    assert "ending in 0125" in page.text
    assert "Visa •••• 4242" in page.text
    assert page.text.count('href="/portal/palms/') == 2
    assert "12.50" in (await browser.open("/portal/history")).text
    assert await holder_of(portal, OLD) is None
    assert await holder_of(portal, NEW) == person.person_id
    kept = await profile(portal, person)
    assert kept.phone == NEW
    assert [(each.what, each.at) for each in kept.corrections] == [("number", portal.now)]
    assert "Your number, " in (await browser.open("/portal/data")).text


async def test_the_new_number_signs_in_afterwards_and_the_old_one_gets_no_code(portal: Portal):
    await portal.account(OLD)
    browser = portal.browser()
    await browser.sign_in(OLD)
    await change(portal, browser)
    sent = len(portal.messages_to(OLD))
    assert (await portal.browser().sign_in(NEW)).url.path == "/portal"
    await portal.browser().ask_for_code(OLD)
    assert len(portal.messages_to(OLD)) == sent


async def test_the_messages_say_what_their_codes_do(portal: Portal):
    await portal.account(OLD)
    browser = portal.browser()
    await browser.sign_in(OLD)
    await allow(portal, browser)
    assert portal.messages_to(OLD)[-1][6:] == (
        " will CHANGE the mobile number of your account at Corner Shop. Nobody will ask you for it."
    )
    assert portal.messages_to(NEW)[-1][6:] == (
        " makes this the mobile number of an account at Corner Shop. Enter it only if you asked "
        "for it."
    )


async def test_the_new_number_gets_nothing_before_the_present_one_has_allowed_it(portal: Portal):
    await portal.account(OLD)
    browser = portal.browser()
    await browser.sign_in(OLD)
    page = await begin(browser)
    for code in ("12", "000000" if portal.last_code(OLD) != "000000" else "000001"):
        page = await browser.submit(page, f"{NUMBER}/present", code=code)
        assert page.status_code in (403, 422)
    assert portal.messages_to(NEW) == []


async def test_the_code_to_the_new_number_does_nothing_before_the_other(portal: Portal):
    person, browser = await portal.account(OLD), portal.browser()
    await browser.sign_in(OLD)
    form = forms(await begin(browser))[f"{NUMBER}/present"].fields
    code = portal.last_code(OLD)
    assert (await browser.post(f"{NUMBER}/new", {**form, "code": code})).status_code == 403
    assert await holder_of(portal, OLD) == person.person_id


async def test_the_code_for_one_new_number_does_not_change_to_another(portal: Portal):
    """Whoever allowed the first has not allowed the second."""
    person, browser = await portal.account(OLD), portal.browser()
    await browser.sign_in(OLD)
    form = forms(await allow(portal, browser))[f"{NUMBER}/new"].fields
    code = portal.last_code(NEW)
    await begin(browser, OTHER)
    assert (await browser.post(f"{NUMBER}/new", {**form, "code": code})).status_code == 403
    assert await holder_of(portal, OTHER) is None
    assert await holder_of(portal, OLD) == person.person_id


async def test_no_code_stands_for_another(portal: Portal):
    """The code of a sign-in and the one of a deletion change no number, and the reverse."""
    person, browser = await portal.account(OLD), portal.browser()
    await browser.sign_in(OLD)
    page = await begin(browser)
    changing = portal.last_code(OLD)
    await portal.browser().ask_for_code(OLD)
    signing_in = portal.last_code(OLD)
    await browser.submit(await browser.open("/portal/leave"), "/portal/leave")
    deleting = portal.last_code(OLD)
    for code in {signing_in, deleting} - {changing}:
        page = await browser.submit(page, f"{NUMBER}/present", code=code)
        assert page.status_code == 403
    leave = await browser.open("/portal/leave/code")
    if changing != deleting:
        answer = await browser.submit(leave, "/portal/leave/code", code=changing)
        assert answer.status_code == 403
    assert await holder_of(portal, OLD) == person.person_id


async def test_the_page_does_not_tell_whether_the_new_number_has_an_account(portal: Portal):
    await portal.account(OLD)
    await portal.account(OTHER)
    pages: list[list[tuple[int, str, str]]] = []
    stored: list[list[int]] = []
    for phone in (NEW, OTHER):
        browser = portal.browser()
        await browser.sign_in(OLD)
        first = await begin(browser, phone)
        second = await browser.submit(first, f"{NUMBER}/present", code=portal.last_code(OLD))
        wrong = await browser.submit(second, f"{NUMBER}/new", code="000000")
        pages.append([told(first), told(second), told(wrong)])
        stored.append(await count(portal, OneTimeCode, NumberChangeRow))
        assert len(portal.messages_to(phone)) == 1
        await browser.submit(await browser.open("/portal"), "/portal/sign-out")
    assert pages[0] == pages[1]
    assert stored[0][1] == stored[1][1]


async def test_a_number_with_an_account_is_told_so_and_stays_with_its_person(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
):
    mine, theirs = await portal.account(OLD), await portal.account(OTHER)
    browser = portal.browser()
    await browser.sign_in(OLD)
    codes = iter((111_111, 222_222))

    def below(_: int) -> int:
        return next(codes)

    monkeypatch.setattr("secrets.randbelow", below)
    page = await allow(portal, browser, OTHER)
    assert portal.messages_to(OTHER) == [
        "Somebody asked to use this number for another account at Corner Shop. It has an account "
        "already, and nothing was changed."
    ]
    page = await browser.submit(page, f"{NUMBER}/new", code="222222")
    assert "not valid any more" in page.text
    assert await holder_of(portal, OTHER) == theirs.person_id
    assert await holder_of(portal, OLD) == mine.person_id


async def test_of_two_who_want_one_number_at_once_one_gets_it(portal: Portal):
    first, second = await portal.account(OLD), await portal.account(OTHER)
    codes: list[str] = []
    pages: list[httpx.Response] = []
    browsers = [portal.browser(), portal.browser()]
    for browser, phone in zip(browsers, (OLD, OTHER), strict=True):
        await browser.sign_in(phone)
        page = await begin(browser)
        page = await browser.submit(page, f"{NUMBER}/present", code=portal.last_code(phone))
        pages.append(page)
        codes.append(portal.last_code(NEW))
    answers = await asyncio.gather(
        *(
            browser.submit(page, f"{NUMBER}/new", code=code)
            for browser, page, code in zip(browsers, pages, codes, strict=True)
        )
    )
    assert sorted(answer.status_code for answer in answers) == [200, 403]
    winner = (first, second)[[answer.status_code for answer in answers].index(200)]
    loser_phone = OTHER if winner is first else OLD
    assert await holder_of(portal, NEW) == winner.person_id
    assert await holder_of(portal, loser_phone) is not None
    assert await count(portal, AccountRow) == [2]


async def test_a_deletion_meanwhile_leaves_nothing_to_change(portal: Portal):
    person, browser = await portal.account(OLD), portal.browser()
    await browser.sign_in(OLD)
    page = await allow(portal, browser)
    async with portal.database.session() as session:
        await deletions.erase_account(portal.context, session, person, portal.now)
        await session.commit()
    page = await browser.submit(page, f"{NUMBER}/new", code=portal.last_code(NEW))
    assert page.url.path == "/portal/sign-in"
    assert await holder_of(portal, NEW) is None
    assert await count(portal, NumberChangeRow, OneTimeCode) == [0, 0]


async def test_somebody_who_signs_up_with_the_number_meanwhile_keeps_it(portal: Portal):
    person, browser = await portal.account(OLD), portal.browser()
    await browser.sign_in(OLD)
    page = await allow(portal, browser)
    newcomer = await portal.account(NEW)
    page = await browser.submit(page, f"{NUMBER}/new", code=portal.last_code(NEW))
    assert page.status_code == 403
    assert await holder_of(portal, NEW) == newcomer.person_id
    assert await holder_of(portal, OLD) == person.person_id


async def test_what_was_begun_with_the_new_number_ends_and_leaves_no_copy(portal: Portal):
    await portal.account(OLD)
    begun = await portal.begun_with(NEW)
    browser = portal.browser()
    await browser.sign_in(OLD)
    page = await allow(portal, browser)
    await portal.leave_between_rows(begun)
    await browser.submit(page, f"{NUMBER}/new", code=portal.last_code(NEW))
    assert not portal.holds(begun)


async def test_whatever_was_begun_with_the_old_number_ends(portal: Portal):
    person, browser = await portal.account(OLD), portal.browser()
    elsewhere, asking = portal.browser(), portal.browser()
    await elsewhere.sign_in(OLD)
    await browser.sign_in(OLD)
    waiting = await asking.ask_for_code(OLD)
    stale = portal.last_code(OLD)
    about: dict[str, Any] = {"person_id": person.person_id, "device_id": "kiosk"}
    later = portal.now + timedelta(minutes=9)
    await portal.add(
        ClaimRow(
            id="1",
            about=person.person_id,
            proof=Proof.CODE,
            purpose=Purpose.LEAVE,
            expires_at=later,
            **about,
        )
    )
    await portal.add(
        EnrolmentRow(
            id="1",
            merchant_id="first",
            phone_lookup=portal.context.master.lookup("phone", OLD),
            profile=person.seal(Profile(phone="", consent_version="", agreed_at=later), PROFILE),
            sent=1,
            sent_at=portal.now,
            verified=True,
            expires_at=later,
            **about,
        )
    )
    await change(portal, browser)
    assert await count(portal, ClaimRow, EnrolmentRow, SignInRow, OneTimeCode) == [0, 0, 0, 0]
    assert await count(portal, SessionRow, NumberChangeRow) == [1, 0]
    assert (await elsewhere.open("/portal")).url.path == "/portal/sign-in"
    answer = await asking.submit(waiting, "/portal/code", code=stale)
    assert "__Host-portal" not in asking.http.cookies
    assert answer.status_code == 403
    assert (await browser.open("/portal")).url.path == "/portal"


async def test_the_old_number_is_free_for_somebody_else(portal: Portal):
    await portal.account(OLD)
    browser = portal.browser()
    await browser.sign_in(OLD)
    await change(portal, browser)
    newcomer = await portal.account(OLD)
    assert await holder_of(portal, OLD) == newcomer.person_id


async def test_a_change_belongs_to_the_browser_that_asked_for_it(portal: Portal):
    await portal.account(OLD)
    browser, other = portal.browser(), portal.browser()
    await browser.sign_in(OLD)
    await allow(portal, browser)
    form = forms(await other.sign_in(OLD))["/portal/sign-out"].fields
    code = portal.last_code(NEW)
    assert (await other.post(f"{NUMBER}/new", {**form, "code": code})).status_code == 403
    assert (await other.open(f"{NUMBER}/code")).url.path == NUMBER


async def test_codes_expire_and_wear_out(portal: Portal):
    person, browser = await portal.account(OLD), portal.browser()
    await browser.sign_in(OLD)
    page = await begin(browser)
    wrong = "000000" if portal.last_code(OLD) != "000000" else "000001"
    for _ in range(CODE_ATTEMPTS):
        page = await browser.submit(
            await browser.open(f"{NUMBER}/code"), f"{NUMBER}/present", code=wrong
        )
    page = await browser.submit(
        await browser.open(f"{NUMBER}/code"), f"{NUMBER}/present", code=portal.last_code(OLD)
    )
    assert page.status_code == 403
    page = await begin(browser)
    portal.pass_time(CODE_LIFE)
    page = await browser.submit(page, f"{NUMBER}/present", code=portal.last_code(OLD))
    assert page.status_code == 403
    assert portal.messages_to(NEW) == []
    assert await holder_of(portal, OLD) == person.person_id


async def test_no_more_messages_go_out_than_codes_may(portal: Portal):
    await portal.account(OLD)
    browser = portal.browser()
    await browser.sign_in(OLD)
    for _ in range(Limits.PORTAL_CODES.count - 1):
        assert (await begin(browser)).status_code == 200
    page = await begin(browser)
    assert page.status_code == 429
    assert "Too many codes" in page.text


@pytest.mark.parametrize(
    ("typed", "answer"),
    [
        ("12", "not a complete number"),
        ("+442079460000", "cannot reach that number"),
        (OLD, "your number already"),
        ("(415) 555-0123", "your number already"),
    ],
)
async def test_a_number_that_cannot_be_the_new_one_is_said_to_be_none(
    portal: Portal, typed: str, answer: str
):
    await portal.account(OLD)
    browser = portal.browser()
    await browser.sign_in(OLD)
    page = await begin(browser, typed)
    assert page.status_code == 422
    assert answer in page.text
