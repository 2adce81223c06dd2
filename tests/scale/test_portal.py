"""Pages whose queries the engines read differently, with a database on a server."""

import pytest

from tests.cloud.portal.conftest import portal
from tests.cloud.portal.test_history import (
    test_every_purchase_and_refund_is_shown_with_what_became_of_it,
)
from tests.support import engine

pytestmark = pytest.mark.anyio

__all__ = ["portal", "test_every_purchase_and_refund_is_shown_with_what_became_of_it"]


@pytest.fixture(autouse=True)
def on_a_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(engine.VARIABLE, engine.POSTGRESQL)
