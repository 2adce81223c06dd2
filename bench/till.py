"""What the till's door adds to the palm and the payment provider: how long a payment takes whose
shopper and provider take no time."""

import asyncio
import statistics
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from bench.figure import Figure
from kiosk.till.nexo.client import TillClient
from protocol.messages import Money
from tests.support.doors import OpenDoor

PAYMENTS = 200
COFFEE = Money(minor=450, currency="USD")


def measure() -> list[Figure]:
    with TemporaryDirectory() as folder:
        anew, kept = asyncio.run(_measure(Path(folder)))
    how = f"{PAYMENTS} encrypted payments on loopback, recorded on the disk, till and door together"
    return [
        Figure("what the till's door adds, median", statistics.median(anew), "ms", how, 60),
        Figure("  95th percentile", float(np.percentile(anew, 95)), "ms", how),
        Figure("  on a connection that is kept, median", statistics.median(kept), "ms", how),
        Figure("  95th percentile", float(np.percentile(kept, 95)), "ms", how),
    ]


async def _measure(folder: Path) -> tuple[list[float], list[float]]:
    """Returns the milliseconds of each payment: on connections of their own, as most tills make
    them, and on one that is kept."""
    kiosk = OpenDoor(folder)
    anew: list[float] = []
    async with kiosk.open():
        selling = asyncio.create_task(_sell(kiosk))
        async with kiosk.client() as client:
            await _pay(client)
            kept = [await _pay(client) for _ in range(PAYMENTS)]
            for _ in range(PAYMENTS):
                async with kiosk.client() as newcomer:
                    # It takes the numbers that were not used yet.
                    anew.append(await _pay(newcomer, client.next_number()))
        selling.cancel()
        await asyncio.gather(selling, return_exceptions=True)
    return anew, kept


async def _sell(kiosk: OpenDoor) -> None:
    while True:
        await kiosk.sells()


async def _pay(client: TillClient, service_id: str | None = None) -> float:
    number = service_id or client.next_number()
    began = time.perf_counter()
    answer = await client.pay(COFFEE, (), number)
    assert answer.condition is None
    return 1000 * (time.perf_counter() - began)
