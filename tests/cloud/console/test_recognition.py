"""Staff see how recognition does by day, light and kiosk, and what has changed."""

import math
import re
from collections import Counter
from datetime import timedelta

import pytest

from cloud.console.changes import Measure, changes
from cloud.console.plots import Bar, stacked
from cloud.console.roles import Role
from cloud.jobs.housekeeping import forget_expired, write_seen
from cloud.policy import TALLIES_KEPT
from cloud.seen import Became, Light, took
from cloud.watch import tallies
from cloud.watch.tallies import Figures
from cloud.web.devices import DeviceRow
from protocol.messages import Outcome
from tests.support.console import KIOSK, add_kiosk, member_of, site_of
from tests.support.portal import Portal

pytestmark = pytest.mark.anyio

PAGE = "/console/recognition"


def figures(**counts: int) -> Figures:
    return Figures(Counter({Became[name.upper()]: count for name, count in counts.items()}))


async def show(
    portal: Portal,
    palms: dict[Outcome, int],
    *,
    device_id: str = KIOSK,
    light: Light = Light.RING,
    quality: float = 0.95,
) -> None:
    """Has palms be shown now at a kiosk, which has a ring."""
    for outcome, count in palms.items():
        for _ in range(count):
            portal.context.seen.palm(device_id, light, outcome, 0.4)
            portal.context.seen.quality(device_id, light, quality)
    await write_seen(portal.context)


async def test_palms_are_counted_by_day_light_and_kiosk(portal: Portal):
    await add_kiosk(portal)
    await add_kiosk(portal, "other", name="Till 4")
    operator = await member_of(portal)
    assert "No palm was shown" in (await operator.open(PAGE)).text
    await show(portal, {Outcome.ACCEPTED: 1})
    portal.pass_time(timedelta(days=1))
    await operator.sign_in()
    await show(portal, {Outcome.ACCEPTED: 2, Outcome.STEP_UP: 1})
    await show(portal, {Outcome.ACCEPTED: 1, Outcome.ASK_AGAIN: 1})
    await show(portal, {Outcome.REFUSED: 2}, device_id="other", quality=0.65)
    text = (await operator.open(PAGE)).text.replace("&nbsp;", " ")
    rows = re.findall(r'<th scope="row".*?>(.*?)</th>(.*?)</tr>', text)
    told = {re.sub("<.*?>", "", name): re.findall("<td>(.*?)</td>", cells) for name, cells in rows}
    ring = ["8", "50 %", "12 %", "0 %", "12 %", "25 %", "0 %", "0 %", "0.5 s"]
    assert told["Light ring"] == [*ring, "75 %", "0 %", "0 %", "25 %"]
    assert told["29 November"][:2] == ["1", "100 %"]
    assert told["30 November"][:3] == ["7", "43 %", "14 %"]
    assert told["Till 4, Shop"][:2] == ["2", "0 %"]
    assert told["Till 3, Shop"][:2] == ["6", "67 %"]
    assert text.count("<svg") == 4
    assert "At most 7 palms in a day" in text
    of_one = (await operator.open(f"{PAGE}?kiosk=other")).text
    assert "At most 2 palms in a day" in of_one
    assert (await operator.open(f"{PAGE}?kiosk=nowhere")).status_code == 404


def bars(page: str, heading: str) -> list[tuple[str, float]]:
    """Returns the bars of a plot: of which kind each is, and how high."""
    drawn = page.partition(f">{heading}</h2>")[2].partition("</svg>")[0]
    return [
        (kind, float(height))
        for kind, group in re.findall(r'<g class="of-(\w+)">(.*?)</g>', drawn)
        for height in re.findall(r'height="([\d.]+)"', group)
    ]


QUALITY = "Quality of the palms that were read"


async def test_the_quality_of_palms_is_drawn_by_day_kiosk_and_light(portal: Portal):
    await add_kiosk(portal)
    await add_kiosk(portal, "other", name="Till 4")
    operator = await member_of(portal)
    await show(portal, {Outcome.ACCEPTED: 3}, quality=0.92)
    await show(portal, {Outcome.ACCEPTED: 1}, light=Light.PLAIN, quality=0.85)
    portal.pass_time(timedelta(days=1))
    await operator.sign_in()
    await show(portal, {Outcome.ACCEPTED: 1}, device_id="other", quality=0.75)
    for query, drawn in {
        "": [("clear", 75), ("good", 25), ("fair", 100)],
        f"?kiosk={KIOSK}": [("clear", 75), ("good", 25)],
        "?light=plain": [("good", 100)],
        "?kiosk=other&light=ring": [("fair", 100)],
    }.items():
        text = (await operator.open(f"{PAGE}{query}")).text
        assert sorted(bars(text, QUALITY)) == sorted(drawn), query
        assert "Plain light</th>" in text or "other" in query, "all lights are compared"
    text = (await operator.open(f"{PAGE}?kiosk=other&light=both")).text
    assert "No palm was shown" in text
    assert (await operator.open(f"{PAGE}?light=candle")).status_code == 400


async def test_of_a_vault_that_tells_no_quality_none_is_drawn(portal: Portal):
    await add_kiosk(portal)
    portal.context.seen.palm(KIOSK, Light.RING, Outcome.ACCEPTED, 0.4)
    await write_seen(portal.context)
    operator = await member_of(portal)
    text = (await operator.open(PAGE)).text
    assert "The vault has reported none" in text
    assert bars(text, QUALITY) == []
    assert bars(text, "What became of palms") == [("recognised", 100)]


