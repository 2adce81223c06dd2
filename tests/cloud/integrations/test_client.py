"""The Python client for integrators is of today's API, and asks a kiosk."""

import importlib
import json
import ssl
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from tests.cloud.integrations.conftest import Shop
from tests.interop.client import DOCUMENT, HERE, document
from tests.support.served import Served


@pytest.fixture
def palm_kiosk_client(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.syspath_prepend(str(HERE))
    yield importlib.import_module("palm_kiosk_client")
    for name in [each for each in sys.modules if each.startswith("palm_kiosk_client")]:
        del sys.modules[name]


def test_it_is_made_from_what_the_service_describes():
    assert json.loads(DOCUMENT.read_text("utf-8")) == document(), "renew it with ./run client"


def test_it_has_a_kiosk_ask_and_finds_what_came_of_it(
    served: Served, shop: Shop, palm_kiosk_client: Any
):
    ask = importlib.import_module("palm_kiosk_client.api.palm_requests.palm_requests_ask")
    show = importlib.import_module("palm_kiosk_client.api.palm_requests.palm_requests_show")
    models = importlib.import_module("palm_kiosk_client.models")
    trusted = ssl.create_default_context(cafile=served.state.ca)
    header = {"prefix": "", "auth_header_name": "X-API-Key", "verify_ssl": trusted}
    client = palm_kiosk_client.AuthenticatedClient(
        served.url, shop.api.key, **header, httpx_args={"trust_env": False}
    )
    wanted = models.WantedPalm(
        kind=models.Asks.APPROVE, question="Release the rental car?", device_id=shop.kiosk.id
    )
    merchant = shop.api.merchant
    with client:
        asked = ask.sync(merchant, client=client, body=wanted, idempotency_key="rental-88121")
        told = show.sync(merchant, asked.request_id, client=client)
        missing = show.sync(merchant, "nobody", client=client)
    assert (told.state.value, told.person) == ("waiting", None)
    assert missing.status == 404
