"""Signed requests of devices: each is authenticated, accepted once and answered once.

A request passes these steps in order: its signature proves the device; its nonce is stored, so that
a replay is refused; an idempotency key that was answered before gets the stored answer. The last
changes of a request and its answer are written in one transaction, so neither exists without the
other. A refusal is an answer too (`cloud.web.problems.Refusal`): a wrong code counts once, however
often its request is repeated.
"""

import asyncio
import json
import logging
import traceback
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Annotated, Any
from weakref import WeakValueDictionary

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from fastapi import APIRouter, Depends, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from sqlalchemy import delete
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.context import Context
from cloud.keys.persons import OpenPerson, find_person
from cloud.policy import ANSWER_LIFE
from cloud.vault.client import VaultUnavailable
from cloud.web.problems import Refusal, unexpected_response
from cloud.web.tables import DeviceRow, Nonce, StoredAnswer
from protocol import signature
from protocol.encoding import from_base64
from protocol.messages import ENVELOPE_TYPE, PROBLEM_TYPE, Problem, ProblemType

log = logging.getLogger(__name__)

Handler = Callable[[Request], Coroutine[Any, Any, Response]]

_turns: WeakValueDictionary[tuple[str, str], asyncio.Lock] = WeakValueDictionary()
"""A lock for each idempotency key: requests with the same key are answered one after the other."""


@dataclass
class Call:
    """One authenticated request of one device.

    `session` is in a transaction, during which nobody else can write. An endpoint therefore commits
    before it talks to the vault or a provider; the next statement begins a new transaction. The
    last one is left open, and the answer is written in it.
    """

    context: Context
    session: AsyncSession
    device_id: str
    now: datetime
    body: bytes = field(repr=False)
    person: OpenPerson | None = None
    """Set by the endpoint when its answer is about a person: the stored answer is then sealed with
    the person's key, and deleted with the person."""
    afterwards: list[Callable[[], Awaitable[None]]] = field(default_factory=list[Any])
    """What is called once the transaction is committed."""

    async def device(self) -> DeviceRow:
        return await self.session.get_one(DeviceRow, self.device_id)


def _call(request: Request) -> Call:
    return request.state.call


Caller = Annotated[Call, Depends(_call)]


class SignedRoute(APIRoute):
    def get_route_handler(self) -> Handler:
        endpoint = super().get_route_handler()

        async def handle(request: Request) -> Response:
            try:
                return await self._handle(request, endpoint)
            except (Refusal, RequestValidationError):
                raise
            except Exception as error:
                # The message is left out of the log: it may quote what was sent.
                where = "".join(traceback.format_tb(error.__traceback__))
                failed = type(error).__name__
                log.error("%s %s failed with %s\n%s", request.method, self.path, failed, where)
                return unexpected_response(error)

        return handle

    async def find_key(self, session: AsyncSession, device_id: str, body: bytes) -> bytes:
        """Returns the raw public key of the device that claims to have signed. Raises Refusal."""
        del body
        device = await session.get(DeviceRow, device_id)
        if device is None:
            raise Refusal(ProblemType.UNKNOWN_DEVICE)
        return device.public_key

    async def _handle(self, request: Request, endpoint: Handler) -> Response:
        context: Context = request.app.state.context
        body = await request.body()
        signed = _as_signed(request, body)
        try:
            claimed = signature.read_parameters(signed)
        except signature.SignatureProblem as error:
            raise Refusal(ProblemType.BAD_SIGNATURE, str(error)) from None
        key = request.headers.get("idempotency-key")
        # Taken before the transaction begins: a request that waits here must not hold the database.
        turn = _turns.setdefault((claimed.key_id, key or claimed.nonce), asyncio.Lock())
        async with turn, context.database.session() as session:
            call = Call(context, session, claimed.key_id, context.clock(), body)
            request.state.call = call
            await self._prove(call, signed)
            if key is not None:
                response = await self._answer_once(call, key, request, endpoint)
            elif request.method != "POST":
                response = await _answer(call, request, endpoint)
            else:
                raise Refusal(ProblemType.MALFORMED, "a POST carries an Idempotency-Key")
            await session.commit()
        for act in call.afterwards:
            await act()
        return response

    async def _prove(self, call: Call, signed: signature.Request) -> None:
        raw = await self.find_key(call.session, call.device_id, call.body)
        try:
            key = Ed25519PublicKey.from_public_bytes(raw)
            proven = signature.verify_request(signed, key, now=call.now.timestamp())
        except signature.Stale as error:
            raise Refusal(ProblemType.STALE, str(error), time=call.now) from None
        except (signature.SignatureProblem, ValueError) as error:
            raise Refusal(ProblemType.BAD_SIGNATURE, str(error)) from None
        until = datetime.fromtimestamp(proven.expires + signature.CLOCK_SKEW, UTC)
        await spend_nonce(call.session, proven.key_id, proven.nonce, until)

    async def _answer_once(
        self, call: Call, key: str, request: Request, endpoint: Handler
    ) -> Response:
        if not 8 <= len(key) <= 64:
            raise Refusal(ProblemType.MALFORMED, "an Idempotency-Key has 8 to 64 characters")
        target = f"{request.method} {request.url.path}\0".encode()
        fingerprint = sha256(target + call.body).digest()
        place = f"answers.body/{call.device_id}/{key}"
        stored = await call.session.get(StoredAnswer, (call.device_id, key))
        if stored is not None:
            if stored.fingerprint != fingerprint:
                raise Refusal(ProblemType.IDEMPOTENCY_MISMATCH)
            body = stored.body
            if stored.person_id is not None:
                person = await find_person(call.session, call.context.master, stored.person_id)
                body = person.key.open(body, place)
            return Response(body, stored.status, media_type=stored.media_type)
        response = await _answer(call, request, endpoint)
        if response.status_code < 500:
            body = bytes(response.body)
            call.session.add(
                StoredAnswer(
                    device_id=call.device_id,
                    key=key,
                    fingerprint=fingerprint,
                    status=response.status_code,
                    media_type=response.media_type or "application/json",
                    body=call.person.key.seal(body, place) if call.person else body,
                    person_id=call.person.person_id if call.person else None,
                    answered_at=call.now,
                )
            )
        return response


