"""Tills that reach the kiosk through the service, over the kiosk's own connection to it."""

import asyncio
import logging
from typing import NoReturn, Protocol

from kiosk.clock import Clock
from kiosk.service.errors import ServiceError
from kiosk.till.nexo.door import Answers, Door
from protocol.backoff import pause_after
from protocol.messages import TillAnswer, TillMessage

log = logging.getLogger(__name__)

LOOKS_S = 1.0
"""Seconds between two checks whether the kiosk is activated."""
SHORTEST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 30.0


class Messages(Protocol):
    """What of the service brings messages (`kiosk.service.client.SignatureService`)."""

    def knows_this_kiosk(self) -> bool: ...

    async def till_messages(self) -> list[TillMessage]: ...

    async def answer_till(self, message_id: str, answer: TillAnswer) -> None: ...


class Relayed:
    def __init__(self, service: Messages, clock: Clock) -> None:
        self._service = service
        self._clock = clock

    async def serve(self, door: Door, answers: Answers) -> NoReturn:
        """Answers messages until it is cancelled. Each is answered beside the others: an abort
        comes while a payment is in progress."""
        failures = 0
        async with asyncio.TaskGroup() as group:
            while True:
                if not self._service.knows_this_kiosk():
                    await self._clock.sleep(LOOKS_S)
                    continue
                try:
                    messages = await self._service.till_messages()
                except ServiceError as error:
                    if failures == 0:
                        log.warning("tills do not reach this kiosk through the service: %s", error)
                    pause = pause_after(failures, SHORTEST_PAUSE_S, LONGEST_PAUSE_S)
                    await self._clock.sleep(pause)
                    failures += 1
                    continue
                failures = 0
                for message in messages:
                    group.create_task(self._answer(message, door, answers))

    async def _answer(self, message: TillMessage, door: Door, answers: Answers) -> None:
        try:
            status, body = await door.answer_relayed(message.body.encode(), answers)
            await self._service.answer_till(message.id, TillAnswer(status=status, body=body))
        except ServiceError as error:
            # The till asks for the status.
            log.warning("a till's answer is lost on its way through the service: %s", error)
        except Exception as error:
            # One message must not end the others, nor the kiosk. The error may quote it.
            log.error("a till's message from the service failed with %s", type(error).__name__)
