"""Paying for a sale with a palm, exactly once."""

import asyncio
import logging
import secrets
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any, Literal

from kiosk.clock import Clock
from kiosk.idle import Withdrawn
from kiosk.race import first
from kiosk.screens import (
    AgeNotSeen,
    Approved,
    Choice,
    ChooseTip,
    ConfirmPurchase,
    Declined,
    Entered,
    HoldPalm,
    NotCharged,
    NotRecognised,
    PayAnotherWay,
    TroubleKind,
    Work,
    Working,
)
from kiosk.service.client import SignatureService
from kiosk.service.errors import (
    Offline,
    Refused,
    ServiceError,
    ServiceUnavailable,
    WrongPurchase,
)
from kiosk.service.transport import Delivery
from kiosk.stage import Stage, WalkedAway
from kiosk.till.journal import PendingPurchase, PurchaseJournal
from kiosk.till.till import Sale, SaleResult, Till, Untold
from kiosk.visits.age import ask_age
from kiosk.visits.enrol import enrol
from kiosk.visits.help import offer_help
from kiosk.visits.leave import leave
from kiosk.visits.number import Mobile, ask_mobile
from kiosk.visits.recognise import new_visit_id, recognise
from kiosk.visits.steps import Turn, take_steps
from kiosk.visits.visit import Troubled, Visit
from protocol.messages import (
    AUTHENTICATION_REQUIRED,
    MOST_MINOR,
    Card,
    ClaimOpened,
    Customer,
    Identification,
    Money,
    Outcome,
    ProblemType,
    Proof,
    Purchase,
    PurchaseRequest,
    Purpose,
    Told,
)

log = logging.getLogger(__name__)

NotPaid = Literal[Choice.CANCEL, Choice.ANOTHER_WAY]


class AgeNotReached(Exception):
    """Staff have not seen that the shopper has reached the age that the till asks for."""


class NotChargeable(Exception):
    """The service does not charge this sale: the message tells the operator why."""


LAPSED = {ProblemType.EXPIRED, ProblemType.NOT_FOUND}
"""Problems after which a claim has to be made again."""

CANCEL_WITHIN_S = 3.0
"""How long a shopper can cancel a payment that is made without a touch, in seconds."""

STRAGGLING = timedelta(minutes=2)
"""How long after its identification has expired a purchase may still be completed."""


async def pay(visit: Visit, sale: Sale, known: Identification | None = None) -> None:
    """Pays for a sale, and tells the till as soon as it is charged or declined. A visit that ends
    without telling the till has charged nothing. `known` is the shopper, when the till has asked
    for them before.

    Called again after Troubled (PAYMENT_UNKNOWN), it asks what became of the purchase.
    """
    pending = visit.journal.find(sale.reference)
    try:
        purchase = await (_ask_after(visit, pending) if pending else _buy(visit, sale, known))
    except NotChargeable as why:
        log.error("a sale cannot be charged: %s", why)
        await visit.till.answer(sale.reference, SaleResult.NOT_PAID, str(why))
        await _tell_not_charged(visit, sale)
        return
    except AgeNotReached:
        await visit.till.answer(sale.reference, SaleResult.AGE_NOT_SEEN)
        assert sale.over
        await visit.stage.ask(AgeNotSeen(sale.merchant, sale.over))
        return
    if purchase is Choice.CANCEL:
        return
    if purchase is Choice.ANOTHER_WAY:
        if visit.till.awaits(sale.reference):
            await visit.till.answer(sale.reference, SaleResult.ANOTHER_WAY)
        await visit.stage.ask(PayAnotherWay(sale.merchant))
    elif purchase.outcome == "approved":
        await visit.stage.ask(Approved(sale.merchant, purchase.amount, purchase.card, sale.points))
    elif purchase.outcome == "not_paid":
        await _tell_not_charged(visit, sale)
    else:
        asks_holder = purchase.decline_reason == AUTHENTICATION_REQUIRED
        declined = Declined(sale.merchant, purchase.amount, purchase.card, asks_holder)
        if await visit.stage.ask(declined) is Choice.ANOTHER_WAY:
            await visit.stage.ask(PayAnotherWay(sale.merchant))


async def _tell_not_charged(visit: Visit, sale: Sale) -> None:
    """Tells the shopper that nothing was charged, and offers help and another way to pay."""
    while True:
        chosen = await visit.stage.ask(NotCharged(sale.merchant, sale.amount))
        if chosen is Choice.HELP:
            chosen = await offer_help(visit.stage, visit.till, paying=True)
        if chosen is Choice.ANOTHER_WAY:
            await visit.stage.ask(PayAnotherWay(sale.merchant))
            return


