"""The door of Odoo's point of sale, by what its JavaScript sends and does with the answers: that of
Odoo's own proxy (`hw_proxy`) and of the community's `pos_payment_terminal`."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from kiosk.screens import Notice
from kiosk.till.odoo import OdooDoor
from kiosk.till.till import SaleResult
from protocol.messages import Money
from tests.support.doors import OpenDoor
from tests.support.sealed import sealed

pytestmark = pytest.mark.anyio

ORIGIN = "https://shop.example"


class Shop:
    """A kiosk, and a page of Odoo that asks it."""

    def __init__(self, kiosk: OpenDoor) -> None:
        self.kiosk = kiosk
        self.odoo = OdooDoor("127.0.0.1", 0, None, [ORIGIN])
        self.page = httpx.AsyncClient(
            transport=httpx.ASGITransport(self.odoo.application(kiosk.till.answer_message)),
            base_url="http://localhost:8069",
            headers={"Origin": ORIGIN},
        )

    async def calls(self, what: str, params: Any) -> Any:
        body = {"jsonrpc": "2.0", "method": "call", "params": params, "id": 73}
        answer = await self.page.post(f"/hw_proxy/{what}", json=body)
        assert (answer.status_code, answer.json()["id"]) == (200, 73)
        return answer.json().get("result", answer.json().get("error"))

    async def pays(self, amount: Any = 4.5, line: str | None = None, **more: Any) -> Any:
        """Sends an amount: of a line of an order as newer clients do, or without any."""
        info = {"amount": amount, "currency_iso": "USD", "payment_mode": "card", **more}
        if line is not None:
            info |= {"payment_id": line, "order_id": "Order 00001-001-0001"}
        sent = {"payment_info": json.dumps(info)}
        return await self.calls("payment_terminal_transaction_start", sent)

    async def hears(self, transaction: str) -> Any:
        """Returns what a client that polls finds of its transaction."""
        drivers = await self.calls("status_json", {})
        found = [
            each
            for driver in drivers.values()
            if driver["is_terminal"]
            for each in driver["transactions"].values()
            if each["transaction_id"] == transaction
        ]
        return found[0] if found else None


@pytest.fixture(autouse=True)
def refuses_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing in these tests waits for anything else before it refuses a payment."""
    monkeypatch.setattr("kiosk.till.odoo.REFUSED_WITHIN_S", 0.01)


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    kiosk = OpenDoor(tmp_path)
    async with kiosk.open():
        yield Shop(kiosk)


async def test_the_box_is_found_and_shakes_hands(shop: Shop) -> None:
    assert (await shop.page.get("/hw_proxy/hello")).text == "ping"
    assert await shop.calls("handshake", {}) is True
    driver = (await shop.calls("status_json", {}))["payment"]
    assert (driver["status"], driver["messages"]) == ("connected", [])
    shop.kiosk.notice = Notice.OFFLINE
    driver = (await shop.calls("status_json", {}))["payment"]
    assert driver["status"] == "disconnected"
    assert "does not reach the palm service" in driver["messages"][0]


@pytest.mark.parametrize("number", [73, "r3", None, {"no": "number"}])
async def test_a_call_needs_no_number_and_gets_back_its_own(shop: Shop, number: Any) -> None:
    answer = await shop.page.post("/hw_proxy/handshake", json={"id": number, "params": {}})
    assert answer.json()["id"] == (number if isinstance(number, int | str) else None)
    assert (await shop.page.post("/hw_proxy/handshake", json={})).json()["result"] is True


@pytest.mark.parametrize("amount", [68.32, 68.32000000000001, 68.319999])
async def test_an_amount_is_taken_for_what_it_means(shop: Shop, amount: float) -> None:
    assert await shop.pays(amount) is True
    assert (await shop.kiosk.takes()).amount == Money(minor=6832, currency="USD")


async def test_the_information_may_also_be_an_object(shop: Shop) -> None:
    info = {"amount": 3, "currency_iso": "EUR"}
    assert await shop.calls("payment_terminal_transaction_start", {"payment_info": info}) is True
    assert (await shop.kiosk.takes()).amount == Money(minor=300, currency="EUR")


