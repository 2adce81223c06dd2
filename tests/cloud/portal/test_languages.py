"""The languages of the portal: translated whole, chosen as a browser or a person says, and written
as each is written."""

import re
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from babel.messages import Message

from cloud.portal import pages
from cloud.portal.catalogues import catalogue_of, texts, updated
from cloud.portal.languages import (
    CATALOGUE,
    LANGUAGES,
    choose,
)
from cloud.web.language import ENGLISH, Language, decimal, direction_of
from tests.support.portal import Browser, Portal, forms

pytestmark = pytest.mark.anyio

PHONE = "+14155550123"
AT = datetime(2026, 11, 29, 14, 5, tzinfo=UTC)
GERMAN, SPANISH, ARABIC = LANGUAGES["de"], LANGUAGES["es"], LANGUAGES["ar"]
TRANSLATED = {
    language.code: language.catalogue for language in LANGUAGES.values() if language.catalogue
}


def placeholders(text: str) -> set[str]:
    return set(re.findall(r"%\((\w+)\)s", text))


def forms_of(text: Any) -> tuple[str, ...]:
    """Returns a text, or the forms of its plural."""
    return (text or "",) if text is None or isinstance(text, str) else tuple(text)


def faults(message: Message) -> list[str]:
    """Returns what is wrong with a translation. A plural that is for one number alone may name it
    by a word, and the last one, which is for the most, has every placeholder."""
    texts, written = forms_of(message.id), forms_of(message.string)
    allowed = {name for text in texts for name in placeholders(text)}
    found = ["has no translation" for form in written if not form]
    found += ["has another placeholder" for form in written if not placeholders(form) <= allowed]
    if placeholders(written[-1]) != placeholders(texts[-1]):
        found.append("lacks a placeholder")
    if message.fuzzy:
        found.append("may be wrong")
    return found


@pytest.mark.parametrize("code", TRANSLATED)
def test_every_text_is_translated_with_its_placeholders(code: str):
    catalogue = catalogue_of(TRANSLATED[code])
    for text in texts():
        if text.id:
            message = catalogue.get(text.id)
            assert message is not None, f"run python -m cloud.portal.catalogues for: {text.id}"
            assert faults(message) == [], f"{code}: {text.id}"


@pytest.mark.parametrize("code", TRANSLATED)
def test_a_catalogue_has_the_texts_of_the_pages_and_no_other(code: str):
    ids = {forms_of(message.id) for message in catalogue_of(TRANSLATED[code])}
    assert ids == {forms_of(text.id) for text in texts()}, "run python -m cloud.portal.catalogues"


def test_a_catalogue_is_brought_in_line_and_keeps_its_translations(tmp_path: Path):
    path = tmp_path / "de" / CATALOGUE
    path.parent.mkdir(parents=True)
    written = TRANSLATED["de"].read_text()
    path.write_text(
        written.replace('msgid "Overview"', 'msgid "No more"').replace('"Sprache"', '"Zunge"')
    )
    brought = updated(path)
    assert 'msgid "No more"' not in brought
    assert 'msgid "Overview"\nmsgstr ""' in brought, "it is not guessed"
    assert 'msgid "Language"\nmsgstr "Zunge"' in brought


def test_a_new_catalogue_is_begun_with_every_text(tmp_path: Path):
    begun = updated(tmp_path / "pt_BR" / CATALOGUE)
    assert "Portuguese (Brazil)" in begun
    assert 'msgid "Overview"\nmsgstr ""' in begun


def test_no_text_of_the_portal_is_written_in_python():
    """A module hands values to its page: there is no gettext in Python that nobody extracts."""
    for path in Path(pages.__file__).parent.glob("*.py"):
        assert not re.search(r"\bn?gettext\(", path.read_text())