class ActivationRoute(SignedRoute):
    """For the request that presents a new key: it is signed with that key, which proves that the
    device has it."""

    async def find_key(self, session: AsyncSession, device_id: str, body: bytes) -> bytes:
        try:
            return from_base64(json.loads(body)["public_key"])
        except (ValueError, KeyError, TypeError):
            raise Refusal(ProblemType.MALFORMED, "no activation") from None


async def spend_nonce(session: AsyncSession, device_id: str, nonce: str, until: datetime) -> None:
    """Stores a nonce until then. Raises Refusal when it was stored before."""
    session.add(Nonce(device_id=device_id, nonce=nonce, expires_at=until + timedelta(seconds=1)))
    try:
        await session.flush()
    except IntegrityError:
        await session.rollback()
        raise Refusal(ProblemType.REPLAYED) from None


async def forget_expired(session: AsyncSession, now: datetime) -> None:
    """Deletes nonces that cannot be replayed any more, and answers that are too old to repeat."""
    await session.execute(delete(Nonce).where(Nonce.expires_at <= now))
    await session.execute(delete(StoredAnswer).where(StoredAnswer.answered_at <= now - ANSWER_LIFE))


async def _answer(call: Call, request: Request, endpoint: Handler) -> Response:
    try:
        return await endpoint(request)
    except VaultUnavailable:
        refusal = Refusal(ProblemType.VAULT_UNAVAILABLE, retry_after=1)
    except Refusal as raised:
        refusal = raised
    if refusal.problem.status >= 500:
        await call.session.rollback()
    call.afterwards.clear()
    return refusal.response()


def _as_signed(request: Request, body: bytes) -> signature.Request:
    headers: dict[str, str] = {}
    for name, value in request.headers.items():
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    raw_path: bytes = request.scope["raw_path"]
    query: bytes = request.scope["query_string"]
    return signature.Request(
        request.method, raw_path.decode("latin-1"), query.decode("latin-1"), headers, body
    )


_PROBLEM = {"model": Problem, "content": {PROBLEM_TYPE: {}}, "description": "A problem"}

ENVELOPE = {
    "requestBody": {
        "required": True,
        "content": {ENVELOPE_TYPE: {"schema": {"type": "string", "format": "binary"}}},
    }
}
"""Describes to OpenAPI a body that is a sealed envelope."""


def router(route: type[APIRoute] = SignedRoute) -> APIRouter:
    return APIRouter(prefix="/v1", route_class=route, responses={"default": _PROBLEM})
