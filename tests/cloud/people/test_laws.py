"""The laws of sites: what the start refuses, how long accounts last, and the yearly review."""

from datetime import date, timedelta
from pathlib import Path

import pytest

from cloud import bootstrap, settings
from cloud.bootstrap import running
from cloud.db.sqlite import SqliteDatabase
from cloud.jobs.housekeeping import end_retention
from cloud.keys.persons import OpenPerson, still_there
from cloud.law import COLORADO, EUROPE, ILLINOIS, TEXAS, UNITED_KINGDOM, Law
from cloud.merchants.merchants import add_merchant, find_site
from cloud.people import consents, policy_review
from cloud.people.agreements import add_agreement
from cloud.people.inactivity_runs import begin_daily_run
from cloud.policy import BOOKKEEPING
from cloud.settings import BadSettings, Merchant, Privacy, Retention, Settings
from cloud.state import State
from tests.support.portal import Portal, open_portal

pytestmark = pytest.mark.anyio

PHONE = "+14155550123"
REACHED = Privacy(contact="privacy@example.com")


async def add_site(portal: Portal, law: Law, agreed_by: OpenPerson | None = None) -> str:
    """Adds a merchant with a site under a law, and returns the id of the merchant."""
    async with portal.database.session() as session:
        row, _ = await add_merchant(session, Merchant(name=law.place), "Market", law)
        if agreed_by is not None:
            await add_agreement(session, agreed_by, row.id, portal.now, "2026-12")
        await session.commit()
        return row.id


# The start


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ('law = "US-TN"', ["privacy.law", "'US-TN' is no law", "US-IL", "US-TX"]),
        ('contact = ""', ["privacy.contact"]),
        ('reviewed = "last spring"', ["privacy.reviewed"]),
        ('lawyer = "me"', ["privacy.lawyer"]),
        ('law = "il"\nreviewed = 1', ["privacy.law", "privacy.reviewed"]),
    ],
)
def test_every_wrong_value_is_named(tmp_path: Path, content: str, told: list[str]):
    path = tmp_path / "settings.toml"
    path.write_text(f"[privacy]\n{content}\n")
    with pytest.raises(BadSettings) as refused:
        settings.load(path)
    for words in told:
        assert words in str(refused.value)


async def start(path: Path, chosen: Settings, *, sandbox: bool = True) -> str:
    """Returns why a service with these settings does not start."""
    with pytest.raises(BadSettings) as refused:
        async with running(chosen, State.open(path), sandbox=sandbox):
            pass
    return str(refused.value)


async def test_a_law_needs_somebody_who_can_be_reached(tmp_path: Path):
    told = await start(tmp_path, Settings(privacy=Privacy(law="US-IL")))
    assert "privacy.contact is not set" in told
    assert "US-IL" in told


async def test_a_law_needs_a_public_policy(tmp_path: Path):
    content = (
        'liveness = "required"\n[payments]\nstripe_key = "sk_test_1"\n'
        '[privacy]\nlaw = "US-CO"\ncontact = "privacy@example.com"\n'
    )
    path = tmp_path / "settings.toml"
    path.write_text(content)
    told = await start(tmp_path, settings.load(path), sandbox=False)
    assert "portal.url is not set" in told
    assert "US-CO" in told


@pytest.mark.parametrize("law", [EUROPE, UNITED_KINGDOM], ids=lambda law: law.code)
async def test_the_law_of_another_country_is_refused_with_its_site(tmp_path: Path, law: Law):
    chosen = Settings(privacy=Privacy(law=law.code, contact="privacy@example.com"))
    told = await start(tmp_path, chosen)
    assert f"site first (Shop of Corner Shop): {law.code} ({law.place}) is no law of US" in told
    assert "staff change-site first --law" in told


@pytest.mark.sqlite
async def test_every_site_with_a_wrong_law_is_named(tmp_path: Path):
    state = State.open(tmp_path)
    bootstrap.open_store(state)
    store = SqliteDatabase(state.database)
    async with store.session() as session:
        _, florist = await add_merchant(
            session, Merchant(name="Florist", country="DE", currency="EUR"), "Market", ILLINOIS
        )
        site = await find_site(session, "first")
        assert site
        site.law = "US-ZZ"
        await session.commit()
    await store.close()
    told = await start(tmp_path, Settings(privacy=REACHED))
    assert "site first (Shop of Corner Shop): 'US-ZZ' is no law" in told
    assert f"site {florist.id} (Market of Florist): US-IL (Illinois) is no law of DE" in told


