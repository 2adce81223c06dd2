"""The kiosk as a POI: what it answers to the requests of tills, and the till that the kiosk sees.

A payment is one sale from its request to its answer. Its outcome is the visit's, whatever becomes
of the connection on which it was asked for.
"""

import asyncio
import logging
import secrets
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NoReturn

from kiosk.clock import Clock
from kiosk.screens import Check, Notice
from kiosk.till.nexo.door import Door
from kiosk.till.nexo.messages import (
    AbortRequest,
    ErrorCondition,
    Failed,
    Header,
    Json,
    Message,
    PaymentRequest,
    TransactionStatusRequest,
    card_data,
    number,
    response,
    timestamp,
)
from kiosk.till.nexo.records import NUMBERS_REST, Record, Records
from kiosk.till.nexo.reversals import AsksForRefund, Reversals
from kiosk.till.till import Sale, SaleResult, Untold
from protocol import VERSION
from protocol.messages import Card

log = logging.getLogger(__name__)

OTHER_TERMINAL = "useOtherTerminal=true"
"""What the answer adds when the shopper pays at the shop's own terminal."""
_FAILURES = {
    SaleResult.DECLINED: (ErrorCondition.REFUSAL, "The bank declined the card."),
    SaleResult.ANOTHER_WAY: (
        ErrorCondition.PAYMENT_RESTRICTION,
        f"The shopper pays another way: use the other terminal. {OTHER_TERMINAL}",
    ),
    SaleResult.NOT_PAID: (ErrorCondition.CANCEL, "Nothing was charged."),
}
_CONDITIONS = {
    Notice.STARTING: (ErrorCondition.UNAVAILABLE_DEVICE, "The kiosk is starting."),
    Notice.OFFLINE: (
        ErrorCondition.UNREACHABLE_HOST,
        "The kiosk does not reach the palm service: see its maintenance screen for the cause.",
    ),
    Notice.CAMERA: (
        ErrorCondition.UNAVAILABLE_DEVICE,
        "The kiosk reads no palms: its camera or its light ring is missing.",
    ),
    Notice.NOT_ACTIVATED: (
        ErrorCondition.UNAVAILABLE_SERVICE,
        "The kiosk is not activated: enter an activation code on its maintenance screen.",
    ),
}


@dataclass
class _Payment:
    """A payment in progress."""

    record: Record
    sale: Sale | None = None
    """What the kiosk is asked to sell; None when an earlier run has sold it, or not."""
    withdrawn: asyncio.Event = field(default_factory=asyncio.Event)
    answered: asyncio.Event = field(default_factory=asyncio.Event)
    answer: Json | None = None
    told: bool = False
    """Whether the kiosk has told any result, UNKNOWN included."""


