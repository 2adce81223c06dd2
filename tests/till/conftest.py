from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from protocol.messages import Money
from tests.support.doors import OpenDoor
from till.register import Article, Register


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def kiosk(tmp_path: Path) -> AsyncIterator[OpenDoor]:
    kiosk = OpenDoor(tmp_path)
    async with kiosk.open():
        yield kiosk


@pytest.fixture
async def register(kiosk: OpenDoor) -> AsyncIterator[Register]:
    async with kiosk.client() as client:
        coffee = Article("Coffee", Money(minor=450, currency="USD"))
        register = Register(client, [coffee], "USD")
        yield register
        await register.close()
