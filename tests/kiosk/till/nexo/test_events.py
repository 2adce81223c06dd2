"""Events that a till hears without asking, at a real server of its own on loopback."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from kiosk.till.nexo import events
from kiosk.till.nexo.certificate import ensure
from kiosk.till.nexo.envelope import SharedKey, Trailer, unseal
from kiosk.till.nexo.events import Event, Events, TillAddress
from kiosk.till.till import Tampering
from tests.support.sealed import sealed
from tests.support.shop import Shop
from tests.support.till_server import TillServer
from tests.support.tills import KEY, Json, request

pytestmark = pytest.mark.anyio

NOON = datetime(2027, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
async def till(tmp_path: Path) -> AsyncIterator[TillServer]:
    certificate = tmp_path / "till.pem"
    ensure(sealed(certificate), "till.example")
    async with TillServer(certificate).open() as till:
        yield till


def told_by(message: Json) -> Any:
    return message["SaleToPOIRequest"]["EventNotification"]


async def test_a_call_for_staff_is_sealed_and_heard(till: TillServer):
    listener = TillAddress(till.url, till.certificate)
    assert await Events(listener, lambda: KEY, "palm-kiosk").tell(
        Event.SALE_ADMIN, NOON, callStaff="true"
    )
    (heard,) = till.heard
    parts = heard["SaleToPOIRequest"]
    assert "callStaff" not in json.dumps(heard)
    trailer = Trailer.model_validate(parts["SecurityTrailer"])
    message, _ = unseal(parts["NexoBlob"], trailer, [KEY])
    assert told_by(json.loads(message)) == {
        "TimeStamp": "2027-03-01T12:00:00.000Z",
        "EventToNotify": "SaleAdmin",
        "EventDetails": "callStaff=true",
    }


async def test_without_a_key_an_event_goes_as_it_is(till: TillServer):
    listener = TillAddress(till.url, till.certificate)
    assert await Events(listener, lambda: None, "palm-kiosk").tell(Event.BEGIN_MAINTENANCE, NOON)
    (heard,) = till.heard
    assert told_by(heard)["EventToNotify"] == "BeginMaintenance"
    header = heard["SaleToPOIRequest"]["MessageHeader"]
    assert (header["MessageClass"], header["MessageType"]) == ("Event", "Notification")


async def test_a_till_that_nobody_named_hears_nothing_and_the_shopper_is_told_so(shop: Shop):
    assert not await shop.till.call_staff()


async def test_a_till_that_does_not_answer_or_refuses_has_not_heard(
    till: TillServer, monkeypatch: pytest.MonkeyPatch
):
    listener = TillAddress(till.url, till.certificate)
    told = Events(listener, lambda: KEY, "palm-kiosk")
    till.status = 500
    assert not await told.tell(Event.SALE_ADMIN, NOON)
    till.silent = True
    monkeypatch.setattr(events, "WITHIN_S", 0.1)
    assert not await told.tell(Event.SALE_ADMIN, NOON)


async def test_a_till_whose_answer_has_no_end_does_not_hold_up_the_shopper(till: TillServer):
    till.endless = True
    told = Events(TillAddress(till.url, till.certificate), lambda: KEY, "palm-kiosk")
    async with asyncio.timeout(10):
        assert await told.tell(Event.SALE_ADMIN, NOON)


async def test_a_till_with_a_certificate_of_others_is_told_nothing(
    till: TillServer, tmp_path: Path
):
    other = tmp_path / "other.pem"
    ensure(sealed(other), "till.example")
    told = Events(TillAddress(till.url, other), lambda: KEY, "palm-kiosk")
    assert not await told.tell(Event.SALE_ADMIN, NOON)
    assert till.heard == []


@pytest.mark.parametrize(
    "url",
    [
        "https://10.0.0.9:8444/events",
        "ftp://127.0.0.1/",
        "file:///etc/passwd",
        "https://[::1/",
        "https://127.0.0.1.example/",
        "nonsense",
    ],
)
async def test_an_address_that_is_not_the_senders_own_is_not_taken(url: str):
    told = Events(None, lambda: KEY, "palm-kiosk")
    told.call_back(url, "127.0.0.1", "till-1")
    assert not await told.tell(Event.SALE_ADMIN, NOON)


async def test_a_till_that_names_its_own_address_hears_there(till: TillServer):
    plain = f"http://127.0.0.1:{till.plain_port}/"
    told = Events(None, lambda: KEY, "palm-kiosk")
    told.call_back(plain, "127.0.0.1", "till-1")
    assert await told.tell(Event.SALE_ADMIN, NOON)
    (heard,) = till.heard
    assert heard["SaleToPOIRequest"]["MessageHeader"]["SaleID"] == "till-1"


async def test_staff_who_begin_and_end_maintenance_are_told_of(till: TillServer, shop: Shop):
    shop.listener = TillAddress(till.url, till.certificate)
    await shop.reopens()
    shop.till.maintain(begins=True)
    await till.hears(1)
    shop.till.maintain(begins=False)
    await till.hears(2)
    seen: list[str] = []
    for heard in till.heard:
        parts = heard["SaleToPOIRequest"]
        message, _ = unseal(
            parts["NexoBlob"], Trailer.model_validate(parts["SecurityTrailer"]), [KEY]
        )
        seen.append(told_by(json.loads(message))["EventToNotify"])
    assert seen == ["BeginMaintenance", "EndMaintenance"]


VECTOR = SharedKey(identifier="vector", version=1, passphrase="a passphrase of the test vector")


@pytest.mark.parametrize(
    ("title", "event", "details"),
    [
        ("An event in its envelope:", "SaleAdmin", "callStaff=true"),
        ("Tampering in its envelope:", "SecurityAlarm", "tamper=enclosure"),
    ],
)
def test_the_published_event_can_be_opened(title: str, event: str, details: str) -> None:
    page = Path("docs/integrations/till.md").read_text(encoding="utf-8")
    _, _, after = page.partition(f"{title}\n\n")
    published: Json = json.loads(after.partition("\n\n")[0])
    parts = published["SaleToPOIRequest"]
    trailer = Trailer.model_validate(parts["SecurityTrailer"])
    message, _ = unseal(parts["NexoBlob"], trailer, [VECTOR])
    told = told_by(json.loads(message))
    assert (told["EventToNotify"], told["EventDetails"]) == (event, details)
    _, _, opened = after.partition("above,\n\n")
    assert json.loads(opened.partition("\n\n")[0]) == json.loads(message)


async def test_telling_goes_on_beside_the_visit(shop: Shop, till: TillServer):
    till.silent = True
    shop.listener = TillAddress(till.url, till.certificate)
    await shop.reopens()
    shop.till.maintain(begins=True)
    await asyncio.sleep(0)
    await shop.closes()
    await shop.opens()


async def test_tampering_is_told_in_an_envelope_and_at_every_diagnosis_until_it_is_gone(
    shop: Shop, till: TillServer
):
    shop.listener = TillAddress(till.url, till.certificate)
    await shop.reopens()
    assert await shop.till.tampering(Tampering.ENCLOSURE)
    (heard,) = till.heard
    parts = heard["SaleToPOIRequest"]
    trailer = Trailer.model_validate(parts["SecurityTrailer"])
    message, _ = unseal(parts["NexoBlob"], trailer, [KEY])
    told = told_by(json.loads(message))
    assert (told["EventToNotify"], told["EventDetails"]) == ("SecurityAlarm", "tamper=enclosure")
    assert not await is_safe(shop)
    shop.till.tampering_ended(Tampering.ENCLOSURE)
    assert await is_safe(shop)


async def is_safe(shop: Shop) -> bool:
    answer = await shop.asks(request("Diagnosis", {}))
    status = answer["SaleToPOIResponse"]["DiagnosisResponse"]["POIStatus"]
    return status["SecurityOKFlag"]


async def test_a_till_that_has_not_heard_of_tampering_is_to_be_told_again(
    shop: Shop, till: TillServer
):
    till.status = 500
    shop.listener = TillAddress(till.url, till.certificate)
    await shop.reopens()
    assert not await shop.till.tampering(Tampering.CAMERA)
    till.status = 200
    assert await shop.till.tampering(Tampering.CAMERA)


async def test_where_no_till_listens_nobody_is_told_of_tampering(shop: Shop):
    assert await shop.till.tampering(Tampering.CAMERA)
    assert not await is_safe(shop)
