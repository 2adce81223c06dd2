"""Deliveries: tells each receiver of each event until it takes it.

A receiver is told of one event after the other. One that it does not take it is told again after a
pause, which doubles with each attempt, and hears of later ones meanwhile; no other receiver waits
for it. An event is delivered when the receiver has answered with 2xx. Whoever is killed in between,
on either side, gets it again, with the same `webhook-id`.
"""

import asyncio
import logging
import ssl
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache

import httpx
from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.context import Context
from cloud.db.due import is_due
from cloud.db.locks import held
from cloud.db.turns import TurnTaken
from cloud.integrations import addresses, events, receivers
from cloud.integrations.tables import DeliveryRow, ReceiverRow
from cloud.outbox import standard_webhooks
from protocol.backoff import pause_after

log = logging.getLogger(__name__)

ANSWER_S = 10.0
"""How long a receiver may take to be found and to answer, in seconds."""
FIRST_PAUSE_S = 5.0
LONGEST_PAUSE_S = 3600.0


@dataclass(frozen=True, slots=True)
class _Due:
    delivery_id: str
    event_id: str
    url: str
    secrets: list[bytes]
    body: bytes


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int | None
    fault: str | None = None

    @property
    def is_taken(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


async def begin_deliveries(context: Context) -> None:
    """Begins to tell every receiver for which something is due, beside the rest of housekeeping:
    none may keep it waiting."""
    async with context.database.reading() as session:
        due = await session.scalars(
            select(DeliveryRow.receiver_id).where(_is_due(context.clock())).distinct()
        )
        waiting = set(due) - context.telling
    for receiver_id in waiting:
        context.telling.add(receiver_id)
        context.begin(_tell_beside(context, receiver_id))


async def tell(context: Context, receiver_id: str) -> None:
    """Tells a receiver of everything that is due, one after the other, until it does not take one.
    Raises TurnTaken when another process tells it."""
    async with context.database.turn("receiver", receiver_id):
        while True:
            async with context.database.session() as session:
                due = await _next(context, session, receiver_id)
                await session.commit()
            if due is None:
                return
            answer = await _send(context, due)
            async with context.database.session() as session:
                await _record(context, session, due, answer)
                await session.commit()
            if not answer.is_taken:
                return


async def _tell_beside(context: Context, receiver_id: str) -> None:
    try:
        with suppress(TurnTaken):
            await tell(context, receiver_id)
    finally:
        context.telling.discard(receiver_id)


async def _next(context: Context, session: AsyncSession, receiver_id: str) -> _Due | None:
    """Returns what is due first, and notes that it is tried. What is not kept any more is left out,
    and recorded as such."""
    now = context.clock()
    receiver = await session.get(ReceiverRow, receiver_id)
    if receiver is None:
        return None
    # One alone: after a day without the receiver there may be thousands.
    first = (
        select(DeliveryRow)
        .where(DeliveryRow.receiver_id == receiver_id, _is_due(now))
        .order_by(DeliveryRow.due_at, DeliveryRow.id)
        .limit(1)
        .with_for_update(key_share=True)
    )
    while (row := await session.scalar(first)) is not None:
        body = await events.body_of(session, context.master, row.event_id)
        if body is not None:
            secrets = receivers.secrets_of(context, receiver, now)
            # Written down before: on a disk that stores nothing it would be sent again and again.
            row.attempts += 1
            row.tried_at, row.due_at = now, _again_at(row, now)
            return _Due(row.id, row.event_id, receiver.url, secrets, body)
        if now < row.at + events.life_of(row.kind):
            row.due_at, row.state = None, "gone"
        else:
            _give_up(row)
    return None


async def _send(context: Context, due: _Due) -> _Answer:
    at = round(context.clock().timestamp())
    headers = standard_webhooks.headers(due.event_id, at, due.body, *due.secrets)
    try:
        # Neither a proxy of the environment, which would look names up itself, nor a redirect.
        client = httpx.AsyncClient(
            follow_redirects=False, timeout=ANSWER_S, trust_env=False, verify=_trusted()
        )
        async with asyncio.timeout(ANSWER_S), client:
            private = receivers.may_be_private(context)
            target = await addresses.resolve(due.url, private=private)
            told = client.stream(
                "POST",
                target.url,
                content=due.body,
                headers=headers | {"host": target.host, "user-agent": f"palm/{context.version}"},
                extensions={"sni_hostname": target.name},
            )
            async with told as answer:
                # What else it says is not read.
                return _Answer(answer.status_code)
    except addresses.NotAllowed as no:
        return _Answer(None, str(no))
    except TimeoutError:
        return _Answer(None, f"no answer within {ANSWER_S:g} seconds")
    except OSError:
        return _Answer(None, "there is no such host")
    except httpx.HTTPError as error:
        return _Answer(None, f"no answer: {type(error).__name__}")


@cache
def _trusted() -> ssl.SSLContext:
    """Returns the authorities by which receivers are known. Reading them takes 40 ms, in which no
    kiosk is answered, and an event may go to ten receivers."""
    return httpx.create_ssl_context(trust_env=False)


async def _record(context: Context, session: AsyncSession, due: _Due, answer: _Answer) -> None:
    row = await held(session, DeliveryRow, due.delivery_id)
    if row is None:
        # The receiver was removed meanwhile.
        return
    now = context.clock()
    row.status, row.fault, row.tried_at = answer.status, answer.fault, now
    if answer.is_taken:
        row.state, row.due_at = "delivered", None
        return
    row.due_at = due_at = _again_at(row, now)
    if due_at >= row.at + events.life_of(row.kind):
        _give_up(row)


def _again_at(row: DeliveryRow, now: datetime) -> datetime:
    """Returns when an event is told again that was not taken."""
    return now + timedelta(seconds=pause_after(row.attempts - 1, FIRST_PAUSE_S, LONGEST_PAUSE_S))


def _is_due(now: datetime) -> ColumnElement[bool]:
    return is_due(DeliveryRow.due_at, now, LONGEST_PAUSE_S)


def _give_up(row: DeliveryRow) -> None:
    row.state, row.due_at = "given_up", None
    log.warning("a receiver of webhooks has not taken an event for as long as it was told")