# How long an account lasts


@pytest.mark.parametrize(
    ("laws", "set_to", "months"),
    [
        ([], 36, 36),
        ([ILLINOIS], 36, 36),
        ([COLORADO], 36, 24),
        ([ILLINOIS, TEXAS, COLORADO], 36, 12),
        ([ILLINOIS], 12, 12),
        ([EUROPE], 36, 36),
        ([TEXAS], 3, 3),
    ],
)
async def test_an_account_lasts_no_longer_than_the_strictest_law_where_its_person_agreed(
    tmp_path: Path, laws: list[Law], set_to: int, months: int
):
    chosen = Settings(retention=Retention(inactive_months=set_to))
    async with open_portal(tmp_path, chosen) as portal:
        person, other = await portal.account(PHONE), await portal.account("+14155550124")
        for law in laws:
            await add_site(portal, law, person)
        await add_site(portal, TEXAS, other)
        async with portal.database.session() as session:
            longest = await consents.longest_inactivity(session, chosen, person.person_id)
        assert longest == months


async def test_whoever_agreed_under_a_stricter_law_is_told_and_deleted_in_its_time(tmp_path: Path):
    chosen = Settings(retention=Retention(inactive_months=36))
    async with open_portal(tmp_path, chosen) as portal:
        texan, other = await portal.account(PHONE), await portal.account("+14155550124")
        await add_site(portal, TEXAS, texan)
        began = portal.now
        portal.now = began + timedelta(days=325)
        for _ in range(41):
            portal.pass_time(timedelta(days=1))
            await begin_daily_run(portal.context)
            await portal.rest()
        assert (portal.now - began) == timedelta(days=366)
        told = portal.messages_to(PHONE)
        assert len(told) == 3
        assert "Use it before" in told[0]
        assert "receipt" in told[2]
        assert portal.messages_to("+14155550124") == []
        async with portal.database.session() as session:
            assert not await still_there(session, [texan.person_id])
            assert await still_there(session, [other.person_id])


async def test_the_law_of_a_site_counts_after_a_withdrawal_too(tmp_path: Path):
    chosen = Settings(retention=Retention(inactive_months=36), privacy=REACHED)
    async with open_portal(tmp_path, chosen) as portal:
        person = await portal.account(PHONE)
        merchant = await add_site(portal, TEXAS)
        await portal.consent(person, merchant)
        async with portal.database.session() as session:
            await consents.end(session, person, merchant, portal.now)
            await session.commit()
            longest = await consents.longest_inactivity(session, chosen, person.person_id)
        assert longest == 12


async def test_what_was_withdrawn_from_is_kept_for_ten_years_and_what_was_not_is_kept_on(
    tmp_path: Path,
):
    async with open_portal(tmp_path, Settings(privacy=REACHED)) as portal:
        person = await portal.account(PHONE)
        merchant = await add_site(portal, ILLINOIS)
        await portal.consent(person, merchant)
        async with portal.database.session() as session:
            await consents.end(session, person, merchant, portal.now)
            await session.commit()
        for passed, kept in ((BOOKKEEPING - timedelta(days=1), 2), (timedelta(days=1), 1)):
            portal.pass_time(passed)
            await end_retention(portal.context)
            async with portal.database.session() as session:
                assert len(await consents.given_by(session, person)) == kept


# The yearly review


@pytest.mark.parametrize(
    ("law", "reviewed", "told"),
    [
        (COLORADO, None, (1, 2)),
        (COLORADO, date(2026, 11, 28), (0, 0)),
        (COLORADO, date(2025, 11, 30), (0, 1)),
        (COLORADO, date(2025, 11, 29), (1, 2)),
        (ILLINOIS, None, (0, 0)),
    ],
)
async def test_the_operator_is_reminded_of_the_review_once_a_day(
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    law: Law,
    reviewed: date | None,
    told: tuple[int, int],
):
    chosen = Settings(privacy=Privacy(contact="privacy@example.com", reviewed=reviewed))
    async with open_portal(tmp_path, chosen) as portal:
        await add_site(portal, law)
        for _ in range(3):
            await policy_review.remind(portal.context)
        assert caplog.text.count("is to be reviewed every year") == told[0]
        portal.pass_time(timedelta(days=1))
        await policy_review.remind(portal.context)
        assert caplog.text.count("is to be reviewed every year") == told[1]
