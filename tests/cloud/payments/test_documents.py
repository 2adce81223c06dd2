"""docs/integrations/payment.md, message by message: a device sends what the page says, the service
asks Stripe what the page says, and answers as it says."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cloud.app import create_app
from cloud.keys.persons import find_person
from cloud.merchants.merchants import follow_settings
from cloud.merchants.tables import FIRST
from cloud.payments.cards import ask_to_keep, keep_card
from cloud.providers import CardOnFile
from cloud.recognition.tables import IdentificationRow
from cloud.settings import Settings
from cloud.web.devices import register_device
from protocol.messages import Card, Outcome, Purpose
from protocol.signature import Request, key_id, sign_request
from tests.cloud.payments.test_receipts import member
from tests.support.shelf import NOON, Shelf
from tests.support.stripe_api import PAYMENT, StripeApi, intent, listing, refund

pytestmark = pytest.mark.anyio

PAGE = (Path(__file__).parents[3] / "docs" / "integrations" / "payment.md").read_text("utf-8")
BY_MESSAGE = PAGE.partition("\n## Message by message\n")[2].partition("\n## ")[0]
EXCHANGE = re.compile(
    r"^    (?P<method>GET|POST|PUT|DELETE) (?P<path>/v1/\S+)\n(?P<body>(?:    .+\n)*)"
    r"(?:\n(?P<answer>    \{(?:.+\n)(?:    .+\n)*))?",
    re.MULTILINE,
)
"""A request of a device, and the answer that follows it."""
ASKED = re.compile(
    r"^    → (?P<request>\S+ \S+)(?P<fields>(?: \{.*)?(?:\n      .+)*)\n", re.MULTILINE
)
"""What Stripe is asked."""
NAME = re.compile(r"[0-9a-f]{32}")
"""An id that the service has made."""
PAYING = "the-identification"


def exchanges() -> Iterator[re.Match[str]]:
    return EXCHANGE.finditer(BY_MESSAGE)


@pytest.fixture
async def device(books: Shelf) -> Ed25519PrivateKey:
    """A device of the first merchant that has recognised somebody who has a card."""
    key = Ed25519PrivateKey.generate()
    person_id = await member(books)
    kept = CardOnFile(Card(brand="visa", last4="4242"), "cus_1", "pm_1")
    async with books.database.session() as session:
        await follow_settings(session, Settings().merchant)
        await register_device(
            session,
            device_id=key_id(key.public_key()),
            public_key=key.public_key().public_bytes_raw(),
            name="Till 3",
            merchant_id=FIRST,
            site_id=FIRST,
            infrared=False,
            now=NOON,
        )
        person = await find_person(session, books.master, person_id)
        await ask_to_keep(session, books.master, "ours", NOON)
        await keep_card(session, books.master, person, kept, reference="ours", now=NOON)
        session.add(
            IdentificationRow(
                id=PAYING,
                merchant_id=FIRST,
                device_id=key_id(key.public_key()),
                visit_id="a-visit-of-somebody",
                purpose=Purpose.PAY,
                outcome=Outcome.ACCEPTED,
                attempts_left=2,
                person_id=person_id,
                pulse=False,
                expires_at=NOON.replace(hour=13),
            )
        )
        await session.commit()
    return key


@pytest.fixture
async def service(books: Shelf) -> httpx.AsyncClient:
    for name, value in (("settings", Settings()), ("sandbox", True), ("version", "0")):
        setattr(books, name, value)
    transport = httpx.ASGITransport(create_app(books.context))
    return httpx.AsyncClient(transport=transport, base_url="https://service")


async def sent(
    service: httpx.AsyncClient, key: Ed25519PrivateKey, method: str, path: str, body: bytes
) -> httpx.Response:
    headers = {"content-type": "application/json"} if body else {}
    if method == "POST":
        headers["idempotency-key"] = f"{path}-{len(body)}"[-40:].replace("/", "-")
    headers |= sign_request(Request(method, path, "", headers, body), key, now=NOON.timestamp())
    return await service.request(method, path, content=body, headers=headers)


async def test_devices_stripe_and_the_service_say_what_the_page_says(
    api: StripeApi, service: httpx.AsyncClient, device: Ed25519PrivateKey
):
    api.will("POST /payment_intents", intent("requires_confirmation"))
    api.will(f"GET /payment_intents/{PAYMENT}", intent("requires_confirmation"))
    api.will(f"POST /payment_intents/{PAYMENT}/confirm", intent("succeeded"))
    api.will(f"GET /refunds?payment_intent={PAYMENT}&limit=100", listing(url="/refunds"))
    api.will("POST /refunds", refund("succeeded"))
    names: dict[str, str] = {}

    def named(text: str) -> str:
        return NAME.sub(lambda name: names.get(name[0], name[0]), text)

    found = list(exchanges())
    assert len(found) == 9
    for asked in found:
        body = named(asked["body"]).strip().encode()
        answer = await sent(service, device, asked["method"], asked["path"], body)
        if asked["answer"] is None:
            assert (answer.status_code, answer.content) == (204, b"")
            continue
        told = answer.json()
        made = NAME.findall(json.dumps(told))
        names |= zip(NAME.findall(asked["answer"]), made, strict=True)
        assert told == json.loads(named(asked["answer"]))
    stripe = [
        (
            each["request"].replace("/v1", ""),
            cast(Any, json.loads(named(each["fields"]) or "{}")),
        )
        for each in ASKED.finditer(PAGE)
    ]
    for (request, fields), (was, told) in zip(stripe, api.asked, strict=True):
        assert was.partition("?")[0] == request
        names |= zip(NAME.findall(str(fields)), NAME.findall(str(told)), strict=True)
        assert told == json.loads(named(json.dumps(fields)))
