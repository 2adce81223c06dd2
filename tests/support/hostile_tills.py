"""Tills that send what they like: the grammar of their messages, and a kiosk that hears them."""

import asyncio
import json
import time
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from typing import Any

import httpx
from hypothesis import strategies as st

from kiosk.screens import Choice, Entered
from kiosk.service.errors import Offline
from kiosk.till.nexo.door import MOST, Door
from kiosk.till.nexo.envelope import SharedKey
from kiosk.till.nexo.events import Events
from kiosk.till.nexo.keys import KeyFile
from kiosk.till.nexo.messages import ErrorCondition, number
from kiosk.till.nexo.records import Records
from kiosk.till.nexo.till import NexoTill
from kiosk.till.till import Acquisition, Collection, Entry, Sale, SaleResult, Talk
from protocol.messages import (
    Customer,
    Membership,
    ProblemType,
    Purchase,
    Refund,
    RefundRequest,
    RefundTotal,
)
from tests.support.clocks import HurriedClock
from tests.support.doors import VISA
from tests.support.sealed import state_of
from tests.support.tills import (
    KEY,
    Json,
    abort,
    acquisition,
    display,
    enable,
    given_back,
    input_request,
    loyalty,
    opened,
    payment,
    print_request,
    refused,
    request,
    reversal,
    sealed,
    status,
    write_keys,
)

OTHER_KEY = SharedKey(identifier="till", version=2, passphrase="a passphrase of another day")
STRANGER = Customer(name_hint="Alex D.", card=VISA)
MEMBER = STRANGER.model_copy(update={"membership": Membership(code="2890000012345")})
WITHIN_S = 60.0
"""How long an answer may take in a test, which says nothing of the kiosk's speed."""

# The grammar

SERVICE_IDS = st.sampled_from(["1", "2", "1234567890"])
SALE_IDS = st.sampled_from(["till-1", "till-1", "till-2"])
CATEGORIES = st.sampled_from(
    [
        "Diagnosis",
        "Login",
        "Logout",
        "GetTotals",
        "Reconciliation",
        "Loyalty",
        "StoredValue",
        "BalanceInquiry",
    ]
)
_TEXTS = st.text(max_size=12) | st.sampled_from(
    ["", "\0", "../..", "'; DROP TABLE", "\u202e", "x" * 300]
)
_NUMBERS = (
    st.integers(-(10**15), 10**15)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from([0, -1, 10**400, 1e-9, 0.005, 68.32000000000001])
)
JSONS = st.recursive(
    st.none() | st.booleans() | _NUMBERS | _TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXTS, inner, max_size=3),
    max_leaves=6,
)
_PAYMENTS = st.builds(
    payment,
    st.sampled_from([4.5, 0.01, 68.32000000000001, 999]),
    SERVICE_IDS,
    SALE_IDS,
    st.sampled_from(["USD", "JPY", "KWD"]),
)
_ASKING = st.builds(
    status, st.none() | SERVICE_IDS, st.sampled_from(["8", "9"]), SALE_IDS
) | st.builds(lambda category: request(category, {}), CATEGORIES)
_ABORTS = st.builds(abort, SERVICE_IDS, st.sampled_from(["8", "9"]), SALE_IDS, SALE_IDS)
_REVERSALS = st.builds(
    reversal, st.just("the last sale"), st.sampled_from([None, 1, 0.5]), SERVICE_IDS
)
_TALK = (
    st.builds(display, _TEXTS)
    | st.builds(print_request, _TEXTS)
    | st.builds(
        input_request,
        st.sampled_from(["GetConfirmation", "DigitString", "GetMenuEntry", "Signature"]),
        _TEXTS,
        entries=st.lists(_TEXTS, max_size=3),
    )
)
_ACQUISITIONS = st.builds(acquisition, SERVICE_IDS) | st.builds(
    enable, st.sampled_from(["AbortTransaction", "StartTransaction"])
)
_COLLECTIONS = st.builds(
    loyalty,
    st.sampled_from([None, 0, 12, -1]),
    st.sampled_from([None, 1262]),
    SERVICE_IDS,
    st.none() | st.just("the last shopper"),
    st.sampled_from(["Award", "Award", "Redemption"]),
)


def _with_more(message: Json, told: str, points: Any) -> Json:
    """Adds to a payment what a till tells the kiosk about the shopper's age and points."""
    asked = message["SaleToPOIRequest"]["PaymentRequest"]
    asked["SaleData"]["SaleToPOIData"] = told
    asked["LoyaltyData"] = [{"LoyaltyAmount": {"Value": points}}]
    return message


