"""What staff see and do on the pages of the console, systems see and do with a key."""

from cloud.console import audit
from protocol.messages import ProblemType
from tests.cloud.integrations.conftest import open_shop
from tests.support.integrator import integrator
from tests.support.served import Served


def test_a_merchants_key_adds_a_site_and_activates_a_kiosk_there(served: Served):
    shop = open_shop(served)
    added = shop.api.post("/sites", {"name": "Harbour"})
    assert added in shop.api.get("/sites")["sites"]
    code = shop.api.post(f"/sites/{added['site_id']}/activation-codes")["code"]
    kiosk = served.device()
    kiosk.activate(code)
    assert shop.api.get(f"/sites/{added['site_id']}")["name"] == "Harbour"


def test_the_operators_key_does_what_is_of_one_merchant_at_a_time(served: Served):
    shop, other = open_shop(served), open_shop(served)
    api = integrator(served, None)
    assert {shop.api.merchant, other.api.merchant} <= {
        each["merchant_id"] for each in api.get("/merchants")["merchants"]
    }
    theirs = api.get(f"/merchants/{shop.api.merchant}/sites")["sites"]
    assert [each["site_id"] for each in theirs] == [shop.site]
    answer = api.ask("GET", f"/merchants/{shop.api.merchant}/sites/{other.site}")
    assert (answer.status_code, answer.json()["type"]) == (404, ProblemType.NOT_FOUND)


def test_there_is_no_merchant_but_those_that_there_are(served: Served):
    answer = integrator(served, None).ask("GET", "/merchants/nobody/sites")
    assert (answer.status_code, answer.json()["type"]) == (404, ProblemType.NOT_FOUND)


def test_the_trail_names_the_key_with_which_something_was_done(served: Served):
    shop = open_shop(served)

    async def trail() -> list[tuple[str, str, str]]:
        async with served.context.database.reading() as session:
            rows = await audit.latest(session, shop.api.merchant, None, 5)
            return [(row.door, row.who, row.act) for row in rows]

    shop.api.post("/sites", {"name": "Harbour"})
    key = shop.api.key.partition(".")[0]
    assert served.do(trail()) == [("api", key, "add the site")]
