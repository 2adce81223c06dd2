"""Signing up is begun in the portal: number, consent, card, and the code for the kiosk."""

import html
import logging
import re
import secrets
from collections.abc import AsyncGenerator, Generator
from datetime import timedelta
from errno import ENOSPC
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import zxingcpp
from sqlalchemy import func, select

from cloud.jobs.errands import run_errands
from cloud.keys.tables import Person
from cloud.law import ILLINOIS, WASHINGTON, Law
from cloud.merchants.merchants import first_site
from cloud.outbox.tables import Errand
from cloud.payments.tables import CardRow
from cloud.people import begun, consents, deletions
from cloud.people.agreements import agreements_of
from cloud.people.begun import Begun
from cloud.people.consent_texts import VERSION
from cloud.people.tables import AgreementRow, BegunRow, ConsentRow, OneTimeCode
from cloud.policy import BEGUN_LIFE, CARD_PAGE_LIFE, CODE_ATTEMPTS, CODE_LIFE, Limits
from cloud.providers.stripe import StripeProvider
from cloud.web import limits
from protocol.messages import BEGUN_MARK, Signature
from tests.support.portal import ORIGIN, Browser, Portal, forms, open_portal
from tests.support.stripe_api import PAGE, Answer, StripeApi, checkout, error, listing

pytestmark = pytest.mark.anyio

PHONE, TAKEN = "+14155550123", "+14155550124"
BEGIN, CODE, CONSENT = "/portal/begin", "/portal/begin/code", "/portal/begin/consent"
CARD, READY, STOP = "/portal/begin/card", "/portal/begin/ready", "/portal/begin/stop"
COOKIE = "__Host-portal-begun"
OPENS = "POST /checkout/sessions"
LOOKS = f"GET /checkout/sessions/{PAGE}?expand[0]=setup_intent.payment_method"
METHOD: dict[str, Any] = {
    "id": "pm_1",
    "object": "payment_method",
    "card": {"brand": "visa", "last4": "4242"},
    "billing_details": {"name": "Alex Doe"},
}


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def api() -> Generator[StripeApi]:
    with StripeApi() as api:
        api.will("POST /customers", Answer(200, {"id": "cus_1", "object": "customer"}))
        api.will(OPENS, checkout("open", url="https://checkout.test/c/1"))
        api.will(LOOKS, checkout("complete", METHOD))
        gone = Answer(200, {"id": "cus_1", "object": "customer", "metadata": {}})
        api.will("DELETE /customers/cus_1", gone)
        open_pages = "GET /checkout/sessions?customer=cus_1&status=open&limit=100"
        api.will(open_pages, listing(checkout("open"), url="/checkout/sessions"))
        api.will(f"POST /checkout/sessions/{PAGE}/expire", checkout("expired"))
        api.will("POST /payment_methods/pm_1/detach", Answer(200, {"id": "pm_1"}))
        cards = "GET /payment_methods?customer=cus_1&type=card"
        api.will(cards, listing(url="/payment_methods"))
        yield api


@pytest.fixture
async def portal(tmp_path: Path, api: StripeApi) -> AsyncGenerator[Portal]:
    async with open_portal(tmp_path) as portal:
        provider = StripeProvider("sk_test_1", api.url)
        portal.context.payments = provider
        yield portal
        await provider.close()


async def ask(browser: Browser, phone: str = PHONE) -> httpx.Response:
    return await browser.submit(await browser.open(BEGIN), BEGIN, phone=phone)


async def prove(portal: Portal, browser: Browser, phone: str = PHONE) -> httpx.Response:
    page = await ask(browser, phone)
    return await browser.submit(page, CODE, code=portal.last_code(phone))


async def agree(portal: Portal, browser: Browser, phone: str = PHONE) -> httpx.Response:
    return await browser.submit(await prove(portal, browser, phone), CONSENT)


async def begin(portal: Portal, browser: Browser, phone: str = PHONE) -> httpx.Response:
    """Returns the page with the code for the kiosk."""
    await browser.submit(await agree(portal, browser, phone), CARD)
    return await browser.open(f"{CARD}/back")


