from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.support.shelf import Shelf, shelf
from tests.support.stripe_api import StripeApi


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def api() -> Iterator[StripeApi]:
    with StripeApi() as api:
        yield api


@pytest.fixture
async def books(tmp_path: Path, api: StripeApi) -> AsyncIterator[Shelf]:
    """The payments of a service whose provider is the fake Stripe."""
    async with shelf(tmp_path, api) as books:
        yield books
