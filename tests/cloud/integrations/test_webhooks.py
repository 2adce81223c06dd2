"""A merchant's own system is told of what happens, until it takes it, and of nobody's data."""

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy.event import listen, remove
from sqlalchemy.exc import DBAPIError

from cloud.context import Context, Event
from cloud.integrations import deliveries
from cloud.integrations.receivers import MOST
from cloud.integrations.tables import DeliveryRow, EventRow
from cloud.jobs import housekeeping
from cloud.outbox.standard_webhooks import secret_of, signature
from cloud.policy import EVENT_LIFE, SECRETS_OVERLAP
from cloud.settings import Settings
from protocol.messages import (
    DeletionReceipt,
    DeletionRequest,
    Outcome,
    ProblemType,
    Purchase,
    Purpose,
    Refund,
    RefundRequest,
)
from tests.cloud.integrations.conftest import Shop
from tests.support.device import TestDevice, fresh_phone
from tests.support.listener import HANGS_UP, Listener
from tests.support.served import PATIENCE_S, Served

HOUR = timedelta(hours=1)
WAITING = 20
TOLD = {
    "amount",
    "device",
    "enrolment",
    "identification",
    "person",
    "purchase",
    "purpose",
    "reference",
    "refund",
    "refund_reference",
    "site",
}
"""All that events tell. What `person` holds is looked at."""
Told = tuple[dict[str, str], dict[str, Any]]


class Receiver:
    """A receiver of everything, and what it has heard."""

    def __init__(self, served: Served, shop: Shop, listener: Listener) -> None:
        body = {"url": listener.url, "events": list(Event)}
        made = shop.api.post("/webhooks", body)
        self.id, self.secret = made["receiver_id"], secret_of(made["secret"])
        self._served, self._api, self._listener = served, shop.api, listener

    def hears(self) -> Told:
        return self._listener.hears(PATIENCE_S)

    def is_told(self) -> None:
        """Tells it of what is due, after whoever is telling it now."""
        self._served.do(deliveries.tell(self._served.context, self.id))

    def log(self) -> list[dict[str, Any]]:
        return self._api.get(f"/webhooks/{self.id}/deliveries")["deliveries"]


@pytest.fixture
def receiver(served: Served, shop: Shop, listener: Listener) -> Receiver:
    return Receiver(served, shop, listener)


def pays(kiosk: TestDevice, who: str) -> Purchase:
    return kiosk.post("/purchases", kiosk.sale(kiosk.recognised(who)), Purchase)


def leaves(kiosk: TestDevice, who: str) -> None:
    identification = kiosk.recognised(who, Purpose.LEAVE)
    kiosk.post("/deletions", DeletionRequest(identification_id=identification), DeletionReceipt)


def test_everything_that_happens_is_told_signed_and_without_anybodys_data(
    shop: Shop, receiver: Receiver, listener: Listener, who: str
):
    kiosk, phone, heard = shop.kiosk, fresh_phone(), list[Told]()

    def told(kind: Event) -> dict[str, Any]:
        heard.append(receiver.hears())
        assert heard[-1][1]["type"] == kind
        return heard[-1][1]["data"]

    kiosk.sign_up(who, phone=phone, holder="Alex Doe")
    assert told(Event.ENROLLED)["person"] is None
    shop.link(who, "M-1001")
    assert told(Event.IDENTIFIED)["person"] is None, "it was not linked yet"
    bought = pays(kiosk, who)
    assert told(Event.IDENTIFIED) | {"identification": ""} == {
        "identification": "",
        "purpose": "pay",
        "device": kiosk.id,
        "site": shop.site,
        "person": {"reference": "M-1001"},
    }
    assert told(Event.PAID) == {
        "purchase": bought.purchase_id,
        "reference": bought.reference,
        "device": kiosk.id,
        "amount": {"minor": 1250, "currency": "USD"},
        "person": {"reference": "M-1001"},
    }
    refund = kiosk.post(
        f"/purchases/{bought.reference}/refunds", RefundRequest(reference="refund-1"), Refund
    )
    assert told(Event.REFUNDED)["refund"] == refund.refund_id
    visit = "visit-of-a-stranger"
    while kiosk.identify("a stranger", visit_id=visit).outcome is not Outcome.REFUSED:
        pass
    assert told(Event.REFUSED)["person"] is None
    leaves(kiosk, who)
    assert told(Event.DELETED) == {"person": {"reference": "M-1001"}}

    for headers, body in heard:
        event_id, at = headers["webhook-id"], int(headers["webhook-timestamp"])
        sent = json.dumps(body).encode()
        assert headers["webhook-signature"] == signature(receiver.secret, event_id, at, sent)
        assert body.keys() == {"type", "timestamp", "data"}
        assert body["data"].keys() <= TOLD
        for personal in (phone, "Alex", "person_"):
            assert personal not in json.dumps(body)
    assert listener.heard.empty(), "and nothing of who leaves but that they have left"