def code_on(page: httpx.Response) -> str:
    (code,) = re.findall(r"<strong>([0-9 ]{14})</strong>", page.text)
    return code.replace(" ", "")


async def count(portal: Portal, *tables: Any) -> list[int]:
    async with portal.database.session() as session:
        return [
            await session.scalar(select(func.count()).select_from(each)) or 0 for each in tables
        ]


async def stored(portal: Portal, browser: Browser) -> Begun | None:
    async with portal.database.session() as session:
        token = browser.http.cookies[COOKIE]
        return await begun.find(portal.context, session, token, portal.now)


def told(page: httpx.Response) -> tuple[int, str, str]:
    """Returns what a browser learns from an answer, without what is random in it."""
    text = re.sub(r'(name="form" value=")[0-9a-f]+', r"\1", page.text)
    return page.status_code, page.url.path, text


async def run_errands_about_customers(portal: Portal, api: StripeApi) -> None:
    """Runs the errands; the customer of the page is listed with its reference."""
    made = [fields for request, fields in api.asked if request == "POST /customers"]
    listed = [
        Answer(200, {"id": "cus_1", "object": "customer", "metadata": {"reference": each}})
        for each in {fields["metadata[reference]"] for fields in made}
    ]
    since = int((portal.now - timedelta(minutes=5)).timestamp())
    for at in range(since - 3600, since + 1):
        api.will(f"GET /customers?limit=100&created[gte]={at}", listing(*listed, url="/customers"))
    portal.pass_time(timedelta(minutes=30))
    await run_errands(portal.context)


# The way through


async def test_a_number_consent_and_a_card_lead_to_a_code_for_the_kiosk(
    portal: Portal, api: StripeApi
):
    browser = portal.browser()
    page = await ask(browser)
    assert page.url.path == CODE
    assert portal.messages_to(PHONE)[-1][6:] == (
        " is your code to sign up at Corner Shop. Enter it only on the page where you asked for it."
    )
    page = await browser.submit(page, CODE, code=portal.last_code(PHONE))
    assert page.url.path == CONSENT
    page = await browser.submit(page, CONSENT)
    assert page.url.path == CARD
    page = await browser.submit(page, CARD)
    assert 'href="https://checkout.test/c/1"' in page.text
    (fields,) = [fields for request, fields in api.asked if request == OPENS]
    assert fields["success_url"] == f"{ORIGIN}{CARD}/back"
    page = await browser.open(f"{CARD}/back")
    assert page.url.path == READY
    assert "Visa •••• 4242" in page.text
    assert "It ends in 23." in page.text
    kept = await stored(portal, browser)
    assert kept
    assert code_on(page) == kept.beginning.code
    assert "until 6 December 2026" in re.sub("<.*?>", "", page.text)
    assert (await browser.open(BEGIN)).url.path == READY


async def test_the_code_is_shown_to_cameras_as_well(portal: Portal):
    page = await begin(portal, portal.browser())
    (svg,) = re.findall(r"<svg.*?</svg>", page.text)
    assert read_qr_code(svg) == f"{BEGUN_MARK}{code_on(page)}"


async def test_the_card_can_be_left_for_the_kiosk(portal: Portal):
    browser = portal.browser()
    await agree(portal, browser)
    page = await browser.open(READY)
    assert "Present your card, and show your palm." in page.text
    assert code_on(page)
    assert (await browser.open(BEGIN)).url.path == CARD


async def test_who_goes_on_after_days_finds_everything_where_it_was(portal: Portal):
    browser = portal.browser()
    page = await begin(portal, browser)
    portal.pass_time(BEGUN_LIFE - timedelta(minutes=1))
    assert code_on(await browser.open(BEGIN)) == code_on(page)
    portal.pass_time(timedelta(minutes=2))
    page = await browser.open(READY)
    assert page.url.path == BEGIN
    assert "What you began here is over" in page.text
    assert COOKIE not in browser.http.cookies


