"""Signed requests of devices: each is authenticated, accepted once and answered once.

A request passes these steps in order: the signature of its head proves the device; its body is
read, and its digest verified; its nonce is stored, so that a replay is refused; an idempotency key
that was answered before gets the stored answer. So nothing is read or stored for a sender who is
not a device, except the small body of an activation. The last changes of a request and its answer
are written in one transaction, so neither exists without the other. A refusal is an answer too
(`cloud.web.problems.Refusal`): a wrong code counts once, however often its request is repeated.
"""

import asyncio
import json
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Annotated, Any, TypeVar
from weakref import WeakValueDictionary

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from fastapi import APIRouter, Depends, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from sqlalchemy import delete
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.convertors import Convertor, register_url_convertor
from starlette.exceptions import HTTPException

from cloud.context import Context
from cloud.db.tables import NotAText
from cloud.keys.person_keys import Key
from cloud.keys.persons import OpenPerson, find_person
from cloud.policy import ANSWER_LIFE
from cloud.seen import Light
from cloud.vault.client import VaultUnavailable, asker
from cloud.web import limits
from cloud.web.problems import Refusal, answer, unexpected_refusal
from cloud.web.tables import DeviceRow, Nonce, StoredAnswer
from cloud.web.trying import answering, finish
from protocol import signature
from protocol.encoding import from_base64
from protocol.envelope import MAX_ENVELOPE
from protocol.messages import ENVELOPE_TYPE, ProblemType
from protocol.storage import StorageFault

Handler = Callable[[Request], Coroutine[Any, Any, Response]]
Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])

NONCE_REST_S = 900.0
"""How long a nonce is kept at least, in seconds: longer than a request or an envelope is valid."""

_large: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()
"""What lets in the large bodies of each sender, so that none fills the memory."""


_for_deletions: dict[Callable[..., Any], Callable[[bytes], bool]] = {}
"""Whether a request to an endpoint serves a deletion, given its body (`for_deletions`)."""


def for_deletions(
    by_body: Callable[[bytes], bool] = lambda _: True,
) -> Callable[[Endpoint], Endpoint]:
    """Marks an endpoint that people need to have their data deleted: on a full disk its requests
    may use the room that is reserved for them. `by_body` returns whether a request with this body
    is one of them."""

    def mark(endpoint: Endpoint) -> Endpoint:
        _for_deletions[endpoint] = by_body
        return endpoint

    return mark


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
    began: float = field(default_factory=time.perf_counter)
    """When the request had arrived, by that clock."""
    light: Light | None = None
    """That of the palm that was sent; None without one."""

    async def device(self) -> DeviceRow:
        return await self.session.get_one(DeviceRow, self.device_id)


async def _call(request: Request) -> Call:
    # FastAPI would call it on a thread if it were not asynchronous.
    return request.state.call


Caller = Annotated[Call, Depends(_call)]