def test_a_receiver_that_is_killed_in_the_middle_gets_it_again_with_the_same_id(
    served: Served, shop: Shop, receiver: Receiver, listener: Listener
):
    listener.answers = [HANGS_UP, 503, 301, 204]
    shop.api.post(f"/webhooks/{receiver.id}/test")
    first, body = receiver.hears()
    ids = {first["webhook-id"]}
    for _ in range(3):
        receiver.is_told()
        served.ahead += HOUR
        receiver.is_told()
        again, same = receiver.hears()
        ids.add(again["webhook-id"])
        assert same == body
    assert len(ids) == 1
    receiver.is_told()
    (entry,) = receiver.log()
    assert (entry["state"], entry["attempts"], entry["status"]) == ("delivered", 4, 204)
    assert entry["event_id"] == first["webhook-id"]
    assert listener.heard.empty(), "it does not follow where it is sent"


def test_what_a_receiver_does_not_take_within_a_day_is_given_up_and_told_by_hand(
    served: Served, shop: Shop, receiver: Receiver, listener: Listener
):
    listener.answers = [500, 500]
    path = f"/webhooks/{receiver.id}"
    delivery = shop.api.post(f"{path}/test")["delivery_id"]
    first, _ = receiver.hears()
    receiver.is_told()
    served.ahead = EVENT_LIFE - timedelta(seconds=5)
    receiver.is_told()
    receiver.hears()
    (entry,) = receiver.log()
    assert (entry["state"], entry["due_at"]) == ("given_up", None)
    shop.api.post(f"{path}/deliveries/{delivery}/replay")
    again, _ = receiver.hears()
    assert again["webhook-id"] == first["webhook-id"]
    receiver.is_told()
    assert receiver.log()[0]["state"] == "delivered"
    served.ahead = EVENT_LIFE + HOUR
    served.do(housekeeping.forget_expired(served.context))
    answer = shop.api.ask("POST", f"{path}/deliveries/{delivery}/replay")
    assert answer.json()["type"] == ProblemType.EXPIRED


def test_what_a_clock_that_was_ahead_has_put_off_is_told_once_the_clock_is_right(
    served: Served, shop: Shop, receiver: Receiver, listener: Listener
):
    listener.answers = [503]
    served.ahead = EVENT_LIFE
    shop.api.post(f"/webhooks/{receiver.id}/test")
    first, _ = receiver.hears()
    receiver.is_told()
    served.ahead = timedelta(0)
    receiver.is_told()
    again, _ = receiver.hears()
    assert again["webhook-id"] == first["webhook-id"]
    assert receiver.log()[0]["state"] == "delivered"


def test_what_nobody_took_in_time_is_given_up_and_not_called_gone(
    served: Served, shop: Shop, receiver: Receiver, listener: Listener
):
    listener.answers = [500]
    shop.api.post(f"/webhooks/{receiver.id}/test")
    receiver.hears()
    receiver.is_told()

    async def pass_a_day() -> None:
        """Others are told to it meanwhile, for as long as the event is kept."""
        async with served.context.database.turn("receiver", receiver.id):
            served.ahead = EVENT_LIFE + HOUR
            await housekeeping.forget_expired(served.context)

    served.do(pass_a_day())
    receiver.is_told()
    (entry,) = receiver.log()
    assert (entry["state"], entry["due_at"]) == ("given_up", None)


@pytest.mark.sqlite
def test_nothing_is_sent_while_nothing_can_be_written_down(
    served: Served, shop: Shop, receiver: Receiver, listener: Listener
):
    def do(*statements: str) -> None:
        with closing(sqlite3.connect(served.state.database, timeout=60)) as connection:
            for statement in statements:
                connection.execute(statement)

    refusing = f"WHEN NEW.receiver_id = '{receiver.id}' BEGIN SELECT RAISE(FAIL, 'full'); END"
    do(f"CREATE TRIGGER refusing BEFORE UPDATE ON webhook_deliveries {refusing}")
    try:
        shop.api.post(f"/webhooks/{receiver.id}/test")
        for _ in range(2):
            with suppress(DBAPIError):
                receiver.is_told()
        assert listener.heard.empty()
    finally:
        do("DROP TRIGGER refusing")
    receiver.hears()
    receiver.is_told()
    assert receiver.log()[0]["state"] == "delivered"


