from collections.abc import Generator, Iterator
from datetime import timedelta

import pytest
import stripe

from cloud.settings import Settings
from tests.support.authority import Authority
from tests.support.device import TestDevice
from tests.support.served import PLAIN, Served
from tests.support.shared import Shared


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # The stripe package itself causes it: it passes bytes to httpx under their old name.
    ignored = pytest.mark.filterwarnings("ignore:Use 'content=.*' to upload raw:DeprecationWarning")
    for item in items:
        if item.path.is_relative_to(__file__.rpartition("/")[0]):
            item.add_marker(ignored)


@pytest.fixture(scope="session", autouse=True)
def one_authority(tmp_path_factory: pytest.TempPathFactory) -> Generator[None]:
    """Has clients of Stripe, of which none gets that far, trust one authority: to read all of them
    takes longer than many a test."""
    file = Authority.make().write(tmp_path_factory.mktemp("authority") / "ca.pem")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stripe, "ca_bundle_path", str(file))
        yield


@pytest.fixture(scope="module", autouse=True)
def books_of_each_file(shared_service: Shared[Served]) -> Generator[None]:
    """Has the simulated provider forget at the end of a file what its tests have paid: it writes
    all that it knows to its file at each change, and looks at all of it to list some."""
    yield
    if shared_service.running is not None:
        shared_service.running.forget_payments()


@pytest.fixture
def served(
    shared_service: Shared[Served], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Served]:
    """The service that all tests share, with its clock set right again after each."""
    served = shared_service.get(
        lambda: Served(tmp_path_factory.mktemp("state"), Settings(recognition=PLAIN))
    )
    yield served
    served.ahead = timedelta(0)
    served.start_clock()


@pytest.fixture
def kiosk(served: Served) -> TestDevice:
    """An activated device that no other test uses."""
    return served.kiosk()


@pytest.fixture
def who(request: pytest.FixtureRequest) -> str:
    """The name of a person who appears in no other test."""
    return request.node.name