_TOLD = st.sampled_from(["ageOver=18", "ageOver=21&loyaltyBalance=7", "ageOver", "=&=", "&" * 99])
_OF_MEMBERS = st.builds(_with_more, _PAYMENTS, _TOLD | _TEXTS, st.integers(0, 99) | _NUMBERS)
_CONTINUED = st.builds(payment, st.just(2), SERVICE_IDS, of=st.just("the last shopper"))
MESSAGES = (
    _PAYMENTS
    | _PAYMENTS
    | _OF_MEMBERS
    | _ASKING
    | _ABORTS
    | _REVERSALS
    | _TALK
    | _ACQUISITIONS
    | _COLLECTIONS
    | _CONTINUED
)
"""Messages as a till should send them, in any order."""


@dataclass(frozen=True)
class Sent:
    """What a till sends."""

    message: Json
    """The message in it."""
    body: bytes | None
    """What goes through the wire; None seals the message as it should be."""
    waits: bool
    """Whether the till waits for the answer before anything else is sent."""


@st.composite
def mutated(draw: st.DrawFn) -> Json:
    """A message of which one part is another JSON value, is missing, or is one too many."""
    message = json.loads(json.dumps(draw(MESSAGES)))
    part = message["SaleToPOIRequest"]
    name = draw(st.sampled_from(sorted(part)))
    while isinstance(part[name], dict) and part[name] and draw(st.integers(0, 3)):
        part = part[name]
        name = draw(st.sampled_from(sorted(part)))
    match draw(st.sampled_from(["other", "missing", "more"])):
        case "other":
            part[name] = draw(JSONS)
        case "missing":
            del part[name]
        case _:
            part[draw(_TEXTS)] = draw(JSONS)
    return message


@st.composite
def damaged(draw: st.DrawFn) -> tuple[Json, bytes]:
    """A message, and its envelope with damage that a kiosk must notice."""
    message = draw(MESSAGES)
    if draw(st.booleans()):
        return message, json.dumps(sealed(message, OTHER_KEY)).encode()
    envelope = sealed(message)
    parts = envelope["SaleToPOIRequest"]
    trailer = parts["SecurityTrailer"]
    match draw(st.sampled_from(["blob", "part", "gone", "trailer"])):
        case "blob":
            place = draw(st.integers(0, len(parts["NexoBlob"]) - 8))
            parts["NexoBlob"] = parts["NexoBlob"][:place]
        case "part":
            part = draw(st.sampled_from(["Nonce", "Hmac", "KeyIdentifier"]))
            trailer[part] = draw(st.sampled_from(["", "AAAA", "till"]) | JSONS)
            if trailer["KeyIdentifier"] == KEY.identifier and part == "KeyIdentifier":
                trailer[part] = "other"
        case "gone":
            del trailer[draw(st.sampled_from(sorted(trailer)))]
        case _:
            parts["SecurityTrailer"] = draw(JSONS)
    return message, json.dumps(envelope).encode()


@st.composite
def _turns(draw: st.DrawFn) -> Sent:
    waits = draw(st.booleans())
    match draw(
        st.sampled_from(["whole", "whole", "whole", "mutated", "damaged", "bare", "no message"])
    ):
        case "whole":
            return Sent(draw(MESSAGES), None, waits)
        case "mutated":
            return Sent(draw(mutated()), None, waits)
        case "damaged":
            return Sent(*draw(damaged()), waits)
        case "bare":
            message = draw(MESSAGES | mutated())
            return Sent(message, json.dumps(message).encode(), waits)
        case _:
            return Sent({}, draw(NO_MESSAGES), waits)


NO_MESSAGES = (
    st.binary(max_size=64)
    | JSONS.map(lambda value: json.dumps(value).encode())
    | JSONS.map(lambda value: json.dumps({"SaleToPOIRequest": value}).encode())
    | st.sampled_from([b"[" * 5000, b"{" + b" " * MOST])
)
SEQUENCES = st.lists(_turns(), min_size=1, max_size=10)
"""What tills send to one kiosk, one after the other or at once."""


# The kiosk that hears them


@dataclass
class Played:
    """What came of a sequence."""

    messages: int = 0
    """How many were sent, without those that see whether the kiosk goes on selling."""
    slowest: float = 0.0
    """The seconds until the slowest answer that waits for no shopper."""
    charged: list[Sale] = field(default_factory=list[Sale])


