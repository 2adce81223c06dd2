"""Staff see on what the ledger, the payment provider and the tills differ, and what to do about
it."""

from datetime import datetime
from typing import Any, cast

import pytest

from cloud.console.roles import Role
from cloud.jobs.housekeeping import forget_expired
from cloud.payments.reconcile import Why, kept
from cloud.policy import RECONCILIATION_LIFE
from cloud.providers import Movement, ProviderUnavailable
from protocol.messages import Money
from tests.support.console import (
    SOLD,
    Member,
    add_kiosk,
    differ,
    member_of,
    sell,
    trail,
)
from tests.support.portal import Portal

pytestmark = pytest.mark.anyio

PAGE = "/console/reconciliation"
TODAY = "2026-11-29"


class Provider:
    """A payment provider that has moved what a test says."""

    def __init__(self, portal: Portal, *moved: Movement) -> None:
        self.moved = list(moved)
        self.is_away = False
        portal.context.payments = cast(Any, self)

    async def movements(self, since: datetime, until: datetime) -> list[Movement]:
        if self.is_away:
            raise ProviderUnavailable("away")
        return [each for each in self.moved if since <= each.at < until]


def moved(portal: Portal, name: str, minor: int = 1250) -> Movement:
    return Movement("sale", name, Money(minor=minor, currency="USD"), None, portal.now)


async def compare(member: Member) -> str:
    return (await member.post(PAGE, day=TODAY)).text


async def whys(portal: Portal) -> dict[str | None, Why]:
    async with portal.database.session() as session:
        (compared,) = await kept(session, 1)
    return {each.reference: each.why for each in compared.report.differences}


async def test_a_day_is_compared_and_what_differs_is_on_top_with_what_to_do(portal: Portal):
    await add_kiosk(portal)
    for name, outcome, told in (
        ("unfinished", "pending", None),
        ("charged-too", "declined", "declined"),
        ("told-paid", "declined", "approved"),
        ("agreed-on", "not_paid", "not_paid"),
    ):
        values: dict[str, Any] = {"id": name, "reference": name, "payment": f"pi_{name}"}
        await sell(portal, outcome=outcome, told=told, **values)
    Provider(portal, moved(portal, "pi_charged-too"), moved(portal, "pi_of-the-dashboard", 700))
    operator = await member_of(portal)
    assert "No day was compared yet" in (await operator.open(PAGE)).text
    page = await compare(operator)
    assert await whys(portal) == {
        "unfinished": Why.UNFINISHED,
        "charged-too": Why.CHARGED,
        "told-paid": Why.UNPAID,
        None: Why.UNKNOWN,
    }
    for words in (
        "29 November 2026, Corner Shop",
        "known only to the payment provider",
        "USD\N{NO-BREAK SPACE}7.00",
        "Goods went out without a payment",
        "4 differ",
    ):
        assert words in page
    assert page.index("Corner Shop</h2>") < page.index("Compared days")
    # The provider's names lead to its record of a person.
    assert "pi_" not in page
    noted = (await trail(operator))[-2]
    assert noted["act"] == "compare a day with the payment provider"
    assert noted["details"] == {"day": TODAY}


async def test_a_merchant_sees_what_is_theirs_and_not_what_the_provider_alone_knows(
    portal: Portal,
):
    await differ(portal)
    merchant = await member_of(portal, Role.MERCHANT, "first")
    page = (await merchant.open(PAGE)).text
    assert f"/console/sales?reference={SOLD}" in page
    assert "side is missing" in page
    assert "1 compared" in page
    await differ(portal, merchant_id=None, reference="pi_1", sale=None)
    page = (await merchant.open(PAGE)).text
    assert "all sides agree" in page
    assert "only to the payment provider" not in page
    assert "0 compared" in page


async def test_a_provider_that_is_away_and_a_day_that_is_none_change_nothing(portal: Portal):
    provider = Provider(portal)
    provider.is_away = True
    operator = await member_of(portal)
    answer = await operator.post(PAGE, day=TODAY)
    assert answer.status_code == 503
    assert "does not answer" in answer.text
    for day in ("", "x", "2026-11-30", "2025-01-01"):
        assert (await operator.post(PAGE, day=day)).status_code == 400
    provider.is_away = False
    assert "all sides agree" in await compare(operator)


async def test_what_was_compared_is_kept_for_three_months(portal: Portal):
    await differ(portal)
    portal.pass_time(RECONCILIATION_LIFE)
    await forget_expired(portal.context)
    async with portal.database.session() as session:
        assert await kept(session, 1) == []
