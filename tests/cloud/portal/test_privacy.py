"""The public pages: the policy tells what the service works with, and the sign fits an entrance."""

from datetime import date
from pathlib import Path

import pytest

from cloud import policy
from cloud.law import COLORADO, EUROPE, ILLINOIS, TEXAS, Law
from cloud.merchants.merchants import add_merchant
from cloud.settings import Merchant, Messages, Payments, Privacy, Retention, Settings
from tests.support.portal import Portal, open_portal

pytestmark = pytest.mark.anyio

OPERATED = Privacy(operator="Palms Ltd, 1 Main Street", contact="privacy@example.com")


async def add_site(portal: Portal, law: Law, name: str) -> str:
    async with portal.database.session() as session:
        _, site = await add_merchant(session, Merchant(name=name), "Market", law)
        await session.commit()
        return site.id


async def policy_of(portal: Portal) -> str:
    answer = await portal.browser().open("/portal/privacy")
    assert answer.status_code == 200
    assert answer.url.path == "/portal/privacy", "nobody has to sign in"
    return answer.text


async def test_the_policy_tells_the_settings_that_are_in_force(tmp_path: Path):
    chosen = Settings(privacy=OPERATED, retention=Retention(inactive_months=9))
    async with open_portal(tmp_path, chosen) as portal:
        page = await policy_of(portal)
    for words in ("Palms Ltd, 1 Main Street", "privacy@example.com", "at most 9 months"):
        assert words in page
    for number, unit in (
        (policy.BOOKKEEPING.days // 365, "years"),
        (policy.ENROLMENT_LIFE.seconds // 60, "minutes"),
        (policy.BEGUN_LIFE.days, "days"),
        (policy.SESSION_LIFE.seconds // 3600, "hours"),
        (policy.NOTICE.days, "days before"),
        (policy.LAST_NOTICE.days, "days before"),
    ):
        assert f"{number} {unit}" in page
    assert "payments are simulated" in page
    assert "none is set up." in page


async def test_the_policy_names_the_real_providers(tmp_path: Path):
    chosen = Settings.model_validate(
        {
            "payments": Payments.model_validate({"stripe_key": "sk_test_1"}),
            "messages": Messages.model_validate(
                {
                    "provider": "twilio",
                    "twilio_account": "AC1",
                    "twilio_token": "t",
                    "twilio_from": "+15550100",
                }
            ),
        }
    )
    async with open_portal(tmp_path, chosen) as portal:
        page = await policy_of(portal)
    assert "Stripe" in page
    assert "Twilio" in page


async def test_the_policy_names_each_law_in_force_with_its_limit_and_its_clock(tmp_path: Path):
    chosen = Settings(
        privacy=OPERATED.model_copy(update={"reviewed": date(2026, 10, 1)}),
        retention=Retention(inactive_months=36),
    )
    async with open_portal(tmp_path, chosen) as portal:
        before = await policy_of(portal)
        assert "The laws that apply" not in before
        assert "reviewed" not in before
        for law in (ILLINOIS, COLORADO, TEXAS, EUROPE):
            await add_site(portal, law, law.place)
        page = await policy_of(portal)
    for law, months in ((ILLINOIS, 36), (COLORADO, 24), (TEXAS, 12), (EUROPE, 36)):
        assert law.cited in page
        told = (
            f"after {months} months without use at the latest. Requests are answered within "
            f"{law.answers_in} days."
        )
        assert told in page
    assert "at most 12 months after you last used it" in page
    assert "Other requests are answered within 30 days." in page
    assert "supervisory authority" in page
    assert "reviewed every year, last on" in page
    assert "1 October 2026" in page


async def test_every_page_leads_to_the_policy(portal: Portal):
    for path in ("/portal/sign-in", "/portal/nowhere", "/portal/sign"):
        assert 'href="/portal/privacy"' in (await portal.browser().open(path)).text


async def test_the_sign_says_what_is_collected_and_where_to_read_more(portal: Portal):
    site = await add_site(portal, ILLINOIS, "Florist")
    for path, name in (("/portal/sign", "Corner Shop"), (f"/portal/sign/{site}", "Florist")):
        page = (await portal.browser().open(path)).text
        assert f"{name} recognises customers by their palms" in page
        for words in (
            "collects, converts, retains and stores biometric identifier information",
            "neither shared nor sold",
            "https://portal.example/portal/privacy",
        ):
            assert words in page
    assert (await portal.browser().open("/portal/sign/nowhere")).status_code == 404
