"""How requests travel to the service: signed, with a deadline, and repeated while that may help.

Every call has a deadline. Until then it is repeated when nobody answered or the service said that
it cannot serve now, after pauses with full jitter (Brooker, "Exponential Backoff and Jitter", AWS
2015). A POST is safe to repeat because it carries the same idempotency key each time.
"""

import asyncio
import logging
import random
import secrets
import ssl
from collections.abc import Generator
from contextlib import suppress
from contextvars import ContextVar
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from pathlib import Path

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import ValidationError

from kiosk.clock import Clock
from kiosk.service.causes import CERTIFICATE_CAUSES, WORDS, cause_of
from kiosk.service.errors import Cause, Offline, Refused, ServiceUnavailable
from kiosk.settings import ServicePatience
from protocol.backoff import pause_after
from protocol.messages import Problem, ProblemType
from protocol.signature import Request, sign_request
from protocol.storage import StorageFault

log = logging.getLogger(__name__)

CANNOT_NOW = {
    HTTPStatus.BAD_GATEWAY,
    HTTPStatus.SERVICE_UNAVAILABLE,
    HTTPStatus.GATEWAY_TIMEOUT,
}
"""Answers after which the same request may succeed."""

UNREAD = {
    ProblemType.BAD_SIGNATURE,
    ProblemType.MALFORMED,
    ProblemType.REPLAYED,
    ProblemType.STALE,
    ProblemType.TOO_LARGE,
    ProblemType.TOO_MANY_ATTEMPTS,
    ProblemType.UNKNOWN_DEVICE,
}
"""Refusals that the service may give before it looks whether it has answered the same request
already. Every other one is its only answer to the request."""


visit: ContextVar[str] = ContextVar("visit", default="")
"""The trace that what is asked belongs to, in 32 hexadecimal digits (W3C Trace Context, section
3.2.2.3): each visit has one, from the first touch on. It is drawn by chance and says nothing of the
shopper."""


def begin_trace() -> None:
    """Has what this task asks from now on belong to a new trace."""
    visit.set(secrets.token_hex(16))


class ServiceTime:
    """The service's time, as far as the kiosk knows it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.offset = timedelta(0)
        """The service's clock minus the kiosk's."""

    def now(self) -> datetime:
        return self._clock.wall() + self.offset

    def set(self, told: datetime) -> None:
        self.offset = told - self._clock.wall()


class DeviceSignature(httpx.Auth):
    """Signs every attempt anew with the device's key (`protocol.signature`).

    When the service finds the signature stale, the kiosk's clock is off: the time that the service
    tells is learnt, and the request is signed and sent once more.
    """

    requires_request_body = True
    requires_response_body = True

    def __init__(self, key: Ed25519PrivateKey, time: ServiceTime) -> None:
        self._key = key
        self._time = time

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response]:
        self._sign(request)
        response = yield request
        told = _time_told(response)
        if told is not None:
            self._time.set(told)
            self._sign(request)
            yield request

    def _sign(self, request: httpx.Request) -> None:
        signed = Request(
            request.method,
            request.url.raw_path.decode("ascii").partition("?")[0],
            request.url.query.decode("ascii"),
            dict(request.headers),
            request.content,
        )
        request.headers.update(sign_request(signed, self._key, now=self._time.now().timestamp()))


class Delivery:
    """How far a request has come, for whoever waits for its answer."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()
        """Set before anything of the request is sent: from then on it may arrive."""
        self.failed = asyncio.Event()
        """Set when an attempt has failed."""

    async def trace(self, event: str, info: object) -> None:
        """Follows an attempt (httpcore's extension "trace")."""
        del info
        if event.endswith("send_request_headers.started"):
            self.begun.set()