@pytest.mark.parametrize(
    ("result", "success", "status"),
    [
        (SaleResult.APPROVED, True, "Success"),
        (SaleResult.DECLINED, False, "Refusal"),
        (SaleResult.ANOTHER_WAY, False, "PaymentRestriction"),
        (SaleResult.NOT_PAID, False, "Cancel"),
    ],
)
async def test_a_client_that_polls_hears_the_outcome(
    shop: Shop, result: SaleResult, success: bool, status: str
) -> None:
    started = await shop.pays(line="c12")
    sale = await shop.kiosk.takes()
    name = started["transaction_id"]
    assert (await shop.hears(name))["success"] is None
    await shop.kiosk.till.answer(sale.reference, SaleResult.UNKNOWN)
    assert (await shop.hears(name))["success"] is None, "it may still be charged"
    await shop.kiosk.till.answer(sale.reference, result)
    heard = await shop.hears(name)
    assert (heard["success"], heard["status"]) == (success, status)
    assert heard["reference"] == sale.reference


async def test_a_line_that_is_sent_again_is_one_payment_until_it_has_failed(shop: Shop) -> None:
    first = await shop.pays(line="c12")
    assert (await shop.pays(line="c12"))["transaction_id"] == first["transaction_id"]
    await shop.kiosk.sells(SaleResult.DECLINED)
    second = await shop.pays(line="c12")
    assert second["transaction_id"] != first["transaction_id"]
    await shop.kiosk.sells()
    again = await shop.pays(line="c12")
    assert (again["transaction_id"], again["success"]) == (second["transaction_id"], True)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(shop.kiosk.till.next_request(), 0)
    assert (await shop.pays(line="c13"))["transaction_id"] != second["transaction_id"]


async def test_a_line_that_is_sent_again_without_its_noise_is_the_same_payment(
    shop: Shop,
) -> None:
    first = await shop.pays(68.32000000000001, line="c12")
    await shop.kiosk.sells()
    second = await shop.pays(68.32, line="c12")
    assert (second["transaction_id"], second["success"]) == (first["transaction_id"], True)


async def test_a_second_till_is_refused_whichever_door_it_has_come_through(shop: Shop) -> None:
    assert await shop.pays() is True
    sale = await shop.kiosk.takes()
    assert await shop.pays(5) is False
    assert await shop.pays(5, line="c1") is False
    async with shop.kiosk.client() as till:
        other = await till.pay(Money(minor=300, currency="USD"), (), "1")
        assert other.condition == "Busy"
        await shop.kiosk.till.answer(sale.reference, SaleResult.NOT_PAID)
        paying = asyncio.create_task(till.pay(Money(minor=300, currency="USD"), (), "2"))
        sale = await shop.kiosk.takes()
        assert await shop.pays() is False
        await shop.kiosk.till.answer(sale.reference, SaleResult.APPROVED)
        assert (await paying).condition is None


async def test_a_kiosk_that_cannot_serve_refuses_at_once(shop: Shop) -> None:
    shop.kiosk.notice = Notice.CAMERA
    assert await shop.pays() is False
    assert await shop.pays(line="c1") is False


async def test_after_a_restart_a_payment_is_still_known(tmp_path: Path) -> None:
    before = OpenDoor(tmp_path)
    async with before.open():
        shop = Shop(before)
        name = (await shop.pays(line="c12"))["transaction_id"]
        await before.sells()
    after = OpenDoor(tmp_path)
    async with after.open():
        shop = Shop(after)
        assert (await shop.hears(name))["success"] is True
        assert (await shop.pays(line="c12"))["transaction_id"] == name


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"payment_info": None},
        {"payment_info": "{"},
        {"payment_info": "[]"},
        {"payment_info": {"amount": "4.5", "currency_iso": "USD"}},
        {"payment_info": {"amount": 4.5}},
        None,
    ],
    ids=repr,
)
async def test_what_is_no_payment_is_an_error_of_the_call(shop: Shop, wrong: Any) -> None:
    told_of = await shop.calls("payment_terminal_transaction_start", wrong)
    assert "cannot be read" in told_of["message"]


@pytest.mark.parametrize("amount", [0, -4.5, 0.001, 10**12])
@pytest.mark.parametrize("line", [None, "c1"])
async def test_what_cannot_be_paid_is_refused(shop: Shop, amount: float, line: str | None) -> None:
    assert await shop.pays(amount, line) is False


