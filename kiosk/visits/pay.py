"""Paying for a sale with a palm, or else with a card at the terminal, exactly once."""

import logging
from dataclasses import replace
from functools import partial
from typing import Literal

from kiosk.race import first
from kiosk.screens import (
    AgeNotSeen,
    Approved,
    Choice,
    ConfirmPurchase,
    Declined,
    Entered,
    HoldPalm,
    NoMembership,
    NotCharged,
    NotRecognised,
    PayAnotherWay,
    TroubleKind,
    Work,
    Working,
)
from kiosk.service.errors import Refused, ServiceError
from kiosk.service.transport import Delivery
from kiosk.till.till import Sale, SaleResult
from kiosk.visits.age import AgeNotReached, NotAwaited, ask_age
from kiosk.visits.charge import (
    STRAGGLING,
    NotChargeable,
    Unconfirmed,
    Unreached,
    charge,
    resolve,
)
from kiosk.visits.confirm_by_phone import confirm_by_phone
from kiosk.visits.enrol import enrol
from kiosk.visits.help import offer_help
from kiosk.visits.leave import leave
from kiosk.visits.number import Mobile, ask_mobile
from kiosk.visits.pay_by_card import NotPaid, pay_by_card
from kiosk.visits.receipts import ask_with_receipt
from kiosk.visits.recognise import new_visit_id, recognise
from kiosk.visits.staff_see_hand import staff_see_hand
from kiosk.visits.steps import Turn, take_steps
from kiosk.visits.tips import ask_tip, tips_of, with_tip
from kiosk.visits.visit import Troubled, Visit
from protocol.messages import (
    AUTHENTICATION_REQUIRED,
    Card,
    ClaimOpened,
    Customer,
    Identification,
    Money,
    Outcome,
    OwnCard,
    ProblemType,
    Proof,
    Purchase,
    PurchaseRequest,
    Purpose,
)

log = logging.getLogger(__name__)


class NotMember(Exception):
    """The till requires a membership, and the shopper has none."""


LAPSED = {ProblemType.EXPIRED, ProblemType.NOT_FOUND}
"""Problems after which a claim has to be made again."""

CANCEL_WITHIN_S = 3.0
"""How long a shopper can cancel a payment that is made without a touch, in seconds."""

LIFTED_WITHIN_S = 0.5
"""How long a finger may rest on the button that cancels, in seconds."""


async def pay(visit: Visit, sale: Sale, known: Identification | None = None) -> None:
    """Pays for a sale, and tells the till as soon as it is charged or declined. A visit that ends
    without telling the till has charged nothing. `known` is the shopper, when the till has asked
    for them before.

    Called again after Troubled (PAYMENT_UNKNOWN), it asks what became of the purchase.
    """
    in_doubt = visit.journal.holds(sale.reference)
    purchase: Purchase | NotPaid = Choice.ANOTHER_WAY
    try:
        purchase = await (_ask_after(visit, sale) if in_doubt else _buy(visit, sale, known))
        if purchase is Choice.ANOTHER_WAY and _takes_cards(visit, sale):
            # Whoever taps a card is not known, and collects no points.
            sale = replace(sale, points=None)
            visit.till.note_payer(sale.reference, None)
            purchase = await pay_by_card(visit, sale)
    except (NotAwaited, Unconfirmed, Unreached):
        # No card is taken here either: staff would have to see the age as well, without the service
        # no card can be charged, and one sale is one purchase, which has ended without its holder's
        # confirmation.
        pass
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
    except NotMember:
        await visit.till.answer(sale.reference, SaleResult.NO_MEMBERSHIP)
        await visit.stage.ask(NoMembership(sale.merchant))
        return
    if purchase is Choice.CANCEL:
        return
    if purchase is Choice.ANOTHER_WAY:
        if visit.till.awaits(sale.reference):
            await visit.till.answer(sale.reference, SaleResult.ANOTHER_WAY)
        await visit.stage.ask(PayAnotherWay(sale.merchant))
    elif purchase.outcome == "approved":
        card, receipt = purchase.card, purchase.receipt or None
        approved = Approved(sale.merchant, purchase.amount, card, sale.points, receipt)
        await ask_with_receipt(visit.stage, visit.service, sale.reference, approved)
    elif purchase.outcome == "not_paid":
        await _tell_not_charged(visit, sale)
    else:
        asks_holder = purchase.decline_reason == AUTHENTICATION_REQUIRED
        declined = Declined(sale.merchant, purchase.amount, purchase.card, asks_holder)
        if await visit.stage.ask(declined) is Choice.ANOTHER_WAY:
            await visit.stage.ask(PayAnotherWay(sale.merchant))