class Transport:
    """A connection to the service for one event loop. It has nowhere to call until `connect`."""

    def __init__(self, key: Ed25519PrivateKey, clock: Clock, patience: ServicePatience) -> None:
        self._clock = clock
        self._patience = patience
        self._client: httpx.AsyncClient | None = None
        self._retired: list[httpx.AsyncClient] = []
        """Clients that are used no more and not closed yet."""
        self._url = ""
        self._ca: Path | None = None
        self._authority = b""
        """The content of the authority's file that is trusted."""
        self._told: Cause | None = None
        """The cause that the log was told last; None once the service has answered."""
        self.storage_fault: StorageFault | None = None
        """What was wrong with the service's disk when it was last to store something."""
        self.time = ServiceTime(clock)
        self._signature = DeviceSignature(key, self.time)

    async def connect(self, url: str, ca: Path | None) -> None:
        """Sends requests to `url` from now on and trusts no authority but `ca`, or the system's
        when it is None. Raises OSError when the file cannot be read."""
        authority = _content(ca)
        context = ssl.create_default_context(cafile=ca)
        await self.close()
        self._use(url, ca, authority, context)

    def _use(self, url: str, ca: Path | None, authority: bytes, context: ssl.SSLContext) -> None:
        self._url, self._ca, self._authority = url, ca, authority
        self._client = httpx.AsyncClient(
            base_url=f"{url.rstrip('/')}/v1",
            auth=self._signature,
            verify=context,
            timeout=httpx.Timeout(self._patience.answer_s, connect=self._patience.connect_s),
            trust_env=False,
            headers={"user-agent": "palm-kiosk"},
        )

    async def close(self) -> None:
        if self._client is not None:
            self._retired.append(self._client)
            self._client = None
        while self._retired:
            await self._retired.pop().aclose()

    async def call(
        self,
        method: str,
        path: str,
        headers: dict[str, str] | None = None,
        content: bytes = b"",
        deadline_s: float | None = None,
        *,
        delivery: Delivery | None = None,
    ) -> httpx.Response:
        """Sends the request until it succeeds or the deadline has come; returns the answer.

        Raises Offline, ServiceUnavailable and Refused.
        """
        deadline = self._clock.now() + (deadline_s or self._patience.deadline_s)
        delivery = delivery or Delivery()
        telling: Cause | None = None
        trouble: Offline | ServiceUnavailable | None = None
        failures = 0
        while True:
            asked_pause = 0.0
            was_begun = delivery.begun.is_set()
            try:
                response = await self._send(
                    method, path, headers or {}, content, deadline, delivery=delivery
                )
            except (httpx.TransportError, TimeoutError) as error:
                cause = Cause.NOT_STARTED if self._client is None else cause_of(error)
                # When the deadline cuts an attempt short, an earlier one has told more.
                cut_short = isinstance(error, TimeoutError)
                if cause is Cause.TIMED_OUT and telling is not None:
                    cause = telling
                telling = cause
                if not (cut_short and isinstance(trouble, ServiceUnavailable)):
                    trouble = Offline(
                        f"the service cannot be reached: {cause}",
                        may_have_arrived=delivery.begun.is_set(),
                        cause=cause,
                    )
                if cause in CERTIFICATE_CAUSES:
                    self._follow_the_authority()
            else:
                self._told = None
                problem = None if response.is_success else _problem(response)
                if method != "GET" or problem is not None:
                    self.storage_fault = problem.storage if problem is not None else None
                if response.is_success:
                    return response
                if problem and response.is_client_error:
                    unsaid = was_begun and problem.type in UNREAD
                    raise Refused(problem, may_have_arrived=unsaid)
                trouble = ServiceUnavailable(
                    f"the service answered {response.status_code}", problem
                )
                if response.status_code not in CANNOT_NOW:
                    raise trouble
                asked_pause = _asked_pause(response)
            delivery.failed.set()
            ceiling = pause_after(
                failures, self._patience.first_pause_s, self._patience.longest_pause_s
            )
            pause = random.uniform(0, ceiling)  # noqa: S311 - jitter is no secret
            pause = max(pause, asked_pause)
            if self._clock.now() + pause >= deadline:
                if isinstance(trouble, Offline):
                    self._tell(trouble.cause)
                raise trouble
            await self._clock.sleep(pause)
            failures += 1

    def _tell(self, cause: Cause) -> None:
        """Writes to the log why nobody answers, once for as long as the cause stays the same."""
        if cause is not self._told and cause is not Cause.NOT_STARTED:
            self._told = cause
            now = self._clock.wall().strftime("%Y-%m-%d %H:%M UTC")
            log.warning("no answer from %s: %s", self._url, WORDS[cause].format(now=now))

    def _follow_the_authority(self) -> None:
        """Trusts the authority's file anew when it holds something else than when it was read: the
        service, or an operator, has renewed it."""
        # Unreadable, it may be about to be replaced: what was read before stays trusted.
        with suppress(OSError):
            authority = _content(self._ca)
            if self._client is not None and authority != self._authority:
                context = ssl.create_default_context(cafile=self._ca)
                # Other calls may be using it.
                self._retired.append(self._client)
                self._use(self._url, self._ca, authority, context)

    async def _send(
        self,
        method: str,
        path: str,
        headers: dict[str, str],
        content: bytes,
        deadline: float,
        *,
        delivery: Delivery,
    ) -> httpx.Response:
        """Makes one attempt. Raises httpx.TransportError, and TimeoutError at the deadline."""
        if self._client is None:
            raise httpx.ConnectError("no service is connected")
        if visit.get():
            # Each attempt is another part of the trace. It is not signed: nothing is decided by it.
            parent = f"00-{visit.get()}-{secrets.token_hex(8)}-01"
            headers = {**headers, "traceparent": parent}
        async with asyncio.timeout(max(deadline - self._clock.now(), 0)):
            return await self._client.request(
                method,
                path,
                headers=headers,
                content=content,
                extensions={"trace": delivery.trace},
            )


def _content(ca: Path | None) -> bytes:
    return b"" if ca is None else ca.read_bytes()


def _problem(response: httpx.Response) -> Problem | None:
    try:
        return Problem.model_validate_json(response.content)
    except ValidationError:
        return None


def _asked_pause(response: httpx.Response) -> float:
    """Returns the seconds after which a repetition may help (RFC 9110, section 10.2.3); 0 when the
    service does not say so in seconds."""
    told = response.headers.get("retry-after", "")
    return float(told) if told.isascii() and told.isdigit() else 0.0


def _time_told(response: httpx.Response) -> datetime | None:
    """Returns the service's time when it found the signature stale, from the problem or from the
    Date field; None when it did not, or did not tell the time."""
    problem = _problem(response) if response.is_client_error else None
    if problem is None or problem.type is not ProblemType.STALE:
        return None
    if problem.time is None and "date" in response.headers:
        return parsedate_to_datetime(response.headers["date"])
    return problem.time
