"""A till whose messages reach its merchant's kiosk through the service."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta

import httpx
import pytest

from cloud.merchants.tables import FIRST
from cloud.tills import relay
from cloud.web import limits
from cloud.web.merchant_keys import KeyUse, make_key
from protocol.messages import PROBLEM_TYPE, ProblemType, TillAnswer, TillMessage, TillMessages
from tests.support.device import TestDevice
from tests.support.served import Served

MESSAGE = '{"SaleToPOIRequest": {}}'


class CloudTill:
    """A till on the other side of the internet, whose requests go on beside the test."""

    def __init__(self, served: Served, key: str) -> None:
        self.key = key
        self._http = served.device().http
        self._pool = ThreadPoolExecutor()

    def close(self) -> None:
        self._pool.shutdown()

    def sends(
        self, device: TestDevice, way: str = "sync", merchant: str = FIRST
    ) -> "Future[httpx.Response]":
        path = f"/v1/merchants/{merchant}/devices/{device.id}/{way}"
        headers = {"x-api-key": self.key}
        return self._pool.submit(self._http.post, path, content=MESSAGE, headers=headers)


def key_of(served: Served, merchant: str = FIRST, life: timedelta | None = None) -> str:
    async def make() -> str:
        async with served.context.database.session() as session:
            now = served.context.clock()
            key = await make_key(
                session, served.context.master, KeyUse.TILL, merchant, now, life=life
            )
            await session.commit()
            return key

    return served.do(make())


@pytest.fixture
def till(served: Served) -> Iterator[CloudTill]:
    till = CloudTill(served, key_of(served))
    yield till
    till.close()


def taken(kiosk: TestDevice) -> TillMessage:
    """Asks for messages until there is one."""
    while True:
        messages = kiosk.get("/till-messages", TillMessages).messages
        if messages:
            (message,) = messages
            return message


def answer(kiosk: TestDevice, message_id: str, body: str = "{}", status: int = 200) -> int:
    told = TillAnswer(status=status, body=body).model_dump_json().encode()
    return kiosk.send("PUT", f"/till-messages/{message_id}", told).status_code


def problem(response: httpx.Response) -> ProblemType:
    assert response.headers["content-type"] == PROBLEM_TYPE, response.text
    return ProblemType(response.json()["type"])


def test_a_message_reaches_the_kiosk_and_its_answer_the_till(till: CloudTill, kiosk: TestDevice):
    sent = till.sends(kiosk)
    message = taken(kiosk)
    assert message.body == MESSAGE
    assert answer(kiosk, message.id, '{"SaleToPOIResponse": {}}') == 204
    heard = sent.result()
    assert (heard.status_code, heard.json()) == (200, {"SaleToPOIResponse": {}})


def test_what_the_kiosk_refuses_is_refused_to_the_till(till: CloudTill, kiosk: TestDevice):
    sent = till.sends(kiosk)
    answer(kiosk, taken(kiosk).id, '{"why": "…"}', 400)
    assert sent.result().status_code == 400


def test_a_message_is_answered_while_another_one_waits(till: CloudTill, kiosk: TestDevice):
    payment = till.sends(kiosk)
    first = taken(kiosk)
    abort = till.sends(kiosk)
    second = taken(kiosk)
    answer(kiosk, second.id, "second")
    assert abort.result().text == "second"
    assert not payment.done()
    answer(kiosk, first.id, "first")
    assert payment.result().text == "first"


def test_a_till_that_does_not_wait_hears_that_the_kiosk_has_the_message(
    till: CloudTill, kiosk: TestDevice
):
    sent = till.sends(kiosk, "async")
    message = taken(kiosk)
    assert sent.result().text == "ok"
    assert answer(kiosk, message.id) == 204


def test_a_message_that_no_kiosk_takes_in_time_never_reaches_one(
    till: CloudTill, kiosk: TestDevice, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(relay, "TAKEN_WITHIN_S", 0.1)
    monkeypatch.setattr(relay, "POLL_S", 0.1)
    assert problem(till.sends(kiosk).result()) is ProblemType.KIOSK_AWAY
    assert kiosk.get("/till-messages", TillMessages).messages == []


def test_a_message_that_is_taken_as_its_time_ends_is_on_its_way(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(relay, "TAKEN_WITHIN_S", 0.0)

    async def take_at_the_last_moment() -> None:
        messages = relay.Relay()
        sending = asyncio.create_task(messages.send("a-kiosk", MESSAGE))
        await asyncio.sleep(0)
        (taken,) = await messages.take("a-kiosk")
        assert await sending is taken

    asyncio.run(take_at_the_last_moment())


def test_an_answer_that_comes_too_late_is_told_as_such(
    till: CloudTill, kiosk: TestDevice, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(relay, "ANSWERED_WITHIN_S", 0.1)
    sent = till.sends(kiosk)
    message = taken(kiosk)
    assert problem(sent.result()) is ProblemType.KIOSK_AWAY
    assert answer(kiosk, message.id) == 404


def test_a_kiosk_answers_only_its_own_messages(till: CloudTill, kiosk: TestDevice, served: Served):
    sent = till.sends(kiosk)
    message = taken(kiosk)
    assert answer(served.kiosk(), message.id, "forged") == 404
    answer(kiosk, message.id, "true")
    assert sent.result().text == "true"


@pytest.mark.parametrize("key", ["", "expired", "till_000000000000.x", "nonsense"])
def test_without_a_key_nothing_is_sent(
    till: CloudTill,
    kiosk: TestDevice,
    served: Served,
    key: str,
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(relay, "POLL_S", 0.1)
    till.key = key or till.key[:-1]
    if key == "expired":
        till.key = key_of(served, life=timedelta())
    refused = till.sends(kiosk).result()
    assert (refused.status_code, problem(refused)) == (401, ProblemType.UNKNOWN_TILL)
    assert kiosk.get("/till-messages", TillMessages).messages == []


def test_a_key_of_another_merchant_reaches_no_kiosk(
    till: CloudTill, kiosk: TestDevice, served: Served
):
    site = served.merchant()
    other = served.kiosk(site)
    for device, merchant in ((other, FIRST), (other, site), (kiosk, site)):
        refused = till.sends(device, merchant=merchant).result()
        assert problem(refused) is ProblemType.NOT_FOUND


def test_a_device_that_was_never_given_is_answered_as_another_merchants(
    till: CloudTill, served: Served
):
    refused = till.sends(served.device()).result()
    assert problem(refused) is ProblemType.NOT_FOUND


def test_too_many_messages_for_one_kiosk_are_refused(
    till: CloudTill, kiosk: TestDevice, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(relay, "ON_THEIR_WAY", 1)
    waiting = till.sends(kiosk, "async")
    message = taken(kiosk)
    assert waiting.result().text == "ok"
    assert problem(till.sends(kiosk).result()) is ProblemType.TOO_MANY_ATTEMPTS
    answer(kiosk, message.id)


def test_a_large_message_is_refused(till: CloudTill, kiosk: TestDevice):
    path = f"/v1/merchants/{FIRST}/devices/{kiosk.id}/sync"
    large = b"x" * (limits.MAX_BODY + 1)
    refused = kiosk.http.post(path, content=large, headers={"x-api-key": till.key})
    assert problem(refused) is ProblemType.TOO_LARGE


def test_a_kiosk_that_waits_keeps_nobody_from_the_database(
    till: CloudTill, kiosk: TestDevice, served: Served
):
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(taken, kiosk)
        other = served.kiosk()
        sent = till.sends(kiosk)
        answer(kiosk, waiting.result().id)
        assert sent.result().status_code == 200
        assert other.id != kiosk.id


def test_a_key_is_stored_as_its_hash_alone(till: CloudTill, served: Served):
    secret = till.key.partition(".")[2].encode()
    files = [path for path in served.state.database.parent.rglob("*") if path.is_file()]
    assert not any(secret in path.read_bytes() for path in files)