async def test_no_step_can_be_left_out(portal: Portal):
    browser = portal.browser()
    for path in (CODE, CONSENT, CARD, f"{CARD}/back", READY, STOP):
        assert (await browser.open(path)).url.path == BEGIN
    form = forms(await prove(portal, browser))[CONSENT].fields
    for path in (BEGIN, CARD, READY):
        assert (await browser.open(path)).url.path == CONSENT
    await browser.post(CARD, form)
    assert await count(portal, CardRow) == [0]
    kept = await stored(portal, browser)
    assert kept
    assert kept.beginning.code == "", "nothing can be finished before it is agreed to"


async def test_pages_have_neither_scripts_nor_styles_in_them(portal: Portal):
    browser = portal.browser()
    seen = [
        await ask(portal.browser(), "+14155550125"),
        await prove(portal, portal.browser(), "+14155550126"),
        await begin(portal, browser),
    ]
    for page in (*seen, await browser.open(CARD), await browser.open(STOP)):
        assert page.status_code == 200
        assert not re.search(r"<(script|style|iframe|object)|\bstyle=|\bon\w+=|//", page.text)


async def test_who_is_signed_in_has_an_account_and_begins_none(portal: Portal):
    await portal.account(TAKEN)
    browser = portal.browser()
    await browser.sign_in(TAKEN)
    assert (await browser.open(BEGIN)).url.path == "/portal"


# The number


@pytest.fixture
def known_code(monkeypatch: pytest.MonkeyPatch) -> str:
    """The only code that is made."""

    def below(_: int) -> int:
        return 204817

    monkeypatch.setattr(secrets, "randbelow", below)
    return "204817"


async def test_nothing_tells_a_number_with_an_account_from_one_without(
    portal: Portal, known_code: str
):
    assert known_code != "000000"
    await portal.account(TAKEN)
    seen: list[list[tuple[int, str, str]]] = []
    for phone in (PHONE, TAKEN):
        browser = portal.browser()
        page = await ask(browser, phone)
        answers = [told(page)]
        for _ in range(CODE_ATTEMPTS):
            page = await browser.submit(page, CODE, code="000000")
            answers.append(told(page))
        answers.append(told(await browser.open(CODE)))
        while page.status_code != 429:
            page = await ask(browser, phone)
            answers.append(told(page))
        seen.append(answers)
    assert seen[0] == seen[1]


async def test_as_much_is_written_and_sent_for_either(portal: Portal):
    await portal.account(TAKEN)
    rows = await count(portal, BegunRow, OneTimeCode, Person)
    for phone in (PHONE, TAKEN):
        await ask(portal.browser(), phone)
        more = await count(portal, BegunRow, OneTimeCode, Person)
        assert [after - before for after, before in zip(more, rows, strict=True)] == [1, 1, 1]
        assert len(portal.messages_to(phone)) == 1
        rows = more


async def test_a_number_with_an_account_gets_a_message_that_says_so_and_no_code(portal: Portal):
    await portal.account(TAKEN)
    await ask(portal.browser(), TAKEN)
    assert portal.messages_to(TAKEN) == [
        "Somebody began to sign up at Corner Shop with this number. It has an account already, and "
        "nothing was changed."
    ]


async def test_a_number_that_gets_an_account_meanwhile_is_told_to_its_holder_only(portal: Portal):
    browser = portal.browser()
    page = await ask(browser)
    await portal.account(PHONE)
    page = await browser.submit(page, CODE, code=portal.last_code(PHONE))
    assert page.status_code == 409
    assert "has an account by now" in page.text
    assert await count(portal, BegunRow) == [0]
    assert COOKIE not in browser.http.cookies


async def test_a_number_that_is_not_proven_is_erased_after_ten_minutes(portal: Portal):
    before = await count(portal, Person)
    browser = portal.browser()
    await ask(browser)
    await ask(browser, "+14155550125")
    assert await count(portal, BegunRow) == [1], "one at a time in a browser"
    portal.pass_time(CODE_LIFE)
    assert (await browser.open(CODE)).url.path == BEGIN
    await begun.erase_expired(portal.context)
    assert await count(portal, Person) == before
    assert await count(portal, BegunRow) == [0]


