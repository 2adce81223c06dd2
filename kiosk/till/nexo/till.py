"""The kiosk as a POI: what it answers to the requests of tills, and the till that the kiosk sees.

A request is open from its message to its answer, and the kiosk serves one at a time. The answer is
the visit's, whatever becomes of the connection on which it was asked for.
"""

import asyncio
import logging
import secrets
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import NoReturn

from kiosk.clock import Clock
from kiosk.race import first
from kiosk.screens import Check, Notice
from kiosk.till.nexo import answers, talk
from kiosk.till.nexo.door import Door, Entrance
from kiosk.till.nexo.events import Event, Events
from kiosk.till.nexo.messages import (
    AbortRequest,
    CardAcquisitionRequest,
    EnableServiceRequest,
    ErrorCondition,
    Failed,
    Header,
    Json,
    Loyalty,
    LoyaltyRequest,
    Message,
    PaymentRequest,
    TransactionStatusRequest,
    number,
    response,
    wrap,
)
from kiosk.till.nexo.records import Record, Records
from kiosk.till.nexo.relayed import Relayed
from kiosk.till.nexo.reversals import Refunds, Reversals
from kiosk.till.till import (
    Acquisition,
    Collection,
    Entry,
    Printed,
    Request,
    Sale,
    SaleResult,
    Talk,
    Tampering,
    Untold,
)
from protocol.messages import Card, Customer, Membership, Money

log = logging.getLogger(__name__)

ANSWERS_WHOLE = 100
"""How many answers with a membership are kept whole, in memory, for a till that asks again."""

PRINTS_WITHIN_S = 60.0
"""How long after a payment a till may print its receipt, in seconds. Whoever stands at the kiosk
later may be somebody else."""


@dataclass
class _Open:
    """A request without an answer."""

    reference: str
    message: Message | None = None
    """The message, None when an earlier run has taken it."""
    record: Record | None = None
    """What stands in the records, None for what is not recorded."""
    withdrawn: asyncio.Event = field(default_factory=asyncio.Event)
    answered: asyncio.Event = field(default_factory=asyncio.Event)
    answer: Json | None = None
    membership: Membership | None = None
    """The membership of whoever pays, once they are known."""
    told: bool = False
    """Whether the kiosk has told anything, UNKNOWN included."""


