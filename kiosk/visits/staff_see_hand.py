"""Staff see the hand that pays a large amount: what is worn on a living hand, such as a print on a
thin film, shows to whoever looks at it (docs/liveness.md)."""

import logging

from kiosk.screens import Choice, ConfirmHand, ShowHand
from kiosk.visits.help import offer_help
from kiosk.visits.pin import Shut, let_staff_on
from kiosk.visits.visit import Visit
from protocol.messages import Customer, Money

log = logging.getLogger(__name__)


async def staff_see_hand(visit: Visit, amount: Money, customer: Customer) -> bool:
    """Returns whether staff have seen a bare hand. Otherwise the shopper pays another way."""
    shut = False
    while True:
        answer = await visit.stage.ask(ShowHand(visit.device.merchant, amount, shut))
        if answer is Choice.HELP:
            answer = await offer_help(visit.stage, visit.till, paying=True)
        if answer is Choice.ANOTHER_WAY:
            return False
        if answer is not Choice.STAFF:
            continue
        try:
            goes_on = await let_staff_on(visit.stage, visit.pin)
            shut = False
        except Shut as why:
            log.error("staff cannot say that they see a hand: %s", why)
            goes_on, shut = False, True
        if goes_on:
            break
    asked = ConfirmHand(amount, customer.name_hint)
    seen = await visit.stage.ask(asked) is Choice.CONFIRM
    if not seen:
        log.warning("staff have looked at the hand of a shopper, and it does not pay")
    return seen