async def test_a_code_serves_the_browser_that_asked_for_it_and_nothing_else(portal: Portal):
    browser, attacker = portal.browser(), portal.browser()
    await ask(browser)
    code = portal.last_code(PHONE)
    other = await ask(attacker, "+14155550125")
    if code != portal.last_code("+14155550125"):
        assert (await attacker.submit(other, CODE, code=code)).status_code == 403
    sign_in = await attacker.ask_for_code(PHONE)
    assert (await attacker.submit(sign_in, "/portal/code", code=code)).status_code == 403


async def test_wrong_codes_and_messages_are_limited_as_in_all_of_the_portal(portal: Portal):
    for n in range(Limits.PORTAL_CODES.count):
        assert (await ask(portal.browser(f"192.0.2.{n}"))).status_code == 200
    assert (await ask(portal.browser("192.0.2.99"))).status_code == 429
    assert (await portal.browser("192.0.2.98").ask_for_code(PHONE)).status_code == 429
    limit = Limits.PORTAL_CODES_BY_ADDRESS
    for _ in range(limit.count):
        portal.app.state.strangers.spend(limit, "192.0.2.97", portal.now)
    assert (await ask(portal.browser("192.0.2.97"), TAKEN)).status_code == 429


async def test_strangers_have_so_many_messages_sent_an_hour_whatever_numbers_and_addresses(
    portal: Portal,
):
    await portal.account(TAKEN)
    async with portal.database.session() as session:
        for _ in range(Limits.BEGINNINGS.count - 1):
            limits.tally(session, Limits.BEGINNINGS, begun.EVERYBODY, portal.now)
        await session.commit()
    assert (await ask(portal.browser("192.0.2.1"))).status_code == 200
    for phone in ("+14155550125", TAKEN):
        assert (await ask(portal.browser("192.0.2.2"), phone)).status_code == 429
        assert len(portal.messages_to(phone)) == 0
    assert (await portal.browser().sign_in(TAKEN)).url.path == "/portal"
    portal.pass_time(Limits.BEGINNINGS.window)
    assert (await ask(portal.browser("192.0.2.2"), "+14155550125")).status_code == 200


# The browser


async def test_the_browser_gets_a_new_token_that_lasts_as_long_as_what_was_begun(portal: Portal):
    browser = portal.browser()
    page = await ask(browser)
    form, code = forms(page)[CODE].fields, portal.last_code(PHONE)
    visitor = browser.http.cookies["__Host-portal-visitor"]
    browser.http.follow_redirects = False
    answer = await browser.post(CODE, {**form, "code": code})
    cookies = answer.headers.get_list("set-cookie")
    seconds = int(BEGUN_LIFE.total_seconds())
    (given,) = [each for each in cookies if each.startswith(f"{COOKIE}=")]
    assert re.fullmatch(
        rf"{COOKIE}=[\w-]{{43}}; HttpOnly; Max-Age={seconds}; Path=/; SameSite=lax; Secure", given
    )
    assert visitor not in given


async def test_the_token_of_what_was_begun_signs_nobody_in(portal: Portal):
    await portal.account(TAKEN)
    browser, other = portal.browser(), portal.browser()
    await begin(portal, browser)
    other.keep("__Host-portal", browser.http.cookies[COOKIE])
    assert (await other.open("/portal")).url.path == "/portal/sign-in"
    await other.sign_in(TAKEN)
    other.keep(COOKIE, other.http.cookies["__Host-portal"])
    assert (await other.open(READY)).url.path == "/portal"


async def test_the_number_in_another_browser_goes_on_there_with_another_code(portal: Portal):
    browser, phone = portal.browser(), portal.browser()
    page = await begin(portal, browser)
    again = await prove(portal, phone)
    assert again.url.path == READY
    assert "Visa •••• 4242" in again.text
    assert code_on(again) != code_on(page)
    assert "What you began here is over" in (await browser.open(READY)).text
    assert await count(portal, BegunRow, CardRow) == [1, 1]


