"""The portal and a kiosk at the same service: what is done at one is seen at the other."""

import asyncio
import ssl

import httpx
import pytest

from cloud.jobs.errands import run_errands
from cloud.people.deletions import remains_of
from protocol.messages import Outcome, Purchase, Side
from tests.support.device import TestDevice, fresh_phone
from tests.support.portal import Browser, last_code
from tests.support.served import Served

pytestmark = pytest.mark.anyio


async def test_from_signing_up_at_a_kiosk_to_being_unknown_there(
    served: Served, kiosk: TestDevice, who: str
):
    async def gather() -> None:
        await asyncio.gather(*served.context.background, return_exceptions=True)

    async def rest() -> None:
        await asyncio.to_thread(served.do, gather())

    trusted = ssl.create_default_context(cafile=served.state.ca)
    phone = fresh_phone()
    kiosk.sign_up(who, phone=phone, sides=(Side.LEFT, Side.RIGHT))
    transport = httpx.AsyncHTTPTransport(verify=trusted, trust_env=False)
    browser = Browser(transport, served.url, served.context, rest)
    async with browser.http:
        page = await browser.sign_in(phone)
        assert "Visa •••• 4242" in page.text

        kiosk.post("/purchases", kiosk.sale(kiosk.recognised(who), 1999), Purchase)
        assert "USD\N{NO-BREAK SPACE}19.99" in (await browser.open("/portal/history")).text

        await browser.submit(page, "/portal/freeze")
        assert kiosk.identify(who).outcome is Outcome.FROZEN
        await browser.submit(await browser.open("/portal"), "/portal/unfreeze")
        assert kiosk.identify(who).outcome is Outcome.ACCEPTED

        side = page.text.partition("Right palm")[0].rpartition("Left palm")
        assert all(side)
        right = page.text.partition("Right palm")[2].partition('href="')[2].partition('"')[0]
        await browser.submit(await browser.open(right), right)
        assert kiosk.identify(who, side=Side.RIGHT).outcome is Outcome.ASK_AGAIN
        assert kiosk.identify(who).outcome is Outcome.ACCEPTED

        page = await browser.submit(await browser.open("/portal/leave"), "/portal/leave")
        code = last_code(served.context, phone)
        page = await browser.submit(page, "/portal/leave/code", code=code)
        assert "Your data is deleted" in page.text
        assert kiosk.identify(who).outcome is Outcome.ASK_AGAIN

    receipt_id = page.url.path.rpartition("/")[2]
    served.do(run_errands(served.context))
    assert served.do(remains_of(receipt_id, served.state, served.database)) == []