async def _buy(visit: Visit, sale: Sale, known: Identification | None) -> Purchase | NotPaid:
    """Raises AgeNotReached, and NotChargeable: before the palm is shown if the service has told its
    limits."""
    why = await visit.service.refusal(sale.amount)
    if why is not None:
        raise NotChargeable(why)
    # A tip may bring the amount above the limit.
    most = max([sale.amount, *(_with(sale.amount, tip) for tip in _tips(sale))], key=_minor)
    longer = await visit.service.wants_pulse(most)
    screen = HoldPalm(Purpose.PAY, amount=sale.amount, merchant=sale.merchant, longer=longer)
    visit_id = new_visit_id()
    while True:
        found, known = known or await who(visit, screen, visit_id), None
        match found:
            case Identification(outcome=Outcome.ACCEPTED, customer=Customer() as customer):
                bought = await _recognised(visit, sale, found, customer)
            case Identification():
                bought = await visit.stage.ask(NotRecognised(Purpose.PAY, found.attempts_left))
            case _:
                return found
        if bought is Choice.SIGN_UP:
            if await enrol(visit) is Choice.DELETE:
                await leave(visit)
            visit_id = new_visit_id()
        elif bought is Choice.TRY_AGAIN and await visit.service.wants_pulse(most):
            screen = replace(screen, longer=True)
        elif bought is not Choice.TRY_AGAIN:
            return bought


async def _ask_after(visit: Visit, pending: PendingPurchase) -> Purchase | NotPaid:
    request = pending.request
    visit.stage.show(Working(Work.PAYING, request.amount, visit.device.merchant))
    try:
        purchase = await resolve(visit.service, visit.till, visit.journal, pending)
    except ServiceError:
        purchase = None
    if purchase is None and visit.journal.find(request.reference):
        raise Troubled(TroubleKind.PAYMENT_UNKNOWN)
    return purchase or Choice.ANOTHER_WAY


async def who(visit: Visit, screen: HoldPalm, visit_id: str) -> Identification | NotPaid:
    """Recognises the shopper by the palm alone or by the palm and the number."""
    by_palm = partial(visit.service.identify, purpose=screen.purpose, visit_id=visit_id)
    while True:
        found = await recognise(visit, screen, by_palm)
        if found is Choice.USE_NUMBER:
            found = await _recognise_by_number(visit, screen)
            if found is None:
                continue
        return Choice.CANCEL if found is Choice.BACK else found


async def _recognised(
    visit: Visit, sale: Sale, found: Identification, customer: Customer
) -> Purchase | NotPaid | Literal[Choice.TRY_AGAIN]:
    """Raises AgeNotReached."""
    if customer.card is None:
        return Choice.ANOTHER_WAY
    if sale.over is not None:
        seen = await ask_age(visit, found, sale.over)
        if isinstance(seen, Choice):
            return seen
        if not seen:
            raise AgeNotReached
    visit.till.note_payer(sale.reference, customer)
    return await _confirm(visit, sale, found, customer, customer.card)


async def _confirm(
    visit: Visit, sale: Sale, found: Identification, customer: Customer, card: Card
) -> Purchase | NotPaid | Literal[Choice.TRY_AGAIN]:
    if sale.tips:
        tipped = await _ask_tip(visit, sale)
        if tipped is None:
            return Choice.CANCEL
        sale = tipped
        visit.stage.bill(sale.bill)
    confirm = ConfirmPurchase(
        sale.merchant, sale.amount, customer.name_hint, card, sale.points, sale.over
    )
    if visit.pays_by_itself(sale.amount) and not card.expired:
        confirm = replace(confirm, pays_in=CANCEL_WITHIN_S)
        answer = await first(visit.stage.ask(confirm), _until_cancelled_no_more(visit.clock))
    else:
        answer = await visit.stage.ask(confirm)
    if answer is Choice.CANCEL:
        return Choice.CANCEL
    try:
        return await charge(visit, sale, found)
    except Refused as refused:
        if refused.type is ProblemType.HOLD_LONGER:
            # The operator has changed the limit meanwhile.
            await visit.service.info()
            return Choice.TRY_AGAIN
        if refused.type is ProblemType.NOT_CHARGEABLE:
            # The operator has changed the currency or the provider meanwhile.
            await visit.service.info()
            raise NotChargeable(refused.problem.detail) from None
        # The shopper took too long to confirm: the palm is asked for again.
        if refused.type in (ProblemType.EXPIRED, ProblemType.NOT_ACCEPTED):
            return Choice.TRY_AGAIN
        raise


