from collections.abc import Iterator

import pytest

from tests.support.device import TestDevice
from tests.support.pair import Pair, pair


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # The stripe package itself causes it: it passes bytes to httpx under their old name.
    ignored = pytest.mark.filterwarnings("ignore:Use 'content=.*' to upload raw:DeprecationWarning")
    for item in items:
        if item.path.is_relative_to(__file__.rpartition("/")[0]):
            item.add_marker(ignored)
            item.add_marker(pytest.mark.process)


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """Two services over one database of a server."""
    with pair(tmp_path_factory.mktemp("pair")) as both:
        yield both


@pytest.fixture
def kiosk(served: Pair) -> TestDevice:
    """An activated device that no other test uses, and whose requests go to both in turns."""
    return served.kiosk()


@pytest.fixture
def who(request: pytest.FixtureRequest) -> str:
    """The name of a person who appears in no other test."""
    return request.node.name
