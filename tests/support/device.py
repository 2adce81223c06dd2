"""A device for tests of the service: signs and seals requests, and reads the answers."""

import itertools
import secrets
import ssl
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from protocol.binding import answer_of, commitment_of
from protocol.capture import Burst
from protocol.documents import digest_of
from protocol.encoding import to_base64
from protocol.envelope import Context, seal
from protocol.messages import (
    ENVELOPE_TYPE,
    PROBLEM_TYPE,
    Account,
    Activation,
    Card,
    CardToken,
    Challenge,
    ChallengeAnswer,
    ChallengeAnswered,
    Commitment,
    Consent,
    ConsentTexts,
    Device,
    Enrolment,
    EnrolmentRequest,
    Identification,
    Message,
    Money,
    Outcome,
    PalmAccepted,
    PhoneVerified,
    Problem,
    ProblemType,
    PurchaseRequest,
    Purpose,
    ServiceInfo,
    Side,
    Signature,
    VaultKey,
)
from protocol.signature import Request, key_id, sign_request
from tests.support import plain_palms

Reply = TypeVar("Reply", bound=Message)

_NUMBERS = itertools.count(2_000_000)


def fresh_phone() -> str:
    """Returns a mobile number that was not used before in this run."""
    return f"+1415{next(_NUMBERS)}"


class Refused(Exception):
    def __init__(self, response: httpx.Response) -> None:
        assert response.headers["content-type"] == PROBLEM_TYPE, response.text
        self.response = response
        self.problem = Problem.model_validate_json(response.content)
        assert self.problem.status == response.status_code
        super().__init__(str(self.problem.type))


