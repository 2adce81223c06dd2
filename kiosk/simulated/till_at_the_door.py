"""The dock's till at a kiosk with a door: it comes in as every other till does."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from kiosk.faults import FileUnusable
from kiosk.screens import Points
from kiosk.settings import TillDoor
from kiosk.till.nexo.client import Answer, Rejected, TillClient, Unreachable
from kiosk.till.nexo.keys import NAME, add_key, read_keys
from protocol.messages import Age, Money
from protocol.sealed import SealedPath

log = logging.getLogger(__name__)

EVERYWHERE = {"0.0.0.0", "::"}  # noqa: S104 - these stand for any address, loopback included


class TillAtTheDoor:
    """A till on the kiosk's own machine, on the loop that the kiosk runs on."""

    def __init__(self, files: SealedPath, door: TillDoor) -> None:
        self._files = files
        self._host = "localhost" if door.host in EVERYWHERE else door.host
        self._port = door.port
        self._client: TillClient | None = None
        self._asking: dict[str, asyncio.Task[None]] = {}
        """The requests in progress, by ServiceID."""
        self._aborting: set[asyncio.Task[None]] = set()

    def ring_up(self, amount: Money, merchant: str, over: Age | None = None) -> None:
        """Sends a payment. The log is told what becomes of it."""
        del merchant
        self._begin(lambda client, number: client.pay(amount, (), number, over))

    def collect(self, points: Points, merchant: str) -> None:
        """Asks for the shopper's membership. The log is told what becomes of it, without the
        membership."""
        del merchant
        self._begin(lambda client, number: client.collect(points, number))

    def withdraw(self) -> None:
        """Aborts every request in progress."""
        for number in self._asking:
            task = asyncio.create_task(self._abort(number))
            self._aborting.add(task)
            task.add_done_callback(self._aborting.discard)

    def _connected(self) -> TillClient:
        """Raises FileUnusable and OSError."""
        file = self._files / NAME
        keys = read_keys(file)
        key = keys[-1] if keys else add_key(file)
        certificate = self._files.path / "till-certificate.pem"
        return TillClient(self._host, self._port, key, certificate, "dock")

    def _begin(self, ask: Callable[[TillClient, str], Awaitable[Answer]]) -> None:
        """Sends a request. The log is told why when it cannot be sent."""
        try:
            client = self._client = self._client or self._connected()
        except (FileUnusable, OSError) as error:
            log.warning("the dock's till cannot speak with the door: %s", error)
            return
        number = client.next_number()
        task = self._asking[number] = asyncio.create_task(_hear(ask(client, number)))
        task.add_done_callback(lambda _: self._asking.pop(number))

    async def _abort(self, number: str) -> None:
        assert self._client is not None, "a request is in progress"
        try:
            await self._client.abort(number)
        except (Unreachable, Rejected) as failed:
            log.warning("the dock's till was not answered: %s", failed)


async def _hear(answered: Awaitable[Answer]) -> None:
    try:
        answer = await answered
    except (Unreachable, Rejected) as failed:
        log.warning("the dock's till was not answered: %s", failed)
    else:
        log.info("the dock's till hears: %s", answer.condition or "Success")
