"""Limits how often something may be tried, and how large and how slow a request may be."""

import asyncio
from collections import OrderedDict, deque
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from ipaddress import ip_address, ip_network

from sqlalchemy import delete, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cloud.db.locks import lock
from cloud.policy import LONGEST_WINDOW, Limit
from cloud.web.problems import Refusal
from cloud.web.tables import Tally
from protocol.messages import ProblemType

MAX_BODY = 64 * 1024
"""The largest body in bytes that is neither an envelope nor a file."""
BODY_S = 20.0
"""How long the body of a request may take to arrive, in seconds. A kiosk gives up earlier."""
LARGE_AT_ONCE = 2
"""The number of bodies larger than MAX_BODY, of one sender, that are in memory at once; further
ones wait."""
DRAINED = 8 * 1024 * 1024
"""The number of bytes that are still read of a body that is too large: a sender reads the answer
only after it has sent everything."""
REMEMBERED = 10_000
"""The largest number of limits and addresses together that `Strangers` keeps."""


class LimitReached(Refusal):
    """A subject has reached a limit."""

    def __init__(self, limit: Limit, subject: str, retry_after: int) -> None:
        super().__init__(ProblemType.TOO_MANY_ATTEMPTS, retry_after=retry_after)
        self.limit = limit
        self.subject = subject


async def check(session: AsyncSession, limit: Limit, subject: str, now: datetime) -> None:
    """Raises LimitReached when the subject has reached its limit. Nobody else counts its events
    before the transaction ends.

    What is further ahead than the window was counted by a clock that was wrong, and does not count.
    """
    await lock(session, "limit", limit.kind, subject)
    count, first = (
        await session.execute(
            select(func.count(), func.min(Tally.at)).where(
                Tally.kind == limit.kind,
                Tally.subject == subject,
                Tally.at > now - limit.window,
                Tally.at < now + limit.window,
            )
        )
    ).one()
    if count >= limit.count:
        wait = int((first + limit.window - now).total_seconds()) + 1
        raise LimitReached(limit, subject, wait)


@dataclass(frozen=True, slots=True)
class Counted:
    """An event that was counted."""

    _row: Tally

    async def take_back(self, session: AsyncSession) -> None:
        await session.flush()
        await session.delete(self._row)


def tally(session: AsyncSession, limit: Limit, subject: str, now: datetime) -> Counted:
    """Counts one event."""
    row = Tally(kind=limit.kind, subject=subject, at=now)
    session.add(row)
    return Counted(row)


async def spend(session: AsyncSession, limit: Limit, subject: str, now: datetime) -> None:
    """Counts one event. Raises LimitReached when the subject has reached its limit."""
    await check(session, limit, subject, now)
    tally(session, limit, subject, now)


async def take_back(session: AsyncSession, limit: Limit, subject: str) -> None:
    """Takes back the newest event of a subject."""
    await lock(session, "limit", limit.kind, subject)
    newest = select(func.max(Tally.id)).where(Tally.kind == limit.kind, Tally.subject == subject)
    await session.execute(delete(Tally).where(Tally.id == newest.scalar_subquery()))


async def forget_subjects(session: AsyncSession, subjects: Collection[str]) -> None:
    """Deletes the events of these subjects."""
    await session.execute(delete(Tally).where(Tally.subject.in_(subjects)))


async def forget_expired(session: AsyncSession, now: datetime) -> None:
    """Deletes the events that no limit counts any more."""
    past, ahead = Tally.at <= now - LONGEST_WINDOW, Tally.at >= now + LONGEST_WINDOW
    await session.execute(delete(Tally).where(or_(past, ahead)))


class Strangers:
    """Counts in memory what senders do who are not known as devices, by limit and address.

    Nothing is written to the database for a stranger, who could fill it. An IPv6 network of 64 bits
    counts as one address, because one sender has all of its addresses.
    """

    def __init__(self) -> None:
        self._events: OrderedDict[tuple[str, str], deque[datetime]] = OrderedDict()

    def spend(self, limit: Limit, address: str, now: datetime) -> None:
        """Counts one event. Raises Refusal when the address has reached its limit."""
        key = limit.kind, _network(address)
        events = self._events.setdefault(key, deque())
        self._events.move_to_end(key)
        if len(self._events) > REMEMBERED:
            self._events.popitem(last=False)
        while events and events[0] <= now - limit.window:
            events.popleft()
        while events and events[-1] >= now + limit.window:
            # A clock that was wrong has counted it.
            events.pop()
        if len(events) >= limit.count:
            wait = int((events[0] + limit.window - now).total_seconds()) + 1
            raise Refusal(ProblemType.TOO_MANY_ATTEMPTS, retry_after=wait)
        events.append(now)

    def left(self, limit: Limit, address: str, now: datetime) -> tuple[int, int]:
        """Returns how many events an address has left, and in how many seconds it has one more."""
        events = self._events.get((limit.kind, _network(address)))
        if not events:
            return limit.count, 0
        wait = int((events[0] + limit.window - now).total_seconds()) + 1
        return limit.count - len(events), wait

    def take_back(self, limit: Limit, address: str) -> None:
        """Takes back the latest event of an address."""
        events = self._events.get((limit.kind, _network(address)))
        if events:
            events.pop()


def plain(address: str) -> str:
    """Returns an IPv4 address as such, which a socket of both families tells as one of IPv6 (RFC
    4291, section 2.5.5.2). Any other is returned as it is."""
    try:
        ip = ip_address(address)
    except ValueError:
        return address
    return address if ip.version == 4 or ip.ipv4_mapped is None else str(ip.ipv4_mapped)


def _network(address: str) -> str:
    address = plain(address)
    try:
        ip = ip_address(address)
    except ValueError:
        return address
    return address if ip.version == 4 else str(ip_network((ip, 64), strict=False))


async def read_body(request: Request, limit: int = MAX_BODY) -> bytes:
    """Reads the body of a request. Raises Refusal when it is larger than `limit` bytes, and when it
    does not arrive in time or whole."""
    request.scope["body limit"] = limit
    try:
        async with asyncio.timeout(BODY_S):
            return await request.body()
    except ClientDisconnect:
        # Nobody hears it.
        raise Refusal(ProblemType.MALFORMED, "the body did not arrive whole") from None
    except TimeoutError:
        raise Refusal(
            ProblemType.MALFORMED, "the body did not arrive in time", status=408, retry_after=1
        ) from None


class BodyLimit:
    """ASGI middleware that refuses a body that is too large while it is being received.

    The limit is MAX_BODY until `read_body` sets another.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        received = 0

        async def counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > scope.get("body limit", MAX_BODY):
                while message.get("more_body") and received < DRAINED:
                    message = await receive()
                    received += len(message.get("body", b""))
                raise Refusal(ProblemType.TOO_LARGE)
            return message

        await self._app(scope, counted, send)
