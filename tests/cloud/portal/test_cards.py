"""Cards that people add, choose and remove in the portal."""

import json
from collections.abc import AsyncGenerator, Generator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from cloud.keys.persons import OpenPerson
from cloud.payments.cards import CardDetail, cards_of
from cloud.payments.tables import CardRow
from cloud.policy import CARD_PAGE_LIFE, CARDS, Limits
from cloud.providers.stripe import StripeProvider
from tests.support.portal import ORIGIN, Browser, Portal, forms, open_portal
from tests.support.stripe_api import PAGE, Answer, StripeApi, checkout, error

pytestmark = pytest.mark.anyio

PHONE, OTHER = "+14155550123", "+14155550124"
OPENS = "POST /checkout/sessions"
LOOKS = f"GET /checkout/sessions/{PAGE}?expand[0]=setup_intent.payment_method"
URL = "https://checkout.test/c/1"
METHOD: dict[str, Any] = {
    "id": "pm_2",
    "object": "payment_method",
    "card": {"brand": "mastercard", "last4": "4444"},
    "billing_details": {"name": "Alex Doe"},
}
NEW, BACK = "/portal/cards/new", "/portal/cards/back"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def api() -> Generator[StripeApi]:
    with StripeApi() as api:
        api.will("POST /customers", Answer(200, {"id": "cus_1", "object": "customer"}))
        api.will(OPENS, checkout("open", url=URL))
        api.will(LOOKS, checkout("open"))
        yield api


@pytest.fixture
async def portal(tmp_path: Path, api: StripeApi) -> AsyncGenerator[Portal]:
    async with open_portal(tmp_path) as portal:
        # Without an address of the operator's: the portal has one of its own.
        provider = StripeProvider("sk_test_1", api.url)
        portal.context.payments = provider
        yield portal
        await provider.close()


async def opened(browser: Browser) -> httpx.Response:
    """Returns the page that leads to the provider's."""
    return await browser.submit(await browser.open(NEW), NEW)


async def cards(portal: Portal, person: OpenPerson) -> list[str]:
    """Returns the last digits of a person's cards, the default first."""
    async with portal.database.session() as session:
        return [card.last4 for card in (await cards_of(session, person)).values()]


async def add(portal: Portal, person: OpenPerson, last4: str, place: int) -> str:
    detail = CardDetail(customer="cus", method=f"pm{last4}", brand="visa", last4=last4)
    row = CardRow(id=f"card{last4}", person_id=person.person_id, lookup=None, place=place)
    row.detail = person.seal(detail, f"cards.detail/{row.id}")
    await portal.add(row)
    return row.id


async def test_a_card_is_added_on_the_providers_page_which_leads_back(
    portal: Portal, api: StripeApi
):
    person, browser = await portal.account(PHONE), portal.browser()
    await browser.sign_in(PHONE)
    page = await opened(browser)
    assert f'href="{URL}"' in page.text
    (fields,) = [fields for request, fields in api.asked if request == OPENS]
    assert fields["mode"] == "setup"
    assert fields["success_url"] == fields["cancel_url"] == f"{ORIGIN}{BACK}"
    assert person.person_id not in json.dumps(api.asked)
    assert "not saved yet" in (await browser.open(BACK)).text
    api.will(LOOKS, checkout("complete", METHOD))
    for _ in range(2):
        assert "Your card is saved" in (await browser.open(BACK)).text
    assert await cards(portal, person) == ["4242", "4444"]
    page = await browser.open("/portal")
    assert "Mastercard •••• 4444" in page.text


async def test_a_page_that_was_open_for_too_long_saves_nothing(portal: Portal):
    person, browser = await portal.account(PHONE), portal.browser()
    await browser.sign_in(PHONE)
    await opened(browser)
    portal.pass_time(CARD_PAGE_LIFE + timedelta(seconds=1))
    assert "No card was saved" in (await browser.open(BACK)).text
    assert await cards(portal, person) == ["4242"]


async def test_who_comes_back_sees_their_own_page_and_no_other(portal: Portal, api: StripeApi):
    await portal.account(PHONE)
    other = await portal.account(OTHER)
    browser, attacker = portal.browser(), portal.browser()
    await browser.sign_in(PHONE)
    await opened(browser)
    api.will(LOOKS, checkout("complete", METHOD))
    await attacker.sign_in(OTHER)
    assert (await attacker.open(BACK)).url.path == "/portal"
    assert await cards(portal, other) == ["4242"]
    assert (await portal.browser().open(BACK)).url.path == "/portal/sign-in"