class TestDevice:
    __test__ = False

    def __init__(self, url: str, ca: Path, address: str | None = None) -> None:
        """`address` is the device's own address on loopback, by default 127.0.0.1."""
        trusted = ssl.create_default_context(cafile=ca)
        self.http = httpx.Client(
            base_url=url,
            transport=httpx.HTTPTransport(verify=trusted, local_address=address, trust_env=False),
            timeout=60,
            trust_env=False,
        )
        self.key = Ed25519PrivateKey.generate()
        self.id = key_id(self.key.public_key())
        self.clock: Callable[[], datetime] = lambda: datetime.now(UTC)
        self.ahead = timedelta(0)
        """How far the clock of the device is ahead."""

    # Single requests

    def send(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        *,
        content_type: str = "application/json",
        key: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> httpx.Response:
        sent = {"content-type": content_type} if body else {}
        if method == "POST":
            sent["idempotency-key"] = key or secrets.token_urlsafe(16)
        sent |= headers or {}
        now = (self.clock() + self.ahead).timestamp()
        path, _, query = f"/v1{path}".partition("?")
        sent |= sign_request(Request(method, path, query, sent, body), self.key, now=now)
        path = f"{path}?{query}" if query else path
        return self.http.request(method, path, content=body, headers=sent)

    def get(self, path: str, reply: type[Reply]) -> Reply:
        return _read(self.send("GET", path), reply)

    def post(
        self,
        path: str,
        message: Message | bytes | None,
        reply: type[Reply],
        *,
        key: str | None = None,
        **how: Any,
    ) -> Reply:
        """Sends a message, and the same again while the database is busy, as kiosks do."""
        key = key or secrets.token_urlsafe(16)
        body, how = message, {**how, "key": key}
        if isinstance(body, bytes):
            how["content_type"] = ENVELOPE_TYPE
        else:
            body = body.model_dump_json().encode() if body else b""
        response = self.send("POST", path, body, **how)
        while response.status_code == 503 and refusal(response).type is ProblemType.BUSY:
            response = self.send("POST", path, body, **how)
        return _read(response, reply)

    def info(self) -> ServiceInfo:
        return _read(self.http.get("/v1/service"), ServiceInfo)

    @cached_property
    def _vault_key(self) -> VaultKey:
        """The key that a kiosk asks for once."""
        return self.info().vault_keys[0]

    def seal(self, burst: Burst, purpose: Purpose, visit_id: str, **changes: Any) -> bytes:
        context = {
            "device_id": self.id,
            "visit_id": visit_id,
            "purpose": purpose,
            "sealed_at": time.time_ns() // 1_000_000,
            "challenge": burst.challenge,
        }
        return seal(burst.encode(), self._vault_key, Context(**{**context, **changes}))

    # What a kiosk asks for

    def challenge(self, white: Burst) -> Challenge:
        """Commits to the pictures in white of a burst, and returns a light challenge."""
        told = Commitment(commitment=to_base64(commitment_of(white)))
        return self.post("/challenges", told, Challenge)

    def answer(self, challenge: Challenge, shown: Burst, **how: Any) -> ChallengeAnswered:
        told = ChallengeAnswer(answer=to_base64(answer_of(shown)))
        path = f"/challenges/{challenge.challenge_id}/answer"
        return self.post(path, told, ChallengeAnswered, **how)

    def lit(self, take: Callable[[Challenge | None], Burst]) -> Burst:
        """Returns the burst that `take` takes under a challenge, committed to and answered as by a
        kiosk. `take` is first called without a challenge, for the pictures in white."""
        challenge = self.challenge(take(None))
        shown = take(challenge)
        self.answer(challenge, shown)
        return shown

    def activate(self, code: str, *, infrared: bool = False) -> Device:
        raw = to_base64(self.key.public_key().public_bytes_raw())
        activation = Activation(
            activation_code=code, public_key=raw, name="Till 3", infrared=infrared
        )
        return self.post("/devices", activation, Device)

    def begin_enrolment(self, phone: str) -> Enrolment:
        request = EnrolmentRequest(phone=phone, consent=self.consent())
        return self.post("/enrolments", request, Enrolment)

    def consent(self, **changes: Any) -> Consent:
        """Returns consent to everything that is asked at this device."""
        texts = self.get("/consents", ConsentTexts).texts
        signature = Signature.HELD if any(text.release for text in texts) else None
        consent = Consent(
            texts=[digest_of(text) for text in texts],
            agreed_at=datetime.now(UTC),
            signature=signature,
        )
        return consent.model_copy(update=changes)

    def last_one_time_code(self, phone: str) -> str:
        messages = self.http.get("/v1/sandbox/messages").json()
        return [m["code"] for m in messages if m["to"] == phone and m["code"]][-1]

    def verify_phone(self, enrolment_id: str, phone: str) -> PhoneVerified:
        code = {"code": self.last_one_time_code(phone)}
        path = f"/enrolments/{enrolment_id}/code"
        return _read(
            self.send("POST", path, httpx.Request("POST", "", json=code).read()), PhoneVerified
        )

    def add_palm(self, enrolment_id: str, burst: Burst) -> PalmAccepted:
        envelope = self.seal(burst, Purpose.ENROL, enrolment_id)
        return self.post(f"/enrolments/{enrolment_id}/palms", envelope, PalmAccepted)

    def verified_enrolment(self, phone: str | None = None) -> str:
        phone = phone or fresh_phone()
        enrolment_id = self.begin_enrolment(phone).enrolment_id
        self.verify_phone(enrolment_id, phone)
        return enrolment_id

    def add_card(
        self,
        enrolment_id: str,
        token: str = "tok_visa",
        holder: str | None = None,
        *,
        key: str | None = None,
    ) -> Card:
        path = f"/enrolments/{enrolment_id}/card"
        return self.post(path, CardToken(token=token, holder=holder), Card, key=key)

    def sign_up(
        self,
        who: str,
        *,
        phone: str | None = None,
        sides: tuple[Side, ...] = (Side.LEFT,),
        token: str = "tok_visa",
        holder: str | None = "Alex Doe",
    ) -> Account:
        enrolment_id = self.verified_enrolment(phone)
        self.add_card(enrolment_id, token, holder)
        for side in sides:
            self.add_palm(enrolment_id, plain_palms.burst(who, side))
        return self.post(f"/enrolments/{enrolment_id}/completion", None, Account)

    def identify(
        self,
        who: str,
        purpose: Purpose = Purpose.PAY,
        *,
        visit_id: str | None = None,
        side: Side = Side.LEFT,
        likeness: float = 1.0,
    ) -> Identification:
        burst = plain_palms.burst(who, side, likeness)
        envelope = self.seal(burst, purpose, visit_id or secrets.token_urlsafe(12))
        return self.post("/identifications", envelope, Identification)

    def recognised(self, who: str, purpose: Purpose = Purpose.PAY) -> str:
        identification = self.identify(who, purpose)
        assert identification.outcome is Outcome.ACCEPTED
        return identification.identification_id

    def sale(
        self, identification_id: str, minor: int = 1250, currency: str = "USD", **changes: Any
    ) -> PurchaseRequest:
        fields = {
            "identification_id": identification_id,
            "amount": Money(minor=minor, currency=currency),
            "reference": secrets.token_urlsafe(12),
        }
        return PurchaseRequest(**{**fields, **changes})


def refusal(response: httpx.Response) -> Problem:
    assert response.is_error, response.text
    return Refused(response).problem


def _read(response: httpx.Response, reply: type[Reply]) -> Reply:
    if response.is_error:
        raise Refused(response)
    return reply.model_validate_json(response.content)


__all__ = ["ProblemType", "Refused", "TestDevice", "fresh_phone", "refusal"]
