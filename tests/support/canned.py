"""A service on loopback with prepared answers, for cases that are hard to reach with a real one."""

import asyncio
import json
import os
import re
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import BaseModel

from kiosk.simulated.network_fault import HOST, Listener
from protocol import documents
from protocol.challenge import SEED_BYTES
from protocol.encoding import to_base64
from protocol.envelope import PrivateKey
from protocol.messages import (
    Account,
    Age,
    AgeFlag,
    BegunEnrolment,
    Card,
    CardPage,
    CardPageState,
    CardPurchase,
    CardReading,
    CardReadingState,
    Challenge,
    ChallengeAnswered,
    ClaimOpened,
    ConsentSection,
    ConsentText,
    ConsentTexts,
    Customer,
    DeletionReceipt,
    Device,
    Enrolment,
    Holdings,
    Identification,
    Membership,
    Money,
    Outcome,
    OwnCard,
    PalmAccepted,
    PhoneVerified,
    ProblemType,
    Purchase,
    Refund,
    Retained,
    ServiceInfo,
    Side,
    Wallet,
)

CONSENT = ConsentText(
    version="2027-01",
    law="plain",
    language="en",
    title="What we keep, if you agree",
    sections=[ConsentSection(heading="Why", text="To pay with your palm.")],
)
VISA = Card(brand="visa", last4="4242")
MEMBER = Membership(code="2890000012345", scanned=True)
WALLET = Wallet(cards=[OwnCard(card_id="the-visa", card=VISA)], full=False)
VAULT = PrivateKey.generate()
RETAINED_UNTIL = datetime(2036, 3, 9, tzinfo=UTC)
DEVICE = Device(device_id="device-1234", merchant="Corner Shop", country="US", currency="USD")


@dataclass(frozen=True)
class Asked:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Reply:
    status: int
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()


class HangUp(Exception):
    """An answer that closes the connection instead."""


Answer = (
    Reply
    | BaseModel
    | HangUp
    | Callable[[Asked], "Reply | BaseModel | HangUp | Awaitable[Reply | BaseModel]"]
)


def problem(kind: ProblemType, status: int = 409, **more: Any) -> Reply:
    body = {"type": kind, "title": "No", "status": status, "detail": "Said no.", **more}
    return Reply(status, json.dumps(body).encode())


def soon() -> datetime:
    return datetime.now(UTC) + timedelta(minutes=5)


def challenge(challenge_id: str) -> Challenge:
    seed = to_base64(os.urandom(SEED_BYTES))
    return Challenge(challenge_id=challenge_id, seed=seed, expires_at=soon())


def begun(*, agreed: bool = True, has_card: bool = True) -> BegunEnrolment:
    """Returns a sign-up that was begun on a phone, and what there is of it."""
    return BegunEnrolment(
        enrolment_id="enrolment-1",
        expires_at=soon(),
        resend_after=30,
        phone_last2="23",
        agreed=agreed,
        has_card=has_card,
    )


def card_page(page_id: str = "page-one") -> CardPage:
    return CardPage(page_id=page_id, url=f"https://pages.test/{page_id}", expires_at=soon())


def card_reading(reading_id: str = "reading-one") -> CardReading:
    return CardReading(reading_id=reading_id, expires_at=soon())


def identification(
    outcome: Outcome = Outcome.ACCEPTED,
    attempts_left: int = 3,
    membership: Membership | None = None,
) -> Identification:
    accepted = outcome is Outcome.ACCEPTED
    return Identification(
        identification_id="identification-1",
        outcome=outcome,
        customer=Customer(name_hint="Alex D.", card=VISA, membership=membership)
        if accepted
        else None,
        attempts_left=attempts_left,
        expires_at=soon(),
    )


def bought(asked: Asked, outcome: Any = "approved", decline_reason: str | None = None) -> Purchase:
    request = asked.json
    return Purchase(
        purchase_id="purchase-1",
        reference=request["reference"],
        amount=Money(**request["amount"]),
        outcome=outcome,
        decline_reason=decline_reason,
        card=VISA,
        at=soon(),
    )


def paid_by_card(
    asked: Asked, outcome: Any = "approved", decline_reason: str | None = None
) -> CardPurchase:
    """Returns what a terminal that has read a card gets, and None when a reader waits for one."""
    if asked.json["reader"] is not None:
        return CardPurchase()
    return CardPurchase(purchase=bought(asked, outcome, decline_reason))