class SignedRoute(APIRoute):
    def get_route_handler(self) -> Handler:
        endpoint = super().get_route_handler()

        async def handle(request: Request) -> Response:
            try:
                return await self._handle(request, endpoint)
            except (Refusal, RequestValidationError, HTTPException, NotAText):
                raise
            except Exception as error:
                refusal = unexpected_refusal(error, f"{request.method} {self.path}")
                return answer(request.app.state.context, refusal)

        return handle

    async def find_key(self, request: Request, device_id: str) -> bytes:
        """Returns the raw public key of the device that claims to have signed. Raises Refusal."""
        context: Context = request.app.state.context
        async with context.database.reading() as session:
            device = await session.get(DeviceRow, device_id)
        if device is None or device.revoked_at is not None:
            raise Refusal(ProblemType.UNKNOWN_DEVICE)
        return device.public_key

    async def use_up(self, call: Call, proven: signature.Parameters) -> None:
        """Makes sure that the request is not accepted again. Raises Refusal."""
        until = datetime.fromtimestamp(proven.expires + signature.CLOCK_SKEW, UTC)
        await spend_nonce(call.session, proven.key_id, proven.nonce, until)

    def keeps(self, response: Response) -> bool:
        """Returns whether an answer is stored for a repeated request. One that asks to come again
        later is not: the request would never be done."""
        return response.status_code < 500 and "retry-after" not in response.headers

    def key_of_answers(self, context: Context) -> Key | None:
        """Returns what seals the stored answers that are about nobody; None where they need not
        be."""
        del context
        return None

    async def _handle(self, request: Request, endpoint: Handler) -> Response:
        context: Context = request.app.state.context
        head = _head(request)
        try:
            claimed = signature.read_parameters(head)
        except signature.SignatureProblem as error:
            raise Refusal(ProblemType.BAD_SIGNATURE, str(error)) from None
        raw = await self.find_key(request, claimed.key_id)
        proven = _prove(head, raw, context.clock())
        is_envelope = request.headers.get("content-type") == ENVELOPE_TYPE
        async with read_at_most(
            request, proven.key_id, MAX_ENVELOPE if is_envelope else limits.MAX_BODY
        ) as body:
            try:
                signature.verify_body(replace(head, body=body))
            except signature.SignatureProblem as error:
                raise Refusal(ProblemType.BAD_SIGNATURE, str(error)) from None
            with context.telemetry.request(
                request.method, self.path, proven.key_id, request.headers.get("traceparent")
            ) as answered:
                response = await self._accept(
                    context, proven.key_id, body, request, endpoint, proven=proven
                )
                answered(response.status_code)
            return response

    async def _accept(
        self,
        context: Context,
        sender: str,
        body: bytes,
        request: Request,
        endpoint: Handler,
        *,
        proven: signature.Parameters | None = None,
    ) -> Response:
        """Answers a request of a sender who is known. `proven` is what makes a signed one not count
        twice."""
        key = _once_by(request)
        by_body = _for_deletions.get(self.endpoint)
        serves_deletion = by_body is not None and by_body(body)
        if context.database.is_for_deletions_only and not serves_deletion:
            raise Refusal(
                ProblemType.STORAGE_FULL,
                "only deletions are served until there is room on the disk",
                retry_after=60,
                storage=StorageFault.FULL,
            )
        # Taken before the transaction begins: a request that waits here must not hold the database.
        # Requests with the same key are answered one after the other.
        turn = nullcontext() if key is None else context.database.turn("request", sender, key)
        async with turn:
            call, response = await answering(
                lambda again: self._work(
                    context, sender, body, request, endpoint, proven=proven, again=again
                ),
                context.database,
                serves_deletion=serves_deletion,
            )
        await finish(call.afterwards)
        return response

    async def _work(
        self,
        context: Context,
        sender: str,
        body: bytes,
        request: Request,
        endpoint: Handler,
        *,
        proven: signature.Parameters | None,
        again: bool,
    ) -> tuple[Call, Response]:
        """Answers a request in a session of its own. With `again` it is one that failed half way:
        its nonce may be used up already."""
        key = _once_by(request)
        async with context.database.session() as session:
            call = Call(context, session, sender, context.clock(), body)
            request.state.call = call
            asker.set(call.device_id)
            if proven is not None and not (
                again and await session.get(Nonce, (proven.key_id, proven.nonce))
            ):
                with context.telemetry.waiting_for_database():
                    await self.use_up(call, proven)
            if key is not None:
                response = await self._answer_once(call, key, request, endpoint)
            elif request.method != "POST":
                response = await _answer(call, request, endpoint)
            else:
                raise Refusal(ProblemType.MALFORMED, "a POST carries an Idempotency-Key")
            await session.commit()
        return call, response

    async def _answer_once(
        self, call: Call, key: str, request: Request, endpoint: Handler
    ) -> Response:
        if not 8 <= len(key) <= 64:
            raise Refusal(ProblemType.MALFORMED, "an Idempotency-Key has 8 to 64 characters")
        query = f"?{request.url.query}" if request.url.query else ""
        target = f"{request.method} {request.url.path}{query}\0".encode()
        # Keyed: a body may hold a number, which could be guessed from a plain hash of it.
        request_digest = sha256(target + call.body).hexdigest()
        fingerprint = bytes.fromhex(call.context.master.lookup("request", request_digest))
        place = f"answers.body/{call.device_id}/{key}"
        stored = await call.session.get(StoredAnswer, (call.device_id, key))
        if stored is not None:
            if stored.fingerprint != fingerprint:
                raise Refusal(ProblemType.IDEMPOTENCY_MISMATCH)
            sealed_with = self.key_of_answers(call.context)
            if stored.person_id is not None:
                person = await find_person(call.session, call.context.master, stored.person_id)
                sealed_with = person.key
            body = stored.body if sealed_with is None else sealed_with.open(stored.body, place)
            return Response(body, stored.status, media_type=stored.media_type)
        response = await _answer(call, request, endpoint)
        if self.keeps(response):
            body = bytes(response.body)
            seals = call.person.key if call.person else self.key_of_answers(call.context)
            call.session.add(
                StoredAnswer(
                    device_id=call.device_id,
                    key=key,
                    fingerprint=fingerprint,
                    status=response.status_code,
                    media_type=response.media_type or "application/json",
                    body=body if seals is None else seals.seal(body, place),
                    person_id=call.person.person_id if call.person else None,
                    answered_at=call.now,
                )
            )
        return response