class Hearing:
    """A kiosk's door without a network, whose shoppers do one thing after the other. Checks every
    answer."""

    def __init__(self, folder: Path) -> None:
        write_keys(folder / "keys.toml", KEY)
        self._records = Records(state_of(folder).files / "till.db")
        # No power is cut here, and waiting for the disk would be all that a sequence does.
        self._records._database.execute("PRAGMA synchronous = OFF")
        self._records._database.execute("PRAGMA journal_mode = MEMORY")
        certificate = state_of(folder).files / "no.pem"
        self._door = Door(
            "127.0.0.1",
            0,
            certificate,
            KeyFile(state_of(folder).files / "keys.toml"),
            unencrypted=False,
        )
        self._till = NexoTill(
            self._door,
            Events(None, lambda: None, "palm-kiosk"),
            self._records,
            self,
            merchant=lambda: "Corner Shop",
            clock=HurriedClock(),
        )
        self._till._condition = lambda: None
        self.played = Played()
        self._last = "nexo-none"
        self._shopper = "nexo-none"
        self._aborted: set[tuple[str, str]] = set()
        """Names of payments whose abort was answered."""
        self._aborting: set[tuple[str, str]] = set()
        """Names of payments that their own tills have aborted."""
        self._too_late: set[tuple[str, str]] = set()
        """Names of payments that were charged after that."""
        self._refunds: list[RefundRequest] = []
        self._lose = cycle([False, True])

    async def find_purchase(self, reference: str) -> Purchase:
        raise refused(ProblemType.NOT_FOUND)

    async def refund(
        self, purchase_reference: str, request: RefundRequest, idempotency_key: str
    ) -> Refund:
        del idempotency_key
        if next(self._lose):
            raise Offline("cut", may_have_arrived=True)
        self._refunds.append(request)
        return given_back(purchase_reference, request)

    async def refunded(self, purchase_reference: str) -> RefundTotal:
        raise Offline("cut", may_have_arrived=True)

    async def plays(self, sequence: list[Sent]) -> Played:
        """Raises AssertionError, and whatever the door raises."""
        app: Any = self._door._configuration(self._till.answer_message).app
        serving = asyncio.create_task(self._shoppers())
        sending: set[asyncio.Task[None]] = set()
        try:
            async with (
                asyncio.timeout(WITHIN_S),
                httpx.AsyncClient(
                    transport=httpx.ASGITransport(app), base_url="https://kiosk"
                ) as till,
            ):
                for sent in sequence:
                    task = asyncio.create_task(self._send(till, sent))
                    sending.add(task)
                    if sent.waits:
                        await task
                    await asyncio.sleep(0)
                await asyncio.gather(*sending)
                await self._still_sells(till)
        finally:
            serving.cancel()
            for task in sending:
                task.cancel()
            await asyncio.gather(serving, *sending, return_exceptions=True)
            self._records.close()
        assert not self._too_late, "a payment was charged after its abort was answered"
        self._check_sales(sequence)
        return self.played

    async def _shoppers(self) -> None:
        results = cycle(
            [SaleResult.APPROVED, SaleResult.UNKNOWN, SaleResult.DECLINED, SaleResult.ANOTHER_WAY]
        )
        shoppers = cycle([STRANGER, None, MEMBER])
        said: list[Entry | None] = [Choice.CONFIRM, Entered("1"), Choice.CANCEL, None]
        entries = cycle(said)
        while True:
            request = await self._till.next_request()
            withdrawn = asyncio.create_task(self._till.withdrawn(request.reference))
            for _ in range(5):
                await asyncio.sleep(0)
            is_withdrawn = withdrawn.done()
            withdrawn.cancel()
            match request:
                case Sale():
                    result = SaleResult.NOT_PAID if is_withdrawn else next(results)
                    await self._pays(request, result)
                case Acquisition() | Collection():
                    self._shopper = request.reference
                    customer = None if is_withdrawn else next(shoppers)
                    await self._till.tell_shopper(request.reference, customer)
                case Talk():
                    entry = None if is_withdrawn else next(entries)
                    await self._till.tell_entry(request.reference, entry)

    async def _pays(self, sale: Sale, result: SaleResult) -> None:
        self._till.note_payer(sale.reference, MEMBER)
        await self._till.answer(sale.reference, result)
        if result is SaleResult.UNKNOWN:
            await asyncio.sleep(0)
            await self._till.answer(sale.reference, SaleResult.APPROVED)
        if result in {SaleResult.APPROVED, SaleResult.UNKNOWN}:
            record = self._records.of_sale(sale.reference)
            assert record is not None
            self._too_late |= {(record.sale_id, record.service_id)} & self._aborted
            self.played.charged.append(sale)
            self._last = sale.reference

    async def _send(self, till: httpx.AsyncClient, sent: Sent) -> None:
        text = json.dumps(sent.message).replace("the last sale", self._last)
        message = json.loads(text.replace("the last shopper", self._shopper))
        body = sent.body
        if body is None:
            self._aborting |= _names_of_its_own(message)
            whole = message if "MessageHeader" in message["SaleToPOIRequest"] else None
            body = json.dumps(sealed(whole) if whole else _headless(message)).encode()
        began = time.perf_counter()
        answer = await till.post("/nexo", content=body)
        self.played.messages += 1
        if _asks_nobody(message):
            self.played.slowest = max(self.played.slowest, time.perf_counter() - began)
        self._check(message, sent, answer)

    def _check(self, message: Json, sent: Sent, answer: httpx.Response) -> None:
        if answer.status_code != 200:
            assert 400 <= answer.status_code < 500, answer.status_code
            return
        assert sent.body is None, "the kiosk answered what no till of its key has sent"
        header = message["SaleToPOIRequest"]["MessageHeader"]
        category = header["MessageCategory"]
        if not answer.content:
            assert category == "Abort"
            reference = message["SaleToPOIRequest"]["AbortRequest"]["MessageReference"]
            name = (reference.get("SaleID") or header["SaleID"], reference["ServiceID"])
            self._aborted.add(name)
            return
        parts = opened(answer)["SaleToPOIResponse"]
        assert set(parts) == {"MessageHeader", f"{category}Response"}
        for name in ("SaleID", "ServiceID", "POIID", "MessageCategory"):
            assert parts["MessageHeader"][name] == header[name]
        for told in _responses(parts[f"{category}Response"]):
            condition = told.get("ErrorCondition")
            if category == "Payment" and condition == ErrorCondition.ABORTED:
                assert (header["SaleID"], header["ServiceID"]) in self._aborting
            assert (told["Result"] == "Success") == (condition is None)
            assert condition is None or condition in set(ErrorCondition)

    async def _still_sells(self, till: httpx.AsyncClient) -> None:
        """Checks that a payment goes through, whatever was sent before."""
        before = len(self.played.charged)
        for place in range(4):
            # One of the next four shoppers pays.
            asked = payment(3, f"77{place}", "till-3")
            answer = await till.post("/nexo", content=json.dumps(sealed(asked)).encode())
            assert answer.status_code == 200
        assert len(self.played.charged) == before + 2

    def _check_sales(self, sequence: list[Sent]) -> None:
        """Checks that each charge is one that a till has asked for, in a message of its own."""
        asked = [json.dumps(sent.message, sort_keys=True) for sent in sequence if sent.body is None]
        left = {text: json.loads(text) for text in asked}
        for sale in self.played.charged[:-2]:
            found = next((text for text, message in left.items() if _asks_for(message, sale)), None)
            assert found is not None, f"nobody asked for {sale.amount}"
            del left[found]


