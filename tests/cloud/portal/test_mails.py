"""Mail addresses that people tell in the portal, and mails about their purchases."""

import logging
import ssl
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from sqlalchemy import func, select

from cloud.jobs import housekeeping
from cloud.jobs.errands import run_errands
from cloud.keys.persons import OpenPerson
from cloud.messages import Mail, NoMailer, NotSent, Way
from cloud.messages.smtp import SmtpMailer
from cloud.people import alerts, deletions
from cloud.people.alerts import WHY_MAILS
from cloud.people.tables import MailRow
from cloud.policy import CODE_LIFE, Limits
from cloud.settings import MailServer
from tests.cloud.portal.test_alerts import pay
from tests.support.authority import Authority
from tests.support.mail_server import mail_server
from tests.support.portal import Browser, Portal, forms

pytestmark = pytest.mark.anyio

PHONE, OTHER = "+14155550123", "+14155550124"
ADDRESS = "alex.doe@example.com"
MAIL, CODE, REMOVE = "/portal/mail", "/portal/mail/code", "/portal/mail/remove"
BY_TEXT, BY_MAIL, OFF = "/portal/alerts/on", "/portal/alerts/mail", "/portal/alerts/off"


class Broken:
    """A mail server that takes nothing."""

    async def send_mail(self, mail: Mail) -> None:
        del mail
        raise NotSent("the mail server: it answers 451")


async def signed_in(portal: Portal, phone: str = PHONE) -> Browser:
    browser = portal.browser()
    await browser.sign_in(phone)
    return browser


async def ask(browser: Browser, address: str = ADDRESS) -> httpx.Response:
    """Returns the page on which the code is asked for."""
    return await browser.submit(await browser.open(MAIL), MAIL, mail=address)


async def add(portal: Portal, browser: Browser) -> httpx.Response:
    """Adds an address, and returns the first page."""
    return await browser.submit(await ask(browser), CODE, code=portal.last_code(ADDRESS))


async def buy(portal: Portal, person: OpenPerson) -> list[int]:
    """Pays once, and returns how often purchases were told to the phone and to the address."""
    await pay(portal, person)
    await run_errands(portal.context)
    return [
        len([text for text in portal.messages_to(to) if "your palm paid" in text])
        for to in (PHONE, ADDRESS)
    ]


async def kept(portal: Portal) -> int:
    async with portal.database.session() as session:
        return await session.scalar(select(func.count()).select_from(MailRow)) or 0


async def way_of(portal: Portal, person: OpenPerson) -> Way | None:
    async with portal.database.session() as session:
        return await alerts.way_to(session, person)


async def test_purchases_are_told_by_mail_once_the_code_is_entered(portal: Portal):
    person = await portal.account(PHONE)
    browser = await signed_in(portal)
    page = await add(portal, browser)
    assert page.url.path == "/portal"
    assert "a•••@example.com" in page.text
    assert ADDRESS not in page.text
    assert await buy(portal, person) == [0, 1]
    mail = portal.messages_to(ADDRESS)[-1]
    assert mail.startswith("Your palm was used\n\nCorner Shop: your palm paid 12.50 USD, ")
    assert mail.endswith(WHY_MAILS)


async def test_code_and_purchase_go_through_a_mail_server(portal: Portal, tmp_path: Path):
    person = await portal.account(PHONE)
    authority = Authority.make()
    with mail_server(authority.server(tmp_path)) as server:
        settings = MailServer(
            provider="smtp",
            smtp_host="127.0.0.1",
            smtp_port=server.port,
            smtp_from="palms@example.com",
        )
        trusted = ssl.create_default_context(cadata=authority.pem().decode())
        portal.context.mailer = SmtpMailer(settings, "Corner Shop", trusted)
        browser = await signed_in(portal)
        page = await ask(browser)
        code = server.mails[0].get_content()[:6]
        await browser.submit(page, CODE, code=code)
        await buy(portal, person)
    assert server.receivers == [ADDRESS, ADDRESS]
    assert "your palm paid 12.50 USD" in server.mails[1].get_content()


async def test_an_address_without_its_code_gets_nothing_and_is_gone_soon(portal: Portal):
    person = await portal.account(PHONE)
    browser = await signed_in(portal)
    form = await ask(browser)
    wrong = f"{(int(portal.last_code(ADDRESS)) + 1) % 10**6:06}"
    page = await browser.submit(form, CODE, code=wrong)
    assert page.status_code == 403
    assert "not right" in page.text
    assert await way_of(portal, person) is None
    assert await buy(portal, person) == [0, 0]
    portal.pass_time(CODE_LIFE)
    page = await browser.submit(form, CODE, code=portal.last_code(ADDRESS))
    assert "not valid any more" in page.text
    await housekeeping.forget_expired(portal.context)
    assert await kept(portal) == 0


