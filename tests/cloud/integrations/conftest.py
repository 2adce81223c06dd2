from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from cloud.merchants.merchants import place_of
from protocol.messages import Membership, Purpose
from tests.support.device import TestDevice
from tests.support.integrator import Integrator, integrator
from tests.support.listener import Listener
from tests.support.served import Served


@dataclass
class Shop:
    """A merchant that no other test uses: its kiosk, and whoever builds on the service for it."""

    kiosk: TestDevice
    api: Integrator
    site: str

    def link(self, who: str, code: str) -> None:
        """Has somebody link a reference of the merchant to their palm."""
        identification = self.kiosk.recognised(who, Purpose.IDENTIFY)
        body = Membership(code=code).model_dump_json().encode()
        path = f"/identifications/{identification}/membership"
        assert self.kiosk.send("PUT", path, body).status_code == 204


def open_shop(served: Served) -> Shop:
    site = served.merchant()

    async def owner() -> str:
        async with served.context.database.session() as session:
            return (await place_of(session, site))[1].id

    return Shop(served.kiosk(site), integrator(served, served.do(owner())), site)


@pytest.fixture
def shop(served: Served) -> Shop:
    return open_shop(served)


@pytest.fixture
def listener() -> Iterator[Listener]:
    with Listener() as listener:
        yield listener
