"""What is demanded of a payment: said by the service, a merchant and a site, and the strictest
counts."""

from pathlib import Path

import pytest

from cloud.console.roles import Role
from cloud.settings import Settings
from cloud.web import amounts
from cloud.web.amounts import Demand, Place, Said, SaidBy
from tests.support.console import member_of, site_of, trail
from tests.support.portal import Portal, open_portal

pytestmark = pytest.mark.anyio

OF_MERCHANT = "/console/merchants/first/policies"
DEMANDING = Settings(pulse_above={"USD": 10_000}, staff_above={"USD": 50_000})


async def in_force(portal: Portal, site_id: str, currency: str = "USD") -> dict[Demand, Said]:
    async with portal.database.session() as session:
        place = Place("first", site_id)
        return dict(await amounts.in_force(session, portal.context.settings, place, currency))


async def test_the_strictest_of_service_merchant_and_site_counts(tmp_path: Path):
    async with open_portal(tmp_path, DEMANDING) as portal:
        shop = await site_of(portal, "first")
        of_site = f"/console/sites/{shop}/policies"
        operator = await member_of(portal)
        text = (await operator.open(of_site)).text
        for words in ("USD\N{NO-BREAK SPACE}100.00", "Asked for by the service", "Never"):
            assert words in text
        page = await operator.submit(
            OF_MERCHANT, OF_MERCHANT, pulse_above="80", digits_above="250.50"
        )
        assert page.url.path == OF_MERCHANT
        assert 'value="80.00"' in page.text
        await operator.submit(of_site, of_site, pulse_above="79.99", unconfirmed_below="12")
        assert await in_force(portal, shop) == {
            Demand.PULSE: Said(7_999, SaidBy.SITE),
            Demand.DIGITS: Said(25_050, SaidBy.MERCHANT),
            Demand.STAFF: Said(50_000, SaidBy.SERVICE),
            Demand.TOUCH: Said(1_200, SaidBy.SITE),
        }
        await operator.submit(of_site, of_site, pulse_above="", unconfirmed_below="12.00")
        assert (await in_force(portal, shop))[Demand.PULSE] == Said(8_000, SaidBy.MERCHANT)
        noted = [row["details"] for row in await trail(operator) if "limit" in str(row["act"])]
        assert noted == [
            {"what": "pulse_above", "before": "nothing", "now": "USD 80.00"},
            {"what": "digits_above", "before": "nothing", "now": "USD 250.50"},
            {"what": "pulse_above", "before": "nothing", "now": "USD 79.99"},
            {"what": "unconfirmed_below", "before": "nothing", "now": "USD 12.00"},
            {"what": "pulse_above", "before": "USD 79.99", "now": "nothing"},
        ]
        # In another currency it is as if neither had said anything.
        assert set(await in_force(portal, shop, "EUR")) == {Demand.PULSE, Demand.STAFF}


async def test_what_would_not_count_is_refused_in_words(tmp_path: Path):
    async with open_portal(tmp_path, DEMANDING) as portal:
        merchant = await member_of(portal, Role.MERCHANT, "first")
        for typed, told in (
            ("100.01", "the service has set “Pulse above” to USD\N{NO-BREAK SPACE}100.00"),
            ("1,000", "is no amount. Write it as 1250.00"),
            ("1.005", "is no amount"),
            ("-1", "is no amount"),
            ("1e9", "is no amount"),
            ("99999999999999", "is no amount"),
        ):
            page = await merchant.submit(
                OF_MERCHANT, OF_MERCHANT, pulse_above=typed, staff_above="1"
            )
            assert page.status_code == 422, typed
            assert told in page.text
            assert f'value="{typed}"' in page.text
        assert "limit" not in str([row["act"] for row in await trail(merchant)])


async def test_a_site_manager_sees_what_holds_and_where_it_is_set(portal: Portal):
    shop = await site_of(portal, "first")
    manager = await member_of(portal, Role.SITE, "first", shop)
    text = (await manager.open(f"/console/sites/{shop}/policies")).text
    for words in ("1 of 10,000 searches", "1 of 100,000", "30 in 1 hour", "settings.toml"):
        assert words in text
    assert "Save the limits" not in text
