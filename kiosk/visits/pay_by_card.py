"""Taking the shopper's card at the attached terminal, in the same sale: when they prefer that to
their palm, or are not known."""

import logging
import secrets
from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import Literal

from hardware.faults import PermanentFault
from hardware.terminal import CardRead, CardTerminal, StripeReader, Terminal
from kiosk.idle import Withdrawn
from kiosk.race import first
from kiosk.screens import Choice, PayWithCard, Work, Working
from kiosk.service.errors import Offline, Refused, ServiceError, ServiceUnavailable
from kiosk.stage import WalkedAway
from kiosk.till.journal import PendingPurchase
from kiosk.till.till import Sale
from kiosk.visits.age import AgeNotReached, ask_age
from kiosk.visits.charge import NotChargeable, charge, close, conclude, unknown
from kiosk.visits.tap import Problem, read_card
from kiosk.visits.tips import ask_tip
from kiosk.visits.visit import Visit
from protocol.messages import CardPurchase, CardPurchaseRequest, CardSale, ProblemType, Purchase

log = logging.getLogger(__name__)

LOOKS_S = 1.0
"""Seconds between two questions whether the reader has taken a card."""
DELAYED = timedelta(minutes=4)
"""How long after now a request for a card may still arrive. It is signed again with each attempt,
and a signature is accepted for two minutes at most."""

TAKES_NONE = {ProblemType.READER_UNAVAILABLE, ProblemType.NOT_FOUND}
"""Problems after which the shopper pays at the till: the reader takes no card, or is not bound to
this kiosk, or the service is one of before."""

NotPaid = Literal[Choice.CANCEL, Choice.ANOTHER_WAY]


async def pay_by_card(visit: Visit, sale: Sale) -> Purchase | NotPaid:
    """Takes a card for a sale, and tells the till as soon as it is charged or declined. Where the
    till asks for an age, staff look at a document first. Returns ANOTHER_WAY where no terminal is
    attached, and when it takes no card: nothing was charged then.

    Raises AgeNotReached, NotChargeable, Unreached, and Troubled (PAYMENT_UNKNOWN) when the outcome
    stays unknown. Every other exception means that nothing was charged.
    """
    terminal = visit.terminal
    if terminal is None:
        return Choice.ANOTHER_WAY
    if sale.over is not None:
        seen = await ask_age(visit, None, sale.over)
        if seen is Choice.CANCEL or seen is Choice.ANOTHER_WAY:
            return seen
        if seen is not True:
            raise AgeNotReached
    tipped = await ask_tip(visit, sale) if sale.tips else sale
    if tipped is None:
        return Choice.CANCEL
    visit.stage.bill(tipped.bill)
    try:
        paid = await _take(visit, tipped, terminal)
    except Refused as refused:
        if refused.type is ProblemType.NOT_CHARGEABLE:
            # The operator has changed the currency or the provider meanwhile.
            await visit.service.info()
            raise NotChargeable(refused.problem.detail) from None
        if refused.type not in TAKES_NONE:
            raise
        log.error("no card is taken: %s", refused.problem.reader or refused)
        paid = Choice.ANOTHER_WAY
    if paid is Choice.ANOTHER_WAY:
        # The till does not know of the tip.
        visit.stage.bill(sale.bill)
    return paid


async def _take(visit: Visit, sale: Sale, terminal: Terminal) -> Purchase | NotPaid:
    if isinstance(terminal, StripeReader):
        return await _AtReader(visit, sale, terminal.reader).pay()
    return await _tap(visit, sale, terminal)


