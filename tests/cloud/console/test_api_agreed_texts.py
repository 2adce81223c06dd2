"""What people agree to at a site is read with a key as on its page."""

from datetime import date, datetime
from pathlib import Path

import pytest

from cloud.law import ILLINOIS
from cloud.merchants.merchants import add_site
from cloud.people.consents import texts_at
from cloud.settings import Privacy, Settings
from protocol.documents import digest_of
from protocol.messages import ConsentText, ProblemType
from tests.support.console import member_of, site_of
from tests.support.portal import Portal, open_portal
from tests.support.systems import system_of

pytestmark = pytest.mark.anyio

SET = Settings(
    privacy=Privacy(operator="Palm Ltd", contact="privacy@palm.example", reviewed=date(2026, 5, 1))
)


async def test_the_texts_of_a_site_are_told_with_how_many_agree(portal: Portal):
    system, shop = await system_of(portal), await site_of(portal, "first")
    told = await system.get(f"/sites/{shop}/consents")
    async with portal.database.session() as session:
        texts = await texts_at(session, portal.context.settings, shop)
    assert [ConsentText.model_validate(each["text"]) for each in told["texts"]] == list(texts)
    assert [each["digest"] for each in told["texts"]] == list(map(digest_of, texts))
    assert {(each["people"], each["since"]) for each in told["texts"]} == {(0, None)}
    await portal.account("+14155550123")
    # Of those who agree elsewhere nothing is told.
    florist = await portal.merchant("Florist")
    await portal.consent(await portal.account("+14155550124", consents=False), florist)
    told = await system.get(f"/sites/{shop}/consents")
    assert (told["people"], told["texts"][0]["people"]) == (1, 1)
    assert datetime.fromisoformat(told["texts"][0]["since"]) == portal.now
    page = await (await member_of(portal)).open(f"/console/sites/{shop}/consents")
    for text in texts:
        assert digest_of(text) in page.text


async def test_the_law_and_who_answers_for_the_data_are_told(tmp_path: Path):
    async with open_portal(tmp_path, SET) as portal:
        system, shop = await system_of(portal), await site_of(portal, "first")
        told = await system.get(f"/sites/{shop}/consents")
        assert (told["law"]["code"], told["law"]["own"]) == ("plain", False)
        assert (told["operator"], told["contact"]) == ("Palm Ltd", "privacy@palm.example")
        assert (told["is_reviewed"], told["reviewed_on"]) == (False, "2026-05-01")
        assert told["inactive_months"] == SET.retention.inactive_months
        async with portal.database.session() as session:
            chicago = (await add_site(session, "first", "Chicago", ILLINOIS)).id
            await session.commit()
        told = await system.get(f"/sites/{chicago}/consents")
        law = {"code": "US-IL", "place": "Illinois", "cited": ILLINOIS.cited, "own": True}
        assert told["law"] == law
        assert [each["text"]["release"] for each in told["texts"]].count(True) == 1


async def test_those_of_another_merchant_are_not_told(portal: Portal):
    florist = await portal.merchant("Florist")
    theirs = f"/sites/{await site_of(portal, florist)}/consents"
    for merchant in ("first", florist):
        status, kind, _ = await (await system_of(portal)).problem("GET", theirs, merchant=merchant)
        assert (status, kind) == (404, ProblemType.NOT_FOUND)
