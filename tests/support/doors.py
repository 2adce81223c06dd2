"""A kiosk's door on loopback, without the rest of the kiosk."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from kiosk.clock import SystemClock
from kiosk.screens import Notice
from kiosk.service.errors import Offline
from kiosk.till.nexo.certificate import ensure
from kiosk.till.nexo.client import TillClient
from kiosk.till.nexo.door import Door
from kiosk.till.nexo.envelope import SharedKey
from kiosk.till.nexo.events import Events
from kiosk.till.nexo.keys import KeyFile
from kiosk.till.nexo.records import Records
from kiosk.till.nexo.till import NexoTill
from kiosk.till.till import Collection, Sale, SaleResult
from protocol.messages import Card, ProblemType, Purchase, Refund, RefundRequest, RefundTotal
from tests.support.sealed import sealed
from tests.support.tills import KEY, given_back, refused, write_keys

VISA = Card(brand="visa", last4="4242")


class OpenDoor:
    """A door that is open, whose kiosk is played by whoever holds it."""

    def __init__(self, folder: Path, *, unencrypted: bool = False) -> None:
        self.folder = folder
        self.keys = folder / "till-keys.toml"
        certificate = sealed(folder / "till-certificate.pem")
        self.certificate = certificate.path
        write_keys(self.keys, KEY)
        ensure(certificate, "till-door.example")
        keys = KeyFile(sealed(self.keys))
        self.door = Door("127.0.0.1", 0, certificate, keys, unencrypted=unencrypted)
        records = Records(sealed(folder / "till.db"))
        self.till = NexoTill(
            self.door,
            Events(None, lambda: None, "palm-kiosk"),
            records,
            self,
            merchant=lambda: "Corner Shop",
            clock=SystemClock(),
        )
        self.notice: Notice | None = None
        self.refunds: list[RefundRequest] = []
        self.total: RefundTotal | None = None
        """What the service tells was given back of a payment; None while it is away."""
        self.asked_for_total = 0

    async def find_purchase(self, reference: str) -> Purchase:
        raise refused(ProblemType.NOT_FOUND)

    async def refund(
        self, purchase_reference: str, request: RefundRequest, idempotency_key: str
    ) -> Refund:
        del idempotency_key
        self.refunds.append(request)
        return given_back(purchase_reference, request)

    async def refunded(self, purchase_reference: str) -> RefundTotal:
        self.asked_for_total += 1
        if self.total is None:
            raise Offline("away", may_have_arrived=False)
        return self.total.model_copy(update={"purchase_reference": purchase_reference})

    @asynccontextmanager
    async def open(self) -> AsyncGenerator[None]:
        keeping = asyncio.create_task(self.till.keep(lambda: self.notice, lambda _: False))
        async with asyncio.timeout(60):
            await self.door.opened.wait()
        try:
            yield
        finally:
            keeping.cancel()
            await asyncio.gather(keeping, return_exceptions=True)

    @asynccontextmanager
    async def client(
        self, key: SharedKey = KEY, certificate: Path | None = None
    ) -> AsyncGenerator[TillClient]:
        trusted = certificate or self.certificate
        client = TillClient("127.0.0.1", self.door.port, key, trusted, "till-1")
        try:
            yield client
        finally:
            await client.close()

    async def takes(self) -> Sale:
        async with asyncio.timeout(60):
            request = await self.till.next_request()
        assert isinstance(request, Sale)
        return request

    async def collects(self) -> Collection:
        async with asyncio.timeout(60):
            request = await self.till.next_request()
        assert isinstance(request, Collection)
        return request

    async def sells(self, result: SaleResult = SaleResult.APPROVED) -> Sale:
        """Answers the next sale."""
        sale = await self.takes()
        await self.till.answer(sale.reference, result, card=VISA)
        return sale
