"""What every answer tells a browser, whether or not it was meant for one, how large ones are sent,
and what is answered when the server stops."""

import asyncio

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cloud.web.problems import Refusal
from protocol.messages import ProblemType

HEADERS = {
    "content-security-policy": "default-src 'none'; base-uri 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "cache-control": "no-store",
}
"""An answer is data, to be neither rendered nor framed nor kept, unless it says otherwise."""
HSTS = "max-age=31536000; includeSubDomains"
"""HTTP Strict Transport Security (RFC 6797), for a year."""
PIECE = 32 * 1024
"""The largest number of bytes that are sent at once."""
MORE = "answer headers"
"""The key of the scope under which a request leaves headers that its answer has, whatever it is."""


class AnswerHeaders:
    """ASGI middleware that gives an answer those of HEADERS that it does not have, and HSTS where
    the service has a host name for browsers, and those that the request has left under MORE."""

    def __init__(self, app: ASGIApp, *, has_host_name: bool) -> None:
        self._app = app
        self._headers = HEADERS | ({"strict-transport-security": HSTS} if has_host_name else {})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def completed(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
                headers.update(scope.get(MORE, {}))
            await send(message)

        await self._app(scope, receive, completed)


class InPieces:
    """ASGI middleware that sends large answers in pieces, each when the client has taken most of
    those before: so they do not lie in memory, and the server sees whether the client gets on
    (`protocol.connections`)."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_pieces(message: Message) -> None:
            body = message.get("body", b"")
            last = 0
            while len(body) - last > PIECE:
                piece = body[last : last + PIECE]
                await send({"type": message["type"], "body": piece, "more_body": True})
                last += PIECE
            await send({**message, "body": body[last:]} if last else message)

        await self._app(scope, receive, send_pieces)


class Interrupted:
    """ASGI middleware that has a request be sent again which the server cancels, because it stops
    and waits no longer. uvicorn would answer that the service has failed, and nobody repeats that.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        has_begun = False

        async def noted(message: Message) -> None:
            nonlocal has_begun
            has_begun = True
            await send(message)

        try:
            await self._app(scope, receive, noted)
        except asyncio.CancelledError:
            if has_begun:
                raise
            refusal = Refusal(ProblemType.BUSY, retry_after=1)
            await refusal.response()(scope, receive, send)
