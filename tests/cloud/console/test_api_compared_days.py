"""Days are compared with the payment provider with a key, and what differs is told."""

from datetime import datetime, timedelta
from typing import Any, cast

import pytest

from cloud.console.roles import Role
from cloud.policy import Limits
from cloud.providers import Movement, ProviderUnavailable
from protocol.messages import Money, ProblemType
from tests.support.console import SOLD, add_kiosk, differ, member_of, sell, trail
from tests.support.portal import Portal
from tests.support.systems import system_of

pytestmark = pytest.mark.anyio

DAYS, TODAY = "/reconciliation", "2026-11-29"


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


async def test_a_key_compares_a_day_and_the_page_shows_what_differs(portal: Portal):
    await add_kiosk(portal)
    await sell(portal, outcome="declined", told="declined", payment="pi_lunch")
    lunch, other = (Money(minor=minor, currency="USD") for minor in (1250, 700))
    Provider(
        portal,
        Movement("sale", "pi_lunch", lunch, None, portal.now),
        Movement("sale", "pi_of-the-dashboard", other, None, portal.now),
    )
    system, operators = await system_of(portal), await system_of(portal, None, operators=True)
    owner = await member_of(portal, Role.MERCHANT, "first")
    told = await system.post(DAYS, {"day": TODAY})
    assert (told["day"], told["things"], told["differing"]) == (TODAY, 1, 1)
    assert await system.get(DAYS) == {"days": [told]}
    (difference,) = (await system.get(f"{DAYS}/{TODAY}"))["differences"]
    assert difference == {
        "at": difference["at"],
        "kind": "sale",
        "why": "charged",
        "merchant_id": "first",
        "reference": SOLD,
        "purchase_reference": SOLD,
        "ledger": None,
        "provider": {"minor": 1250, "currency": "USD"},
        "told": "declined",
    }
    assert SOLD in (await owner.open("/console/reconciliation")).text
    noted = [row for row in await trail(owner) if str(row["act"]).startswith("compare a day")]
    assert [(row["door"], row["who"], row["details"]) for row in noted] == [
        ("api", system.name, {"day": TODAY})
    ]
    # What the provider alone knows of is the operator's to see, and never by the provider's name.
    of_all = (await operators.get(f"{DAYS}/{TODAY}"))["differences"]
    assert {each["why"] for each in of_all} == {"charged", "unknown"}
    assert "pi_" not in str(of_all)
    assert (await operators.get(DAYS))["days"][0]["differing"] == 2


async def test_differences_are_told_in_pages(portal: Portal):
    await add_kiosk(portal)
    for name in ("first-sale", "second-sale", "third-sale"):
        await sell(portal, id=name, reference=name, outcome="pending", payment=f"pi_{name}")
    Provider(portal)
    system = await system_of(portal)
    await system.post(DAYS, {"day": TODAY})
    names: list[str] = []
    page = await system.get(f"{DAYS}/{TODAY}?limit=2")
    assert len(page["differences"]) == 2
    while page is not None:
        names += [each["reference"] for each in page["differences"]]
        cursor = page["next"]
        page = cursor and await system.get(f"{DAYS}/{TODAY}?limit=2&cursor={cursor}")
    assert sorted(names) == ["first-sale", "second-sale", "third-sale"]


async def test_a_day_that_is_compared_again_between_two_pages_leaves_out_nothing(portal: Portal):
    await add_kiosk(portal)

    async def sell_before(name: str, minutes: int) -> None:
        portal.pass_time(-timedelta(minutes=minutes))
        await sell(portal, id=name, reference=name, outcome="pending", payment=None)
        portal.pass_time(timedelta(minutes=minutes))

    for name, minutes in (("first-sale", 3), ("second-sale", 3), ("third-sale", 1)):
        await sell_before(name, minutes)
    Provider(portal)
    system = await system_of(portal)
    await system.post(DAYS, {"day": TODAY})
    page = await system.get(f"{DAYS}/{TODAY}?limit=2")
    told = [each["reference"] for each in page["differences"]]
    # A kiosk that was cut off reports them late.
    await sell_before("an-earlier-sale", 5)
    await sell_before("a-sale-between", 2)
    await system.post(DAYS, {"day": TODAY})
    rest = await system.get(f"{DAYS}/{TODAY}?cursor={page['next']}")
    told += [each["reference"] for each in rest["differences"]]
    assert sorted(told) == ["an-earlier-sale", "first-sale", "second-sale", "third-sale"]


async def test_a_merchant_is_told_nothing_of_anothers(portal: Portal):
    await differ(portal)
    rival = await system_of(portal, await portal.merchant("Florist"))
    (day,) = (await rival.get(DAYS))["days"]
    assert (day["things"], day["differing"]) == (0, 0)
    assert await rival.get(f"{DAYS}/{TODAY}") == {"differences": [], "next": None}
    at_rival = await system_of(portal, rival.merchant_id, operators=True)
    assert await at_rival.get(f"{DAYS}/{TODAY}") == {"differences": [], "next": None}


async def test_a_provider_that_is_away_and_a_day_that_is_none_change_nothing(portal: Portal):
    provider, system = Provider(portal), await system_of(portal)
    provider.is_away = True
    away = await system.ask("POST", DAYS, {"day": TODAY}, once="compare-today")
    assert (away.status_code, away.json()["type"]) == (503, ProblemType.PROVIDER_UNAVAILABLE)
    for day in ("2026-11-30", "2025-01-01"):
        told = await system.refused("POST", DAYS, {"day": day})
        assert told == (400, ProblemType.MALFORMED), day
    for body in (None, {}, {"day": ""}, {"day": "x" * 5000}, {"day": 1e308}, {"day": "2026-02-30"}):
        assert (await system.ask("POST", DAYS, body)).status_code == 422, body
    assert await system.get(DAYS) == {"days": []}
    told = await system.refused("GET", f"{DAYS}/{TODAY}")
    assert told == (404, ProblemType.NOT_FOUND)
    provider.is_away = False
    again = await system.ask("POST", DAYS, {"day": TODAY}, once="compare-today")
    assert again.json()["things"] == 0


async def test_a_key_asks_the_provider_so_many_times_an_hour(portal: Portal):
    Provider(portal)
    system = await system_of(portal)
    for _ in range(Limits.COMPARISONS.count):
        await system.post(DAYS, {"day": TODAY})
    refused = await system.refused("POST", DAYS, {"day": TODAY})
    assert refused == (429, ProblemType.TOO_MANY_ATTEMPTS)
    portal.pass_time(Limits.COMPARISONS.window)
    await system.post(DAYS, {"day": TODAY})