async def _ask_tip(visit: Visit, sale: Sale) -> Sale | None:
    """Returns the sale with the tip that the shopper adds, None when they cancel. Tips that cannot
    be charged are not offered."""
    refusals = [await visit.service.refusal(_with(sale.amount, tip)) for tip in _tips(sale)]
    tips = [tip for tip, why in zip(_tips(sale), refusals, strict=True) if why is None]
    if not tips:
        return sale
    while True:
        answer = await visit.stage.ask(ChooseTip(sale.merchant, sale.amount, tuple(tips)))
        match answer:
            case Choice.CANCEL:
                return None
            case Choice.SKIP:
                return sale
            case Entered(text) if text.isdecimal() and 1 <= int(text) <= len(tips):
                tip = tips[int(text) - 1]
                return replace(sale, amount=_with(sale.amount, tip), tip=tip)
            case _:
                continue


def _tips(sale: Sale) -> list[Money]:
    """Returns the tips of a sale that make no amount above the largest one."""
    amount = sale.amount
    parts = [max(1, (amount.minor * percent + 50) // 100) for percent in sale.tips]
    return [
        Money(minor=part, currency=amount.currency)
        for part in parts
        if amount.minor + part <= MOST_MINOR
    ]


def _with(amount: Money, tip: Money) -> Money:
    return Money(minor=amount.minor + tip.minor, currency=amount.currency)


def _minor(amount: Money) -> int:
    return amount.minor


async def _until_cancelled_no_more(clock: Clock) -> Literal[Choice.CONFIRM]:
    await clock.sleep(CANCEL_WITHIN_S)
    return Choice.CONFIRM


async def _recognise_by_number(visit: Visit, screen: HoldPalm) -> Identification | NotPaid | None:
    """Compares the palm with those of one number's holder only. Returns None when the shopper goes
    back."""
    claiming = Claiming(visit, screen)
    await take_steps(claiming.number, claiming.palm, recovers=claiming.recovers)
    return claiming.found


class Claiming:
    """One claim to be the holder of a number, and how far the shopper has got with it."""

    def __init__(self, visit: Visit, screen: HoldPalm) -> None:
        self._visit = visit
        self._screen = screen
        self._mobile: Mobile | None = None
        self._claim: ClaimOpened | None = None
        self.found: Identification | NotPaid | None = None
        """Whom the palm belongs to, or how the shopper has ended the visit."""

    async def number(self) -> Turn:
        typed = self._mobile.typed if self._mobile else ""
        mobile = await ask_mobile(self._visit, self._screen.purpose, typed)
        if mobile is None:
            return Turn.BACK
        self._mobile, self._claim = mobile, None
        return Turn.ON

    async def palm(self) -> Turn:
        assert self._mobile
        service, purpose = self._visit.service, self._screen.purpose
        if self._claim is None:
            self._visit.stage.show(Working(Work.CHECKING_SERVICE))
            self._claim = await service.claim(self._mobile.e164, Proof.PALM, purpose)
        by_claim = partial(service.prove_by_palm, self._claim.claim_id, purpose=purpose)
        found = await recognise(self._visit, self._screen, by_claim)
        if found is Choice.BACK or found is Choice.USE_NUMBER:
            return Turn.BACK
        self.found = found
        return Turn.ON

    async def recovers(self, error: Exception) -> bool:
        """Keeps the number for another try. A claim that the service does not know any more is made
        again."""
        if isinstance(error, Refused) and error.type in LAPSED:
            self._claim = None
        again = await self._visit.recovers(error)
        if not again:
            self.found = Choice.CANCEL
        return again


async def charge(
    visit: Visit, sale: Sale, identification: Identification
) -> Purchase | Literal[Choice.ANOTHER_WAY]:
    """Buys and tells the till. The purchase is in the journal until its outcome is known. Returns
    ANOTHER_WAY when the shopper did not wait for a service that was never reached.

    Raises Troubled (PAYMENT_UNKNOWN) when the outcome stays unknown; `resolve` asks again later.
    Every other exception means that nothing was charged.
    """
    request = PurchaseRequest(
        identification_id=identification.identification_id,
        amount=sale.amount,
        reference=sale.reference,
    )
    pending = PendingPurchase(
        request=request,
        idempotency_key=secrets.token_urlsafe(24),
        decided_by=identification.expires_at + STRAGGLING,
    )
    visit.journal.open(pending)
    try:
        purchase = await _bought(visit, sale, pending)
    except (Refused, WalkedAway, Withdrawn):
        _close(visit.journal, sale.reference)
        raise
    except Offline as offline:
        if offline.may_have_arrived:
            await visit.till.answer(sale.reference, SaleResult.UNKNOWN)
            raise Troubled(TroubleKind.PAYMENT_UNKNOWN) from offline
        _close(visit.journal, sale.reference)
        raise
    except ServiceUnavailable as unavailable:
        await visit.till.answer(sale.reference, SaleResult.UNKNOWN)
        raise Troubled(TroubleKind.PAYMENT_UNKNOWN) from unavailable
    if purchase is Choice.ANOTHER_WAY:
        _close(visit.journal, sale.reference)
        return purchase
    try:
        await settle(visit.till, visit.journal, request, purchase)
    except WrongPurchase as wrong:
        log.error("a purchase stays in the journal: %s", wrong)
        raise Troubled(TroubleKind.PAYMENT_UNKNOWN) from wrong
    return purchase


async def _bought(
    visit: Visit, sale: Sale, pending: PendingPurchase
) -> Purchase | Literal[Choice.ANOTHER_WAY]:
    """Requests the purchase, and offers a way out as long as nothing of the request was sent.

    Raises what the service raises, and what interrupts the question whether to wait.
    """
    working = Working(Work.PAYING, sale.amount, sale.merchant)
    visit.stage.show(working)
    delivery = Delivery()
    buying = asyncio.ensure_future(
        visit.service.purchase(pending.request, pending.idempotency_key, delivery)
    )
    leaving = asyncio.ensure_future(_leaves(visit.stage, working, delivery))
    try:
        await asyncio.wait({buying, leaving}, return_when=asyncio.FIRST_COMPLETED)
        # Sent meanwhile or not: once cancelled, the request sends nothing more.
        left = leaving.done() and not buying.done() and not delivery.begun.is_set()
        return leaving.result() if left else await buying
    finally:
        buying.cancel()
        leaving.cancel()
        await asyncio.gather(buying, leaving, return_exceptions=True)


async def _leaves(
    stage: Stage, working: Working, delivery: Delivery
) -> Literal[Choice.ANOTHER_WAY]:
    """Waits until the shopper pays another way, or for ever once the request may have arrived: its
    outcome is unknown from then on. The payment goes on when the question fails."""
    await delivery.failed.wait()
    if not delivery.begun.is_set():
        waiting = replace(working, way_out=True)
        try:
            answer = await first(_until_set(delivery.begun), stage.ask(waiting))
        except (WalkedAway, Withdrawn):
            raise
        except Exception as error:
            log.error("paying cannot be left: %s", type(error).__name__)
        else:
            if answer is not None and not delivery.begun.is_set():
                return answer
            stage.show(working)
    return await asyncio.Future[Any]()


async def _until_set(event: asyncio.Event) -> None:
    await event.wait()


def _close(journal: PurchaseJournal, reference: str, told: Told | None = None) -> None:
    """Takes a purchase whose outcome is known out of the journal. `told` is what the till was told
    of it. A disk that does not let it go changes nothing about the outcome."""
    try:
        journal.close(reference, told)
    except OSError as error:
        log.error("a purchase stays in the journal: %s", error.strerror)


async def settle(
    till: Till, journal: PurchaseJournal, request: PurchaseRequest, purchase: Purchase
) -> None:
    """Tells the till the outcome and removes the purchase from the journal.

    Raises WrongPurchase when the answer is for another reference or amount than was asked. The
    till is told UNKNOWN then, and the purchase stays in the journal.
    """
    if (purchase.reference, purchase.amount) != (request.reference, request.amount):
        await till.answer(request.reference, SaleResult.UNKNOWN)
        raise WrongPurchase("the service answered for another purchase than was asked")
    if purchase.outcome == "not_paid":
        log.error("a purchase was not paid: %s", purchase.decline_reason)
    result = SaleResult(purchase.outcome)
    try:
        await till.answer(
            request.reference,
            result,
            purchase.decline_reason,
            card=purchase.card,
            charged=purchase.amount,
        )
    except Untold:
        # It stays in the journal, and is told when the journal is settled.
        return
    _close(journal, request.reference, Told(result=purchase.outcome))


async def resolve(
    service: SignatureService, till: Till, journal: PurchaseJournal, pending: PendingPurchase
) -> Purchase | None:
    """Asks what became of a purchase in doubt and tells the till. Returns None when there was no
    purchase or it is too early to say. Never buys: the shopper may have paid another way by now.

    Raises ServiceError when the service cannot be asked, WrongPurchase among them (see `settle`).
    """
    reference = pending.request.reference
    try:
        purchase = await service.find_purchase(reference)
    except Refused as refused:
        if refused.type is not ProblemType.NOT_FOUND:
            raise
        # Until then a delayed request could still arrive.
        if service.now() > pending.decided_by:
            await till.answer(reference, SaleResult.NOT_PAID)
            _close(journal, reference)
        return None
    await settle(till, journal, pending.request, purchase)
    return purchase