def test_what_was_to_be_told_of_somebody_goes_with_them_and_that_they_left_is_told(
    served: Served, shop: Shop, receiver: Receiver, listener: Listener, who: str
):
    kiosk = shop.kiosk
    kiosk.sign_up(who)
    receiver.hears()
    shop.link(who, "M-1001")
    receiver.hears()
    before = served.keys(EventRow)
    listener.answers = [503] * 9
    pays(kiosk, who)
    assert len(served.keys(EventRow) - before) == 2
    leaves(kiosk, who)
    assert len(served.keys(EventRow) - before) == 1, "that they have left"
    receiver.is_told()
    listener.answers.clear()
    listener.heard.queue.clear()
    served.ahead = HOUR
    receiver.is_told()
    assert receiver.hears()[1]["type"] == Event.DELETED
    assert listener.heard.empty()
    states = [entry["state"] for entry in receiver.log()]
    assert sorted(states[:3]) == ["delivered", "gone", "gone"]


def test_who_ends_the_agreement_with_a_merchant_has_left_it(
    served: Served, shop: Shop, receiver: Receiver, listener: Listener, who: str
):
    shop.kiosk.sign_up(who)
    shop.link(who, "M-1001")
    pays(shop.kiosk, who)
    identification = shop.kiosk.recognised(who, Purpose.LEAVE)
    for _ in range(4):
        receiver.hears()
    shop.kiosk.post(f"/identifications/{identification}/withdrawal", None, DeletionReceipt)
    _, told = receiver.hears()
    assert (told["type"], told["data"]) == (Event.DELETED, {"person": {"reference": "M-1001"}})

    async def events_of() -> list[str | None]:
        async with served.context.database.session() as session:
            return [
                (await session.get_one(EventRow, key[0])).person_id
                for key in served_keys
                if await session.get(EventRow, key[0])
            ]

    served_keys = {(entry["event_id"],) for entry in receiver.log()}
    assert set(served.do(events_of())) == {None}


def test_for_a_day_after_a_new_secret_both_sign(served: Served, shop: Shop, receiver: Receiver):
    served.stop_clock()
    path = f"/webhooks/{receiver.id}"
    renewed = secret_of(shop.api.post(f"{path}/secret")["secret"])

    def is_signed_by(*secrets: bytes) -> bool:
        shop.api.post(f"{path}/test")
        headers, body = receiver.hears()
        receiver.is_told()
        event_id, at = headers["webhook-id"], int(headers["webhook-timestamp"])
        sent = json.dumps(body).encode()
        signed = set(headers["webhook-signature"].split())
        return signed == {signature(secret, event_id, at, sent) for secret in secrets}

    assert renewed != receiver.secret
    assert is_signed_by(receiver.secret, renewed)
    served.ahead = SECRETS_OVERLAP
    assert shop.api.get(path)["secret_before_until"] is None
    assert is_signed_by(renewed)


def test_a_receiver_is_told_of_what_it_has_asked_for_alone_and_of_nothing_once_it_is_removed(
    shop: Shop, receiver: Receiver, listener: Listener, who: str
):
    path = f"/webhooks/{receiver.id}"
    wants = {"url": listener.url, "events": [Event.PAID, Event.ENROLLED]}
    assert shop.api.ask("PUT", path, wants).json()["events"] == [Event.ENROLLED, Event.PAID]
    shop.kiosk.sign_up(who)
    pays(shop.kiosk, who)
    assert [receiver.hears()[1]["type"] for _ in range(2)] == [Event.ENROLLED, Event.PAID]
    assert shop.api.ask("DELETE", path).status_code == 204
    pays(shop.kiosk, who)
    assert shop.api.ask("GET", path).status_code == 404
    assert listener.heard.empty()


def test_a_receiver_that_answers_nothing_keeps_no_other_waiting(
    served: Served, shop: Shop, receiver: Receiver
):
    deaf = {"url": "http://127.0.0.1:1/", "events": [Event.ENROLLED]}
    silent = shop.api.post("/webhooks", deaf)["receiver_id"]
    for each in (silent, receiver.id):
        shop.api.post(f"/webhooks/{each}/test")
    receiver.hears()
    served.do(deliveries.tell(served.context, silent))
    (entry,) = shop.api.get(f"/webhooks/{silent}/deliveries")["deliveries"]
    assert (entry["state"], entry["status"]) == ("waiting", None)
    assert entry["fault"] == "no answer: ConnectError"