def at_reader(outcome: Any = "approved", **more: Any) -> CardPurchase:
    """Returns what became of the card of the sale at a reader."""
    return CardPurchase(purchase=ended(outcome, **more))


def ended(outcome: Any = "not_paid", **more: Any) -> Purchase:
    """Returns the purchase of 12.50 dollars of the sale `sale-at-reader`."""
    purchase = Purchase(
        purchase_id="purchase-1",
        reference="sale-at-reader",
        amount=Money(minor=1250, currency="USD"),
        outcome=outcome,
        card=None if outcome == "not_paid" else VISA,
        at=soon(),
    )
    return purchase.model_copy(update=more)


def refunded(asked: Asked) -> Refund:
    """Returns what was asked for as refunded; everything of a purchase is 12.50 dollars."""
    request = asked.json
    return Refund(
        refund_id="refund-1",
        reference=request["reference"],
        purchase_reference=asked.path.split("/")[2],
        amount=Money(**request["amount"] or {"minor": 1250, "currency": "USD"}),
        outcome="refunded",
        card=VISA,
        at=soon(),
    )


def receipt(**forged: Any) -> DeletionReceipt:
    """Returns a signed receipt; the fields in `forged` are changed afterwards."""
    key = Ed25519PrivateKey.generate()
    signed = documents.sign(
        key,
        DeletionReceipt,
        receipt_id="receipt-1",
        at=datetime.now(UTC),
        erased=["palms", "card"],
        retained=[Retained(what="2 purchases", why="tax law", until=RETAINED_UNTIL)],
    )
    return signed.model_copy(update=forged)


HOLDINGS = Holdings(
    name_hint="Alex D.",
    phone_last4="0123",
    palms=[Side.LEFT],
    cards=[VISA],
    purchases=2,
    agreed=True,
    member_since=datetime(2027, 1, 1, tzinfo=UTC),
)
USED_AT_TWO_SHOPS = HOLDINGS.model_copy(update={"merchants": 2})


def service_info(*, pulse_above: int | None = None, staff_above: int | None = None) -> ServiceInfo:
    """Returns what the service tells of itself now, with the amounts above which it asks for
    more."""
    return ServiceInfo(
        version="1",
        time=datetime.now(UTC),
        vault_keys=[VAULT.public],
        sandbox=True,
        pulse_above=pulse_above,
        staff_above=staff_above,
    )


HAPPY: dict[str, Answer] = {
    "GET /service": lambda _: service_info(),
    "POST /devices": DEVICE,
    "GET /consents": ConsentTexts(texts=[CONSENT]),
    "POST /challenges": lambda asked: challenge(f"challenge-{asked.headers['idempotency-key']}"),
    "POST /challenges/{id}/answer": lambda _: ChallengeAnswered(expires_at=soon()),
    "POST /enrolments": Enrolment(enrolment_id="enrolment-1", expires_at=soon(), resend_after=30),
    "POST /begun-enrolments": lambda _: begun(),
    "PUT /enrolments/enrolment-1/agreement": Reply(204, b""),
    "POST /enrolments/enrolment-1/code": PhoneVerified(known=False),
    "POST /enrolments/enrolment-1/code/resend": Enrolment(
        enrolment_id="enrolment-1", expires_at=soon(), resend_after=60
    ),
    "POST /enrolments/enrolment-1/card": VISA,
    "POST /enrolments/enrolment-1/card/pages": lambda _: card_page(),
    "GET /enrolments/enrolment-1/card/pages/page-one": CardPageState(state="saved", card=VISA),
    "POST /enrolments/enrolment-1/card/readings": lambda _: card_reading(),
    "GET /enrolments/enrolment-1/card/readings/reading-one": CardReadingState(
        state="saved", card=VISA
    ),
    "DELETE /enrolments/enrolment-1/card/readings": Reply(204, b""),
    "POST /enrolments/enrolment-1/palms": PalmAccepted(side=Side.LEFT, palms=[Side.LEFT]),
    "POST /enrolments/enrolment-1/completion": Account(
        name_hint="Alex D.", phone_last4="0123", card=VISA, palms=[Side.LEFT]
    ),
    "DELETE /enrolments/enrolment-1": Reply(204, b""),
    "POST /identifications": lambda _: identification(),
    "POST /identifications/identification-1/step-up": lambda _: identification(),
    "POST /identifications/identification-1/agreement": lambda _: identification(),
    "GET /identifications/identification-1/age/18": AgeFlag(over=Age.EIGHTEEN, seen=False),
    "GET /identifications/identification-1/age/21": AgeFlag(over=Age.TWENTY_ONE, seen=False),
    "PUT /identifications/identification-1/age": Reply(204, b""),
    "PUT /identifications/identification-1/membership": Reply(204, b""),
    "DELETE /identifications/identification-1/membership": Reply(204, b""),
    "GET /identifications/identification-1/holdings": HOLDINGS,
    "GET /identifications/identification-1/cards": WALLET,
    "POST /identifications/identification-1/cards": WALLET,
    "POST /identifications/identification-1/cards/pages": lambda _: card_page(),
    "GET /identifications/identification-1/cards/pages/page-one": CardPageState(state="saved"),
    "POST /identifications/identification-1/cards/readings": lambda _: card_reading(),
    "GET /identifications/identification-1/cards/readings/reading-one": CardReadingState(
        state="saved"
    ),
    "DELETE /identifications/identification-1/cards/readings": Reply(204, b""),
    "PUT /identifications/identification-1/cards/the-visa/default": WALLET,
    "DELETE /identifications/identification-1/cards/the-visa": WALLET,
    "POST /claims": ClaimOpened(claim_id="claim-123", expires_at=soon()),
    "POST /claims/claim-123/palm": lambda _: identification(),
    "POST /claims/claim-123/code": lambda _: identification(),
    "POST /purchases": bought,
    "POST /card-purchases": paid_by_card,
    "POST /deletions": receipt(),
    "POST /identifications/identification-1/withdrawal": receipt(),
}


