"""Limits how often something may be tried and how large a request may be."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cloud.policy import LONGEST_WINDOW, Limit
from cloud.web.problems import Refusal
from cloud.web.tables import Tally
from protocol.envelope import MAX_ENVELOPE
from protocol.messages import ENVELOPE_TYPE, ProblemType

MAX_BODY = 64 * 1024
"""The largest body in bytes that is not an envelope."""
DRAINED = 8 * 1024 * 1024
"""The number of bytes that are still read of a body that is too large: a sender reads the answer
only after it has sent everything."""


async def check(session: AsyncSession, limit: Limit, subject: str, now: datetime) -> None:
    """Raises Refusal when the subject has reached its limit."""
    count, first = (
        await session.execute(
            select(func.count(), func.min(Tally.at)).where(
                Tally.kind == limit.kind, Tally.subject == subject, Tally.at > now - limit.window
            )
        )
    ).one()
    if count >= limit.count:
        wait = int((first + limit.window - now).total_seconds()) + 1
        raise Refusal(ProblemType.TOO_MANY_ATTEMPTS, retry_after=wait)


def tally(session: AsyncSession, limit: Limit, subject: str, now: datetime) -> None:
    """Counts one event."""
    session.add(Tally(kind=limit.kind, subject=subject, at=now))


async def spend(session: AsyncSession, limit: Limit, subject: str, now: datetime) -> None:
    """Counts one event. Raises Refusal when the subject has reached its limit."""
    await check(session, limit, subject, now)
    tally(session, limit, subject, now)


async def forget_subjects(session: AsyncSession, subjects: Collection[str]) -> None:
    """Deletes the events of these subjects."""
    await session.execute(delete(Tally).where(Tally.subject.in_(subjects)))


async def forget_expired(session: AsyncSession, now: datetime) -> None:
    """Deletes the events that no limit counts any more."""
    await session.execute(delete(Tally).where(Tally.at <= now - LONGEST_WINDOW))


class BodyLimit:
    """ASGI middleware that refuses a body that is too large while it is being received."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        kind = dict(scope["headers"]).get(b"content-type", b"")
        limit = MAX_ENVELOPE if kind == ENVELOPE_TYPE.encode() else MAX_BODY
        received = 0

        async def counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > limit:
                while message.get("more_body") and received < DRAINED:
                    message = await receive()
                    received += len(message.get("body", b""))
                raise Refusal(ProblemType.TOO_LARGE)
            return message

        await self._app(scope, counted, send)
