"""Reversals: a till gives a payment back, or a part of it.

A reversal is recorded before the service is asked. From then on it is carried out: its name at the
service makes a repeated request the same refund, so it is asked for again until there is an answer,
after a restart as well.
"""

import asyncio
import logging
import secrets
import sqlite3
from typing import Protocol

from pydantic import TypeAdapter, ValidationError

from kiosk.clock import Clock
from kiosk.service.errors import Offline, Refused, ServiceError
from kiosk.till.nexo.messages import (
    ErrorCondition,
    Failed,
    Header,
    Json,
    Message,
    ReversalRequest,
    decimal,
    money,
    number,
    response,
    timestamp,
)
from kiosk.till.nexo.records import Record, Records
from protocol.backoff import pause_after
from protocol.messages import (
    Identifier,
    Money,
    ProblemType,
    Purchase,
    Refund,
    RefundRequest,
    RefundTotal,
)

log = logging.getLogger(__name__)

SHORTEST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 60.0


class Refunds(Protocol):
    """What of the service gives money back (`kiosk.service.client.SignatureService`)."""

    async def find_purchase(self, reference: str) -> Purchase: ...

    async def refund(
        self, purchase_reference: str, request: RefundRequest, idempotency_key: str
    ) -> Refund: ...

    async def refunded(self, purchase_reference: str) -> RefundTotal: ...


_REFUSALS = {
    ProblemType.NOT_FOUND: "The service does not know this payment.",
    ProblemType.NOT_REFUNDABLE: "So much is not left of this payment.",
    ProblemType.CARD_FORGOTTEN: (
        "Whoever paid has had their data deleted: give the money back in another way."
    ),
}