class NexoTill:
    """All tills that speak with this kiosk. One of them has a request at a time."""

    def __init__(
        self,
        door: Door,
        events: Events,
        records: Records,
        service: Refunds,
        *,
        merchant: Callable[[], str],
        clock: Clock,
        tips: tuple[int, ...] = (),
        relayed: Relayed | None = None,
        odoo: Entrance | None = None,
    ) -> None:
        """`merchant` returns the name that is shown to the shopper. `tips` are those to choose
        from, in percent. `odoo` is a second door."""
        self._door = door
        self._odoo = odoo
        self._events = events
        self._records = records
        self._reversals = Reversals(records, service, clock)
        self._merchant = merchant
        self._clock = clock
        self._tips = tips
        self._relayed = relayed
        self._current: _Open | None = None
        """The request that the kiosk serves or is about to take."""
        self._telling: set[asyncio.Task[bool]] = set()
        """What the till is being told without being asked."""
        self._waiting: Request | None = None
        """The request that the kiosk has not taken yet."""
        self._asked = asyncio.Event()
        """Set while a request is waiting."""
        self._acquired: _Open | None = None
        """The acquisition whose shopper waits at the kiosk for the till to go on."""
        self._tampered: set[Tampering] = set()
        """The signs of tampering that are not gone."""
        self._paid: tuple[Record, float] | None = None
        """The payment that was approved last, and when on the kiosk's clock, until something else
        is asked of the kiosk."""
        self._talked: tuple[_Open, talk.Spoken] | None = None
        """What the till said or asked last."""
        self._doubtful: dict[str, _Open] = {}
        """Payments of which the outcome is not known yet, by reference."""
        self._whole: dict[str, Json] = {}
        """The last answers with a membership, by reference: records are without."""
        self._condition: Callable[[], Notice | None] = lambda: Notice.STARTING

    # What tills ask

    async def answer_message(self, message: Message, *, tells_refunds: bool = True) -> Json | None:
        """Returns the answer to a message, None when it is answered with nothing. `tells_refunds`
        is whether the service is asked, for the status of a payment, what was given back since."""
        header = message.header
        try:
            match header.MessageCategory:
                case "Payment" | "CardAcquisition" | "Loyalty" | "Reversal":
                    return await self._transact(message)
                case "Display" | "Input" | "Print":
                    return await self._talk(message)
                case "Abort":
                    return await self._abort(message)
                case "EnableService":
                    await self._enable(message)
                    return response(header)
                case _:
                    return await self._tell(message, tells_refunds=tells_refunds)
        except Failed as failed:
            told = failed
        except sqlite3.Error as error:
            log.error("a till's message cannot be recorded: %s", error)
            told = Failed(
                ErrorCondition.UNAVAILABLE_DEVICE,
                "The kiosk's disk stores nothing: see its maintenance screen.",
            )
        return response(header, told.body, told)

    async def _tell(self, message: Message, *, tells_refunds: bool) -> Json:
        """Returns the answer to a message that asks for nothing but to be told. Raises Failed."""
        header, added = message.header, ""
        body: Json = {}
        match header.MessageCategory:
            case "TransactionStatus":
                record, body = self._status(header, message.read(TransactionStatusRequest))
                added = await self._reversals.told_of(record) if tells_refunds else ""
            case "Diagnosis":
                is_busy, is_safe = self._current is not None, not self._tampered
                body = answers.diagnosis(self._condition(), busy=is_busy, safe=is_safe)
            case "Login":
                body = answers.login(self._clock.wall())
            case "Logout":
                pass
            case other:
                raise Failed(
                    ErrorCondition.UNAVAILABLE_SERVICE, f"{other} is not served by this kiosk."
                )
        return response(header, body, added=added)

    async def _transact(self, message: Message) -> Json:
        """Answers what is recorded; a repeated request as the first."""
        header, now = message.header, self._clock.wall()
        known = self._records.repeated(header.name, message.digest(), now)
        if known is not None:
            return await self._answer_to(known)
        self._records.forget(now)
        self._refuse_if_aborted(message)
        match header.MessageCategory:
            case "Reversal":
                return await self._reversals.begin(message)
            case "CardAcquisition":
                return await self._acquire(message)
            case "Loyalty":
                return await self._collect(message)
            case _:
                return await self._pay(message)

    async def _pay(self, message: Message) -> Json:
        request = message.read(PaymentRequest)
        amount, items = request.amount(), request.items()
        acquisition = request.PaymentData.CardAcquisitionReference
        of = None if acquisition is None else acquisition.TransactionID
        self._refuse_if_gone(of)
        self._refuse_if_unable()
        points, over = request.points(), request.SaleData.over()
        asked: Json = {
            "transaction": request.SaleData.SaleTransactionID.model_dump(),
            "over": over,
            "amount": {"Currency": amount.currency, "AuthorizedAmount": number(amount)},
            "points": points.collected if points else None,
            "loyalty": request.loyalty,
        }
        opened = self._record(message, asked)
        sale = Sale(
            opened.reference,
            amount,
            self._merchant(),
            items,
            of,
            self._tips,
            points=points,
            over=over,
            members_only=request.loyalty is Loyalty.REQUIRED,
        )
        return await self._serve(opened, sale)

    async def _acquire(self, message: Message) -> Json:
        request = message.read(CardAcquisitionRequest)
        self._refuse_if_unable()
        over = request.SaleData.over()
        transaction = request.SaleData.SaleTransactionID.model_dump()
        asked: Json = {"transaction": transaction, "over": over, "loyalty": request.loyalty}
        opened = self._record(message, asked)
        members_only = request.loyalty is Loyalty.REQUIRED
        acquisition = Acquisition(opened.reference, self._merchant(), over, members_only)
        return await self._serve(opened, acquisition)

    async def _collect(self, message: Message) -> Json:
        request = message.read(LoyaltyRequest)
        points, of = request.points(), request.acquisition()
        self._refuse_if_gone(of)
        self._refuse_if_unable()
        asked: Json = {
            "transaction": request.SaleData.SaleTransactionID.model_dump(),
            "points": points.collected if points else None,
        }
        opened = self._record(message, asked)
        return await self._serve(opened, Collection(opened.reference, self._merchant(), points, of))

    async def _talk(self, message: Message) -> Json:
        """Shows the shopper what the till says, or asks them. A repeated message is answered as the
        first, as long as it is the last."""
        spoken = talk.read(message, self._merchant())
        if self._talked is not None:
            before, _ = self._talked
            if before.message == message:
                await before.answered.wait()
                assert before.answer is not None
                return before.answer
        self._refuse_if_aborted(message)
        self._refuse_if_busy()
        if self._condition() is Notice.LOCKED:
            # It would be shown once staff have unlocked the kiosk, to somebody else.
            raise answers.unable(Notice.LOCKED)
        opened = _Open(_new_reference(), message)
        self._talked = opened, spoken
        printed = self._receipt(message, spoken.printed)
        return await self._serve(opened, Talk(opened.reference, spoken.screen, printed))

    def _receipt(self, message: Message, text: str) -> Printed | None:
        """Returns what a till prints as the receipt of the payment that it was told of last, if
        nothing else was asked of the kiosk since."""
        if self._paid is None or not text:
            return None
        record, at = self._paid
        is_soon = self._clock.now() - at <= PRINTS_WITHIN_S
        if not is_soon or record.sender != message.sender:
            return None
        return Printed(record.reference, text)

    def _record(self, message: Message, asked: Json) -> _Open:
        """Records a request before the kiosk is told of it. Raises Failed and sqlite3.Error."""
        self._refuse_if_busy()
        header = message.header
        record = Record(
            category=header.MessageCategory,
            sale_id=header.SaleID,
            service_id=header.ServiceID,
            digest=message.digest(),
            reference=_new_reference(),
            asked={"header": header.model_dump(exclude_none=True), **asked},
            answer=None,
            at=self._clock.wall(),
            key=message.key,
        )
        self._records.begin(record)
        return _Open(record.reference, message, record)

    async def _serve(self, opened: _Open, request: Request) -> Json:
        """Gives a request to the kiosk, and returns its answer. Whoever waited at the kiosk for the
        till to go on waits no longer."""
        self._current, self._waiting, self._acquired = opened, request, None
        self._paid = None
        self._asked.set()
        await opened.answered.wait()
        assert opened.answer is not None
        return opened.answer

    async def _answer_to(self, record: Record) -> Json:
        """Returns the answer to a recorded request, once its outcome is known."""
        if record.answer is not None:
            return self._whole.get(record.reference, record.answer)
        if record.category == "Reversal":
            return await self._reversals.answer_to(record)
        opened = self._find(record.reference)
        if opened is None:
            # The records could not be read when the kiosk started.
            raise Failed(
                ErrorCondition.UNAVAILABLE_DEVICE,
                "What became of it is not known until the kiosk has been started anew.",
            )
        await opened.answered.wait()
        assert opened.answer is not None
        return opened.answer

    async def _abort(self, message: Message) -> None:
        """Returns when the request can charge nothing any more, or has its answer. Raises Failed
        for the request of another till, and when that is not known."""
        reference, sale_id = message.read(AbortRequest).MessageReference, message.header.SaleID
        if reference.SaleID not in {None, sale_id}:
            raise _not_its_own()
        name, current = (sale_id, reference.ServiceID), self._current
        if current is not None and current.message and current.message.header.name == name:
            _refuse_unless_own(message, current.message)
            await self._withdraw(current)
            return
        record = self._records.of_message(*name)
        if record is not None:
            _refuse_unless_own(message, record)
        if record is None or record.answer is not None:
            # The number may be used again since, by a request that comes late.
            self._records.abort(message.sender, reference.ServiceID, self._clock.wall())
            return
        opened = self._find(record.reference)
        if opened is not None:
            await self._withdraw(opened)
        else:
            await self._answer_to(record)

    async def _enable(self, message: Message) -> None:
        """Ends an acquisition, whose shopper may wait already. Raises Failed, for the acquisition
        of another till as well."""
        request = message.read(EnableServiceRequest)
        if request.TransactionAction == "StartTransaction":
            raise Failed(
                ErrorCondition.UNAVAILABLE_SERVICE,
                "StartTransaction is not served here: a CardAcquisition asks who the shopper is.",
            )
        acquired, current = self._acquired, self._current
        if acquired is not None:
            assert acquired.record is not None
            _refuse_unless_own(message, acquired.record)
            acquired.withdrawn.set()
        if current is not None and current.record is not None:
            _refuse_unless_own(message, current.record)
            if current.record.category != "CardAcquisition":
                raise Failed(
                    ErrorCondition.NOT_ALLOWED, "This is ended by an Abort of its message."
                )
            await self._withdraw(current)

    async def _withdraw(self, opened: _Open) -> None:
        """Has the kiosk end a request, and waits for its answer."""
        opened.withdrawn.set()
        waiting = self._waiting
        if waiting is not None and opened is self._current:
            # The kiosk has not taken it yet.
            self._waiting = None
            self._asked.clear()
            await self._give_up(waiting)
        await opened.answered.wait()

    async def _give_up(self, request: Request) -> None:
        match request:
            case Sale():
                await self.answer(request.reference, SaleResult.NOT_PAID)
            case Acquisition() | Collection():
                await self.tell_shopper(request.reference, None)
            case Talk():
                await self.tell_entry(request.reference, None)

    def _status(self, header: Header, request: TransactionStatusRequest) -> tuple[Record, Json]:
        """Returns the record that a till asks about, and the body of the answer. Raises Failed."""
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
        whole = self._whole.get(record.reference, record.answer)
        answer, told = whole["SaleToPOIResponse"], f"{record.category}Response"
        return record, {
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

    def _refuse_if_aborted(self, message: Message) -> None:
        """Raises Failed for a request whose abort arrived before it."""
        number = message.header.ServiceID
        if self._records.was_aborted(message.sender, number, self._clock.wall()):
            raise Failed(ErrorCondition.ABORTED, "This request was aborted before it arrived.")

    def _refuse_if_busy(self) -> None:
        """Raises Failed while another request is open."""
        if self._current is not None:
            raise Failed(ErrorCondition.BUSY, "Another request is in progress at this kiosk.")

    def _refuse_if_gone(self, acquisition: str | None) -> None:
        """Raises Failed for an acquisition whose shopper does not wait at the kiosk."""
        waits = self._acquired is not None and self._acquired.reference == acquisition
        if acquisition is not None and not waits:
            raise Failed(
                ErrorCondition.NOT_FOUND,
                "No shopper of this CardAcquisition waits at the kiosk any more.",
            )

    def _refuse_if_unable(self) -> None:
        """Raises Failed while no visit can be made."""
        notice = self._condition()
        if notice is not None:
            raise answers.unable(notice)

    # What the kiosk asks and tells (kiosk.till.till.Till)

    async def keep(
        self, condition: Callable[[], Notice | None], in_doubt: Callable[[str], bool]
    ) -> NoReturn:
        """Takes up what an earlier run has left without an answer: payments that are not in doubt
        have charged nothing, other visits are over, and reversals are carried out. Then serves the
        door."""
        self._condition = condition
        try:
            for record in self._records.open():
                if record.category == "Reversal":
                    self._reversals.carry_on(record)
                    continue
                reference = record.reference
                left = self._doubtful[reference] = _Open(reference, None, record)
                if record.category in {"CardAcquisition", "Loyalty"}:
                    left.withdrawn.set()
                    await self.tell_shopper(reference, None)
                elif not in_doubt(reference):
                    left.withdrawn.set()
                    await self.answer(reference, SaleResult.NOT_PAID)
        except sqlite3.Error as error:
            log.error("the till's payments cannot be read: %s", error)
        try:
            serving = [self._door.serve(self.answer_message)]
            if self._odoo is not None:
                # It asks for many statuses each second, and has no word for refunds.
                without = partial(self.answer_message, tells_refunds=False)
                serving.append(self._odoo.serve(without))
            if self._relayed is not None:
                serving.append(self._relayed.serve(self._door, self.answer_message))
            await first(*serving)
            raise AssertionError("tills are served until that is cancelled")
        finally:
            for telling in self._telling:
                telling.cancel()
            self._reversals.close()
            self._records.close()

    def check(self) -> Check:
        return self._door.check()

    async def next_request(self) -> Request:
        await self.asks()
        self._asked.clear()
        request, self._waiting = self._waiting, None
        assert request is not None
        return request

    async def asks(self) -> None:
        # An abort may have taken the request back before whoever waits for it gets to run.
        while self._waiting is None:
            await self._asked.wait()

    async def withdrawn(self, reference: str) -> None:
        opened = self._find(reference)
        await (opened.withdrawn if opened else asyncio.Event()).wait()

    def awaits(self, reference: str) -> bool:
        opened = self._find(reference)
        return opened is not None and not opened.told

    async def answer(
        self,
        reference: str,
        result: SaleResult,
        cause: str | None = None,
        *,
        card: Card | None = None,
        charged: Money | None = None,
    ) -> None:
        try:
            payment = self._find(reference) or self._left_open(reference)
        except sqlite3.Error as error:
            log.error("a till's payment cannot be read: %s", error)
            if result in {SaleResult.APPROVED, SaleResult.DECLINED}:
                raise Untold from None
            return
        if payment is None:
            return
        payment.told = True
        # Until there is an answer, others need not wait for it.
        self._doubtful[reference] = payment
        is_served = payment is self._current
        if is_served:
            self._current = None
        if result is not SaleResult.UNKNOWN:
            answer = answers.payment(
                self._taken(payment),
                result,
                cause,
                card=card,
                charged=charged,
                membership=payment.membership,
                withdrawn=payment.withdrawn.is_set(),
            )
            told = self._keep(payment, answer)
            if not told and result in {SaleResult.APPROVED, SaleResult.DECLINED}:
                # Any other counts as nothing charged at the next start, too.
                raise Untold
            self._close(payment, answer)
            if result is SaleResult.APPROVED and is_served and payment.record is not None:
                self._paid = payment.record, self._clock.now()

    def note_payer(self, reference: str, customer: Customer | None) -> None:
        payment = self._find(reference)
        if payment is not None:
            payment.membership = customer.membership if customer else None

    async def tell_shopper(
        self, reference: str, customer: Customer | None, *, of_age: bool = False
    ) -> None:
        opened = self._find(reference)
        if opened is None:
            return
        if opened.answered.is_set():
            # Who was told of has left since.
            self._acquired = None
            return
        opened.told = True
        taken, withdrawn = self._taken(opened), opened.withdrawn.is_set()
        collects = taken.record.category == "Loyalty"
        if collects:
            membership = customer.membership if customer else None
            answer = answers.collection(taken, membership, withdrawn=withdrawn)
        else:
            answer = answers.acquisition(taken, customer, of_age=of_age, withdrawn=withdrawn)
        self._keep(opened, answer)
        self._close(opened, answer)
        if opened is self._current:
            self._current = None
            waits = taken.tells_of(customer) and not collects
            self._acquired = opened if waits else None

    async def tell_entry(self, reference: str, entry: Entry | None) -> None:
        opened = self._find(reference)
        if opened is None or self._talked is None:
            return
        assert opened.message is not None
        opened.told = True
        _, spoken = self._talked
        self._close(opened, wrap(opened.message.header, spoken.answer(entry)))
        self._current = None

    def _close(self, opened: _Open, answer: Json) -> None:
        opened.answer = answer
        opened.answered.set()
        self._doubtful.pop(opened.reference, None)

    def _keep(self, opened: _Open, answer: Json) -> bool:
        """Records an answer, without a membership in it. Returns whether the disk has taken it."""
        recorded = answers.without_membership(answer)
        if recorded != answer:
            self._whole[opened.reference] = answer
            for old in list(self._whole)[:-ANSWERS_WHOLE]:
                del self._whole[old]
        try:
            self._records.answer(opened.reference, recorded)
        except sqlite3.Error as error:
            log.error("the answer to a till cannot be recorded: %s", error)
            return False
        return True

    def maintain(self, *, begins: bool) -> None:
        event = Event.BEGIN_MAINTENANCE if begins else Event.END_MAINTENANCE
        telling = asyncio.create_task(self._events.tell(event, self._clock.wall()))
        self._telling.add(telling)
        telling.add_done_callback(self._telling.discard)

    async def tampering(self, sign: Tampering) -> bool:
        self._tampered.add(sign)
        if not self._events.wanted:
            return True
        return await self._events.tell(Event.SECURITY_ALARM, self._clock.wall(), tamper=sign)

    def tampering_ended(self, sign: Tampering) -> None:
        self._tampered.discard(sign)

    async def call_staff(self) -> bool:
        return await self._events.tell(Event.SALE_ADMIN, self._clock.wall(), callStaff="true")

    def _taken(self, opened: _Open) -> answers.Taken:
        assert opened.record is not None
        return answers.Taken(opened.record, self._clock.wall(), self._merchant())

    def _left_open(self, reference: str) -> _Open | None:
        """Returns a payment that could not be read when the kiosk started, None when there is none
        without an answer. Raises sqlite3.Error."""
        record = self._records.of_sale(reference)
        return None if record is None or record.answer else _Open(reference, None, record)

    def _find(self, reference: str) -> _Open | None:
        for opened in (self._current, self._acquired):
            if opened is not None and opened.reference == reference:
                return opened
        return self._doubtful.get(reference)


def _refuse_unless_own(message: Message, of: Record | Message) -> None:
    """Raises Failed when another till has sent the request that a till ends."""
    if of.sender != message.sender:
        raise _not_its_own()


def _not_its_own() -> Failed:
    why = "Only the till that has sent a message may end it, with the key that it was sent with."
    return Failed(ErrorCondition.NOT_ALLOWED, why)


def _new_reference() -> str:
    return f"nexo-{secrets.token_hex(12)}"
