"""The page of the small till looks up what was sold at any till and gives it back, by the API for
integrators."""

import json
import secrets
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from cloud.integrations.asking import Scope
from kiosk.till.nexo.client import TillClient
from tests.cloud.integrations.conftest import Shop
from tests.cloud.integrations.test_sales import buy
from tests.support.integrator import integrator
from tests.support.served import Served
from tests.support.tills import KEY
from till.__main__ import _merchant, _parser
from till.merchant import Merchant
from till.page import Page
from till.register import Register

pytestmark = pytest.mark.anyio


class Till:
    """The small till and the browser before it. No kiosk answers it."""

    def __init__(self, served: Served, folder: Path, merchant: str, key: str) -> None:
        announcement = folder / f"{secrets.token_hex(4)}.json"
        api = f"{served.url}/v1/merchants/{merchant}"
        ready = {"api_url": api, "api_key": key, "ca": str(served.state.ca)}
        announcement.write_text(json.dumps({"ready": ready}))
        self.merchant = Merchant.read(announcement)
        kiosk = TillClient("127.0.0.1", 1, KEY, served.state.ca, "till-1")
        self.register = Register(kiosk, [], "EUR", self.merchant)
        app = Page(self.register).app
        self._browser = httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url="http://localhost"
        )

    async def does(self, what: str, **more: str) -> Any:
        """Presses a button, and returns what the page shows once that is done."""
        answer = await self._browser.post("/do", json={"do": what, **more})
        assert answer.status_code == 200, answer.text
        await self.register.settled()
        return (await self._browser.get("/state")).json()

    async def close(self) -> None:
        await self.register.close()
        await self._browser.aclose()


@pytest.fixture
async def till(served: Served, shop: Shop, tmp_path: Path) -> AsyncIterator[Till]:
    till = Till(served, tmp_path, shop.api.merchant, shop.api.key)
    yield till
    await till.close()


async def test_what_was_sold_at_any_till_is_looked_up_and_given_back(
    shop: Shop, who: str, till: Till
):
    shop.kiosk.sign_up(who)
    first, last = buy(shop.kiosk, who, 1250), buy(shop.kiosk, who, 450)
    path = f"/purchases/{last.purchase_id}/refunds"
    part = {"reference": secrets.token_hex(8), "amount": {"minor": 120, "currency": "USD"}}
    shop.api.post(path, part)
    shown = await till.does("look up")
    assert (shown["looksUp"], shown["said"]) == (True, "Sales looked up: 2.")
    newest, oldest = shown["sold"]
    told = ("amount", "outcome", "back", "left", "receipt")
    assert [newest[each] for each in told] == [
        "4.50 USD",
        "Paid.",
        "1.20 USD",
        True,
        last.reference,
    ]
    assert [oldest[each] for each in told] == ["12.50 USD", "Paid.", None, True, first.reference]
    shown = await till.does("take back", sale=newest["sale"])
    assert shown["said"] == "3.30 USD were given back."
    assert (shown["sold"][0]["back"], shown["sold"][0]["left"]) == ("4.50 USD", False)
    assert shop.api.get(f"/purchases/{last.purchase_id}")["refunded_minor"] == 450
    assert shop.api.get(f"/purchases/{first.purchase_id}")["refunded_minor"] == 0


class LosesAnswers(httpx.AsyncHTTPTransport):
    """A network that loses the answers to what changes something."""

    is_broken = True

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        answer = await super().handle_async_request(request)
        if self.is_broken and request.method == "POST":
            await answer.aread()
            raise httpx.ReadError("cut")
        return answer


async def test_what_is_given_back_again_after_a_lost_answer_is_given_back_once(
    served: Served, shop: Shop, who: str, till: Till
):
    shop.kiosk.sign_up(who)
    bought = buy(shop.kiosk, who)
    (sale,) = (await till.does("look up"))["sold"]
    client = till.merchant._client
    whole = client.get_async_httpx_client()
    network = LosesAnswers(verify=client._verify_ssl)
    async with httpx.AsyncClient(
        transport=network, base_url=served.url, headers=whole.headers
    ) as broken:
        client.set_async_httpx_client(broken)
        shown = await till.does("take back", sale=sale["sale"])
        assert "look up what became of it" in shown["said"]
        network.is_broken = False
        shown = await till.does("take back", sale=sale["sale"])
    client.set_async_httpx_client(whole)
    assert shown["said"] == "12.50 USD were given back."
    assert shop.api.get(f"/purchases/{bought.purchase_id}")["refunded_minor"] == 1250


async def test_what_the_service_refuses_is_told_in_its_words(
    served: Served, shop: Shop, who: str, tmp_path: Path
):
    shop.kiosk.sign_up(who)
    buy(shop.kiosk, who)
    reads = integrator(served, shop.api.merchant, Scope.PURCHASES_READ)
    till = Till(served, tmp_path, shop.api.merchant, reads.key)
    (sale,) = (await till.does("look up"))["sold"]
    shown = await till.does("take back", sale=sale["sale"])
    assert "refunds:write" in shown["said"]
    await till.close()
    stranger = Till(served, tmp_path, shop.api.merchant, "api_unknown.secret")
    shown = await stranger.does("look up")
    assert (shown["sold"], "key" in shown["said"]) == ([], True)
    await stranger.close()


async def test_of_a_kiosk_with_a_sandbox_in_it_the_state_folder_tells_everything(
    served: Served, shop: Shop, who: str, tmp_path: Path
):
    asked = _parser().parse_args(["--state", str(tmp_path)])
    assert _merchant(asked) is None, "a kiosk of another service names none"
    (tmp_path / "service").mkdir()
    api = f"{served.url}/v1/merchants/{shop.api.merchant}"
    ready = {"api_url": api, "api_key": shop.api.key, "ca": str(served.state.ca)}
    (tmp_path / "service" / "service.json").write_text(json.dumps({"ready": ready}))
    shop.kiosk.sign_up(who)
    bought = buy(shop.kiosk, who)
    merchant = _merchant(asked)
    assert merchant is not None
    assert [sale.purchase_id for sale in await merchant.sold()] == [bought.purchase_id]
    await merchant.close()


async def test_a_service_that_is_away_is_told_as_such(served: Served, tmp_path: Path):
    till = Till(served, tmp_path, "first", "api_unknown.secret")
    till.merchant._client._base_url = "https://127.0.0.1:1"
    shown = await till.does("look up")
    assert shown["said"] == "The service does not tell what was sold."
    await till.close()