async def test_what_was_counted_stays_where_it_was_when_a_kiosk_moves(portal: Portal):
    await add_kiosk(portal)
    await show(portal, {Outcome.ACCEPTED: 3})
    other = await portal.merchant("Florist")
    place = await site_of(portal, other)
    async with portal.database.session() as session:
        device = await session.get_one(DeviceRow, KIOSK)
        device.merchant_id, device.site_id = other, place
        await session.commit()
    await show(portal, {Outcome.REFUSED: 2})
    before = await member_of(portal, Role.MERCHANT, "first")
    after = await member_of(portal, Role.SITE, other, place)
    for member, seen, hidden in ((before, 3, 2), (after, 2, 3)):
        text = (await member.open(PAGE)).text
        assert f"At most {seen} palms in a day" in text
        assert f"At most {hidden} palms in a day" not in text
    assert (await before.open(f"{PAGE}?kiosk={KIOSK}")).status_code == 404


async def test_what_took_longer_than_is_counted_is_not_taken_for_nothing(portal: Portal):
    await add_kiosk(portal)
    portal.context.seen.palm(KIOSK, Light.RING, Outcome.ACCEPTED, 60)
    await write_seen(portal.context)
    text = (await (await member_of(portal)).open(PAGE)).text.replace("&nbsp;", " ")
    assert "Up to more than 10 s" in text
    assert "<td>more than 10 s</td>" in text
    assert bars(text, "Median time of the service for a palm") == [("took", 100)]


async def test_a_kiosk_without_a_palm_in_the_last_week_is_not_the_worst(portal: Portal):
    await add_kiosk(portal)
    await add_kiosk(portal, "other", name="Till 4")
    await show(portal, {Outcome.ACCEPTED: 1})
    portal.pass_time(timedelta(days=8))
    await show(portal, {Outcome.ACCEPTED: 1, Outcome.REFUSED: 1}, device_id="other")
    text = (await (await member_of(portal)).open(PAGE)).text
    table = text[text.index('<h2 id="kiosks">') : text.index('<h2 id="lights">')]
    assert 0 < table.index("Till 4") < table.index("Till 3")
    assert f"</th><td>0</td>{'<td></td>' * 12}</tr>" in table


async def test_a_kiosk_that_does_worse_than_last_week_is_named(portal: Portal):
    await add_kiosk(portal)
    await show(portal, {Outcome.ACCEPTED: 95, Outcome.ASK_AGAIN: 5})
    portal.pass_time(timedelta(days=7))
    await show(portal, {Outcome.ACCEPTED: 80, Outcome.ASK_AGAIN: 20})
    operator = await member_of(portal)
    text = " ".join((await operator.open(PAGE)).text.replace("&nbsp;", " ").split())
    assert (
        "Till 3</a>, Shop, finds nobody 4 times as often as in the week before (20 % of the "
        "palms, and 5.0 % before): clean the glass" in text
    )


def test_a_change_is_named_when_it_is_large_and_no_chance():
    usual = figures(recognised=95, not_found=5)
    (change,) = changes(usual, figures(recognised=80, not_found=15, refused=5))
    assert (change.measure, change.now, change.before) == (Measure.REFUSED, 0.2, 0.05)
    assert change.times == pytest.approx(4)
    # Twice as many of forty is chance, and so is one of what never was before.
    assert changes(figures(recognised=39, not_found=1), figures(recognised=38, not_found=2)) == []
    assert changes(figures(recognised=29), figures(refused=29)) == []
    assert changes(usual, figures(recognised=94, not_found=5, lifeless=1)) == []
    assert changes(usual, figures(recognised=100)) == []
    found = changes(usual, figures(recognised=60, unreadable=20, digits=20, lifeless=20))
    assert [each.measure for each in found] == ["lifeless", "unreadable", "digits"]


def test_a_kiosk_that_takes_twice_as_long_is_named():
    usual = figures(recognised=40)
    usual.counts[took(0.5)] = 40
    slow = figures(recognised=40)
    slow.counts[took(1.4)] = 40
    (change,) = changes(usual, slow)
    assert (change.measure, change.now, change.before) == (Measure.SLOW, 1.5, 0.5)
    assert changes(slow, usual) == []
    stuck = figures(recognised=40)
    stuck.counts[took(60)] = 40
    (change,) = changes(usual, stuck)
    assert (change.measure, change.now) == (Measure.SLOW, math.inf)
    assert changes(stuck, stuck) == []


def test_the_median_is_the_bound_below_which_half_of_the_palms_were():
    counted = Figures()
    assert counted.median_s is None
    counted.counts.update({took(0.1): 2, took(0.9): 3})
    assert counted.median_s == 1.0
    counted.counts[took(60)] = 6
    assert counted.median_s == math.inf
    assert counted.counts[tallies.LONGER] == 6


def test_bars_lie_upon_each_other_and_fill_the_height():
    plot = stacked([{"a": 1, "b": 3}, {"a": 2}], ["a", "b"])
    assert plot.bars == [Bar("a", 0, 75, 25), Bar("b", 0, 0, 75), Bar("a", 10, 50, 50)]
    assert (plot.width, plot.top) == (20, 4)
    assert stacked([{}], ["a"]).bars == []


async def test_what_was_counted_is_forgotten_after_a_while(portal: Portal):
    await add_kiosk(portal)
    await show(portal, {Outcome.ACCEPTED: 1})
    since, site_id = portal.now.date(), await site_of(portal, "first")
    portal.pass_time(TALLIES_KEPT - timedelta(seconds=1))
    for count in (1, 0):
        await forget_expired(portal.context)
        async with portal.database.session() as session:
            assert len(await tallies.by_day(session, since, [site_id])) == count
        portal.pass_time(timedelta(seconds=1))