@pytest.mark.parametrize(
    ("accepted", "code"),
    [
        ("", "en"),
        ("de", "de"),
        ("de-AT, en;q=0.5", "de"),
        ("DE", "de"),
        ("fr, es-419;q=0.8, de;q=0.9", "de"),
        ("fr;q=0.9,ar;q=0.9,de;q=0.9", "ar"),
        ("en;q=0.1, ar-EG-u-nu-arab ; Q=0.7", "ar"),
        ("de;q=0, es;q=0.001", "es"),
        ("de;q=0", "en"),
        ("*, de;q=0.5", "en"),
        ("*;q=0.1, de;q=0.5", "de"),
        ("fr-CH, fr;q=0.9", "en"),
        ("de;q=2, es;q=x, ar;level=1, ;;, ,", "en"),
        ("../../etc/passwd", "en"),
        ("d" * 10_000, "en"),
    ],
)
def test_the_browser_says_which_language_it_prefers(accepted: str, code: str):
    assert choose(None, accepted).code == code


def test_a_choice_outweighs_the_browser_if_there_is_such_a_language():
    assert choose("es", "de") == SPANISH
    assert choose("tlh", "de") == GERMAN
    assert choose("", "") == ENGLISH


@pytest.mark.parametrize(
    ("language", "day", "moment", "month"),
    [
        (ENGLISH, "29 November 2026", "29 November 2026, 14:05 UTC", "November 2026"),
        (GERMAN, "29. November 2026", "29. November 2026, 14:05 UTC", "November 2026"),
        (
            SPANISH,
            "29 de noviembre de 2026",
            "29 de noviembre de 2026, 14:05 UTC",
            "noviembre de 2026",
        ),
        (ARABIC, "29 نوفمبر 2026", "29 نوفمبر 2026، 2:05 م التوقيت العالمي", "نوفمبر 2026"),
    ],
    ids=lambda value: value.code if isinstance(value, Language) else "",
)
def test_days_and_times_are_written_as_each_language_does(
    language: Language, day: str, moment: str, month: str
):
    assert language.day(AT) == language.day(date(2026, 11, 29)) == day
    assert language.moment(AT) == moment
    assert language.month(AT) == month


@pytest.mark.parametrize(
    ("minor", "currency", "written", "english", "german"),
    [
        (125_000, "USD", "1250.00", "USD 1,250.00", "1.250,00 USD"),
        (-5, "USD", "-0.05", "-USD 0.05", "-0,05 USD"),
        (-123_456, "EUR", "-1234.56", "-EUR 1,234.56", "-1.234,56 EUR"),
        (0, "USD", "0.00", "USD 0.00", "0,00 USD"),
        (1250, "JPY", "1250", "JPY 1,250", "1.250 JPY"),
        (-1250, "BHD", "-1.250", "-BHD 1.250", "-1,250 BHD"),
        (
            10**15 + 1,
            "EUR",
            "10000000000000.01",
            "EUR 10,000,000,000,000.01",
            "10.000.000.000.000,01 EUR",
        ),
        (7, "XAU", "0.07", "XAU 0.07", "0,07 XAU"),
        (100, "XXX", "1.00", "XXX 1.00", "1,00 XXX"),
    ],
)
def test_amounts_have_their_currency_and_its_decimals(
    minor: int, currency: str, written: str, english: str, german: str
):
    assert decimal(minor, currency) == written
    assert ENGLISH.amount(minor, currency).replace("\xa0", " ") == english
    assert GERMAN.amount(minor, currency).replace("\xa0", " ") == german


def test_an_arabic_amount_keeps_its_order_beside_other_words():
    assert ARABIC.amount(-125_000, "USD") == "\u200f-1,250.00\xa0USD"


def test_a_text_is_written_in_the_direction_of_its_language():
    directions = [direction_of(code) for code in ("en", "ar", "he-IL", "ja")]
    assert directions == ["ltr", "rtl", "rtl", "ltr"]


async def speaking(portal: Portal, accepted: str) -> Browser:
    """Returns a browser that accepts some languages, in which somebody is signed in."""
    browser = portal.browser()
    browser.http.headers["accept-language"] = accepted
    await browser.sign_in(PHONE)
    return browser