class ActivationRoute(SignedRoute):
    """For the request that presents a new key: it is signed with that key, which proves that the
    device has it.

    Anybody can send it, so nothing is stored unless the code is right. It needs no nonce: repeated,
    it finds the stored answer or a code that was used.
    """

    async def find_key(self, request: Request, device_id: str) -> bytes:
        body = await limits.read_body(request)
        try:
            return from_base64(json.loads(body)["public_key"])
        except (ValueError, KeyError, TypeError, RecursionError):
            raise Refusal(ProblemType.MALFORMED, "no activation") from None

    async def use_up(self, call: Call, proven: signature.Parameters) -> None:
        pass

    def keeps(self, response: Response) -> bool:
        return response.status_code < 400


async def spend_nonce(session: AsyncSession, device_id: str, nonce: str, until: datetime) -> None:
    """Stores a nonce until then. Raises Refusal when it was stored before."""
    session.add(Nonce(device_id=device_id, nonce=nonce, expires_at=until + timedelta(seconds=1)))
    try:
        await session.flush()
    except IntegrityError:
        await session.rollback()
        raise Refusal(ProblemType.REPLAYED) from None


async def forget_nonces(context: Context, elapsed_s: float | None = None) -> None:
    """Deletes the nonces that cannot be replayed any more.

    Those are the ones that had expired by every time that the clock has shown within NONCE_REST_S:
    a clock that steps forward and back again would otherwise make requests of before acceptable.
    `elapsed_s` is the time of `time.monotonic`, by default the present one.
    """
    elapsed_s = time.monotonic() if elapsed_s is None else elapsed_s
    readings = context.clock_readings
    readings.append((elapsed_s, context.clock()))
    while len(readings) > 1 and readings[1][0] <= elapsed_s - NONCE_REST_S:
        readings.popleft()
    if readings[0][0] > elapsed_s - NONCE_REST_S:
        return
    expired = min(shown for _, shown in readings)
    async with context.database.session() as session:
        await session.execute(delete(Nonce).where(Nonce.expires_at <= expired))
        await session.commit()


async def forget_expired(session: AsyncSession, now: datetime) -> None:
    """Deletes answers that are too old to repeat."""
    await session.execute(delete(StoredAnswer).where(StoredAnswer.answered_at <= now - ANSWER_LIFE))


async def forget_all(session: AsyncSession) -> None:
    """Forgets what was answered: a repeated request is done again."""
    await session.execute(delete(StoredAnswer))


