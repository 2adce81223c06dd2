"""The Python client for integrators is of today's API, and asks a kiosk."""

import json
import ssl

from palm_kiosk_client import AuthenticatedClient
from palm_kiosk_client.api.palm_requests import palm_requests_ask, palm_requests_show
from palm_kiosk_client.models import Asks, PalmRequest, Problem, WantedPalm

from tests.cloud.integrations.conftest import Shop
from tests.interop.client import DOCUMENT, document
from tests.support.served import Served


def test_it_is_made_from_what_the_service_describes():
    assert json.loads(DOCUMENT.read_text("utf-8")) == document(), "renew it with ./run client"


def test_it_has_a_kiosk_ask_and_finds_what_came_of_it(served: Served, shop: Shop):
    trusted = ssl.create_default_context(cafile=served.state.ca)
    client = AuthenticatedClient(
        served.url,
        shop.api.key,
        prefix="",
        auth_header_name="X-API-Key",
        verify_ssl=trusted,
        httpx_args={"trust_env": False},
    )
    wanted = WantedPalm(
        kind=Asks.APPROVE, question="Release the rental car?", device_id=shop.kiosk.id
    )
    merchant, key = shop.api.merchant, "rental-88121"
    with client:
        asked = palm_requests_ask.sync(merchant, client=client, body=wanted, idempotency_key=key)
        assert isinstance(asked, PalmRequest)
        told = palm_requests_show.sync(merchant, asked.request_id, client=client)
        missing = palm_requests_show.sync(merchant, "nobody", client=client)
    assert isinstance(told, PalmRequest)
    assert (told.state.value, told.person) == ("waiting", None)
    assert isinstance(missing, Problem)
    assert missing.status == 404