async def test_a_code_is_of_use_once(portal: Portal):
    browser, thief = portal.browser(), portal.browser()
    page = await ask(browser)
    form = {**forms(page)[CODE].fields, "code": portal.last_code(PHONE)}
    thief.keep("__Host-portal-visitor", browser.http.cookies["__Host-portal-visitor"])
    await browser.post(CODE, form)
    await thief.post(CODE, form)
    assert COOKIE in browser.http.cookies
    assert COOKIE not in thief.http.cookies


async def test_another_number_in_the_same_browser_leaves_the_first_to_its_holder(portal: Portal):
    browser, thief = portal.browser(), portal.browser()
    page = await ask(browser)
    await begin(portal, thief, "+14155550125")
    browser.keep(COOKIE, thief.http.cookies[COOKIE])
    await browser.submit(page, CODE, code=portal.last_code(PHONE))
    assert "What you began here is over" in (await thief.open(READY)).text
    holder = portal.browser()
    assert (await prove(portal, holder, "+14155550125")).url.path == READY


async def test_operators_end_what_was_begun_in_every_browser_and_it_goes_on_by_the_number(
    portal: Portal,
):
    browser = portal.browser()
    await begin(portal, browser)
    async with portal.database.session() as session:
        await begun.leave_all_browsers(session)
        await session.commit()
    assert "What you began here is over" in (await browser.open(READY)).text
    assert (await prove(portal, browser)).url.path == READY


async def test_what_another_site_sends_changes_nothing(portal: Portal):
    browser = portal.browser()
    page = await begin(portal, browser)
    stop = forms(await browser.open(STOP))[STOP].fields
    for path, fields in ((BEGIN, {"phone": "+14155550125"}), (CARD, {}), (STOP, {})):
        sent = {**stop, **fields}
        answer = await browser.post(path, sent, sec_fetch_site="cross-site")
        assert answer.status_code == 403
        answer = await browser.post(path, {**sent, "form": "0" * 64})
        assert answer.status_code == 403
    assert code_on(await browser.open(READY)) == code_on(page)
    assert portal.messages_to("+14155550125") == []


async def test_pages_are_kept_by_no_browser_and_are_forgotten_at_the_end(portal: Portal):
    browser = portal.browser()
    seen = [await begin(portal, browser), *[await browser.open(path) for path in (CARD, STOP)]]
    assert all(page.headers["cache-control"] == "no-store" for page in seen)
    end = await browser.submit(seen[-1], STOP)
    assert end.headers["clear-site-data"] == '"cache", "storage"'


async def test_the_log_counts_who_begins_and_holds_no_number_code_or_token(
    portal: Portal, caplog: pytest.LogCaptureFixture
):
    browser = portal.browser()
    with caplog.at_level(logging.DEBUG):
        page = await ask(browser)
        sms = portal.last_code(PHONE)
        await browser.submit(page, CODE, code="x" * 6)
        await browser.submit(page, CODE, code=sms)
        await browser.submit(await browser.open(CONSENT), CONSENT)
        page = await browser.open(READY)
        portal.context.noted.tell(last=True)
    assert "portal: began to sign up with a code: 1" in caplog.text
    secret = (PHONE, PHONE[1:], sms, code_on(page), browser.http.cookies[COOKIE])
    assert not any(each in caplog.text for each in secret)


# The consent


async def test_the_consent_is_kept_with_its_version_and_its_time(portal: Portal):
    browser = portal.browser()
    page = await prove(portal, browser)
    assert await count(portal, AgreementRow) == [0]
    portal.pass_time(timedelta(minutes=3))
    await browser.submit(page, CONSENT)
    kept = await stored(portal, browser)
    assert kept
    async with portal.database.session() as session:
        (agreement,) = await agreements_of(session, kept.person)
        (given,) = await consents.given_by(session, kept.person)
    assert (agreement.merchant_id, agreement.version) == ("first", VERSION)
    assert agreement.at == given.row.at == portal.now
    for section in given.text.sections:
        for words in (section.heading, *section.text.split("\n")):
            assert words in html.unescape(page.text)


async def is_under(portal: Portal, law: Law) -> None:
    """Has the first site be where this law applies."""
    async with portal.database.session() as session:
        (await first_site(session)).law = law.code
        await session.commit()


