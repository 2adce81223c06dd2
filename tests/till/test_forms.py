"""The two forms of the small till: the page, asked as a browser does, and the terminal."""

import asyncio
import io

import httpx
import pytest

from kiosk.screens import Points
from protocol.messages import Age
from tests.support.doors import OpenDoor
from till import terminal
from till.page import Page
from till.register import Register

pytestmark = pytest.mark.anyio


def browser(register: Register, host: str = "localhost") -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app=Page(register).app)
    return httpx.AsyncClient(transport=transport, base_url=f"http://{host}")


async def test_the_page_rings_up_and_pays(kiosk: OpenDoor, register: Register) -> None:
    async with browser(register) as page:
        for wish in (
            {"do": "add", "place": 0},
            {"do": "ring", "label": "Soup", "amount": "8,90"},
            {"do": "remove", "place": 0},
            {"do": "pay"},
        ):
            answer = await page.post("/do", json=wish)
            assert answer.status_code == 200
        shown = answer.json()
        assert (shown["total"], shown["selling"]) == ("8.90 USD", register.selling)
        assert shown["basket"] == [{"label": "Soup", "count": 1, "amount": "8.90 USD"}]
        await kiosk.sells()
        await register.settled()
        (sale,) = (await page.get("/state")).json()["sales"]
        assert (sale["amount"], sale["paid"]) == ("8.90 USD", True)
        assert "4242" in sale["outcome"]


async def test_the_page_tells_points_and_an_age_and_collects(
    kiosk: OpenDoor, register: Register
) -> None:
    async with browser(register) as page:
        await page.post("/do", json={"do": "add", "place": 0})
        asked = {"do": "pay", "points": "12", "balance": "", "age": "21"}
        assert (await page.post("/do", json=asked)).status_code == 200
        sale = await kiosk.sells()
        assert (sale.points, sale.over) == (Points(12), Age.TWENTY_ONE)
        await register.settled()
        (told,) = (await page.get("/state")).json()["sales"]
        assert told["outcome"] == "Paid: visa 4242. The shopper is over 21."
        await page.post("/do", json={"do": "collect", "points": "5", "balance": "7"})
        collected = await kiosk.collects()
        assert collected.points == Points(5, 7)
        await kiosk.till.tell_shopper(collected.reference, None)
        await register.settled()


async def test_the_page_is_told_why_something_cannot_be_done(register: Register) -> None:
    async with browser(register) as page:
        wrong = {"do": "collect", "points": "many"}
        for wish in ({"do": "pay"}, {"do": "abort"}, {"do": "refund"}, {"do": "jump"}, wrong):
            answer = await page.post("/do", json=wish)
            assert (answer.status_code, bool(answer.json()["why"])) == (409, True)
        assert (await page.post("/do", json={"do": 1})).status_code == 422


async def test_another_page_in_the_browser_reaches_nothing(register: Register) -> None:
    async with browser(register) as page:
        answer = await page.post("/do", content='{"do": "add"}')
        assert answer.status_code == 415
        assert "access-control-allow-origin" not in answer.headers
    async with browser(register, "till.example") as rebound:
        assert (await rebound.get("/state")).status_code == 400
    assert register.basket == []


async def test_the_page_needs_nothing_from_elsewhere_and_holds_no_key(register: Register) -> None:
    async with browser(register) as page:
        answer = await page.get("/")
        state = await page.get("/state")
    assert "http" not in answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "passphrase" not in answer.text + state.text


async def test_the_terminal_rings_up_and_pays(kiosk: OpenDoor, register: Register) -> None:
    out = io.StringIO()
    typed = io.StringIO("1\n1\n8.90 Soup of the day\n- 1\npay\npay\nwhat\n")
    serving = asyncio.create_task(terminal.serve(register, typed, out))
    sale = await kiosk.sells()
    await serving
    assert sale.amount.minor == 450 + 890
    told = out.getvalue()
    assert "A payment is in progress." in told
    assert told.rstrip().endswith("Paid: visa 4242.")


async def test_the_terminal_tells_points_and_an_age_and_collects(
    kiosk: OpenDoor, register: Register
) -> None:
    out = io.StringIO()
    typed = io.StringIO("1\npay points=12 age=16\npay points=12 balance=1262 age=18\n")
    serving = asyncio.create_task(terminal.serve(register, typed, out))
    sale = await kiosk.sells()
    await serving
    assert (sale.points, sale.over) == (Points(12, 1262), Age.EIGHTEEN)
    assert "The age is 18 or 21." in out.getvalue()
    assert out.getvalue().rstrip().endswith("The shopper is over 18.")
    typed = io.StringIO("collect age=18\ncollect points\ncollect points=5\n")
    serving = asyncio.create_task(terminal.serve(register, typed, out))
    asked = await kiosk.collects()
    assert asked.points == Points(5)
    await kiosk.till.tell_shopper(asked.reference, None)
    await serving
    assert "'age=18' is none of points=, balance=." in out.getvalue()
    assert "'points' is none of points=, balance=." in out.getvalue()