class NexoTill:
    """All tills that speak with this kiosk. One of them has a payment at a time."""

    def __init__(
        self,
        door: Door,
        records: Records,
        refund: AsksForRefund,
        merchant: Callable[[], str],
        clock: Clock,
    ) -> None:
        """`merchant` returns the name that is shown to the shopper."""
        self._door = door
        self._records = records
        self._reversals = Reversals(records, refund, clock)
        self._merchant = merchant
        self._clock = clock
        self._payment: _Payment | None = None
        self._doubtful: dict[str, _Payment] = {}
        """Payments of which the outcome is not known yet, by reference."""
        self._rung_up = asyncio.Event()
        self._condition: Callable[[], Notice | None] = lambda: Notice.STARTING

    # What tills ask

    async def answer_message(self, message: Message) -> Json | None:
        """Returns the answer to a message, None when it is answered with nothing."""
        header = message.header
        try:
            match header.MessageCategory:
                case "Payment" | "Reversal":
                    return await self._move_money(message)
                case "Abort":
                    return await self._abort(header, message.read(AbortRequest))
                case _:
                    return response(header, self._told(message))
        except Failed as failed:
            told = failed
        except sqlite3.Error as error:
            log.error("a till's message cannot be recorded: %s", error)
            told = Failed(
                ErrorCondition.UNAVAILABLE_DEVICE,
                "The kiosk's disk stores nothing: see its maintenance screen.",
            )
        return response(header, told.body, told)

    def _told(self, message: Message) -> Json:
        """Returns the body of the answer to a message that asks for nothing but to be told. Raises
        Failed."""
        header = message.header
        match header.MessageCategory:
            case "TransactionStatus":
                return self._status(header, message.read(TransactionStatusRequest))
            case "Diagnosis":
                return self._diagnose()
            case "Login":
                return {"POISystemData": self._system_data()}
            case "Logout":
                return {}
            case other:
                raise Failed(
                    ErrorCondition.UNAVAILABLE_SERVICE, f"{other} is not served by this kiosk."
                )

    async def _move_money(self, message: Message) -> Json:
        """Answers a payment or a reversal; a repeated one as the first."""
        header, now = message.header, self._clock.wall()
        known = self._records.of_message(*header.name)
        if known is not None and known.digest == message.digest():
            return await self._answer_to(known)
        if known is not None and now - known.at < NUMBERS_REST:
            raise Failed(
                ErrorCondition.MESSAGE_FORMAT,
                "This ServiceID was used within the last 48 hours for another message.",
            )
        self._records.forget(now)
        if header.MessageCategory == "Reversal":
            return await self._reversals.begin(message)
        return await self._pay(message)

    async def _pay(self, message: Message) -> Json:
        header, now = message.header, self._clock.wall()
        request = message.read(PaymentRequest)
        amount, items = request.amount(), request.items()
        if self._records.was_aborted(*header.name, now):
            raise Failed(ErrorCondition.ABORTED, "This payment was aborted before it arrived.")
        if self._payment is not None:
            raise Failed(ErrorCondition.BUSY, "Another payment is in progress at this kiosk.")
        self._refuse_if_unable()
        reference = f"nexo-{secrets.token_hex(12)}"
        record = Record(
            category=header.MessageCategory,
            sale_id=header.SaleID,
            service_id=header.ServiceID,
            digest=message.digest(),
            reference=reference,
            asked={
                "header": header.model_dump(exclude_none=True),
                "transaction": request.SaleData.SaleTransactionID.model_dump(),
                "amount": {"Currency": amount.currency, "AuthorizedAmount": number(amount)},
            },
            answer=None,
            at=now,
        )
        self._records.begin(record)
        self._payment = _Payment(record, Sale(reference, amount, self._merchant(), items))
        self._rung_up.set()
        return await self._answer_to(record)

    async def _answer_to(self, record: Record) -> Json:
        """Returns the answer to a payment or a reversal, once its outcome is known."""
        if record.answer is not None:
            return record.answer
        if record.category == "Reversal":
            return await self._reversals.answer_to(record)
        payment = self._find(record.reference)
        assert payment is not None, "a payment without an answer is in progress or in doubt"
        await payment.answered.wait()
        assert payment.answer is not None
        return payment.answer

    async def _abort(self, header: Header, request: AbortRequest) -> None:
        """Returns when the payment can charge nothing any more, or has its answer."""
        reference = request.MessageReference
        sale_id = reference.SaleID or header.SaleID
        record = self._records.of_message(sale_id, reference.ServiceID)
        if record is None:
            self._records.abort(sale_id, reference.ServiceID, self._clock.wall())
            return
        payment = self._find(record.reference)
        if payment is None or record.answer is not None:
            return
        payment.withdrawn.set()
        if self._rung_up.is_set() and payment is self._payment:
            # The kiosk has not taken it yet.
            self._rung_up.clear()
            await self.answer(record.reference, SaleResult.NOT_PAID)
        await payment.answered.wait()

    def _status(self, header: Header, request: TransactionStatusRequest) -> Json:
        """Raises Failed."""
        reference = request.MessageReference
        if reference is None:
            record = self._records.last(header.SaleID)
        else:
            sale_id = reference.SaleID or header.SaleID
            record = self._records.of_message(sale_id, reference.ServiceID)
        if record is None:
            raise Failed(ErrorCondition.NOT_FOUND, "There was no such request at this kiosk.")
        if record.answer is None:
            raise Failed(ErrorCondition.IN_PROGRESS, "It is in progress: ask again.")
        answer, told = record.answer["SaleToPOIResponse"], f"{record.category}Response"
        return {
            "MessageReference": {
                "MessageCategory": record.category,
                "SaleID": record.sale_id,
                "ServiceID": record.service_id,
            },
            "RepeatedMessageResponse": {
                "MessageHeader": answer["MessageHeader"],
                "RepeatedResponseMessageBody": {told: answer[told]},
            },
        }

    def _diagnose(self) -> Json:
        """Raises Failed, with the same body, while no visit can be made."""
        notice = self._condition()
        reaches = notice not in {Notice.OFFLINE, Notice.STARTING}
        status = "OK" if self._payment is None else "Busy"
        body: Json = {
            "POIStatus": {
                "GlobalStatus": status if notice is None else "Maintenance",
                "SecurityOKFlag": True,
                "CommunicationOKFlag": reaches,
            },
            "HostStatus": [{"AcquirerID": "palm service", "IsReachableFlag": reaches}],
        }
        if notice is not None:
            raise Failed(*_CONDITIONS[notice], body)
        return body

    def _refuse_if_unable(self) -> None:
        """Raises Failed while no visit can be made."""
        notice = self._condition()
        if notice is not None:
            raise Failed(*_CONDITIONS[notice])

    def _system_data(self) -> Json:
        return {
            "DateTime": timestamp(self._clock.wall()),
            "POISoftware": {
                "ProviderIdentification": "palm-kiosk",
                "ApplicationName": "palm-kiosk",
                "SoftwareVersion": VERSION,
                "CertificationCode": "",
            },
        }

    # What the kiosk asks and tells (kiosk.till.till.Till)

    async def keep(
        self, condition: Callable[[], Notice | None], in_doubt: Callable[[str], bool]
    ) -> NoReturn:
        """Takes up what an earlier run has left without an answer: payments that are not in doubt
        have charged nothing, and reversals are carried out. Then serves the door."""
        self._condition = condition
        try:
            for record in self._records.open():
                if record.category == "Reversal":
                    self._reversals.carry_on(record)
                    continue
                payment = self._doubtful[record.reference] = _Payment(record)
                if not in_doubt(record.reference):
                    payment.withdrawn.set()
                    await self.answer(record.reference, SaleResult.NOT_PAID)
        except sqlite3.Error as error:
            log.error("the till's payments cannot be read: %s", error)
        try:
            await self._door.serve(self.answer_message)
        finally:
            self._reversals.close()
            self._records.close()

    def check(self) -> Check:
        return self._door.check()

    async def next_sale(self) -> Sale:
        await self._rung_up.wait()
        self._rung_up.clear()
        assert self._payment is not None
        assert self._payment.sale is not None
        return self._payment.sale

    async def rings_up(self) -> None:
        await self._rung_up.wait()

    async def withdrawn(self, sale: Sale) -> None:
        payment = self._find(sale.reference)
        await (payment.withdrawn if payment else asyncio.Event()).wait()

    def awaits(self, reference: str) -> bool:
        payment = self._find(reference)
        return payment is not None and not payment.told

    async def answer(
        self,
        reference: str,
        result: SaleResult,
        cause: str | None = None,
        card: Card | None = None,
    ) -> None:
        payment = self._find(reference)
        if payment is None:
            return
        payment.told = True
        if result is SaleResult.UNKNOWN:
            self._doubtful[reference] = payment
        else:
            answer = self._payment_response(payment, result, cause, card)
            self._record(reference, result, answer)
            payment.answer = answer
            payment.answered.set()
            self._doubtful.pop(reference, None)
        if payment is self._payment:
            self._payment = None

    async def call_staff(self) -> bool:
        """Returns False: there is no way to a till that asks for nothing."""
        return False

    def _record(self, reference: str, result: SaleResult, answer: Json) -> None:
        """Raises Untold when an answer cannot be recorded that says that a card was asked. Any
        other counts as nothing charged at the next start, too."""
        try:
            self._records.answer(reference, answer)
        except sqlite3.Error as error:
            log.error("the answer to a till's payment cannot be recorded: %s", error)
            if result in {SaleResult.APPROVED, SaleResult.DECLINED}:
                raise Untold from None

    def _payment_response(
        self, payment: _Payment, result: SaleResult, cause: str | None, card: Card | None
    ) -> Json:
        asked = payment.record.asked
        failed = None
        paid = dict(asked["amount"])
        if result is not SaleResult.APPROVED:
            condition, why = _FAILURES[result]
            if result is SaleResult.NOT_PAID and payment.withdrawn.is_set():
                condition, why = ErrorCondition.ABORTED, "The payment was aborted."
            failed = Failed(condition, f"{why} ({cause})" if cause else why)
            paid["AuthorizedAmount"] = 0
        body: Json = {
            "SaleData": {"SaleTransactionID": asked["transaction"]},
            "POIData": {
                "POITransactionID": {
                    "TransactionID": payment.record.reference,
                    "TimeStamp": timestamp(self._clock.wall()),
                }
            },
            "PaymentResult": {
                "PaymentType": "Normal",
                "AmountsResp": paid,
                "OnlineFlag": True,
            },
        }
        if card is not None:
            body["PaymentResult"]["PaymentInstrumentData"] = card_data(card)
        return response(Header.model_validate(asked["header"]), body, failed)

    def _find(self, reference: str) -> _Payment | None:
        if self._payment is not None and self._payment.record.reference == reference:
            return self._payment
        return self._doubtful.get(reference)
