"""The signature service, as the kiosk calls it: one method for each line of `protocol.messages`.

    ServiceError
    ├── Offline                nobody answered
    ├── ServiceUnavailable     somebody did, with nothing of use
    └── Refused                the service understood and said no: `problem` says why

Every call has a deadline of its own. Until then it is tried again, after pauses of full jitter
(Brooker, "Exponential Backoff and Jitter", AWS 2015), when nobody answered or the service said it
cannot now; a POST is safe to repeat because it carries the same idempotency key each time.
"""

import asyncio
import random
import secrets
import ssl
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from pathlib import Path
from typing import TypeVar

import httpx
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from pydantic import AwareDatetime, BaseModel, Field, TypeAdapter, ValidationError

from kiosk.clock import Clock
from kiosk.service.identity import Identity
from kiosk.settings import ServicePatience
from protocol.capture import Burst
from protocol.encoding import from_base64, to_base64
from protocol.envelope import Context, seal
from protocol.messages import (
    ENVELOPE_TYPE,
    Account,
    Activation,
    Card,
    CardToken,
    Challenge,
    Claim,
    ClaimOpened,
    CodeEntry,
    Consent,
    DeletionReceipt,
    DeletionRequest,
    Device,
    Enrolment,
    EnrolmentRequest,
    Holdings,
    Identification,
    LastFour,
    Message,
    Money,
    PalmAccepted,
    PhoneVerified,
    Problem,
    ProblemType,
    Proof,
    Purchase,
    PurchaseRequest,
    Purpose,
    ServiceInfo,
    Side,
)
from protocol.signature import Request, receipt_bytes, sign_request

Reply = TypeVar("Reply", bound=Message)

BRIEFLY = 1.0
"""Seconds for what nobody should wait for."""

CANNOT_NOW = {
    HTTPStatus.BAD_GATEWAY,
    HTTPStatus.SERVICE_UNAVAILABLE,
    HTTPStatus.GATEWAY_TIMEOUT,
}


class ServiceError(Exception):
    """See the module. No message holds what was sent or received."""


class Offline(ServiceError):
    """`may_have_arrived`: some attempt got far enough that the service may have acted on it."""

    def __init__(self, message: str, *, may_have_arrived: bool) -> None:
        super().__init__(message)
        self.may_have_arrived = may_have_arrived


class ServiceUnavailable(ServiceError):
    """`problem` is what the service said, where it was able to; it may have acted all the same."""

    def __init__(self, message: str, problem: Problem | None = None) -> None:
        super().__init__(message)
        self.problem = problem


class Refused(ServiceError):
    def __init__(self, problem: Problem) -> None:
        super().__init__(f"{problem.type}: {problem.title}")
        self.problem = problem

    @property
    def type(self) -> ProblemType:
        return self.problem.type


class ForgedReceipt(ServiceError):
    """A deletion receipt that does not bear the signature it claims."""


class TextMessage(BaseModel):
    """One that the sandbox's simulated phone received; `number` counts up from 1."""

    number: int
    to: str = Field(repr=False)
    text: str = Field(repr=False)
    code: str | None = Field(repr=False)
    at: AwareDatetime


