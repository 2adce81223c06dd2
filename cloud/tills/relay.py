"""Messages between tills and kiosks on their way through the service.

A kiosk asks for messages over a connection of its own and sends their answers back, so nobody needs
to reach it. Messages are kept in memory while they are on their way and stand in no table: a
message that the kiosk has not taken within TAKEN_WITHIN_S never reaches it, so no payment begins
that the till has given up.
"""

import asyncio
import secrets
from collections import defaultdict, deque
from dataclasses import dataclass, field

from fastapi import APIRouter, Request
from fastapi.responses import PlainTextResponse, Response

from cloud.context import Context
from cloud.web import signed_request
from cloud.web.devices import merchant_of_device
from cloud.web.limits import read_body
from cloud.web.merchant_keys import API_KEY, KeyUse, merchant_with
from cloud.web.problems import Refusal
from cloud.web.signed_request import Caller
from protocol.messages import ProblemType, TillAnswer, TillMessage, TillMessages

POLL_S = 4.0
"""How long a kiosk's question waits for a message, in seconds: less than its patience."""
TAKEN_WITHIN_S = 10.0
"""How long a message waits for its kiosk, in seconds."""
ANSWERED_WITHIN_S = 180.0
"""How long a till waits for the answer to a message that its kiosk has taken, in seconds."""
ON_THEIR_WAY = 32
"""The largest number of messages of one kiosk that are not answered yet."""


@dataclass(eq=False)
class Relayed:
    """One message on its way."""

    body: str = field(repr=False)
    id: str = field(default_factory=lambda: secrets.token_urlsafe(12))
    taken: asyncio.Event = field(default_factory=asyncio.Event)
    answer: "asyncio.Future[TillAnswer]" = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )


class Relay:
    """The messages that are on their way in this process."""

    def __init__(self) -> None:
        self._waiting: defaultdict[str, deque[Relayed]] = defaultdict(deque)
        self._taken: dict[tuple[str, str], Relayed] = {}
        self._changed = asyncio.Condition()

    async def send(self, device_id: str, body: str) -> Relayed:
        """Puts a message on its way, and waits until its kiosk has taken it. Raises Refusal."""
        message = Relayed(body)
        on_their_way = sum(device == device_id for device, _ in self._taken)
        if on_their_way + len(self._waiting.get(device_id, ())) >= ON_THEIR_WAY:
            raise Refusal(ProblemType.TOO_MANY_ATTEMPTS, retry_after=1)
        waiting = self._waiting[device_id]
        waiting.append(message)
        async with self._changed:
            self._changed.notify_all()
        try:
            async with asyncio.timeout(TAKEN_WITHIN_S):
                await message.taken.wait()
        except TimeoutError:
            # Otherwise it was taken in this very moment.
            if not message.taken.is_set():
                raise Refusal(
                    ProblemType.KIOSK_AWAY, "the kiosk has not asked for messages", retry_after=5
                ) from None
        finally:
            if not message.taken.is_set():
                waiting.remove(message)
            if not waiting:
                self._waiting.pop(device_id, None)
        return message

    async def answer_to(self, device_id: str, message: Relayed) -> TillAnswer:
        """Waits for the answer to a message that was taken. Raises Refusal."""
        try:
            async with asyncio.timeout(ANSWERED_WITHIN_S):
                return await message.answer
        except TimeoutError:
            raise Refusal(
                ProblemType.KIOSK_AWAY, "the kiosk has taken the message and not answered it"
            ) from None
        finally:
            self._taken.pop((device_id, message.id), None)

    async def take(self, device_id: str) -> list[Relayed]:
        """Returns the messages for a kiosk, as soon as there is one; none after POLL_S."""
        try:
            async with asyncio.timeout(POLL_S), self._changed:
                await self._changed.wait_for(lambda: self._waiting.get(device_id))
        except TimeoutError:
            return []
        messages = list(self._waiting.pop(device_id))
        for message in messages:
            self._taken[device_id, message.id] = message
            message.taken.set()
        return messages

    def answer(self, device_id: str, message_id: str, answer: TillAnswer) -> bool:
        """Gives a message its answer. Returns whether anybody waits for it."""
        message = self._taken.get((device_id, message_id))
        if message is None or message.answer.done():
            return False
        message.answer.set_result(answer)
        return True


till_router = APIRouter(prefix="/v1/merchants/{merchant_id}/devices/{device_id}")
kiosk_router: APIRouter = signed_request.router()


@till_router.post("/sync")
async def sync(request: Request, merchant_id: str, device_id: str) -> Response:
    """Sends a message of the Terminal API to a kiosk and returns its answer."""
    relay, body = await _accepted(request, merchant_id, device_id)
    message = await relay.send(device_id, body)
    answer = await relay.answer_to(device_id, message)
    return Response(answer.body, answer.status, media_type="application/json")


@till_router.post("/async")
async def begin(request: Request, merchant_id: str, device_id: str) -> PlainTextResponse:
    """Sends a message of the Terminal API to a kiosk. What became of it is asked by a
    TransactionStatus."""
    relay, body = await _accepted(request, merchant_id, device_id)
    message = await relay.send(device_id, body)
    context: Context = request.app.state.context
    context.begin(_let_go(relay, device_id, message))
    return PlainTextResponse("ok")


async def _let_go(relay: Relay, device_id: str, message: Relayed) -> None:
    try:
        await relay.answer_to(device_id, message)
    except Refusal:
        # Nobody waits for it.
        return


@kiosk_router.get("/till-messages")
async def take(call: Caller, request: Request) -> TillMessages:
    """Returns the messages of tills for the kiosk that asks, as soon as there is one."""
    # Nothing may hold the database while it waits.
    await call.session.commit()
    relay: Relay = request.app.state.relay
    taken = await relay.take(call.device_id)
    return TillMessages(messages=[TillMessage(id=each.id, body=each.body) for each in taken])


@kiosk_router.put("/till-messages/{message_id}", status_code=204)
async def answer(call: Caller, request: Request, message_id: str, told: TillAnswer) -> None:
    """Takes the kiosk's answer to a message."""
    relay: Relay = request.app.state.relay
    if not relay.answer(call.device_id, message_id, told):
        raise Refusal(ProblemType.NOT_FOUND, "no till waits for this answer")


async def _accepted(request: Request, merchant_id: str, device_id: str) -> tuple[Relay, str]:
    """Returns the relay and the message of a till that may send it to this kiosk. Raises
    Refusal."""
    context: Context = request.app.state.context
    key = request.headers.get(API_KEY, "")
    async with context.database.session() as session:
        known = await merchant_with(session, context.master, KeyUse.TILL, key, context.clock())
        if known is None:
            raise Refusal(ProblemType.UNKNOWN_TILL)
        owner = await merchant_of_device(session, device_id)
    if not known == merchant_id == owner:
        raise Refusal(ProblemType.NOT_FOUND)
    body = await read_body(request)
    try:
        return request.app.state.relay, body.decode()
    except UnicodeDecodeError:
        raise Refusal(ProblemType.MALFORMED, "the message is no text") from None
