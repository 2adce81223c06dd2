"""The door by which tills reach the kiosk: `POST /nexo` over TLS on the local network."""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from typing import Any, NoReturn, Protocol

import uvicorn
from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from kiosk.screens import Check, Finding, Health, Part
from kiosk.till.listening import Listener
from kiosk.till.nexo.certificate import fingerprint, passphrase, public_part
from kiosk.till.nexo.envelope import SharedKey, Trailer, Unopened, enclose, unseal
from kiosk.till.nexo.events import CALLBACK, Events
from kiosk.till.nexo.keys import KeyFile
from kiosk.till.nexo.messages import Json, Message, Unreadable, message_in, parse
from protocol.connections import Connection
from protocol.sealed import SealedPath
from protocol.seldom import Seldom

log = logging.getLogger(__name__)

MOST = 256 * 1024
"""The largest message in bytes."""
WITHIN_S = 10.0
"""How long a till may take to send a message, in seconds."""
LOG_AGAIN_S = 1.0
"""Seconds between two lines of the log about messages that are refused."""
CONNECTIONS = 64
"""The largest number of connections; more are refused."""

Answers = Callable[[Message], Awaitable[Json | None]]
"""Returns the answer to a message; None is an empty one."""


class Entrance(Protocol):
    """Where tills of one dialect come in."""

    async def serve(self, answers: Answers) -> NoReturn:
        """Serves tills until it is cancelled."""
        ...


class Door:
    def __init__(
        self,
        host: str,
        port: int,
        certificate: SealedPath,
        keys: KeyFile,
        events: Events | None = None,
        *,
        unencrypted: bool,
    ) -> None:
        """`certificate` is what `ensure` has made. Messages outside an envelope
        are answered only with `unencrypted`, and may name an address for `events` then."""
        self._events = events
        self._listener = Listener(host, port)
        self._certificate = certificate
        self._keys = keys
        self._unencrypted = unencrypted
        self._may_log = Seldom(LOG_AGAIN_S)

    @property
    def port(self) -> int:
        return self._listener.port

    @property
    def opened(self) -> asyncio.Event:
        """Set once tills can connect."""
        return self._listener.opened

    def check(self) -> Check:
        """Returns the line of the door for the maintenance screen."""
        if self._listener.shut_out is not None:
            values = (self.port, self._listener.shut_out)
            return Check(Part.TILL, Health.BROKEN, Finding.TILL_SHUT_OUT, values)
        if not self._unencrypted and not self._keys.keys():
            path = str(self._keys.path)
            return Check(Part.TILL, Health.BROKEN, Finding.TILL_WITHOUT_KEY, (path,))
        values = (self.port, fingerprint(self._certificate.path))
        return Check(Part.TILL, Health.GOOD, Finding.TILL_DOOR, values)

    async def serve(self, answers: Answers) -> NoReturn:
        """Serves tills until it is cancelled."""
        await self._listener.serve(self._configuration(answers))

    def _configuration(self, answers: Answers) -> uvicorn.Config:
        async def nexo(request: Request) -> Response:
            return await self._respond(request, answers)

        async def certificate(_: Request) -> Response:
            """The till's side compares the fingerprint with the one in the staff area."""
            return Response(
                public_part(self._certificate.path), media_type="application/x-pem-file"
            )

        routes = [Route(path, nexo, methods=["POST"]) for path in ("/nexo", "/nexo/")]
        return uvicorn.Config(
            Starlette(routes=[*routes, Route("/certificate.pem", certificate)]),
            http=Connection,
            ssl_certfile=self._certificate.path,
            ssl_keyfile_password=passphrase(self._certificate),
            log_config=None,
            access_log=False,
            lifespan="off",
            server_header=False,
            limit_concurrency=CONNECTIONS,
            timeout_graceful_shutdown=1,
        )

    async def _respond(self, request: Request, answers: Answers) -> Response:
        try:
            async with asyncio.timeout(WITHIN_S):
                body = await read(request)
        except (TimeoutError, ClientDisconnect):
            return Response(status_code=408)
        try:
            message, key = self._read_message(body, plain=self._unencrypted)
        except (Unopened, Unreadable) as problem:
            return _json(_rejected(str(problem)), 400)
        url = request.headers.get(CALLBACK)
        if key is None and url is not None and self._events is not None and request.client:
            self._events.call_back(url, request.client.host, message.header.SaleID)
        answer = await answers(message)
        if answer is None:
            return Response()
        return _json(answer if key is None else enclose(answer, key))

    async def answer_relayed(self, body: bytes, answers: Answers) -> tuple[int, str]:
        """Returns status and body of the answer to a message that has come through the service. It
        may be without an envelope: the service knows the till by its key."""
        try:
            message, key = self._read_message(body, plain=True)
        except (Unopened, Unreadable) as problem:
            return 400, json.dumps(_rejected(str(problem)))
        answer = await answers(message)
        if answer is None:
            return 200, ""
        return 200, json.dumps(answer if key is None else enclose(answer, key))

    def _read_message(self, body: bytes, *, plain: bool) -> tuple[Message, SharedKey | None]:
        """Returns a message, and the key of its envelope. Raises Unopened and Unreadable."""
        try:
            text, key = self._opened(body, plain=plain)
            return message_in(parse(text), None if key is None else key.identifier), key
        except (Unopened, Unreadable) as problem:
            self._log_refusal(problem)
            raise

    def _log_refusal(self, problem: Exception) -> None:
        """Whoever sends much that is refused does not fill the log."""
        if self._may_log():
            log.warning("a till's message was refused: %s", problem)

    def _opened(self, body: bytes, *, plain: bool) -> tuple[bytes, SharedKey | None]:
        """Returns the message as it was sent, and the key of its envelope; None without one, which
        is right with `plain` only. Raises Unopened and Unreadable."""
        request: Any = parse(body).get("SaleToPOIRequest")
        if not isinstance(request, dict):
            raise Unreadable("There is no SaleToPOIRequest.")
        parts: Json = request  # pyright: ignore[reportUnknownVariableType]
        blob: Any = parts.get("NexoBlob")
        if blob is None:
            if not plain:
                raise Unopened(
                    "This kiosk answers encrypted messages only. Set up one of its keys at the "
                    "till, or unencrypted = true in the kiosk's settings."
                )
            return body, None
        try:
            trailer = Trailer.model_validate(parts.get("SecurityTrailer"))
        except ValidationError:
            raise Unopened("The SecurityTrailer is missing, or a part of it is.") from None
        if not isinstance(blob, str):
            raise Unopened("The NexoBlob is no text.")
        return unseal(blob, trailer, self._keys.keys())


async def read(request: Request) -> bytes:
    """Returns the body of a request. Raises ClientDisconnect, also when it is too large."""
    body = b""
    async for some in request.stream():
        body += some
        if len(body) > MOST:
            raise ClientDisconnect
    return body


def _rejected(why: str) -> Json:
    """Returns the notification that a message was rejected (EventNotification, Reject)."""
    return {
        "SaleToPOIRequest": {
            "EventNotification": {"EventToNotify": "Reject", "EventDetails": why},
        }
    }


def _json(body: Json, status: int = 200) -> Response:
    return Response(json.dumps(body), status, media_type="application/json")