async def _tap(visit: Visit, sale: Sale, terminal: CardTerminal) -> Purchase | NotPaid:
    """Pays at a terminal of the kiosk's own, which delivers a token."""

    def screen(problem: Problem | None = None) -> PayWithCard:
        return PayWithCard(sale.merchant, sale.amount, problem)

    reading = read_card(visit, terminal, lambda what: visit.stage.show(screen(what)))
    try:
        card = await first(reading, visit.stage.ask(screen()))
    except PermanentFault as fault:
        log.error("the card terminal takes no card: %s", fault)
        return Choice.ANOTHER_WAY
    if not isinstance(card, CardRead):
        return card
    asked = CardSale(amount=sale.amount, reference=sale.reference)
    request = CardPurchaseRequest(**asked.model_dump(), token=card.token)
    decided_by = visit.service.now() + DELAYED
    return await charge(
        visit, sale, asked, decided_by, partial(visit.service.buy_with_card, request)
    )


class _AtReader:
    """A sale whose card is presented at a reader that the service drives. From the request on, it
    is in the journal: whatever interrupts it, the service is asked to wait for the card no longer,
    and tells whether it was taken."""

    def __init__(self, visit: Visit, sale: Sale, reader: str) -> None:
        self._visit = visit
        self._sale = sale
        self._asked = CardSale(amount=sale.amount, reference=sale.reference)
        self._request = CardPurchaseRequest(**self._asked.model_dump(), reader=reader)

    async def pay(self) -> Purchase | NotPaid:
        visit, sale = self._visit, self._sale
        begun = await self._begin()
        if begun is None:
            return Choice.ANOTHER_WAY
        if begun.purchase is not None:
            return await self._conclude(begun.purchase)
        screen = PayWithCard(sale.merchant, sale.amount)
        try:
            answer = await first(self._taken(), visit.stage.ask(screen))
        except (WalkedAway, Withdrawn):
            await self._conclude(await self._end())
            raise
        if isinstance(answer, Purchase):
            return await self._conclude(answer)
        return await self._conclude(await self._end(), answer)

    async def _begin(self) -> CardPurchase | None:
        """Has the reader wait for the card. Returns None when the service was never reached.
        Raises Refused: nothing was begun then."""
        visit, key = self._visit, secrets.token_urlsafe(24)
        decided_by = visit.service.now() + DELAYED
        pending = PendingPurchase(request=self._asked, idempotency_key=key, decided_by=decided_by)
        visit.journal.open(pending)
        working = Working(Work.READYING_READER, self._sale.amount, self._sale.merchant)
        visit.stage.show(working)
        try:
            return await visit.service.begin_card_purchase(self._request, key)
        except Refused as refused:
            if not refused.may_have_arrived:
                close(visit.journal, self._sale.reference)
                raise
            log.warning("no card is taken: %s", refused)
        except Offline as offline:
            if not offline.may_have_arrived:
                log.warning("no card is taken without the service: %s", offline)
                close(visit.journal, self._sale.reference)
                return None
        except ServiceUnavailable as unavailable:
            log.warning("no card is taken: %s", unavailable)
        return CardPurchase(purchase=await self._end())

    async def _taken(self) -> Purchase:
        """Waits until the reader has ended."""
        while True:
            await self._visit.clock.sleep(LOOKS_S)
            with suppress(Offline, ServiceUnavailable):
                told = await self._visit.service.look_at_card_purchase(self._sale.reference)
                if told.purchase is not None:
                    return told.purchase

    async def _end(self) -> Purchase:
        """Has the card awaited no longer, and returns what became of the sale: a card that was
        taken has paid. Raises Troubled (PAYMENT_UNKNOWN)."""
        self._visit.stage.show(Working(Work.CHECKING_SERVICE))
        try:
            return await self._visit.service.end_card_purchase(self._sale.reference)
        except ServiceError as error:
            raise await unknown(self._visit, self._sale.reference) from error

    async def _conclude(
        self, purchase: Purchase, chosen: NotPaid = Choice.ANOTHER_WAY
    ) -> Purchase | NotPaid:
        """Tells the till of a purchase, unless nothing was charged: `chosen` is what follows then,
        and the till is still to be told."""
        if purchase.outcome == "not_paid":
            close(self._visit.journal, self._sale.reference)
            return chosen
        await conclude(self._visit, self._asked, purchase)
        return purchase
