"""What every answer tells a browser, whether or not it was meant for one."""

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADERS = {
    "content-security-policy": "default-src 'none'; base-uri 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "cache-control": "no-store",
}
"""An answer is data, to be neither rendered nor framed nor kept, unless it says otherwise."""
HSTS = "max-age=31536000; includeSubDomains"
"""HTTP Strict Transport Security (RFC 6797), for a year."""
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
