from collections.abc import Iterator
from datetime import timedelta

import pytest

from cloud.settings import Settings
from tests.support.device import TestDevice
from tests.support.served import PLAIN, Served


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # Of the stripe package's own making: it gives httpx bytes under their old name.
    told = pytest.mark.filterwarnings("ignore:Use 'content=.*' to upload raw:DeprecationWarning")
    for item in items:
        if item.path.is_relative_to(__file__.rpartition("/")[0]):
            item.add_marker(told)


@pytest.fixture(scope="session")
def shared_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with Served(tmp_path_factory.mktemp("state"), Settings(recognition=PLAIN)) as served:
        yield served


@pytest.fixture
def served(shared_service: Served) -> Iterator[Served]:
    """The service all tests share, at the right time."""
    yield shared_service
    shared_service.ahead = timedelta(0)


@pytest.fixture
def kiosk(served: Served) -> TestDevice:
    """A device of the test's own, activated."""
    return served.kiosk()


@pytest.fixture
def who(request: pytest.FixtureRequest) -> str:
    """Somebody who appears in no other test."""
    return request.node.name