async def test_a_page_says_in_which_language_and_direction_it_is(portal: Portal):
    for accepted, language in (("de-CH", GERMAN), ("ar", ARABIC), ("fr", ENGLISH)):
        browser = portal.browser()
        browser.http.headers["accept-language"] = accepted
        for place in ("/portal/sign-in", "/portal/nowhere"):
            page = await browser.open(place)
            assert f'<html lang="{language.code}" dir="{language.direction}">' in page.text
            assert page.headers["content-language"] == language.code
            assert page.headers["vary"] == "accept-language, cookie"
    assert (ARABIC.direction, GERMAN.direction) == ("rtl", "ltr")


async def test_a_choice_is_kept_and_leads_back_to_its_page(portal: Portal):
    await portal.account(PHONE)
    browser = await speaking(portal, "de")
    page = await browser.open("/portal/history?month=2026-11")
    assert "Ihre Einkäufe" in page.text
    (form,) = (form for action, form in forms(page).items() if action == "/portal/language")
    same_origin = {"sec-fetch-site": "same-origin"}
    page = await browser.http.get(
        form.action, params={**form.fields, "language": "ar"}, headers=same_origin
    )
    assert (page.url.path, page.url.query) == ("/portal/history", b"month=2026-11")
    assert 'dir="rtl"' in page.text
    assert "نوفمبر 2026" in page.text, "months have their Arabic names"
    assert 'value="ar" lang="ar" dir="rtl" aria-current="true">العربية</button>' in page.text
    (kept,) = (each for each in page.history[0].headers.get_list("set-cookie"))
    assert kept.startswith("__Host-portal-language=ar;")
    for flag in ("Secure", "HttpOnly", "SameSite=lax", "Path=/", "Max-Age=31536000"):
        assert flag in kept


@pytest.mark.parametrize(
    "back", ["https://evil.example/", "//evil.example", "/portalevil", "/\\evil.example", ""]
)
async def test_a_choice_leads_to_no_other_site(portal: Portal, back: str):
    answer = await portal.browser().http.get(
        "/portal/language", params={"language": "es", "back": back}, follow_redirects=False
    )
    assert (answer.status_code, answer.headers["location"]) == (303, "/portal")


async def test_neither_another_site_nor_an_unknown_language_is_heard(portal: Portal):
    browser = portal.browser()
    for language, site in (("es", "cross-site"), ("tlh", "same-origin"), ("", "same-origin")):
        answer = await browser.http.get(
            "/portal/language", params={"language": language}, headers={"sec-fetch-site": site}
        )
        assert answer.status_code in (403, 404)
        assert "portal-language" not in answer.headers.get("set-cookie", "")


async def test_every_page_that_is_an_answer_to_a_form_can_be_drawn_again(portal: Portal):
    await portal.account(PHONE)
    browser = await speaking(portal, "en")
    page = await browser.open("/portal/number")
    page = await browser.submit(page, "/portal/number", phone="+14155550199")
    page = await browser.submit(page, "/portal/number/present", code="1")
    back = forms(page)["/portal/language"].fields["back"]
    assert back == "/portal/number/present"
    assert "/portal/number/present" in forms(await browser.open(back))


async def test_what_is_erased_and_kept_is_told_in_the_language_of_the_page(portal: Portal):
    person = await portal.account(PHONE)
    await portal.buy(person)
    browser = await speaking(portal, "de")
    page = (await browser.open("/portal/leave")).text
    assert "Handflächen-Signaturen: 2" in page
    assert "wozu Sie bei <bdi>Corner Shop</bdi> am <bdi>2026-11-29</bdi> zugestimmt haben" in page
    assert "Warum: die Buchhaltung der Händler." in page
    assert '<span lang="en"' not in page, "no line is left English"


async def test_what_somebody_agreed_to_stays_in_its_own_language(portal: Portal):
    await portal.account(PHONE)
    browser = await speaking(portal, "ar")
    page = (await browser.open("/portal/consents")).text
    assert 'dir="rtl"' in page
    assert '<div lang="en" dir="ltr">' in page


async def test_files_are_the_same_in_every_language(portal: Portal):
    person = await portal.account(PHONE)
    await portal.buy(person, 123_456)
    files = [
        (await (await speaking(portal, accepted)).open("/portal/history.csv")).text
        for accepted in ("en", "ar")
    ]
    assert files[0] == files[1]
    assert "1234.56" in files[0]
