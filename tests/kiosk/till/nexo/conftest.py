from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.shop import Shop


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    shop = Shop(tmp_path)
    await shop.opens()
    yield shop
    await shop.closes()