class SignatureService:
    """Lives on one event loop. Nowhere to call until `connect` has been told where."""

    def __init__(
        self,
        identity: Identity,
        clock: Clock,
        patience: ServicePatience,
        *,
        infrared: bool = False,
    ) -> None:
        """`infrared` is whether the kiosk has a near-infrared camera."""
        self.identity = identity
        self._infrared = infrared
        self._clock = clock
        self._patience = patience
        self._client: httpx.AsyncClient | None = None
        self._info: ServiceInfo | None = None
        self.clock_offset = timedelta(0)
        """The service's clock less the kiosk's."""
        self.url = ""

    async def connect(self, url: str, ca: Path | None) -> None:
        """Calls go to `url` from now on, trusting nobody but `ca`, or the system's authorities
        when there is none. Raises OSError when the file cannot be read."""
        context = ssl.create_default_context(cafile=ca)
        await self.close()
        self.url = url
        self._client = httpx.AsyncClient(
            base_url=f"{url.rstrip('/')}/v1",
            verify=context,
            timeout=httpx.Timeout(self._patience.answer_s, connect=self._patience.connect_s),
            trust_env=False,
            headers={"user-agent": "palm-kiosk"},
        )

    async def close(self) -> None:
        if self._client is not None:
            await self._client.aclose()
            self._client = None
            self._info = None

    def now(self) -> datetime:
        """The service's time, as well as the kiosk knows it."""
        return self._clock.wall() + self.clock_offset

    # Service and device

    async def info(self, deadline_s: float | None = None) -> ServiceInfo:
        self._info = await self._get("/service", ServiceInfo, deadline_s)
        self.clock_offset = self._info.time - self._clock.wall()
        return self._info

    async def wants_pulse(self, amount: Money) -> bool:
        """Whether a palm that pays so much is held long enough for its pulse."""
        above = (await self._known_info()).pulse_above
        return above is not None and amount.minor > above

    async def activate(self, code: str, name: str) -> Device:
        """Keeps the device it becomes."""
        activation = Activation(
            activation_code=code,
            public_key=to_base64(self.identity.public_key),
            name=name,
            infrared=self._infrared,
        )
        device = await self._post("/devices", activation, Device)
        self.identity.become(device)
        return device

    async def challenge(self) -> Challenge:
        """For the light ring, and the next palm."""
        return await self._post("/challenges", None, Challenge)

    # Sign-up

    async def enrol(self, phone: str, agreed_at: datetime) -> Enrolment:
        consent = Consent(version=(await self._known_info()).consent_version, agreed_at=agreed_at)
        request = EnrolmentRequest(phone=phone, consent=consent)
        return await self._post("/enrolments", request, Enrolment)

    async def enter_code(self, enrolment_id: str, code: str) -> PhoneVerified:
        return await self._post(
            f"/enrolments/{enrolment_id}/code", CodeEntry(code=code), PhoneVerified
        )

    async def resend_code(self, enrolment_id: str) -> Enrolment:
        return await self._post(f"/enrolments/{enrolment_id}/code/resend", None, Enrolment)

    async def add_card(self, enrolment_id: str, card: CardToken) -> Card:
        return await self._post(f"/enrolments/{enrolment_id}/card", card, Card)

    async def add_palm(self, enrolment_id: str, burst: Burst, side: Side | None) -> PalmAccepted:
        envelope = await self._seal(burst, Purpose.ENROL, enrolment_id, side)
        return await self._post(f"/enrolments/{enrolment_id}/palms", envelope, PalmAccepted)

    async def complete(self, enrolment_id: str) -> Account:
        return await self._post(f"/enrolments/{enrolment_id}/completion", None, Account)

    async def give_up_enrolment(self, enrolment_id: str) -> None:
        """One brief attempt: an enrolment that is left alone expires by itself."""
        await self._call("DELETE", f"/enrolments/{enrolment_id}", deadline_s=BRIEFLY)

    # Recognition

    async def identify(self, burst: Burst, purpose: Purpose, visit_id: str) -> Identification:
        """`visit_id` is of the caller's making and stays the same when the palm is asked again."""
        envelope = await self._seal(burst, purpose, visit_id, None)
        return await self._post("/identifications", envelope, Identification)

    async def step_up(self, identification_id: str, phone_last4: str) -> Identification:
        return await self._post(
            f"/identifications/{identification_id}/step-up",
            LastFour(phone_last4=phone_last4),
            Identification,
        )

    async def holdings(self, identification_id: str) -> Holdings:
        return await self._get(f"/identifications/{identification_id}/holdings", Holdings)

    async def claim(self, phone: str, proof: Proof, purpose: Purpose) -> ClaimOpened:
        claim = Claim(phone=phone, proof=proof, purpose=purpose)
        return await self._post("/claims", claim, ClaimOpened)

    async def prove_by_palm(self, claim_id: str, burst: Burst, purpose: Purpose) -> Identification:
        envelope = await self._seal(burst, purpose, claim_id, None)
        return await self._post(f"/claims/{claim_id}/palm", envelope, Identification)

    async def prove_by_code(self, claim_id: str, code: str) -> Identification:
        return await self._post(f"/claims/{claim_id}/code", CodeEntry(code=code), Identification)

    # Purchases

    async def purchase(self, request: PurchaseRequest, idempotency_key: str) -> Purchase:
        """Answers the same however often it is called with the same key."""
        return await self._post(
            "/purchases",
            request,
            Purchase,
            key=idempotency_key,
            deadline_s=self._patience.purchase_deadline_s,
        )

    async def find_purchase(self, reference: str) -> Purchase:
        """Raises Refused (NOT_FOUND) when there is none."""
        return await self._get(f"/purchases/{reference}", Purchase)

    # Leaving

    async def delete(self, identification_id: str) -> DeletionReceipt:
        """Raises ForgedReceipt when the receipt's signature does not fit."""
        request = DeletionRequest(identification_id=identification_id)
        receipt = await self._post("/deletions", request, DeletionReceipt)
        try:
            signer = Ed25519PublicKey.from_public_bytes(from_base64(receipt.public_key))
            signer.verify(from_base64(receipt.signature), receipt_bytes(receipt))
        except (InvalidSignature, ValueError):
            raise ForgedReceipt("the deletion receipt's signature does not fit it") from None
        return receipt

    # Sandbox

    async def read_phone(self, after: int) -> list[TextMessage]:
        """What the simulated phone received after the message of that number."""
        response = await self._call("GET", f"/sandbox/messages?after={after}")
        return TypeAdapter(list[TextMessage]).validate_json(response.content)

    # How all of them travel

    async def _known_info(self) -> ServiceInfo:
        return self._info or await self.info()

    async def _seal(
        self, burst: Burst, purpose: Purpose, visit_id: str, side: Side | None
    ) -> bytes:
        """Seals the burst for the vault's eyes and wipes it, whatever happens."""
        capture = bytearray()
        try:
            key = (await self._known_info()).vault_keys[0]
            context = Context(
                device_id=self.identity.device_id,
                visit_id=visit_id,
                purpose=purpose,
                sealed_at=int(self.now().timestamp() * 1000),
                side=side,
                challenge=burst.challenge,
            )
            capture = burst.encode()
            return seal(capture, key, context)
        finally:
            burst.wipe()
            capture[:] = bytes(len(capture))

    async def _get(self, path: str, reply: type[Reply], deadline_s: float | None = None) -> Reply:
        return _parse(await self._call("GET", path, deadline_s=deadline_s), reply)

    async def _post(
        self,
        path: str,
        body: Message | bytes | None,
        reply: type[Reply],
        *,
        key: str | None = None,
        deadline_s: float | None = None,
    ) -> Reply:
        headers = {"idempotency-key": key or secrets.token_urlsafe(24)}
        content = b""
        if isinstance(body, Message):
            headers["content-type"] = "application/json"
            content = body.model_dump_json().encode()
        elif body is not None:
            headers["content-type"] = ENVELOPE_TYPE
            content = body
        response = await self._call("POST", path, headers, content, deadline_s)
        return _parse(response, reply)

    async def _call(
        self,
        method: str,
        path: str,
        headers: dict[str, str] | None = None,
        content: bytes = b"",
        deadline_s: float | None = None,
    ) -> httpx.Response:
        """Sends until there is an answer or the deadline has come; raises ServiceError."""
        deadline = self._clock.now() + (deadline_s or self._patience.deadline_s)
        ceiling = self._patience.first_pause_s
        may_have_arrived = False
        told_the_time = False
        while True:
            try:
                response = await self._send(method, path, headers or {}, content, deadline)
            except (httpx.TransportError, TimeoutError) as error:
                may_have_arrived |= not isinstance(error, httpx.ConnectError | httpx.ConnectTimeout)
                trouble = Offline(
                    "the service cannot be reached", may_have_arrived=may_have_arrived
                )
            else:
                if response.is_success:
                    return response
                may_have_arrived = True
                problem = _problem(response)
                if problem and problem.type is ProblemType.STALE and not told_the_time:
                    told_the_time = True
                    self._learn_the_time(problem, response)
                    continue
                if problem and response.is_client_error:
                    raise Refused(problem)
                trouble = ServiceUnavailable(
                    f"the service answered {response.status_code}", problem
                )
                if response.status_code not in CANNOT_NOW:
                    raise trouble
            pause = random.uniform(0, ceiling)  # noqa: S311 - jitter is no secret
            if self._clock.now() + pause >= deadline:
                raise trouble
            await self._clock.sleep(pause)
            ceiling = min(2 * ceiling, self._patience.longest_pause_s)

    async def _send(
        self, method: str, path: str, headers: dict[str, str], content: bytes, deadline: float
    ) -> httpx.Response:
        """One attempt. Raises httpx.TransportError, and TimeoutError at the deadline."""
        if self._client is None:
            raise httpx.ConnectError("no service is connected")
        request = self._client.build_request(method, path, headers=headers, content=content)
        signed = Request(
            method,
            request.url.raw_path.decode("ascii").partition("?")[0],
            request.url.query.decode("ascii"),
            headers,
            content,
        )
        request.headers.update(sign_request(signed, self.identity.key, now=self.now().timestamp()))
        async with asyncio.timeout(max(deadline - self._clock.now(), 0)):
            return await self._client.send(request)

    def _learn_the_time(self, problem: Problem, response: httpx.Response) -> None:
        told = problem.time
        if told is None and "date" in response.headers:
            told = parsedate_to_datetime(response.headers["date"])
        if told is not None:
            self.clock_offset = told - self._clock.wall()


def _parse(response: httpx.Response, reply: type[Reply]) -> Reply:
    try:
        return reply.model_validate_json(response.content)
    except ValidationError:
        # The cause quotes the answer.
        raise ServiceUnavailable("the service's answer cannot be understood") from None


def _problem(response: httpx.Response) -> Problem | None:
    try:
        return Problem.model_validate_json(response.content)
    except ValidationError:
        return None
