"""What is demanded of payments is seen and changed with a key as on the pages of the policies."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from cloud.console.roles import Role
from cloud.integrations.asking import Scope
from cloud.policy import FPIR_ACCEPT, Limits
from cloud.settings import Settings
from cloud.web import amounts
from cloud.web.amounts import Demand, Place, Said, SaidBy
from protocol.messages import MOST_MINOR, ProblemType
from tests.support.console import member_of, site_of, trail
from tests.support.portal import Portal, open_portal
from tests.support.systems import System, system_of

pytestmark = pytest.mark.anyio

NONE: dict[str, Any] = {"currency": "USD"} | dict.fromkeys(map(str, Demand))
"""What nobody has asked for."""
DEMANDING = Settings(pulse_above={"USD": 10_000}, staff_above={"USD": 50_000})


def said(minor: int, by: str) -> dict[str, Any]:
    return {"minor": minor, "by": by}


async def own(system: System, path: str) -> Any:
    return (await system.get(path))["own"]


async def noted(portal: Portal) -> list[tuple[object, object, Any]]:
    """Who has changed which limit, the oldest first."""
    rows = await trail(await member_of(portal))
    chosen = [row for row in rows if row["act"] == "change a limit of payments"]
    return [(row["door"], row["who"], row["details"]) for row in chosen]


async def test_the_strictest_of_service_merchant_and_site_counts(tmp_path: Path):
    async with open_portal(tmp_path, DEMANDING) as portal:
        system, shop = await system_of(portal), await site_of(portal, "first")
        of_site = f"/sites/{shop}/limits"
        told = await system.put("/limits", NONE | {"pulse_above": 8_000, "digits_above": 25_050})
        assert told == await system.get("/limits")
        assert told["own"] == NONE | {"pulse_above": 8_000, "digits_above": 25_050}
        assert told["inherited"]["pulse_above"] == said(10_000, "service")
        assert told["in_force"]["pulse_above"] == said(8_000, "merchant")
        told = await system.put(of_site, NONE | {"pulse_above": 7_999, "unconfirmed_below": 1_200})
        assert told == await system.get(of_site)
        assert told["inherited"]["pulse_above"] == said(8_000, "merchant")
        assert told["in_force"] == {
            "pulse_above": said(7_999, "site"),
            "digits_above": said(25_050, "merchant"),
            "staff_above": said(50_000, "service"),
            "unconfirmed_below": said(1_200, "site"),
        }
        async with portal.database.session() as session:
            held = await amounts.in_force(session, DEMANDING, Place("first", shop), "USD")
        assert held[Demand.PULSE] == Said(7_999, SaidBy.SITE)
        # What was said is sent again, with what is to be another.
        changed = await own(system, of_site) | {"pulse_above": None}
        told = await system.put(of_site, changed)
        assert told["in_force"]["pulse_above"] == said(8_000, "merchant")


async def test_the_page_shows_what_a_system_has_set_and_the_trail_names_its_key(portal: Portal):
    system, operators = await system_of(portal), await system_of(portal, operators=True)
    await system.put("/limits", NONE | {"pulse_above": 8_000})
    await system.put("/limits", NONE | {"pulse_above": 8_000})
    await operators.put("/limits", NONE | {"pulse_above": 7_000})
    member = await member_of(portal, Role.MERCHANT, "first")
    page = await member.open("/console/merchants/first/policies")
    assert 'value="70.00"' in page.text
    what = {"what": "pulse_above"}
    assert await noted(portal) == [
        ("api", system.name, what | {"before": "nothing", "now": "USD 80.00"}),
        ("api", operators.name, what | {"before": "USD 80.00", "now": "USD 70.00"}),
    ]


async def test_what_would_not_count_is_refused_and_changes_nothing(tmp_path: Path):
    async with open_portal(tmp_path, DEMANDING) as portal:
        system, shop = await system_of(portal), await site_of(portal, "first")
        lax = NONE | {"unconfirmed_below": 100, "pulse_above": 10_001}
        for path in ("/limits", f"/sites/{shop}/limits"):
            status, kind, detail = await system.problem("PUT", path, lax)
            assert (status, kind) == (409, ProblemType.CONFLICT)
            assert detail == "pulse_above is 10000 for the service already: it can be lowered"
            assert await own(system, path) == NONE
        assert await noted(portal) == []


async def test_what_is_no_limit_changes_nothing(portal: Portal):
    system = await system_of(portal)
    paths = ("/limits", f"/sites/{await site_of(portal, 'first')}/limits")
    for what, body, status in (
        ("not all", {"currency": "USD", "pulse_above": 100}, 422),
        ("negative", NONE | {"pulse_above": -1}, 422),
        ("too much", NONE | {"pulse_above": MOST_MINOR + 1}, 422),
        ("enormous", NONE | {"pulse_above": 10**400}, 422),
        ("part of a cent", NONE | {"pulse_above": 1.5}, 422),
        ("text", NONE | {"pulse_above": "100"}, 422),
        ("truth", NONE | {"pulse_above": True}, 422),
        ("unknown", NONE | {"pulse_below": 100}, 422),
        ("no currency", NONE | {"currency": "usd\0"}, 422),
        ("another currency", NONE | {"currency": "EUR", "pulse_above": 100}, 409),
        ("list", [], 422),
        ("nothing", None, 422),
        ("no JSON", b"{", 422),
        ("large", NONE | {"currency": "U" * 70_000}, 413),
    ):
        for path in paths:
            assert (await system.problem("PUT", path, body))[0] == status, what
            assert await own(system, path) == NONE
    assert await noted(portal) == []


async def test_another_merchants_are_neither_seen_nor_changed(portal: Portal):
    florist = await portal.merchant("Florist")
    theirs = f"/sites/{await site_of(portal, florist)}/limits"
    system = await system_of(portal)
    limits = NONE | {"pulse_above": 1}
    for path, merchant in ((theirs, "first"), (theirs, florist), ("/limits", florist)):
        for method, body in (("GET", None), ("PUT", limits)):
            status, kind, _ = await system.problem(method, path, body, merchant=merchant)
            assert (status, kind) == (404, ProblemType.NOT_FOUND)
    # The operator's key names the merchant whose site it is.
    operators = await system_of(portal, operators=True)
    assert (await operators.problem("PUT", theirs, limits))[0] == 404
    told = await operators.get(theirs, merchant=florist)
    assert told["own"] == NONE


async def test_a_key_changes_nothing_that_may_only_read(portal: Portal):
    system = await system_of(portal, "first", Scope.LIMITS_READ)
    status, kind, detail = await system.problem("PUT", "/limits", NONE | {"pulse_above": 1})
    assert (status, kind) == (403, ProblemType.INSUFFICIENT_SCOPE)
    assert detail == "it needs the scope limits:write"
    assert await own(system, "/limits") == NONE


async def test_many_at_once_leave_what_one_of_them_has_said(portal: Portal):
    system = await system_of(portal)
    await system.put("/limits", NONE | {"pulse_above": 0})
    every = [NONE | {"pulse_above": minor, "staff_above": minor} for minor in range(1, 9)]
    answers = await asyncio.gather(*(system.ask("PUT", "/limits", each) for each in every))
    assert {answer.status_code for answer in answers} == {200}
    told = await own(system, "/limits")
    assert told in every
    # The trail tells of each what the one before it has left.
    details = [each for _, _, each in await noted(portal)]
    changed = [each for each in details if each["what"] == "pulse_above"][1:]
    left = ["USD 0.00", *(each["now"] for each in changed)]
    assert [each["before"] for each in changed] == left[:-1]


async def test_what_holds_for_the_whole_service_is_told(portal: Portal):
    told = await (await system_of(portal)).get("/service-policy")
    assert told["light_challenge"] == portal.context.settings.light_required
    assert told["stranger_accepted"] == FPIR_ACCEPT
    window = Limits.PURCHASES.window.total_seconds()
    assert told["payments"] == {"times": Limits.PURCHASES.count, "within_s": window}