def test_what_waits_behind_an_event_is_not_read_to_tell_it(
    served: Served, shop: Shop, receiver: Receiver, listener: Listener
):
    """One that was away for long would otherwise keep everybody from the database."""
    path, everything = f"/webhooks/{receiver.id}", list(Event)
    shop.api.ask("PUT", path, {"url": "http://127.0.0.1:1/", "events": everything})
    for _ in range(WAITING):
        shop.api.post(f"{path}/test")
    while not all(entry["attempts"] for entry in receiver.log()):
        receiver.is_told()
    shop.api.ask("PUT", path, {"url": listener.url, "events": everything})
    read: list[DeliveryRow] = []

    def count(row: DeliveryRow, _: object) -> None:
        read.append(row)

    listen(DeliveryRow, "load", count)
    try:
        served.ahead = HOUR
        receiver.is_told()
        for _ in range(WAITING):
            receiver.hears()
    finally:
        remove(DeliveryRow, "load", count)
    assert len(read) < 4 * WAITING


def test_the_record_is_listed_in_pages(shop: Shop, receiver: Receiver):
    told = [shop.api.post(f"/webhooks/{receiver.id}/test")["delivery_id"] for _ in range(3)]
    path = f"/webhooks/{receiver.id}/deliveries?limit=2"
    first = shop.api.get(path)
    second = shop.api.get(f"{path}&cursor={first['next']}")
    listed = [each["delivery_id"] for each in first["deliveries"] + second["deliveries"]]
    assert sorted(listed) == sorted(told)
    assert second["next"] is None


def test_a_merchant_has_so_many_receivers_at_the_most(shop: Shop):
    body = {"url": "https://example.com/hook", "events": [Event.PAID]}
    for _ in range(MOST):
        shop.api.post("/webhooks", body)
    assert shop.api.ask("POST", "/webhooks", body).json()["type"] == ProblemType.CONFLICT


@pytest.mark.parametrize(
    "url",
    ["http://example.com/hook", "https://user@example.com/", "ftp://example.com", "example", "x:"],
)
def test_what_is_no_address_for_webhooks_is_refused(shop: Shop, url: str):
    answer = shop.api.ask("POST", "/webhooks", {"url": url, "events": [Event.PAID]})
    assert (answer.status_code, answer.json()["type"]) == (422, ProblemType.MALFORMED)
    assert url not in answer.text


def outside_a_sandbox(context: Context) -> Context:
    """Returns what a service has that is no sandbox, an hour later. The one that is tested is a
    sandbox, and has nothing to tell meanwhile."""
    later = partial(hour_later, context)
    return replace(context, sandbox=False, settings=Settings(), clock=later)


def hour_later(context: Context) -> datetime:
    return context.clock() + HOUR


@pytest.mark.parametrize("change", [outside_a_sandbox])
def test_outside_a_sandbox_nothing_is_sent_to_this_machine(
    served: Served,
    shop: Shop,
    receiver: Receiver,
    listener: Listener,
    change: Callable[[Context], Context],
):
    listener.answers = [503]
    shop.api.post(f"/webhooks/{receiver.id}/test")
    receiver.hears()
    receiver.is_told()
    served.do(deliveries.tell(change(served.context), receiver.id))
    (entry,) = receiver.log()
    assert entry["fault"] == "it begins with https://"
    assert listener.heard.empty()


def test_a_name_that_leads_inside_is_looked_up_for_each_delivery_and_told_nothing(
    served: Served, shop: Shop
):
    """It may have led outside when it was given."""
    wants = {"url": "https://localhost:1/hook", "events": [Event.PAID]}
    receiver = shop.api.post("/webhooks", wants)["receiver_id"]
    shop.api.post(f"/webhooks/{receiver}/test")
    served.do(deliveries.tell(served.context, receiver))
    served.do(deliveries.tell(outside_a_sandbox(served.context), receiver))
    (entry,) = shop.api.get(f"/webhooks/{receiver}/deliveries")["deliveries"]
    assert "not a public one" in entry["fault"]


def test_the_record_of_what_was_told_is_kept_for_thirty_days(
    served: Served, shop: Shop, receiver: Receiver
):
    shop.api.post(f"/webhooks/{receiver.id}/test")
    receiver.hears()
    receiver.is_told()
    before = served.keys(DeliveryRow)
    served.ahead = timedelta(days=30, minutes=1)
    served.do(housekeeping.forget_expired(served.context))
    assert receiver.log() == []
    assert served.keys(DeliveryRow) < before