async def test_a_release_is_signed_with_a_button_that_says_so(portal: Portal):
    await is_under(portal, ILLINOIS)
    browser = portal.browser()
    page = await prove(portal, browser)
    assert "Sign and agree" in page.text
    await browser.submit(page, CONSENT)
    kept = await stored(portal, browser)
    assert kept
    async with portal.database.session() as session:
        (given,) = await consents.given_by(session, kept.person)
    assert given.row.signature == Signature.PRESSED


async def test_where_sharing_takes_a_consent_of_its_own_each_is_asked_by_itself(portal: Portal):
    await is_under(portal, WASHINGTON)
    browser = portal.browser()
    first = await prove(portal, browser)
    assert "May we keep this about you?" in first.text
    second = await browser.submit(first, CONSENT)
    assert second.url.path == CONSENT
    assert "May we share this with others?" in second.text
    assert (await browser.open(READY)).url.path == CONSENT
    again = await browser.submit(first, CONSENT)
    assert "May we share this with others?" in again.text
    assert await count(portal, AgreementRow) == [0]
    assert (await browser.submit(second, CONSENT)).url.path == CARD
    assert await count(portal, AgreementRow, ConsentRow) == [1, 2]


async def test_only_the_text_that_was_on_the_page_is_agreed_to(portal: Portal):
    browser = portal.browser()
    form = forms(await prove(portal, browser))[CONSENT].fields
    for digest in ("", "A" * 43 + "=", "é"):
        page = await browser.post(CONSENT, {**form, "digest": digest})
        assert page.url.path == CONSENT
    assert await count(portal, AgreementRow) == [0]


async def test_a_text_that_has_changed_is_asked_for_again(portal: Portal):
    browser = portal.browser()
    page = await begin(portal, browser)
    await is_under(portal, ILLINOIS)
    again = await browser.open(READY)
    assert again.url.path == CONSENT
    again = await browser.submit(again, CONSENT)
    assert again.url.path == READY
    assert code_on(again) == code_on(page)


# The card


async def test_a_provider_that_is_away_is_said_to_be(portal: Portal, api: StripeApi):
    browser = portal.browser()
    page = await agree(portal, browser)
    api.will(OPENS, error(400, "invalid_request_error"))
    page = await browser.submit(page, CARD)
    assert page.status_code == 503
    assert code_on(await browser.open(READY)), "the kiosk takes the card then"


async def test_a_page_that_lapses_saves_no_card_and_another_can_be_opened(
    portal: Portal, api: StripeApi
):
    browser = portal.browser()
    api.will(LOOKS, checkout("open"))
    await browser.submit(await agree(portal, browser), CARD)
    assert "not saved yet" in (await browser.open(f"{CARD}/back")).text
    portal.pass_time(CARD_PAGE_LIFE + timedelta(seconds=1))
    page = await browser.open(f"{CARD}/back")
    assert "No card was saved" in page.text
    api.will(LOOKS, checkout("complete", METHOD))
    await browser.submit(page, CARD)
    assert (await browser.open(f"{CARD}/back")).url.path == READY


async def test_pages_for_cards_are_limited(portal: Portal):
    browser = portal.browser()
    page = await agree(portal, browser)
    for _ in range(Limits.CARD_PAGES.count):
        assert (await browser.submit(page, CARD)).status_code == 200
    assert (await browser.submit(page, CARD)).status_code == 429


async def test_another_card_takes_the_place_of_the_first(portal: Portal, api: StripeApi):
    browser = portal.browser()
    await begin(portal, browser)
    page = await browser.open(CARD)
    assert "Use another card than Visa •••• 4242?" in page.text
    other = {**METHOD, "id": "pm_2", "card": {"brand": "mastercard", "last4": "4444"}}
    api.will(LOOKS, checkout("complete", other))
    portal.pass_time(timedelta(minutes=1))
    await browser.submit(page, CARD)
    assert "Mastercard •••• 4444" in (await browser.open(f"{CARD}/back")).text
    assert await count(portal, CardRow) == [1]


# The end


