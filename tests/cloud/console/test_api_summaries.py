"""Systems see with a key how recognition does by day, light and kiosk, and what has changed."""

from datetime import timedelta
from typing import Any

import pytest

from cloud.integrations.asking import Scope
from cloud.seen import Light
from protocol.messages import Outcome, ProblemType
from tests.cloud.console.test_recognition import PAGE, show
from tests.support.console import KIOSK, add_kiosk, member_of
from tests.support.portal import Portal
from tests.support.systems import system_of

pytestmark = pytest.mark.anyio

SUMMARY = "/v1/merchants/first/recognition/summary"


def figures(told: dict[str, Any], *names: str) -> list[Any]:
    return [told[name] for name in ("palms", *names)]


async def test_palms_are_added_up_by_day_light_and_kiosk(portal: Portal):
    await add_kiosk(portal)
    await add_kiosk(portal, "kiosk-other", name="Till 4")
    system = await system_of(portal)
    assert await system.get(SUMMARY) == {"days": [], "lights": [], "kiosks": []}
    await show(portal, {Outcome.ACCEPTED: 1})
    portal.pass_time(timedelta(days=1))
    await show(portal, {Outcome.ACCEPTED: 2, Outcome.STEP_UP: 1})
    await show(portal, {Outcome.REFUSED: 2}, device_id="kiosk-other", light=Light.PLAIN)
    told = await system.get(SUMMARY)
    assert [(each["day"], *figures(each, "recognised", "digits")) for each in told["days"]] == [
        ("2026-11-30", 5, 2, 1),
        ("2026-11-29", 1, 1, 0),
    ]
    assert [(each["light"], *figures(each, "median_s")) for each in told["lights"]] == [
        ("plain", 2, 0.5),
        ("ring", 4, 0.5),
    ]
    worst, best = told["kiosks"]
    assert (worst["device_id"], figures(worst["week"], "refused")) == ("kiosk-other", [2, 2])
    assert (best["device_id"], figures(best["week"]), best["worse"]) == (KIOSK, [4], [])
    of_one = await system.get(f"{SUMMARY}?device_id=kiosk-other")
    assert [figures(each) for each in of_one["days"]] == [[2]]
    of_ring = await system.get(f"{SUMMARY}?light=ring")
    assert [figures(each) for each in of_ring["days"]] == [[3], [1]]


async def test_what_has_changed_for_the_worse_is_told_as_on_the_page(portal: Portal):
    await add_kiosk(portal)
    system = await system_of(portal)
    await show(portal, {Outcome.ACCEPTED: 100, Outcome.REFUSED: 2})
    portal.pass_time(timedelta(days=7))
    await show(portal, {Outcome.ACCEPTED: 80, Outcome.REFUSED: 20})
    (kiosk,) = (await system.get(SUMMARY))["kiosks"]
    (worse,) = kiosk["worse"]
    assert (worse["measure"], worse["now"]) == ("refused", 0.2)
    assert worse["before"] == pytest.approx(2 / 102)
    assert worse["times"] == pytest.approx(10.2)
    assert (figures(kiosk["before"]), figures(kiosk["week"])) == ([102], [100])
    assert "more than ten times as often" in (await (await member_of(portal)).open(PAGE)).text


async def test_nothing_is_told_of_another_merchants_kiosk(portal: Portal):
    await add_kiosk(portal)
    await show(portal, {Outcome.ACCEPTED: 2})
    florist = await portal.merchant("Florist")
    theirs = f"/v1/merchants/{florist}/recognition/summary"
    for system in (await system_of(portal, florist), await system_of(portal, None)):
        assert await system.get(theirs) == {"days": [], "lights": [], "kiosks": []}
        answers = [
            await system.ask("GET", f"{theirs}?device_id={name}") for name in (KIOSK, "kiosk-none")
        ]
        assert {each.status_code for each in answers} == {404}
        assert len({each.text for each in answers}) == 1


async def test_it_needs_the_scope_of_recognition(portal: Portal):
    answer = await (await system_of(portal, "first", Scope.ATTACKS_READ)).ask("GET", SUMMARY)
    assert answer.json()["type"] == ProblemType.INSUFFICIENT_SCOPE