async def test_a_cheque_is_no_payment_by_palm(shop: Shop) -> None:
    assert await shop.pays(payment_mode="check") is False


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\x80"])
async def test_what_is_no_call_is_refused(shop: Shop, body: bytes) -> None:
    assert (await shop.page.post("/hw_proxy/handshake", content=body)).status_code == 400


async def test_other_paths_and_methods_are_no_door(shop: Shop) -> None:
    for path in ("scan_item_success", "log", "hello"):
        assert (await shop.page.post(f"/hw_proxy/{path}", json={})).status_code == 404
    assert (await shop.page.get("/hw_proxy/handshake")).status_code == 404


async def test_a_browser_is_told_that_the_page_may_ask(shop: Shop) -> None:
    asked = {
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type",
        "Access-Control-Request-Private-Network": "true",
    }
    url = "/hw_proxy/payment_terminal_transaction_start"
    answer = await shop.page.options(url, headers=asked)
    assert answer.status_code == 204
    assert answer.headers["access-control-allow-origin"] == ORIGIN
    assert "Content-Type" in answer.headers["access-control-allow-headers"]
    assert answer.headers["access-control-allow-private-network"] == "true"


@pytest.mark.parametrize("origin", ["https://other.example", "http://shop.example", "null", None])
async def test_a_page_of_another_origin_reaches_nothing(shop: Shop, origin: str | None) -> None:
    url = "/hw_proxy/payment_terminal_transaction_start"
    info = {"payment_info": {"amount": 1, "currency_iso": "USD"}}
    shop.page.headers.pop("Origin")
    headers = {} if origin is None else {"Origin": origin}
    answer = await shop.page.post(url, json={"params": info}, headers=headers)
    assert answer.status_code == 403
    assert "access-control-allow-origin" not in answer.headers
    preflight = await shop.page.options(url, headers=headers)
    assert preflight.status_code == 403
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(shop.kiosk.till.next_request(), 0)


async def test_on_this_machine_the_door_speaks_plain_http(tmp_path: Path) -> None:
    kiosk = OpenDoor(tmp_path)
    odoo = kiosk.till._odoo = OdooDoor("127.0.0.1", 0, None, [ORIGIN])
    async with kiosk.open(), httpx.AsyncClient(trust_env=False, verify=False) as page:
        async with asyncio.timeout(60):
            await odoo.listener.opened.wait()
        url = f"http://127.0.0.1:{odoo.listener.port}/hw_proxy/hello"
        assert (await page.get(url, headers={"Origin": ORIGIN})).text == "ping"


async def test_both_doors_are_open_and_this_one_speaks_tls_with_the_kiosks_certificate(
    tmp_path: Path,
) -> None:
    kiosk = OpenDoor(tmp_path)
    odoo = kiosk.till._odoo = OdooDoor("127.0.0.1", 0, sealed(kiosk.certificate), [ORIGIN])
    trusted = ssl.create_default_context(cafile=kiosk.certificate)
    async with kiosk.open(), httpx.AsyncClient(verify=trusted, trust_env=False) as page:
        async with asyncio.timeout(60):
            await odoo.listener.opened.wait()
        url = f"https://127.0.0.1:{odoo.listener.port}/hw_proxy/hello"
        assert (await page.get(url, headers={"Origin": ORIGIN})).text == "ping"
        async with kiosk.client() as till:
            assert (await till.diagnose()).condition is None


async def test_a_status_that_is_asked_for_each_second_asks_nothing_of_the_service(
    tmp_path: Path,
) -> None:
    kiosk = OpenDoor(tmp_path)
    odoo = kiosk.till._odoo = OdooDoor("127.0.0.1", 0, None, [ORIGIN])
    async with kiosk.open():
        async with asyncio.timeout(60):
            await odoo.listener.opened.wait()
        shop = Shop(kiosk)
        shop.page = httpx.AsyncClient(
            trust_env=False,
            base_url=f"http://127.0.0.1:{odoo.listener.port}",
            headers={"Origin": ORIGIN},
        )
        paying = await shop.pays(line="c12")
        await kiosk.sells()
        while (heard := await shop.hears(paying["transaction_id"]))["success"] is None:
            pass
        assert heard["success"]
        assert kiosk.asked_for_total == 0
        await shop.page.aclose()