def _takes_cards(visit: Visit, sale: Sale) -> bool:
    """Returns whether the sale can still be paid with a card here. It is not known whether whoever
    taps one has a membership."""
    return not sale.members_only and visit.till.awaits(sale.reference)


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
    """Raises AgeNotReached, NotAwaited, NotMember, and NotChargeable: before the palm is shown if
    the service has told its limits."""
    why = await visit.service.refusal(sale.amount)
    if why is not None:
        raise NotChargeable(why)
    # A tip may bring the amount above the limit.
    most = max([sale.amount, *(with_tip(sale.amount, tip) for tip in tips_of(sale))], key=_minor)
    longer = await visit.service.wants_pulse(most)
    screen = HoldPalm(Purpose.PAY, amount=sale.amount, merchant=sale.merchant, longer=longer)
    visit_id = new_visit_id()
    # Where no card is taken, none is offered when the palm reader fails.
    reading = replace(visit, terminal=None) if sale.members_only else visit
    while True:
        found, known = known or await who(reading, screen, visit_id, most), None
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


async def _ask_after(visit: Visit, sale: Sale) -> Purchase | NotPaid:
    pending = visit.journal.find(sale.reference)
    amount = pending.request.amount if pending else sale.amount
    visit.stage.show(Working(Work.PAYING, amount, visit.device.merchant))
    try:
        purchase = await resolve(visit.service, visit.till, visit.journal, sale.reference)
    except ServiceError:
        purchase = None
    if purchase is None and visit.journal.holds(sale.reference):
        raise Troubled(TroubleKind.PAYMENT_UNKNOWN)
    return purchase or Choice.ANOTHER_WAY


async def who(
    visit: Visit, screen: HoldPalm, visit_id: str, most: Money | None = None
) -> Identification | NotPaid:
    """Recognises the shopper by the palm alone or by the palm and the number. `most` is what they
    are to pay at most, where that is known."""
    by_palm = partial(visit.service.identify, purpose=screen.purpose, visit_id=visit_id, most=most)
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
    """Raises AgeNotReached, NotAwaited and NotMember."""
    if sale.members_only and customer.membership is None:
        raise NotMember
    if customer.card is None:
        return Choice.ANOTHER_WAY
    if sale.over is not None:
        seen = await ask_age(visit, found, sale.over)
        if seen is Choice.ANOTHER_WAY:
            raise NotAwaited
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
        tipped = await ask_tip(visit, sale)
        if tipped is None:
            return Choice.CANCEL
        sale = tipped
        visit.stage.bill(sale.bill)
    looks = await visit.service.wants_staff(sale.amount)
    if looks and not await staff_see_hand(visit, sale.amount, customer):
        return Choice.ANOTHER_WAY
    confirm = ConfirmPurchase(
        sale.merchant, sale.amount, customer.name_hint, card, sale.points, sale.over
    )
    if visit.pays_by_itself(sale.amount) and not card.expired:
        confirm = replace(confirm, pays_in=CANCEL_WITHIN_S)
    own = await _choose_card(visit, confirm, customer)
    if own is Choice.CANCEL:
        return Choice.CANCEL
    try:
        request = PurchaseRequest(
            identification_id=found.identification_id,
            amount=sale.amount,
            reference=sale.reference,
            card_id=own.card_id if own else None,
            asks_holder=True,
            staff_seen=looks,
        )

        async def buy(key: str, delivery: Delivery) -> Purchase:
            try:
                return await visit.service.purchase(request, key, delivery)
            except Refused as refused:
                url = refused.problem.confirm_url
                if refused.type is not ProblemType.HOLDER_ASKED or url is None:
                    raise
            return await confirm_by_phone(visit, sale, own.card if own else card, url)

        return await charge(visit, sale, request, found.expires_at + STRAGGLING, buy)
    except Refused as refused:
        if refused.type in (ProblemType.HOLD_LONGER, ProblemType.STAFF_REQUIRED):
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


async def _choose_card(
    visit: Visit, confirm: ConfirmPurchase, customer: Customer
) -> OwnCard | Literal[Choice.CANCEL] | None:
    """Asks for the confirmation, and returns the card that pays; None where the service names none.
    Whoever has chosen a card confirms by a touch, too."""
    cards = customer.cards
    if len(cards) > 1:
        chosen = next((at for at, own in enumerate(cards) if own.card == customer.card), 0)
        confirm = replace(confirm, cards=tuple(own.card for own in cards), chosen=chosen)
    while True:
        match await _confirmed(visit, confirm):
            case Choice.CANCEL:
                return Choice.CANCEL
            case Entered(text) if text.isdecimal() and 1 <= int(text) <= len(cards):
                at = int(text) - 1
                if not cards[at].card.expired:
                    confirm = replace(confirm, card=cards[at].card, chosen=at, pays_in=None)
            case Entered():
                pass
            case Choice.CONFIRM:
                return cards[confirm.chosen] if cards else None


async def _confirmed(
    visit: Visit, confirm: ConfirmPurchase
) -> Entered | Literal[Choice.CONFIRM, Choice.CANCEL]:
    answer = visit.stage.ask(confirm)
    if confirm.pays_in is None:
        return await answer
    return await first(answer, _until_cancelled_no_more(visit))


def _minor(amount: Money) -> int:
    return amount.minor


async def _until_cancelled_no_more(visit: Visit) -> Literal[Choice.CONFIRM]:
    await visit.clock.sleep(CANCEL_WITHIN_S)
    # A finger that came down in time cancels when it is lifted.
    if visit.stage.last_touch() > visit.clock.now() - LIFTED_WITHIN_S:
        await visit.clock.sleep(LIFTED_WITHIN_S)
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
