import pytest

from tests.support.served import Served
from tests.support.sites import Site


@pytest.fixture
def site(served: Served) -> Site:
    """The site of a merchant that no other test uses."""
    return Site(served, served.merchant(name="Works"))