def _once_by(request: Request) -> str | None:
    """Returns the key by which a request is answered once. A GET is answered anew: it changes
    nothing, and its answers would fill the disk with what they show."""
    return None if request.method == "GET" else request.headers.get("idempotency-key")


async def _answer(call: Call, request: Request, endpoint: Handler) -> Response:
    try:
        return await endpoint(request)
    except VaultUnavailable:
        refusal = Refusal(ProblemType.VAULT_UNAVAILABLE, retry_after=1)
    except Refusal as raised:
        refusal = raised
        _see(call, refusal)
    if refusal.problem.status >= 500:
        await call.session.rollback()
    call.afterwards.clear()
    return answer(call.context, refusal)


def _see(call: Call, refusal: Refusal) -> None:
    """Counts what an operator should look at (`cloud.seen`)."""
    if isinstance(refusal, limits.LimitReached):
        call.context.seen.reached(refusal.limit, refusal.subject, call.device_id)
    else:
        call.context.seen.refused(refusal.problem.type, call.device_id, call.light)


@asynccontextmanager
async def read_at_most(request: Request, sender: str, largest: int) -> AsyncGenerator[bytes]:
    """Reads the body of a sender who is known, of at most `largest` bytes. Where that is more than
    MAX_BODY, it waits until fewer than LARGE_AT_ONCE of the sender's are in memory. Raises Refusal
    when that takes too long, and as `limits.read_body`."""
    if largest <= limits.MAX_BODY:
        yield await limits.read_body(request, largest)
        return
    room = _large.setdefault(sender, asyncio.Semaphore(limits.LARGE_AT_ONCE))
    try:
        async with asyncio.timeout(limits.BODY_S):
            await room.acquire()
    except TimeoutError:
        raise Refusal(ProblemType.TOO_MANY_ATTEMPTS, retry_after=1) from None
    try:
        yield await limits.read_body(request, largest)
    finally:
        room.release()


def _prove(head: signature.Request, raw: bytes, now: datetime) -> signature.Parameters:
    """Verifies the head of a request with a raw public key. Raises Refusal."""
    try:
        key = Ed25519PublicKey.from_public_bytes(raw)
        return signature.verify_head(head, key, now=now.timestamp())
    except signature.Stale as error:
        raise Refusal(ProblemType.STALE, str(error), time=now) from None
    except (signature.SignatureProblem, ValueError) as error:
        raise Refusal(ProblemType.BAD_SIGNATURE, str(error)) from None


def _head(request: Request) -> signature.Request:
    """Returns what is signed of a request, without its body."""
    headers: dict[str, str] = {}
    for name, value in request.headers.items():
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    raw_path: bytes = request.scope["raw_path"]
    query: bytes = request.scope["query_string"]
    return signature.Request(
        request.method, raw_path.decode("latin-1"), query.decode("latin-1"), headers
    )


class _Id(Convertor[str]):
    """An id in a path, as `{name:id}`. It is none of the words that other paths have in its place:
    these would be served with the methods of both, and OpenAPI tells of one path alone."""

    regex = "(?!(?:pages|readings|taken)$)[^/]+"

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


register_url_convertor("id", _Id())

ENVELOPE = {
    "requestBody": {
        "required": True,
        "content": {ENVELOPE_TYPE: {"schema": {"type": "string", "format": "binary"}}},
    }
}
"""Describes to OpenAPI a body that is a sealed envelope."""


def router(route: type[APIRoute] = SignedRoute) -> APIRouter:
    return APIRouter(prefix="/v1", route_class=route)


def leads_to(
    name: str, *operations: str, in_body: Sequence[str] = ()
) -> dict[int | str, dict[str, Any]]:
    """Describes to OpenAPI that the field `name` of an answer is the parameter of that name of
    these operations (`cloud.app.name_operation`), or a field of the body of those `in_body`."""
    told = {name: f"$response.body#/{name}"}
    links = {each: {"operationId": each, "parameters": told} for each in operations}
    links |= {each: {"operationId": each, "requestBody": told} for each in in_body}
    return {200: {"links": links}}