async def test_a_provider_that_is_away_is_said_to_be(portal: Portal, api: StripeApi):
    person, browser = await portal.account(PHONE), portal.browser()
    await browser.sign_in(PHONE)
    api.will(OPENS, error(400, "invalid_request_error"))
    page = await opened(browser)
    assert page.status_code == 503
    assert "payment provider does not answer" in page.text
    assert await cards(portal, person) == ["4242"]


async def test_a_card_is_made_the_one_that_pays(portal: Portal):
    person, browser = await portal.account(PHONE), portal.browser()
    card_id = await add(portal, person, "4444", 1)
    page = await browser.sign_in(PHONE)
    page = await browser.submit(page, f"/portal/cards/{card_id}/default")
    assert await cards(portal, person) == ["4444", "4242"]
    assert f"/portal/cards/{card_id}/default" not in forms(page)


async def test_a_card_is_removed_after_a_question_and_the_last_one_stays(portal: Portal):
    person, browser = await portal.account(PHONE), portal.browser()
    card_id = await add(portal, person, "4444", 1)
    path = f"/portal/cards/{card_id}/remove"
    page = await browser.sign_in(PHONE)
    assert path in page.text
    page = await browser.submit(await browser.open(path), path)
    assert await cards(portal, person) == ["4242"]
    assert "/remove" not in page.text
    async with portal.database.session() as session:
        (last,) = await cards_of(session, person)
    page = await browser.open(f"/portal/cards/{last}/remove")
    assert "your only card" in page.text
    form = forms(page)["/portal/sign-out"].fields
    assert (await browser.post(f"/portal/cards/{last}/remove", form)).status_code == 409
    assert await cards(portal, person) == ["4242"]


async def test_no_file_holds_what_was_kept_of_a_card_that_was_removed(portal: Portal):
    person, browser = await portal.account(PHONE), portal.browser()
    card_id = await add(portal, person, "4444", 1)
    await browser.sign_in(PHONE)
    async with portal.database.session() as session:
        detail = (await session.get_one(CardRow, card_id)).detail
    await portal.leave_between_rows(detail)
    path = f"/portal/cards/{card_id}/remove"
    await browser.submit(await browser.open(path), path)
    assert not portal.holds(detail)


async def test_no_card_is_removed_while_a_payment_is_being_completed(portal: Portal):
    person, browser = await portal.account(PHONE), portal.browser()
    card_id = await add(portal, person, "4444", 1)
    await portal.buy(person, outcome="pending")
    await browser.sign_in(PHONE)
    path = f"/portal/cards/{card_id}/remove"
    page = await browser.submit(await browser.open(path), path)
    assert page.status_code == 409
    assert await cards(portal, person) == ["4242", "4444"]


async def test_nobody_reaches_the_cards_of_somebody_else(portal: Portal):
    person = await portal.account(PHONE)
    await portal.account(OTHER)
    card_id = await add(portal, person, "4444", 1)
    attacker = portal.browser()
    form = forms(await attacker.sign_in(OTHER))["/portal/sign-out"].fields
    assert (await attacker.open(f"/portal/cards/{card_id}/remove")).status_code == 404
    for act in ("remove", "default"):
        assert (await attacker.post(f"/portal/cards/{card_id}/{act}", form)).status_code == 404
    assert await cards(portal, person) == ["4242", "4444"]


async def test_there_is_room_for_so_many_cards(portal: Portal):
    person, browser = await portal.account(PHONE), portal.browser()
    for place in range(1, CARDS):
        await add(portal, person, f"000{place}", place)
    page = await browser.sign_in(PHONE)
    assert f'href="{NEW}"' not in page.text
    form = forms(page)["/portal/sign-out"].fields
    assert "no room for more" in (await browser.open(NEW)).text
    assert (await browser.post(NEW, form)).status_code == 409


async def test_cards_are_not_tried_out_without_end(portal: Portal):
    await portal.account(PHONE)
    browser = portal.browser()
    await browser.sign_in(PHONE)
    for _ in range(Limits.CARDS.count):
        assert (await opened(browser)).status_code == 200
    assert (await opened(browser)).status_code == 429