def _responses(body: Json) -> list[Json]:
    """Returns every Response in the body of an answer, of which there is at least one."""
    if "Response" in body:
        return [body["Response"]]
    shown = body["OutputResult"]
    results = [*(shown if isinstance(shown, list) else [shown]), body.get("InputResult")]
    return [result["Response"] for result in results if result is not None]


def _names_of_its_own(message: Json) -> set[tuple[str, str]]:
    """Returns the name of the payment that a till aborts, none for that of another till."""
    try:
        asked = message["SaleToPOIRequest"]
        sale_id = asked["MessageHeader"]["SaleID"]
        reference = asked["AbortRequest"]["MessageReference"]
        own = (reference.get("SaleID") or sale_id) == sale_id
        return {(sale_id, reference["ServiceID"])} if own else set()
    except (KeyError, TypeError, AttributeError):
        return set()


def _headless(message: Json) -> Json:
    """Returns a message without a header in an envelope that has one outside."""
    whole = request("Diagnosis", {})
    envelope = sealed(whole)
    inner = sealed({"SaleToPOIRequest": {**message["SaleToPOIRequest"], "MessageHeader": {}}})
    envelope["SaleToPOIRequest"] |= {
        name: inner["SaleToPOIRequest"][name] for name in ("NexoBlob", "SecurityTrailer")
    }
    return envelope


def _asks_nobody(message: Json) -> bool:
    try:
        category = message["SaleToPOIRequest"]["MessageHeader"]["MessageCategory"]
    except (KeyError, TypeError):
        return True
    return category in ["Diagnosis", "TransactionStatus", "Login", "Logout"]


def _asks_for(message: Json, sale: Sale) -> bool:
    try:
        request = message["SaleToPOIRequest"]
        asked = request["PaymentRequest"]["PaymentTransaction"]["AmountsReq"]
        is_payment = request["MessageHeader"]["MessageCategory"] == "Payment"
        amount: Any = asked["RequestedAmount"]
        same = abs(amount - number(sale.amount)) < 1e-6
        currency = asked["Currency"]
    except (KeyError, TypeError):
        return False
    return is_payment and currency == sale.amount.currency and same