class Reversals:
    def __init__(self, records: Records, service: Refunds, clock: Clock) -> None:
        self._records = records
        self._service = service
        self._clock = clock
        self._carried_out: dict[str, asyncio.Task[Json]] = {}
        """The reversals without an answer, by reference."""

    async def begin(self, message: Message) -> Json:
        """Records a reversal and returns its answer, once there is one. Raises Failed and
        sqlite3.Error."""
        request = message.read(ReversalRequest)
        reference = request.OriginalPOITransaction.POITransactionID.TransactionID
        payment = self._records.of_sale(reference)
        if payment is None:
            currency = await self._sold_elsewhere(reference)
        elif payment.category == "Payment" and _is_paid(payment):
            currency = payment.asked["amount"]["Currency"]
        else:
            raise _not_approved()
        part = request.ReversedAmount
        amount = None if part is None else money(part, currency)
        header = message.header
        # The same may have come, and have been answered, while the service was asked.
        known = self._records.repeated(header.name, message.digest(), self._clock.wall())
        if known is not None:
            return known.answer or await self.answer_to(known)
        record = Record(
            category=header.MessageCategory,
            sale_id=header.SaleID,
            service_id=header.ServiceID,
            digest=message.digest(),
            reference=f"nexo-{secrets.token_hex(12)}",
            asked={
                "header": header.model_dump(exclude_none=True),
                "payment": reference,
                "amount": None if amount is None else amount.model_dump(),
            },
            answer=None,
            at=self._clock.wall(),
            key=message.key,
        )
        self._records.begin(record)
        self.carry_on(record, was_asked=False)
        return await self.answer_to(record)

    async def _sold_elsewhere(self, reference: str) -> str:
        """Returns the currency of a payment that another kiosk of the merchant has made: goods come
        back to any till. Raises Failed."""
        try:
            TypeAdapter(Identifier).validate_python(reference)
            purchase = await self._service.find_purchase(reference)
        except (ValidationError, Refused):
            raise _not_approved() from None
        except ServiceError:
            raise Failed(
                ErrorCondition.UNREACHABLE_HOST,
                "The kiosk does not reach the palm service: nothing was given back.",
            ) from None
        if purchase.outcome != "approved":
            raise _not_approved()
        return purchase.amount.currency

    async def answer_to(self, record: Record) -> Json:
        """Returns the answer to a recorded reversal, which goes on when nobody waits for it."""
        self.carry_on(record)
        return await asyncio.shield(self._carried_out[record.reference])

    def carry_on(self, record: Record, *, was_asked: bool = True) -> None:
        """Has a recorded reversal without an answer carried out, once. `was_asked` tells whether
        the service may have been asked for it already."""
        reference = record.reference
        if reference not in self._carried_out:
            work = self._carry_out(record, was_asked=was_asked)
            task = self._carried_out[reference] = asyncio.create_task(work)
            task.add_done_callback(lambda _: self._carried_out.pop(reference, None))

    async def told_of(self, payment: Record) -> str:
        """Returns what the status of a payment adds (AdditionalResponse): how much of it was given
        back by now, whoever has asked for that, and how much is left. It is empty for what was not
        paid, and where the service does not say."""
        if payment.category != "Payment" or not _is_paid(payment):
            return ""
        try:
            total = await self._service.refunded(payment.reference)
        except ServiceError:
            return ""
        paid, currency = total.amount.minor, total.amount.currency
        refunded = decimal(total.refunded_minor, currency)
        remaining = decimal(paid - total.refunded_minor, currency)
        return f"refundedAmount={refunded:f}&remainingAmount={remaining:f}"

    def close(self) -> None:
        """Ends what is carried out. The next start goes on with it."""
        for task in self._carried_out.values():
            task.cancel()

    async def _carry_out(self, record: Record, *, was_asked: bool) -> Json:
        amount = record.asked["amount"]
        request = RefundRequest(
            reference=record.reference, amount=None if amount is None else Money(**amount)
        )
        failures = 0
        while True:
            try:
                answer = await self._ask(record, request, was_asked=was_asked)
                self._records.answer(record.reference, answer)
            except (ServiceError, sqlite3.Error) as error:
                log.warning("a reversal is tried again: %s", error)
                pause = pause_after(failures, SHORTEST_PAUSE_S, LONGEST_PAUSE_S)
                await self._clock.sleep(pause)
                failures += 1
                was_asked = True
            else:
                return answer

    async def _ask(self, record: Record, request: RefundRequest, *, was_asked: bool) -> Json:
        """Raises ServiceError when it is not known whether the refund is made: a service that was
        asked before may have made it, whatever becomes of this attempt."""
        try:
            refund = await self._service.refund(record.asked["payment"], request, record.reference)
        except Refused as refused:
            why = _REFUSALS.get(refused.type)
            if why is None:
                if was_asked or refused.may_have_arrived:
                    raise
                log.error("a reversal was refused: %s", refused)
                why = "The service refuses it: see the kiosk's log."
            return self._answer(record, failed=Failed(ErrorCondition.NOT_ALLOWED, why))
        except Offline as offline:
            if was_asked or offline.may_have_arrived:
                raise
            why = "The kiosk does not reach the palm service: nothing was given back."
            return self._answer(record, failed=Failed(ErrorCondition.UNREACHABLE_HOST, why))
        if refund.outcome == "failed":
            why = f"The payment provider does not give it back ({refund.failure_reason})."
            return self._answer(record, failed=Failed(ErrorCondition.REFUSAL, why))
        return self._answer(record, refund)

    def _answer(
        self, record: Record, refund: Refund | None = None, failed: Failed | None = None
    ) -> Json:
        at = timestamp(self._clock.wall())
        body: Json = {
            "POIData": {"POITransactionID": {"TransactionID": record.reference, "TimeStamp": at}},
            "OriginalPOITransaction": {
                "POITransactionID": {"TransactionID": record.asked["payment"]}
            },
        }
        if refund is not None:
            body["ReversedAmount"] = number(refund.amount)
        return response(Header.model_validate(record.asked["header"]), body, failed)


def _not_approved() -> Failed:
    why = "This merchant has no approved payment of this TransactionID."
    return Failed(ErrorCondition.NOT_FOUND, why)


def _is_paid(payment: Record) -> bool:
    if payment.answer is None:
        return False
    told = payment.answer["SaleToPOIResponse"]["PaymentResponse"]["Response"]
    return told["Result"] == "Success"
