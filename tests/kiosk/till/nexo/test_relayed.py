"""Messages of tills that come through the service, and the answers that go back."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from kiosk.service.errors import Offline
from kiosk.till.nexo.relayed import LONGEST_PAUSE_S, LOOKS_S, Relayed
from kiosk.till.till import Sale, SaleResult
from protocol.messages import TillAnswer, TillMessage
from tests.support.clocks import TurnedClock
from tests.support.shop import VISA, Shop
from tests.support.tills import KEY, Json, abort, enclosed, payment, sealed, told, write_keys

pytestmark = pytest.mark.anyio


class Service:
    """The service's side: what tills have sent, and what the kiosk has answered."""

    def __init__(self) -> None:
        self.knows = True
        self.waiting: asyncio.Queue[list[TillMessage] | Exception] = asyncio.Queue()
        self.answers: dict[str, asyncio.Future[TillAnswer]] = {}
        self.lost = False
        """Whether answers are lost on their way."""
        self.asked = 0

    def knows_this_kiosk(self) -> bool:
        return self.knows

    async def till_messages(self) -> list[TillMessage]:
        self.asked += 1
        told = await self.waiting.get()
        if isinstance(told, Exception):
            raise told
        return told

    async def answer_till(self, message_id: str, answer: TillAnswer) -> None:
        if self.lost:
            raise Offline("away", may_have_arrived=True)
        self.answers[message_id].set_result(answer)

    def sends(self, message: Json, name: str = "message-1") -> "asyncio.Future[TillAnswer]":
        answer = self.answers[name] = asyncio.get_running_loop().create_future()
        self.waiting.put_nowait([TillMessage(id=name, body=json.dumps(message))])
        return answer

    def sends_together(self, *messages: Json) -> "list[asyncio.Future[TillAnswer]]":
        """Hands over at once what has come while the kiosk was not asking."""
        named = {f"together-{place}": message for place, message in enumerate(messages)}
        handed = [TillMessage(id=name, body=json.dumps(said)) for name, said in named.items()]
        self.answers |= {name: asyncio.get_running_loop().create_future() for name in named}
        self.waiting.put_nowait(handed)
        return [self.answers[name] for name in named]


@pytest.fixture
async def service(shop: Shop, tmp_path: Path) -> Any:
    write_keys(tmp_path / "keys.toml", KEY)
    service = Service()
    shop.service = service
    await shop.reopens()
    return service


async def test_a_payment_comes_through_the_service_without_an_envelope(
    shop: Shop, service: Service
):
    answer = service.sends(payment(4.5))
    sale = await shop.takes()
    await shop.till.answer(sale.reference, SaleResult.APPROVED, card=VISA)
    heard = await answer
    assert heard.status == 200
    assert told(json.loads(heard.body)) == ("Success", None)


async def test_or_in_its_envelope_which_the_service_does_not_open(shop: Shop, service: Service):
    answer = service.sends(sealed(payment(4.5)))
    sale = await shop.takes()
    await shop.till.answer(sale.reference, SaleResult.NOT_PAID)
    heard = await answer
    assert "Cancel" not in heard.body
    assert told(enclosed(json.loads(heard.body))) == ("Failure", "Cancel")


async def test_an_abort_comes_while_the_payment_is_in_progress(shop: Shop, service: Service):
    paying = service.sends(payment(4.5))
    sale = await shop.takes()
    aborting = service.sends(abort("1"), "message-2")
    await shop.till.withdrawn(sale.reference)
    await shop.till.answer(sale.reference, SaleResult.NOT_PAID)
    assert told(json.loads((await paying).body)) == ("Failure", "Aborted")
    assert (await aborting).body == ""


async def test_an_abort_that_comes_together_with_its_payment_leaves_the_kiosk_waiting(
    shop: Shop, service: Service
):
    taking = asyncio.create_task(shop.till.next_request())
    paying, aborting = service.sends_together(payment(4.5), abort("1"))
    assert told(json.loads((await paying).body)) == ("Failure", "Aborted")
    assert (await aborting).body == ""
    service.sends(payment(5, service_id="2"), "message-3")
    sale = await taking
    assert isinstance(sale, Sale)
    assert sale.amount.minor == 500
    await shop.till.answer(sale.reference, SaleResult.NOT_PAID)


async def test_what_cannot_be_read_is_rejected(service: Service):
    assert (await service.sends({"nonsense": 1})).status == 400


async def test_a_lost_answer_ends_nothing(shop: Shop, service: Service):
    service.lost = True
    service.sends({"nonsense": 1})
    service.lost = False
    assert (await service.sends({"nonsense": 2}, "message-2")).status == 400


async def test_a_service_that_is_away_is_asked_again(shop: Shop, service: Service):
    service.waiting.put_nowait(Offline("away", may_have_arrived=False))
    answer = service.sends({"nonsense": 1})
    await shop.clock.turn(LONGEST_PAUSE_S)
    assert (await answer).status == 400


async def test_a_kiosk_that_is_not_activated_asks_for_nothing() -> None:
    clock, service = TurnedClock(), Service()
    service.knows = False
    shop: Any = None
    asking = asyncio.create_task(Relayed(service, clock).serve(shop, shop))
    await clock.turn(3 * LOOKS_S)
    assert service.asked == 0
    service.knows = True
    await clock.turn(LOOKS_S)
    assert service.asked == 1
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
