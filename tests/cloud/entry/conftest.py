import pytest

from tests.support.gates import Site
from tests.support.served import Served


@pytest.fixture
def site(served: Served) -> Site:
    """The site of a merchant that no other test uses."""
    return Site(served, served.merchant(name="Works"))
