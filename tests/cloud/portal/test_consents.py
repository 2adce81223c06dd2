"""The page of what somebody has agreed to."""

from html import unescape

import pytest

from cloud.law import ILLINOIS
from cloud.merchants.merchants import add_merchant
from cloud.people import consents
from cloud.people.consent_texts import texts_for
from cloud.settings import Merchant
from protocol.documents import digest_of
from tests.support.portal import Portal

pytestmark = pytest.mark.anyio

PHONE, OTHER = "+14155550123", "+14155550124"


async def florist(portal: Portal) -> str:
    async with portal.database.session() as session:
        row, _ = await add_merchant(session, Merchant(name="Florist"), "Market", ILLINOIS)
        await session.commit()
        return row.id


async def test_each_text_is_read_word_by_word_with_version_time_and_place(portal: Portal):
    person = await portal.account(PHONE)
    await portal.consent(person, await florist(portal))
    browser = portal.browser()
    home = await browser.sign_in(PHONE)
    assert 'href="/portal/consents"' in home.text
    page = unescape((await browser.open("/portal/consents")).text)
    (release,) = texts_for(ILLINOIS, "Florist", portal.context.settings)
    (plain,) = texts_for(portal.context.settings.law, "Corner Shop", portal.context.settings)
    for text in (release, plain):
        assert text.title in page
        assert digest_of(text) in page
        assert f"{text.version}, {text.law}, en" in page
        for section in text.sections:
            assert section.heading in page
            assert all(paragraph in page for paragraph in section.text.split("\n"))
    for words in ("Florist, Market", "29 November 2026, 12:00 UTC", "By holding a button"):
        assert words in page


async def test_what_was_withdrawn_is_shown_with_its_end(portal: Portal):
    await portal.account(PHONE)
    browser = portal.browser()
    await browser.sign_in(PHONE)
    assert "Withdrawn" not in (await browser.open("/portal/consents")).text
    asked = await browser.open("/portal/merchants/first")
    receipt = await browser.submit(asked, "/portal/merchants/first")
    assert "to what you agreed at <bdi>Corner Shop</bdi>" in receipt.text
    page = (await browser.open("/portal/consents")).text
    assert "Withdrawn" in page
    assert "What we keep, if you agree" in page


async def test_of_consents_from_before_texts_were_kept_the_version_is_shown(portal: Portal):
    await portal.account(PHONE, consents=False)
    browser = portal.browser()
    await browser.sign_in(PHONE)
    page = (await browser.open("/portal/consents")).text
    assert "Version 2 of the wording" in page
    assert "asks you again" in page


async def test_nobody_reads_what_somebody_else_has_agreed_to(portal: Portal):
    person = await portal.account(PHONE)
    await portal.consent(person, await florist(portal))
    await portal.account(OTHER)
    browser = portal.browser()
    assert (await browser.open("/portal/consents")).url.path == "/portal/sign-in"
    await browser.sign_in(OTHER)
    assert "Florist" not in (await browser.open("/portal/consents")).text


async def test_a_deletion_says_to_what_somebody_had_agreed(portal: Portal):
    person = await portal.account(PHONE)
    async with portal.database.session() as session:
        (given,) = await consents.given_by(session, person)
    browser = portal.browser()
    await browser.sign_in(PHONE)
    page = unescape((await browser.open("/portal/leave")).text)
    assert given.row.digest in page
