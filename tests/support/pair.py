"""Two services over one database of a server, asked in turns as behind a balancer: what one has
begun, the other goes on with."""

import itertools
import ssl
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from cloud.recognition.feed import newest
from cloud.settings import Payments, Settings
from tests.support import databases, postgres
from tests.support.device import TestDevice
from tests.support.served import PLAIN, Served

SEARCHES = ("/identifications", "/palm", "/palms")
"""How the paths end of what searches the gallery."""


class Alternating(httpx.BaseTransport):
    """Sends each request to the service whose turn it is."""

    def __init__(self, services: Iterator[Served], ca: Path, address: str | None) -> None:
        trusted = ssl.create_default_context(cafile=ca)
        self._transport = httpx.HTTPTransport(
            verify=trusted, local_address=address, trust_env=False
        )
        self._services = services

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        service = next(self._services)
        if request.url.path.endswith(SEARCHES):
            service.do(has_followed(service))
        url = httpx.URL(service.url)
        request.url = request.url.copy_with(port=url.port)
        request.headers["host"] = f"{url.host}:{url.port}"
        return self._transport.handle_request(request)

    def close(self) -> None:
        self._transport.close()


async def has_followed(service: Served) -> None:
    """Waits until the gallery of a service has followed everything that was committed before."""
    gallery = service.context.gallery
    async with service.database.reading() as session:
        change = await newest(session)
    assert change is not None

    def has_read() -> bool:
        return gallery.seen is not None and gallery.seen >= change

    async with gallery.following:
        await gallery.following.wait_for(has_read)


class Pair(Served):
    """The first of two services. Its devices ask both in turns, one request after the other."""

    second: Served
    services: Iterator[Served]

    def device(self, address: str | None = None) -> TestDevice:
        device = super().device(address)
        device.http.close()
        device.http = httpx.Client(
            base_url=self.url,
            transport=Alternating(self.services, self.state.ca, address),
            timeout=60,
            trust_env=False,
        )
        return device


@contextmanager
def pair(root: Path) -> Generator[Pair]:
    # Every process of a test run has a folder of this name.
    server = postgres.migrated(databases.name_for(root))
    first = Pair(root, Settings(recognition=PLAIN), server=server)
    with first:
        elsewhere = Payments.model_validate({"stripe_url": first.provider_url})
        settings = Settings(recognition=PLAIN, payments=elsewhere)
        with Served(root, settings, server=server) as second:
            # Each has a simulated phone of its own otherwise.
            second.context.messenger = first.context.messenger
            first.second, first.services = second, itertools.cycle((first, second))
            yield first