async def test_who_stops_leaves_nothing_here_and_at_the_provider(portal: Portal, api: StripeApi):
    before = await count(portal, Person)
    browser = portal.browser()
    await begin(portal, browser)
    kept = await stored(portal, browser)
    assert kept
    page = await browser.submit(await browser.open(STOP), STOP)
    assert "Everything you entered is deleted" in page.text
    assert COOKIE not in browser.http.cookies
    assert await count(portal, Person, BegunRow, CardRow, AgreementRow) == [*before, 0, 0, 0]
    assert not portal.holds(kept.person.person_id)
    await run_errands_about_customers(portal, api)
    assert ("DELETE /customers/cus_1", {}) in api.asked
    assert await count(portal, Errand) == [0]


@pytest.mark.parametrize("saved", [True, False])
async def test_what_is_abandoned_is_erased_at_its_end_here_and_at_the_provider(
    portal: Portal, api: StripeApi, saved: bool
):
    """Also when somebody has closed the provider's page, or the service was killed while it was
    open: the errand that forgets the customer is stored before the provider is asked."""
    before = await count(portal, Person)
    browser = portal.browser()
    if saved:
        await begin(portal, browser)
    else:
        await browser.submit(await agree(portal, browser), CARD)
    portal.pass_time(BEGUN_LIFE)
    await begun.erase_expired(portal.context)
    assert await count(portal, Person, BegunRow, CardRow) == [*before, 0, 0]
    portal.pass_time(-BEGUN_LIFE)
    await run_errands_about_customers(portal, api)
    portal.pass_time(BEGUN_LIFE)
    await run_errands(portal.context)
    assert ("DELETE /customers/cus_1", {}) in api.asked


async def test_a_deletion_of_the_account_takes_what_was_begun_with_its_number_along(
    portal: Portal,
):
    person = await portal.account(TAKEN)
    await ask(portal.browser(), TAKEN)
    assert await count(portal, BegunRow) == [1]
    async with portal.database.session() as session:
        await deletions.erase_account(portal.context, session, person, portal.now)
        await session.commit()
    assert await count(portal, BegunRow, Person) == [0, 0]


async def test_a_number_that_somebody_changes_to_ends_what_was_begun_with_it(portal: Portal):
    await portal.account(TAKEN)
    browser, owner = portal.browser(), portal.browser()
    await begin(portal, browser)
    await owner.sign_in(TAKEN)
    number = "/portal/number"
    page = await owner.submit(await owner.open(number), number, phone=PHONE)
    page = await owner.submit(page, f"{number}/present", code=portal.last_code(TAKEN))
    page = await owner.submit(page, f"{number}/new", code=portal.last_code(PHONE))
    assert page.url.path == "/portal"
    assert await count(portal, BegunRow) == [0]
    assert "What you began here is over" in (await browser.open(READY)).text


@pytest.mark.sqlite
async def test_on_a_full_disk_nobody_begins_and_everybody_can_stop(portal: Portal):
    browser = portal.browser()
    await begin(portal, browser)
    portal.database.let_go(OSError(ENOSPC, "No space left on device"))
    assert (await browser.open(BEGIN)).status_code == 507
    page = await browser.submit(await browser.open(STOP), STOP)
    assert "Everything you entered is deleted" in page.text
    assert await count(portal, BegunRow) == [0]


def read_qr_code(svg: str) -> str:
    """Returns what the modules say that a path draws, as segno writes it: each line of `M`, `m` and
    `h` is a run of dark modules."""

    (side,) = re.findall(r'viewBox="0 0 (\d+)', svg)
    picture = np.full((int(side), int(side)), 255, np.uint8)
    x = y = 0.0
    path = re.findall(r'stroke="#000" d="(.*?)"', svg)[0]
    for kind, numbers in re.findall(r"([Mmh])([-\d. ]+)", path):
        values = [float(each) for each in re.findall(r"-?[\d.]+", numbers)]
        if kind == "M":
            x, y = values
        elif kind == "m":
            x, y = x + values[0], y + values[1]
        else:
            picture[int(y), int(x) : int(x + values[0])] = 0
            x += values[0]
    found = zxingcpp.read_barcode(picture.repeat(8, 0).repeat(8, 1))
    assert found
    return found.text