@pytest.mark.parametrize("typed", ["", "alex", "alex@example.com\nBcc: x@example.com", "a@b"])
async def test_what_is_no_address_is_not_taken(portal: Portal, typed: str):
    await portal.account(PHONE)
    page = await ask(await signed_in(portal), typed)
    assert page.status_code == 422
    assert "not a mail address" in page.text
    assert await kept(portal) == 0


async def test_the_phone_is_told_that_an_address_was_added(portal: Portal):
    await portal.account(PHONE)
    await add(portal, await signed_in(portal))
    told = portal.messages_to(PHONE)[-1]
    assert "A mail address was added" in told
    assert "example.com" not in told


async def test_people_go_from_mails_to_text_messages_to_none_and_back(portal: Portal):
    person = await portal.account(PHONE)
    browser = await signed_in(portal)
    page = await add(portal, browser)
    assert BY_MAIL not in forms(page)
    page = await browser.submit(page, BY_TEXT)
    assert await buy(portal, person) == [1, 0]
    page = await browser.submit(page, OFF)
    assert await buy(portal, person) == [1, 0]
    await browser.submit(page, BY_MAIL)
    assert await buy(portal, person) == [1, 1]


async def test_an_address_is_removed_and_messages_come_to_the_phone_again(portal: Portal):
    person = await portal.account(PHONE)
    browser = await signed_in(portal)
    await add(portal, browser)
    async with portal.database.session() as session:
        sealed = (await session.get_one(MailRow, person.person_id)).sealed
    await portal.leave_between_rows(sealed)
    page = await browser.submit(await browser.open(REMOVE), REMOVE)
    assert "example.com" not in page.text
    assert await kept(portal) == 0
    assert not portal.holds(sealed)
    assert await buy(portal, person) == [1, 0]
    assert (await browser.open(REMOVE)).status_code == 404


async def test_a_second_address_is_not_taken_before_the_first_is_removed(portal: Portal):
    await portal.account(PHONE)
    browser = await signed_in(portal)
    form = await browser.open(MAIL)
    await add(portal, browser)
    assert (await browser.open(MAIL)).url.path == "/portal"
    assert (await browser.submit(form, MAIL, mail="other@example.com")).status_code == 409


async def test_where_no_mails_are_sent_they_cannot_be_chosen(portal: Portal):
    person = await portal.account(PHONE)
    browser = await signed_in(portal)
    await add(portal, browser)
    portal.context.mailer = NoMailer()
    page = await browser.open("/portal")
    assert "Send me mails" not in page.text
    assert REMOVE in page.text
    fields = forms(page)["/portal/sign-out"].fields
    for path in (MAIL, BY_MAIL):
        assert (await browser.post(path, fields)).status_code == 404
    # Whoever has chosen them before is told nevertheless.
    assert await buy(portal, person) == [1, 0]


async def test_a_mail_that_is_not_taken_is_sent_later_and_nothing_of_it_is_logged(
    portal: Portal, caplog: pytest.LogCaptureFixture
):
    person = await portal.account(PHONE)
    await add(portal, await signed_in(portal))
    portal.context.mailer = Broken()
    with caplog.at_level(logging.DEBUG):
        assert await buy(portal, person) == [0, 0]
    assert "answers 451" in caplog.text
    assert not any(secret in caplog.text for secret in ("alex", "Corner Shop", "12.50"))
    portal.context.mailer = portal.messenger
    portal.pass_time(timedelta(minutes=1))
    await run_errands(portal.context)
    assert len(portal.messages_to(ADDRESS)) == 2


async def test_nobody_has_codes_mailed_to_strangers_without_end(portal: Portal):
    await portal.account(PHONE)
    browser = await signed_in(portal)
    form = await browser.open(MAIL)
    for number in range(Limits.PORTAL_CODES.count):
        page = await browser.submit(form, MAIL, mail=f"stranger{number}@example.com")
        assert page.status_code == 200
    page = await browser.submit(form, MAIL, mail=ADDRESS)
    assert page.status_code == 429
    assert portal.messages_to(ADDRESS) == []


async def test_a_code_serves_the_account_that_asked_for_it(portal: Portal):
    await portal.account(PHONE)
    await portal.account(OTHER)
    await ask(await signed_in(portal))
    attacker = await signed_in(portal, OTHER)
    page = await ask(attacker, "attacker@example.com")
    page = await attacker.submit(page, CODE, code=portal.last_code(ADDRESS))
    assert page.status_code == 403


async def test_a_deletion_erases_the_address_and_says_so(portal: Portal):
    person = await portal.account(PHONE)
    await add(portal, await signed_in(portal))
    async with portal.database.session() as session:
        receipt, _ = await deletions.erase_account(portal.context, session, person, portal.now)
        await session.commit()
    assert "your mail address" in receipt.erased
    assert await kept(portal) == 0
