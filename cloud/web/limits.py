"""How often, and how large."""

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cloud.recognition.policy import Limit
from cloud.tables import Tally
from cloud.web.problems import Refusal
from protocol.envelope import MAX_ENVELOPE
from protocol.messages import ENVELOPE_TYPE, ProblemType

MAX_BODY = 64 * 1024
"""Of anything but an envelope."""
DRAINED = 8 * 1024 * 1024
"""How much too much is still read, so that a sender who is nearly done hears why."""


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
    session.add(Tally(kind=limit.kind, subject=subject, at=now))


async def spend(session: AsyncSession, limit: Limit, subject: str, now: datetime) -> None:
    """Checks, and counts this one."""
    await check(session, limit, subject, now)
    tally(session, limit, subject, now)


class BodyLimit:
    """Refuses a body while it is being received, before any of it is looked at."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        kind = dict(scope["headers"]).get(b"content-type", b"")
        limit = MAX_ENVELOPE if kind == ENVELOPE_TYPE.encode() else MAX_BODY
        seen = 0

        async def counted() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > limit:
                while message.get("more_body") and seen < DRAINED:
                    message = await receive()
                    seen += len(message.get("body", b""))
                raise Refusal(ProblemType.TOO_LARGE)
            return message

        await self._app(scope, counted, send)