class CannedService:
    """Answers every request from HAPPY, unless `will` has set its next answers; `asked` holds every
    request. Their names have no query, and the id of a challenge in them is `{id}`."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self._next: defaultdict[str, list[Answer]] = defaultdict(list)
        self._always: dict[str, Answer] = {}
        self.url = ""

    def will(self, request: str, *answers: Answer) -> None:
        self._next[request] += answers

    def always(self, request: str, answer: Answer) -> None:
        """Sets what is answered from now on when no next answer is set."""
        self._always[request] = answer

    def forget(self, request: str) -> None:
        """Forgets the answers that were set for a request."""
        self._next[request].clear()

    def requests(self, request: str) -> list[Asked]:
        return [asked for asked in self.asked if _name(asked) == request]

    @asynccontextmanager
    async def open(self) -> AsyncIterator["CannedService"]:
        listener = Listener(self._serve)
        self.url = f"http://{HOST}:{listener.port}"
        try:
            yield self
        finally:
            await listener.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while asked := await _request(reader):
            self.asked.append(asked)
            answer = self._answer(asked)
            if isinstance(answer, Awaitable):
                answer = await answer
            if isinstance(answer, HangUp):
                break
            writer.write(_response(answer))
            await writer.drain()

    def _answer(self, asked: Asked) -> Reply | BaseModel | HangUp | Awaitable[Reply | BaseModel]:
        name = _name(asked)
        usual = self._always.get(name, HAPPY.get(name))
        answer = self._next[name].pop(0) if self._next[name] else usual
        if answer is None:
            return problem(ProblemType.NOT_FOUND, 404)
        if isinstance(answer, Reply | BaseModel | HangUp):
            return answer
        return answer(asked)


def _name(asked: Asked) -> str:
    path = re.sub(r"^/challenges/[^/]+/", "/challenges/{id}/", asked.path.partition("?")[0])
    return f"{asked.method} {path}"


async def _request(reader: asyncio.StreamReader) -> Asked | None:
    """Returns the next request of a connection; None when the client has hung up, be it in the
    middle of one."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
        line, *fields = head.decode().rstrip().split("\r\n")
        method, target, _ = line.split(" ")
        headers = {name.lower(): value for name, _, value in (f.partition(": ") for f in fields)}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    return Asked(method, target.removeprefix("/v1"), headers, body)


def _response(answer: Reply | BaseModel) -> bytes:
    if isinstance(answer, BaseModel):
        answer = Reply(200, answer.model_dump_json().encode())
    headers = [("content-length", str(len(answer.body))), *answer.headers]
    fields = "".join(f"{name}: {value}\r\n" for name, value in headers)
    return f"HTTP/1.1 {answer.status} -\r\n{fields}\r\n".encode() + answer.body
