"""What became of palms, as an integrator sees it: in numbers, of its own kiosks, and of nobody."""

from cloud.integrations.asking import Scope
from cloud.jobs.housekeeping import write_seen
from protocol.messages import ProblemType
from tests.cloud.integrations.conftest import Shop, open_shop
from tests.support.integrator import integrator
from tests.support.served import Served


def test_what_became_of_palms_is_told_by_day_kiosk_and_light(served: Served, shop: Shop, who: str):
    other, second = open_shop(served), served.kiosk(shop.site)
    shop.kiosk.sign_up(who)
    shop.kiosk.identify(who)
    shop.kiosk.identify(f"not {who}")
    for kiosk in (second, other.kiosk):
        kiosk.identify(f"not {who}")
    served.do(write_seen(served.context))

    told = {each["device_id"]: each for each in shop.api.get("/recognition")["recognition"]}
    assert told.keys() == {shop.kiosk.id, second.id}
    first = told[shop.kiosk.id]
    assert first["day"] == served.context.clock().date().isoformat()
    assert first.pop("median_s") <= 10
    assert {name: value for name, value in first.items() if name != "day"} == {
        "device_id": shop.kiosk.id,
        "light": "plain",
        "palms": 2,
        "recognised": 1,
        "digits": 0,
        "longer": 0,
        "not_found": 1,
        "refused": 0,
        "lifeless": 0,
        "unreadable": 0,
        "quality": {"clear": 3, "good": 0, "fair": 0, "poor": 0},
    }

    page = shop.api.get("/recognition?limit=1")
    last = shop.api.get(f"/recognition?limit=1&cursor={page['next']}")
    assert [page["recognition"][0]["device_id"], last["recognition"][0]["device_id"]] == sorted(
        told
    )
    assert last["next"] is None
    (of_one,) = shop.api.get(f"/recognition?device_id={second.id}&light=plain")["recognition"]
    assert (of_one["device_id"], of_one["not_found"]) == (second.id, 1)
    nothing = {"recognition": [], "next": None}
    assert shop.api.get("/recognition?light=ring") == nothing
    assert shop.api.get(f"/recognition?device_id={other.kiosk.id}") == nothing
    answer = shop.api.ask("GET", "/recognition?light=candle")
    assert answer.json()["type"] == ProblemType.MALFORMED


def test_a_key_for_purchases_is_not_told(served: Served, shop: Shop):
    purchases = integrator(served, shop.api.merchant, Scope.PURCHASES_READ)
    answer = purchases.ask("GET", "/recognition")
    assert answer.json()["type"] == ProblemType.INSUFFICIENT_SCOPE
