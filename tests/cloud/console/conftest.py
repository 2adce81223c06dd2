from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from tests.support.portal import Portal, open_portal


@pytest.fixture
async def portal(tmp_path: Path, anyio_backend: str) -> AsyncGenerator[Portal]:
    async with open_portal(tmp_path) as portal:
        yield portal
